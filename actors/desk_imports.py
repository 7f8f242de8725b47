"""What the desk is asked about imports: conversations of before, and that it is over."""

import msgspec

from actors.ports import ConversationStore
from domain.business import Business
from domain.company import ERASED
from domain.events import ConversationEvent
from domain.imports import DEVICE, ImportedConversation, decide_import
from domain.limits import Limits
from domain.refusal import Refusal


class ImportTalk(msgspec.Struct, frozen=True):
    """A conversation of before; who imports it speaks for nobody."""

    talk: ImportedConversation
    limits: Limits


class FinishImport(msgspec.Struct, frozen=True):
    """Nothing more comes: who is connected loads anew."""

    author: str
    name: str


async def decide_about_import(
    business: Business, store: ConversationStore, command: ImportTalk, now: int
) -> tuple[ConversationEvent, ...] | Refusal | None:
    """The events, why not, or ``None``: it has been imported already."""
    talk = command.talk
    state = await store.conversation(business, talk.conversation)
    named = {*talk.people, *(message.author for message in talk.messages)}
    if not business.erased.isdisjoint(named):
        return ERASED
    people = {person.id: person for person in await store.people(business, sorted(named))}
    keys = [(message.author, DEVICE, message.id) for message in talk.messages]
    taken = len(await store.sent(business, keys))
    return decide_import(state, talk, people, business, taken, command.limits, now)
