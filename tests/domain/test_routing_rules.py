"""The nine rows of MyTime's routing, the edges that they leave open, and an oracle of our own."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing import (
    CustomerFacts,
    Route,
    Rule,
    Trigger,
    TriggerKind,
    begun_by_customer,
    begun_by_team,
    begun_from,
    route,
)

A, B, C, D = "a", "b", "c", "d"
ROWS = {
    "MT-R1": (CustomerFacts((A,)), Trigger(TriggerKind.CONFIRMATION, A), (A, B), {A}),
    "MT-R2": (CustomerFacts((A,)), Trigger(TriggerKind.STAFF, B, "sam"), (A, B), {A}),
    "MT-R3": (CustomerFacts((B,)), Trigger(TriggerKind.CONFIRMATION, B), (A,), {B}),
    "MT-R4": (CustomerFacts((A,)), Trigger(TriggerKind.STAFF, B, "sam"), (B,), {B}),
    "MT-R5": (CustomerFacts((A, B)), Trigger(TriggerKind.CONFIRMATION, A), (B,), {A}),
    "MT-R6": (CustomerFacts((A, B)), Trigger(TriggerKind.STAFF, B, "sam"), (B,), {A, B}),
    "MT-R7": (CustomerFacts((A, B), A), Trigger(TriggerKind.CONFIRMATION, A), (B,), {A}),
    "MT-R8": (CustomerFacts((A, B), A), Trigger(TriggerKind.STAFF, B, "sam"), (B,), {B}),
    "MT-R9": (CustomerFacts((A, B), B), Trigger(TriggerKind.CAMPAIGN, A), (), {B}),
}


def all_open(location: str) -> str | None:
    return location


def standing_in(stands: Mapping[str, str | None]) -> Callable[[str], str | None]:
    return lambda location: stands.get(location, location)


@pytest.mark.parametrize("row", ROWS)
def test_the_row(row: str) -> None:
    facts, trigger, staff, expected = ROWS[row]
    assert set(route(trigger, facts, staff, all_open).locations) == expected


# --- edges that the rows leave open ---------------------------------------------------------------


@pytest.mark.requirement("MT-R9")
def test_a_campaign_without_a_last_appointment_is_answered_where_it_came_from() -> None:
    found = route(Trigger(TriggerKind.CAMPAIGN, A), CustomerFacts((B,)), (), all_open)
    assert found == Route(Rule.CAMPAIGN, (A,))


@pytest.mark.requirement("MT-R1")
def test_a_confirmation_counts_also_from_a_location_that_they_left() -> None:
    found = route(Trigger(TriggerKind.CONFIRMATION, A), CustomerFacts((B,)), (), all_open)
    assert found == Route(Rule.CONFIRMATION, (A,))


@pytest.mark.requirement("MT-R2", "MT-R4")
def test_a_customer_who_moved_is_answered_by_where_they_are_now() -> None:
    began = Trigger(TriggerKind.STAFF, A, "sam")
    assert route(began, CustomerFacts((A,)), (A,), all_open).locations == (A,)
    assert route(began, CustomerFacts((B,)), (A,), all_open) == Route(Rule.STAFF_ELSEWHERE, (A,))


@pytest.mark.requirement("MT-R4")
def test_who_began_and_has_lost_their_location_is_answered_where_they_began() -> None:
    found = route(Trigger(TriggerKind.STAFF, A, "sam"), CustomerFacts((A, B)), (), all_open)
    assert found == Route(Rule.STAFF_ELSEWHERE, (A,))


@pytest.mark.requirement("MT-R6")
def test_a_location_that_closed_is_as_if_it_were_not_there() -> None:
    closed = standing_in({A: None})
    began = Trigger(TriggerKind.STAFF, B, "sam")
    assert route(began, CustomerFacts((A, B)), (B,), closed) == Route(Rule.STAFF_ONE, (B,))
    confirmed = Trigger(TriggerKind.CONFIRMATION, A)
    assert route(confirmed, CustomerFacts((A, B)), (), closed) == Route(Rule.ALL, (B,))
    assert route(confirmed, CustomerFacts((A,)), (), closed) == Route(Rule.UNASSIGNED, ())


@pytest.mark.requirement("MT-R1")
def test_a_merged_location_is_the_one_that_it_went_into() -> None:
    merged = standing_in({A: C})
    found = route(Trigger(TriggerKind.CONFIRMATION, A), CustomerFacts((A, C)), (), merged)
    assert found == Route(Rule.CONFIRMATION, (C,))


def test_whoever_is_at_no_location_waits_for_the_owner() -> None:
    assert route(Trigger(), CustomerFacts(), (), all_open) == Route(Rule.UNASSIGNED, ())
    began = Trigger(TriggerKind.STAFF, B, "sam")
    assert route(began, CustomerFacts(), (B,), all_open) == Route(Rule.STAFF_ELSEWHERE, (B,))


def test_somebody_of_no_location_who_began_leaves_it_to_the_customer() -> None:
    began = Trigger(TriggerKind.STAFF, "", "olivia")
    assert route(began, CustomerFacts((A,)), (), all_open) == Route(Rule.ALL, (A,))
    assert route(began, CustomerFacts((A, B), A), (), all_open) == Route(Rule.LAST, (A,))


def test_what_comes_of_itself_goes_to_the_last_appointment_then_the_newest_then_all() -> None:
    nothing = Trigger()
    everything = CustomerFacts((A, B), C, (B,))
    assert route(nothing, everything, (), all_open) == Route(Rule.LAST, (C,))
    assert route(nothing, CustomerFacts((A, B), "", (B,)), (), all_open) == Route(Rule.NEWEST, (B,))
    assert route(nothing, CustomerFacts((B, A)), (), all_open) == Route(Rule.ALL, (A, B))


@pytest.mark.requirement("EX-23")
def test_what_was_transferred_stays_there() -> None:
    moved = Trigger(TriggerKind.TRANSFER, D, "sam")
    assert route(moved, CustomerFacts((A, B), A), (B,), all_open) == Route(Rule.TRANSFER, (D,))


# --- an oracle ------------------------------------------------------------------------------------

places = st.sampled_from([A, B, C, D])
some = st.sets(places).map(sorted).map(tuple)
stands = st.dictionaries(places, st.one_of(st.none(), places), max_size=3).map(
    lambda found: {k: v for k, v in found.items() if v is None or v not in found}
)


def oracle(
    kind: TriggerKind,
    where: str,
    customer: set[str],
    last: str,
    newest: set[str],
    staff: set[str],
    alias: Mapping[str, str | None],
) -> set[str]:
    """The same, told as a list of wishes: the first that names an open location counts."""

    def real(locations: set[str]) -> set[str]:
        return {alias.get(x, x) or "" for x in locations if x} - {""}

    c, s, o, home = real(customer), real(staff), real({where}), real({last})
    began = o or (s if len(s) == 1 else set())
    wishes: list[set[str]] = []
    if kind in ("transfer", "confirmation"):
        wishes = [o]
    elif kind == "campaign":
        wishes = [home, o]
    elif kind == "staff":
        if not c & s:
            wishes = [began]
        elif len(c) == 1 or not home:
            wishes = [c]
        else:
            wishes = [began]
    wishes += [home, real(newest), c]
    return next((wish for wish in wishes if wish), set())


@given(
    st.sampled_from(TriggerKind), st.one_of(places, st.just("")), some,
    st.one_of(places, st.just("")), some, some, stands,
)  # fmt: skip
def test_any_world_is_routed_as_the_oracle_says(
    kind: TriggerKind,
    where: str,
    customer: tuple[str, ...],
    last: str,
    newest: tuple[str, ...],
    staff: tuple[str, ...],
    alias: dict[str, str | None],
) -> None:
    facts = CustomerFacts(customer, last, newest)
    found = route(Trigger(kind, where, "sam"), facts, staff, standing_in(alias))
    expected = oracle(kind, where, set(customer), last, set(newest), set(staff), alias)
    assert set(found.locations) == expected
    assert list(found.locations) == sorted(set(found.locations))
    assert (found.rule is Rule.UNASSIGNED) is (not expected)


# --- who began ------------------------------------------------------------------------------------

WINDOW = 72


@pytest.mark.requirement("C-29")
@pytest.mark.parametrize(
    ("trigger", "heard_at", "now", "by_customer", "by_team"),
    [
        (Trigger(), 0, 10, True, True),
        (Trigger(), 5, 10, True, False),  # they began: who writes now answers
        (Trigger(TriggerKind.CONFIRMATION, A, "", 5), 0, 10, False, True),
        (Trigger(TriggerKind.CONFIRMATION, A, "", 5), 8, 10, False, False),
        (Trigger(TriggerKind.CONFIRMATION, A, "", 8), 5, 10, False, True),
        (Trigger(TriggerKind.CONFIRMATION, A, "", 5), 8, 8 + WINDOW, False, False),
        (Trigger(TriggerKind.CONFIRMATION, A, "", 5), 8, 9 + WINDOW, True, True),
        (Trigger(TriggerKind.STAFF, A, "sam", 5), 0, 5 + WINDOW, False, True),
        (Trigger(TriggerKind.STAFF, A, "sam", 5), 0, 6 + WINDOW, True, True),
    ],
)
def test_who_begins_and_who_answers(
    trigger: Trigger, heard_at: int, now: int, by_customer: bool, by_team: bool
) -> None:
    assert begun_by_customer(trigger, heard_at, now, WINDOW) is by_customer
    assert begun_by_team(trigger, heard_at, now, WINDOW) is by_team


def test_from_where_somebody_begins() -> None:
    assert begun_from(B, (A, B), all_open) == B
    assert begun_from(C, (A, B), all_open) == ""
    assert begun_from("", (A,), all_open) == A
    assert begun_from("", (A, B), standing_in({B: None})) == A
    assert begun_from(B, (A, B), standing_in({B: C})) == C
    assert begun_from("", (), all_open) == ""
