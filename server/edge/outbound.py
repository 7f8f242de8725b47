"""The way out of one connection: bytes straight to the kernel, a bounded buffer for the rest."""

from collections.abc import Callable
from typing import Final

import trio

from server.edge.transport import Transport

REPLY_BYTES: Final = 262_144
"""Room for replies beyond the bound: who reads slowly and asks is answered all the same."""


class Flusher:
    """The connections on which something is queued; shared by all connections of a listener."""

    def __init__(self) -> None:
        self.time = trio.lowlevel.current_clock().current_time
        """trio's clock, at a third of the price of `trio.current_time`."""
        self.dirty: list[Outbound] = []
        self.bytes_sent = 0

    def flush(self) -> None:
        """Write to each of them what is queued, in one send each.

        Call it after a batch of ``queue``; the poller does so after the callbacks of each turn.
        """
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            sent_now = 0
            for outbound in dirty:
                # The common case stands here and not in a method: a room of 100 passes here 100
                # times a message, and all that is touched must come back into the cache.
                outbound.dirty = False
                data = outbound.queued
                if outbound.more or not data:
                    outbound.flush()
                    continue
                try:
                    sent = outbound.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    outbound.on_broken(error)
                    continue
                sent_now += sent
                if sent == len(data):
                    outbound.queued = b""
                    outbound.idle = True
                else:
                    outbound.keep(sent)
            self.bytes_sent += sent_now


class Outbound:
    """Bytes for one peer, in the order in which they were given, whoever gave them.

    It is *idle*, or holds bytes *queued* for the next flush, or bytes *waiting* for a kernel
    buffer that is full; ``limit`` bounds both. Attributes without a docstring are the flusher's.
    """

    __slots__ = (
        "_flusher",
        "_limit",
        "_more_size",
        "_progress",
        "_taken",
        "_waiting",
        "_want_write",
        "dirty",
        "idle",
        "more",
        "on_broken",
        "on_drained",
        "queued",
        "send",
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
        self.stalled_since: float | None = None
        """Since when the peer has taken nothing while bytes wait; None when none wait."""
        self.send = transport.send
        self.on_broken = on_broken
        self.idle = True
        self.dirty = False
        self.queued = b""
        self.more: list[bytes] = []
        self._more_size = 0
        self._flusher = flusher
        self._limit = limit
        self._want_write = want_write
        self._waiting = bytearray()
        self._taken = 0
        self._progress: trio.Event | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes accepted, and not yet taken by the kernel."""
        return len(self.queued) + self._more_size + len(self._waiting)

    def queue(self, data: bytes) -> bool:
        """Keep for the next flush; False if it would pass the limit."""
        if not self.idle or len(data) > self._limit:
            return self._add(data)
        self.idle = False
        self.queued = data
        if not self.dirty:
            self.dirty = True
            self._flusher.dirty.append(self)
        return True

    def queue_reply(self, data: bytes) -> bool:
        """As ``queue``, with `REPLY_BYTES` of room that events leave free."""
        if self.queue(data):
            return True
        if self._limit < 0 or self.pending_bytes + len(data) > self._limit + REPLY_BYTES:
            return False
        self._append(data)
        return True

    def send_nowait(self, data: bytes) -> bool:
        """Send now what the kernel takes and keep the rest; False if it would pass the limit."""
        if self.idle and len(data) <= self._limit:
            self.idle = False
            self.queued = data
        elif not self._add(data):
            return False
        self.flush()
        return self._limit >= 0

    def flush(self) -> None:
        """Send what is queued."""
        if not self.queued:
            self.idle = self._limit >= 0 and not self._waiting
            return
        if self.more:
            self.queued = b"".join([self.queued, *self.more])
            self.more.clear()
            self._more_size = 0
        try:
            sent = self.send(self.queued)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.on_broken(error)
            return
        self._flusher.bytes_sent += sent
        if sent == len(self.queued):
            self.queued = b""
            self.idle = self._limit >= 0
        else:
            self.keep(sent)

    def keep(self, sent: int) -> None:
        """The kernel took only the first ``sent`` bytes of what was queued."""
        self._waiting += memoryview(self.queued)[sent:]
        self.queued = b""
        self.stalled_since = trio.current_time()
        self._want_write(True)

    async def send_all(self, data: bytes) -> None:
        """Send whatever the limit, and wait until the kernel has taken all of it."""
        self.send_last(data)
        if not self._waiting:
            await trio.lowlevel.checkpoint()
        until = self._taken + len(self._waiting)
        while self._waiting and self._taken < until:
            if self._progress is None:
                self._progress = trio.Event()
            await self._progress.wait()

    def send_last(self, data: bytes) -> None:
        """Send whatever the limit: what the protocol must say, also while it refuses the rest."""
        self.flush()
        if self._waiting:
            self._waiting += data
        else:
            self.idle = False
            self.queued = data
            self.flush()

    async def drain(self) -> None:
        """Wait until nothing waits."""
        await self.send_all(b"")

    def refuse(self) -> None:
        """From now on accept nothing but ``send_last`` and ``send_all``."""
        self.flush()
        self._limit = -1
        self.idle = False

    def shut(self) -> None:
        """The connection is gone: forget what waits, wake who waits."""
        self._limit = -1
        self.idle = False
        self.queued = b""
        self.more.clear()
        self._more_size = 0
        self._waiting.clear()
        self.stalled_since = None
        self._wake()

    def on_writable(self) -> None:
        """The kernel has room again."""
        waiting = self._waiting
        if not waiting:
            return
        try:
            sent = self.send(waiting)
        except BlockingIOError:
            return
        except OSError as error:
            self.on_broken(error)
            return
        del waiting[:sent]
        self._taken += sent
        self._flusher.bytes_sent += sent
        self._wake()
        if waiting:
            self.stalled_since = trio.current_time()
            return
        self.stalled_since = None
        self.idle = self._limit >= 0
        self._want_write(False)
        if self.on_drained is not None:
            self.on_drained()

    def _add(self, data: bytes) -> bool:
        """Queue when not idle: behind what is queued or waits."""
        if self.pending_bytes + len(data) > self._limit:
            return False
        self._append(data)
        return True

    def _append(self, data: bytes) -> None:
        if self._waiting:
            self._waiting += data
        elif self.queued:
            self.more.append(data)
            self._more_size += len(data)
        else:
            self.idle = False
            self.queued = data
            self._mark_dirty()

    def _mark_dirty(self) -> None:
        if not self.dirty:
            self.dirty = True
            self._flusher.dirty.append(self)

    def _wake(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None
