"""Appointments, as the scheduling product tells them: who comes when, where, and to whom.

Times are milliseconds since 1970 UTC, as everywhere; who thinks in the local time of a location may
say a date and a time of day instead.

Rules
1. A local time that the clock skips does not exist and is refused; one that comes twice, because
   the clock is set back, is the first of the two.
2. A cancelled appointment tells nothing about its customer; every other one says where they were
   last from its start on, whether they came or not.
3. The staff assigned to a customer is that of the current appointment, else of the next one, else
   of the last one; who is not active is passed over (DT-20, DT-21).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from domain.refusal import Code, Refusal
from domain.text import refuse_label

TITLE_BYTES = 200
LONGEST_MS = 366 * 24 * 3600 * 1000
FIRST_MS = 946_684_800_000
"""The year 2000 begins: what is less was most likely counted in seconds."""
LAST_MS = 253_370_764_800_000
"""The year 9999 begins: what is later, no calendar can show."""


class AppointmentStatus(StrEnum):
    """What has become of an appointment."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """``staff`` and ``title`` may be ``""``; ``end`` is the first moment after it."""

    id: str
    customer: str
    staff: str = ""
    location: str
    start: int
    end: int
    status: AppointmentStatus = AppointmentStatus.BOOKED
    title: str = ""

    @property
    def counts(self) -> bool:
        return self.status is not AppointmentStatus.CANCELLED


def refuse_appointment(appointment: Appointment) -> Refusal | None:
    """Why there cannot be such an appointment, whoever is in it, or ``None``."""
    if appointment.title:
        refusal = refuse_label(appointment.title, TITLE_BYTES, "title")
        if refusal is not None:
            return refusal
    if not 0 <= appointment.start <= appointment.end < LAST_MS:
        return _bad("end", "an appointment does not end before it starts, nor after the year 9998.")
    if appointment.end - appointment.start > LONGEST_MS:
        return _bad("end", "an appointment lasts a year at the most.")
    return None


def last_of(appointments: Iterable[Appointment], now: int) -> Appointment | None:
    """The last appointment that has begun (rule 2)."""
    begun = [a for a in appointments if a.counts and a.start <= now]
    return max(begun, key=lambda a: (a.start, a.id), default=None)


def next_of(appointments: Iterable[Appointment], now: int) -> Appointment | None:
    """The first appointment that has not begun."""
    ahead = [a for a in appointments if a.counts and a.start > now]
    return min(ahead, key=lambda a: (a.start, a.id), default=None)


def assigned(appointments: Iterable[Appointment], active: Iterable[str], now: int) -> str | None:
    """The staff assigned to the customer of ``appointments`` (rule 3); ``active``: of the team."""
    there = frozenset(active)
    served = [a for a in appointments if a.counts and a.staff in there]
    current = [a for a in served if a.start <= now < a.end]
    found = last_of(current, now) or next_of(served, now) or last_of(served, now)
    return None if found is None else found.staff


_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_time = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?").fullmatch


def instant(date: str, time: str, zone: ZoneInfo, field: str) -> int | Refusal:
    """When the clock in ``zone`` shows ``time`` on ``date`` (rule 1); ``field`` is what is named.

    ``date`` is YYYY-MM-DD, ``time`` HH:MM or HH:MM:SS.
    """
    try:
        if not (_date(date) and _time(time)):
            raise ValueError
        wall = datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=zone)
        moment = wall.astimezone(UTC)
    except (ValueError, OverflowError):
        return _bad(field, "write a date as 2026-05-31 and a time as 14:30.")
    if moment.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return _bad(field, f"on {date} the clock in {zone.key} skips {time}. Name another time.")
    return int(moment.timestamp()) * 1000


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'{field}': {message}")
