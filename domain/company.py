"""Who may talk to whom and see whom: what a business decides beyond what a conversation does.

Rules
1. Customers talk to the team, the team to everybody (DT-13).
2. Where the business does without talk among its staff, staff and managers talk to one another only
   where a customer is, and to owners (DT-23). What there is already goes on.
3. A blocked customer reads, and says and starts nothing. The team may still write to them (EX-32).
4. Who was erased says and starts nothing (EX-21).
"""

from collections.abc import Iterable

from domain.business import Business
from domain.commands import Speaker
from domain.events import BusinessEvent, Person, PersonChanged, PrivacyChanged
from domain.refusal import Code, Refusal
from domain.roles import EVERYBODY, TEAM, Role

_STAFF = frozenset({Role.STAFF, Role.MANAGER})

NO_STAFF_TALK = Refusal(
    Code.FORBIDDEN,
    "Staff do not talk among themselves here. Bring a customer in, or write to an owner.",
)
BLOCKED = Refusal(
    Code.FORBIDDEN,
    "The business takes no messages from you here. Call it if you need something.",
)
ERASED = Refusal(
    Code.DELETED, "This person was erased. Nothing is taken from them, or about them, any more."
)


def partners(business: Business, person: str, role: Role | None) -> frozenset[Role]:
    """The roles of those with whom one may start a conversation; ``None`` is the backend."""
    if person in business.blocked:
        return frozenset()
    if role is Role.CUSTOMER:
        return TEAM
    return EVERYBODY - _STAFF if role in _STAFF and _apart(business) else EVERYBODY


def refuse_start(business: Business, speaker: Speaker, people: Iterable[Person]) -> Refusal | None:
    """Why ``speaker`` cannot start a conversation that ``people`` are in, or ``None``."""
    refusal = refuse_saying(business, speaker)
    if refusal is not None:
        return refusal
    others = {person.role for person in people if person.id != speaker.person}
    return _refuse_staff_talk(business, speaker, others, others)


def refuse_joining(
    business: Business | None, speaker: Speaker, person: Person, members: Iterable[Person]
) -> Refusal | None:
    """Why ``speaker`` cannot bring ``person`` into a conversation of ``members``, or ``None``."""
    if business is None:
        return None
    return _refuse_staff_talk(
        business, speaker, {person.role}, {person.role, *(member.role for member in members)}
    )


def refuse_saying(business: Business | None, speaker: Speaker) -> Refusal | None:
    """Why ``speaker`` cannot say anything, or ``None``."""
    if business is not None and speaker.person in business.blocked:
        return BLOCKED
    if business is not None and speaker.person in business.erased:
        return ERASED
    return None


def _refuse_staff_talk(
    business: Business, speaker: Speaker, asked: set[Role], all_: set[Role]
) -> Refusal | None:
    staff_alone = Role.CUSTOMER not in all_ and not _STAFF.isdisjoint(asked)
    return NO_STAFF_TALK if staff_alone and speaker.role in _STAFF and _apart(business) else None


def _apart(business: Business) -> bool:
    return not business.policies.staff_to_staff


def sees_whole(viewer: str, viewer_role: Role | None, person: str) -> bool:
    """Whether all is shown that is known of ``person``: to backend and team, and to themselves."""
    return viewer_role is None or viewer_role in TEAM or viewer == person


def sees_name(person: Person) -> bool:
    """Whether customers, too, are shown this person by name: the active ones of the team."""
    return person.active and person.role in TEAM


def seen_person(event: BusinessEvent) -> str | None:
    """Who is seen differently by others after ``event``, if it is one person."""
    match event:
        case PersonChanged(shown=True, ownership=False):
            return event.person.id
        case PrivacyChanged():
            return event.person
        case _:
            return None
