"""A websocket connection in memory, spoken by hand: no library, no task, no waiting in between."""

import base64
import os
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import trio

from protocol.framing import Opcode
from server.edge.memory import MemoryTransport, Pipe, memory_pair

Frame = dict[str, Any]
LOST = 1006
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: deskbell\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    "Sec-WebSocket-Protocol: {subprotocol}\r\n{more}\r\n"
)
_KEY = bytes(4)
"""A mask of zeros is a mask: what it covers looks the same."""


def masked(payload: bytes, opcode: int = Opcode.BINARY, *, fin: bool = True) -> bytes:
    """One frame as a client sends it."""
    head = bytes((opcode | (0x80 if fin else 0),))
    size = len(payload)
    if size < 126:
        return head + bytes((0x80 | size,)) + _KEY + payload
    if size < 65536:
        return head + b"\xfe" + size.to_bytes(2, "big") + _KEY + payload
    return head + b"\xff" + size.to_bytes(8, "big") + _KEY + payload


class Refused(Exception):
    """The upgrade was answered with an HTTP status."""


class RawClient:
    """One connection. ``on_frame`` takes frames as they come, `next` waits for them one by one."""

    def __init__(self, transport: MemoryTransport, *, text: bool = False) -> None:
        self.transport = transport
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_closed: Callable[[], None] | None = None
        self.frames: deque[Frame] = deque()
        self.closed: tuple[int, str] | None = None
        self.answers_pings = True
        self.received = 0
        self.status = 0
        self._text = text
        self._coder: Any = msgspec.json if text else msgspec.msgpack
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._open = False
        self._reading = True
        self._close: tuple[int, str] | None = None
        self._news = trio.Event()
        self.failure: Exception | None = None
        transport.attach(self, lambda: None)
        self._want()

    # --- For tests --------------------------------------------------------------------------------

    async def upgrade(self, path: str = "/v1/ws", more: str = "") -> None:
        """Become a websocket; raises `Refused`, or returns with `closed` set."""
        subprotocol = "deskbell.v1.json" if self._text else "deskbell.v1.msgpack"
        key = base64.b64encode(os.urandom(16)).decode()
        request = REQUEST.format(path=path, key=key, subprotocol=subprotocol, more=more)
        self.send_raw(request.encode())
        await self.until(lambda: self._open)
        if self.status != 101 and self.closed is None:
            raise Refused(self.status)

    def send(self, type_: str, **fields: object) -> None:
        """Send one command."""
        frame = {"type": type_} | {k: v for k, v in fields.items() if v is not None}
        self.send_payload(self._coder.encode(frame))

    def send_payload(self, payload: bytes, *, text: bool | None = None) -> None:
        """Send one whole message."""
        text = self._text if text is None else text
        self.send_raw(masked(payload, Opcode.TEXT if text else Opcode.BINARY))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are; what does not fit waits."""
        self._outbox += data
        self._push()

    def close(self, code: int = 1000) -> None:
        """Ask for a close."""
        self.send_raw(masked(code.to_bytes(2, "big"), Opcode.CLOSE))

    def drop(self) -> None:
        """Go without a word; the server finds the connection's end."""
        self.transport.close(reset=True)
        self._ended()

    def vanish(self) -> None:
        """Go without a trace: what either side sends disappears."""
        for pipe in (self.transport.incoming, self.transport.outgoing):
            pipe.black_hole = True
        self.transport.close(reset=False)
        self._ended()

    def stop_reading(self) -> None:
        self._reading = False
        self._want()

    def read_again(self) -> None:
        self._reading = True
        self._want()

    async def next(self, *types: str) -> Frame:
        """The next frame, which has to be of one of ``types``."""
        await self.until(lambda: bool(self.frames))
        assert self.frames, f"closed with {self.closed} instead of {types}"
        frame = self.frames.popleft()
        assert not types or frame["type"] in types, frame
        return frame

    async def skip_to(self, *types: str) -> Frame:
        """The next frame of one of ``types``."""
        while True:
            frame = await self.next()
            if frame["type"] in types:
                return frame

    async def all_until(self, type_: str) -> list[Frame]:
        """The frames up to the first one of this type, with it."""
        frames = [await self.next()]
        while frames[-1]["type"] != type_:
            frames.append(await self.next())
        return frames

    async def reply(self, command_id: int) -> Frame:
        """The reply to a command; what came before it stays to be taken."""

        def found() -> bool:
            return any(f.get("id") == command_id for f in self.frames)

        await self.until(found)
        assert found(), f"closed with {self.closed}"
        (frame,) = (f for f in self.frames if f.get("id") == command_id)
        self.frames.remove(frame)
        return frame

    async def ask(self, type_: str, **fields: object) -> Frame:
        """Send a command and wait for its reply."""
        command_id = self.next_id()
        self.send(type_, id=command_id, **fields)
        return await self.reply(command_id)

    _ids = 0

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, or until the connection is over."""
        while not condition() and self.closed is None:
            self._news = trio.Event()
            await self._news.wait()
        if self.failure is not None:
            raise self.failure

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; the close code (1006: none came) and its reason."""
        await self.until(lambda: False)
        assert self.closed is not None
        return self.closed

    # --- What the transport calls -----------------------------------------------------------------

    def on_readable(self) -> None:
        while self.closed is None and self._reading:
            try:
                data = self.transport.recv(65_536)
            except BlockingIOError:
                return
            except OSError:
                self._ended()
                return
            if not data:
                self._ended()
                return
            self.received += len(data)
            self._inbox += data
            self._take()

    def on_writable(self) -> None:
        self._push()

    def on_failure(self, error: Exception) -> None:
        self.failure = error
        self.drop()

    # --- Inside -----------------------------------------------------------------------------------

    def _push(self) -> None:
        try:
            while self._outbox and self.closed is None:
                sent = self.transport.send(self._outbox)
                del self._outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._outbox.clear()  # reading finds the end, after what is still to be read
        self._want()

    def _want(self) -> None:
        self.transport.want(read=self._reading and self.closed is None, write=bool(self._outbox))

    def _take(self) -> None:
        if not self._open:
            head, end, rest = self._inbox.partition(b"\r\n\r\n")
            if not end:
                return
            self.status = int(head.split()[1])
            self._inbox = bytearray(rest) if self.status == 101 else bytearray()
            self._open = True
            self._news.set()
        while (found := _frame(self._inbox)) is not None:
            opcode, payload, size = found
            del self._inbox[:size]
            self._handle(opcode, payload)

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            self._close = (code, payload[2:].decode())
            self.send_raw(masked(payload, Opcode.CLOSE))
        elif opcode == Opcode.PING:
            if self.answers_pings:
                self.send_raw(masked(payload, Opcode.PONG))
        elif opcode != Opcode.PONG:
            frame = self._coder.decode(payload)
            if self.on_frame is not None:
                self.on_frame(frame)
            else:
                self.frames.append(frame)
            self._news.set()

    def _ended(self) -> None:
        if self.closed is not None:
            return
        self.closed = self._close or (LOST, "")
        self.transport.close(reset=False)
        self._news.set()
        if self.on_closed is not None:
            self.on_closed()


def _frame(data: bytearray) -> tuple[int, bytes, int] | None:
    """The first frame of what a server sent: opcode, payload, and its size on the wire."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    if size == 126:
        start = 4
    elif size == 127:
        start = 10
    if len(data) < start:
        return None
    if start > 2:
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        return None
    return data[0] & 0x0F, bytes(data[start : start + size]), start + size


def pipes(client: MemoryTransport) -> tuple[Pipe, Pipe]:
    """The way to the server and the way back."""
    return client.outgoing, client.incoming


def pair(capacity: int = 65_536) -> tuple[MemoryTransport, MemoryTransport]:
    """Two connected ends: the client's and the server's."""
    return memory_pair(capacity)
