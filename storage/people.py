"""Looking people, locations, businesses and keys up."""

import json
import sqlite3
import unicodedata
from collections.abc import Iterable

import msgspec

from domain.business import Seers
from domain.contact import Contact, normal_email
from domain.events import Person
from domain.hours import Hours
from domain.limits import NAME_BYTES
from domain.locations import Location, LocationStatus
from domain.permissions import Permission, Permissions
from domain.profile import Profile
from domain.retention import RetentionByChannel
from domain.roles import EVERYBODY, Role
from domain.views import PersonName
from storage.access import Viewer, snapshot
from storage.log import newest_revision


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as the HTTP API shows them. ``revoked_revision``: the last event that made
    all their tokens void; a token holds only under the one it was made under.

    ``access_revision``: what they may see changed there last, so an older cursor gets a reset.
    """

    id: str
    name: str
    role: Role
    active: bool
    locations: tuple[str, ...]
    read_receipts: bool
    last_seen: bool
    last_seen_at: int
    access_revision: int
    revoked_revision: int
    profile: Profile

    @property
    def person(self) -> Person:
        return Person(self.id, self.name, self.role, self.active)


class BusinessRecord(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    read_receipts: bool
    last_seen: bool
    created_at: int
    parent: str


_PERSON = (
    "SELECT p.id, p.name, p.role, p.active, p.locations, p.read_receipts, p.last_seen,"
    " p.last_seen_at, max(p.access_revision, b.access_revision), p.revoked_revision,"
    " p.permissions, p.contact, p.enrolled, p.blocked, p.household, p.reference"
    " FROM person p JOIN business b ON b.no = p.business_no WHERE p.business_no = ?"
)


def _record(row: tuple[object, ...]) -> PersonRecord:
    id_, name, role, active, locations, receipts, seen, seen_at, access, revoked, *rest = row
    return PersonRecord(
        id=str(id_),
        name=str(name),
        role=Role(str(role)),
        active=bool(active),
        locations=tuple(json.loads(str(locations))),
        read_receipts=bool(receipts),
        last_seen=bool(seen),
        last_seen_at=int(str(seen_at)),
        access_revision=int(str(access)),
        revoked_revision=int(str(revoked)),
        profile=_profile(*rest),
    )


def _profile(
    own: object, contact: object, enrolled: object, blocked: object, household: object, ref: object
) -> Profile:
    return Profile(
        permissions=permissions_of(own),
        contact=_NO_CONTACT if contact == "{}" else _decode_contact(str(contact)),
        enrolled=bool(enrolled),
        blocked=bool(blocked),
        household=str(household),
        reference=str(ref),
    )


_NO_CONTACT = Contact()
_decode_contact = msgspec.json.Decoder(Contact).decode


def encoded_contact(contact: Contact) -> str:
    """``contact`` as it is stored: without what is as it is by default."""
    return json.dumps(
        {
            name: value
            for name, value in msgspec.to_builtins(contact).items()
            if value != _NOTHING[name]
        }
    )


_NOTHING = msgspec.to_builtins(_NO_CONTACT)


def addresses_of(contact: Contact) -> tuple[str, ...]:
    """What somebody is found by: numbers as they are, an e-mail address without regard to case."""
    return (*contact.phones, *((folded_email(contact.email),) if contact.email else ()))


def folded_email(email: str) -> str:
    """``email`` as it is looked up."""
    return normal_email(email).casefold()


def permissions_of(own: object) -> Permissions | None:
    """The permissions that a person has been given, as they are stored: JSON, or NULL.

    What a newer program knew is not given.
    """
    if own is None:
        return None
    known = set(Permission)
    return frozenset(Permission(each) for each in json.loads(str(own)) if each in known)


def by_address(
    connection: sqlite3.Connection, business_no: int, address: str
) -> list[PersonRecord]:
    """Who has the phone number or (folded) e-mail address; the first `FOUND_MAX` by their ids."""
    rows = connection.execute(
        _PERSON + " AND p.id IN (SELECT person FROM person_address WHERE business_no = ?"
        "  AND address = ?) ORDER BY p.id LIMIT ?",
        (business_no, business_no, address, FOUND_MAX),
    )
    return [_record(row) for row in rows]


def by_reference(
    connection: sqlite3.Connection, business_no: int, reference: str
) -> list[PersonRecord]:
    """Whom another system calls ``reference``; the first `FOUND_MAX` by their ids."""
    rows = connection.execute(
        _PERSON + " AND p.reference = ? AND p.reference <> '' ORDER BY p.id LIMIT ?",
        (business_no, reference, FOUND_MAX),
    )
    return [_record(row) for row in rows]


FOUND_MAX = 50
"""People that one look-up finds at most."""


def one(connection: sqlite3.Connection, business_no: int, person: str) -> PersonRecord | None:
    """One person by id."""
    row = connection.execute(_PERSON + " AND p.id = ?", (business_no, person)).fetchone()
    return None if row is None else _record(row)


def some(
    connection: sqlite3.Connection, business_no: int, people: Iterable[str]
) -> tuple[Person, ...]:
    """Those of ``people`` who exist, active or not, as the rules know them."""
    records = (one(connection, business_no, person) for person in dict.fromkeys(people))
    return tuple(record.person for record in records if record is not None)


def everyone(
    connection: sqlite3.Connection, business_no: int, after: str, limit: int
) -> list[PersonRecord]:
    """All people of a business in the order of their ids, after ``after``."""
    rows = connection.execute(
        _PERSON + " AND p.id > ? ORDER BY p.id LIMIT ?", (business_no, after, limit)
    )
    return [_record(row) for row in rows]


def folded(text: str) -> str:
    """``text`` as it is searched: without regard to case and accents, so that angel finds Ángel."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def search(
    connection: sqlite3.Connection,
    viewer: Viewer,
    text: str,
    limit: int,
    roles: frozenset[Role] = EVERYBODY,
    among: Iterable[str] | None = None,
    skip: int = 0,
) -> list[PersonName]:
    """Others of ``roles``, to whom the viewer may talk, and whose name holds ``text`` (DT-13).

    Customers find the team alone. ``among``: only these. ``skip``: without the first so many.
    """
    if len(text) > NAME_BYTES:
        return []
    marks = ",".join("?" * len(roles))
    rows = connection.execute(
        "SELECT id, name, role FROM person WHERE business_no = ? AND active = 1 AND id <> ?"
        f" AND (role <> 'customer' OR ?) AND role IN ({marks}) AND instr(folded_name, ?) > 0"
        f" AND {'1' if among is None else 'id IN (SELECT value FROM json_each(?))'}"
        " ORDER BY folded_name, id LIMIT ? OFFSET ?",
        (
            viewer.business_no,
            viewer.person,
            viewer.role is not Role.CUSTOMER,
            *roles,
            folded(text),
            *(() if among is None else (json.dumps(list(among)),)),
            limit,
            skip,
        ),
    )
    return [PersonName(id=id_, name=name, role=role) for id_, name, role in rows]


def companions(
    connection: sqlite3.Connection, viewer: Viewer, people: Iterable[str]
) -> dict[str, int]:
    """Those of ``people`` whose presence the viewer may watch, with their stored last-seen.

    The team may watch everybody; a customer those who share a conversation with them. Who is not
    active is offline, and may be let in again.
    """
    wanted = tuple(dict.fromkeys(people))
    marks = ",".join("?" * len(wanted))
    sql = f"SELECT id, last_seen_at FROM person WHERE business_no = ? AND id IN ({marks})"
    parameters: tuple[object, ...] = (viewer.business_no, *wanted)
    if viewer.role is Role.CUSTOMER:
        sql += (
            " AND (role = 'owner' OR id IN (SELECT other.person FROM member me"
            " JOIN member other ON other.conversation_no = me.conversation_no"
            " WHERE me.business_no = ? AND me.person = ?))"
        )
        parameters += (viewer.business_no, viewer.person)
    return dict(connection.execute(sql, parameters).fetchall())


def seers(connection: sqlite3.Connection, business_no: int, person: str) -> Seers:
    """Who may know of ``person``, who owns nothing: the team, and who shares a conversation."""
    with snapshot(connection):
        revision = newest_revision(connection, business_no)
        found = connection.execute(
            "SELECT p.id FROM person p"
            " WHERE p.business_no = ?1 AND p.role IN ('owner', 'manager', 'staff')"
            " UNION SELECT other.person FROM member me JOIN member other"
            "  ON other.conversation_no = me.conversation_no"
            " WHERE me.business_no = ?1 AND me.person = ?2",
            (business_no, person),
        ).fetchall()
    return Seers(frozenset(id_ for (id_,) in found), revision)


def locations(connection: sqlite3.Connection, business_no: int) -> list[Location]:
    """The locations of a business."""
    rows = connection.execute(
        "SELECT id, name, time_zone, status, merged_into, hours, away_text, alert_minutes,"
        " auto_close_days, retention_days, retention_by_channel FROM location"
        " WHERE business_no = ? ORDER BY id",
        (business_no,),
    )
    return [
        Location(
            id=id_,
            name=name,
            time_zone=zone,
            status=LocationStatus(status),
            merged_into=into,
            hours=None if hours is None else _decode_hours(hours),
            away_text=away,
            alert_minutes=minutes,
            auto_close_days=quiet,
            retention_days=days,
            retention_by_channel=_decode_by_channel(by_channel),
        )
        for id_, name, zone, status, into, hours, away, minutes, quiet, days, by_channel in rows
    ]


_decode_hours = msgspec.json.Decoder(Hours).decode
_decode_by_channel = msgspec.json.Decoder(RetentionByChannel).decode


def businesses(
    connection: sqlite3.Connection, after: str = "", limit: int = -1, parent: str | None = None
) -> list[BusinessRecord]:
    """Businesses, oldest first, those made after ``after``; for the operator. -1: all of them.

    ``parent``: only those that belong to it.
    """
    rows = connection.execute(
        "SELECT b.id, b.name, b.read_receipts, b.last_seen, b.created_at, coalesce(p.id, '')"
        " FROM business b LEFT JOIN business p ON p.no = b.parent_no"
        " WHERE b.no > coalesce((SELECT no FROM business WHERE id = ?1), 0)"
        " AND (?2 IS NULL OR p.id = ?2) ORDER BY b.no LIMIT ?3",
        (after, parent, limit),
    )
    return [
        BusinessRecord(
            id=id_,
            name=name,
            read_receipts=bool(receipts),
            last_seen=bool(seen),
            created_at=created_at,
            parent=parent,
        )
        for id_, name, receipts, seen, created_at, parent in rows
    ]


def revoked_tokens(connection: sqlite3.Connection, now: int) -> dict[str, int]:
    """Ids of revoked tokens that have not expired yet, with their expiry."""
    return dict(
        connection.execute(
            "SELECT id, expires_at FROM revoked_token WHERE expires_at > ?", (now,)
        ).fetchall()
    )
