"""Every message is answered exactly once, whatever happens in whichever order.

Hypothesis and trio know each other: under Hypothesis trio's scheduler is deterministic.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.envelope import Envelope, Failure
from actors.failures import SystemicFailure
from actors.limits import SupervisorLimits
from tests.actors.stage import Stage, all_tasks

ACTORS = ("a", "b", "c")
WAITS = (0.0, 0.5, 1.0, 2.0)  # multiples, so that deadlines, wake-ups and messages coincide

KINDS = ("plain", "slow", "poison", "fragile", "hang", "silent", "chatty", "late poison")


@dataclass(frozen=True)
class Tell:
    actor_id: str
    kind: str
    ephemeral: bool


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Release:
    actor_id: str


@dataclass(frozen=True)
class End:
    """How it ends: cancelled after so many seconds, or drained for at most so many."""

    how: str
    seconds: float


@dataclass
class World:
    """A stage whose messages say what they do; follows what each actor is given."""

    limits: SupervisorLimits
    broken: frozenset[str]
    told: list[str] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=dict)
    loading: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.stage = Stage(self.limits, behaviour=self.behave, loading=self.load)

    def tell(self, actor_id: str, kind: str, *, ephemeral: bool = False) -> None:
        message = f"{kind} {len(self.told)}"
        self.told.append(message)
        self.stage.tell(actor_id, message, ephemeral=ephemeral)

    async def load(self, actor_id: str) -> None:
        self.loading[actor_id] += 1
        try:
            assert self.loading[actor_id] == 1, "two activations at a time"
            await trio.sleep(0.5)
            if actor_id in self.broken:
                raise OSError
        finally:
            self.loading[actor_id] -= 1

    async def behave(self, actor_id: str, envelope: Envelope[str]) -> None:
        self.given.setdefault(actor_id, []).append(envelope.message)
        match envelope.message.rsplit(" ", 1)[0]:
            case "slow":
                await trio.sleep(1.0)
            case "poison":
                raise ValueError
            case "late poison":
                envelope.answer(f"done {envelope.message}")
                await trio.sleep(0.5)
                raise ValueError
            case "fragile" if not envelope.crashes:
                await trio.sleep(0.5)
                raise ValueError
            case "hang":
                await trio.sleep_forever()
            case "silent":
                return
            case "chatty":
                self.tell("b", "plain")
        envelope.answer(f"done {envelope.message}")

    def check(self) -> None:
        for message in self.told:
            answers = self.stage.answers[message]
            assert len(answers) == 1, (message, answers)
            assert answers == [f"done {message}"] or isinstance(answers[0], Failure)
        for given_to in self.given.values():
            seen = Counter(given_to)
            assert max(seen.values()) <= 2
        assert len(self.stage.supervisor._roster) == 0


async def play(world: World, script: list[Tell | Sleep | Release], end: End) -> None:
    supervisor = world.stage.supervisor
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        for step in script:
            match step:
                case Tell():
                    world.tell(step.actor_id, step.kind, ephemeral=step.ephemeral)
                case Sleep():
                    await trio.sleep(step.seconds)
                case Release():
                    supervisor.release(step.actor_id)
        if end.how == "drain":
            await supervisor.drain(trio.current_time() + end.seconds)
        else:
            await trio.sleep(end.seconds)
            nursery.cancel_scope.cancel()


steps = st.one_of(
    st.builds(Tell, st.sampled_from(ACTORS), st.sampled_from(KINDS), st.booleans()),
    st.builds(Sleep, st.sampled_from(WAITS)),
    st.builds(Release, st.sampled_from(ACTORS)),
)
limits = st.builds(
    SupervisorLimits,
    mailbox_size=st.integers(1, 4),
    ephemeral_size=st.integers(1, 2),
    batch_size=st.integers(1, 4),
    max_live=st.integers(1, 3),
    receive_seconds=st.just(2.0),
    idle_seconds=st.sampled_from([0.5, 1.0, 8.0]),
    restarts=st.integers(1, 4),
    restart_delay_seconds=st.sampled_from([0.5, 1.0]),
    quarantine_seconds=st.sampled_from([1.0, 30.0]),
    systemic_actors=st.integers(1, 60),
)


@settings(max_examples=300)
@given(
    limits,
    st.lists(steps, max_size=30),
    st.frozensets(st.sampled_from(ACTORS), max_size=2),
    st.builds(End, st.sampled_from(["cancel", "drain"]), st.sampled_from(WAITS)),
)
def test_every_message_is_answered_exactly_once_in_any_schedule(
    limits: SupervisorLimits,
    script: list[Tell | Sleep | Release],
    broken: frozenset[str],
    end: End,
) -> None:
    world = World(limits, broken)
    clock = trio.testing.MockClock(autojump_threshold=0)
    try:
        trio.run(play, world, script, end, clock=clock)
    except* SystemicFailure:
        assert limits.systemic_actors < len(ACTORS)
    world.check()


@given(st.lists(st.sampled_from(["plain", "slow", "fragile", "poison"]), max_size=12))
def test_messages_of_one_actor_are_first_given_to_it_in_the_order_in_which_they_were_told(
    kinds: list[str],
) -> None:
    world = World(SupervisorLimits(batch_size=3, restarts=100), frozenset())
    script: list[Tell | Sleep | Release] = [Tell("a", kind, ephemeral=False) for kind in kinds]
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(play, world, script, End("drain", 1_000.0), clock=clock)
    world.check()
    assert list(dict.fromkeys(world.given.get("a", []))) == world.told


# --- R21: a cancellation at every step ------------------------------------------------------------


class AtStep(trio.abc.Instrument):
    """Calls `act` before the n-th step that any task takes."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.left = step
        self.act = act

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


@dataclass
class Sweep:
    """One scenario, with whatever may be cancelled in it."""

    world: World
    supervisor_scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    edge_scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    asked: list[object] = field(default_factory=list)

    def hang(self) -> None:
        """What the supervisor does to an actor that is at work too long, at this very step."""
        cell = self.world.stage.supervisor._roster.longest_at_work()
        if cell is not None:
            cell.hung = True
            cell.scope.cancel()

    async def edge(self) -> None:
        with self.edge_scope:
            for actor_id in ACTORS:
                message = f"slow {actor_id}"
                self.asked.append(await self.world.stage.supervisor.ask(actor_id, message, 20.0))

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        with self.supervisor_scope:
            await self.world.stage.supervisor.run(task_status=task_status)

    async def play(self, instrument: AtStep) -> None:
        before = len(all_tasks())
        async with trio.open_nursery() as nursery:
            await nursery.start(self.run)
            nursery.start_soon(self.edge)
            trio.lowlevel.add_instrument(instrument)
            for kind in ("plain", "slow", "fragile", "silent", "poison", "chatty", "slow"):
                self.world.tell("a", kind)
                self.world.tell("b", "plain", ephemeral=True)
                await trio.lowlevel.cancel_shielded_checkpoint()
            await trio.sleep(20.0)
            await self.world.stage.supervisor.drain(trio.current_time() + 20.0)
        assert len(all_tasks()) == before


@pytest.mark.requirement("R21")
@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("victim", ["supervisor", "edge", "actor"])
def test_a_cancellation_at_any_step_leaves_every_message_answered_once_and_no_task(
    victim: str, order: int
) -> None:
    """`order` is the seed of the order in which trio takes tasks that are ready together."""
    step, swept = 0, False
    while not swept:
        step += 1
        sweep = Sweep(World(SupervisorLimits(batch_size=2, restarts=20), frozenset()))
        act = {
            "supervisor": sweep.supervisor_scope.cancel,
            "edge": sweep.edge_scope.cancel,
            "actor": sweep.hang,
        }[victim]
        instrument = AtStep(step, act)
        trio._core._run._r.seed(order)
        trio.run(sweep.play, instrument, clock=trio.testing.MockClock(autojump_threshold=0))
        sweep.world.check()
        assert sweep.edge_scope.cancelled_caught or len(sweep.asked) == len(ACTORS)
        swept = instrument.left > 0
    assert step > 50
