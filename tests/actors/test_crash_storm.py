"""R20: poisoned conversations crash by themselves; the others do not notice."""

import pytest
import trio
from trio.testing import MockClock

from actors.envelope import Envelope, Unavailable
from actors.limits import SupervisorLimits
from tests.actors.stage import Stage

CONVERSATIONS = 1_000
SECONDS = 60


async def poisoned(_actor_id: str, envelope: Envelope[str]) -> None:
    if envelope.message.startswith("poison"):
        raise ValueError
    envelope.answer(f"done {envelope.message}")


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("poisoned_ones", [1, 50])
async def test_poisoned_conversations_among_a_thousand_cost_the_others_nothing(
    poisoned_ones: int, autojump_clock: MockClock
) -> None:
    """One message a minute to each healthy conversation, one a second to each poisoned one."""
    stage = Stage(SupervisorLimits(), behaviour=poisoned)
    sick = [f"sick {number}" for number in range(poisoned_ones)]
    healthy = [f"healthy {number}" for number in range(CONVERSATIONS - poisoned_ones)]
    waits: list[float] = []

    async with stage.running():
        for second in range(SECONDS):
            for actor_id in sick:
                stage.tell(actor_id, f"poison {actor_id} {second}")
            for actor_id in healthy[second::SECONDS]:
                told_at = trio.current_time()
                answer = await stage.supervisor.ask(actor_id, actor_id, 10.0)
                assert answer == f"done {actor_id}"
                waits.append(trio.current_time() - told_at)
            await trio.sleep(stage.started + second + 1 - trio.current_time())
        states = [stage.state(actor_id) for actor_id in sick]
        letters = stage.supervisor.dead_letters()

    assert len(waits) == len(healthy)
    assert max(waits) == 0.0  # on virtual time, any wait is a wait for somebody's restart
    assert states == ["quarantined"] * poisoned_ones
    # 0, 0.1 | 1, 1.4 | 2.2, 3.8: six crashes, five restarts, three dead letters, then quarantine
    totals = stage.supervisor.totals()
    assert totals.crashes == 6 * poisoned_ones
    assert totals.dead_letters == 3 * poisoned_ones
    assert totals.quarantines == poisoned_ones
    assert len(letters) == 3 * poisoned_ones
    assert {letter.actor_id for letter in letters} == set(sick)
    for actor_id in sick:
        failures = [stage.failure(f"poison {actor_id} {second}") for second in range(SECONDS)]
        assert failures[:3] == [Unavailable(60.0, "crashed")] * 3
        assert failures[3] == Unavailable(60.0, "quarantined")
        refused = [Unavailable(pytest.approx(63.8 - s), "quarantined") for s in range(4, SECONDS)]
        assert failures[4:] == refused


@pytest.mark.requirement("R20")
async def test_fifty_poisoned_conversations_and_nobody_else_do_not_escalate(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(SupervisorLimits(), behaviour=poisoned)
    async with stage.running():
        for second in range(600):
            for number in range(50):
                stage.tell(f"sick {number}", f"poison {number} {second}")
            await trio.sleep(1.0)
        stage.tell("healthy", "hello")
        await trio.sleep(1.0)
        assert stage.handled("hello")
    assert stage.supervisor.totals().quarantines == 50 * 10  # 600 s of 60 s and a little each
