"""The task that keeps the full-text index up with the log, a little at a time.

All writing is the journal's connection's, so each step is short and there is a pause after it:
while many messages come the index falls behind, and when fewer come it catches up. Nothing of it is
in the way of a message but the time of a step.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Callable

import trio

from domain.errors import StorageFailed
from storage import search_index
from storage.journal import Journal
from storage.readers import Readers
from storage.search_index import IndexDamaged, Plan
from storage.writer import Writer

NEWS_SECONDS = 0.25
"""So long it waits for more after the first news."""

PAUSE_LEAST = 2.0
PAUSE_MOST = 49.0
"""It pauses so many times as long as a step took: while nobody writes a third of the writer's time
is the index's, while very many do 2 %."""

BUSY = 1_000.0
"""Events a second that the journal stores, from which on it pauses longest."""

SHORTEST = 0.02
"""Seconds; over less than that a rate says nothing."""

LOOK_SECONDS = 0.25
"""So often it looks at the rate while it pauses: a storm may be over, and all wait to be found."""

TEXTS_A_MERGE = 20
"""After a step it merges once, and once more for so many texts: what a step makes work for. Not all
that is due at once, for a word that everybody uses takes long."""

RETRY_SECONDS = 5.0
"""Before what failed is tried again."""

RESIDUE_MS = 86_400_000
"""Words of what was edited or deleted are cleaned away once a day; of what was erased at once."""


class Indexer:
    """Follows every business's log; `notice` wakes it, `reached` waits for it."""

    def __init__(self, writer: Writer, readers: Readers, clock: Callable[[], int]) -> None:
        """``clock``: milliseconds since 1970 UTC."""
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._positions: dict[str, int] = {}
        self._news = trio.Event()
        self._moved = trio.Condition()

    def notice(self) -> None:
        """Something was stored. Called after each group, so it must cost nothing."""
        self._news.set()

    def position(self, business: str) -> int:
        """Up to which revision ``business`` is indexed."""
        return self._positions.get(business, 0)

    async def reached(self, business: str, revision: int, seconds: float) -> None:
        """Wait until ``business`` is indexed up to ``revision``, but not longer than that."""
        with trio.move_on_after(seconds):
            async with self._moved:
                while self.position(business) < revision:
                    await self._moved.wait()

    async def run(
        self, journal: Journal, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Index what ``journal`` has stored, and goes on to, until cancelled.

        What fails is tried again: a disk that has failed ends the journal; a reader may be slow.
        """
        self._positions = await self._writer.run(search_index.positions)
        self._news.set()
        pace = _Pace(journal)
        task_status.started()
        while True:
            await self._news.wait()
            self._news = trio.Event()
            await trio.sleep(NEWS_SECONDS)
            try:
                await self._catch_up(journal, pace)
                await self._clean(pace)
            except IndexDamaged:
                await trio.sleep(NEWS_SECONDS)
                await self._start_over()
            except (StorageFailed, sqlite3.Error, trio.TooSlowError):
                await trio.sleep(RETRY_SECONDS)
                self._news.set()

    async def _catch_up(self, journal: Journal, pace: "_Pace") -> None:
        """Index what there is, each business in its turn."""
        behind = (b for b, head in journal.heads().items() if head > self.position(b))
        queue = deque(behind)  # bound: the businesses
        while queue:
            business = queue.popleft()
            head = journal.released(business)
            plan = await self._readers.run(search_index.plan, business)
            if plan is None:  # it was done, but failed before it was known here
                await self._reached(business, head)
                continue
            await self._follow(pace, plan)
            if plan.last:
                await self._reached(business, plan.target)
            else:
                queue.append(business)
            await pace.pause()

    async def _reached(self, business: str, revision: int) -> None:
        self._positions[business] = revision
        async with self._moved:
            self._moved.notify_all()

    async def _follow(self, pace: "_Pace", plan: Plan) -> None:
        done = 0
        while True:
            pace.begin()
            before = done
            done = await self._writer.transact(search_index.step, plan, done, self._clock())
            for _ in range(1 + (done - before) // TEXTS_A_MERGE):
                if not await self._writer.transact(search_index.merge):
                    break
            if done == len(plan.keys):
                return
            await pace.pause()

    async def _clean(self, pace: "_Pace") -> None:
        """Write the index anew if it holds words of what was erased, or long ago taken out."""
        since = await self._readers.run(search_index.residue_since)
        if since is None or (since and self._clock() - since < RESIDUE_MS):
            return
        done = False
        while not done:
            pace.begin()
            done = await self._writer.transact(search_index.scrub)
            await pace.pause()

    async def _start_over(self) -> None:
        """Index everything anew; until then a search says that it is behind."""
        await self._writer.transact(search_index.start_over)
        self._positions.clear()
        self._news.set()


class _Pace:
    """How long to leave the writer alone after a step, by what the journal stores meanwhile."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._events = journal.statistics().events
        self._since = self._began = time.monotonic()

    def begin(self) -> None:
        """A step begins."""
        self._began = time.monotonic()

    async def pause(self) -> None:
        """After the step: for longer, while much is being stored."""
        took, paused = time.monotonic() - self._began, 0.0
        while (left := self._times() * took - paused) > 0:
            await trio.sleep(min(left, LOOK_SECONDS))
            paused += min(left, LOOK_SECONDS)

    def _times(self) -> float:
        """How many times as long as the step, by what has been stored since the last look."""
        now, events = time.monotonic(), self._journal.statistics().events
        rate = (events - self._events) / max(now - self._since, SHORTEST)
        self._events, self._since = events, now
        return PAUSE_LEAST + min(rate / BUSY, 1.0) * (PAUSE_MOST - PAUSE_LEAST)
