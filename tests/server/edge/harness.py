"""A listener in memory with virtual time, and clients for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from protocol.framing import Opcode, frame
from server.edge.limits import EdgeLimits
from server.edge.listener import Listener
from server.edge.memory import MemoryTransport, memory_pair
from server.edge.outbound import Flusher
from server.edge.stream import ConnectionStream
from server.edge.websocket import WebSocket
from tests.conformance.raw_client import RawClient, request

SUBPROTOCOLS = {"binary.test": Opcode.BINARY, "text.test": Opcode.TEXT}
ORIGIN = "https://app.pawsome.example"
PATH = "/v1/ws"


def upgrade_request(path: str = PATH, **headers: str | None) -> bytes:
    """A request that is accepted, unless a header says otherwise."""
    headers.setdefault("sec_websocket_protocol", "binary.test")
    return request(path, **headers)


async def echo(websocket: WebSocket) -> None:
    def send_back(messages: list[bytes]) -> None:
        for message in messages:
            websocket.queue(frame(message, websocket.kind))

    websocket.on_messages = send_back
    await websocket.wait_closed()


async def hello_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the bytes of the body it was sent."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello " + body})


@dataclass
class Edge:
    """A running listener; ``websockets`` are those that were opened, in order."""

    listener: Listener
    websockets: list[WebSocket] = field(default_factory=list)

    def connect(
        self, capacity: int = 65_536, address: str = "192.0.2.1"
    ) -> tuple[RawClient, MemoryTransport]:
        """A client that sends any bytes, and its end of the connection."""
        mine, theirs = memory_pair(capacity, (address, 50_000))
        self.listener.serve(theirs)
        return RawClient(ConnectionStream(mine, Flusher())), mine

    async def upgraded(
        self, capacity: int = 65_536, **headers: str | None
    ) -> tuple[RawClient, MemoryTransport]:
        """The same, with the handshake done."""
        client, transport = self.connect(capacity)
        head = await client.upgrade(upgrade_request(PATH, **headers))
        assert head.startswith(b"HTTP/1.1 101 ")
        return client, transport

    async def library_client(
        self, nursery: trio.Nursery, subprotocol: str = "binary.test"
    ) -> WebSocketConnection:
        """A client of trio-websocket."""
        client, _ = self.connect()
        connection = await wrap_client_stream(
            nursery,
            client.stream,  # type: ignore[arg-type]
            "deskbell.test",
            PATH,
            subprotocols=[subprotocol],
        )
        await connection._open_handshake.wait()
        return connection


@asynccontextmanager
async def edge(
    handler: Callable[[WebSocket], Any] = echo,
    *,
    app: Any = hello_app,
    limits: EdgeLimits | None = None,
    origins: frozenset[str] = frozenset({ORIGIN}),
) -> AsyncIterator[Edge]:
    """Run a listener without a socket for as long as the block lasts."""

    async def recorded(websocket: WebSocket) -> None:
        running.websockets.append(websocket)
        await handler(websocket)

    listener = Listener(
        handler=recorded,
        http_app=app,
        origin_allowed=origins.__contains__,
        subprotocols=SUBPROTOCOLS,
        limits=limits,
    )
    running = Edge(listener)
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.run)
        yield running
        nursery.cancel_scope.cancel()
