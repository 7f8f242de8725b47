"""Runs a sender for every active webhook, and does to webhooks what is asked over HTTP.

A sender has no state that its rows do not have. Whatever is to be different is written while it is
stopped, and it starts again from what is stored.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
import trio

from actors.crash_report import error_frames, error_name
from actors.webhook_commands import ChangeWebhook
from adapters.webhooks.calling import Caller
from domain.commands import Done
from domain.webhook_rules import WebhookChange
from domain.webhooks import Webhook
from server.asking import ASK_SECONDS
from server.live import BUSINESS, LiveBusiness
from server.settings import Settings
from server.wake import Wake
from server.webhooks.courier import Courier
from server.webhooks.sender import Sender, SendingTerms
from storage.database import Database

TURNS = 64
"""Deliveries of all webhooks that are under way at the same time."""

LOOK_SECONDS = 0.025
"""Whether logs have moved is looked at this often at most, however many commits there are."""

RESTART_SECONDS = 30.0
"""After a defect in a sender, it starts again so much later; so does what could not be read."""

Live = Callable[[str], Awaitable[LiveBusiness | None]]
AUTHOR = "@webhooks"
"""The author of changes that the server makes of webhooks; no valid id, so it is nobody's."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    live: LiveBusiness
    sender: Sender
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)


class Dispatcher:
    """`run` owns the senders. A business without an active webhook costs nothing."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        caller: Caller,
        clock: Callable[[], int],
        chance: Callable[[], float],
        schedule: Sequence[float],
    ) -> None:
        """``schedule``: see `domain.webhooks.wait_ms`; ``chance`` is from 0 to 1."""
        self._database = database
        self.courier = Courier(
            database.webhooks,
            caller,
            clock,
            settings.webhook_seconds,
            allow_private=settings.webhook_private_addresses,
        )
        self._terms = SendingTerms(
            database.webhooks, self.courier, clock, schedule, chance, trio.CapacityLimiter(TURNS)
        )
        self._running: dict[tuple[str, str], _Running] = {}
        self._changed: set[str] = set()
        self._wake = Wake()
        self._lock = trio.Lock()
        self._nursery: trio.Nursery | None = None
        self._live: Live | None = None

    def changed(self, business: str) -> None:
        """The webhooks of ``business`` are others than before."""
        self._changed.add(business)
        self._wake.set()

    async def run(
        self,
        live: Live,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Send until cancelled or stopped; then what has been delivered is kept."""
        self._live = live
        journal = self._database.journal
        self._changed.update(await self._database.webhooks.businesses())
        self._wake.set()
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    if self._changed:
                        async with self._lock:
                            await self._bring_up_to_date()
                    # While nobody sends, a commit wakes nobody.
                    journal.after_group = self._wake.set if self._running else None
                    for running in self._running.values():
                        if running.sender.has_news:
                            running.sender.wake()
                    await trio.sleep(LOOK_SECONDS)
        finally:
            journal.after_group = None
            self._nursery = None

    async def stop(self) -> None:
        """End all senders; each keeps what it has come to."""
        if self._nursery is not None:
            async with self._lock:
                for key in list(self._running):
                    await self._end(key)
                self._nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def paused(self, business: str, webhook: str) -> AsyncIterator[None]:
        """While the block runs, nothing is sent to ``webhook``: its rows may be written."""
        async with self._lock:
            await self._end((business, webhook))
            try:
                yield
            finally:
                self.changed(business)

    # --- senders ----------------------------------------------------------------------------------

    async def _bring_up_to_date(self) -> None:
        assert self._live is not None
        while self._changed:
            business = self._changed.pop()
            try:
                live = await self._live(business)
            except (trio.TooSlowError, sqlite3.Error) as error:  # it is read again in a while
                log.warning("webhooks_not_looked_up", business=business, error=error_name(error))
                assert self._nursery is not None
                self._nursery.start_soon(self._again, business)
                continue
            if live is None:
                continue  # the server stops
            wanted = {id_: w for id_, w in live.state.webhooks.items() if w.active}
            for key in [k for k in self._running if k[0] == business]:
                if self._running[key].sender.webhook != wanted.get(key[1]):
                    await self._end(key)
            for id_, webhook in wanted.items():
                if (business, id_) not in self._running:
                    self._start(live, webhook)

    async def _again(self, business: str) -> None:
        await trio.sleep(RESTART_SECONDS)
        self.changed(business)

    def _start(self, live: LiveBusiness, webhook: Webhook) -> None:
        key = (live.id, webhook.id)
        reason: list[str] = []
        sender = Sender(
            self._terms,
            live.state,
            webhook,
            partial(self._database.journal.released, live.id),
            reason.append,
        )
        assert self._nursery is not None
        running = self._running[key] = _Running(live, sender)
        self._nursery.start_soon(self._supervise, key, running, reason)

    async def _end(self, key: tuple[str, str]) -> None:
        running = self._running.get(key)
        if running is not None:
            running.scope.cancel()
            with trio.CancelScope(shield=True):
                await running.ended.wait()

    async def _supervise(self, key: tuple[str, str], running: _Running, reason: list[str]) -> None:
        """Run a sender; a defect in it ends it alone, for a while."""
        try:
            with running.scope:
                try:
                    await running.sender.run()
                    if reason:
                        await self._have_disabled(running, reason[0])
                except Exception as error:  # noqa: BLE001 - the supervisor of senders
                    log.error(
                        "webhook_failed",
                        business=key[0],
                        webhook=key[1],
                        error=error_name(error),
                        frames=error_frames(error),
                    )
                    await trio.sleep(RESTART_SECONDS)
        finally:
            self._running.pop(key, None)
            running.ended.set()
        if not running.scope.cancelled_caught:
            self.changed(key[0])

    async def _have_disabled(self, running: _Running, reason: str) -> None:
        live, webhook = running.live, running.sender.webhook.id
        log.warning("webhook_disabled", business=live.id, webhook=webhook)
        change = ChangeWebhook(AUTHOR, WebhookChange(webhook, active=False, reason=reason))
        if not isinstance(await live.desk.ask(BUSINESS, change, ASK_SECONDS), Done):
            await trio.sleep(RESTART_SECONDS)  # then it is tried, and given up, once more
