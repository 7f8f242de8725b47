"""Looking accounts up, and the single writes about them that nobody is shown."""

import sqlite3
from dataclasses import dataclass

import msgspec

from domain.accounts import Account, Link
from storage.writer import Writer

MARK = "first_business"
"""The setting that names the business of the first start."""

GRACE_MS = 60_000
"""So long after a sign-in was renewed its former secret renews it once more, to the same new one:
an answer may be lost, and two windows of one browser ask at the same time."""

_TEAM = "p.active = 1 AND p.role IN ('owner', 'manager', 'staff')"


class AccountOfEmail(msgspec.Struct, frozen=True, kw_only=True):
    """An account that an address has in some business, of somebody who may sign in."""

    business: str
    business_name: str
    person: str
    person_name: str
    email: str
    password_hash: str
    revision: int


class SignInRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is signed in."""

    id: str
    business: str
    person: str
    device: str
    revoked_revision: int
    created_at: int
    last_used_at: int


@dataclass(frozen=True, slots=True)
class FirstStart:
    """Nobody has a password, and there is at most the business that a set-up began with."""

    business: str | None


REPLAYED = -1
"""A secret was used again that had been renewed: two have it, and one of them stole it."""


def one(connection: sqlite3.Connection, business_no: int, person: str) -> Account | None:
    """The account of a person."""
    row = connection.execute(
        "SELECT person, email, password_hash, revision FROM account"
        " WHERE business_no = ? AND person = ?",
        (business_no, person),
    ).fetchone()
    return None if row is None else Account(*row)


def email_taken(
    connection: sqlite3.Connection, business_no: int, email_key: str, person: str
) -> bool:
    """Whether somebody else of the business signs in with this address."""
    row = connection.execute(
        "SELECT 1 FROM account WHERE email_key = ? AND business_no = ? AND person <> ?",
        (email_key, business_no, person),
    ).fetchone()
    return row is not None


def of_email(
    connection: sqlite3.Connection, email_key: str, business: str | None, limit: int
) -> list[AccountOfEmail]:
    """Who can sign in with this address, in one business or any, the oldest business first."""
    rows = connection.execute(
        "SELECT b.id, b.name, p.id, p.name, a.email, a.password_hash, a.revision FROM account a"
        " JOIN business b ON b.no = a.business_no"
        " JOIN person p ON p.business_no = a.business_no AND p.id = a.person"
        f" WHERE a.email_key = ?1 AND (?2 IS NULL OR b.id = ?2) AND {_TEAM}"
        " ORDER BY a.business_no LIMIT ?3",
        (email_key, business, limit),
    )
    return [
        AccountOfEmail(
            business=business,
            business_name=business_name,
            person=person,
            person_name=person_name,
            email=email,
            password_hash=password_hash,
            revision=revision,
        )
        for business, business_name, person, person_name, email, password_hash, revision in rows
    ]


def link(connection: sqlite3.Connection, link_hash: bytes) -> Link | None:
    """The one-time link of this hash, in time or not."""
    row = connection.execute(
        "SELECT b.id, l.person, l.revision, l.expires_at FROM sign_in_link l"
        " JOIN business b ON b.no = l.business_no WHERE l.hash = ?",
        (link_hash,),
    ).fetchone()
    return None if row is None else Link(*row)


_SIGN_IN = (
    "SELECT s.id, b.id, s.person, s.device, s.revoked_revision, s.created_at, s.last_used_at"
    " FROM sign_in s JOIN business b ON b.no = s.business_no WHERE "
)


def _record(row: tuple[str, str, str, str, int, int, int]) -> SignInRecord:
    id_, business, person, device, revoked, created_at, last_used_at = row
    return SignInRecord(
        id=id_,
        business=business,
        person=person,
        device=device,
        revoked_revision=revoked,
        created_at=created_at,
        last_used_at=last_used_at,
    )


def sign_in(connection: sqlite3.Connection, id_: str) -> SignInRecord | None:
    """One sign-in by id."""
    row = connection.execute(_SIGN_IN + "s.id = ?", (id_,)).fetchone()
    return None if row is None else _record(row)


def sign_ins(
    connection: sqlite3.Connection, business_no: int, person: str, since: int
) -> list[SignInRecord]:
    """The sign-ins of a person that hold and were used after ``since``, the latest used first."""
    rows = connection.execute(
        _SIGN_IN + "s.business_no = ? AND s.person = ? AND s.last_used_at > ?"
        " AND s.revoked_revision = (SELECT revoked_revision FROM person"
        " WHERE business_no = s.business_no AND id = s.person)"
        " ORDER BY s.last_used_at DESC, s.id",
        (business_no, person, since),
    )
    return [_record(row) for row in rows]


def first_start(connection: sqlite3.Connection) -> FirstStart | None:
    """Whether the server waits for its first owner; ``None``: it does not, or not any more."""
    begun = connection.execute("SELECT value FROM setting WHERE name = ?", (MARK,)).fetchone()
    businesses = connection.execute("SELECT id FROM business LIMIT 2").fetchall()
    account = connection.execute(
        "SELECT 1 FROM account WHERE password_hash <> '' LIMIT 1"
    ).fetchone()
    if account is not None or businesses not in ([], [begun]):
        return None
    return FirstStart(businesses[0][0] if businesses else None)


class AccountWrites:
    """What is stored beside the journal: hashes and times. Raises `domain.errors.StorageFailed`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def add_link(self, business_no: int, link_hash: bytes, link: Link, now: int) -> None:
        """Keep a one-time link; of its person at most `LINKS_MAX`, the last ones, are kept."""
        await self._writer.transact(_add_link, business_no, link_hash, link, now)

    async def renew(self, id_: str, renewals: int, now: int) -> int | None:
        """Renew a sign-in by its secret of so many ``renewals``: how many they are now.

        `REPLAYED`: that one has been renewed before. ``None``: there is no such sign-in.
        """
        return await self._writer.transact(_renew, id_, renewals, now)

    async def rehash(self, business_no: int, person: str, before: str, after: str) -> None:
        """Keep another hash of the same password, unless it has been changed meanwhile."""
        await self._writer.transact(_rehash, business_no, person, before, after)

    async def forget_unused(self, business_no: int, person: str, since: int) -> None:
        """Sign-ins of a person that were last used before ``since``."""
        await self._writer.transact(_forget_unused, business_no, person, since)


LINKS_MAX = 5
"""One-time links of one person that are valid at the same time."""


def _add_link(
    connection: sqlite3.Connection, business_no: int, link_hash: bytes, link: Link, now: int
) -> None:
    connection.execute(
        "DELETE FROM sign_in_link WHERE business_no = ? AND person = ? AND expires_at <= ?",
        (business_no, link.person, now),
    )
    connection.execute(
        "INSERT INTO sign_in_link VALUES (?, ?, ?, ?, ?)",
        (link_hash, business_no, link.person, link.revision, link.expires_at),
    )
    connection.execute(
        "DELETE FROM sign_in_link WHERE hash IN (SELECT hash FROM sign_in_link"
        " WHERE business_no = ? AND person = ? ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
        (business_no, link.person, LINKS_MAX),
    )


def _renew(connection: sqlite3.Connection, id_: str, renewals: int, now: int) -> int | None:
    row = connection.execute(
        "SELECT renewals, last_used_at FROM sign_in WHERE id = ?", (id_,)
    ).fetchone()
    if row is None:
        return None
    current, last_used_at = row
    if renewals == current:
        connection.execute(
            "UPDATE sign_in SET renewals = ?, last_used_at = ? WHERE id = ?",
            (current + 1, max(now, last_used_at), id_),
        )
        return renewals + 1
    return current if renewals == current - 1 and now - last_used_at <= GRACE_MS else REPLAYED


def _rehash(
    connection: sqlite3.Connection, business_no: int, person: str, before: str, after: str
) -> None:
    connection.execute(
        "UPDATE account SET password_hash = ?"
        " WHERE business_no = ? AND person = ? AND password_hash = ?",
        (after, business_no, person, before),
    )


def _forget_unused(
    connection: sqlite3.Connection, business_no: int, person: str, since: int
) -> None:
    connection.execute(
        "DELETE FROM sign_in WHERE business_no = ? AND person = ? AND last_used_at <= ?",
        (business_no, person, since),
    )
