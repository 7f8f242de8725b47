"""Many actors load a few at a time; waiting for one's turn is no hang."""

import trio
from trio.testing import MockClock

from actors.limits import SupervisorLimits
from tests.actors.stage import Stage

FEW = SupervisorLimits(receive_seconds=5.0, idle_seconds=20.0, systemic_actors=1)


async def test_who_waits_to_be_loaded_does_not_hang(autojump_clock: MockClock) -> None:
    """As after a start, when everybody's clients repeat their receipts at once."""
    loading_now = 0
    most = 0

    async def loading(_actor_id: str) -> None:
        nonlocal loading_now, most
        loading_now += 1
        most = max(most, loading_now)
        await trio.sleep(1.0)
        loading_now -= 1

    stage = Stage(FEW, loading=loading, turns=trio.Semaphore(2))
    async with stage.running():
        for number in range(100):
            stage.tell(f"actor {number}", f"message {number}")
        await trio.sleep(49.5)
        assert most == 2
        assert [stage.state(f"actor {n}") for n in range(100)].count("activating") == 2
        await trio.sleep(1.0)
        assert all(stage.handled(f"message {number}") for number in range(100))
    assert stage.supervisor.totals().crashes == 0


async def test_one_that_hangs_while_loading_gives_up_its_turn(autojump_clock: MockClock) -> None:
    async def loading(actor_id: str) -> None:
        if actor_id.startswith("stuck") and len(stage.activations) <= 2:
            await trio.sleep_forever()

    limits = SupervisorLimits(receive_seconds=5.0)
    stage = Stage(limits, loading=loading, turns=trio.Semaphore(2))
    async with stage.running():
        for name in ("stuck 1", "stuck 2"):
            stage.tell(name, name)
        await trio.sleep(1.0)
        stage.tell("free", "free")
        await trio.sleep(3.9)
        assert not stage.handled("free")
        await trio.sleep(0.2)
        assert stage.handled("free")
        await trio.sleep(5.0)
        assert stage.handled("stuck 1")
        assert stage.handled("stuck 2")
    assert stage.supervisor.totals().crashes == 2


async def test_who_waits_to_be_loaded_can_be_stopped(autojump_clock: MockClock) -> None:
    async def loading(_actor_id: str) -> None:
        await trio.sleep(3.0)

    stage = Stage(SupervisorLimits(), loading=loading, turns=trio.Semaphore(1))
    async with stage.running():
        stage.tell("first", "first")
        await trio.sleep(1.0)
        stage.tell("second", "second")
        assert not await stage.supervisor.drain(trio.current_time() + 4.0)
    assert stage.handled("first")
    assert stage.failure("second")


async def test_supervisors_that_share_their_turns_load_as_many_together(
    autojump_clock: MockClock,
) -> None:
    async def loading(_actor_id: str) -> None:
        await trio.sleep(1.0)

    turns = trio.Semaphore(1)
    one, two = (Stage(FEW, loading=loading, turns=turns) for _ in range(2))
    async with one.running(), two.running():
        one.tell("a", "a")
        two.tell("b", "b")
        await trio.sleep(1.5)
        assert one.handled("a") is not two.handled("b")
        await trio.sleep(1.0)
        assert one.handled("a")
        assert two.handled("b")
