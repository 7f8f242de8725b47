"""Sends one webhook its events: reads the log, delivers lane by lane, keeps what has become of it.

What is in memory may be lost at any moment: the log is read again from the position that was stored
last, so an event may come twice and none is missing.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
import trio

from domain.business import Business
from domain.errors import StorageFailed
from domain.webhook_order import LogEntry, WebhookOrder
from domain.webhooks import DEAD_IN_ROW, Webhook, wait_ms
from server.wake import Wake
from server.webhooks.courier import Courier, Delivered, Failed
from storage.webhook_store import WebhookStore
from storage.webhooks import Attempt, DeadLetter, Progress

PARALLEL = 8
"""Deliveries of one webhook that are under way at the same time."""

READ_SECONDS = 0.025
"""The log is read this often at most: each reading looks at where every conversation stands."""

KEEP_SECONDS = 0.2
"""What has become of deliveries is stored this often at most."""

TROUBLE_SECONDS = 5.0
"""After a look-up or a write that failed, the next one waits so long."""

STOP_SECONDS = 2.0
"""How long the last write may take."""

IS_GONE = "The receiver answered 410: it wants nothing more."
TOO_MANY_DEAD = f"{DEAD_IN_ROW} events in a row could not be delivered within a day."

_TROUBLE = (trio.TooSlowError, sqlite3.Error, StorageFailed)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendingTerms:
    """What all senders share: the ``schedule`` in seconds, ``chance`` from 0 to 1, turns."""

    store: WebhookStore
    courier: Courier
    clock: Callable[[], int]
    schedule: Sequence[float]
    chance: Callable[[], float]
    turns: trio.CapacityLimiter


class Sender:
    """Of one active webhook. ``newest`` says where the business's log stands."""

    def __init__(
        self,
        terms: SendingTerms,
        business: Business,
        webhook: Webhook,
        newest: Callable[[], int],
        disable: Callable[[str], None],
    ) -> None:
        """``disable`` is told once, with a reason, when the webhook is to be disabled."""
        self.webhook = webhook
        self._terms = terms
        self._business = business
        self._newest = newest
        self._disable = disable
        self._order = WebhookOrder(0)
        self._wake = Wake()
        self._unkept = Wake()
        self._read_at = 0.0
        self._working = 0
        self._dead_in_row = 0
        self._given_up = False
        self._kept_position = 0
        self._failures: list[Attempt] = []
        self._dead: list[DeadLetter] = []
        self._settled: list[int] = []

    @property
    def has_news(self) -> bool:
        """Whether the log has more than was read."""
        return self._newest() > self._order.scanned

    def wake(self) -> None:
        """Look at the log."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled, or until the webhook is to be disabled."""
        standing = await self._terms.store.standing(self._business, self.webhook.id)
        if standing is None:
            return
        self._order = WebhookOrder(standing.position, dict(standing.held))
        self._kept_position = standing.position
        self._dead_in_row = standing.dead_in_row
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep)
                await self._conduct(nursery)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(STOP_SECONDS, shield=True), suppress(StorageFailed):
                await self._store_progress()

    async def _conduct(self, nursery: trio.Nursery) -> None:
        while not self._given_up:
            self._wake.clear()
            if self._may_read() and trio.current_time() >= self._read_at:
                await self._read_on()
                self._read_at = trio.current_time() + READ_SECONDS
            self._start_deliveries(nursery)
            with trio.move_on_after(self._seconds_to_next()):
                await self._wake.wait()

    def _may_read(self) -> bool:
        return self.has_news and self._order.takes_more

    async def _read_on(self) -> None:
        try:
            entries, up_to = await self._terms.store.entries(self._business, self._order.scanned)
        except _TROUBLE as error:
            await self._trouble(error)
            return
        wanted = [entry for entry in entries if entry.type in self.webhook.events]
        self._order.take(wanted, up_to)
        self._unkept.set()

    def _start_deliveries(self, nursery: trio.Nursery) -> None:
        while self._working < PARALLEL:
            lane = self._order.turn(self._terms.clock())
            if lane is None:
                return
            self._working += 1
            nursery.start_soon(self._work, lane)

    def _seconds_to_next(self) -> float:
        seconds = float("inf")
        due = self._order.next_due() if self._working < PARALLEL else None
        if due is not None:
            seconds = (due - self._terms.clock()) / 1000
        if self._may_read():
            seconds = min(seconds, self._read_at - trio.current_time())
        return max(0.0, seconds)

    # --- one delivery -----------------------------------------------------------------------------

    async def _work(self, lane: str) -> None:
        try:
            async with self._terms.turns:
                await self._deliver_next(lane)
        except _TROUBLE as error:
            log.warning("webhook_not_looked_up", error=type(error).__name__)
            later = self._terms.clock() + round(TROUBLE_SECONDS * 1000)
            self._order.postpone(lane, later)
        finally:
            self._working -= 1
        self._unkept.set()
        self._wake.set()

    async def _deliver_next(self, lane: str) -> None:
        entry = self._order.first(lane) or await self._first_of_held(lane)
        if entry is None:
            return
        outcome = await self._terms.courier.deliver(self._business, self.webhook, entry)
        if isinstance(outcome, Delivered):
            if self._order.attempts(lane, entry.revision):
                self._settled.append(entry.revision)
            if outcome.status:
                self._dead_in_row = 0
            self._order.done(lane, entry.revision, self._terms.clock())
        else:
            self._failed(lane, entry, outcome)

    async def _first_of_held(self, lane: str) -> LogEntry | None:
        """The next event of a lane that is held; without one it has caught up."""
        order = self._order
        up_to, after = order.scanned, order.held[lane].after
        while after < up_to:
            entries, after = await self._terms.store.of_lane(self._business, lane, after, up_to)
            for entry in entries:
                if entry.type in self.webhook.events:
                    return entry
        order.caught_up(lane, up_to, self._terms.clock())
        return None

    def _failed(self, lane: str, entry: LogEntry, failure: Failed) -> None:
        now = self._terms.clock()
        self._failures.append(Attempt(entry.revision, now, failure.status, failure.reason))
        attempts = self._order.attempts(lane, entry.revision) + 1
        wait = wait_ms(self._terms.schedule, attempts, self._terms.chance())
        if failure.gone:
            self._order.failed(lane, entry, now)
            self._give_up(IS_GONE)
        elif wait is not None:
            self._order.failed(lane, entry, now + wait)
        else:
            self._dead.append(DeadLetter(entry.revision, lane, entry.type))
            self._order.done(lane, entry.revision, now)
            self._dead_in_row += 1
            if self._dead_in_row >= DEAD_IN_ROW:
                self._give_up(TOO_MANY_DEAD)

    def _give_up(self, reason: str) -> None:
        if not self._given_up:
            self._given_up = True
            self._disable(reason)

    # --- what is kept -----------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await self._unkept.wait()
            self._unkept.clear()
            try:
                await self._store_progress()
            except StorageFailed as error:
                self._unkept.set()
                await self._trouble(error)
            await trio.sleep(KEEP_SECONDS)

    async def _store_progress(self) -> None:
        order = self._order
        position = order.position
        lanes, order.changed = order.changed, set()
        failures, self._failures = self._failures, []
        dead, self._dead = self._dead, []
        settled, self._settled = self._settled, []
        if position == self._kept_position and not (lanes or failures or dead or settled):
            return
        progress = Progress(
            position,
            self._dead_in_row,
            {lane: order.held.get(lane) for lane in lanes},
            tuple(failures),
            tuple(dead),
            tuple(settled),
        )
        try:
            await self._terms.store.record(self._business, self.webhook.id, progress)
        except BaseException:
            order.changed |= lanes
            self._failures = failures + self._failures
            self._dead = dead + self._dead
            self._settled = settled + self._settled
            raise
        self._kept_position = position

    async def _trouble(self, error: Exception) -> None:
        log.warning("webhook_waits", error=type(error).__name__)
        await trio.sleep(TROUBLE_SECONDS)
