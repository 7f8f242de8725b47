"""A person as the API shows one to whoever asks, and as a request describes one."""

from typing import Annotated

import msgspec

from domain import events
from domain.business import Wanted
from domain.contact import Contact
from domain.permissions import Permission, granted
from domain.profile import Profile, sees_contact, with_standing
from domain.refusal import Refusal
from domain.roles import LEADERS, TEAM, Role
from domain.views import PersonName
from server.http.caller import Backend, Somebody
from server.http.contacts import ContactChange, contact_of
from server.http.fields import UNSET, Id, Input, Output, Unset, set_or, set_or_none
from storage.people import PersonRecord

IdOrNothing = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._:-]{0,64}\Z")]
Reference = Annotated[str, msgspec.Meta(max_length=200)]


class Person(Output, frozen=True, kw_only=True):
    """Only ``id``, ``name``, ``role`` and ``active`` are shown to customers, and in a search.

    What is not known is left out.

    ``permissions``: what one of the team may; to those who lead, and to themselves. ``contact``:
    to whom may see it; the rest about customers, to the team. ``household``: those who share it may
    share a phone number. ``reference``: what your other systems call them.
    """

    id: str
    name: str
    role: Role
    active: bool = True
    locations: tuple[str, ...] | Unset = UNSET
    permissions: tuple[Permission, ...] | Unset = UNSET
    contact: Contact | Unset = UNSET
    enrolled: bool | Unset = UNSET
    blocked: bool | Unset = UNSET
    household: str | Unset = UNSET
    reference: str | Unset = UNSET


class NewPerson(Input, frozen=True, kw_only=True):
    """``permissions``: by default those that are usual for the role.

    ``enrolled`` (by default `true`) and ``blocked``: of customers alone.
    """

    id: Id | Unset = UNSET
    name: str
    role: Role
    locations: tuple[Id, ...] = ()
    permissions: tuple[Permission, ...] | Unset = UNSET
    contact: ContactChange | Unset = UNSET
    enrolled: bool | Unset = UNSET
    blocked: bool | Unset = UNSET
    household: IdOrNothing = ""
    reference: Reference = ""


class PersonChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. ``permissions`` `null`: what is usual for the role.

    Another ``role`` has what is usual for it, unless ``permissions`` are named, too. ``enrolled``
    and ``blocked`` are of customers alone: who becomes one of the team is blocked no more.
    """

    name: str | Unset = UNSET
    role: Role | Unset = UNSET
    locations: tuple[Id, ...] | Unset = UNSET
    active: bool | Unset = UNSET
    permissions: tuple[Permission, ...] | Unset | None = UNSET
    contact: ContactChange | Unset = UNSET
    enrolled: bool | Unset = UNSET
    blocked: bool | Unset = UNSET
    household: IdOrNothing | Unset = UNSET
    reference: Reference | Unset = UNSET


def wanted_new(body: NewPerson, id_: str, region: str) -> Wanted | Refusal:
    """Who is to be added."""
    contact = contact_of(body.contact, Contact(), region)
    if isinstance(contact, Refusal):
        return contact
    profile = with_standing(
        Profile(
            permissions=None if body.permissions is UNSET else _own(body.permissions),
            contact=contact,
            household=body.household,
            reference=body.reference,
        ),
        body.role,
        set_or_none(body.enrolled),
        set_or_none(body.blocked),
    )
    if isinstance(profile, Refusal):
        return profile
    return Wanted(events.Person(id_, body.name, body.role), _unique(body.locations), profile)


def wanted_change(body: PersonChange, before: PersonRecord, region: str) -> Wanted | Refusal:
    """What somebody is after a change."""
    known = before.profile
    contact = contact_of(body.contact, known.contact, region)
    if isinstance(contact, Refusal):
        return contact
    role = set_or(body.role, before.role)
    same = known.permissions if role is before.role else None
    profile = with_standing(
        Profile(
            permissions=same if body.permissions is UNSET else _own(body.permissions),
            contact=contact,
            enrolled=known.enrolled,
            blocked=known.blocked,
            household=set_or(body.household, known.household),
            reference=set_or(body.reference, known.reference),
        ),
        role,
        set_or_none(body.enrolled),
        set_or_none(body.blocked),
    )
    if isinstance(profile, Refusal):
        return profile
    person = events.Person(
        before.id, set_or(body.name, before.name), role, set_or(body.active, before.active)
    )
    return Wanted(person, _unique(set_or(body.locations, before.locations)), profile)


def known_of(record: PersonRecord) -> Wanted:
    """What somebody is, to be compared."""
    return Wanted(record.person, record.locations, record.profile)


def shown(caller: Backend | Somebody, known: Wanted) -> Person:
    """Somebody as ``caller`` sees them, who may see more than a name: see `sees_whole`."""
    person, profile = known.person, known.profile
    own = caller.record.profile.permissions if isinstance(caller, Somebody) else None
    of_team, of_self = person.role in TEAM, person.id == caller.author
    leads = caller.role is None or caller.role in LEADERS
    inside = caller.role is None or caller.role in TEAM
    contact = sees_contact(caller.author, caller.role, own, person.id, person.role)
    return Person(
        id=person.id,
        name=person.name,
        role=person.role,
        active=person.active,
        locations=known.locations,
        permissions=_listed(person.role, profile) if of_team and (leads or of_self) else UNSET,
        contact=profile.contact if contact and profile.contact != _NO_CONTACT else UNSET,
        enrolled=profile.enrolled if inside and not of_team else UNSET,
        blocked=profile.blocked if inside and not of_team else UNSET,
        household=(profile.household or UNSET) if inside else UNSET,
        reference=(profile.reference or UNSET) if inside else UNSET,
    )


_NO_CONTACT = Contact()


def named(name: PersonName) -> Person:
    """Somebody by name alone."""
    return Person(id=name.id, name=name.name, role=Role(name.role))


def _own(permissions: object) -> frozenset[Permission] | None:
    return frozenset(permissions) if isinstance(permissions, tuple) else None


def _listed(role: Role, profile: Profile) -> tuple[Permission, ...]:
    has = granted(role, profile.permissions)
    return tuple(permission for permission in Permission if permission in has)


def _unique(locations: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(locations))
