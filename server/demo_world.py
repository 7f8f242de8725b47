"""The demo's world: a shop with two locations, its people, appointments and what was said.

Pure: the same seed and the same moment give the same world.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from actors.business import ChangePerson
from actors.desk_locations import ChangeLocation, decide_location
from domain.appointments import Appointment, AppointmentStatus
from domain.business import Business, Wanted, decide_person, evolve
from domain.commands import AddNote, Import
from domain.conversation import created
from domain.conversation import evolve as evolve_talk
from domain.errors import StorageFailed
from domain.events import (
    BusinessEvent,
    ConversationCreated,
    ConversationEvent,
    MessageSent,
    Person,
)
from domain.imported import ImportedConversation
from domain.imports import decide_import
from domain.limits import Limits
from domain.note_events import NoteChanged
from domain.notes import decide_note
from domain.refusal import Refusal
from domain.saved_replies import SavedReply, decide_saved_reply
from domain.scheduling import decide_appointment
from server.demo_phrases import CUSTOMERS, SAVED_REPLIES, SERVICES
from server.demo_shop import (
    AUTHOR,
    CARLA,
    HOLIDAYS,
    MINUTE_MS,
    Customer,
    carla_of,
    day_of,
    locations,
    moment,
    person_of,
    staff_at,
    team,
    working_day,
)
from server.demo_talks import make_notes, make_talks

SEED = 20


@dataclass(frozen=True, slots=True)
class World:
    """In the order in which it is to be stored; ``talks``: the one that ended first comes first."""

    locations: tuple[ChangeLocation, ...]
    people: tuple[ChangePerson, ...]
    replies: tuple[SavedReply, ...]
    appointments: tuple[Appointment, ...]
    talks: tuple[ImportedConversation, ...]
    notes: dict[str, AddNote]
    """By the conversation that they are about."""


def make_world(now: int, seed: int = SEED) -> World:
    """The world as it is at ``now``, in milliseconds since 1970 UTC."""
    dice = Random(seed)  # noqa: S311 - no secret
    customers = [
        Customer(*known, "lakeside" if number % 5 in (1, 3) else "main")
        for number, known in enumerate(CUSTOMERS)
    ]
    carla = Customer(*CARLA, "main")
    talks = make_talks(dice, [carla, *customers], now)
    return World(
        locations(now),
        (*team(), carla_of(carla), *(person_of(dice, n, c) for n, c in enumerate(customers))),
        tuple(SavedReply(id=i, title=t, text=x, location=at) for i, t, x, at in SAVED_REPLIES),
        (*_visits_of_carla(now), *_visits(dice, customers, now)),
        talks,
        dict(make_notes(dice, talks, {customer.id: customer for customer in customers})),
    )


def records_of(world: World, business: Business, now: int) -> tuple[BusinessEvent, ...]:
    """Locations, people, saved replies and appointments as events; ``business`` is after them."""
    events = list[BusinessEvent]()

    def decided(event: BusinessEvent | Refusal | None) -> None:
        raise_refused(event)
        if event is not None and not isinstance(event, Refusal):
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
    people, events = tuple(_known(world).values()), list[ConversationEvent]()
    for talk in world.talks:
        decided = decide_import(None, Import(talk, people), business, limits, now)
        raise_refused(decided)
        assert isinstance(decided, tuple)
        events += decided
        if talk.conversation in world.notes:
            events.append(_noted(decided, world.notes[talk.conversation], business, limits))
    return tuple(events)


def _noted(
    events: tuple[ConversationEvent, ...], note: AddNote, business: Business, limits: Limits
) -> NoteChanged:
    """What the team says to itself when a conversation has come to its end."""
    first, *rest = events
    assert isinstance(first, ConversationCreated)
    state = created(first)
    state.business = business
    for event in rest:
        evolve_talk(state, event)
    noted = decide_note(state, business, note, None, limits, max(m.at for m in _messages(rest)))
    raise_refused(noted)
    assert isinstance(noted, NoteChanged)
    return noted


def raise_refused(answer: object) -> None:
    """Raise `StorageFailed` if a rule has refused what the demo is made of: settings may."""
    if isinstance(answer, Refusal):
        raise StorageFailed(f"the demo could not be made ({answer.code})")


def _messages(events: Iterable[ConversationEvent]) -> Iterator[MessageSent]:
    return (event for event in events if isinstance(event, MessageSent))


def _known(world: World) -> dict[str, Person]:
    return {change.person.id: change.person for change in world.people}


# --- Appointments ---------------------------------------------------------------------------------


def _visits_of_carla(now: int) -> tuple[Appointment, ...]:
    """Rex was here four weeks ago, and comes on Thursday until five."""
    today = day_of(now, "main")
    thursday = today + timedelta(days=(3 - today.weekday()) % 7 or 7)
    while f"{thursday:%m-%d}" in HOLIDAYS:
        thursday += timedelta(days=7)
    return tuple(
        Appointment(
            id=id_,
            customer="carla",
            staff="sam",
            location="main",
            start=moment(day, start, "main"),
            end=moment(day, end, "main"),
            status=status,
            title="Rex: wash and trim",
        )
        for id_, day, start, end, status in (
            (
                "visit-rex-1",
                working_day(today - timedelta(days=28), -1),
                600,
                690,
                AppointmentStatus.COMPLETED,
            ),
            ("visit-rex-2", thursday, 840, 1020, AppointmentStatus.CONFIRMED),
        )
    )


def _visits(dice: Random, customers: list[Customer], now: int) -> Iterator[Appointment]:
    """One that has been, for nearly everybody; one that comes, for most."""
    for number, customer in enumerate(customers):
        gone = dice.choice(
            (AppointmentStatus.COMPLETED,) * 5
            + (AppointmentStatus.NO_SHOW, AppointmentStatus.CANCELLED)
        )
        ahead = dice.choice(
            (
                AppointmentStatus.BOOKED,
                AppointmentStatus.BOOKED,
                AppointmentStatus.CONFIRMED,
                AppointmentStatus.CANCELLED,
            )
        )
        plans = ((gone, -dice.randint(1, 30)), (ahead, dice.randint(0, 21)))
        for (status, days), name, share in zip(plans, "ab", (0.95, 0.7), strict=True):
            visit = _visit(dice, f"visit-{number + 1:02}{name}", customer, status, days, now)
            if dice.random() < share:
                yield visit


def _visit(
    dice: Random, id_: str, customer: Customer, status: AppointmentStatus, days: int, now: int
) -> Appointment:
    title, _, minutes = dice.choice(SERVICES[customer.kind])
    day = working_day(day_of(now, customer.location) + timedelta(days=days), -1 if days < 0 else 1)
    begins = dice.choice((*range(9 * 60, 12 * 60, 15), *range(13 * 60, 15 * 60, 15)))
    start = moment(day, 9 * 60 if minutes > 240 else begins, customer.location)
    return Appointment(
        id=id_,
        customer=customer.id,
        staff=dice.choice(staff_at(customer.location)),
        location=customer.location,
        start=start,
        end=start + minutes * MINUTE_MS,
        status=status,
        title=f"{customer.pet}: {title}",
    )
