"""The journal: one writer, group commit. What it has released is on disk.

Rules
1. Batches are taken in the order they were appended, as many as are queued, into one transaction.
2. A revision is allocated inside that transaction, in that order: commit order is revision order.
3. Only after COMMIT has returned (synchronous=FULL: synced) are the batches released, in order.
4. A batch that cannot be stored fails alone (`group_commit`).
5. An I/O error leaves it unknown what the disk holds: nothing more is released and `run` raises.
   So does a defect, here or in a release: what was not shown then is shown from the log after the
   restart. Whoever waits is answered in every case.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import trio

from domain.errors import StorageFailed
from domain.events import Event
from storage.group_commit import Batch, GroupCommit
from storage.writer import Writer

GROUP_MAX = 256
"""Batches in one transaction at most."""

QUEUE_MAX = 10_000
"""Batches that wait at most; beyond it, `begin` waits for room (it pushes back)."""


STOPPED = "the journal has stopped"


class JournalBroken(Exception):
    """The disk failed; the process must end and start again from what is stored."""


class Appending(Batch, kw_only=True, eq=False):
    """A batch on its way to the disk; ``release`` and ``done`` are called when it is over."""

    release: Callable[[int], None]
    over: bool = False
    done: Callable[[Exception | None], None] | None = None

    def then(self, done: Callable[[Exception | None], None]) -> None:
        """Call ``done`` once, when it is over: with ``None`` when stored, or with why not."""
        if self.over:
            done(self.error)
        else:
            self.done = done

    def end(self) -> None:
        """It is over; the journal says so, once."""
        self.over = True
        if self.done is not None:
            self.done(self.error)


@dataclass(frozen=True)
class JournalStatistics:
    """Counts since the start: ``queued`` is now, the rest are totals."""

    queued: int
    commits: int
    batches: int
    events: int
    isolated: int
    failed: int


class Journal:
    """Appends batches of events durably: `run` owns the writer, any task may `append`."""

    def __init__(self, writer: Writer, released: Callable[[], None]) -> None:
        """``released`` is called once after each group's releases: connections are flushed then."""
        self._writer = writer
        self._flush = released
        self._queue: deque[Appending] = deque()  # bound: QUEUE_MAX, `begin` waits for room
        self._room = trio.lowlevel.ParkingLot()
        self._idle: trio.lowlevel.Task | None = None
        self._group_commit = GroupCommit()
        self._released: dict[str, int] = {}
        self._commits = self._batches = self._events = self._failed = 0
        self._stopped = False
        writer.on_failure = self._wake
        self.after_group: Callable[[], None] | None = None
        """Called once after each group, for who follows the log; must not raise."""

    async def load(self) -> None:
        """Read where each business's log stands. Call once, before `run`."""
        self._released = await self._writer.run(self._group_commit.load)

    def add_business(self, business: str, no: int) -> None:
        """A business that was just created; its log is empty."""
        self._group_commit.add_business(business, no)
        self._released[business] = 0

    def released(self, business: str) -> int:
        """The newest revision of ``business`` that has been released."""
        return self._released[business]

    def heads(self) -> Mapping[str, int]:
        """The newest released revision of every business."""
        return self._released

    async def append(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> None:
        """Store ``events`` in one transaction; return once they are synced and released.

        ``release`` is called with the revision of the first event (the others follow by one), in
        commit order among all batches, without a checkpoint; it must not raise. Who is cancelled
        while waiting for room has stored nothing; after that an append is not undone. Raises
        `AlreadySent` or `StorageFailed`: nothing was stored (or, where the journal stops: whether
        it was is unknown), `KeyError`: no such business.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        appending = await self.begin(business, events, release)
        task = trio.lowlevel.current_task()
        appending.then(lambda _: trio.lowlevel.reschedule(task))
        await trio.lowlevel.wait_task_rescheduled(_not_abortable)
        if appending.error is not None:
            raise appending.error

    async def begin(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> Appending:
        """As `append`, without waiting for the disk: `Appending.then` tells how it ended.

        A checkpoint only where it waits for room. Raises `StorageFailed` when the journal has
        stopped, and `KeyError`.
        """
        self._released[business]
        while len(self._queue) >= QUEUE_MAX and not self._stopped:
            await self._room.park()
        if self._stopped:
            await trio.lowlevel.checkpoint()  # who tries again and again must not hold up the rest
            raise StorageFailed(STOPPED)
        appending = Appending(business, events, release=release)
        self._queue.append(appending)
        if self._idle is not None:
            self._wake()
        return appending

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit what is appended, until cancelled; cancel it after everything that appends.

        Raises `JournalBroken`.
        """
        task_status.started()
        try:
            while True:
                if not self._queue and self._writer.failure is None:
                    self._idle = trio.lowlevel.current_task()
                    await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)
                self._refuse_broken()
                if self._queue:
                    await self._commit_group()
                    await self._writer.checkpoint_if_due()
        finally:
            self._stopped = True
            self._fail(self._queue, STOPPED)
            self._queue.clear()
            self._room.unpark_all()

    @property
    def stopped(self) -> bool:
        """Whether nothing is stored any more: it was cancelled, or the disk failed."""
        return self._stopped

    def statistics(self) -> JournalStatistics:
        return JournalStatistics(
            len(self._queue),
            self._commits,
            self._batches,
            self._events,
            self._group_commit.isolated,
            self._failed,
        )

    def _wake(self) -> None:
        if self._idle is not None:
            trio.lowlevel.reschedule(self._idle)
            self._idle = None

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._idle = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _refuse_broken(self) -> None:
        error = self._writer.failure
        if error is not None:
            raise JournalBroken(
                f"the disk failed under the journal ({error}); nothing more is acknowledged"
            ) from error

    async def _commit_group(self) -> None:
        queue = self._queue
        group = [queue.popleft() for _ in range(min(len(queue), GROUP_MAX))]
        self._room.unpark(count=QUEUE_MAX - len(queue))
        try:
            await self._writer.run(self._group_commit.store, group)
            self._commits += 1
            self._release(group)
        except StorageFailed as error:
            self._fail(group, str(error))
        finally:  # a defect: whoever still waits must not wait for ever
            self._fail(group, STOPPED)
        self._flush()
        if self.after_group is not None:
            self.after_group()

    def _release(self, group: Iterable[Appending]) -> None:
        for entry in group:
            if entry.error is None:
                self._batches += 1
                self._events += len(entry.events)
                self._released[entry.business] = entry.first + len(entry.events) - 1
                entry.release(entry.first)
            elif isinstance(entry.error, StorageFailed):
                self._failed += 1
            entry.end()

    def _fail(self, entries: Iterable[Appending], why: str) -> None:
        for entry in entries:
            if not entry.over:
                self._failed += 1
                entry.error = StorageFailed(why)
                entry.end()


def _not_abortable(_: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED
