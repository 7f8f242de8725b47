"""What the variables of a saved reply stand for in a conversation, and what is made from one."""

from collections.abc import Iterable

from domain.appointments import Appointment
from domain.commands import Send, Speaker
from domain.conversation import sent_key
from domain.locations import Location
from domain.refusal import Code, Refusal
from domain.roles import Operation, Role, may
from domain.saved_replies import (
    Facts,
    SavedReply,
    first_name,
    parse,
    refuse_leftover,
    render,
    shown_start,
)
from domain.text import refuse_text
from domain.views import Conversation, Member
from server.live import LiveBusiness
from storage.access import Viewer
from storage.queries import Queries


def facts_of(
    live: LiveBusiness,
    speaker: Speaker,
    conversation: Conversation,
    reply: SavedReply,
    locations: Iterable[Location],
    visit: Appointment | None,
) -> Facts:
    """What is known there for ``speaker``, who writes.

    The location is that of the reply, else the only one where the conversation is placed.
    ``visit``: the next appointment of the `customer_of` the conversation.
    """
    customer = customer_of(conversation)
    name = None if customer is None else customer.name
    places = {each.id: each for each in locations}
    handling = conversation.handling
    placed = () if handling is None else handling.locations
    location = places.get(reply.location or (placed[0] if len(placed) == 1 else ""))
    return Facts(
        customer_first_name=None if name is None else first_name(name),
        customer_name=name,
        staff_name=speaker.name,
        location_name=None if location is None else location.name,
        business_name=live.state.name,
        appointment_start=(
            None if visit is None else shown_start(visit.start, places[visit.location].zone)
        ),
        appointment_title=None if visit is None else visit.title,
    )


def customer_of(conversation: Conversation) -> Member | None:
    """The only active customer of a conversation; of two, neither is meant."""
    customers = [m for m in conversation.members if m.role == Role.CUSTOMER and m.active]
    return customers[0] if len(customers) == 1 else None


def text_of(reply: SavedReply, facts: Facts, limit_bytes: int) -> str | Refusal:
    """``reply`` as it can be sent, or why it cannot."""
    template = parse(reply.text)
    if isinstance(template, Refusal):
        return template
    text = render(template, facts)
    if isinstance(text, Refusal):
        return text
    return refuse_text(text, limit_bytes) or text


async def refuse_made_from(
    queries: Queries,
    live: LiveBusiness,
    viewer: Viewer,
    conversation: str,
    command: Send,
    reply: str,
) -> Refusal | None:
    """Why a message cannot have been made from ``reply``, or ``None``.

    A message that is stored already gets its first answer, whatever became of the reply since. To
    who sees no saved replies there is none.
    """
    refusal = refuse_leftover(command.text)
    if refusal is not None:
        return refusal
    shown = may(viewer.role, Operation.SAVED_REPLIES)
    if shown and await queries.saved_reply(live.state, reply) is not None:
        return None
    if not await queries.would_be_new(viewer, conversation, sent_key(command)):
        return None
    message = f"'saved_reply': there is no saved reply {reply}. Leave it out to send the text."
    return Refusal(Code.BAD_REQUEST, message)
