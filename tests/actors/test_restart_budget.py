import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.restart_budget import RestartBudget, SystemicBudget


def test_the_budget_is_spent_by_one_failure_more_than_it_allows_within_the_period() -> None:
    budget = RestartBudget(intensity=2, period=10.0)
    assert [budget.spend(now) for now in (0.0, 5.0, 10.0)] == [True, True, False]


def test_failures_that_are_far_enough_apart_never_spend_the_budget() -> None:
    budget = RestartBudget(intensity=2, period=10.0)
    assert all(budget.spend(5.001 * n) for n in range(1_000))


@given(st.lists(st.integers(0, 20)), st.integers(1, 5), st.integers(1, 30))
def test_the_budget_agrees_with_counting_all_failures_of_the_period(
    gaps: list[int], intensity: int, period: int
) -> None:
    budget, times, now = RestartBudget(intensity, period), [], 0
    for gap in gaps:
        now += gap
        times.append(now)
        recent = sum(1 for time in times if now - time <= period)
        assert budget.spend(now) == (recent <= intensity)
        assert budget.recent(now) == min(recent, intensity + 1)


def test_one_actor_never_spends_the_systemic_budget() -> None:
    budget = SystemicBudget(actors=2, period=10.0, share=0.5)
    assert all(budget.spend("poisoned", 0.01 * n, population=1) for n in range(1_000))


@pytest.mark.parametrize(
    ("failing", "population", "survives"),
    [
        (3, 4, False),
        (3, 6, True),  # half of all is not more than half
        (2, 2, True),  # all of them, but too few to judge by
        (50, 1_000, True),
        (501, 1_000, False),
    ],
)
def test_the_systemic_budget_takes_many_actors_and_a_large_share(
    failing: int, population: int, survives: bool
) -> None:
    budget = SystemicBudget(actors=2, period=10.0, share=0.5)
    verdicts = [budget.spend(f"actor {n}", 0.0, population) for n in range(failing)]
    assert verdicts == [True] * (failing - 1) + [survives]


def test_the_systemic_budget_forgets_failures_older_than_the_period() -> None:
    budget = SystemicBudget(actors=2, period=10.0, share=0.5)
    assert all(budget.spend(f"actor {n}", 5.001 * n, population=1) for n in range(1_000))


def test_an_actor_that_fails_again_counts_by_its_latest_failure() -> None:
    budget = SystemicBudget(actors=2, period=10.0, share=0.5)
    for actor_id, now in [("a", 0.0), ("b", 0.0), ("a", 10.0)]:
        assert budget.spend(actor_id, now, population=1)
    assert budget.spend("c", 11.0, population=1)  # a and c: b is forgotten
    assert not budget.spend("d", 12.0, population=1)
