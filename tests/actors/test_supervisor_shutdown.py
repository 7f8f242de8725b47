"""However a supervisor ends, everything that was pending is answered exactly once."""

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.envelope import Envelope, Unavailable
from actors.limits import SupervisorLimits
from tests.actors.stage import Stage

GROUP = "ExceptionGroup[ValueError]"
STOPPING = Unavailable(1.0, "stopping")


async def slow(_actor_id: str, envelope: Envelope[str]) -> None:
    await trio.sleep(1.0)
    envelope.answer(f"done {envelope.message}")


async def test_a_cancelled_supervisor_answers_what_is_in_hand_and_what_is_waiting() -> None:
    stage = Stage(behaviour=slow)
    async with stage.running():
        stage.tell("a", "in hand")
        await wait_all_tasks_blocked()
        stage.tell("a", "waiting")
        stage.tell("a", "typing", ephemeral=True)
        stage.tell("b", "not begun")
    for message in ("in hand", "waiting", "typing", "not begun"):
        assert stage.failure(message) == STOPPING
    assert stage.supervisor.statistics().actors == ()


async def test_a_cancelled_supervisor_answers_what_waits_for_an_activation_or_a_restart(
    autojump_clock: MockClock,
) -> None:
    async def loading(actor_id: str) -> None:
        if actor_id == "broken":
            raise OSError
        await trio.sleep(1.0)

    stage = Stage(SupervisorLimits(restart_delay_seconds=2.0), loading=loading)
    async with stage.running():
        stage.tell("loading", "x")
        stage.tell("broken", "y")
        await trio.sleep(0.5)
        assert stage.state("broken") == "restarting"
    assert stage.failure("x") == stage.failure("y") == STOPPING


@pytest.mark.parametrize("messages", [0, 1])
async def test_a_supervisor_that_has_ended_accepts_nothing(messages: int) -> None:
    stage = Stage()
    async with stage.running():
        for number in range(messages):
            stage.tell("a", str(number))
        await wait_all_tasks_blocked()
    stage.tell("a", "late")
    assert stage.failure("late") == STOPPING


async def test_a_sender_that_tries_again_while_the_supervisor_is_cancelled_gets_an_end() -> None:
    stage = Stage(behaviour=slow)
    answers: list[object] = []

    def try_again(answer: object) -> None:
        answers.append(answer)
        if len(answers) < 100:
            stage.supervisor.tell(f"actor {len(answers)}", "again", try_again)

    async with stage.running():
        stage.supervisor.tell("a", "hello", try_again)
        await wait_all_tasks_blocked()
    assert answers == [STOPPING] * 100
    assert [actor_id for _, actor_id in stage.activations] == ["a"]


async def test_draining_lets_the_mailboxes_empty_and_accepts_nothing_more(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(SupervisorLimits(batch_size=1), behaviour=slow)
    async with trio.open_nursery() as nursery:
        await nursery.start(stage.supervisor.run)
        for number in range(3):
            stage.tell("a", str(number))
        stage.tell("b", "x")
        await trio.sleep(0.5)
        async with trio.open_nursery() as draining:
            draining.start_soon(stage.supervisor.drain, trio.current_time() + 60.0)
            await trio.sleep(0.5)
            stage.tell("a", "late")
            stage.tell("c", "later")
        assert trio.current_time() - stage.started == pytest.approx(3.0)
    assert all(stage.handled(message) for message in ("0", "1", "2", "x"))
    assert stage.failure("late") == stage.failure("later") == STOPPING


async def test_draining_ends_at_its_deadline(autojump_clock: MockClock) -> None:
    stage = Stage(SupervisorLimits(batch_size=1), behaviour=slow)
    async with stage.running():
        for number in range(5):
            stage.tell("a", str(number))
        assert not await stage.supervisor.drain(trio.current_time() + 2.5)
        assert stage.elapsed() == 2.5
    assert [stage.handled(str(number)) for number in range(5)] == [True, True, False, False, False]
    assert all(stage.failure(str(number)) == STOPPING for number in (2, 3, 4))


async def test_draining_an_idle_supervisor_ends_it_at_once(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await nursery.start(stage.supervisor.run)
        stage.tell("a", "hello")
        await wait_all_tasks_blocked()
        before = trio.current_time()
        assert await stage.supervisor.drain(before + 60.0)
    assert trio.current_time() == before


async def test_draining_waits_for_a_restart_and_for_what_it_tries_again(
    autojump_clock: MockClock,
) -> None:
    async def fail_once(_actor_id: str, envelope: Envelope[str]) -> None:
        if not envelope.crashes:
            raise ValueError
        envelope.answer(f"done {envelope.message}")

    stage = Stage(SupervisorLimits(restart_delay_seconds=2.0), behaviour=fail_once)
    async with stage.running():
        stage.tell("a", "hello")
        assert await stage.supervisor.drain(trio.current_time() + 60.0)
        assert stage.elapsed() == 2.0
    assert stage.handled("hello")


async def test_draining_ends_when_the_last_actor_is_quarantined(autojump_clock: MockClock) -> None:
    async def fail(_actor_id: str, _envelope: Envelope[str]) -> None:
        await trio.sleep(1.0)
        raise ValueError

    stage = Stage(SupervisorLimits(restarts=1, restart_delay_seconds=0.5), behaviour=fail)
    async with stage.running():
        stage.tell("a", "hello")
        assert await stage.supervisor.drain(trio.current_time() + 60.0)
        assert stage.elapsed() == 2.5


async def test_draining_ends_when_the_supervisor_is_cancelled_meanwhile(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(SupervisorLimits(receive_seconds=60.0), behaviour=slow)
    results: list[bool] = []
    async with trio.open_nursery() as outer:

        async def drain() -> None:
            results.append(await stage.supervisor.drain(trio.current_time() + 60.0))

        async with stage.running():
            stage.tell("a", "hello")
            outer.start_soon(drain)
            await trio.sleep(0.5)
    assert results == [False]
    assert stage.elapsed() == 0.5
    assert stage.failure("hello") == STOPPING


async def test_a_drain_that_is_cancelled_ends_the_supervisor_all_the_same(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(behaviour=slow)
    async with trio.open_nursery() as nursery:
        await nursery.start(stage.supervisor.run)
        stage.tell("a", "hello")
        with trio.move_on_after(0.5):
            await stage.supervisor.drain(trio.current_time() + 60.0)
    assert stage.failure("hello") == STOPPING


async def test_a_reply_that_raises_does_not_keep_the_others_from_their_answers() -> None:
    stage = Stage(behaviour=slow)

    def broken(_answer: object) -> None:
        raise trio.BrokenResourceError

    async with stage.running():
        stage.tell("a", "first")
        await wait_all_tasks_blocked()
        stage.supervisor.tell("a", "second", broken)
        stage.tell("a", "third")
    assert stage.failure("first") == stage.failure("third") == STOPPING


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_what_ends_a_process_is_never_contained(error: type[BaseException]) -> None:
    async def interrupted(_actor_id: str, _envelope: Envelope[str]) -> None:
        raise error

    stage = Stage(behaviour=interrupted)
    with pytest.RaisesGroup(error, flatten_subgroups=True):
        async with stage.running():
            stage.tell("a", "hello")
            await trio.sleep_forever()
    assert stage.failure("hello") == STOPPING


async def test_a_failure_on_the_way_out_of_a_cancellation_is_no_failure_of_the_supervisor() -> None:
    async def fails_on_the_way_out(_actor_id: str, _envelope: Envelope[str]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError

    stage = Stage(behaviour=fails_on_the_way_out)
    with capture_logs() as logs:
        async with stage.running():
            stage.tell("a", "hello")
            await wait_all_tasks_blocked()
    assert stage.failure("hello") == STOPPING
    assert [(entry["event"], entry["error"]) for entry in logs] == [("actor_crashed", GROUP)]
