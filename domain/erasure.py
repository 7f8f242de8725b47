"""Erasing a person: who may be, what they are afterwards, and what a legal hold forbids (EX-21).

Rules
1. Erasing cannot be undone. The id stays, and with it the skeleton: who was in which conversation,
   and where something was said. Nothing else does.
2. Whoever was erased is never changed, added or listened to again.
3. A hold on a person covers them, and every conversation they are or were in; a hold on a
   conversation covers that. Of what is covered nothing is erased.
4. A title tells of somebody if they chose it or it holds their name; then it goes with them.
"""

import unicodedata
from collections.abc import Iterable

import msgspec

from domain.business import LAST_OWNER, LEADERS_ONLY, Business
from domain.conversation import Conversation
from domain.erasure_events import MessageErased, PersonErased
from domain.events import Person
from domain.ids import BUSINESS_VOICE
from domain.profile import Profile
from domain.record_events import HoldChanged, HoldKind
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role, may_touch

DELETED_NAME = "Deleted person"
"""What everybody is called who was erased."""

ON_HOLD = Refusal(
    Code.ON_HOLD,
    "A legal hold covers this person, or a conversation they were in. Lift it first.",
)


class Titled(msgspec.Struct, frozen=True):
    """A conversation with a title, and who began it."""

    conversation: str
    title: str
    created_by: str


def decide_erasure(
    business: Business,
    author: str,
    author_role: Role | None,
    known: Person | None,
    titles: Iterable[Titled],
    now: int,
    *,
    covered: bool,
) -> PersonErased | Refusal | None:
    """Erase ``known``; ``None``: they were erased already.

    ``author_role`` is ``None`` for the business's own backend. ``covered``: by a legal hold.
    """
    if known is None:
        return NOT_FOUND
    if known.id in business.erased:
        return None
    if not may_touch(author_role, known.role):
        return LEADERS_ONLY
    if business.owners == {known.id}:
        return LAST_OWNER
    if covered:
        return ON_HOLD
    return PersonErased(
        now,
        author,
        Person(known.id, DELETED_NAME, known.role, active=False),
        (),
        access=True,
        shown=True,
        ownership=known.id in business.owners,
        profile=Profile(enrolled=False),
        titled=tuple(each.conversation for each in titles if tells_of(each, known)),
    )


def tells_of(titled: Titled, person: Person) -> bool:
    """Whether a title goes with ``person`` (rule 4)."""
    name = _folded(person.name)
    return titled.created_by == person.id or bool(name and name in _folded(titled.title))


def _folded(text: str) -> str:
    """Without regard to case, form and spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def decide_hold(
    author: str, kind: HoldKind, id_: str, now: int, *, exists: bool, held: bool, placed: bool
) -> HoldChanged | Refusal | None:
    """Place a hold or lift it; ``None``: it is so already. What does not exist is never held."""
    if not exists:
        return NOT_FOUND
    return None if held == placed else HoldChanged(now, author, kind, id_, placed)


def erased_messages(
    state: Conversation | None, seqs: Iterable[int], now: int
) -> tuple[MessageErased, ...]:
    """The events that erase what is at ``seqs``; what is not there is left out."""
    if state is None:
        return ()
    there = sorted({seq for seq in seqs if 1 <= seq <= state.last_seq})
    return tuple(MessageErased(state.id, seq, now, BUSINESS_VOICE) for seq in there)
