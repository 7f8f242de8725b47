"""The bounded queue in front of one actor."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, NoReturn

import outcome
import trio

from actors.envelope import Envelope, M, Overloaded


class Mailbox(Generic[M]):
    """A bounded FIFO with one reader, and a lane beside it for ephemeral messages.

    Overflow: a full mailbox refuses (`put_nowait` returns False and the caller answers). The
    ephemeral lane drops its oldest for the newest, accepts nothing while the mailbox is more than
    half full, and is emptied when the reader finds it so; what the lane drops it answers with
    `Overloaded`. Ephemeral messages come after the others of the same batch.

    Envelopes that `put_back` returns do not count against the bound, nor does the lane: a mailbox
    holds at most `size` plus one batch, and `ephemeral_size` on top of that.
    """

    __slots__ = (
        "_cancel",
        "_ephemeral",
        "_ephemeral_size",
        "_queue",
        "_retry_after",
        "_size",
        "_suspects",
        "_waiter",
        "closed",
        "held",
    )

    def __init__(self, size: int, *, ephemeral_size: int, retry_after: float) -> None:
        self._size = size
        self._ephemeral_size = ephemeral_size
        self._retry_after = retry_after
        self._queue: deque[Envelope[M]] = deque()  # bound: put_nowait refuses at `size`
        self._ephemeral: deque[Envelope[M]] = deque()  # bound: drops its oldest at `ephemeral_size`
        self._suspects = 0  # how many at the front were in hand when the actor crashed
        self._waiter: trio.lowlevel.Task | None = None
        self.closed = False
        """Whether the reader was told to leave."""
        self.held = False
        """While set, nothing wakes the reader: it is not done yet with what it has in hand."""
        self._cancel: Callable[[], NoReturn] | None = None  # came while held

    def __len__(self) -> int:
        """Both lanes together."""
        return len(self._queue) + len(self._ephemeral)

    def put_nowait(self, envelope: Envelope[M]) -> bool:
        """Enqueue without waiting; False when there is no room, and the envelope is untouched."""
        if envelope.ephemeral:
            if not self._make_ephemeral_room():
                return False
            self._ephemeral.append(envelope)
        else:
            if len(self._queue) >= self._size:
                return False
            self._queue.append(envelope)
        waiter = self._waiter
        if waiter is not None and not self.held:
            self._waiter = None  # as `_wake`; of a cancellation only `let_go` has to know
            trio.lowlevel.reschedule(waiter)
        return True

    def put_back(self, envelopes: Iterable[Envelope[M]]) -> None:
        """Return what was in hand at a crash to the front, in order, to be taken one by one.

        For the reader, so nobody waits meanwhile.
        """
        returned = list(envelopes)
        self._queue.extendleft(reversed(returned))
        self._suspects += len(returned)

    async def wait(self) -> None:
        """Return when there is something to take, or when the mailbox is closed or let go.

        Always a checkpoint; while the mailbox is held, cancellation waits until it is let go. One
        reader only: a second one is an error of the caller.
        """
        if not self.held and (self._queue or self._ephemeral or self.closed):
            await trio.lowlevel.checkpoint()
            return
        if self._waiter is not None:
            raise trio.BusyResourceError("another task waits at this mailbox")
        self._waiter = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def let_go(self, *, wake: bool = False) -> bool:
        """End ``held``: the reader wakes if there is a reason, or if ``wake`` says so.

        Returns whether something waits to be taken.
        """
        self.held = False
        waits = bool(self._queue or self._ephemeral)
        if self._waiter is not None and (waits or wake or self.closed or self._cancel is not None):
            self._wake()
        return waits

    def take(self, limit: int) -> list[Envelope[M]]:
        """Remove and return up to `limit` envelopes, in order; one alone while it is suspect."""
        queue = self._queue
        if self._suspects:
            self._suspects -= 1
            return [queue.popleft()]
        if not self._ephemeral and len(queue) <= limit:
            batch = list(queue)
            queue.clear()
            return batch
        if self._crowded():
            self._shed(len(self._ephemeral))
        batch = [queue.popleft() for _ in range(min(limit, len(queue)))]
        while self._ephemeral and len(batch) < limit:
            batch.append(self._ephemeral.popleft())
        return batch

    def take_all(self) -> list[Envelope[M]]:
        """Remove and return everything, suspect or not: for whoever answers what is left."""
        everything = [*self._queue, *self._ephemeral]
        self._queue.clear()
        self._ephemeral.clear()
        self._suspects = 0
        return everything

    def close(self) -> None:
        """Let the reader go: `wait` returns at once, now and later."""
        self.closed = True
        if self._waiter is not None and not self.held:
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        cancel, self._cancel = self._cancel, None
        assert waiter is not None
        if cancel is None:
            trio.lowlevel.reschedule(waiter)
        else:
            trio.lowlevel.reschedule(waiter, outcome.capture(cancel))

    def _abort(self, raise_cancel: Callable[[], NoReturn]) -> trio.lowlevel.Abort:
        if self.held:
            self._cancel = raise_cancel
            return trio.lowlevel.Abort.FAILED
        self._waiter = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _crowded(self) -> bool:
        return len(self._queue) * 2 > self._size

    def _make_ephemeral_room(self) -> bool:
        if self._crowded() or self._ephemeral_size == 0:
            return False
        if len(self._ephemeral) >= self._ephemeral_size:
            self._shed(1)
        return True

    def _shed(self, count: int) -> None:
        for _ in range(count):
            self._ephemeral.popleft().answer(Overloaded(self._retry_after))
