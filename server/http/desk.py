"""Asking the desk of a business, and what its answers are over HTTP."""

from actors.business import BusinessCommand
from domain.commands import Accepted, Done
from domain.refusal import Refusal
from server.asking import ASK_SECONDS, answer_of
from server.http.fields import Changed
from server.live import LiveBusiness
from server.node import BUSINESS


async def ask_desk(live: LiveBusiness, command: BusinessCommand) -> Changed | Refusal:
    """Have the desk decide and store ``command``."""
    return changed(answer_of(await live.desk.ask(BUSINESS, command, ASK_SECONDS)))


def changed(answer: Accepted | Done | Refusal) -> Changed | Refusal:
    """What a change came to."""
    return answer if isinstance(answer, Refusal) else Changed(revision=answer.revision)
