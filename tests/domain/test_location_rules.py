"""Locations close, open again and merge: whatever is asked, every line ends, and nobody is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.desk_locations import (
    ChangeLocation,
    CloseLocation,
    LocationCommand,
    MergeLocations,
    ReopenLocation,
    decide_location,
)
from domain import business as rules
from domain.business import Business
from domain.events import Person, PersonChanged
from domain.hours import Hours, Span
from domain.locations import LocationStatus, followed
from domain.record_events import LocationMerged
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role
from domain.routing import begun_from

PLACES = ["north", "south", "east", "west"]
places = st.sampled_from(PLACES)


def business(*locations: str, **work: tuple[str, ...]) -> Business:
    """A business with ``locations``, and staff who work there."""
    state = Business("pawsome", 1, "Pawsome")
    for location in locations:
        do(state, ChangeLocation("x", location, location.title(), "Europe/Rome"))
    for name, at in work.items():
        changed = PersonChanged(5, "x", Person(name, name, Role.STAFF), at, access=False)
        rules.evolve(state, changed)
    return state


def do(state: Business, command: LocationCommand) -> Code | None:
    """Decide and record; the code of the refusal, if it is one."""
    decided = decide_location(state, command, 5)
    if isinstance(decided, Refusal):
        return decided.code
    if decided is not None:
        rules.evolve(state, decided)
    return None


class Map(RuleBasedStateMachine):
    """Anything is asked, in any order; a model keeps what each location has become."""

    def __init__(self) -> None:
        super().__init__()
        self.state = business(*PLACES, sam=("north", "south"), mary=("east",), max=())
        self.merged: dict[str, str] = {}
        self.closed: set[str] = set()
        self.work = {"sam": {"north", "south"}, "mary": {"east"}, "max": set[str]()}

    def end(self, place: str) -> str:
        while place in self.merged:
            place = self.merged[place]
        return place

    @rule(place=places)
    def close(self, place: str) -> None:
        code = do(self.state, CloseLocation("x", place))
        assert code is (Code.CONFLICT if place in self.merged else None)
        self.closed |= set() if code else {place}

    @rule(place=places)
    def reopen(self, place: str) -> None:
        code = do(self.state, ReopenLocation("x", place))
        assert code is (Code.CONFLICT if place in self.merged else None)
        self.closed -= set() if code else {place}

    @rule(place=places, into=places)
    def merge(self, place: str, into: str) -> None:
        end = self.end(into)
        again = place in self.merged and self.end(place) == end
        code = do(self.state, MergeLocations("x", place, into))
        if place == into:
            assert code is Code.BAD_REQUEST
        elif again:
            assert code is None
        elif place in self.merged or end in self.closed or end == place:
            assert code is Code.CONFLICT
        else:
            assert code is None
            self.merged[place] = end
            self.closed.discard(place)
            for at in self.work.values():
                if place in at:
                    at.remove(place)
                    at.add(end)

    @invariant()
    def each_stands_for_an_open_one_or_none(self) -> None:
        for place in PLACES:
            end = self.end(place)
            assert self.state.standing(place) == (None if end in self.closed else end)
            merged = self.state.locations[place].status is LocationStatus.MERGED
            assert merged is (place in self.merged)
        standing = {location.id for location in self.state.open_locations()}
        assert standing == set(PLACES) - self.merged.keys() - self.closed

    @rule(name=st.sampled_from(["sam", "mary", "max"]), at=st.sets(places))
    def work_elsewhere(self, name: str, at: set[str]) -> None:
        place = tuple(sorted(at))
        changed = PersonChanged(5, "x", Person(name, name, Role.STAFF), place, access=False)
        rules.evolve(self.state, changed)
        self.work[name] = at

    @invariant()
    def everybody_begins_from_where_they_would_if_it_were_asked_for_the_first_time(self) -> None:
        for name, at in self.work.items():
            for place in ("", *PLACES):
                begins = begun_from(place, at, self.state.standing)
                assert self.state.begins_at(name, place) == begins

    @invariant()
    def everybody_works_where_their_locations_went(self) -> None:
        assert {name: set(known.locations) for name, known in self.state.team.items()} == self.work


TestMap = Map.TestCase
TestMap.settings = settings(max_examples=80, stateful_step_count=25)


def test_who_is_moved_of_the_team_is_said() -> None:
    state = business("north", "south", sam=("north",), mary=("south",), ann=("north", "south"))
    decided = decide_location(state, MergeLocations("x", "north", "south"), 5)
    assert decided == LocationMerged(5, "x", "north", "south", ("ann", "sam"))


def test_a_chain_ends_at_its_last_open_one() -> None:
    state = business("north", "south", "east")
    assert do(state, MergeLocations("x", "north", "south")) is None
    assert do(state, MergeLocations("x", "south", "east")) is None
    assert state.standing("north") == "east"
    assert followed(state.locations, ("north", "south", "nowhere")) == ("east", "nowhere")
    assert do(state, MergeLocations("x", "east", "north")) is Code.CONFLICT
    assert do(state, CloseLocation("x", "east")) is None
    assert state.standing("north") is None
    assert state.open_locations() == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (CloseLocation("x", "nowhere"), Code.NOT_FOUND),
        (ReopenLocation("x", "nowhere"), Code.NOT_FOUND),
        (MergeLocations("x", "nowhere", "north"), Code.NOT_FOUND),
        (MergeLocations("x", "north", "nowhere"), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "North", "Nowhere/Land"), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "", "UTC"), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "N", "UTC", away_text="\x00"), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "N", "UTC", away_text="x" * 2001), Code.TOO_LARGE),
        (ChangeLocation("x", "north", "N", "UTC", alert_minutes=-1), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "N", "UTC", alert_minutes=10081), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "N", "UTC", auto_close_days=-1), Code.BAD_REQUEST),
        (ChangeLocation("x", "north", "N", "UTC", auto_close_days=366), Code.BAD_REQUEST),
    ],
)
def test_what_cannot_be_asked_of_a_location(command: LocationCommand, code: Code) -> None:
    state = business("north")
    before = dict(state.locations)
    assert do(state, command) is code
    assert state.locations == before
    assert NOT_FOUND.code is Code.NOT_FOUND


def test_hours_that_overlap_are_refused() -> None:
    week = ((Span(540, 780), Span(700, 900)), (), (), (), (), (), ())
    command = ChangeLocation("x", "north", "North", "UTC", Hours(week))
    assert do(business(), command) is Code.BAD_REQUEST


def test_a_change_leaves_open_whether_it_is_open() -> None:
    state = business("north")
    do(state, CloseLocation("x", "north"))
    do(state, ChangeLocation("x", "north", "Far North", "UTC"))
    assert state.locations["north"].status is LocationStatus.CLOSED
    assert state.locations["north"].name == "Far North"


@given(st.lists(places, max_size=6))
def test_facts_of_a_customer_are_stamped(visited: list[str]) -> None:
    state = business("north", "south")
    stamps = [state.stamp("carla")]
    for place in visited:
        carla = Person("carla", "Carla", Role.CUSTOMER)
        rules.evolve(state, PersonChanged(5, "x", carla, (place,), access=False))
        stamps.append(state.stamp("carla"))
    do(state, MergeLocations("x", "north", "south"))
    stamps.append(state.stamp("carla"))
    do(state, CloseLocation("x", "south"))
    stamps.append(state.stamp("carla"))
    assert stamps == sorted(set(stamps)), "each is larger than the one before"
