"""What a conversation's commands name, as it is by the time that they are decided."""

import msgspec

from actors.ports import ConversationStore
from domain.business import Business
from domain.commands import AddMember, Send
from domain.limits import ATTACHMENTS_MAX


async def as_of_now(store: ConversationStore, business: Business, command: AddMember) -> AddMember:
    """With the person as they are by now: perhaps renamed since it was sent, or deactivated."""
    if command.person is None:
        return command
    found = await store.people(business, (command.person.id,))
    return msgspec.structs.replace(command, person=found[0] if found else None)


async def with_attachments(store: ConversationStore, business: Business, command: Send) -> Send:
    """With what of the attachments that it names the speaker has uploaded."""
    person, asked = command.speaker.person, command.attachments[: ATTACHMENTS_MAX + 1]
    found = await store.uploaded(business, person, asked)
    return msgspec.structs.replace(command, found=found)
