"""Telling conversations what falls due by itself.

A snooze ends, a customer has waited for too long, a location, an assignee or a customer has gone,
nothing was said for long.

What is due is asked of the database, so a restart forgets nothing, and a business that nobody has
touched is made live for it. A conversation decides itself whether it is due: to be told twice does
no harm, and what could not be told is found again.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

import structlog
import trio

from actors.crash_report import error_name
from server.node import Node
from storage.due import START, DuePage, Position

EVERY_SECONDS = 1.0
AT_ONCE = 100
"""Conversations that are told of one kind each time, and of one business where it is alerts."""

GONE_SECONDS = 60.0
"""How often is looked for whom a conversation waits for in vain, or who has left it waiting."""

QUIET_SECONDS = 3_600.0
"""How often is looked for where nothing was said for days: it means a look at all that is open."""

BUSINESSES_AT_ONCE = 10
"""Businesses whose alerts are looked for each time."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sweep:
    """One kind of what is due, read page by page and then from the beginning."""

    query: Callable[[Position], Awaitable[DuePage]]
    rest: float = 0.0
    """Seconds from the end to the next beginning, for what is counted in days."""
    position: Position = START
    again: float = -inf

    async def run(self, node: Node) -> None:
        """Tell those of the next page."""
        if trio.current_time() < self.again:
            return
        page = await self.query(self.position)
        self.position = page.next
        if page.next == START:
            self.again = trio.current_time() + self.rest
        for due in page.found:
            live = await node.live(due.business)
            if live is not None:
                live.conversations.tell(due.conversation, due.tend)


def sweeps(node: Node) -> tuple[Sweep, ...]:
    """All that is looked for."""
    queries, clock = node.queries, node.clock
    return (
        Sweep(lambda after: queries.due_moves(after, AT_ONCE)),
        Sweep(lambda after: queries.due_snoozes(clock(), after, AT_ONCE)),
        Sweep(lambda after: queries.due_alerts(clock(), after, BUSINESSES_AT_ONCE, AT_ONCE)),
        Sweep(lambda after: queries.due_unassigned(after, AT_ONCE), GONE_SECONDS),
        Sweep(lambda after: queries.due_left(after, AT_ONCE), GONE_SECONDS),
        Sweep(lambda after: queries.due_places(after, AT_ONCE), GONE_SECONDS),
        Sweep(lambda after: queries.due_closings(clock(), after, AT_ONCE), QUIET_SECONDS),
    )


async def tend_conversations(node: Node) -> None:
    """Tell conversations what is due, every second, until cancelled."""
    due = sweeps(node)
    while True:
        for sweep in due:
            try:
                await sweep.run(node)
            except (trio.TooSlowError, sqlite3.Error) as error:  # the next time does it
                log.warning("due_not_found", error=error_name(error))
        await trio.sleep(EVERY_SECONDS)
