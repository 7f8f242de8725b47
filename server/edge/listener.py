"""The one port: accepts connections and keeps all of them within their limits."""

import errno
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import trio
from hypercorn.typing import ASGIFramework

from actors.crash_report import error_frames, error_name
from protocol.framing import Opcode
from server.edge.connection import Connection, WebSocketHandler, overloaded
from server.edge.handshake import WebSocketPolicy
from server.edge.http import HTTPServing
from server.edge.limits import EdgeLimits, EdgeStatistics
from server.edge.outbound import Flusher
from server.edge.poller import Poller, guarded, open_poller
from server.edge.stream import ConnectionStream
from server.edge.transport import SocketTransport, Transport

BACKLOG: Final = 1024
ACCEPTS_PER_TURN: Final = 64
EXHAUSTED_PAUSE: Final = 0.1
SWEEP_EVERY: Final = 1.0
REFUSALS_AT_ONCE: Final = 128
"""How many connections beyond the cap are told so; further ones are dropped without a word."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_FULL: Final = "The server has too many connections. Come back in a few seconds."

_log = logging.getLogger("deskbell.edge")


class Listener:
    """Serves websockets on one path with a handler, and everything else with an ASGI app.

    The app gets ``http`` scopes alone, no ``lifespan``. Each connection is one task with its own
    outermost frame: what fails there is logged and ends that connection.
    """

    def __init__(
        self,
        *,
        handler: WebSocketHandler,
        http_app: ASGIFramework,
        origin_allowed: Callable[[str], bool],
        subprotocols: Mapping[str, Opcode] | None,
        path: str = "/v1/ws",
        limits: EdgeLimits | None = None,
    ) -> None:
        """``origin_allowed``: an exact test such as ``frozenset(origins).__contains__``.

        ``subprotocols``: each with the kind of data frame it uses; a client must offer one of
        them. None accepts any or none, with both kinds.
        """
        self.limits = limits if limits is not None else EdgeLimits()
        self.flusher = Flusher()
        """Whoever calls ``WebSocket.queue`` outside of a callback flushes it here afterwards."""
        self._poller: Poller | None = None
        self._handler = handler
        self._policy = WebSocketPolicy(path, origin_allowed, subprotocols)
        self._http = HTTPServing(http_app, self.limits)
        self._listening: list[socket.socket] = []
        self._nursery: trio.Nursery | None = None
        self._connections: set[Connection] = set()
        self._refusing = 0
        self._by_address: Counter[str] = Counter()
        self._stop_after: float | None = None
        self._stop_asked = trio.Event()
        self._empty = trio.Event()
        self._finished = trio.Event()
        self._accepted = self._refused = self._failed = 0
        self._bytes_received = 0

    async def run(
        self,
        listening: Sequence[socket.socket] = (),
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept from bound sockets and serve, until ``stop`` has finished or cancelled. Once."""
        self._listening = list(listening)
        try:
            async with trio.open_nursery() as services:
                self._poller = open_poller(self.flusher.flush)
                await services.start(self._poller.run)
                services.start_soon(self._sweep_forever)
                async with trio.open_nursery() as self._nursery:
                    for sock in self._listening:
                        sock.setblocking(False)
                        sock.listen(BACKLOG)
                        self._nursery.start_soon(self._accept, sock)
                    task_status.started()
                    await self._until_stopped()
                    self._nursery.cancel_scope.cancel()
                services.cancel_scope.cancel()
        finally:
            self.stop_accepting()
            self._finished.set()

    def serve(self, transport: Transport) -> None:
        """Serve a connection that is there already; ``run`` has started."""
        assert self._nursery is not None, "run() has started"
        self._accepted += 1
        address = _counted(transport.peer[0])
        connection = Connection(
            ConnectionStream(transport, self.flusher, outbound_bytes=self.limits.outbound_bytes),
            handler=self._handler,
            policy=self._policy,
            http=self._http,
            limits=self.limits,
        )
        if self._has_room(address):
            self._connections.add(connection)
            self._by_address[address] += 1
            self._nursery.start_soon(self._serve, connection, address)
            return
        self._refused += 1
        if self._refusing < REFUSALS_AT_ONCE:
            self._refusing += 1
            self._nursery.start_soon(self._refuse, connection)
        else:
            connection.stream.abort()

    def stop_accepting(self) -> None:
        """Close the listening sockets; what is connected goes on. Idempotent."""
        for sock in self._listening:
            trio.lowlevel.notify_closing(sock)
            sock.close()
        self._listening.clear()

    async def stop(self, drain: float = 10.0) -> None:
        """Stop accepting, ask every connection to end, wait up to ``drain`` seconds, cancel."""
        self.stop_accepting()
        self._stop_after = drain
        await self._http.stop()
        for connection in list(self._connections):
            guarded(connection.stream, connection.stop)
        self._stop_asked.set()
        await self._finished.wait()

    def sweep(self, now: float) -> None:
        """Ping the silent, end the dead and the stalled; ``run`` calls it once a second."""
        for connection in list(self._connections):
            guarded(connection.stream, partial(connection.sweep, now))
        self.flusher.flush()

    def statistics(self) -> EdgeStatistics:
        """What is open now, and totals since the start."""
        return EdgeStatistics(
            open=len(self._connections) + self._refusing,
            websockets=sum(c.websocket is not None for c in self._connections),
            http=sum(c.is_http for c in self._connections),
            accepted=self._accepted,
            refused=self._refused,
            failed=self._failed,
            bytes_received=self._bytes_received
            + sum(c.stream.bytes_received for c in self._connections),
            bytes_sent=self.flusher.bytes_sent,
        )

    async def _until_stopped(self) -> None:
        await self._stop_asked.wait()
        assert self._stop_after is not None
        with trio.move_on_after(self._stop_after):
            if self._connections:
                await self._empty.wait()

    async def _sweep_forever(self) -> None:
        while True:
            await trio.sleep(SWEEP_EVERY)
            self.sweep(trio.current_time())

    async def _accept(self, listening: socket.socket) -> None:
        while listening.fileno() >= 0:
            try:
                await trio.lowlevel.wait_readable(listening)
                for _ in range(ACCEPTS_PER_TURN):
                    sock, _address = listening.accept()
                    self._take(sock)
            except BlockingIOError:
                continue
            except trio.ClosedResourceError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    _log.warning("cannot accept: %s; trying again", error)
                    await trio.sleep(EXHAUSTED_PAUSE)

    def _take(self, sock: socket.socket) -> None:
        assert self._poller is not None
        try:
            transport = SocketTransport(sock, self._poller)
        except OSError:
            sock.close()  # gone before it began
        else:
            self.serve(transport)

    def _has_room(self, address: str) -> bool:
        each = self.limits.connections_per_address
        return len(self._connections) < self.limits.connections and (
            each is None or self._by_address[address] < each
        )

    async def _serve(self, connection: Connection, address: str) -> None:
        """One connection's outermost frame."""
        try:
            await connection.run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client is gone
        except* Exception as errors:  # noqa: BLE001 - ends this connection, and no other
            self._failed += 1
            _log.error("a connection failed: %s at %s", error_name(errors), error_frames(errors))
        finally:
            connection.stream.close()
            self._forget(connection, address)

    def _forget(self, connection: Connection, address: str) -> None:
        self._connections.discard(connection)
        self._bytes_received += connection.stream.bytes_received
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        if self._stop_after is not None and not self._connections:
            self._empty.set()

    async def _refuse(self, connection: Connection) -> None:
        try:
            await connection.refuse(overloaded(_FULL, self.limits))
        finally:
            connection.stream.close()
            self._refusing -= 1


def _counted(address: str) -> str:
    """What the cap counts: an IPv4 address, or the /64 that one customer of a network has."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
