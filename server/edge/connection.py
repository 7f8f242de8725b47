"""One connection, from its first byte to its last: what it asks for, and who serves it."""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from server.edge.handshake import Upgrade, WebSocketPolicy, check_upgrade
from server.edge.head import END_OF_HEAD, NEW_LINE, Head, HTTPRefusal, parse_head
from server.edge.http import LINGER, HTTPConnection, HTTPServing
from server.edge.limits import EdgeLimits
from server.edge.stream import ConnectionStream
from server.edge.websocket import WebSocket, open_websocket

WebSocketHandler = Callable[[WebSocket], Awaitable[None]]
Opening = tuple[Upgrade, bytes]
"""A websocket's request that was accepted, and the bytes that came behind it."""

_TOO_SLOW: Final = HTTPRefusal(408, "The request's head did not come in time. Send it again.")
_STOPPING: Final = "The server is stopping. Come back in a few seconds."


class Connection:
    """Reads the request's head, then is a websocket, or HTTP until it ends or becomes one."""

    def __init__(
        self,
        stream: ConnectionStream,
        *,
        handler: WebSocketHandler,
        policy: WebSocketPolicy,
        http: HTTPServing,
        limits: EdgeLimits,
    ) -> None:
        self.stream = stream
        self.websocket: WebSocket | None = None
        self.is_http = False
        self._handler = handler
        self._policy = policy
        self._http = http
        self._limits = limits
        self._stopping = False

    async def run(self) -> None:
        """Serve it to its end; raises trio.BrokenResourceError when it is lost on the way."""
        upgrade = await self._first_request()
        if self.is_http:
            upgrade = await self._serve_http()
        if upgrade is not None:
            async with trio.open_nursery() as nursery:
                websocket = await self._open_websocket(nursery, upgrade)
                del upgrade  # an idle websocket is small: what it began with need not stay
                await websocket.run(self._handler)
                nursery.cancel_scope.cancel()
            if websocket.failure is not None:
                raise websocket.failure

    async def refuse(self, refusal: HTTPRefusal) -> None:
        """Answer and close, so that the client can read why."""
        self.stream.outbound.send_last(refusal.encode())
        await self.stream.linger(LINGER)

    def sweep(self, now: float) -> None:
        """End it if its client takes nothing or is gone."""
        if self.websocket is not None:
            self.websocket.sweep(now, self._limits)
            return
        stalled_since = self.stream.outbound.stalled_since
        if stalled_since is not None and now - stalled_since >= self._limits.http_stall:
            self.stream.abort()

    def stop(self) -> None:
        """Ask it to end: a websocket by its owner, HTTP after the answer, nothing at once."""
        self._stopping = True
        if self.websocket is not None:
            self.websocket.on_stopping()
        elif not self.is_http:
            self.stream.close()

    async def _receive_head(self) -> tuple[bytes, bytes]:
        """The head without its end, and what came behind it; nothing if there was none."""
        data = bytearray()
        end = -1
        with trio.move_on_after(self._limits.head_deadline):
            while end < 0 and len(data) <= self._limits.head_bytes:
                received = await self.stream.receive_some()
                if not received:
                    return b"", b""
                seen = max(0, len(data) - len(END_OF_HEAD) + 1)
                data += received
                while not seen and data.startswith(NEW_LINE):
                    del data[: len(NEW_LINE)]  # some send one too many before (RFC 9112 2.2)
                end = data.find(END_OF_HEAD, seen)
            if not 0 <= end <= self._limits.head_bytes:
                await self.refuse(HTTPRefusal(431, "The request's head is too long."))
                return b"", b""
        if end < 0:
            if data:  # a browser opens connections to have them: those end without a word
                await self.refuse(_TOO_SLOW)
            return b"", b""
        return bytes(data[:end]), bytes(data[end + len(END_OF_HEAD) :])

    async def _first_request(self) -> Opening | None:
        """What the first request asks for; None if it is HTTP, or was refused, or never came."""
        raw, rest = await self._receive_head()
        if not raw:
            return None
        head = parse_head(raw)
        if isinstance(head, HTTPRefusal):
            await self.refuse(head)
            return None
        if head.wants_websocket:
            return await self._admit(head, rest)
        self.stream.unread(raw + END_OF_HEAD + rest)
        self.is_http = True
        return None

    async def _serve_http(self) -> Opening | None:
        http = HTTPConnection(self._http, self.stream)
        await http.run()
        self.is_http = False
        return None if http.upgrade is None else await self._admit(*http.upgrade)

    async def _admit(self, head: Head, early: bytes) -> Opening | None:
        upgrade = check_upgrade(head, self._policy)
        if not isinstance(upgrade, HTTPRefusal) and self._stopping:
            upgrade = overloaded(_STOPPING, self._limits)
        if isinstance(upgrade, HTTPRefusal):
            await self.refuse(upgrade)
            return None
        return upgrade, early

    async def _open_websocket(self, nursery: trio.Nursery, opening: Opening) -> WebSocket:
        self.websocket = await open_websocket(self.stream, nursery, *opening, self._limits)
        if self._stopping:
            self.websocket.on_stopping()
        return self.websocket


def overloaded(detail: str, limits: EdgeLimits) -> HTTPRefusal:
    """503: the same request may succeed after ``Retry-After`` seconds."""
    return HTTPRefusal(503, detail, (("Retry-After", str(limits.retry_after)),))
