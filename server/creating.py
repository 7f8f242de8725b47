"""Starting conversations, and bringing people in: the look-ups before the actor decides."""

from domain import commands
from domain.commands import Answer, Done, Speaker
from domain.creation import direct_conversation
from domain.refusal import Refusal
from domain.roles import Role
from server.asking import ask_conversation
from server.live import LiveBusiness
from storage.queries import Queries


async def create(  # noqa: PLR0913 - what is asked for, by whom, of whom
    queries: Queries,
    live: LiveBusiness,
    speaker: Speaker,
    kind: str,
    people: tuple[str, ...],
    title: str,
    conversation: str,
    now: int | None = None,
) -> tuple[str, Answer]:
    """Create a conversation, or find the one that is meant; its id, and the answer.

    ``now``: a customer who names nobody gets who is assigned to them at that time (DT-20).
    """
    asked = tuple(person for person in dict.fromkeys(people) if person != speaker.person)
    named = asked
    if now is not None and not asked and kind == "group" and speaker.role is Role.CUSTOMER:
        named = await _chosen(queries, live, speaker.person, now)
    found = await queries.people(live.state, named)
    if kind == "direct" and len(asked) == 1 and len(found) == 1:
        conversation = direct_conversation(speaker, found[0])
    command = commands.Create(speaker, kind, title, asked, found)
    return conversation, await ask_conversation(live, conversation, command)


async def _chosen(queries: Queries, live: LiveBusiness, customer: str, now: int) -> tuple[str, ...]:
    """Who is assigned to a customer, if anybody (DT-21), and the owners."""
    assigned = await queries.assigned_staff(live.state, customer, now)
    return (*(() if assigned is None else (assigned,)), *sorted(live.state.owners))


async def add_member(
    queries: Queries, live: LiveBusiness, speaker: Speaker, conversation: str, person: str
) -> Done | Refusal:
    """Bring ``person`` in."""
    found = await queries.people(live.state, (person,))
    command = commands.AddMember(speaker, found[0] if found else None)
    answer = await ask_conversation(live, conversation, command)
    assert isinstance(answer, Done | Refusal)
    return answer
