"""Who may be erased, what they are then, and what is kept for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business import Business, Colleague, evolve
from domain.commands import Speaker
from domain.company import ERASED, refuse_saying
from domain.conversation import Conversation
from domain.erasure import (
    DELETED_NAME,
    ON_HOLD,
    Titled,
    decide_erasure,
    decide_hold,
    erased_messages,
    tells_of,
)
from domain.erasure_events import PersonErased
from domain.events import Person
from domain.profile import Profile
from domain.record_events import HoldChanged, HoldKind
from domain.refusal import NOT_FOUND, Refusal
from domain.retention import DAY_MS, RETENTION_DAYS_MOST, expired_before, refuse_retention
from domain.roles import Role

pytestmark = pytest.mark.requirement("EX-21")

NAMES = st.text(min_size=1, max_size=30)
DAYS = st.lists(st.none() | st.integers(1, RETENTION_DAYS_MOST), max_size=5)


def business(*owners: str) -> Business:
    team = {owner: Colleague(Role.OWNER) for owner in owners}
    return Business("pawsome", 1, "Pawsome", owners=frozenset(owners), team=team)


@given(
    name=NAMES,
    role=st.sampled_from(Role),
    author_role=st.none() | st.sampled_from([Role.OWNER, Role.MANAGER]),
    covered=st.booleans(),
    owners=st.sets(st.sampled_from(["olivia", "carla"]), min_size=1),
)
def test_who_is_erased_keeps_an_id_and_a_role_alone(
    name: str, role: Role, author_role: Role | None, covered: bool, owners: set[str]
) -> None:
    role = Role.OWNER if "carla" in owners else Role.STAFF if role is Role.OWNER else role
    state = business(*owners)
    carla = Person("carla", name, role)
    decided = decide_erasure(state, "olivia", author_role, carla, (), 7, covered=covered)
    touches = author_role is not Role.MANAGER or role in (Role.STAFF, Role.CUSTOMER)
    if not touches or owners == {"carla"} or covered:
        assert isinstance(decided, Refusal)
        return
    assert isinstance(decided, PersonErased)
    assert decided.person == Person("carla", DELETED_NAME, role, active=False)
    assert (decided.locations, decided.profile) == ((), Profile(enrolled=False))
    evolve(state, decided)
    assert "carla" not in state.owners | state.team.keys()
    again = decide_erasure(state, "olivia", None, decided.person, (), 8, covered=covered)
    assert again is None
    speaker = Speaker("carla", name, role, "phone")
    assert refuse_saying(state, speaker) == ERASED


def test_nobody_is_erased_who_is_not_there_or_on_hold() -> None:
    carla = Person("carla", "Carla", Role.CUSTOMER)
    state = business("olivia")
    assert decide_erasure(state, "olivia", None, None, (), 7, covered=False) == NOT_FOUND
    assert decide_erasure(state, "olivia", None, carla, (), 7, covered=True) == ON_HOLD


@given(name=NAMES, before=NAMES, after=NAMES)
def test_a_title_that_holds_a_name_goes_with_it(name: str, before: str, after: str) -> None:
    carla = Person("carla", name, Role.CUSTOMER)
    if name.strip():
        assert tells_of(Titled("c", f"{before} {name} {after}", "sam"), carla)
    assert tells_of(Titled("c", before, "carla"), carla)
    assert not tells_of(Titled("c", "", "sam"), carla)


@pytest.mark.parametrize("title", ["ÁNGEL VEGA's dog", "About  ángel\tvega"])
def test_a_name_is_found_in_whatever_case(title: str) -> None:
    assert tells_of(Titled("c", title, "sam"), Person("a", "Ángel Vega", Role.CUSTOMER))
    assert not tells_of(Titled("c", title, "sam"), Person("m", "Mia Vega", Role.CUSTOMER))


@given(seqs=st.lists(st.integers(-5, 50)), last_seq=st.integers(0, 20))
def test_what_is_there_is_erased_once(seqs: list[int], last_seq: int) -> None:
    state = Conversation("dog", "group", "", {}, last_seq=last_seq)
    events = erased_messages(state, seqs, 7)
    assert [event.seq for event in events] == sorted({s for s in seqs if 1 <= s <= last_seq})
    assert erased_messages(None, seqs, 7) == ()


@given(exists=st.booleans(), held=st.booleans(), placed=st.booleans())
def test_a_hold_is_placed_once_and_on_what_there_is(exists: bool, held: bool, placed: bool) -> None:
    decided = decide_hold(
        "olivia", HoldKind.PERSON, "carla", 7, exists=exists, held=held, placed=placed
    )
    if not exists:
        assert decided == NOT_FOUND
    elif held == placed:
        assert decided is None
    else:
        assert decided == HoldChanged(7, "olivia", HoldKind.PERSON, "carla", placed)


@given(days=DAYS, now=st.integers(0, 2**45), age=st.integers(0, 40_000 * DAY_MS))
def test_nothing_goes_that_any_of_its_locations_keeps(
    days: list[int | None], now: int, age: int
) -> None:
    before = expired_before(days, now)
    goes = before is not None and now - age < before
    kept_by_one = not days or any(each is None or age <= each * DAY_MS for each in days)
    assert goes is not kept_by_one


@pytest.mark.parametrize(
    ("days", "fits"),
    [(None, True), (1, True), (RETENTION_DAYS_MOST, True), (0, False), (-1, False)],
)
def test_days_are_counted_from_one(days: int | None, fits: bool) -> None:
    assert (refuse_retention(days) is None) is fits
