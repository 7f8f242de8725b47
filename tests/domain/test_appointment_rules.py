"""What an appointment can be, what a clock shows, and what appointments say of a customer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import business as rules
from domain.appointments import (
    LAST_MS,
    LONGEST_MS,
    Appointment,
    AppointmentStatus,
    assigned,
    instant,
    last_of,
    next_of,
)
from domain.business import Business
from domain.events import Person
from domain.record_events import (
    AppointmentChanged,
    AppointmentDeleted,
    LocationChanged,
    LocationMerged,
)
from domain.refusal import Code, Refusal
from domain.roles import Role
from domain.scheduling import decide_appointment

NOON = 1_793_000_000_000
HOUR = 3_600_000
ROME, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York")
zones = st.sampled_from([ROME, NEW_YORK])
PEOPLE = {
    "carla": Person("carla", "Carla", Role.CUSTOMER),
    "mia": Person("mia", "Mia", Role.CUSTOMER, active=False),
    "sam": Person("sam", "Sam", Role.STAFF),
}
BOOKED = Appointment(
    id="a1", customer="carla", staff="sam", location="main", start=NOON, end=NOON + HOUR
)


def business() -> Business:
    state = Business("pawsome", 1, "Pawsome")
    for location in ("main", "north"):
        rules.evolve(state, LocationChanged(5, "x", location, location, "Europe/Rome"))
    return state


def decide(state: Business, wanted: Appointment, before: Appointment | None = None) -> object:
    return decide_appointment(state, "@business", before, wanted, PEOPLE, 5)


def test_an_appointment_is_put_once_and_changed() -> None:
    state = business()
    assert decide(state, BOOKED) == AppointmentChanged(5, "@business", BOOKED)
    assert decide(state, BOOKED, BOOKED) is None
    later = msgspec.structs.replace(BOOKED, start=NOON + 1)
    assert decide(state, later, BOOKED) == AppointmentChanged(5, "@business", later, "carla")


def test_at_a_merged_location_it_is_where_that_went() -> None:
    state = business()
    rules.evolve(state, LocationMerged(5, "x", "main", "north", ()))
    decided = decide(state, BOOKED)
    assert isinstance(decided, AppointmentChanged)
    assert decided.appointment.location == "north"
    assert decide(state, BOOKED, decided.appointment) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"customer": "nobody"}, "'customer'"),
        ({"customer": "sam"}, "'customer'"),
        ({"staff": "nobody"}, "'staff'"),
        ({"staff": "carla"}, "'staff'"),
        ({"location": "nowhere"}, "'location'"),
        ({"end": NOON - 1}, "'end'"),
        ({"end": NOON + LONGEST_MS + 1}, "'end'"),
        ({"start": -1}, "'end'"),
        ({"start": LAST_MS, "end": LAST_MS}, "'end'"),
        ({"title": "a\nb"}, "title"),
        ({"title": "\u200b"}, "title"),
    ],
)
def test_what_an_appointment_cannot_be(change: dict[str, object], said: str) -> None:
    decided = decide(business(), msgspec.structs.replace(BOOKED, **change))
    assert isinstance(decided, Refusal)
    assert decided.code is Code.BAD_REQUEST
    assert said in decided.message


@pytest.mark.parametrize("change", [{"customer": "mia"}, {"staff": ""}, {"end": NOON}])
def test_what_an_appointment_can_be(change: dict[str, object]) -> None:
    decided = decide(business(), msgspec.structs.replace(BOOKED, **change))
    assert isinstance(decided, AppointmentChanged)


def test_whose_facts_changed_is_stamped() -> None:
    state = business()
    before = state.stamp("carla"), state.stamp("mia")
    moved = msgspec.structs.replace(BOOKED, customer="mia")
    rules.evolve(state, AppointmentChanged(5, "x", moved, "carla"))
    between = state.stamp("carla"), state.stamp("mia")
    assert between[0] > before[0]
    assert between[1] > before[1]
    rules.evolve(state, AppointmentDeleted(5, "x", "a1", "mia"))
    assert (state.stamp("carla"), state.stamp("mia") > between[1]) == (between[0], True)


# --- what the clock shows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "time", "zone", "utc"),
    [
        ("2026-06-01", "09:00", ROME, "2026-06-01T07:00:00"),
        ("2026-01-01", "09:00:30", ROME, "2026-01-01T08:00:30"),
        ("2026-10-25", "02:30", ROME, "2026-10-25T00:30:00"),  # twice: the first
        ("2026-11-01", "01:30", NEW_YORK, "2026-11-01T05:30:00"),
        ("2026-03-29", "03:00", ROME, "2026-03-29T01:00:00"),
    ],
)
def test_a_local_time_is_an_instant(date: str, time: str, zone: ZoneInfo, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000
    assert instant(date, time, zone, "start") == expected


@pytest.mark.parametrize(
    ("date", "time", "zone"),
    [
        ("2026-03-29", "02:00", ROME),
        ("2026-03-29", "02:59:59", ROME),
        ("2026-03-08", "02:30", NEW_YORK),
        ("2011-12-30", "12:00", ZoneInfo("Pacific/Apia")),  # a day that Samoa left out
    ],
)
def test_a_time_that_the_clock_skips_is_refused(date: str, time: str, zone: ZoneInfo) -> None:
    refused = instant(date, time, zone, "start")
    assert isinstance(refused, Refusal)
    assert zone.key in refused.message


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("2026-02-29", "09:00"),
        ("2026-06-01", "24:00"),
        ("2026-06-01", "9:00"),
        ("01.06.2026", "09:00"),
        ("2026-06-01", "09:00+02:00"),
        ("\u0662\u0660\u0662\u0666-06-01", "09:00"),  # digits of another script
        ("0000-00-00", "00:00"),
        ("0001-01-01", "00:00"),
        ("", ""),
    ],
)
def test_what_is_no_time(date: str, time: str) -> None:
    refused = instant(date, time, ROME, "end")
    assert isinstance(refused, Refusal)
    assert refused.message.startswith("'end'")


def _wall(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@given(st.integers(0, 4 * 10**9).map(_wall), zones)
def test_the_clock_shows_what_was_asked_for_or_it_is_refused(
    wall: datetime, zone: ZoneInfo
) -> None:
    wall = wall.replace(second=0, microsecond=0)
    found = instant(f"{wall:%Y-%m-%d}", f"{wall:%H:%M}", zone, "start")
    if isinstance(found, Refusal):
        showing = datetime.fromtimestamp(wall.replace(tzinfo=zone).timestamp(), zone).replace(
            tzinfo=None
        )
        assert showing != wall
    else:
        assert datetime.fromtimestamp(found / 1000, zone).replace(tzinfo=None) == wall


# --- what they say of a customer ------------------------------------------------------------------

some = st.builds(
    Appointment,
    id=st.sampled_from("abcdef"),
    customer=st.just("carla"),
    staff=st.sampled_from(["", "sam", "ann", "gone"]),
    location=st.sampled_from(["main", "north"]),
    start=st.integers(0, 20),
    end=st.integers(20, 30),
    status=st.sampled_from(AppointmentStatus),
)


@pytest.mark.requirement("DT-20", "DT-21", "MT-R7")
@given(st.lists(some, max_size=6, unique_by=lambda a: a.id), st.integers(0, 35))
def test_what_appointments_say_of_their_customer(found: list[Appointment], now: int) -> None:
    counting = [a for a in found if a.status is not AppointmentStatus.CANCELLED]
    last = last_of(found, now)
    assert (last is None) is not any(a.start <= now for a in counting)
    assert last is None or last.start == max(a.start for a in counting if a.start <= now)
    coming = next_of(found, now)
    assert (coming is None) is not any(a.start > now for a in counting)
    staff = assigned(found, ("sam", "ann"), now)
    served = [a for a in counting if a.staff in ("sam", "ann")]
    current = {a.staff for a in served if a.start <= now < a.end}
    ahead = {a.staff for a in served if a.start > now}
    if current or ahead:
        assert staff in (current or ahead)
    else:
        assert staff in ({a.staff for a in served} or {None})


def test_who_is_assigned() -> None:
    past = msgspec.structs.replace(BOOKED, id="p", staff="ann", start=1, end=2)
    soon = msgspec.structs.replace(BOOKED, id="s", staff="max", start=NOON + 2 * HOUR)
    later = msgspec.structs.replace(BOOKED, id="l", staff="eve", start=NOON + 9 * HOUR)
    everything, team = [later, past, soon, BOOKED], ("ann", "max", "eve", "sam")
    assert assigned(everything, team, NOON) == "sam"
    assert assigned(everything, team, NOON + HOUR) == "max"
    assert assigned(everything, ("ann", "eve"), NOON) == "eve"
    assert assigned(everything, ("ann",), NOON) == "ann"
    assert assigned(everything, (), NOON) is None
