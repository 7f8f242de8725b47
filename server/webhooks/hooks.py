"""Everything that calls the servers of businesses: one pool of connections, senders, send hooks."""

import random
from collections.abc import Callable, Sequence

import trio

from adapters.webhooks.calling import Caller
from domain.limits import Limits
from server.settings import Settings
from server.webhooks.dispatcher import Dispatcher, Live
from server.webhooks.send_hooks import SendHooks
from storage.database import Database

CLOSE_SECONDS = 1.0


class Hooks:
    """`run` after the businesses can be started, and `stop` before they end."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        database: Database,
        clock: Callable[[], int],
        schedule: Sequence[float],
    ) -> None:
        """``schedule``: seconds between attempts, see `domain.webhooks.SCHEDULE_SECONDS`."""
        allow_private = settings.webhook_private_addresses
        self._caller = Caller(allow_private=allow_private)
        self._scope = trio.CancelScope()
        self.dispatcher = Dispatcher(
            settings,
            database,
            self._caller,
            clock,
            random.SystemRandom().random,
            schedule,
        )
        self.send_hooks = SendHooks(
            database.webhooks, self._caller, clock, limits, allow_private=allow_private
        )

    async def run(
        self, live: Live, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Call until cancelled or stopped. ``live`` starts a business that is not live."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self.send_hooks.run)
                    await nursery.start(self.dispatcher.run, live)
                    task_status.started()
        finally:
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._caller.aclose()

    async def stop(self) -> None:
        """End all calls; what has been delivered is kept."""
        await self.dispatcher.stop()
        self._scope.cancel()
