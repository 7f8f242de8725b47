"""A server that says what a test tells it to, over streams in memory."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Self, TypeVar

import msgpack
import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from deskbell_client import DeskbellError

T = TypeVar("T")
Frame = dict[str, Any]

WELCOME: Frame = {
    "type": "welcome",
    "person": "carla",
    "role": "customer",
    "business": "pawsome",
    "epoch": "e1",
    "revision": 100,
    "resume": "fresh",
    "session_token": "session-1",
    "session_token_expires_at": 1_793_600_000_000,
    "server_time": 1_793_000_000_000,
    "privacy": {"read_receipts": True, "last_seen": True},
    "business_settings": {"read_receipts": True, "last_seen": True},
    "heartbeat": {"ping_after_ms": 20000, "timeout_ms": 30000},
    "limits": {"frame_bytes": 131072, "text_bytes": 32768, "sends_in_flight": 64},
}


def message(seq: int, revision: int, conversation: str = "c1", **fields: object) -> Frame:
    """A `message` event of olivia's."""
    return {
        "type": "message",
        "conversation": conversation,
        "seq": seq,
        "revision": revision,
        "at": 1_793_000_000_000 + revision,
        "author": "olivia",
        "text": f"m{seq}",
    } | fields


def ack(send: Frame, seq: int, revision: int) -> Frame:
    """The answer to ``send``."""
    return {
        "type": "ack",
        "client_message_id": send["client_message_id"],
        "conversation": send["conversation"],
        "seq": seq,
        "revision": revision,
        "at": 1_793_000_000_000 + revision,
    }


class ScriptedServer:
    """Takes the streams that a client dials, in order; `dial` is for the client."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._send, self._dialled = trio.open_memory_channel[trio.abc.Stream](100)
        self.dials: list[float] = []
        """When the client dialled."""
        self.refuse_dials = 0
        """So many dials fail first."""

    async def dial(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.dials.append(trio.current_time())
        if self.refuse_dials:
            self.refuse_dials -= 1
            raise ConnectionRefusedError("nobody listens")
        client, server = trio.testing.memory_stream_pair()
        self._send.send_nowait(server)
        return client

    async def stream(self) -> trio.abc.Stream:
        """The server's end of the next connection, before any handshake."""
        return await self._dialled.receive()

    async def accept(self, subprotocol: str | None = "deskbell.v1.msgpack") -> "Connection":
        """The next connection, its websocket open."""
        stream = await self.stream()
        request = await wrap_server_stream(self._nursery, stream)
        websocket = await request.accept(subprotocol=subprotocol)
        return Connection(websocket, stream, request.path)

    async def reject(self, status: int, **headers: str) -> None:
        """Answer the next upgrade with an HTTP status."""
        request = await wrap_server_stream(self._nursery, await self.stream())
        pairs = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
        await request.reject(status, extra_headers=pairs)

    async def greet(self, **welcome: object) -> "Connection":
        """Accept the next connection and its `hello`, which `Connection.hello` then holds.

        Unless told otherwise: without a cursor a fresh start, with one a resume of nothing.
        """
        connection = await self.accept()
        connection.hello = await connection.expect("hello")
        if "cursor" in connection.hello and "resume" not in welcome:
            await connection.send(WELCOME | {"resume": "complete"} | welcome)
            return await connection.send({"type": "resumed", "revision": 100})
        return await connection.send(WELCOME | welcome)


class Connection:
    """One connection as the server sees it."""

    def __init__(self, websocket: WebSocketConnection, stream: trio.abc.Stream, path: str) -> None:
        self.hello: Frame = {}
        self.path = path
        self._websocket = websocket
        self._stream = stream

    async def send(self, *frames: Frame) -> Self:
        for frame in frames:
            await self._websocket.send_message(msgpack.packb(frame))
        return self

    async def send_bytes(self, data: bytes | str) -> None:
        await self._websocket.send_message(data)

    async def ping(self) -> None:
        """A websocket ping, answered by the client's library."""
        await self._websocket.ping()

    async def send_half_a_frame(self) -> None:
        """The head of a message of 200 bytes, and ten of them."""
        await self._stream.send_all(b"\x82\x7e\x00\xc8" + b"\x80" * 10)

    async def expect(self, kind: str) -> Frame:
        """The next frame, which has to be of this type."""
        frame: Frame = msgpack.unpackb(await self._websocket.get_message())
        assert frame["type"] == kind, frame
        return frame

    async def next(self) -> Frame:
        """The next frame, whatever it is."""
        frame: Frame = msgpack.unpackb(await self._websocket.get_message())
        return frame

    async def skip_to(self, kind: str) -> Frame:
        """The next frame of this type."""
        while True:
            frame: Frame = msgpack.unpackb(await self._websocket.get_message())
            if frame["type"] == kind:
                return frame

    async def silent(self, seconds: float) -> bool:
        """Whether the client sends nothing for so long."""
        with trio.move_on_after(seconds):
            await self._websocket.get_message()
            return False
        return True

    async def close(self, code: int, reason: str = "") -> None:
        await self._websocket.aclose(code, reason)

    async def closed(self) -> int:
        """Wait until the client has closed; the code it gave."""
        with suppress(ConnectionClosed):
            while True:
                await self._websocket.get_message()
        assert self._websocket.closed is not None
        return self._websocket.closed.code

    async def cut(self) -> None:
        """The network goes away, with no word."""
        await trio.aclose_forcefully(self._stream)


class Background(Generic[T]):
    """A call that runs while the test goes on; `result` waits for what becomes of it."""

    def __init__(
        self,
        nursery: trio.Nursery,
        function: Callable[..., Awaitable[T]],
        *args: object,
        **options: object,
    ) -> None:
        self.scope = trio.CancelScope()
        self._done = trio.Event()
        self._results: list[T] = []
        self._errors: list[DeskbellError] = []
        nursery.start_soon(self._run, partial(function, *args, **options))

    @property
    def done(self) -> bool:
        return self._done.is_set()

    async def result(self) -> T:
        await self._done.wait()
        for error in self._errors:
            raise error
        return self._results[0]

    async def _run(self, call: Callable[[], Awaitable[T]]) -> None:
        try:
            with self.scope:
                self._results.append(await call())
        except DeskbellError as error:
            self._errors.append(error)
        finally:
            self._done.set()


def counting(prefix: str = "m") -> Callable[[], str]:
    """Ids m1, m2, … in place of random ones."""
    numbers = iter(range(1, 1_000_000))
    return lambda: f"{prefix}{next(numbers)}"
