"""A batch that is over only when what it came to has been stored, without waking its actor."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from actors.actor import Actor, Storing
from actors.envelope import Envelope, Overloaded, Unavailable
from actors.limits import LOADING, SupervisorLimits
from actors.supervisor import Supervisor
from tests.actors.stage import all_tasks


@dataclass
class Writing:
    """What the test stores, or not, by hand."""

    batch: Sequence[Envelope[str]]
    done: Callable[[Exception | None], None] | None = None
    over: list[Exception | None] = field(default_factory=list)

    def then(self, done: Callable[[Exception | None], None]) -> None:
        self.done = done
        if self.over:
            done(self.over[0])

    def store(self) -> None:
        for envelope in self.batch:
            envelope.answer(f"stored {envelope.message}")
        self.end(None)

    def end(self, error: Exception | None) -> None:
        self.over.append(error)
        if self.done is not None:
            self.done(error)


class Clerk(Actor[str]):
    """Hands every batch over; what is not stored it hands over again, but for ``lost``.

    ``hang`` it never hands over, ``late`` after more than the time it has.
    """

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk

    async def receive(self, batch: Sequence[Envelope[str]]) -> Storing | None:
        self.desk.batches.append([envelope.message for envelope in batch])
        if batch[0].message == "hang":
            await trio.sleep_forever()
        if batch[0].message == "late" and not batch[0].crashes:
            with trio.CancelScope(shield=True):
                await trio.sleep(self.desk.limits.receive_seconds + 1.0)
        return self.desk.write(batch)

    async def not_stored(self, batch: Sequence[Envelope[str]], error: Exception) -> Storing | None:
        self.desk.errors.append(error)
        if isinstance(error, TimeoutError):
            await trio.sleep_forever()
        if isinstance(error, KeyError):
            return await super().not_stored(batch, error)
        if isinstance(error, LookupError):
            return self.desk.write(batch)
        if isinstance(error, OSError):
            await self.desk.read_slowly()
        for envelope in batch:
            envelope.answer(f"lost {envelope.message}")
        return None


@dataclass
class Desk:
    batches: list[list[str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    writings: list[Writing] = field(default_factory=list)
    answers: dict[str, list[object]] = field(default_factory=dict)
    at_once: list[Exception | None] = field(default_factory=list)
    limits: SupervisorLimits = field(default_factory=SupervisorLimits)
    reading: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.supervisor: Supervisor[str] = Supervisor(self.activate, self.limits)

    async def activate(self, _: str) -> Clerk:
        return Clerk(self)

    async def read_slowly(self) -> None:
        self.reading += 1
        self.most_at_once = max(self.most_at_once, self.reading)
        await trio.sleep(1.0)
        self.reading -= 1

    def write(self, batch: Sequence[Envelope[str]]) -> Writing:
        writing = Writing(batch)
        self.writings.append(writing)
        if self.at_once:
            error = self.at_once.pop(0)
            writing.end(error) if error is not None else writing.store()
        return writing

    def tell(self, *messages: str, to: str = "a") -> None:
        for message in messages:
            self.supervisor.tell(to, message, self.answers.setdefault(message, []).append)

    @property
    def state(self) -> str:
        [actor] = self.supervisor.statistics().actors
        return actor.state


@pytest.fixture
async def desk(request: pytest.FixtureRequest, nursery: trio.Nursery) -> AsyncIterator[Desk]:
    """At work, with the limits that are its parameter, if there is one."""
    desk = Desk(limits=getattr(request, "param", None) or SupervisorLimits())
    await nursery.start(desk.supervisor.run)
    yield desk
    for writing in desk.writings:  # where the test failed: cancelling would wait for them
        if not writing.over:
            writing.store()


quiet = trio.testing.wait_all_tasks_blocked


async def test_a_batch_is_over_when_it_is_stored_and_the_next_one_waits(desk: Desk) -> None:
    desk.tell("1", "2")
    await quiet()
    desk.tell("3")
    desk.tell("4")
    await quiet()
    assert desk.batches == [["1", "2"]]
    assert desk.state == "storing"
    desk.writings[0].store()
    await quiet()
    assert desk.batches == [["1", "2"], ["3", "4"]]
    assert desk.answers["2"] == ["stored 2"]
    assert desk.answers["3"] == []
    desk.writings[1].store()
    assert desk.state == "idle"
    assert desk.answers["4"] == ["stored 4"]


async def test_an_actor_that_has_nothing_more_to_do_sleeps_on(desk: Desk) -> None:
    stepped: list[str] = []

    class Steps(trio.abc.Instrument):
        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            stepped.append(task.name)

    desk.tell("1")
    await quiet()
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    desk.writings[0].store()
    await quiet()
    assert "actor a" not in stepped
    desk.tell("2")
    await quiet()
    trio.lowlevel.remove_instrument(steps)
    assert "actor a" in stepped
    assert desk.batches[1:] == [["2"]]
    desk.writings[1].store()


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_is_not_stored_is_tried_again_before_what_came_since(
    desk: Desk, at_once: bool
) -> None:
    refused = LookupError("not now")
    desk.at_once = [refused, refused] if at_once else []
    desk.tell("1")
    await quiet()
    desk.tell("2")
    if not at_once:
        desk.writings[0].end(refused)
        await quiet()
        desk.writings[1].end(refused)
        await quiet()
    assert desk.errors == [refused, refused]
    assert desk.batches == [["1"]]
    desk.writings[2].store()
    await quiet()
    assert desk.answers["1"] == ["stored 1"]
    assert desk.batches == [["1"], ["2"]]
    desk.writings[3].end(ValueError("full"))
    await quiet()
    assert desk.answers["2"] == ["lost 2"]
    assert desk.state == "idle"


async def test_what_is_stored_at_once_needs_no_wait(desk: Desk) -> None:
    desk.at_once = [None, None]
    desk.tell("1")
    await quiet()
    desk.tell("2")
    await quiet()
    assert desk.answers == {"1": ["stored 1"], "2": ["stored 2"]}
    assert desk.state == "idle"


async def test_not_stored_is_a_crash_where_the_actor_does_not_say_what_to_do(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("1")
    await trio.sleep(0.001)
    desk.writings[0].end(KeyError("1"))
    await trio.sleep(1.0)
    assert desk.batches == [["1"], ["1"]]
    desk.writings[1].store()
    assert desk.answers["1"] == ["stored 1"]


@pytest.mark.parametrize("waiting", [["2"], []])
async def test_cancelling_waits_for_what_is_being_stored(
    nursery: trio.Nursery, waiting: list[str]
) -> None:
    desk = Desk()
    before = len(all_tasks())
    await nursery.start(desk.supervisor.run)
    desk.tell("1")
    await quiet()
    desk.tell(*waiting)
    nursery.cancel_scope.cancel()
    with trio.CancelScope(shield=True):
        await quiet()
        assert not any(desk.answers.values())
        desk.writings[0].store()
        await quiet()
        assert desk.answers["1"] == ["stored 1"]
        for message in waiting:
            [answer] = desk.answers[message]
            assert isinstance(answer, Unavailable)
        assert len(all_tasks()) == before


async def test_cancelling_while_nothing_is_stored_any_more_answers_what_was_in_hand(
    nursery: trio.Nursery,
) -> None:
    desk = Desk()
    await nursery.start(desk.supervisor.run)
    desk.tell("1")
    await quiet()
    nursery.cancel_scope.cancel()
    with trio.CancelScope(shield=True):
        await quiet()
        desk.writings[0].end(ValueError("stopped"))
        await quiet()
    [answer] = desk.answers["1"]
    assert isinstance(answer, Unavailable)


@pytest.mark.parametrize("seconds", [6.0, 60.0])
async def test_one_slow_commit_crashes_nobody_however_many_wait_for_it(
    autojump_clock: MockClock, desk: Desk, seconds: float
) -> None:
    actors = [str(number) for number in range(desk.limits.systemic_actors + 10)]
    for actor in actors:
        desk.tell(f"first {actor}", to=actor)
    await trio.sleep(1.0)
    for actor in actors:
        desk.tell(f"next {actor}", to=actor)
    await trio.sleep(seconds - 1.0)
    assert not any(desk.answers.values())
    for _ in range(2):
        for writing in desk.writings[-len(actors) :]:
            writing.store()
        await trio.sleep(0.5)
    assert len(desk.answers) == 2 * len(actors)
    assert all(answers == [f"stored {message}"] for message, answers in desk.answers.items())
    totals = desk.supervisor.totals()
    assert (totals.crashes, totals.activations, totals.batches) == (
        0,
        len(actors),
        2 * len(actors),
    )


@pytest.mark.parametrize("stalled", [0.0, 3.0, 60.0])
async def test_who_hangs_after_a_stored_batch_is_found_exactly_when_it_is_due(
    autojump_clock: MockClock, desk: Desk, stalled: float
) -> None:
    limit = desk.limits.receive_seconds
    desk.tell("1")
    await trio.sleep(0.001)
    desk.tell("hang")
    await trio.sleep(stalled)
    desk.writings[0].store()
    await trio.sleep(limit - 0.01)
    assert desk.batches == [["1"], ["hang"]]
    assert desk.supervisor.totals().crashes == 0
    await trio.sleep(0.02)
    assert desk.supervisor.totals().crashes == 1
    assert desk.answers["1"] == ["stored 1"]


async def test_who_hangs_is_found_while_another_one_s_batch_is_stored(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("1", to="stored")
    await trio.sleep(1.0)
    desk.tell("hang", to="hanging")
    await trio.sleep(desk.limits.receive_seconds - 0.01)
    assert desk.supervisor.totals().crashes == 0
    await trio.sleep(0.02)
    assert desk.supervisor.totals().crashes == 1
    desk.writings[0].store()
    assert desk.answers["1"] == ["stored 1"]


async def test_who_hangs_over_what_was_not_stored_is_found_exactly_when_it_is_due(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("1")
    await trio.sleep(60.0)
    desk.writings[0].end(TimeoutError())
    await trio.sleep(desk.limits.receive_seconds - 0.01)
    assert len(desk.errors) == 1
    assert desk.supervisor.totals().crashes == 0
    await trio.sleep(0.02)
    assert desk.supervisor.totals().crashes == 1
    await trio.sleep(1.0)
    assert desk.batches == [["1"], ["1"]]
    desk.writings[1].store()
    assert desk.answers["1"] == ["stored 1"]


async def test_many_that_were_not_stored_start_over_in_turn_and_waiting_is_not_their_time(
    autojump_clock: MockClock, desk: Desk
) -> None:
    names = [f"slow {number}" for number in range(10)]
    for name in names:
        desk.tell(name, to=name)
    await quiet()
    for writing in desk.writings:
        writing.end(OSError())
    await trio.sleep(len(names) * 1.0 + 0.1)
    assert [desk.answers[name] for name in names] == [[f"lost {name}"] for name in names]
    assert desk.supervisor.totals().crashes == 0
    assert desk.most_at_once == LOADING


async def test_what_is_handed_over_too_late_is_a_hang_once_it_is_stored(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("late")
    await trio.sleep(desk.limits.receive_seconds + 2.0)
    assert desk.supervisor.totals().crashes == 0
    desk.writings[0].store()
    assert desk.state == "restarting"
    desk.tell("2")
    await trio.sleep(1.0)
    assert desk.supervisor.totals().crashes == 1
    assert desk.answers["late"] == ["stored late"]
    assert desk.batches == [["late"], ["2"]]
    desk.writings[1].store()
    await trio.sleep(desk.limits.receive_seconds + 1.0)
    assert desk.state == "idle"
    assert desk.supervisor.totals().crashes == 1


async def test_what_is_not_stored_after_a_hang_is_tried_again_by_the_next_incarnation(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("late")
    await trio.sleep(desk.limits.receive_seconds + 2.0)
    desk.writings[0].end(LookupError("not now"))
    await trio.sleep(1.0)
    assert desk.batches == [["late"], ["late"]]
    assert desk.errors == []
    desk.writings[1].store()
    assert desk.answers["late"] == ["stored late"]


async def test_draining_waits_for_what_was_not_stored_and_is_tried_again(
    autojump_clock: MockClock, desk: Desk, nursery: trio.Nursery
) -> None:
    rested: list[bool] = []

    async def drain() -> None:
        rested.append(await desk.supervisor.drain(trio.current_time() + 60.0))

    desk.tell("1")
    await trio.sleep(0.001)
    nursery.start_soon(drain)
    await trio.sleep(10.0)
    desk.writings[0].end(LookupError("not now"))
    await trio.sleep(10.0)
    assert rested == []
    desk.writings[1].store()
    await trio.sleep(0.001)
    assert rested == [True]
    assert desk.answers["1"] == ["stored 1"]


@pytest.mark.parametrize("desk", [SupervisorLimits(max_live=1, idle_seconds=2.0)], indirect=True)
async def test_an_actor_whose_batch_is_stored_is_not_passivated(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("1")
    await trio.sleep(20.0)
    desk.tell("2", to="another")
    [refusal] = desk.answers["2"]
    assert isinstance(refusal, Overloaded)
    assert desk.supervisor.totals().passivations == 0
    desk.writings[0].store()
    assert desk.answers["1"] == ["stored 1"]
    assert desk.state == "idle"
    await trio.sleep(2.01)
    assert desk.supervisor.totals().passivations == 1


async def test_draining_ends_at_its_deadline_while_the_disk_stalls(
    autojump_clock: MockClock, desk: Desk
) -> None:
    desk.tell("1")
    await trio.sleep(0.001)
    desk.tell("waiting")
    start = trio.current_time()
    assert not await desk.supervisor.drain(start + 20.0)
    assert trio.current_time() == start + 20.0
    desk.writings[0].store()
    await trio.sleep(0.001)
    assert desk.answers["1"] == ["stored 1"]
    [refusal] = desk.answers["waiting"]
    assert refusal == Unavailable(desk.limits.retry_seconds, "stopping")
    assert desk.supervisor.totals().crashes == 0


async def test_draining_waits_for_what_is_being_stored(nursery: trio.Nursery) -> None:
    desk = Desk()
    await nursery.start(desk.supervisor.run)
    desk.tell("1")
    await quiet()
    rested: list[bool] = []

    async def drain() -> None:
        rested.append(await desk.supervisor.drain(trio.current_time() + 60.0))

    nursery.start_soon(drain)
    await quiet()
    assert rested == []
    desk.writings[0].store()
    await quiet()
    assert rested == [True]
    assert desk.answers["1"] == ["stored 1"]


async def test_an_actor_for_which_something_waits_is_not_passivated_for_another_one(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(limits=SupervisorLimits(max_live=1))
    await nursery.start(desk.supervisor.run)
    desk.tell("1")
    await quiet()
    desk.tell("2")
    desk.writings[0].store()
    answers: list[object] = []
    desk.supervisor.tell("b", "3", answers.append)  # before "a" has come to its second batch
    await quiet()
    [refusal] = answers
    assert isinstance(refusal, Overloaded)
    assert desk.batches == [["1"], ["2"]]
    desk.writings[1].store()
