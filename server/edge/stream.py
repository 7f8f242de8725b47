"""The stream between a transport and the libraries: ordered output, input taken apart by frames.

Before an upgrade, and for HTTP, bytes pass through as they are. After it, data frames go to
``on_messages`` at once, and the websocket library reads nothing but control frames, one at a time:
what stands behind one is not looked at until the library, by asking for more, says that it has
dealt with it. So a pong leaves before the answer to the message behind the ping.
"""

from collections.abc import Callable
from typing import Final

import trio

from protocol.framing import FrameParser, Opcode, Violation
from server.edge.outbound import Flusher, Outbound
from server.edge.poller import guarded
from server.edge.transport import Transport
from server.wake import Wake

RECEIVE_BYTES: Final = 65_536
"""Read in one call; also how many unread bytes stop the reading."""

# Why nothing is taken from the socket just now; any of them suffices.
_FULL: Final = 1
_UNSTARTED: Final = 2
_PAUSED: Final = 4
_LIBRARY: Final = 8
_DELIVERING: Final = 16


def _ignore(messages: list[bytes]) -> None:
    """Where messages go that nobody wants."""


class ConnectionStream(trio.abc.HalfCloseableStream):
    """One connection. Its callbacks come from the poller and must not block."""

    def __init__(
        self, transport: Transport, flusher: Flusher, *, outbound_bytes: int = 262_144
    ) -> None:
        self.peer = transport.peer
        self.local = transport.local
        self.outbound = Outbound(
            transport,
            flusher,
            outbound_bytes,
            want_write=self._want_write,
            on_broken=self._broke,
        )
        self.kind = 0
        """The opcode of the messages that ``on_messages`` is being given."""
        self.on_violation: Callable[[Violation], None] | None = None
        """Called once, when the client broke the framing; what it sends then is thrown away."""
        self.on_close_frame: Callable[[], None] | None = None
        """Called when the client's close frame has come, before the library answers it."""
        self.on_end: Callable[[], None] | None = None
        """Called once, when nothing more can come: the peer's end, an error, or closed here."""
        self.on_error: Callable[[Exception], None] | None = None
        """Called when a callback raised; without it, the connection is dropped."""
        self.last_received = flusher.time()
        self.bytes_received = 0
        self.ended = False
        self._transport = transport
        self._after_turn = flusher.flush
        self._time = flusher.time
        self._recv = transport.recv
        self._on_messages: Callable[[list[bytes]], None] = _ignore
        self._parser: FrameParser | None = None
        self._discarding = False
        self._holds = 0
        self._reading = True
        self._writing = False
        self._inbox = bytearray()
        self._arrived: Wake | None = None
        self._end: trio.Event | None = None
        self._error: OSError | None = None
        self._closed = False
        transport.attach(self, self._after_turn)
        transport.want(read=True, write=False)

    # What the libraries use: trio.abc.HalfCloseableStream.

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, in order with the direct sends, and wait until the kernel has taken all of it."""
        self._check_open()
        await self.outbound.send_all(bytes(data))
        self._check_open()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until nothing waits to be sent."""
        self._check_open()
        await self.outbound.drain()

    async def send_eof(self) -> None:
        """Send what waits, then tell the peer that nothing more comes."""
        await self.wait_send_all_might_not_block()
        self._check_open()
        try:
            self._transport.shutdown_write()
        except OSError as error:
            self._broke(error)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Bytes as they came; after an upgrade, one control frame at a time."""
        if self._arrived is not None:
            raise trio.BusyResourceError("another task is receiving")
        if not self._inbox:
            self._release(_LIBRARY | _FULL)
        if self._inbox or self.ended:
            await trio.lowlevel.checkpoint()
        else:
            self._arrived = Wake()
            try:
                await self._arrived.wait()
            finally:
                self._arrived = None
        if self._inbox:
            data = bytes(self._inbox[:max_bytes])
            del self._inbox[: len(data)]
            return data
        self._check_open()
        return b""

    async def aclose(self) -> None:
        """Close at once; what could not be sent is lost."""
        self.close()
        await trio.lowlevel.checkpoint()

    # What a connection's owner uses.

    def unread(self, data: bytes) -> None:
        """Put bytes back, to be received first."""
        self._inbox[:0] = data

    def start_frames(self, parser: FrameParser, library_input: bytes) -> None:
        """Be a websocket: the library reads ``library_input`` first, then control frames.

        Bytes that came after the upgrade request are in ``parser`` already. Nothing is taken
        apart before ``deliver_to``.
        """
        self._parser = parser
        self._inbox += library_input
        self._holds |= _UNSTARTED | _LIBRARY

    def deliver_to(self, on_messages: Callable[[list[bytes]], None]) -> None:
        """Call this with the messages of each read; the first time, with what came already."""
        self._on_messages = on_messages
        self._release(_UNSTARTED)

    def pause_reading(self) -> None:
        """Hand over no messages and read nothing until ``resume_reading``. Idempotent."""
        self._holds |= _PAUSED

    def resume_reading(self) -> None:
        """Go on; what was held back is handed over before this returns. Idempotent."""
        if self._holds & _PAUSED:
            self.last_received = trio.current_time()
            self._release(_PAUSED)

    @property
    def paused(self) -> bool:
        """Whether it is we who do not read, so that silence says nothing about the peer."""
        return bool(self._holds & _PAUSED)

    def discard_messages(self) -> None:
        """Close has begun: throw away further messages, so that the closing frames come through."""
        self._on_messages = _ignore
        self._release(_PAUSED | _UNSTARTED)

    async def linger(self, seconds: float) -> None:
        """Half-close, and throw away what comes until the peer closes too or time is up.

        Closing with bytes unread would reset the connection, and the peer might never see the last
        ones sent.
        """
        self._discarding = True
        self._release(_PAUSED | _UNSTARTED | _LIBRARY | _FULL)
        with trio.move_on_after(seconds):
            try:
                await self.send_eof()
                await self.wait_ended()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

    async def wait_ended(self) -> None:
        """Wait until nothing more can come."""
        if self.ended:
            await trio.lowlevel.checkpoint()
            return
        if self._end is None:
            self._end = trio.Event()
        await self._end.wait()

    def close(self) -> None:
        """Close at once, as ``aclose`` does. Idempotent."""
        self._shut(reset=bool(self.outbound.pending_bytes))

    def abort(self) -> None:
        """Drop the connection and all that waits for it, without a word. Idempotent."""
        self._shut(reset=True)

    # What the poller calls.

    def on_readable(self) -> None:
        """Bytes, the end or an error can be received."""
        if self._holds:
            self._want_read(False)
            return
        try:
            data = self._recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._broke(error)
            return
        if not data:
            self._want_read(False)
            self._finish()
            return
        self.last_received = self._time()
        self.bytes_received += len(data)
        if self._discarding:
            return
        if self._parser is not None:
            self._parser.feed(data)
            self._deliver()
            return
        self._inbox += data
        if len(self._inbox) >= RECEIVE_BYTES:
            self._holds |= _FULL
        self._wake()

    def on_writable(self) -> None:
        """A send would not block."""
        self.outbound.on_writable()

    def on_failure(self, error: Exception) -> None:
        """A callback raised."""
        if self.on_error is not None:
            self.on_error(error)
        else:
            self.abort()

    # Inside.

    def _deliver(self) -> None:
        """Hand over what is complete, as far as nothing holds."""
        parser = self._parser
        if parser is None or self._discarding:
            return
        while not (parser.drained or self._holds or self.ended):
            run = parser.next_run()
            if run is None:
                break
            self.kind, payloads = run
            if self.kind & 0x8:
                if self.kind == Opcode.CLOSE and self.on_close_frame is not None:
                    self.on_close_frame()
                self._holds |= _LIBRARY
                self._inbox += payloads[0]
                self._wake()
                return
            self._holds |= _DELIVERING
            try:
                self._on_messages(payloads)
            finally:
                self._holds &= ~_DELIVERING
        if parser.violation is not None and not self._holds:
            self._discarding = True
            if self.on_violation is not None:
                self.on_violation(parser.violation)

    def _release(self, holds: int) -> None:
        """These reasons to hold are gone: if all are, go on where it stopped."""
        self._holds &= ~holds
        if not self._holds and not self.ended:
            guarded(self, self._deliver)
            self._after_turn()
            if not self._holds:
                self._want_read(True)

    def _want_read(self, wanted: bool) -> None:
        if self._reading is not wanted and not self.ended:
            self._reading = wanted
            self._transport.want(read=wanted, write=self._writing)

    def _want_write(self, wanted: bool) -> None:
        if self._writing is not wanted and not self._closed:
            self._writing = wanted
            self._transport.want(read=self._reading, write=wanted)

    def _check_open(self) -> None:
        if self._error is not None:
            raise trio.BrokenResourceError("the connection was lost") from self._error
        if self._closed:
            raise trio.ClosedResourceError("the connection was closed here")

    def _broke(self, error: OSError) -> None:
        if not self._closed:
            self._error = error
            self._shut(reset=False)

    def _shut(self, *, reset: bool) -> None:
        if self._closed:
            return
        self._closed = True
        self._transport.close(reset=reset)
        self.outbound.shut()
        self._finish()

    def _finish(self) -> None:
        """Nothing more can come."""
        if self.ended:
            return
        self.ended = True
        self._wake()
        if self._end is not None:
            self._end.set()
        if self.on_end is not None:
            guarded(self, self.on_end)

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()
