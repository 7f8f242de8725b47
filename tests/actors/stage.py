"""A supervisor on a stage: its actors do what the test says, and everything is written down."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from actors.actor import Actor
from actors.envelope import Envelope, Failure
from actors.limits import SupervisorLimits
from actors.supervisor import Supervisor

Behaviour = Callable[[str, Envelope[str]], Awaitable[None]]


async def answer_at_once(_actor_id: str, envelope: Envelope[str]) -> None:
    envelope.answer(f"done {envelope.message}")


@dataclass
class Stage:
    """Messages are texts. `behaviour` handles one envelope, `loading` is called by activation."""

    limits: SupervisorLimits = field(default_factory=SupervisorLimits)
    behaviour: Behaviour = answer_at_once
    loading: Callable[[str], Awaitable[None]] | None = None
    turns: trio.Semaphore = field(default_factory=lambda: trio.Semaphore(16))
    activations: list[tuple[float, str]] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    answers: dict[str, list[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started = 0.0
        self.supervisor: Supervisor[str] = Supervisor(self.activate, self.limits, self.turns)

    async def activate(self, actor_id: str) -> "StagedActor":
        self.activations.append((trio.current_time() - self.started, actor_id))
        if self.loading is not None:
            await self.loading(actor_id)
        return StagedActor(self, actor_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[trio.Nursery]:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.supervisor.run)
            self.started = trio.current_time()
            yield nursery
            nursery.cancel_scope.cancel()

    def tell(self, actor_id: str, message: str, *, ephemeral: bool = False) -> None:
        """Tell with a reply that writes each answer down, however many come."""
        answers = self.answers.setdefault(message, [])
        self.supervisor.tell(actor_id, message, answers.append, ephemeral=ephemeral)

    def failure(self, message: str) -> Failure:
        """The one answer to `message`, which must be a failure."""
        [answer] = self.answers[message]
        assert isinstance(answer, Failure)
        return answer

    def handled(self, message: str) -> bool:
        """Whether the one answer to `message` is the actor's."""
        return self.answers[message] == [f"done {message}"]

    def state(self, actor_id: str) -> str | None:
        actors = self.supervisor.statistics().actors
        return next((actor.state for actor in actors if actor.actor_id == actor_id), None)

    def elapsed(self) -> float:
        return trio.current_time() - self.started


@dataclass
class StagedActor(Actor[str]):
    stage: Stage
    actor_id: str

    async def receive(self, batch: Sequence[Envelope[str]]) -> None:
        self.stage.batches.append([envelope.message for envelope in batch])
        for envelope in batch:
            await self.stage.behaviour(self.actor_id, envelope)


def all_tasks() -> list[trio.lowlevel.Task]:
    """All tasks there are."""
    found: list[trio.lowlevel.Task] = []
    root = trio.lowlevel.current_root_task()
    waiting = [root] if root is not None else []
    while waiting:
        task = waiting.pop()
        found.append(task)
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found
