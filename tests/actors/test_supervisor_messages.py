"""Tell and ask: activation, order, overflow, deadlines."""

import contextvars
import weakref
from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock, assert_checkpoints, wait_all_tasks_blocked

from actors.envelope import Envelope, Overloaded, Unavailable
from actors.limits import SupervisorLimits
from actors.statistics import ActorStatistics, Load
from actors.supervisor import Supervisor
from tests.actors.stage import Stage


class Stall:
    """A behaviour that waits at the message `stall` until it is let go."""

    def __init__(self) -> None:
        self.over = trio.Event()

    async def __call__(self, _actor_id: str, envelope: Envelope[str]) -> None:
        if envelope.message == "stall":
            await self.over.wait()
        envelope.answer(f"done {envelope.message}")


async def test_the_first_message_activates_and_is_answered(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with stage.running():
        assert await stage.supervisor.ask("a", "hello", 1.0) == "done hello"
        assert await stage.supervisor.ask("a", "again", 1.0) == "done again"
    assert [actor_id for _, actor_id in stage.activations] == ["a"]


async def test_messages_told_during_activation_wait_for_it(autojump_clock: MockClock) -> None:
    async def loading(_actor_id: str) -> None:
        await trio.sleep(2.0)

    stage = Stage(loading=loading)
    async with stage.running():
        stage.tell("a", "first")
        await trio.sleep(1.0)
        assert stage.state("a") == "activating"
        stage.tell("a", "second")
        await wait_all_tasks_blocked()
        assert stage.batches == []
        await trio.sleep(1.5)
        assert stage.state("a") == "idle"
    assert stage.batches == [["first", "second"]]
    assert len(stage.activations) == 1


async def test_what_arrives_while_a_batch_is_handled_is_the_next_batch_in_order() -> None:
    stage = Stage(behaviour=(stall := Stall()))
    async with stage.running():
        stage.tell("a", "stall")
        await wait_all_tasks_blocked()
        assert stage.state("a") == "running"
        for number in range(10):
            stage.tell("a", str(number))
        stall.over.set()
        await wait_all_tasks_blocked()
    assert stage.batches == [["stall"], [str(number) for number in range(10)]]


async def test_a_batch_has_a_limit() -> None:
    stage = Stage(SupervisorLimits(batch_size=4))
    async with stage.running():
        for number in range(10):
            stage.tell("a", str(number))
        await wait_all_tasks_blocked()
    assert stage.batches == [list("0123"), list("4567"), list("89")]


async def test_actors_do_not_wait_for_each_other() -> None:
    stage = Stage(behaviour=Stall())
    async with stage.running():
        stage.tell("a", "stall")
        stage.tell("b", "hello")
        await wait_all_tasks_blocked()
        assert stage.handled("hello")
        assert stage.answers["stall"] == []


@pytest.mark.requirement("R41a")
async def test_a_full_mailbox_pushes_back_at_once_and_loses_nothing() -> None:
    stage = Stage(SupervisorLimits(mailbox_size=1_000, retry_seconds=3.0))
    stage.behaviour = stall = Stall()
    async with stage.running():
        stage.tell("a", "stall")
        await wait_all_tasks_blocked()
        for number in range(10_000):
            stage.tell("a", str(number))
        refused = [n for n in range(10_000) if stage.answers[str(n)] == [Overloaded(3.0)]]
        assert refused == list(range(1_000, 10_000))
        stall.over.set()
        await wait_all_tasks_blocked()
    assert all(stage.handled(str(number)) for number in range(1_000))
    assert sum(len(batch) for batch in stage.batches) == 1_001
    assert stage.supervisor.totals().overloaded == 9_000


async def test_ephemeral_messages_are_shed_first() -> None:
    stage = Stage(SupervisorLimits(mailbox_size=4, ephemeral_size=2, retry_seconds=3.0))
    stage.behaviour = stall = Stall()
    async with stage.running():
        stage.tell("a", "stall")
        await wait_all_tasks_blocked()
        for name in ("typing 1", "typing 2", "typing 3"):
            stage.tell("a", name, ephemeral=True)
        assert stage.failure("typing 1") == Overloaded(3.0)
        for name in ("x", "y", "z"):
            stage.tell("a", name)
        stage.tell("a", "typing 4", ephemeral=True)
        assert stage.failure("typing 4") == Overloaded(3.0)
        stall.over.set()
        await wait_all_tasks_blocked()
    assert stage.batches == [["stall"], ["x", "y", "z"]]
    assert stage.failure("typing 2") == stage.failure("typing 3") == Overloaded(3.0)


async def test_an_actor_may_tell_itself_without_starving_the_others() -> None:
    stage = Stage()

    async def behaviour(actor_id: str, envelope: Envelope[str]) -> None:
        envelope.answer(f"done {envelope.message}")
        if actor_id == "busy":
            stage.supervisor.tell("busy", "again")

    stage.behaviour = behaviour
    async with stage.running():
        stage.supervisor.tell("busy", "go")
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        stage.tell("a", "hello")
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        assert stage.handled("hello")


async def test_what_the_actor_leaves_unanswered_is_answered_for_it() -> None:
    async def forget(_actor_id: str, envelope: Envelope[str]) -> None:
        assert envelope.message

    stage = Stage(behaviour=forget)
    async with stage.running():
        assert await stage.supervisor.ask("a", "hello", 1.0) == Unavailable(1.0, "unanswered")
        stage.supervisor.tell("a", "nobody waits for this one")
        await wait_all_tasks_blocked()
    assert stage.supervisor.totals().unanswered == 1


async def test_an_idle_actor_keeps_no_message_in_memory() -> None:
    class Letter(str):
        __slots__ = ("__weakref__",)

    class Reader:
        async def receive(self, batch: Sequence[Envelope[str]]) -> None:
            for envelope in batch:
                envelope.answer()

    async def activate(_actor_id: str) -> Reader:
        return Reader()

    supervisor: Supervisor[str] = Supervisor(activate, SupervisorLimits())
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        letters = [Letter("a"), Letter("b")]
        seen = [weakref.ref(letter) for letter in letters]
        while letters:
            supervisor.tell("x", letters.pop())
        await wait_all_tasks_blocked()
        assert [letter() for letter in seen] == [None, None]
        nursery.cancel_scope.cancel()


async def test_an_ask_ends_at_its_deadline_and_a_late_answer_goes_nowhere(
    autojump_clock: MockClock,
) -> None:
    stage = Stage(behaviour=(stall := Stall()))
    async with stage.running():
        assert await stage.supervisor.ask("a", "stall", 2.0) == Unavailable(1.0, "timed_out")
        assert stage.elapsed() == 2.0
        stall.over.set()
        await wait_all_tasks_blocked()
        assert await stage.supervisor.ask("a", "hello", 1.0) == "done hello"


async def test_an_ask_that_is_refused_at_once_is_still_a_checkpoint() -> None:
    stage = Stage()
    with assert_checkpoints():
        assert await stage.supervisor.ask("a", "x", 1.0) == Unavailable(1.0, "stopping")


async def test_nothing_is_accepted_before_the_supervisor_runs() -> None:
    stage = Stage()
    stage.tell("a", "hello")
    assert stage.failure("hello") == Unavailable(1.0, "stopping")


async def test_an_actor_does_not_inherit_the_context_of_whoever_woke_it() -> None:
    session: contextvars.ContextVar[str] = contextvars.ContextVar("session", default="none")
    seen: list[str] = []

    async def look(_actor_id: str, envelope: Envelope[str]) -> None:
        seen.append(session.get())
        envelope.answer()

    stage = Stage(behaviour=look)
    session.set("of the server")
    async with stage.running():
        session.set("of a customer")
        stage.tell("a", "hello")
        await wait_all_tasks_blocked()
    assert seen == ["of the server"]


async def test_statistics_show_actors_and_totals(autojump_clock: MockClock) -> None:
    stage = Stage(behaviour=(stall := Stall()))
    async with stage.running():
        start = stage.started
        stage.tell("a", "hello")
        await trio.sleep(1.0)
        stage.tell("b", "stall")
        await trio.sleep(1.0)
        stage.tell("b", "x")
        stage.tell("b", "y")
        statistics = stage.supervisor.statistics()
        load = stage.supervisor.load()
        stall.over.set()
    assert load == Load(live=2, quarantined=0, waiting=2, deepest=2)
    assert statistics.actors == (
        ActorStatistics("a", "idle", 0, 0, start),
        ActorStatistics("b", "running", 2, 0, start + 1.0),
    )
    assert statistics.totals.messages == 2
    assert statistics.totals.batches == 2
    assert statistics.totals.activations == 2
