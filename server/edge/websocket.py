"""One websocket as its handler sees it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.events import Event
from wsproto.handshake import H11Handshake

from protocol.close_codes import CloseCode
from protocol.framing import FrameParser, Opcode, Violation, close_frame, frame
from server.edge.handshake import Upgrade
from server.edge.limits import EdgeLimits
from server.edge.poller import guarded
from server.edge.stream import ConnectionStream

LOST: Final = 1006
"""Stands for the close code of a connection that was lost without a close frame."""

SILENT_CLOSE_DEADLINE: Final = 1.0
"""A client that has been silent for so long is told so, and hardly waited for (seconds)."""

_PING: Final = frame(b"", Opcode.PING)

MessagesCallback = Callable[[list[bytes]], None]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a websocket ended; 1006 stands for a connection lost without a close frame."""

    code: int
    reason: str


class WebSocket:
    """An open websocket, given to ``async def handler(websocket) -> None``.

    The handler sets ``on_messages`` first (nothing is read before), then typically awaits
    ``wait_closed()``. When it returns, the websocket is closed with 1000; when it raises, with
    1011. A handler still running ``close_deadline`` seconds after its websocket ended is cancelled.
    """

    def __init__(
        self,
        stream: ConnectionStream,
        library: WebSocketConnection,
        nursery: trio.Nursery,
        upgrade: Upgrade,
        close_deadline: float,
    ) -> None:
        self.subprotocol = upgrade.subprotocol
        self.opcode = upgrade.opcode
        """The kind of data frame this subprotocol uses: the other kind is closed with 1003."""
        self.remote = stream.peer[0]
        """The client's IP address as the socket has it."""
        self.path = upgrade.path
        self.on_stalled: Callable[[], None] | None = None
        """Called once before the websocket is closed with 4008: the client does not read."""
        self.on_stopping: Callable[[], None] = partial(
            self.close_soon, CloseCode.RESTART, "restart"
        )
        """Called when the server stops."""
        self.on_closed: Callable[[], None] | None = None
        """Called once when the connection is over and ``closed`` says how."""
        self.send_nowait: Callable[[bytes], bool] = stream.outbound.send_nowait
        """Send whole frames now, in order with all other sends.

        What the kernel does not take waits in the bounded buffer. False, and nothing is sent, if it
        would exceed its bound or the websocket is closing or closed.
        """
        self.queue: Callable[[bytes], bool] = stream.outbound.queue
        """As ``send_nowait``, but written by ``Flusher.flush()``: all that is queued in one send.
        """
        self.queue_reply: Callable[[bytes], bool] = stream.outbound.queue_reply
        """As ``queue``, with room of its own beyond what events may fill."""
        self.closed: Closed | None = None
        """None until the connection is over."""
        self._stream = stream
        self._library = library
        self._nursery = nursery
        self._close_deadline = close_deadline
        self._on_messages: MessagesCallback | None = None
        self._closing: Closed | None = None
        self._over: trio.Event | None = None
        self.failure: Exception | None = None
        """The first thing that a callback raised."""
        self._pinged_at = 0.0
        self._client_closes = False
        stream.on_close_frame = self._on_close_frame
        stream.on_violation = self._on_violation
        stream.on_error = self._on_error
        stream.on_end = self._on_end
        if stream.ended:
            self._on_end()

    @property
    def on_messages(self) -> MessagesCallback | None:
        """Called synchronously with the payloads of all messages of one read, in order.

        Setting it the first time starts the reading; messages that came with the upgrade are handed
        over before the assignment returns. What it raises ends this websocket alone, with 1011.
        """
        return self._on_messages

    @on_messages.setter
    def on_messages(self, callback: MessagesCallback) -> None:
        self._on_messages = callback
        if self._closing is None and self.closed is None:
            self._stream.deliver_to(callback)

    @property
    def kind(self) -> Opcode:
        """TEXT or BINARY: of the messages that ``on_messages`` is being given."""
        return Opcode(self._stream.kind)

    @property
    def on_drained(self) -> Callable[[], None] | None:
        """Called when all that waited for this client has gone, after some of it had to wait."""
        return self._stream.outbound.on_drained

    @on_drained.setter
    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._stream.outbound.on_drained = callback

    @property
    def pending_bytes(self) -> int:
        """Bytes accepted for this client that its kernel buffer has not taken yet."""
        return self._stream.outbound.pending_bytes

    @property
    def closing(self) -> bool:
        """Whether a close was asked for, from either side, or the connection is over."""
        return self._closing is not None or self.closed is not None or self._client_closes

    def pause_reading(self) -> None:
        """Stop calling ``on_messages`` and reading from the socket, so that TCP pushes back.

        The list being handed over stays the handler's to finish. Pings are not answered meanwhile,
        and silence is not held against the client. Idempotent.
        """
        if not self.closing:
            self._stream.pause_reading()

    def resume_reading(self) -> None:
        """Go on; what was held back is handed over before this returns. Idempotent."""
        self._stream.resume_reading()

    def close_soon(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Ask for a close; a task of the connection performs it. The first request counts.

        From now on sends are refused and further messages thrown away; what is queued is sent.
        """
        if self.closing:
            return
        self._begin_close(code, reason)
        self._nursery.start_soon(self._shake_hands)

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Flush, shake hands, and drop the connection at ``close_deadline``."""
        self.close_soon(code, reason)
        await self.wait_closed()

    async def wait_closed(self) -> Closed:
        """Wait until the connection is over."""
        if self.closed is None:
            if self._over is None:
                self._over = trio.Event()
            await self._over.wait()
        else:
            await trio.lowlevel.checkpoint()
        assert self.closed is not None
        return self.closed

    def guarded(self, callback: Callable[[], None]) -> None:
        """Call this; what it raises ends this websocket alone, with 1011."""
        guarded(self._stream, callback)

    # For the listener.

    async def run(self, handler: Callable[["WebSocket"], Awaitable[None]]) -> None:
        """Run the handler and close; raises what it raised. What a callback raised is `failure`."""
        code, reason = CloseCode.INTERNAL, "internal error"
        try:
            await handler(self)
            code, reason = CloseCode.NORMAL, ""
        finally:
            await self.close(code, reason)

    def sweep(self, now: float, limits: EdgeLimits) -> None:
        """Ping if nothing came for long, close if nothing came for too long, or nothing goes."""
        stream = self._stream
        stalled_since = stream.outbound.stalled_since
        if self.closing:
            return
        if stalled_since is not None and now - stalled_since >= limits.stall:
            if self.on_stalled is not None:
                self.on_stalled()
            self.close_soon(CloseCode.SLOW, "slow")
        elif stream.paused:
            return
        elif now - stream.last_received >= limits.silence:
            self._close_deadline = min(self._close_deadline, SILENT_CLOSE_DEADLINE)
            self.close_soon(CloseCode.TIMEOUT, "timeout")
        elif now - max(stream.last_received, self._pinged_at) >= limits.ping_after:
            self._pinged_at = now
            self.send_nowait(_PING)

    # Inside.

    def _begin_close(self, code: int, reason: str) -> None:
        self._closing = Closed(code, reason)
        self._stream.outbound.refuse()
        self._stream.discard_messages()

    async def _shake_hands(self) -> None:
        """The library sends our close frame and waits for the client's."""
        assert self._closing is not None
        with trio.move_on_after(self._close_deadline):
            await self._library.aclose(self._closing.code, self._closing.reason)
            # It returns at once when the client was first, and its answer may be on the way.
            await self._stream.wait_ended()
        self._stream.abort()

    def _on_close_frame(self) -> None:
        """Send nothing behind the library's answer to it (RFC 6455 5.5.1)."""
        if not self.closing:
            self._client_closes = True
            self._stream.outbound.refuse()
            self._nursery.start_soon(self._let_go)

    async def _let_go(self) -> None:
        with trio.move_on_after(self._close_deadline):
            await self._stream.wait_ended()
        self._stream.abort()

    def _on_violation(self, violation: Violation) -> None:
        """Say what was wrong, and hear nothing more (RFC 6455 7.1.7)."""
        if self.closing:
            self._stream.abort()
            return
        self._begin_close(violation.code, violation.reason)
        self._stream.outbound.send_last(close_frame(violation.code, violation.reason))
        self._nursery.start_soon(self._linger)

    async def _linger(self) -> None:
        await self._stream.linger(self._close_deadline)
        self._stream.abort()

    def _on_error(self, error: Exception) -> None:
        """A callback raised."""
        if self.failure is None:
            self.failure = error
        self.close_soon(CloseCode.INTERNAL, "internal error")

    def _on_end(self) -> None:
        """Nothing more can come: settle how it ended, and let go of the socket."""
        by_peer = self._library.closed
        if self._closing is not None:
            self.closed = self._closing
        elif by_peer is not None:
            self.closed = Closed(by_peer.code, by_peer.reason or "")
        else:
            self.closed = Closed(LOST, "")
        if self._over is not None:
            self._over.set()
        # All that still runs of it runs in the nursery, the handler too.
        self._nursery.cancel_scope.deadline = trio.current_time() + self._close_deadline
        self._stream.close()
        if self.on_closed is not None:
            self.on_closed()


class _HandshakeDone:
    """In place of a handshake that is over: it has no more events."""

    def events(self) -> Iterator[Event]:
        return iter(())


async def open_websocket(
    stream: ConnectionStream,
    nursery: trio.Nursery,
    upgrade: Upgrade,
    early: bytes,
    limits: EdgeLimits,
) -> WebSocket:
    """Let trio-websocket answer the upgrade; ``early`` is what came behind the request.

    Its task runs in ``nursery``. Raises trio.BrokenResourceError if the client is gone.
    """
    parser = FrameParser(
        max_message_size=limits.message_bytes,
        max_fragments=limits.message_fragments,
        expect=upgrade.opcode,
    )
    parser.feed(early)
    stream.start_frames(parser, upgrade.canonical_request())
    request = await wrap_server_stream(nursery, stream, receive_buffer_size=4096)
    try:
        library = await request.accept(subprotocol=upgrade.subprotocol)
    except ConnectionClosed:
        raise trio.BrokenResourceError("the client is gone") from None
    # Without its HTTP parser a connection keeps a tenth less memory.
    library._wsproto.handshake = cast(H11Handshake, _HandshakeDone())  # noqa: SLF001
    return WebSocket(stream, library, nursery, upgrade, limits.close_deadline)
