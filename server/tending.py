"""Telling conversations what falls due by itself.

A snooze ends, a customer has waited for too long, a location has gone.

What is due is asked of the database, so a restart forgets nothing, and a business that nobody has
touched is made live for it. A conversation decides itself whether it is due: to be told twice does
no harm, and what could not be told is found again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
import trio

from actors.crash_report import error_name
from domain.commands import Tend
from server.node import Node
from storage.due import START, DuePage, Position

EVERY_SECONDS = 1.0
AT_ONCE = 100
"""Conversations that are told of one kind each time, and of one business where it is alerts."""

BUSINESSES_AT_ONCE = 10
"""Businesses whose alerts are looked for each time."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sweep:
    """One kind of what is due, read page by page and then from the beginning."""

    query: Callable[[Position], Awaitable[DuePage]]
    position: Position = START

    async def run(self, node: Node) -> None:
        """Tell those of the next page."""
        page = await self.query(self.position)
        self.position = page.next
        for business, conversation in page.found:
            live = await node.live(business)
            if live is not None:
                live.conversations.tell(conversation, Tend())


def sweeps(node: Node) -> tuple[Sweep, ...]:
    """All that is looked for."""
    queries, clock = node.queries, node.clock
    return (
        Sweep(lambda after: queries.due_moves(after, AT_ONCE)),
        Sweep(lambda after: queries.due_snoozes(clock(), after, AT_ONCE)),
        Sweep(lambda after: queries.due_alerts(clock(), after, BUSINESSES_AT_ONCE, AT_ONCE)),
    )


async def tend_conversations(node: Node) -> None:
    """Tell conversations what is due, every second, until cancelled."""
    due = sweeps(node)
    while True:
        for sweep in due:
            try:
                await sweep.run(node)
            except trio.TooSlowError as error:  # the disk is slow: the next time does it
                log.warning("due_not_found", error=error_name(error))
        await trio.sleep(EVERY_SECONDS)
