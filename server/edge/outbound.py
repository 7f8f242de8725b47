"""The way out of one connection: bytes straight to the kernel, a bounded buffer for the rest."""

from collections.abc import Callable

import trio

from server.edge.transport import Transport


class Flusher:
    """The connections on which something is queued; shared by all connections of a listener."""

    def __init__(self) -> None:
        self.dirty: list[Outbound] = []

    def flush(self) -> None:
        """Write to each of them what is queued, in one send each.

        Call it after a batch of ``queue``; the poller does so after the callbacks of each turn.
        """
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for outbound in dirty:
                outbound.dirty = False
                outbound.flush()


class Outbound:
    """Bytes for one peer, in the order in which they were given, whoever gave them.

    ``limit`` bounds what waits here for a kernel buffer that is full.
    """

    __slots__ = (
        "_flusher",
        "_limit",
        "_on_broken",
        "_progress",
        "_queued",
        "_send",
        "_waiting",
        "_want_write",
        "bytes_sent",
        "dirty",
        "on_drained",
        "pending_bytes",
        "stalled_since",
    )

    def __init__(
        self,
        transport: Transport,
        flusher: Flusher,
        limit: int,
        *,
        want_write: Callable[[bool], None],
        on_broken: Callable[[OSError], None],
    ) -> None:
        self.on_drained: Callable[[], None] | None = None
        """Called when nothing waits any more, after something had to wait."""
        self.pending_bytes = 0
        """Accepted, and not yet taken by the kernel."""
        self.stalled_since: float | None = None
        """Since when the peer has taken nothing while bytes wait; None when none wait."""
        self.bytes_sent = 0
        self.dirty = False
        self._send = transport.send
        self._flusher = flusher
        self._limit = limit
        self._want_write = want_write
        self._on_broken = on_broken
        self._queued: list[bytes] = []
        self._waiting = bytearray()
        self._progress: trio.Event | None = None

    def send_nowait(self, data: bytes) -> bool:
        """Send now what the kernel takes and keep the rest; False if it would pass the limit."""
        size = self.pending_bytes + len(data)
        if size > self._limit:
            return False
        self.pending_bytes = size
        if self._queued:
            self._queued.append(data)
            self.flush()
        else:
            self._write(data)
        return self._limit >= 0

    def queue(self, data: bytes) -> bool:
        """Keep for the next flush; False if it would pass the limit."""
        size = self.pending_bytes + len(data)
        if size > self._limit:
            return False
        self.pending_bytes = size
        self._queued.append(data)
        if not self.dirty:
            self.dirty = True
            self._flusher.dirty.append(self)
        return True

    def flush(self) -> None:
        """Send what is queued."""
        queued = self._queued
        if queued:
            data = queued[0] if len(queued) == 1 else b"".join(queued)
            queued.clear()
            self._write(data)

    async def send_all(self, data: bytes) -> None:
        """Send whatever the limit, and wait until the kernel has taken all of it."""
        self.send_last(data)
        if not self._waiting:
            await trio.lowlevel.checkpoint()
        until = self.bytes_sent + len(self._waiting)
        while self._waiting and self.bytes_sent < until:
            if self._progress is None:
                self._progress = trio.Event()
            await self._progress.wait()

    def send_last(self, data: bytes) -> None:
        """Send whatever the limit: what the protocol must say, also while it refuses the rest."""
        self.flush()
        self.pending_bytes += len(data)
        self._write(data)

    async def drain(self) -> None:
        """Wait until nothing waits."""
        await self.send_all(b"")

    def refuse(self) -> None:
        """From now on accept nothing but ``send_last`` and ``send_all``."""
        self.flush()
        self._limit = -1

    def shut(self) -> None:
        """The connection is gone: forget what waits, wake who waits."""
        self._limit = -1
        self._queued.clear()
        self._waiting.clear()
        self.pending_bytes = 0
        self.stalled_since = None
        self._wake()

    def on_writable(self) -> None:
        """The kernel has room again."""
        waiting = self._waiting
        if not waiting:
            return
        try:
            sent = self._send(waiting)
        except BlockingIOError:
            return
        except OSError as error:
            self._on_broken(error)
            return
        del waiting[:sent]
        self.bytes_sent += sent
        self.pending_bytes -= sent
        if waiting:
            self.stalled_since = trio.current_time()
            self._wake()
            return
        self.stalled_since = None
        self._want_write(False)
        self._wake()
        if self.on_drained is not None:
            self.on_drained()

    def _write(self, data: bytes) -> None:
        """Send bytes that ``pending_bytes`` counts already."""
        if self._waiting:
            self._waiting += data
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._on_broken(error)
            return
        self.bytes_sent += sent
        self.pending_bytes -= sent
        if sent < len(data):
            self._waiting += memoryview(data)[sent:]
            self.stalled_since = trio.current_time()
            self._want_write(True)

    def _wake(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None
