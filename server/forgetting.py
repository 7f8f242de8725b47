"""Forgetting in time what was kept for a time: answers under idempotency keys."""

import structlog
import trio

from actors.crash_report import error_name
from domain.errors import StorageFailed
from server.node import Node

EVERY_SECONDS = 60.0
AT_ONCE = 500
"""Answers removed in one transaction: nobody who writes waits long."""

log = structlog.get_logger(__name__)


async def forget_answers(node: Node) -> None:
    """Remove answers that were kept long enough, once a minute, until cancelled."""
    while True:
        await trio.sleep(EVERY_SECONDS)
        before = node.clock() - node.settings.idempotency_seconds * 1000
        try:
            while await node.database.forget_answers(before, AT_ONCE) == AT_ONCE:
                pass
        except StorageFailed as error:  # the disk is full: the next time does it
            log.warning("answers_not_forgotten", error=error_name(error))
