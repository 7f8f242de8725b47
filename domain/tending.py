"""What becomes of a conversation by itself, because time has passed or a location has gone.

Rules
1. What is placed at a location that takes part no more is placed where that was merged into, at
   what is left of its locations, else where the customer's facts say, else nowhere.
2. A snooze ends: it is open again.
3. Who has waited for longer than a location allows, in its open minutes, is an alert: once for each
   waiting. The handling stays as it is, but for the mark that it was given.
4. Who is assigned and does not see it any more is assigned no more.
5. Where every customer has been erased, nobody waits.
6. Where a customer waits at no location, as once theirs was closed, it is placed by their facts as
   soon as they have one again. A direct conversation never is: it stays between its two people.
7. What is open, where nobody waits and nothing was said for as many days as all of its locations
   allow, is closed. What is put off or waited in stays.
"""

import msgspec

from domain.business import Business
from domain.commands import Tend
from domain.conversation import Conversation
from domain.events import Handling, HandlingChanged
from domain.handling import change, sees, with_assignee_who_sees
from domain.hours import open_after
from domain.ids import BUSINESS_VOICE
from domain.retention import DAY_MS
from domain.roles import Role
from domain.routing import CustomerFacts, Trigger, route


def is_displaced(state: Conversation, business: Business) -> bool:
    """Whether it is placed at a location that takes part no more."""
    return any(business.standing(place) != place for place in state.handling.locations)


def decide_tend(
    state: Conversation, business: Business, known: Tend, now: int
) -> HandlingChanged | None:
    """The next thing that is due at ``now``, if one is. ``known.facts`` place what is displaced."""
    handling = state.handling
    if is_displaced(state, business) or _has_a_place(state, business, known.facts):
        places = _placed(handling, business, known.facts)
        becomes = msgspec.structs.replace(handling, locations=places)
        return _change(state, business, now, "moved", becomes)
    if handling.status == "snoozed" and handling.snoozed_until <= now:
        becomes = msgspec.structs.replace(handling, status="open", snoozed_until=0)
        return _change(state, business, now, "woken", becomes)
    if handling.assignee and not sees(state, business, handling.assignee, handling):
        return _change(state, business, now, "unassigned", handling)
    if state.waiting_since and _is_left(state, business):
        return change(state, now, BUSINESS_VOICE, "erased", handling, waiting_since=0)
    if is_unanswered(state, business, now):
        becomes = msgspec.structs.replace(handling, alerted=state.waiting_since)
        return _change(state, business, now, "unanswered", becomes)
    if is_quiet(state, business, known, now):
        becomes = msgspec.structs.replace(handling, status="closed")
        return _change(state, business, now, "auto_closed", becomes)
    return None


def _change(
    state: Conversation, business: Business, now: int, kind: str, becomes: Handling
) -> HandlingChanged:
    becomes = with_assignee_who_sees(state, business, becomes)
    return change(state, now, BUSINESS_VOICE, kind, becomes, state.waiting_since)


def _placed(handling: Handling, business: Business, facts: CustomerFacts) -> tuple[str, ...]:
    left = {business.standing(place) for place in handling.locations} - {None}
    if left:
        return tuple(sorted(place for place in left if place is not None))
    return route(Trigger(), facts, (), business.standing).locations


def is_nowhere(state: Conversation) -> bool:
    """Whether a customer waits in it and it is placed nowhere, as a direct one is for good."""
    return state.kind == "group" and bool(state.waiting_since) and not state.handling.locations


def _has_a_place(state: Conversation, business: Business, facts: CustomerFacts) -> bool:
    return is_nowhere(state) and bool(_placed(state.handling, business, facts))


def _is_left(state: Conversation, business: Business) -> bool:
    customers = {id_ for id_, member in state.members.items() if member.role is Role.CUSTOMER}
    return bool(customers) and customers <= business.erased


def is_unanswered(state: Conversation, business: Business, now: int) -> bool:
    """Whether an alert is due: nobody has been alerted of this waiting, and it took too long."""
    since = state.waiting_since
    if not since or state.handling.alerted == since or state.handling.status != "open":
        return False
    for id_ in state.handling.locations:
        place = business.locations[id_]
        if place.alert_minutes:
            due = open_after(place.hours, place.zone, since, place.alert_minutes)
            if due is not None and due <= now:
                return True
    return False


def is_quiet(state: Conversation, business: Business, known: Tend, now: int) -> bool:
    """Whether it is to be closed: ``known.last_at`` is when its newest entry came."""
    handling = state.handling
    if handling.status != "open" or state.waiting_since or not handling.locations:
        return False
    if not known.last_at or known.last_seq != state.last_seq:
        return False  # nobody knows, or something was said since
    days = [business.locations[id_].auto_close_days for id_ in handling.locations]
    return all(days) and known.last_at + max(days) * DAY_MS <= now
