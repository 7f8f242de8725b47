"""Where a customer's message shows up: which locations, by which rule, because of which facts.

Rows MT-R1 to MT-R9 of the requirements are the rules; `route` is all nine in one function. What is
routed is a conversation: at each location of the answer it is *placed*, and who works there sees it
(C-27). No location is an answer, too: nobody's but the owner's and the members' (unassigned).

What a message answers is its *trigger*: the newest thing that the business sent unasked (an
automated message, or somebody of the team who began). While people answer each other, the trigger
stays; after `window_ms` without a word from the customer whoever writes begins anew (C-29).
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

import msgspec

Standing = Callable[[str], str | None]
"""The open location that a location stands for: itself, what it was merged into, or none."""


class TriggerKind(StrEnum):
    """What a customer's message answers."""

    NOTHING = "nothing"
    CONFIRMATION = "confirmation"
    CAMPAIGN = "campaign"
    STAFF = "staff"
    TRANSFER = "transfer"


class Trigger(msgspec.Struct, frozen=True):
    """``location``: O, which sent the automated message; I, from where ``person`` began; or where
    the conversation was transferred to. ``at``: when, in ms."""

    kind: TriggerKind = TriggerKind.NOTHING
    location: str = ""
    person: str = ""
    at: int = 0


class CustomerFacts(msgspec.Struct, frozen=True):
    """What decides about a customer's message, as of when it came.

    ``locations``: C. ``last``: L, where their last appointment was, or ``""``. ``newest``: where
    the conversation is that they last wrote in. ``visited_until``: when the last appointment that
    they came to ends or ended, 0 for none.
    """

    locations: tuple[str, ...] = ()
    last: str = ""
    newest: tuple[str, ...] = ()
    visited_until: int = 0


class Rule(StrEnum):
    """Why a message is where it is; `docs/protocol.md` says what each means to a person."""

    CONFIRMATION = "confirmation"  # R1 R3 R5 R7
    CAMPAIGN_LAST = "campaign_last_appointment"  # R9
    CAMPAIGN = "campaign"
    STAFF_ELSEWHERE = "staff_elsewhere"  # R4
    STAFF_ONE = "staff_only_location"  # R2
    STAFF_LAST = "staff_location"  # R8
    STAFF_ALL = "staff_all_locations"  # R6
    TRANSFER = "transfer"
    LAST = "last_appointment"
    NEWEST = "newest_conversation"
    ALL = "all_locations"
    UNASSIGNED = "unassigned"


class Route(msgspec.Struct, frozen=True):
    """Where, and by which rule. ``locations`` is sorted, each once; all of them are open."""

    rule: Rule
    locations: tuple[str, ...]


def route(
    trigger: Trigger, facts: CustomerFacts, staff: Sequence[str], standing: Standing
) -> Route:
    """Where a customer's message goes that answers ``trigger``; ``staff`` is S.

    A closed location is as if it were not there; a merged one is the one that it went into.
    """
    customer = _open(facts.locations, standing)
    last = standing(facts.last) if facts.last else None
    there = standing(trigger.location) if trigger.location else None
    decided: Route | None = None
    match trigger.kind:
        case TriggerKind.TRANSFER if there is not None:
            decided = Route(Rule.TRANSFER, (there,))
        case TriggerKind.CONFIRMATION if there is not None:
            decided = Route(Rule.CONFIRMATION, (there,))
        case TriggerKind.CAMPAIGN if last is not None:
            decided = Route(Rule.CAMPAIGN_LAST, (last,))
        case TriggerKind.CAMPAIGN if there is not None:
            decided = Route(Rule.CAMPAIGN, (there,))
        case TriggerKind.STAFF:
            decided = _answer_to_staff(customer, _open(staff, standing), there, last)
        case _:
            pass
    return decided or _spontaneous(facts, customer, last, standing)


def _answer_to_staff(
    customer: tuple[str, ...], staff: tuple[str, ...], begun_at: str | None, last: str | None
) -> Route | None:
    """MT-R2, R4, R6, R8; ``None``: the location from which they began is not known any more."""
    begun = (begun_at,) if begun_at is not None else staff[:1] if len(staff) == 1 else ()
    if not set(customer) & set(staff):
        return Route(Rule.STAFF_ELSEWHERE, begun) if begun else None
    if len(customer) == 1:
        return Route(Rule.STAFF_ONE, customer)
    if last is None:
        return Route(Rule.STAFF_ALL, customer)
    return Route(Rule.STAFF_LAST, begun) if begun else None


def _spontaneous(
    facts: CustomerFacts, customer: tuple[str, ...], last: str | None, standing: Standing
) -> Route:
    """The customer began, and nothing says about what."""
    newest = _open(facts.newest, standing)
    if last is not None:
        return Route(Rule.LAST, (last,))
    if newest:
        return Route(Rule.NEWEST, newest)
    if customer:
        return Route(Rule.ALL, customer)
    return Route(Rule.UNASSIGNED, ())


def _open(locations: Collection[str], standing: Standing) -> tuple[str, ...]:
    found = {standing(location) for location in locations}
    return tuple(sorted(location for location in found if location is not None))


def begun_by_customer(trigger: Trigger, heard_at: int, now: int, window_ms: int) -> bool:
    """Whether a customer's message at ``now`` answers nothing: what it could answer is too old.

    ``heard_at``: when a customer last wrote here, 0 for never.
    """
    return trigger.kind is TriggerKind.NOTHING or now - max(trigger.at, heard_at) > window_ms


def begun_by_team(trigger: Trigger, heard_at: int, now: int, window_ms: int) -> bool:
    """Whether somebody of the team who writes at ``now`` begins, rather than answers a customer.

    They answer, if a customer has written since the trigger and within the window.
    """
    return heard_at <= trigger.at or now - heard_at > window_ms


def begun_from(at: str, locations: Collection[str], standing: Standing) -> str:
    """The location from which somebody of the team begins: where they are logged in, if they
    work there, or the only one that they have; ``""`` if that cannot be told."""
    if len(locations) == 1:  # most of the team, with every message
        (only,) = locations
        return standing(only) or ""
    theirs = _open(locations, standing)
    there = standing(at) if at else None
    if there in theirs:
        return there or ""
    return theirs[0] if len(theirs) == 1 else ""
