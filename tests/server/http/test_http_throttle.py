"""One person's requests: a rate, and a few at a time; others and the backend are not held up."""

import pytest
import trio
from trio.testing import MockClock

from domain.limits import Limits
from domain.refusal import Code
from server.http.throttle import REMEMBERED, UNDER_WAY, Throttle
from tests.fixtures.api import ApiStage

LIMITS = Limits(commands_per_second=10, commands_burst=20)


def allowed(throttle: Throttle, person: str, count: int) -> int:
    """How many of ``count`` requests, one after the other."""
    passed = 0
    for _ in range(count):
        with throttle.request("pawsome", person) as refusal:
            passed += refusal is None
    return passed


@pytest.mark.requirement("EX-5")
async def test_a_burst_and_then_a_rate_for_each_person(autojump_clock: MockClock) -> None:
    throttle = Throttle(LIMITS, trio.current_time)
    assert allowed(throttle, "carla", 50) == 20
    assert allowed(throttle, "sam", 50) == 20
    await trio.sleep(1.0)
    assert allowed(throttle, "carla", 50) == 10
    with throttle.request("pawsome", "carla") as refusal:
        assert refusal is not None
        assert refusal.code is Code.RATE_LIMITED
        assert refusal.retry_after == pytest.approx(0.1)


@pytest.mark.requirement("EX-5")
def test_only_a_few_at_a_time() -> None:
    throttle = Throttle(LIMITS, lambda: 0.0)
    under_way = [throttle.request("pawsome", "carla") for _ in range(UNDER_WAY + 1)]
    answers = [request.__enter__() for request in under_way]
    assert answers[:UNDER_WAY] == [None] * UNDER_WAY
    assert answers[UNDER_WAY] is not None
    for request in under_way:
        request.__exit__(None, None, None)
    with throttle.request("pawsome", "carla") as refusal:
        assert refusal is None


def test_a_rate_of_nothing_is_no_limit() -> None:
    throttle = Throttle(Limits(commands_per_second=0), lambda: 0.0)
    assert allowed(throttle, "carla", 5_000) == 5_000


def test_what_is_remembered_is_bounded_and_those_who_asked_last_are_kept() -> None:
    throttle = Throttle(LIMITS, lambda: 0.0)
    assert allowed(throttle, "carla", 20) == 20
    for number in range(REMEMBERED - 1):
        allowed(throttle, f"p{number}", 1)
    assert allowed(throttle, "carla", 1) == 0
    for number in range(REMEMBERED):
        allowed(throttle, f"q{number}", 1)
    assert allowed(throttle, "carla", 20) == 20


@pytest.mark.requirement("EX-5")
async def test_who_floods_is_refused_and_nobody_else(api: ApiStage) -> None:
    statuses: list[int] = []

    async def flood() -> None:
        for _ in range(15):
            answer = await api.ask("GET", "/v1/conversations", api.token("carla"))
            statuses.append(answer.status)
            if answer.status == 429:
                assert answer.json["code"] == "rate_limited"
                assert answer.json["retry_after"] > 0

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(flood)
    assert set(statuses) == {200, 429}
    assert (await api.ask("GET", "/v1/conversations", api.token("sam"))).status == 200
    for_her = await api.ask("GET", "/v1/conversations", api.key(), Deskbell_Person="carla")
    assert for_her.status == 200
