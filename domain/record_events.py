"""What has happened to what a business knows: its places, its appointments, how people are reached.

The others are in `domain.events`, and so is what holds for all.
"""

from enum import StrEnum

import msgspec

from domain.appointments import Appointment
from domain.contact import Contact
from domain.hours import Hours
from domain.retention import AS_ALL, RetentionByChannel


class ParentChanged(msgspec.Struct, frozen=True):
    """The business belongs to ``parent`` from now on, or to none (``""``)."""

    at: int
    author: str
    parent: str


class ContactChanged(msgspec.Struct, frozen=True):
    """How somebody is reached was changed, and nothing else of them."""

    at: int
    author: str
    person: str
    contact: Contact


class LocationChanged(msgspec.Struct, frozen=True):
    """A location was added or changed; whether it takes part is as it was."""

    at: int
    author: str
    location: str
    name: str
    time_zone: str
    hours: Hours | None = None
    away_text: str = ""
    alert_minutes: int = 0
    auto_close_days: int = 0
    retention_days: int | None = None
    retention_by_channel: RetentionByChannel = AS_ALL


class LocationClosed(msgspec.Struct, frozen=True):
    at: int
    author: str
    location: str


class LocationReopened(msgspec.Struct, frozen=True):
    at: int
    author: str
    location: str


class LocationMerged(msgspec.Struct, frozen=True):
    """Whoever was associated with ``location`` is so with ``into``; ``team``: who of the team."""

    at: int
    author: str
    location: str
    into: str
    team: tuple[str, ...]


class AppointmentChanged(msgspec.Struct, frozen=True):
    """``former``: whose it was before, or ``""``."""

    at: int
    author: str
    appointment: Appointment
    former: str = ""

    @property
    def customers(self) -> frozenset[str]:
        """Of whom something changed."""
        return frozenset({self.appointment.customer, self.former}) - {""}


class AppointmentDeleted(msgspec.Struct, frozen=True):
    at: int
    author: str
    appointment: str
    customer: str

    @property
    def customers(self) -> frozenset[str]:
        return frozenset({self.customer})


class ImportFinished(msgspec.Struct, frozen=True):
    """What was imported is there now: everybody's older picture is void."""

    at: int
    author: str
    name: str


class HoldKind(StrEnum):
    """What a legal hold may be placed on."""

    PERSON = "person"
    CONVERSATION = "conversation"


class HoldChanged(msgspec.Struct, frozen=True):
    """Nothing of ``id`` is erased from now on; with ``placed`` false, it may be again."""

    at: int
    author: str
    kind: HoldKind
    id: str
    placed: bool


AppointmentEvent = AppointmentChanged | AppointmentDeleted
