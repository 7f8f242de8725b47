"""What the variables of a saved reply stand for in a conversation."""

from collections.abc import Iterable

from domain.appointments import Appointment
from domain.commands import Speaker
from domain.locations import Location
from domain.refusal import Refusal
from domain.roles import Role
from domain.saved_replies import Facts, SavedReply, first_name, parse, render, shown_start
from domain.text import refuse_text
from domain.views import Conversation, Member
from server.live import LiveBusiness


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
