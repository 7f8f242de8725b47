"""Who lives, who is at work since when, and who has been idle longest."""

from collections.abc import Callable, Sequence
from typing import Generic

import trio

from actors.envelope import Envelope, M
from actors.mailbox import Mailbox
from actors.restart_budget import RestartBudget
from actors.statistics import ActorState, ActorStatistics, Load

CRASHES_OF_A_DEAD_LETTER = 2


class Cell(Generic[M]):
    """What a supervisor keeps for one live actor, across its restarts."""

    __slots__ = (
        "actor_id",
        "batch",
        "budget",
        "failed",
        "hung",
        "mailbox",
        "restarts",
        "scope",
        "since",
        "state",
    )

    def __init__(
        self, actor_id: str, mailbox: Mailbox[M], budget: RestartBudget, now: float
    ) -> None:
        self.actor_id = actor_id
        self.mailbox = mailbox
        self.budget = budget
        self.since = now
        self.restarts = 0
        self.state: ActorState = "activating"
        self.hung = False
        self.batch: Sequence[Envelope[M]] = ()  # in hand
        self.failed: Exception | None = None  # why what the batch came to was not stored
        self.scope = trio.CancelScope()  # around the present incarnation

    def return_batch(self) -> tuple[list[Envelope[M]], list[Envelope[M]]]:
        """After a crash: put back what is tried again. Returns the dead letters and the dropped."""
        unanswered = [envelope for envelope in self.batch if not envelope.answered]
        self.batch = ()
        for envelope in unanswered:
            envelope.crashes += 1
        dropped = [e for e in unanswered if e.ephemeral]
        kept = [e for e in unanswered if not e.ephemeral]
        self.mailbox.put_back(e for e in kept if e.crashes < CRASHES_OF_A_DEAD_LETTER)
        return [e for e in kept if e.crashes >= CRASHES_OF_A_DEAD_LETTER], dropped


class Roster(Generic[M]):
    """The live actors by id; those at work, and those idle, in the order in which they became so.

    A dictionary keeps that order, so the longest hanging and the longest idle are found at the
    head, without a timer for each actor. An idle actor waits at an empty mailbox; one whose batch
    is being stored, that is restarting, or woken but not at work yet, is in neither order: it
    neither hangs nor is it idle.
    """

    def __init__(self) -> None:
        self._cells: dict[str, Cell[M]] = {}
        self._working: dict[Cell[M], None] = {}
        self._idle: dict[Cell[M], None] = {}
        self.get: Callable[[str], Cell[M] | None] = self._cells.get
        """The live actor of that id, if there is one. Every message asks: no call of its own."""

    def __len__(self) -> int:
        return len(self._cells)

    def add(self, cell: Cell[M]) -> None:
        """Make a new cell the live one of its id."""
        self._cells[cell.actor_id] = cell

    def remove(self, cell: Cell[M]) -> None:
        """Forget a cell; another one that has its id by now is not touched."""
        if self._cells.get(cell.actor_id) is cell:
            del self._cells[cell.actor_id]
        self._idle.pop(cell, None)
        self._working.pop(cell, None)

    def wake(self, cell: Cell[M]) -> None:
        """Note that a message has come: it is idle no longer."""
        self._idle.pop(cell, None)

    def begin(self, cell: Cell[M], now: float) -> None:
        """Note that it is at work from `now` on, with an activation or a batch."""
        cell.since = now
        self._working[cell] = None

    def store(self, cell: Cell[M]) -> None:
        """Hold its mailbox while its batch is being stored: a slow disk is no hanging actor."""
        self._working.pop(cell, None)
        cell.mailbox.held = True

    def end(self, cell: Cell[M], now: float, *, idle: bool) -> None:
        """Note that it is not at work any more; `idle`: and that no message is waiting."""
        cell.since = now
        self._working.pop(cell, None)
        if idle:
            self._idle[cell] = None

    def fail(self, cell: Cell[M], now: float) -> None:
        """Note that it hangs or has crashed, and will restart: neither at work nor idle."""
        cell.since = now
        cell.state = "restarting"
        self._working.pop(cell, None)

    def statistics(self) -> list[ActorStatistics]:
        """List the live actors, those that were activated first, first."""
        return [
            ActorStatistics(
                actor_id=cell.actor_id,
                state=self._state(cell),
                mailbox_depth=len(cell.mailbox),
                restarts=cell.restarts,
                last_activity=cell.since,
            )
            for cell in self._cells.values()
        ]

    def _state(self, cell: Cell[M]) -> ActorState:
        if cell in self._idle:
            return "idle"
        return "storing" if cell.mailbox.held and cell.state == "running" else cell.state

    def load(self, quarantined: int) -> Load:
        """Count the live actors and what waits for them, without looking at those that are idle."""
        busy = () if self.all_idle() else set(self._cells.values()).difference(self._idle)
        depths = [len(cell.mailbox) for cell in busy]
        return Load(len(self._cells), quarantined, sum(depths), max(depths, default=0))

    def longest_idle(self) -> Cell[M] | None:
        """Return the actor that became idle first."""
        return next(iter(self._idle), None)

    def longest_at_work(self) -> Cell[M] | None:
        """Return the actor that has been at work on the same thing longest."""
        return next(iter(self._working), None)

    def all_idle(self) -> bool:
        """Whether no actor has anything to do."""
        return len(self._idle) == len(self._cells)
