"""What a conversation's commands name, as it is by the time that they are decided."""

from collections.abc import Iterable

import msgspec

from actors.batch_work import Decision
from actors.ports import ConversationStore
from domain.business import Business
from domain.commands import (
    Accepted,
    AddMember,
    AdvanceReceipt,
    Command,
    Create,
    Import,
    Send,
)
from domain.conversation import Conversation, Entry, repeated, sent_key
from domain.imports import sent_keys
from domain.limits import ATTACHMENTS_MAX
from domain.roles import Role


def needs_nothing(command: Command) -> bool:
    """Whether all that a command is decided by is at hand: nearly half of all are receipts.

    What a customer's message is routed by may have to be looked up; not what one of the team says.
    """
    if isinstance(command, Send):
        return not command.attachments and command.speaker.role is not Role.CUSTOMER
    return isinstance(command, AdvanceReceipt)


async def as_of_now(
    store: ConversationStore, business: Business, command: AddMember | Create | Import
) -> AddMember | Create | Import:
    """With people as they are by now: perhaps renamed since it was sent, or deactivated."""
    if isinstance(command, Import):
        people = await store.people(business, sorted(command.talk.named()))
        sent = await store.sent(business, tuple(sent_keys(command.talk)))
        digests = {key: each.digest for key, each in sent.items()}
        return msgspec.structs.replace(command, known=people, stored=digests)
    if isinstance(command, Create):
        asked = [person.id for person in command.people]
        return msgspec.structs.replace(command, people=await store.people(business, asked))
    if command.person is None:
        return command
    found = await store.people(business, (command.person.id,))
    return msgspec.structs.replace(command, person=found[0] if found else None)


async def with_attachments(store: ConversationStore, business: Business, command: Send) -> Send:
    """With what of the attachments that it names the speaker has uploaded."""
    person, asked = command.speaker.person, command.attachments[: ATTACHMENTS_MAX + 1]
    found = await store.uploaded(business, person, asked)
    return msgspec.structs.replace(command, found=found)


async def entry_at(
    store: ConversationStore, business: Business, state: Conversation | None, seq: int
) -> Entry | None:
    """What is at ``seq``, also when it is not at hand, or will not be by the end of the batch."""
    if state is None or not 0 < seq <= state.last_seq:
        return None
    return state.recent.get(seq) or await store.entry(business, state.id, seq)


async def answer_repeats(
    store: ConversationStore, business: Business, conversation: str, refused: Iterable[Decision]
) -> None:
    """Whether a send was stored long ago decides, not whether it would be accepted today."""
    sends = [
        (d, d.envelope.message)
        for d in refused
        if d.envelope is not None and isinstance(d.envelope.message, Send)
    ]
    stored = await store.sent(business, [sent_key(send) for _, send in sends])
    for decision, send in sends:
        sent = stored.get(sent_key(send))
        answer = None if sent is None else repeated(conversation, send, sent)
        if isinstance(answer, Accepted):  # who may not send here learns nothing of other ids
            decision.answer = answer
