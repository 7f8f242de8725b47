"""The demo's shop: where it is, who works there, and who its customers are.

Nobody exists: numbers are of the range that is kept for fiction (+1 ... 555 01xx), addresses of
example.com.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from actors.business import ChangePerson
from actors.desk_locations import ChangeLocation
from domain.contact import Consents, Contact
from domain.events import Person
from domain.hours import Holiday, Hours, Span
from domain.profile import Profile
from domain.roles import Role

AUTHOR = "demo"
MINUTE_MS = 60_000

TEAM = (
    ("olivia", "Olivia Marsh", Role.OWNER, ("main", "lakeside")),
    ("sam", "Sam Rivers", Role.STAFF, ("main",)),
    ("priya", "Priya Nair", Role.MANAGER, ("main", "lakeside")),
    ("jonah", "Jonah Reyes", Role.STAFF, ("main",)),
    ("tess", "Tess Okafor", Role.STAFF, ("lakeside",)),
    ("hugo", "Hugo Laurent", Role.STAFF, ("lakeside",)),
)
CARLA = ("carla", "Carla Vega", "Rex", "dog")
ZONES = {"main": ZoneInfo("America/New_York"), "lakeside": ZoneInfo("America/Chicago")}
HOLIDAYS = {
    "01-01": ("New Year's Day", ()),
    "12-24": ("Christmas Eve", (Span(9 * 60, 13 * 60),)),
    "12-25": ("Christmas Day", ()),
}
_AREA_CODES = {"main": "212", "lakeside": "312"}


@dataclass(frozen=True, slots=True)
class Customer:
    """Who comes with which pet, and where."""

    id: str
    name: str
    pet: str
    kind: str
    location: str

    @property
    def first(self) -> str:
        return self.name.partition(" ")[0]


def locations(now: int) -> tuple[ChangeLocation, ...]:
    """One on weekdays and Saturdays; one with a pause at noon, an away text and alerts."""
    year = day_of(now, "main").year
    holidays = tuple(
        Holiday(f"{each}-{month_day}", name, spans)
        for each in (year, year + 1)
        for month_day, (name, spans) in HOLIDAYS.items()
    )
    weekday, saturday = (Span(8 * 60, 18 * 60),), (Span(9 * 60, 16 * 60),)
    late = (Span(8 * 60, 12 * 60), Span(13 * 60, 20 * 60))
    main = Hours((weekday,) * 5 + (saturday, ()), holidays)
    lakeside = Hours(((), late, late, late, late, saturday, saturday), holidays)
    return (
        ChangeLocation(AUTHOR, "main", "Pawsome Downtown", ZONES["main"].key, main),
        ChangeLocation(
            AUTHOR,
            "lakeside",
            "Pawsome Lakeside",
            ZONES["lakeside"].key,
            lakeside,
            "We are closed right now and will answer first thing when we open again.",
            120,
        ),
    )


def team() -> Iterator[ChangePerson]:
    """Who works there."""
    for id_, name, role, locations in TEAM:
        yield ChangePerson(AUTHOR, None, Person(id_, name, role), locations)


def carla_of(carla: Customer) -> ChangePerson:
    """The customer whom a newcomer can be: reached in every way."""
    everything = Consents(
        sms_transactional=True,
        sms_marketing=True,
        email_transactional=True,
        email_marketing=True,
    )
    contact = Contact(
        phones=("+12125550100",),
        email="carla.vega@example.com",
        email_verified=True,
        app_installed=True,
        consents=everything,
        language="en-US",
    )
    return _customer(carla, Profile(contact=contact, reference="PW-1000"))


def person_of(dice: Random, number: int, customer: Customer) -> ChangePerson:
    """Most have a number and an address, about half the app; some want no texts, some nothing."""
    email, texts = dice.random() < 0.9, dice.random() < 0.8
    contact = Contact(
        phones=(f"+1{_AREA_CODES[customer.location]}55501{number + 1:02}",),
        email=f"{customer.id.replace('-', '.')}@example.com" if email else "",
        email_verified=email and dice.random() < 0.7,
        app_installed=dice.random() < 0.5,
        consents=Consents(
            sms_transactional=texts,
            sms_marketing=texts and dice.random() < 0.4,
            email_transactional=email and dice.random() < 0.9,
            email_marketing=email and dice.random() < 0.3,
        ),
        language=dice.choice(("en-US", "en-US", "en-US", "es-US", "")),
    )
    return _customer(customer, Profile(contact=contact, reference=f"PW-{1001 + number}"))


def _customer(customer: Customer, profile: Profile) -> ChangePerson:
    person = Person(customer.id, customer.name, Role.CUSTOMER)
    return ChangePerson(AUTHOR, None, person, (customer.location,), profile)


# --- Time -----------------------------------------------------------------------------------------


def staff_at(location: str) -> list[str]:
    """Who of the staff works there."""
    return [id_ for id_, _, role, places in TEAM if role is Role.STAFF and location in places]


def day_of(at: int, location: str) -> date:
    """The date that a calendar in the location shows."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZONES[location]).date()


def moment(day: date, minutes: int, location: str) -> int:
    """When the clock in the location shows so many minutes since midnight."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZONES[location])
    return int((wall + timedelta(minutes=minutes)).timestamp()) * 1000


def working_day(day: date, step: int) -> date:
    """``day``, or the nearest one in that direction on which both locations are open."""
    while day.weekday() in (6, 0) or f"{day:%m-%d}" in HOLIDAYS:
        day += timedelta(days=step)
    return day
