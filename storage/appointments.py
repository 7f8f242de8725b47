"""Looking appointments up: one, a page of them, and what they say of a customer."""

import sqlite3
from dataclasses import dataclass

import msgspec

from domain.appointments import Appointment, AppointmentStatus
from domain.roles import LEADERS, Role
from storage.access import Viewer


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads appointments: ``places`` are those whose appointments they see as one of the team.

    Owners and managers see all; others of the team their own and those at ``places``; customers
    their own. Without ``person`` it is the business's backend.
    """

    viewer: Viewer
    places: tuple[str, ...] = ()


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which appointments: of whom, where, beginning ``start`` or later and before ``until``."""

    customer: str = ""
    staff: str = ""
    location: str = ""
    start: int = 0
    until: int = 2**62


_COLUMNS = "a.id, a.customer, a.staff, a.location, a.starts_at, a.ends_at, a.status, a.title"
_Row = tuple[str, str, str, str, int, int, str, str]


def _appointment(row: _Row) -> Appointment:
    id_, customer, staff, location, start, end, status, title = row
    return Appointment(
        id=id_,
        customer=customer,
        staff=staff,
        location=location,
        start=start,
        end=end,
        status=AppointmentStatus(status),
        title=title,
    )


def one(connection: sqlite3.Connection, business_no: int, appointment: str) -> Appointment | None:
    """One appointment, for who may see all."""
    return _first(
        connection.execute(
            f"SELECT {_COLUMNS} FROM appointment a WHERE a.business_no = ? AND a.id = ?",
            (business_no, appointment),
        )
    )


def seen(connection: sqlite3.Connection, reader: Reader, appointment: str) -> Appointment | None:
    """One appointment, if ``reader`` may see it."""
    condition, parameters = _sees(reader)
    return _first(
        connection.execute(
            f"SELECT {_COLUMNS} FROM appointment a WHERE a.business_no = ? AND a.id = ?{condition}",
            (reader.viewer.business_no, appointment, *parameters),
        )
    )


def page(
    connection: sqlite3.Connection,
    reader: Reader,
    wanted: Filter,
    after: tuple[int, str],
    limit: int,
) -> list[Appointment]:
    """Those that ``reader`` may see, in the order of their start and id, behind ``after``."""
    condition, parameters = _sees(reader)
    for column in ("customer", "staff", "location"):
        value = getattr(wanted, column)
        if value:
            condition += f" AND a.{column} = ?"
            parameters += (value,)
    # The start alone is what an index knows; the id decides among those that start together.
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM appointment a WHERE a.business_no = ? AND a.starts_at >= ?"
        f" AND a.starts_at < ? AND (a.starts_at, a.id) > (?, ?){condition}"
        " ORDER BY a.starts_at, a.id LIMIT ?",
        (
            reader.viewer.business_no,
            max(wanted.start, after[0]),
            wanted.until,
            *after,
            *parameters,
            limit,
        ),
    )
    return [_appointment(row) for row in rows]


def _sees(reader: Reader) -> tuple[str, tuple[object, ...]]:
    viewer = reader.viewer
    if viewer.role in LEADERS:
        return "", ()
    if viewer.role is Role.CUSTOMER:
        return " AND a.customer = ?", (viewer.person,)
    marks = ",".join("?" * len(reader.places))
    return f" AND (a.staff = ? OR a.location IN ({marks}))", (viewer.person, *reader.places)


def last_location(
    connection: sqlite3.Connection, business_no: int, customer: str, now: int
) -> str | None:
    """Where the last appointment of ``customer`` was that has begun: `domain.appointments`."""
    found = _first(
        connection.execute(
            f"SELECT {_COLUMNS} FROM appointment a WHERE a.business_no = ? AND a.customer = ?"
            " AND a.starts_at <= ? AND a.status <> 'cancelled'"
            " ORDER BY a.starts_at DESC, a.id DESC LIMIT 1",
            (business_no, customer, now),
        )
    )
    return None if found is None else found.location


def visited_until(connection: sqlite3.Connection, business_no: int, customer: str, now: int) -> int:
    """When the last appointment ends or ended that ``customer`` came to, 0 for none."""
    row = connection.execute(
        "SELECT ends_at FROM appointment WHERE business_no = ? AND customer = ? AND starts_at <= ?"
        " AND status NOT IN ('cancelled', 'no_show') ORDER BY starts_at DESC, id DESC LIMIT 1",
        (business_no, customer, now),
    ).fetchone()
    return 0 if row is None else int(row[0])


def next_of(
    connection: sqlite3.Connection, business_no: int, customer: str, now: int
) -> Appointment | None:
    """The first appointment of ``customer`` that has not begun.

    Until its start, `last_location` stays as it is unless the customer is stamped anew.
    """
    return _first(
        connection.execute(
            f"SELECT {_COLUMNS} FROM appointment a WHERE a.business_no = ? AND a.customer = ?"
            " AND a.starts_at > ? AND a.status <> 'cancelled' ORDER BY a.starts_at, a.id LIMIT 1",
            (business_no, customer, now),
        )
    )


def assigned_staff(
    connection: sqlite3.Connection, business_no: int, customer: str, now: int
) -> str | None:
    """Who of the active team is assigned to ``customer``: see `domain.appointments.assigned`."""
    row = connection.execute(
        "SELECT a.staff FROM appointment a"
        " JOIN person p ON p.business_no = a.business_no AND p.id = a.staff AND p.active"
        "  AND p.role <> 'customer'"
        " WHERE a.business_no = ?1 AND a.customer = ?2 AND a.status <> 'cancelled'"
        " ORDER BY CASE WHEN a.starts_at > ?3 THEN 1 WHEN a.ends_at > ?3 THEN 0 ELSE 2 END,"
        "  iif(a.starts_at > ?3, a.starts_at, -a.starts_at),"
        "  iif(a.starts_at > ?3, a.id, ''), a.id DESC LIMIT 1",
        (business_no, customer, now),
    ).fetchone()
    return None if row is None else str(row[0])


def _first(rows: sqlite3.Cursor) -> Appointment | None:
    row = rows.fetchone()
    return None if row is None else _appointment(row)
