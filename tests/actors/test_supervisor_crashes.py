"""A crash costs one actor a restart, and one message at most."""

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.envelope import Envelope, Overloaded, Unavailable
from actors.failures import SystemicFailure
from actors.limits import SupervisorLimits
from actors.statistics import DeadLetter, Load
from tests.actors.stage import Stage

CRASHED = Unavailable(60.0, "crashed")


class PoisonError(Exception):
    pass


async def poisoned(_actor_id: str, envelope: Envelope[str]) -> None:
    """Crash at every poison, and at the first sight of what is fragile."""
    if envelope.message.startswith("poison"):
        raise PoisonError("the dog's name is Bella")
    if envelope.message.startswith("fragile") and not envelope.crashes:
        raise PoisonError
    envelope.answer(f"done {envelope.message}")


def quick(**limits: float) -> SupervisorLimits:
    """Budgets large enough to look at one thing at a time."""
    defaults: dict[str, float] = {"restarts": 100, "restart_delay_seconds": 0.125}
    return SupervisorLimits(**{**defaults, **limits})  # type: ignore[arg-type]


async def test_queued_messages_survive_a_crash_in_order(autojump_clock: MockClock) -> None:
    stage = Stage(quick(batch_size=1), behaviour=poisoned)
    names = ["fragile", "a", "b", "c"]
    async with stage.running():
        for name in names:
            stage.tell("x", name)
        await trio.sleep(1.0)
    assert stage.batches == [["fragile"], ["fragile"], ["a"], ["b"], ["c"]]
    assert all(stage.handled(name) for name in names)
    assert stage.activations == [(0.0, "x"), (0.125, "x")]


async def test_a_message_told_between_crash_and_restart_waits(autojump_clock: MockClock) -> None:
    stage = Stage(quick(restart_delay_seconds=2.0), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "fragile")
        await trio.sleep(1.0)
        assert stage.state("x") == "restarting"
        stage.tell("x", "a")
        await trio.sleep(1.5)
    assert stage.handled("fragile")
    assert stage.handled("a")


async def test_a_poison_is_dead_lettered_after_two_crashes_and_its_neighbours_handled_once(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(quick(), behaviour=poisoned)
    async with stage.running():
        for name in ("a", "b", "poison", "c", "d"):
            stage.tell("x", name)
        await trio.sleep(2.0)
    assert stage.batches == [["a", "b", "poison", "c", "d"], ["poison"], ["c"], ["d"]]
    assert all(stage.handled(name) for name in "abcd")
    assert stage.failure("poison") == CRASHED
    [letter] = stage.supervisor.dead_letters()
    assert letter == DeadLetter("x", "str", "PoisonError", stage.started + 0.125)
    assert stage.supervisor.totals().crashes == 2
    assert stage.supervisor.totals().dead_letters == 1


async def test_an_actor_that_answers_at_the_end_gets_the_neighbours_again_one_by_one(
    autojump_clock: MockClock,
) -> None:
    handled: list[str] = []
    stage = Stage(quick())

    async def answer_later(_actor_id: str, envelope: Envelope[str]) -> None:
        if envelope.message == "poison":
            raise PoisonError
        if envelope.crashes or envelope.message == "e":
            handled.append(envelope.message)
            envelope.answer(f"done {envelope.message}")

    stage.behaviour = answer_later
    async with stage.running():
        for name in ("a", "b", "poison", "c", "d"):
            stage.tell("x", name)
        await wait_all_tasks_blocked()
        stage.tell("x", "e")
        await trio.sleep(2.0)
    assert stage.batches[1:] == [["a"], ["b"], ["poison"], ["c"], ["d"], ["e"]]
    assert handled == ["a", "b", "c", "d", "e"]
    assert stage.failure("poison") == CRASHED


async def test_an_ephemeral_message_is_not_tried_again(autojump_clock: MockClock) -> None:
    stage = Stage(quick(), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "a")
        stage.tell("x", "poison", ephemeral=True)
        await trio.sleep(1.0)
    assert stage.batches == [["a", "poison"]]
    assert stage.failure("poison") == CRASHED
    assert stage.supervisor.dead_letters() == ()


async def test_dead_letters_are_bounded_and_the_oldest_gives_way(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(quick(dead_letters=3, restart_delay_max_seconds=0.125), behaviour=poisoned)
    async with stage.running():
        for number in range(5):
            stage.tell(f"actor {number}", f"poison {number}")
            await trio.sleep(1.0)
    letters = [letter.actor_id for letter in stage.supervisor.dead_letters()]
    assert letters == ["actor 2", "actor 3", "actor 4"]
    assert stage.supervisor.totals().dead_letters == 5


async def test_a_crash_is_logged_once_and_without_what_people_wrote() -> None:
    stage = Stage(quick(), behaviour=poisoned)
    with capture_logs() as logs:
        async with stage.running():
            stage.tell("x", "poison Bella")
            await wait_all_tasks_blocked()
    [entry] = logs
    assert entry["event"] == "actor_crashed"
    assert entry["actor_id"] == "x"
    assert entry["error"] == "PoisonError"
    assert entry["in_hand"] == ["str"]
    assert "Bella" not in repr(entry)


async def test_an_exception_group_is_a_crash(autojump_clock: MockClock) -> None:
    async def group(_actor_id: str, envelope: Envelope[str]) -> None:
        if envelope.crashes:
            envelope.answer(f"done {envelope.message}")
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poisoned, "", Envelope("poison"))
            nursery.start_soon(poisoned, "", Envelope("poison"))

    stage = Stage(quick(), behaviour=group)
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(1.0)
    assert stage.handled("a")
    assert stage.supervisor.totals().crashes == 1


async def test_a_reply_that_raises_crashes_the_actor_and_is_not_tried_again(
    autojump_clock: MockClock,
) -> None:
    def broken(_answer: object) -> None:
        raise trio.BrokenResourceError

    stage = Stage(quick())
    async with stage.running():
        stage.supervisor.tell("x", "a", broken)
        stage.tell("x", "b")
        await trio.sleep(1.0)
    assert stage.batches == [["a", "b"], ["b"]]
    assert stage.handled("b")


# --- Restarts, quarantine, release ----------------------------------------------------------------


async def test_restarts_wait_twice_as_long_each_time_up_to_a_limit(
    autojump_clock: MockClock,
) -> None:
    async def broken(_actor_id: str) -> None:
        raise OSError

    stage = Stage(
        quick(restarts=6, restart_delay_seconds=0.25, restart_delay_max_seconds=2.0),
        loading=broken,
    )
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(60.0)
    assert [time for time, _ in stage.activations] == [0.0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]


async def test_a_very_large_budget_is_no_arithmetic_error(autojump_clock: MockClock) -> None:
    async def broken(_actor_id: str) -> None:
        raise OSError

    limits = quick(restarts=1_100, restart_delay_max_seconds=0.125, restart_period_seconds=1_000)
    stage = Stage(limits, loading=broken)
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(200.0)
    assert stage.supervisor.totals().crashes == 1_101
    assert stage.supervisor.totals().quarantines == 1


async def test_a_failing_activation_is_not_held_against_what_crashed_before(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(quick(), behaviour=poisoned)

    async def loading(_actor_id: str) -> None:
        if len(stage.activations) in (2, 3):
            raise OSError

    stage.loading = loading
    async with stage.running():
        stage.tell("x", "fragile")
        stage.tell("x", "a")
        await trio.sleep(5.0)
    assert stage.batches == [["fragile", "a"], ["fragile"], ["a"]]
    assert stage.handled("fragile")
    assert stage.handled("a")
    assert stage.supervisor.dead_letters() == ()


async def test_statistics_count_the_restarts_of_an_actor(autojump_clock: MockClock) -> None:
    stage = Stage(quick(batch_size=1), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "fragile 1")
        stage.tell("x", "fragile 2")
        await trio.sleep(5.0)
        [actor] = stage.supervisor.statistics().actors
    assert actor.restarts == stage.supervisor.totals().restarts == 2


async def test_an_actor_without_messages_is_not_restarted(autojump_clock: MockClock) -> None:
    stage = Stage(quick(idle_seconds=10.0), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "poison")
        await trio.sleep(5.0)
        assert stage.state("x") == "idle"
        assert len(stage.activations) == 2
        stage.tell("x", "a")
        await trio.sleep(1.0)
        assert stage.handled("a")
        await trio.sleep(12.0)
        assert stage.state("x") is None
    assert len(stage.activations) == 3


@pytest.mark.requirement("R20")
async def test_the_sixth_crash_in_the_period_quarantines_that_actor_alone(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(SupervisorLimits(batch_size=1), behaviour=poisoned)
    async with stage.running():
        for number in range(5):
            stage.tell("x", f"poison {number}")
        stage.tell("y", "healthy")
        await trio.sleep(5.0)
        assert stage.state("x") == "quarantined"
        assert stage.supervisor.load() == Load(live=1, quarantined=1, waiting=0, deepest=0)
        assert stage.supervisor.totals().restarts == 5
        stage.tell("x", "refused at once")
        stage.tell("y", "still healthy")
        await trio.sleep(1.0)
    assert [len(stage.batches), stage.supervisor.totals().crashes] == [8, 6]
    assert [stage.failure(f"poison {n}") for n in range(3)] == [CRASHED] * 3
    quarantined = [stage.failure(f"poison {n}") for n in (3, 4)]
    assert quarantined == [Unavailable(60.0, "quarantined")] * 2
    refused = stage.failure("refused at once")
    assert refused == Unavailable(pytest.approx(58.1), "quarantined")  # type: ignore[arg-type]
    assert stage.handled("healthy")
    assert stage.handled("still healthy")
    assert stage.supervisor.totals().quarantines == 1


async def test_quarantine_ends_by_itself_and_the_budget_is_whole_again(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(quick(restarts=1, quarantine_seconds=10.0), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "poison 1")
        await trio.sleep(10.0)
        assert stage.state("x") == "quarantined"
        await trio.sleep(0.2)
        assert stage.state("x") is None
        stage.tell("x", "fragile")
        await trio.sleep(1.0)
        assert stage.handled("fragile")


async def test_an_operator_can_release_an_actor(autojump_clock: MockClock) -> None:
    stage = Stage(quick(restarts=1), behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "poison")
        await trio.sleep(1.0)
        assert stage.supervisor.release("x")
        assert not stage.supervisor.release("x")
        stage.tell("x", "a")
        await trio.sleep(1.0)
        assert stage.handled("a")


async def test_slow_crashes_never_quarantine(autojump_clock: MockClock) -> None:
    stage = Stage(SupervisorLimits(), behaviour=poisoned)
    async with stage.running():
        for number in range(500):
            stage.tell("x", f"fragile {number}")
            await trio.sleep(6.01)
    assert all(stage.handled(f"fragile {number}") for number in range(500))
    assert stage.supervisor.totals().crashes == 500


# --- A hang is a crash ----------------------------------------------------------------------------


async def test_a_batch_that_hangs_is_cancelled_exactly_at_its_deadline(
    autojump_clock: MockClock,
) -> None:
    cancelled: list[float] = []
    stage = Stage(quick(receive_seconds=5.0))

    async def hang(_actor_id: str, envelope: Envelope[str]) -> None:
        if envelope.message == "hang":
            try:
                await trio.sleep_forever()
            finally:
                cancelled.append(stage.elapsed())
        envelope.answer(f"done {envelope.message}")

    stage.behaviour = hang
    async with stage.running():
        await trio.sleep(3.3)
        stage.tell("x", "hang")
        stage.tell("x", "a")
        await trio.sleep(1.0)
        stage.tell("y", "b")
        await trio.sleep(20.0)
        assert stage.handled("a")
    assert cancelled == [pytest.approx(8.3), pytest.approx(13.425)]
    assert stage.failure("hang") == CRASHED
    [letter] = stage.supervisor.dead_letters()
    assert letter.error == "ActorHang"


async def test_an_activation_that_hangs_is_a_crash_and_no_fault_of_the_message(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(quick(receive_seconds=5.0))

    async def loading(_actor_id: str) -> None:
        if len(stage.activations) <= 3:
            await trio.sleep_forever()

    stage.loading = loading
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(60.0)
    assert [time for time, _ in stage.activations] == pytest.approx([0.0, 5.125, 10.375, 15.875])
    assert stage.handled("a")


async def test_activation_and_the_first_batch_have_a_deadline_each(
    autojump_clock: MockClock,
) -> None:
    async def loading(_actor_id: str) -> None:
        await trio.sleep(4.0)

    async def behaviour(_actor_id: str, envelope: Envelope[str]) -> None:
        await trio.sleep(4.0)
        envelope.answer(f"done {envelope.message}")

    stage = Stage(quick(receive_seconds=5.0), loading=loading, behaviour=behaviour)
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(10.0)
    assert stage.handled("a")
    assert stage.supervisor.totals().crashes == 0


async def test_a_slow_activation_hides_nobody_who_hangs(autojump_clock: MockClock) -> None:
    """The deadline of its first batch is later than that of who began meanwhile."""

    async def loading(actor_id: str) -> None:
        if actor_id == "slow":
            await trio.sleep(4.0)

    hung: list[float] = []

    async def behaviour(actor_id: str, envelope: Envelope[str]) -> None:
        try:
            await trio.sleep(4.0 if actor_id == "slow" else 60.0)
        except trio.Cancelled:
            hung.append(stage.elapsed())
            raise
        envelope.answer(f"done {envelope.message}")

    stage = Stage(quick(receive_seconds=5.0), loading=loading, behaviour=behaviour)
    async with stage.running():
        stage.tell("slow", "a")
        await trio.sleep(1.0)
        stage.tell("hanging", "b")
        await trio.sleep(5.5)
        assert hung == [pytest.approx(6.0)]
        await trio.sleep(2.0)
        assert stage.handled("a")


async def test_time_in_an_idle_actor_is_no_hang(autojump_clock: MockClock) -> None:
    stage = Stage(quick(receive_seconds=5.0))
    async with stage.running():
        for number in range(3):
            stage.tell("x", str(number))
            await trio.sleep(30.0)
    assert stage.supervisor.totals().crashes == 0


async def test_time_in_an_idle_actor_does_not_count_against_its_next_batch(
    autojump_clock: MockClock,
) -> None:
    async def behaviour(_actor_id: str, envelope: Envelope[str]) -> None:
        await trio.sleep(4.0)
        envelope.answer(f"done {envelope.message}")

    stage = Stage(quick(receive_seconds=5.0), behaviour=behaviour)
    async with stage.running():
        stage.tell("x", "a")
        await trio.sleep(7.0)
        stage.tell("x", "b")
        await trio.sleep(10.0)
    assert stage.handled("b")
    assert stage.supervisor.totals().crashes == 0


async def test_a_long_wait_for_a_restart_is_no_hang(autojump_clock: MockClock) -> None:
    limits = quick(receive_seconds=1.0, restart_delay_seconds=5.0)
    stage = Stage(limits, behaviour=poisoned)
    async with stage.running():
        stage.tell("x", "fragile")
        await trio.sleep(20.0)
    assert stage.handled("fragile")
    assert stage.supervisor.totals().crashes == 1


async def test_a_batch_or_an_activation_that_ends_in_the_instant_of_its_deadline_loses_nothing(
    autojump_clock: MockClock,
) -> None:
    """The order of the two is trio's dice; over many instants both are met."""

    async def loading(actor_id: str) -> None:
        if actor_id.startswith("loads") and not tried.get(actor_id):
            tried[actor_id] = True
            with trio.CancelScope(shield=True):  # comes back even if it was cancelled just before
                await trio.sleep(5.0)

    async def behaviour(actor_id: str, envelope: Envelope[str]) -> None:
        if actor_id.startswith("works") and not envelope.crashes:
            await trio.sleep(5.0)
        if actor_id.startswith("loads"):
            await trio.sleep(1.0)
            blamed.append(envelope.crashes)
        envelope.answer(f"done {envelope.message}")

    tried: dict[str, bool] = {}
    blamed: list[int] = []
    limits = quick(receive_seconds=5.0, systemic_actors=1_000)
    stage = Stage(limits, loading=loading, behaviour=behaviour)
    ids = [f"{kind} {number}" for kind in ("loads", "works") for number in range(100)]
    async with stage.running():
        for actor_id in ids:
            stage.tell(actor_id, f"to {actor_id}")
            await trio.sleep(0.03125)
        await trio.sleep(60.0)
    assert all(stage.handled(f"to {actor_id}") for actor_id in ids)
    assert stage.supervisor.dead_letters() == ()
    assert blamed == [0] * 100  # an activation that was late is not held against the message


async def test_a_batch_that_comes_back_after_its_deadline_is_answered_and_still_a_crash(
    autojump_clock: MockClock,
) -> None:
    """As with a commit, which is shielded: the actor is never idle between the two."""

    async def commit(_actor_id: str, envelope: Envelope[str]) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(6.0)
        envelope.answer(f"done {envelope.message}")

    stage = Stage(quick(receive_seconds=5.0, max_live=1), behaviour=commit)
    async with stage.running():
        for number in range(20):
            stage.tell("x", f"late {number}")
            await trio.sleep(6.0)
            stage.tell("y", f"not now {number}")  # before or after x comes back, by trio's dice
            await trio.sleep(60.0)
    for number in range(20):
        assert stage.handled(f"late {number}")
        assert stage.failure(f"not now {number}") == Overloaded(1.0)
    assert stage.supervisor.totals().crashes == 20
    assert stage.supervisor.dead_letters() == ()


# --- Escalation -----------------------------------------------------------------------------------


async def test_a_systemic_failure_ends_the_supervisor_with_one_error(
    autojump_clock: MockClock,
) -> None:
    async def broken(_actor_id: str) -> None:
        raise OSError("the text of an error may quote a message")

    stage = Stage(quick(systemic_actors=10), loading=broken)
    plain = pytest.RaisesExc(SystemicFailure, match=r"more than 10 actors .* OSError$")
    with pytest.RaisesGroup(plain) as caught:  # the group is that of the nursery around `run`
        async with stage.running():
            for number in range(11):
                stage.tell(f"actor {number}", str(number))
            await trio.sleep_forever()
    assert caught.value.exceptions[0].__cause__ is None
    assert [stage.failure(str(n)) for n in range(11)] == [Unavailable(1.0, "stopping")] * 11


async def test_as_many_failing_actors_among_twice_as_many_do_not_escalate(
    autojump_clock: MockClock,
) -> None:
    async def broken(actor_id: str) -> None:
        if actor_id.startswith("broken"):
            raise OSError

    stage = Stage(quick(systemic_actors=10, restarts=2), loading=broken)
    async with stage.running():
        for number in range(20):
            stage.tell(f"broken {number}", f"b {number}")
            stage.tell(f"healthy {number}", f"h {number}")
        await trio.sleep(5.0)
    assert all(stage.handled(f"h {number}") for number in range(20))
    assert all(stage.failure(f"b {n}") == Unavailable(60.0, "quarantined") for n in range(20))
