"""What the business answers by itself to a customer while the doors are closed (EX-29).

Rules
1. Where a customer's message shows up and all of it is closed now, the first of these locations
   that has an away text says it, right after the message.
2. Once per absence and conversation: a location that is closed over the weekend says it once.
3. Not while the customer is on a visit, and not for `post_visit_minutes` after it: they write about
   that, and somebody is there.
4. It is no answer: the customer goes on waiting, and what they say next does not answer it.
"""

from domain.business import Business
from domain.conversation import Conversation, SentKey, digest
from domain.events import MessageSent
from domain.hours import absence
from domain.ids import BUSINESS_VOICE
from domain.locations import Location
from domain.routing import CustomerFacts

Answering = tuple[Location, str]
"""Who answers, and the name of the absence."""


def answering(
    business: Business, locations: tuple[str, ...], facts: CustomerFacts, now: int
) -> Answering | None:
    """Which location answers by itself what shows up at ``locations`` at ``now``, if one does."""
    places = [business.locations[id_] for id_ in locations]
    if not any(place.away_text for place in places):
        return None
    if facts.visited_until and now < facts.visited_until + _post_visit_ms(business):
        return None
    found: Answering | None = None
    for place in places:
        closed = absence(place.hours, place.zone, now)
        if closed is None:
            return None
        if found is None and place.away_text:
            found = place, closed
    return found


def _post_visit_ms(business: Business) -> int:
    return business.policies.post_visit_minutes * 60_000


def mark(answer: Answering) -> str:
    """What the handling keeps of an absence that was answered."""
    location, closed = answer
    return f"{location.id}.{closed}"


def sent_key(state: Conversation, answer: Answering) -> SentKey:
    """What names the reply for ever: who comes back to an absence is not told again."""
    return BUSINESS_VOICE, state.id, f"away.{mark(answer)}"


def reply(state: Conversation, answer: Answering, message: MessageSent) -> MessageSent:
    """What is said right after ``message``."""
    author, device, client_message_id = sent_key(state, answer)
    location, _ = answer
    return MessageSent(
        state.id,
        message.seq + 1,
        message.at,
        author,
        location.away_text,
        0,
        device,
        client_message_id,
        digest(state.id, location.away_text, 0),
        message.waiting_since,
        message.heard_at,
        location.id,
    )
