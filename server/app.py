"""The composition root: the supervision tree on one screen, and the order in which it stops.

root
├─ bell         what SQLite's threads have done
├─ journal      one writer, group commit                               last to stop
├─ indexer      the full-text index follows the log
├─ node         businesses: conversations, desk, locations, presence; keeper of attachments, eraser
├─ hooks        calls to the servers of businesses: webhooks, send hooks
├─ tending      what falls due in conversations by itself
├─ forgetting   answers that were kept long enough
├─ expiring     what locations keep no longer
└─ edge         one listener: websockets and HTTP                      first to stop
"""

import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
import trio
import uuid_utils

from actors.limits import LOADING
from protocol.codec import json_codec, msgpack_codec
from server.edge.limits import EdgeLimits
from server.edge.listener import Listener
from server.entrance import Entrance
from server.expiring import expire_messages
from server.forgetting import forget_answers
from server.handshake import Door
from server.http.app import build_http_app
from server.http.demo import Demo
from server.lag import LagMeter
from server.node import Node
from server.operator_key import keep_operator_key
from server.page import page_address, page_folder
from server.set_up import SetUp
from server.settings import Settings
from server.tending import tend_conversations
from server.tokens import Tokens
from storage.database import Database

log = structlog.get_logger(__name__)

RESTART_JITTER_SECONDS = 5.0

Prepare = Callable[[Node], Awaitable[Demo | None]]


def now_ms() -> int:
    """The wall clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return str(uuid_utils.uuid7())


def jitter() -> float:
    """Seconds for a client to wait when the server restarts, so that not all come at once."""
    return random.SystemRandom().uniform(0.0, RESTART_JITTER_SECONDS)


@dataclass(frozen=True)
class Running:
    """What a started server offers; setting ``stop`` makes it drain and end."""

    node: Node
    listener: Listener
    port: int
    stop: trio.Event
    set_up_link: str | None = None
    """For whoever makes the first business and its owner; ``None``: there is one."""


async def no_demo(_: Node) -> Demo | None:
    """Prepare nothing: an ordinary server."""
    return None


async def run_server(
    settings: Settings,
    prepare: Prepare = no_demo,
    *,
    sockets: list[socket.socket] | None = None,
    clock: Callable[[], int] = now_ms,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `Running.stop` is set; then drain in order: edge, actors, journal.

    ``sockets``: bound and listening, instead of ``settings.host`` and ``port``; empty: none.
    Cancelling ends it at once, like a crash: what was acknowledged is stored all the same.
    Raises `storage.migrations.UnusableDatabase`, `storage.journal.JournalBroken` or `OSError`
    (the port is in use).
    """
    listening = open_sockets(settings) if sockets is None else sockets
    flush = _Flush()
    database = await Database.open(Path(settings.data_dir), flush, settings.readers, LOADING)
    try:
        node = await _node(settings, database, clock, flush)
        await keep_operator_key(node)
        async with trio.open_nursery() as root:
            await root.start(database.bell.run)
            await root.start(database.journal.run)
            await root.start(database.indexer.run, database.journal)
            await root.start(node.run)
            await root.start(node.hooks.run, node.live)
            demo = await prepare(node)
            port = listening[0].getsockname()[1] if listening else settings.port
            lag = LagMeter()
            stop = trio.Event()
            set_up = SetUp(
                Entrance(node, page_address(settings, port), origins(settings, port).__contains__)
            )
            listener = _listener(
                set_up, demo, lag, port, lambda: not (stop.is_set() or database.journal.stopped)
            )
            link = await set_up.open() if demo is None else None
            running = Running(node, listener, port, stop, link)
            flush.target = running.listener.flusher.flush
            root.start_soon(lag.run)
            root.start_soon(forget_answers, node)
            root.start_soon(tend_conversations, node)
            root.start_soon(expire_messages, node)
            await root.start(running.listener.run, listening)
            log.info("ready", port=port, data_dir=settings.data_dir)
            task_status.started(running)
            await running.stop.wait()
            await _stop(settings, running)
            root.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await database.close()


async def _stop(settings: Settings, running: Running) -> None:
    log.info("stopping")
    deadline = trio.current_time() + settings.drain_seconds
    await running.listener.stop(settings.drain_seconds)
    await running.node.hooks.stop()
    await running.node.stop(max(deadline, trio.current_time() + 1.0))
    log.info("stopped")


class _Flush:
    """Writes what is queued to connections; nothing before there is a listener."""

    target: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.target is not None:
            self.target()


async def _node(
    settings: Settings, database: Database, clock: Callable[[], int], flush: Callable[[], None]
) -> Node:
    secret = await database.setting("token_secret", lambda: secrets.token_urlsafe(48))
    epoch = await database.setting("epoch", lambda: secrets.token_hex(8))
    revoked = await database.queries.revoked_tokens(clock())
    tokens = Tokens(secret, revoked)
    return Node(settings, settings.limits(), database, tokens, clock, new_id, jitter, flush, epoch)


def _listener(
    set_up: SetUp, demo: Demo | None, lag: LagMeter, port: int, ready: Callable[[], bool]
) -> Listener:
    node = set_up.entrance.node
    settings = node.settings
    codecs = {codec.subprotocol: codec for codec in (msgpack_codec(), json_codec())}
    http_app = build_http_app(
        node,
        demo=demo,
        page_folder=page_folder(),
        ready=ready,
        edge_statistics=lambda: listener.statistics(),  # noqa: PLW0108 - it is made below
        lag_seconds=lambda: lag.seconds,
        set_up=set_up,
    )
    listener = Listener(
        handler=Door(node, codecs).serve,
        http_app=http_app,
        origin_allowed=set_up.entrance.origin_allowed,
        subprotocols={name: codec.opcode for name, codec in codecs.items()},
        limits=EdgeLimits(
            connections=settings.connections,
            connections_per_address=settings.connections_per_address or None,
            message_bytes=settings.frame_bytes,
        ),
    )
    return listener


def origins(settings: Settings, port: int) -> frozenset[str]:
    """The origins whose pages may open websockets: the server's own addresses, and those set."""
    own = {settings.public_url.rstrip("/")} if settings.public_url else set()
    hosts = {settings.host, "localhost", "127.0.0.1"} if _is_loopback(settings.host) else set()
    return frozenset({*settings.origins, *own, *(f"http://{host}:{port}" for host in hosts)})


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def open_sockets(settings: Settings) -> list[socket.socket]:
    """The listening sockets. Raises `OSError`: the port is in use, or no such host."""
    found = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return [listening]
