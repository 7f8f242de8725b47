"""A websocket client that sends any bytes, right or wrong, and reads frames as they come."""

from dataclasses import dataclass, field

import trio

from protocol.framing import Opcode, unmask

MASK = b"\x12\x34\xab\xcd"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

Frame = tuple[int, bytes]


def sent(
    payload: bytes = b"", opcode: int = Opcode.BINARY, *, first: int = 0x80, masked: bool = True
) -> bytes:
    """A frame as a client sends it; ``first`` holds the FIN and reserved bits."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    if not masked:
        return bytes([first | opcode]) + length + payload
    head = bytes([first | opcode, length[0] | 0x80]) + length[1:]
    return head + MASK + unmask(payload, MASK)


def close(code: int = 1000, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return sent(code.to_bytes(2, "big") + reason, Opcode.CLOSE)


def request(path: str = "/", **headers: str | None) -> bytes:
    """An upgrade request; headers in Python's spelling replace or, with None, remove others."""
    fields: dict[str, str | None] = {
        "Host": "deskbell.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    lines = [
        f"{n}: {given.pop(n.lower(), v)}" for n, v in fields.items() if given.get(n.lower(), v)
    ]
    lines += [f"{name}: {value}" for name, value in given.items() if value]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


@dataclass
class RawClient:
    """Over any stream; what is read and not yet asked for waits in ``buffer``."""

    stream: trio.abc.Stream
    buffer: bytearray = field(default_factory=bytearray)

    async def __aenter__(self) -> "RawClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def upgrade(self, head: bytes | None = None) -> bytes:
        """Send the request and give the head of the answer."""
        await self.stream.send_all(request() if head is None else head)
        return await self.head()

    async def head(self) -> bytes:
        while b"\r\n\r\n" not in self.buffer:
            if not await self._more():
                break
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer[:] = rest
        return head

    async def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            await self.stream.send_all(chunk)

    async def frame(self) -> Frame | None:
        """The next frame; None at the end of the connection, however it ends."""
        while (found := self._parse()) is None:
            if not await self._more():
                return None
        return found

    async def frames(self) -> list[Frame]:
        """All frames until the connection ends."""
        found = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
        return found

    async def rest(self) -> bytes:
        """All bytes until the connection ends."""
        while await self._more():
            pass
        return bytes(self.buffer)

    async def _more(self) -> bool:
        try:
            data = await self.stream.receive_some(65536)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        self.buffer += data
        return bool(data)

    def _parse(self) -> Frame | None:
        held = self.buffer
        if len(held) < 2:
            return None
        size, start = held[1], 2
        assert size < 128, "a server must not mask"
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(held[2:start], "big")
        if len(held) < start + size:
            return None
        assert held[0] & 0xF0 == 0x80, "a server's frames are whole here"
        found = held[0] & 0x0F, bytes(held[start : start + size])
        del held[: start + size]
        return found
