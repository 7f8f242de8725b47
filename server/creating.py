"""Starting conversations, and bringing people in: the look-ups before the actor decides."""

from domain import commands
from domain.commands import Answer, Done, Speaker
from domain.creation import direct_conversation
from domain.refusal import Refusal
from server.asking import ask_conversation
from server.live import LiveBusiness
from storage.queries import Queries


async def create(
    queries: Queries,
    live: LiveBusiness,
    speaker: Speaker,
    kind: str,
    people: tuple[str, ...],
    title: str,
    conversation: str,
) -> tuple[str, Answer]:
    """Create a conversation, or find the one that is meant; its id, and the answer."""
    asked = tuple(person for person in dict.fromkeys(people) if person != speaker.person)
    found = await queries.people(live.state, asked)
    if kind == "direct" and len(asked) == 1 and len(found) == 1:
        conversation = direct_conversation(speaker, found[0])
    command = commands.Create(speaker, kind, title, asked, found)
    return conversation, await ask_conversation(live, conversation, command)


async def add_member(
    queries: Queries, live: LiveBusiness, speaker: Speaker, conversation: str, person: str
) -> Done | Refusal:
    """Bring ``person`` in."""
    found = await queries.people(live.state, (person,))
    command = commands.AddMember(speaker, found[0] if found else None)
    answer = await ask_conversation(live, conversation, command)
    assert isinstance(answer, Done | Refusal)
    return answer
