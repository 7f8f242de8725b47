"""What was said elsewhere before: conversations that are taken in whole, with their own times.

Rules
1. What is imported keeps its times and its order; everybody in it, and every owner, has read it: so
   nothing is unread, and nobody is told.
2. Only what was imported is added to: a conversation in which somebody has written here since, or
   which began here, is nobody's past.
3. The same record again is the same import; another one under its id is a conflict.
"""

import hashlib
from collections.abc import Collection, Mapping

import msgspec

from domain.conversation import Conversation, digest, refuse_size
from domain.events import (
    Advance,
    ConversationCreated,
    ConversationEvent,
    Cursor,
    MessageSent,
    Person,
    ReceiptsAdvanced,
)
from domain.ids import DIRECT
from domain.limits import TITLE_BYTES, Limits
from domain.receipts import advance
from domain.refusal import Code, Refusal
from domain.roles import Role
from domain.text import refuse_label, refuse_text

DEVICE = "@import"
"""The device of imported messages; not a valid id, so that no other message has it."""

_TAKEN = Refusal(Code.CONFLICT, "'messages': an id is that of a message in another conversation.")
_MARK = b"import:"
"""How the digest of an imported conversation begins; that of any other has another length."""


class ImportedMessage(msgspec.Struct, frozen=True):
    """``at``: when it was said, in milliseconds since 1970 UTC."""

    id: str
    author: str
    text: str
    at: int


class ImportedConversation(msgspec.Struct, frozen=True):
    """All of it, or with ``goes_on`` what follows what was imported of it before."""

    conversation: str
    title: str
    people: tuple[str, ...]
    messages: tuple[ImportedMessage, ...]
    goes_on: bool = False


def decide_import(
    state: Conversation | None,
    wanted: ImportedConversation,
    known: Mapping[str, Person],
    owners: frozenset[str],
    taken: int,
    limits: Limits,
    now: int,
) -> tuple[ConversationEvent, ...] | Refusal | None:
    """The events, in one batch; ``None``: it has been imported already.

    ``known``: who exists of those it names. ``taken``: how many of its messages are stored.
    """
    if wanted.goes_on:
        if state is None or not state.creation.startswith(_MARK):
            return _conflict("nothing of this conversation was imported before.")
        if wanted.messages and taken == len(wanted.messages):
            return None
        if _changed(state):
            return _conflict("something has happened in this conversation here since.")
    elif state is not None:
        same = state.creation == _digest(wanted)
        return None if same else _conflict("there is another conversation of this id.")
    refusal = _refuse(wanted, known, limits, _end(state), now)
    if refusal is not None:
        return refusal
    if taken:
        return _TAKEN
    people = state.members if state is not None else _members(wanted, known)
    last = 0 if state is None else state.last_seq
    read = _all_read(state, wanted, {*people, *owners})
    return (*_beginning(state, wanted, people), *_said(wanted, last), read)


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


def _said(wanted: ImportedConversation, last: int) -> tuple[MessageSent, ...]:
    return tuple(
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
        )
        for seq, message in enumerate(wanted.messages, start=last + 1)
    )


def _all_read(
    state: Conversation | None, wanted: ImportedConversation, people: Collection[str]
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
    return ReceiptsAdvanced(wanted.conversation, at, moved)


def _members(wanted: ImportedConversation, known: Mapping[str, Person]) -> dict[str, Person]:
    """Who is in it; an owner's place is not theirs but the ownership's."""
    there = (known[person] for person in dict.fromkeys(wanted.people))
    return {person.id: person for person in there if person.role is not Role.OWNER}


def _digest(wanted: ImportedConversation) -> bytes:
    return _MARK + hashlib.blake2b(msgspec.json.encode(wanted), digest_size=16).digest()


def _end(state: Conversation | None) -> int:
    """When the last was said of what is imported: everybody has read it then."""
    return 0 if state is None else max((c.read_at for c in state.cursors.values()), default=0)


def _refuse(
    wanted: ImportedConversation,
    known: Mapping[str, Person],
    limits: Limits,
    before: int,
    now: int,
) -> Refusal | None:
    if wanted.conversation.startswith(DIRECT):
        return _bad("id", f"ids that begin with {DIRECT} are given by the server.")
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


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'{field}': {message}")


def _conflict(message: str) -> Refusal:
    return Refusal(Code.CONFLICT, f"'id': {message}")
