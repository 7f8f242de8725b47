"""Actors leave when they are idle, and no message is lost by it."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.envelope import Envelope, Overloaded
from actors.limits import SupervisorLimits
from tests.actors.stage import Stage, all_tasks

IDLE = SupervisorLimits(idle_seconds=10.0)


def live(stage: Stage) -> list[str]:
    return [actor.actor_id for actor in stage.supervisor.statistics().actors]


async def test_an_actor_is_passivated_exactly_when_it_has_been_idle_long_enough(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(IDLE)
    async with stage.running():
        await trio.sleep(3.7)
        stage.tell("a", "hello")
        await trio.sleep(9.99)
        assert live(stage) == ["a"]
        await trio.sleep(0.02)
        assert live(stage) == []
    assert stage.supervisor.totals().passivations == 1


async def test_a_passivated_actor_leaves_no_task(autojump_clock: MockClock) -> None:
    stage = Stage(IDLE)
    async with stage.running():
        before = len(all_tasks())
        stage.tell("a", "hello")
        await trio.sleep(5.0)
        assert len(all_tasks()) == before + 1
        await trio.sleep(15.0)
        assert len(all_tasks()) == before


async def test_a_message_starts_the_idle_time_anew(autojump_clock: MockClock) -> None:
    stage = Stage(IDLE)
    async with stage.running():
        for number in range(5):
            stage.tell("a", str(number))
            await trio.sleep(9.0)
        assert live(stage) == ["a"]
        await trio.sleep(1.01)
        assert live(stage) == []
    assert len(stage.activations) == 1


async def test_a_passivated_actor_is_activated_again_by_its_next_message(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(IDLE)
    async with stage.running():
        stage.tell("a", "before")
        await trio.sleep(20.0)
        stage.tell("a", "after")
        await trio.sleep(1.0)
        assert stage.handled("after")
    assert stage.activations == [(0.0, "a"), (20.0, "a")]


async def test_a_long_batch_is_not_idle(autojump_clock: MockClock) -> None:
    async def slow(_actor_id: str, envelope: Envelope[str]) -> None:
        await trio.sleep(15.0)
        envelope.answer(f"done {envelope.message}")

    stage = Stage(SupervisorLimits(idle_seconds=10.0, receive_seconds=20.0), behaviour=slow)
    async with stage.running():
        stage.tell("a", "hello")
        await trio.sleep(24.9)
        assert stage.handled("hello")
        assert live(stage) == ["a"]
        await trio.sleep(0.2)
        assert live(stage) == []


async def test_no_message_is_lost_in_the_instant_of_passivation(
    autojump_clock: MockClock,
) -> None:
    """Many senders, each waking in the very instant in which its actor is due, in any order."""
    stage = Stage(SupervisorLimits(idle_seconds=1.0, receive_seconds=1.0))
    rounds, actors = 20, 25

    async def sender(actor_id: str) -> None:
        for number in range(rounds):
            stage.tell(actor_id, f"{actor_id} {number}")
            await trio.sleep(1.0)

    async with stage.running(), trio.open_nursery() as senders:
        for number in range(actors):
            senders.start_soon(sender, str(number))
    told = [f"{actor} {number}" for actor in range(actors) for number in range(rounds)]
    assert all(stage.handled(message) for message in told)
    assert actors < len(stage.activations) < actors * rounds  # both sides of the race were met


async def test_at_the_limit_the_longest_idle_makes_room(autojump_clock: MockClock) -> None:
    stage = Stage(SupervisorLimits(max_live=3))
    async with stage.running():
        for actor_id in ("a", "b", "c", "a"):
            stage.tell(actor_id, f"to {actor_id} at {trio.current_time()}")
            await trio.sleep(1.0)
        stage.tell("d", "hello")
        await trio.sleep(1.0)
        assert stage.handled("hello")
        assert sorted(live(stage)) == ["a", "c", "d"]
    assert stage.supervisor.totals().passivations == 1


async def test_at_the_limit_with_none_idle_a_new_actor_is_refused() -> None:
    over = trio.Event()

    async def stall(_actor_id: str, envelope: Envelope[str]) -> None:
        await over.wait()
        envelope.answer(f"done {envelope.message}")

    stage = Stage(SupervisorLimits(max_live=2, retry_seconds=3.0), behaviour=stall)
    async with stage.running():
        stage.tell("a", "x")
        stage.tell("b", "y")
        stage.tell("c", "at once")
        assert stage.failure("at once") == Overloaded(3.0)
        await wait_all_tasks_blocked()
        stage.tell("c", "while they work")
        assert stage.failure("while they work") == Overloaded(3.0)
        over.set()
        await wait_all_tasks_blocked()
        stage.tell("c", "when one is idle")
        await wait_all_tasks_blocked()
        assert stage.handled("when one is idle")
        assert stage.handled("x")
        assert stage.handled("y")


async def test_one_that_has_just_been_woken_does_not_make_room(autojump_clock: MockClock) -> None:
    stage = Stage(SupervisorLimits(max_live=2))
    async with stage.running():
        stage.tell("a", "x")
        await trio.sleep(1.0)
        stage.tell("b", "y")
        await trio.sleep(1.0)
        stage.tell("a", "wakes the longest idle")
        stage.tell("c", "z")
        await trio.sleep(1.0)
        assert live(stage) == ["a", "c"]
        assert stage.handled("wakes the longest idle")
    assert [actor_id for _, actor_id in stage.activations] == ["a", "b", "c"]
