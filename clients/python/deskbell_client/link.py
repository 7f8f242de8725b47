"""One websocket over one stream: bytes out, bytes in, and why it ended. No protocol."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from deskbell_client import closing, wire
from deskbell_client.closing import Ended

HANDSHAKE_WITHIN: Final = 15.0
"""Seconds for the upgrade."""
MESSAGES_AHEAD: Final = 64
"""Messages that the library may read before they are asked for."""
NO_CODE: Final = frozenset({1005, 1006})
"""What the library says where no close code came."""


class Link:
    """A websocket client connection to ``host`` and ``path`` over ``stream``.

    Run `run` in a task of its own; `opened`, `receive`, `send` and `close` are for others.
    ``heard`` is called whenever bytes come, so also for the pings that the library answers.
    """

    def __init__(
        self, stream: trio.abc.Stream, host: str, path: str, heard: Callable[[], None]
    ) -> None:
        self.ended = Ended()
        self._stream = _HeardStream(stream, heard, self._settle)
        self._host = host
        self._path = path
        self._websocket: WebSocketConnection | None = None
        self._settled = trio.Event()

    async def run(self) -> None:
        """Carry the connection until it has ended."""
        try:
            async with trio.open_nursery() as nursery:
                self._websocket = await wrap_client_stream(
                    nursery,
                    self._stream,  # type: ignore[arg-type]  # any stream will do
                    self._host,
                    self._path,
                    subprotocols=[wire.SUBPROTOCOL],
                    message_queue_size=MESSAGES_AHEAD,
                    max_message_size=wire.MAX_FRAME_BYTES,
                    receive_buffer_size=None,
                )
                self._settle()
        except* ConnectionRejected as rejections:
            self.ended = _rejected(rejections)
        except* (HandshakeError, ConnectionClosed) as errors:
            self.ended = Ended(reason=f"the connection broke: {errors.exceptions[0]!r}")
        finally:
            self._settle()

    async def opened(self) -> bool:
        """Whether the upgrade succeeded; if not, `ended` says why."""
        with trio.move_on_after(HANDSHAKE_WITHIN):
            await self._settled.wait()
        websocket = self._websocket
        if websocket is None or websocket.closed is not None:
            if self.ended == Ended():
                self.ended = Ended(reason=f"no websocket was opened: {self._stream.why}")
            return False
        if websocket.subprotocol != wire.SUBPROTOCOL:
            self.ended = Ended(closing.WRONG_KIND, f"the server does not speak {wire.SUBPROTOCOL}")
            return False
        return True

    async def receive(self) -> bytes | None:
        """The next binary message; ``None`` at the end, and `ended` says why."""
        assert self._websocket is not None
        try:
            message = await self._websocket.get_message()
        except ConnectionClosed as closed:
            self.ended = _closed(closed)
            return None
        if isinstance(message, bytes):
            return message
        self.ended = Ended(closing.WRONG_KIND, "the server sent text")
        return None

    async def send(self, data: bytes) -> None:
        """Send one binary message; on a connection that has ended it goes nowhere."""
        assert self._websocket is not None
        with suppress(ConnectionClosed):  # `receive` reports it
            await self._websocket.send_message(data)

    async def close(self) -> None:
        """Say goodbye, and wait for the answer."""
        assert self._websocket is not None
        self._stream.deaf = True
        await self._websocket.aclose()

    def _settle(self) -> None:
        self._settled.set()


def _rejected(rejections: ExceptionGroup[ConnectionRejected]) -> Ended:
    rejection = rejections.exceptions[0]
    assert isinstance(rejection, ConnectionRejected)
    headers = {name.lower(): value for name, value in rejection.headers}
    patience = headers.get(b"retry-after", b"").decode("latin-1")
    status = rejection.status_code
    return Ended(status, f"the server answered HTTP {status}", closing.asked_by_header(patience))


def _closed(closed: ConnectionClosed) -> Ended:
    if closed.reason is None or closed.reason.code in NO_CODE:
        return Ended(reason="the connection was lost")
    reason = closed.reason.reason or closed.reason.name
    return Ended(closed.reason.code, reason, closing.asked_by_reason(reason))


class _HeardStream(trio.abc.Stream):
    """A stream that tells when bytes come and when it has ended.

    ``deaf``: whatever comes next reads as the end. The library would answer a ping after it has
    sent its close frame, and fail in doing so.
    """

    def __init__(
        self, stream: trio.abc.Stream, heard: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        self.deaf = False
        self.why = "no answer came in time"
        self._stream = stream
        self._heard = heard
        self._ended = ended

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._broke(error)
            raise
        if not data or self.deaf:
            self.why = "the other side closed the connection"
            self._ended()
            return b""
        self._heard()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._broke(error)
            raise

    def _broke(self, error: Exception) -> None:
        self.why = f"the connection broke: {error.__cause__ or error!r}"
        self._ended()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self._ended()
        await self._stream.aclose()
