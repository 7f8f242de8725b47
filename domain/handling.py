"""How the team deals with conversations with customers: placed, waiting, assigned, snoozed, closed.

Rules
1. A group with a customer in it is *handled*, once the business has locations. Direct conversations
   stay between their two people, so an owner's with a customer is never shown to staff (EX-26).
2. A customer's message is routed (`domain.routing`); if that is elsewhere than before, the
   conversation is placed there first. It opens again what is closed or snoozed (EX-28).
3. It waits from the first word of a customer that nobody of the team has answered; what the
   business says by itself is no answer (EX-24).
4. Who answers first from the queue has claimed it: they are assigned to it (EX-23). Whoever of the
   team answers without being in it becomes a member, who has read up to their answer; where there
   is no room for one more they answer as who works there.
5. Whoever is assigned to a conversation sees it; if it goes where they do not, nobody is assigned.
"""

from collections.abc import Collection, Container, Iterable

import msgspec

from domain.away import Answering, answering, mark, reply, sent_key
from domain.business import Business
from domain.commands import Announce, Handle, Send, Speaker
from domain.conversation import Conversation, SentKey
from domain.events import (
    ConversationEvent,
    Handling,
    HandlingChanged,
    MemberAdded,
    MessageSent,
    Person,
    Routed,
)
from domain.handling_action import Action
from domain.limits import Limits
from domain.permissions import Permission
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role
from domain.routing import (
    CustomerFacts,
    Trigger,
    TriggerKind,
    begun_by_customer,
    begun_by_team,
    route,
)

SNOOZE_MAX_MS = 366 * 24 * 3_600_000
_MEMBERS = Limits().members


class Accompanied(msgspec.Struct, frozen=True):
    """A message, and what is to be recorded before and after it.

    ``joined``: who says it becomes a member by that, so they have read up to it (rule 4).
    """

    before: tuple[ConversationEvent, ...]
    message: MessageSent
    after: tuple[MessageSent, ...] = ()
    joined: bool = False


def is_handled(state: Conversation, business: Business) -> bool:
    """Whether the team deals with this conversation by location (rule 1)."""
    return state.has_customer and state.kind == "group" and bool(business.locations)


def accompany(
    state: Conversation,
    business: Business,
    command: Send,
    message: MessageSent,
    facts: CustomerFacts | None,
    earlier: Container[SentKey] = (),
    most: int = _MEMBERS,
) -> Accompanied:
    """What a message does to the handling of a handled conversation.

    ``facts`` are the customer's who wrote it, ``None`` for everybody else. ``earlier``: what is
    known to have been said long ago. ``most``: how many may be in it, the owner among them.
    """
    if isinstance(command, Announce):
        return Accompanied((), _announced(state, command, message))
    if facts is not None:
        return _from_customer(state, business, message, facts, earlier)
    return _from_team(state, business, command.speaker, message, most)


def _announced(state: Conversation, command: Announce, message: MessageSent) -> MessageSent:
    kind = TriggerKind.CAMPAIGN if command.campaign else TriggerKind.CONFIRMATION
    trigger = Trigger(kind, command.location, "", message.at)
    return msgspec.structs.replace(
        message, handling=msgspec.structs.replace(state.handling, trigger=trigger)
    )


def _from_customer(
    state: Conversation,
    business: Business,
    message: MessageSent,
    facts: CustomerFacts,
    earlier: Container[SentKey],
) -> Accompanied:
    handling, now = state.handling, message.at
    trigger = handling.trigger
    if begun_by_customer(trigger, state.heard_at, now, business.window_ms):
        trigger = Trigger()
    if handling.locations:
        facts = msgspec.structs.replace(facts, newest=handling.locations)
    staff = tuple(sorted(business.locations_of(trigger.person)))
    routed = route(trigger, facts, staff, business.standing)
    away = answering(business, routed.locations, facts, now)
    becomes = msgspec.structs.replace(
        handling,
        locations=routed.locations,
        status="open",
        snoozed_until=0,
        trigger=trigger,
        away=handling.away if away is None else mark(away),
    )
    shown = _changed(
        state, business, becomes, "reopened" if handling.status != "open" else "routed", message
    )
    why = Routed(
        routed.rule,
        routed.locations,
        trigger,
        facts.locations,
        facts.last,
        facts.newest,
        staff,
        tuple(sorted(business.staff_at(routed.locations))),
        (),
        tuple(sorted(business.denied_at(routed.locations))),
    )
    message = msgspec.structs.replace(message, routed=why)
    after = _away(state, away, message, earlier)
    if shown is not None:
        return Accompanied((shown,), message, after)
    hidden = becomes if becomes != handling else None
    return Accompanied((), msgspec.structs.replace(message, handling=hidden), after)


def _away(
    state: Conversation,
    answer: Answering | None,
    message: MessageSent,
    earlier: Container[SentKey],
) -> tuple[MessageSent, ...]:
    """What the business says by itself because it is closed, unless it has said so."""
    if answer is None or state.handling.away == mark(answer):
        return ()
    key = sent_key(state, answer)
    return () if key in state.sent or key in earlier else (reply(state, answer, message),)


def _from_team(
    state: Conversation, business: Business, speaker: Speaker, message: MessageSent, most: int
) -> Accompanied:
    before: list[ConversationEvent] = []
    handling = state.handling
    trigger = _begun(state, business, speaker, message.at)
    if trigger is not None:
        handling = msgspec.structs.replace(handling, trigger=trigger)
    seq = message.seq
    joined = speaker.role is not Role.OWNER and speaker.person not in state.members
    joined = joined and len(state.members) + 2 <= most  # with the owner, who is in all of them
    if joined:
        me = Person(speaker.person, speaker.name, speaker.role)
        before.append(MemberAdded(state.id, seq, message.at, speaker.person, me))
        message = msgspec.structs.replace(message, seq=seq + 1)
    if state.waiting_since and not handling.assignee and handling.locations:
        handling = msgspec.structs.replace(handling, assignee=speaker.person)
        before.append(
            HandlingChanged(
                state.id,
                message.seq - 1,
                message.at,
                speaker.person,
                "claimed",
                handling,
                state.waiting_since,
            )
        )
    elif trigger is not None:
        message = msgspec.structs.replace(message, handling=handling)
    return Accompanied(tuple(before), message, joined=joined)


def _begun(state: Conversation, business: Business, speaker: Speaker, at: int) -> Trigger | None:
    """What the customer's next message answers from now on; ``None``: what it did before.

    Who goes on after beginning themselves has begun nothing new, for half a window.
    """
    trigger, heard_at, window = state.handling.trigger, state.heard_at, business.window_ms
    me = speaker.person
    where = business.begins_at(me, speaker.location)
    if (
        trigger.kind is TriggerKind.STAFF
        and trigger.person == me
        and trigger.location == where
        and heard_at <= trigger.at >= at - window // 2
    ):
        return None
    begun = begun_by_team(trigger, heard_at, at, window)
    return Trigger(TriggerKind.STAFF, where, me, at) if begun else None


def _changed(
    state: Conversation, business: Business, becomes: Handling, kind: str, message: MessageSent
) -> HandlingChanged | None:
    """The event by which the handling becomes another one to those who see it, if it does."""
    becomes = with_assignee_who_sees(state, business, becomes)
    if shown(becomes) == shown(state.handling):
        return None
    return change(state, message.at, message.author, kind, becomes, state.waiting_since)


def shown(handling: Handling) -> tuple[object, ...]:
    """What of it the team is shown."""
    return handling.locations, handling.status, handling.snoozed_until, handling.assignee


def change(
    state: Conversation, at: int, author: str, kind: str, becomes: Handling, waiting_since: int
) -> HandlingChanged:
    """The event by which the handling becomes ``becomes``."""
    before, after = set(state.handling.locations), set(becomes.locations)
    return HandlingChanged(
        state.id,
        state.last_seq,
        at,
        author,
        kind,
        becomes,
        waiting_since,
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
    )


def with_assignee_who_sees(state: Conversation, business: Business, becomes: Handling) -> Handling:
    """``becomes``, with nobody assigned who would not see it (rule 5)."""
    assignee = becomes.assignee
    if not assignee or sees(state, business, assignee, becomes):
        return becomes
    return msgspec.structs.replace(becomes, assignee="")


def sees(state: Conversation, business: Business, person: str, handling: Handling) -> bool:
    """Whether somebody of the team sees the conversation when it is handled so."""
    return person in business.team and (
        person in state.members
        or person in business.owners
        or business.works_at(person, handling.locations)
    )


def team_who_see(
    business: Business, members: Iterable[str], locations: Collection[str]
) -> frozenset[str]:
    """All for whom `sees` holds, of a conversation with these members that is placed there."""
    there = business.owners.union(members, business.staff_at(locations))
    return there.intersection(business.team)


_NOT_HANDLED = Refusal(
    Code.BAD_REQUEST,
    "Only groups with a customer are assigned, moved or closed, in a business with locations.",
)
_WHO = Refusal(Code.BAD_REQUEST, "Name who of the team answers: person.")
_WHERE = Refusal(Code.BAD_REQUEST, "Name where it goes: location.")
_MAY_NOT = Refusal(
    Code.FORBIDDEN,
    "You may not say who else answers, nor where. Ask an owner for the permission 'assign'.",
)
_CANNOT_SEE = Refusal(
    Code.BAD_REQUEST, "They cannot see this conversation. Add them to it first, or transfer it."
)
_SNOOZE = Refusal(Code.BAD_REQUEST, "Name a time to come, within a year: until, in milliseconds.")


def decide_handle(
    state: Conversation, business: Business, command: Handle, now: int
) -> HandlingChanged | Refusal | None:
    """What the command makes of the handling; ``None``: it is so already."""
    speaker = command.speaker
    if not state.admits(speaker):
        return NOT_FOUND
    if speaker.role not in TEAM:
        return Refusal(Code.FORBIDDEN, "Only the team deals with how conversations are handled.")
    if not is_handled(state, business):
        return _NOT_HANDLED
    if _is_of_others(state.handling, command) and not business.may(
        speaker.person, Permission.ASSIGN
    ):
        return _MAY_NOT
    becomes = _handled(state, business, command, now)
    if isinstance(becomes, Refusal):
        return becomes
    waiting_since = _waiting(state, command.action, now)
    becomes = with_assignee_who_sees(state, business, becomes)
    if becomes == state.handling and waiting_since == state.waiting_since:
        return None
    return change(state, now, speaker.person, command.action, becomes, waiting_since)


def _is_of_others(handling: Handling, command: Handle) -> bool:
    """Whether it says what others do: everybody may take, and give back, what they answer."""
    me = command.speaker.person
    match command.action:
        case Action.ASSIGN:
            return command.person != me
        case Action.UNASSIGN:
            return handling.assignee not in ("", me)
        case _:
            return command.action is Action.TRANSFER


def _handled(
    state: Conversation, business: Business, command: Handle, now: int
) -> Handling | Refusal:
    handling = state.handling
    match command.action:
        case Action.ASSIGN:
            if command.person not in business.team:
                return NOT_FOUND if command.person else _WHO
            if not sees(state, business, command.person, handling):
                return _CANNOT_SEE
            return msgspec.structs.replace(handling, assignee=command.person)
        case Action.UNASSIGN:
            return msgspec.structs.replace(handling, assignee="")
        case Action.TRANSFER:
            return _transferred(handling, business, command, now)
        case Action.CLOSE:
            return msgspec.structs.replace(handling, status="closed", snoozed_until=0)
        case Action.SNOOZE:
            return _snoozed(handling, command.until, now)
        case Action.REOPEN:
            return msgspec.structs.replace(handling, status="open", snoozed_until=0)
        case Action.HANDLED | Action.WAITING:
            return handling


def _transferred(
    handling: Handling, business: Business, command: Handle, now: int
) -> Handling | Refusal:
    """At one location, where what the customer says next goes, too."""
    if business.standing(command.location) != command.location:
        return NOT_FOUND if command.location else _WHERE
    if handling.locations == (command.location,):
        return handling
    trigger = Trigger(TriggerKind.TRANSFER, command.location, command.speaker.person, now)
    return msgspec.structs.replace(
        handling, locations=(command.location,), status="open", snoozed_until=0, trigger=trigger
    )


def _snoozed(handling: Handling, until: int, now: int) -> Handling | Refusal:
    if not now < until <= now + SNOOZE_MAX_MS:
        return _SNOOZE
    return msgspec.structs.replace(handling, status="snoozed", snoozed_until=until)


def _waiting(state: Conversation, action: Action, now: int) -> int:
    match action:
        case Action.CLOSE | Action.HANDLED:
            return 0
        case Action.WAITING:
            return state.waiting_since or now
        case _:
            return state.waiting_since
