"""What was said elsewhere before: conversations that are taken in whole, with their own times.

Rules
1. What is imported keeps its times and its order; everybody in it, and every owner, has read it: so
   nothing is unread, and nobody is told.
2. Only what was imported is added to: a conversation in which somebody has written here since, or
   which began here, is nobody's past. A customer's own conversation may have begun here, as long
   as nothing has happened in it: what was said before comes above what they say next.
3. The same record again is the same import; another one under its id is a conflict.
4. A conversation with a customer may be placed at a location, with who is assigned to it and
   whether it is closed or snoozed; a snooze that has ended is none. Who works there has read it.
5. Nobody waits, unless it is said of a record: then from the first word of a customer that nobody
   of the team answered. What is an alert by then counts as one that was given.
6. A customer who says something is in it; one of the team need not be.
"""

import hashlib
from collections.abc import Collection, Mapping

import msgspec

from domain.business import Business
from domain.channels import APP, channels
from domain.commands import Import
from domain.company import ERASED
from domain.conversation import Conversation, SentKey, digest, refuse_size
from domain.events import (
    Advance,
    ConversationCreated,
    ConversationEvent,
    Cursor,
    Handling,
    HandlingChanged,
    MessageSent,
    Person,
    ReceiptsAdvanced,
)
from domain.handling import SNOOZE_MAX_MS
from domain.hours import open_after
from domain.ids import BUSINESS_VOICE, CUSTOMER, DIRECT
from domain.imported import ImportedConversation, ImportedMessage
from domain.limits import TITLE_BYTES, Limits
from domain.receipts import advance, team_reach
from domain.refusal import Code, Refusal
from domain.roles import Role
from domain.text import refuse_label, refuse_text

DEVICE = "@import"
"""The device of imported messages; not a valid id, so that no other message has it."""

IMPORTED = "imported"
"""What happened to the handling of a conversation that an import has placed."""

_TAKEN = Refusal(
    Code.CONFLICT, "'messages': an id is that of another message of theirs, here or elsewhere."
)
_MARK = b"import:"
"""How the digest of an imported conversation begins; that of any other has another length."""


def decide_import(
    state: Conversation | None, command: Import, business: Business, limits: Limits, now: int
) -> tuple[ConversationEvent, ...] | Refusal | None:
    """The events, in one batch; ``None``: it has been imported already."""
    wanted, known = command.talk, {person.id: person for person in command.known}
    if not business.erased.isdisjoint(wanted.named()):
        return ERASED
    there = _there(state, wanted, command.stored)
    answer = _found(state, wanted, whole=there is True)
    if answer is not False:
        return None if answer is True else answer
    refusal = _refuse(wanted, known, limits, _end(state), now)
    if refusal is None and state is not None:
        refusal = _refuse_within(state, wanted, business)
    if refusal is None:
        refusal = _refuse_strangers(state, wanted, known)
    if refusal is not None:
        return refusal
    if there is not False:
        return _TAKEN
    people = state.members if state is not None else _members(wanted, known)
    said = _said(state, wanted, known, business, now)
    placed = _placed(wanted, people, business, said[-1].waiting_since, now)
    if isinstance(placed, Refusal):
        return placed
    before = Handling() if state is None else state.handling
    handling = before if placed is None else placed.handling
    read = {*people, *business.owners, *business.staff_at(handling.locations)}
    return (
        *_beginning(state, wanted, people),
        *(() if placed is None else (placed,)),
        *said,
        _all_read(state, wanted, read, business.team),
    )


def sent_keys(wanted: ImportedConversation) -> dict[SentKey, ImportedMessage]:
    """Its messages, by what names each for ever."""
    return {(message.author, DEVICE, message.id): message for message in wanted.messages}


def _there(
    state: Conversation | None, wanted: ImportedConversation, stored: Mapping[SentKey, bytes]
) -> bool | None:
    """Whether its messages are there: all of them, in it; ``None``: some, or as something else."""
    sent = {} if state is None else state.sent  # also what is not stored yet
    messages = sent_keys(wanted)
    digests = [sent[key].digest if key in sent else stored.get(key) for key in messages]
    if all(found is None for found in digests):
        return False
    expected = [digest(wanted.conversation, each.text, 0) for each in messages.values()]
    return True if digests == expected else None


def _found(
    state: Conversation | None, wanted: ImportedConversation, *, whole: bool
) -> Refusal | bool:
    """Whether it has been imported already; or why it is not added to what there is (rule 2).

    ``whole``: all its messages are there.
    """
    marked = state is not None and state.creation.startswith(_MARK)
    own = wanted.customer is not msgspec.UNSET
    if wanted.goes_on:
        if state is None or not (marked or (own and state.last_seq)):
            return _conflict(wanted, "nothing of this conversation was imported before.")
        return whole or (_conflict(wanted, _SINCE) if _changed(state) else False)
    if state is None:
        return False
    if marked:
        return state.creation == _digest(wanted) or _conflict(wanted, _ANOTHER[own])
    if not own:
        return _conflict(wanted, _ANOTHER[own])
    return whole or (_conflict(wanted, _SINCE) if state.last_seq else False)


_SINCE = "something has happened in it here since. Import first, let people talk then."
_ANOTHER = {
    False: "there is another conversation of this id.",
    True: "something else was imported of it before. What follows that is a record of `messages`.",
}


def _changed(state: Conversation) -> bool:
    """Whether something has happened that was not imported; it would be the newest."""
    said_here = any(device != DEVICE for _, device, _ in state.sent)
    return said_here or not all(entry.is_message for entry in state.recent.values())


def _beginning(
    state: Conversation | None, wanted: ImportedConversation, people: Mapping[str, Person]
) -> tuple[ConversationCreated, ...]:
    if state is not None:
        return ()
    first = wanted.messages[0]
    return (
        ConversationCreated(
            wanted.conversation,
            "group",
            wanted.title,
            first.at,
            first.author,
            tuple(people.values()),
            _digest(wanted),
        ),
    )


def _said(
    state: Conversation | None,
    wanted: ImportedConversation,
    known: Mapping[str, Person],
    business: Business,
    now: int,
) -> tuple[MessageSent, ...]:
    """The messages; the last says since when somebody waits (rule 5)."""
    first, waiting_since, heard_at = (
        (1, 0, 0) if state is None else (state.last_seq + 1, state.waiting_since, state.heard_at)
    )
    channel = APP if state is None else state.channel
    said = list[MessageSent]()
    for seq, message in enumerate(wanted.messages, start=first):
        role = known[message.author].role
        on = channels(channel, message.channel or APP, role)
        channel = channel if on is None else on.conversation
        if role is Role.CUSTOMER:
            waiting_since, heard_at = waiting_since or message.at, message.at
        else:
            waiting_since = 0
        said.append(
            MessageSent(
                wanted.conversation,
                seq,
                message.at,
                message.author,
                message.text,
                0,
                DEVICE,
                message.id,
                digest(wanted.conversation, message.text, 0),
                waiting_since if wanted.waiting is True else 0,
                heard_at,
                channels=on,
            )
        )
    last = said[-1]
    if state is not None and last.waiting_since and state.handling.locations:
        alerted = _alerted(business, state.handling.locations[0], last.waiting_since, now)
        handling = msgspec.structs.replace(state.handling, alerted=alerted)
        said[-1] = msgspec.structs.replace(last, handling=handling)
    return tuple(said)


def _alerted(business: Business, location: str, waiting_since: int, now: int) -> int:
    """The waiting that an alert counts as given for: one that is due already."""
    place = business.locations[location]
    if not (waiting_since and place.alert_minutes):
        return 0
    due = open_after(place.hours, place.zone, waiting_since, place.alert_minutes)
    return waiting_since if due is not None and due <= now else 0


def _placed(
    wanted: ImportedConversation,
    people: Mapping[str, Person],
    business: Business,
    waiting_since: int,
    now: int,
) -> HandlingChanged | Refusal | None:
    """How the team deals with it from the beginning; ``None``: nothing is said of that."""
    placing = wanted.placing
    if isinstance(placing, msgspec.UnsetType):
        return None
    location, assignee = business.standing(placing.location), placing.assignee
    if location is None:
        return _bad("location", f"there is no open location {placing.location}.")
    if all(person.role is not Role.CUSTOMER for person in people.values()):
        return _bad("location", "only a conversation with a customer is placed.")
    if assignee and not (
        assignee in business.team
        and (assignee in {*people, *business.owners} or business.works_at(assignee, (location,)))
    ):
        return _bad("assignee", f"nobody of the team who sees it is called {assignee}.")
    if placing.closed and (placing.snoozed_until or waiting_since):
        return _bad("closed", "what is closed is not snoozed, and nobody waits there.")
    if placing.snoozed_until > now + SNOOZE_MAX_MS:
        return _bad("snoozed_until", "it is within a year.")
    snoozed = placing.snoozed_until > now
    handling = Handling(
        (location,),
        "closed" if placing.closed else "snoozed" if snoozed else "open",
        placing.snoozed_until if snoozed else 0,
        assignee,
        alerted=_alerted(business, location, waiting_since, now),
    )
    at = wanted.messages[-1].at
    return HandlingChanged(
        wanted.conversation,
        0,
        at,
        BUSINESS_VOICE,
        IMPORTED,
        handling,
        waiting_since,
        came=(location,),
    )


def _all_read(
    state: Conversation | None,
    wanted: ImportedConversation,
    people: Collection[str],
    team: Collection[str],
) -> ReceiptsAdvanced:
    """Everybody is at the end of it (rule 1)."""
    cursors = {} if state is None else state.cursors
    end = (0 if state is None else state.last_seq) + len(wanted.messages)
    at = wanted.messages[-1].at
    steps = (
        advance(person, cursors.get(person, Cursor()), end, end, end, at)
        for person in sorted(people)
    )
    moved: tuple[Advance, ...] = tuple(step for step in steps if step is not None)
    before = 0 if state is None else state.team_read_up_to
    return ReceiptsAdvanced(wanted.conversation, at, moved, team_reach(before, moved, team))


def _members(wanted: ImportedConversation, known: Mapping[str, Person]) -> dict[str, Person]:
    """Who is in it; an owner's place is not theirs but the ownership's."""
    there = (known[person] for person in dict.fromkeys(wanted.people))
    return {person.id: person for person in there if person.role is not Role.OWNER}


def _digest(wanted: ImportedConversation) -> bytes:
    return _MARK + hashlib.blake2b(msgspec.json.encode(wanted), digest_size=16).digest()


def _end(state: Conversation | None) -> int:
    """When the last was said of what is imported: who was there has read it then, others later."""
    if state is None:
        return 0
    ends = (c.read_at for c in state.cursors.values() if c.read_up_to == state.last_seq)
    return min(ends, default=0)


def _refuse(
    wanted: ImportedConversation,
    known: Mapping[str, Person],
    limits: Limits,
    before: int,
    now: int,
) -> Refusal | None:
    refusal = _refuse_name(wanted, known)
    if refusal is not None:
        return refusal
    for person in (*wanted.people, *(message.author for message in wanted.messages)):
        if person not in known:
            return _bad("people", f"there is no person {person}.")
    if wanted.title:
        refusal = refuse_label(wanted.title, TITLE_BYTES, "title")
        if refusal is not None:
            return refusal
    if not wanted.messages:
        return _bad("messages", "a conversation in which nothing was said is not imported.")
    if len({(message.author, message.id) for message in wanted.messages}) < len(wanted.messages):
        return _bad("messages", "an id is named twice.")
    for number, message in enumerate(wanted.messages):
        if not before <= message.at <= now:
            return _bad(f"messages[{number}].at", "the oldest comes first, and none is of later.")
        before = message.at
        refusal = refuse_text(message.text, limits.text_bytes)
        if refusal is not None:
            return Refusal(refusal.code, f"'messages[{number}].text': {refusal.message}")
    return refuse_size(len(set(wanted.people)) + 1, limits)


def _refuse_name(wanted: ImportedConversation, known: Mapping[str, Person]) -> Refusal | None:
    """Whether it is called what it may be: by its id, or by whose own it is."""
    customer = wanted.customer
    if customer is msgspec.UNSET:
        if not wanted.conversation.startswith((DIRECT, CUSTOMER)):
            return None
        text = f"ids that begin with {DIRECT} or {CUSTOMER} are given by the server."
        return _bad("id", f"{text} Name a 'customer' for what belongs into their own conversation.")
    if customer not in known:
        return _bad("customer", f"there is no person {customer}.")
    if known[customer].role is not Role.CUSTOMER:
        return _bad("customer", f"{customer} is no customer, and has no such conversation.")
    if wanted.title:
        return _bad("title", "a customer's own conversation has none.")
    return None


def _refuse_within(
    state: Conversation, wanted: ImportedConversation, business: Business
) -> Refusal | None:
    """What cannot be said any more of a conversation that there is already."""
    for person in wanted.people:
        if person not in state.members and person not in business.owners:
            return _bad("people", f"there is the conversation already, without {person}.")
    if wanted.placing is not msgspec.UNSET and state.handling != Handling():
        return _conflict(wanted, "the team deals with it already. Leave 'location' out.")
    return None


def _refuse_strangers(
    state: Conversation | None, wanted: ImportedConversation, known: Mapping[str, Person]
) -> Refusal | None:
    """Whether a customer says something who is not in it (rule 6)."""
    there = wanted.people if state is None else state.members
    for number, message in enumerate(wanted.messages):
        if message.author not in there and known[message.author].role is Role.CUSTOMER:
            then = " Name them in 'people'." if state is None else ""
            text = f"{message.author} is a customer who is not in it.{then}"
            return _bad(f"messages[{number}].author", text)
    return None


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'{field}': {message}")


def _conflict(wanted: ImportedConversation, message: str) -> Refusal:
    field = "id" if wanted.customer is msgspec.UNSET else "customer"
    return Refusal(Code.CONFLICT, f"'{field}': {message}")
