"""What the variables of a saved reply stand for in a conversation."""

from collections.abc import Iterable

from domain.commands import Speaker
from domain.locations import Location
from domain.refusal import Refusal
from domain.roles import Role
from domain.saved_replies import Facts, SavedReply, first_name, parse, render
from domain.text import refuse_text
from domain.views import Conversation
from server.live import LiveBusiness


def facts_of(
    live: LiveBusiness,
    speaker: Speaker,
    conversation: Conversation,
    reply: SavedReply,
    locations: Iterable[Location],
) -> Facts:
    """What is known there for ``speaker``, who writes.

    The customer is the only active one in the conversation; of two, neither is meant. The location
    is that of the reply. Appointments are not known here.
    """
    customers = [
        member.name
        for member in conversation.members
        if member.role == Role.CUSTOMER and member.active
    ]
    customer = customers[0] if len(customers) == 1 else None
    return Facts(
        customer_first_name=None if customer is None else first_name(customer),
        customer_name=customer,
        staff_name=speaker.name,
        location_name=next((each.name for each in locations if each.id == reply.location), None),
        business_name=live.state.name,
    )


def text_of(reply: SavedReply, facts: Facts, limit_bytes: int) -> str | Refusal:
    """``reply`` as it can be sent, or why it cannot."""
    template = parse(reply.text)
    if isinstance(template, Refusal):
        return template
    text = render(template, facts)
    if isinstance(text, Refusal):
        return text
    return refuse_text(text, limit_bytes) or text
