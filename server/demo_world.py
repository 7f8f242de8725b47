"""The demo's world: a shop with two locations, its people, appointments and what was said.

Pure: the same seed and the same moment give the same world. Nobody in it exists: numbers are of the
range that is kept for fiction (+1 ... 555 01xx), addresses of example.com.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from actors.business import ChangePerson
from actors.desk_locations import ChangeLocation, decide_location
from domain.appointments import Appointment, Status
from domain.business import Business, Wanted, decide_person, evolve
from domain.contact import Consents, Contact
from domain.events import BusinessEvent, ConversationEvent, Person
from domain.hours import Holiday, Hours, Span
from domain.imports import ImportedConversation, ImportedMessage, Placing, decide_import
from domain.limits import Limits
from domain.profile import Profile
from domain.refusal import Refusal
from domain.roles import Role
from domain.saved_replies import SavedReply, decide_saved_reply
from domain.scheduling import decide_appointment
from server.demo_phrases import CUSTOMERS, HELLO, SAVED_REPLIES, SERVICES, SIGN_OFF, TOPICS, Topic

AUTHOR = "demo"
SEED = 20
MINUTE_MS = 60_000
TALKS = 50
_TODAY = 14
"""So many of the talks ended within the last hours."""

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
_HOLIDAYS = {
    "01-01": ("New Year's Day", ()),
    "12-24": ("Christmas Eve", (Span(9 * 60, 13 * 60),)),
    "12-25": ("Christmas Day", ()),
}
_AREA_CODES = {"main": "212", "lakeside": "312"}


@dataclass(frozen=True, slots=True)
class World:
    """In the order in which it is to be stored; ``talks``: the one that ended first comes first."""

    locations: tuple[ChangeLocation, ...]
    people: tuple[ChangePerson, ...]
    replies: tuple[SavedReply, ...]
    appointments: tuple[Appointment, ...]
    talks: tuple[ImportedConversation, ...]


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


def make_world(now: int, seed: int = SEED) -> World:
    """The world as it is at ``now``, in milliseconds since 1970 UTC."""
    dice = Random(seed)  # noqa: S311 - no secret
    customers = [
        Customer(*known, "lakeside" if number % 5 in (1, 3) else "main")
        for number, known in enumerate(CUSTOMERS)
    ]
    carla = Customer(*CARLA, "main")
    return World(
        _locations(now),
        (*_team(), _carla(carla), *(_person(dice, n, c) for n, c in enumerate(customers))),
        tuple(SavedReply(id=i, title=t, text=x, location=at) for i, t, x, at in SAVED_REPLIES),
        (*_visits_of_carla(now), *_visits(dice, customers, now)),
        _talks(dice, [carla, *customers], now),
    )


def records_of(world: World, business: Business, now: int) -> tuple[BusinessEvent, ...]:
    """Locations, people, saved replies and appointments as events; ``business`` is after them."""
    events = list[BusinessEvent]()

    def decided(event: BusinessEvent | Refusal | None) -> None:
        assert not isinstance(event, Refusal), event
        if event is not None:
            evolve(business, event)
            events.append(event)

    for place in world.locations:
        decided(decide_location(business, place, now))
    for someone in world.people:
        wanted = Wanted(someone.person, someone.locations, someone.profile)
        decided(decide_person(business, AUTHOR, None, None, wanted, now))
    for number, reply in enumerate(world.replies):
        decided(decide_saved_reply(AUTHOR, reply, number, now))
    people = _known(world)
    for visit in world.appointments:
        decided(decide_appointment(business, AUTHOR, None, visit, people, now))
    return tuple(events)


def talks_of(
    world: World, business: Business, limits: Limits, now: int
) -> tuple[ConversationEvent, ...]:
    """What was said as events, after `records_of`: imported, so that nobody is told of it."""
    people, events = _known(world), list[ConversationEvent]()
    for talk in world.talks:
        decided = decide_import(None, talk, people, business, 0, limits, now)
        assert isinstance(decided, tuple), decided
        events += decided
    return tuple(events)


def _known(world: World) -> dict[str, Person]:
    return {change.person.id: change.person for change in world.people}


# --- Places and people ----------------------------------------------------------------------------


def _locations(now: int) -> tuple[ChangeLocation, ...]:
    year = _day(now, "main").year
    holidays = tuple(
        Holiday(f"{each}-{month_day}", name, spans)
        for each in (year, year + 1)
        for month_day, (name, spans) in _HOLIDAYS.items()
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


def _team() -> Iterator[ChangePerson]:
    for id_, name, role, locations in TEAM:
        yield ChangePerson(AUTHOR, None, Person(id_, name, role), locations)


def _carla(carla: Customer) -> ChangePerson:
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


def _person(dice: Random, number: int, customer: Customer) -> ChangePerson:
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


# --- Appointments ---------------------------------------------------------------------------------


def _visits_of_carla(now: int) -> tuple[Appointment, ...]:
    """Rex was here four weeks ago, and comes on Thursday until five."""
    today = _day(now, "main")
    thursday = today + timedelta(days=(3 - today.weekday()) % 7 or 7)
    while f"{thursday:%m-%d}" in _HOLIDAYS:
        thursday += timedelta(days=7)
    return tuple(
        Appointment(
            id=id_,
            customer="carla",
            staff="sam",
            location="main",
            start=_at(day, start, "main"),
            end=_at(day, end, "main"),
            status=status,
            title="Rex: wash and trim",
        )
        for id_, day, start, end, status in (
            (
                "visit-rex-1",
                _working_day(today - timedelta(days=28), -1),
                600,
                690,
                Status.COMPLETED,
            ),
            ("visit-rex-2", thursday, 840, 1020, Status.CONFIRMED),
        )
    )


def _visits(dice: Random, customers: list[Customer], now: int) -> Iterator[Appointment]:
    """One that has been, for nearly everybody; one that comes, for most."""
    for number, customer in enumerate(customers):
        gone = dice.choice((Status.COMPLETED,) * 5 + (Status.NO_SHOW, Status.CANCELLED))
        ahead = dice.choice((Status.BOOKED, Status.BOOKED, Status.CONFIRMED, Status.CANCELLED))
        plans = ((gone, -dice.randint(1, 30)), (ahead, dice.randint(0, 21)))
        for (status, days), name, share in zip(plans, "ab", (0.95, 0.7), strict=True):
            visit = _visit(dice, f"visit-{number + 1:02}{name}", customer, status, days, now)
            if dice.random() < share:
                yield visit


def _visit(
    dice: Random, id_: str, customer: Customer, status: Status, days: int, now: int
) -> Appointment:
    title, _, minutes = dice.choice(SERVICES[customer.kind])
    day = _working_day(_day(now, customer.location) + timedelta(days=days), -1 if days < 0 else 1)
    begins = dice.choice((*range(9 * 60, 12 * 60, 15), *range(13 * 60, 15 * 60, 15)))
    start = _at(day, 9 * 60 if minutes > 240 else begins, customer.location)
    return Appointment(
        id=id_,
        customer=customer.id,
        staff=dice.choice(_staff(customer.location)),
        location=customer.location,
        start=start,
        end=start + minutes * MINUTE_MS,
        status=status,
        title=f"{customer.pet}: {title}",
    )


# --- What was said --------------------------------------------------------------------------------


def _talks(dice: Random, customers: list[Customer], now: int) -> tuple[ImportedConversation, ...]:
    """The first customer has one of long ago; of the newest most wait, older ones are closed."""
    return tuple(
        _talk(dice, number, dice.choice(customers[1:]) if number else customers[0], end, now)
        for number, end in enumerate(sorted(_ends(dice, now)))
    )


def _ends(dice: Random, now: int) -> Iterator[int]:
    """When each talk ended: in the last weeks at working hours, in the last hours at any."""
    for _ in range(_TODAY):
        yield now - dice.randint(6, 9 * 60) * MINUTE_MS - dice.randrange(MINUTE_MS)
    for _ in range(TALKS - _TODAY):
        day = _working_day(_day(now, "main") - timedelta(days=dice.randint(2, 27)), -1)
        minutes = dice.randrange(10 * 60, 17 * 60)
        yield _at(day, minutes, "main") + dice.randrange(MINUTE_MS)


def _talk(
    dice: Random, number: int, customer: Customer, end: int, now: int
) -> ImportedConversation:
    recent = number >= TALKS - _TODAY
    topic = dice.choice(TOPICS)
    staff = dice.choice(_staff(customer.location))
    waiting = recent and number % 3 != 0
    turns = list(topic.turns)
    if waiting:  # it ends with the first thing that the customer said
        turns = turns[: [who for who, _ in turns].index("customer") + 1]
    claimed = any(who == "staff" for who, _ in turns)
    slots = _slots(dice, customer, end)
    texts = [dice.choice(said).format(**slots) for _, said in turns]
    said = zip(turns, texts, _times(dice, len(turns), end), strict=True)
    id_ = f"{topic.name}-{number + 1:02}"
    snoozed = not waiting and number % 7 == 6
    return ImportedConversation(
        id_,
        _title(dice, topic, slots),
        (customer.id, staff) if claimed else (customer.id,),
        tuple(
            ImportedMessage(f"{id_}-{n}", customer.id if who == "customer" else staff, text, at)
            for n, ((who, _), text, at) in enumerate(said, start=1)
        ),
        waiting=waiting,
        placing=Placing(
            customer.location,
            staff if claimed else "",
            not recent and not snoozed and dice.random() < 0.8,
            _snoozed_until(dice, customer.location, now) if snoozed else 0,
        ),
    )


def _title(dice: Random, topic: Topic, slots: dict[str, str]) -> str:
    return dice.choice(topic.titles).format(**slots)


def _slots(dice: Random, customer: Customer, end: int) -> dict[str, str]:
    """What the sentences of a talk leave open."""
    service, price, _ = dice.choice(SERVICES[customer.kind])
    day = _working_day(_day(end, customer.location) + timedelta(days=dice.randint(2, 6)), 1)
    hour, quarter = dice.randint(9, 16), dice.choice(("00", "15", "30", "45"))
    return {
        "hello": dice.choice(HELLO),
        "bye": dice.choice(SIGN_OFF),
        "first": customer.first,
        "pet": customer.pet,
        "kind": customer.kind,
        "service": service,
        "price": str(price),
        "day": f"{day:%A}",
        "time": f"{(hour - 1) % 12 + 1}:{quarter} {'am' if hour < 12 else 'pm'}",
    }


def _times(dice: Random, count: int, end: int) -> list[int]:
    """When each of ``count`` messages was said, the last at ``end``."""
    times = [end]
    while len(times) < count:
        times.append(times[-1] - dice.randint(1, 40) * MINUTE_MS - dice.randrange(MINUTE_MS))
    return times[::-1]


def _snoozed_until(dice: Random, location: str, now: int) -> int:
    return _at(_day(now, location) + timedelta(days=dice.randint(1, 4)), 9 * 60, location)


# --- Time -----------------------------------------------------------------------------------------


def _staff(location: str) -> list[str]:
    """Who of the staff works there."""
    return [id_ for id_, _, role, places in TEAM if role is Role.STAFF and location in places]


def _day(at: int, location: str) -> date:
    """The date that a calendar in the location shows."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZONES[location]).date()


def _at(day: date, minutes: int, location: str) -> int:
    """When the clock in the location shows so many minutes since midnight."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZONES[location])
    return int((wall + timedelta(minutes=minutes)).timestamp()) * 1000


def _working_day(day: date, step: int) -> date:
    """``day``, or the nearest one in that direction on which both locations are open."""
    while day.weekday() in (6, 0) or f"{day:%m-%d}" in _HOLIDAYS:
        day += timedelta(days=step)
    return day
