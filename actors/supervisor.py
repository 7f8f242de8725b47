"""Activates actors on their first message, restarts them on error, passivates them when idle."""

import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields
from functools import partial
from typing import Generic

import structlog
import trio

from actors.actor import Actor, Storing
from actors.crash_report import error_frames, error_name, log_crash
from actors.envelope import Envelope, Failure, M, Overloaded, Reply, Unavailable
from actors.failures import ActorHang, SystemicFailure
from actors.limits import LOADING, SupervisorLimits
from actors.mailbox import Mailbox
from actors.pending_answer import PendingAnswer
from actors.quarantine import Quarantine
from actors.restart_budget import RestartBudget, SystemicBudget
from actors.roster import Cell, Roster
from actors.statistics import DeadLetter, Load, SupervisorStatistics, Totals

log = structlog.get_logger(__name__)


class Supervisor(Generic[M]):
    """Owns a set of actors, each one task, and is the one way to reach them.

    `activate` loads the actor of an id from storage; it is never called twice at a time for one id,
    and at most as often at a time as `loading` has turns, which supervisors may share. A crash is
    an exception from `activate` or `receive`, or either of them taking too long. After a crash the
    actor is activated again, when it has messages, after a delay that doubles; waiting messages
    stay, in order. Those in hand are tried again one by one, not the ephemeral ones; what
    crashes its actor again becomes a dead letter. An actor that spends its restarts is quarantined,
    alone; `run` raises `SystemicFailure` only when many, a large share of all, fail.
    """

    def __init__(
        self,
        activate: Callable[[str], Awaitable[Actor[M]]],
        limits: SupervisorLimits,
        loading: trio.Semaphore | None = None,
    ) -> None:
        self._activate = activate
        self._limits = limits
        self._roster: Roster[M] = Roster()
        self._quarantine = Quarantine(limits.quarantine_size, limits.quarantine_seconds)
        self._systemic = SystemicBudget(
            actors=limits.systemic_actors,
            period=limits.systemic_period_seconds,
            share=limits.systemic_share,
        )
        self._dead_letters: deque[DeadLetter] = deque(maxlen=limits.dead_letters)
        self._count = {field.name: 0 for field in fields(Totals)}
        self._loading = loading or trio.Semaphore(LOADING)
        self._nursery: trio.Nursery | None = None
        self._context = contextvars.Context()
        self._clock: Callable[[], float] = trio.current_time  # `run` finds a cheaper way to it
        self._accepting = False
        self._quiet: trio.Event | None = None  # while draining
        self._at_rest = False
        self._escalation: SystemicFailure | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the actors until cancelled or drained; then everything pending has been answered.

        To be run once. Raises `SystemicFailure` when the supervisor's budget is spent.
        """
        self._context = contextvars.copy_context()
        self._clock = trio.lowlevel.current_clock().current_time
        try:
            async with trio.open_nursery() as self._nursery:
                self._accepting = True
                task_status.started()
                await self._sweep()
        finally:
            self._accepting = False
            self._nursery = None
            if self._quiet is not None:
                self._quiet.set()
        if self._escalation is not None:
            raise self._escalation

    async def drain(self, deadline: float) -> bool:
        """Accept nothing more, let the mailboxes empty, then end `run`.

        Waits until `deadline` (trio's clock) at the most. Returns whether all actors came to rest;
        what is left is answered with `Unavailable`. Also ends `run` when it is itself cancelled.
        """
        self._accepting = False
        self._quiet = trio.Event()
        self._look_for_quiet()
        try:
            with trio.move_on_at(deadline):
                await self._quiet.wait()
        finally:
            if self._nursery is not None:
                self._nursery.cancel_scope.cancel()
        return self._at_rest

    def tell(
        self,
        actor_id: str,
        message: M,
        reply: Reply | None = None,
        *,
        ephemeral: bool = False,
    ) -> None:
        """Enqueue without waiting; activates the actor if it is not live.

        `reply` is called exactly once: with the actor's answer, or with `Overloaded` or
        `Unavailable`; before `tell` returns when the message is not accepted. An ephemeral message
        travels in the lane that is shed first (see `Mailbox`).
        """
        envelope = Envelope(message, reply, ephemeral=ephemeral)
        cell = self._roster.get(actor_id) if self._accepting else None
        if cell is None:
            admitted = self._admit(actor_id)
            if not isinstance(admitted, Cell):
                envelope.answer(admitted)
                return
            cell = admitted
        if cell.mailbox.put_nowait(envelope):
            self._roster.wake(cell)
        else:
            envelope.answer(self._overloaded())

    async def ask(self, actor_id: str, message: M, timeout: float) -> object:  # noqa: ASYNC109
        """Tell, and wait for the answer. For edges only: an actor never waits for another.

        Returns the actor's answer, `Overloaded` or `Unavailable`; the latter also when `timeout`
        seconds pass, and then the message may still be handled.
        """
        pending = PendingAnswer()
        self.tell(actor_id, message, pending.resolve)
        with trio.move_on_after(timeout):
            return await pending.wait()
        return Unavailable(self._limits.retry_seconds, "timed_out")

    def release(self, actor_id: str) -> bool:
        """End the quarantine of an actor; False when it was not in quarantine."""
        return self._quarantine.release(actor_id)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, oldest first."""
        return tuple(self._dead_letters)

    def totals(self) -> Totals:
        """Return the counters alone, whatever the number of actors: for metrics."""
        return Totals(**self._count)

    def load(self) -> Load:
        """Return how many actors there are and what waits for them: for metrics, too."""
        return self._roster.load(self._quarantine.count(trio.current_time()))

    def statistics(self) -> SupervisorStatistics:
        """Return a snapshot of all actors, live ones first; takes time in their number."""
        quarantined = self._quarantine.statistics(trio.current_time())
        return SupervisorStatistics((*self._roster.statistics(), *quarantined), self.totals())

    # --- Admission and passivation ---------------------------------------------------------------

    def _admit(self, actor_id: str) -> Cell[M] | Failure:
        """Start the task of an actor that is not live, if there is room."""
        refusal = self._refusal(actor_id)
        if refusal is not None:
            return refusal
        limits = self._limits
        if len(self._roster) >= limits.max_live:
            longest_idle = self._roster.longest_idle()
            if longest_idle is None:
                return self._overloaded()
            self._passivate(longest_idle)
        mailbox: Mailbox[M] = Mailbox(
            limits.mailbox_size,
            ephemeral_size=limits.ephemeral_size,
            retry_after=limits.retry_seconds,
        )
        budget = RestartBudget(limits.restarts, limits.restart_period_seconds)
        cell = Cell(actor_id, mailbox, budget, trio.current_time())
        self._roster.add(cell)
        assert self._nursery is not None
        # In the context of `run`: a log line of an actor must not bear the marks of whichever
        # session happened to wake it.
        start = partial(self._nursery.start_soon, self._supervise, cell, name=f"actor {actor_id}")
        self._context.copy().run(start)
        return cell

    def _refusal(self, actor_id: str) -> Unavailable | None:
        if not self._accepting:
            return Unavailable(self._limits.retry_seconds, "stopping")
        remaining = self._quarantine.remaining(actor_id, trio.current_time())
        return Unavailable(remaining, "quarantined") if remaining else None

    def _overloaded(self) -> Overloaded:
        self._count["overloaded"] += 1
        return Overloaded(self._limits.retry_seconds)

    def _passivate(self, cell: Cell[M]) -> None:
        """Let go of an idle actor: the next message for its id activates it anew."""
        self._count["passivations"] += 1
        self._roster.remove(cell)
        cell.mailbox.close()

    async def _sweep(self) -> None:
        """Cancel what hangs and passivate what is idle, each exactly when it is due.

        Whatever begins while this sleeps is due after it wakes, so nothing has to wake it.
        """
        receive_seconds, idle_seconds = self._limits.receive_seconds, self._limits.idle_seconds
        while True:
            now = trio.current_time()
            wake_at = now + min(receive_seconds, idle_seconds)
            while (cell := self._roster.longest_at_work()) is not None:
                if cell.since + receive_seconds > now:
                    wake_at = min(wake_at, cell.since + receive_seconds)
                    break
                self._roster.fail(cell, now)
                cell.hung = True
                cell.scope.cancel()
            while (cell := self._roster.longest_idle()) is not None:
                if cell.since + idle_seconds > now:
                    wake_at = min(wake_at, cell.since + idle_seconds)
                    break
                self._passivate(cell)
            await trio.sleep_until(wake_at)

    def _look_for_quiet(self) -> None:
        if self._quiet is not None and self._roster.all_idle():
            self._at_rest = True
            self._quiet.set()

    # --- The life of an actor ---------------------------------------------------------------------

    async def _supervise(self, cell: Cell[M]) -> None:
        """Live through as many incarnations as the budgets allow: the task of one actor."""
        try:
            while True:
                try:
                    await self._live(cell)
                    break
                except Exception as error:  # noqa: BLE001 - this is the supervisor
                    delay = self._crashed(cell, error)
                if delay is None:
                    break
                await trio.sleep(delay)
        except BaseExceptionGroup as group:  # cancelled, and something failed on the way out
            self._accepting = False
            failed, rest = group.split(Exception)
            if failed is not None:
                log_crash(cell, failed)
            assert rest is not None
            raise rest from None
        except BaseException:  # cancelled: `run` is ending
            self._accepting = False
            raise
        finally:
            self._retire(cell)
        self._look_for_quiet()

    async def _live(self, cell: Cell[M]) -> None:
        """Run one incarnation, from storage, until it crashes or is passivated."""
        roster, mailbox, count = self._roster, cell.mailbox, self._count
        batch_size = self._limits.batch_size
        actor: Actor[M] | None = None
        self._rest(cell, idle=not mailbox)
        with trio.CancelScope() as cell.scope:
            while True:
                if cell.failed is None:
                    await mailbox.wait()
                    if mailbox.closed:
                        return
                    if actor is None:
                        actor = await self._activate_anew(cell)
                assert actor is not None
                if cell.failed is None:
                    roster.begin(cell, self._clock())
                    cell.batch = mailbox.take(batch_size)
                    count["batches"] += 1
                    count["messages"] += len(cell.batch)
                    storing = await actor.receive(cell.batch)
                else:
                    storing = await self._start_over(cell, actor, cell.failed)
                if storing is not None:
                    roster.store(cell)
                    storing.then(partial(self._stored, cell))
                    continue
                self._finish_batch(cell)
                if cell.hung:  # it came back late, before the cancellation reached it
                    raise ActorHang
                self._rest(cell, idle=not mailbox)
        if cell.scope.cancelled_caught:
            raise ActorHang

    def _stored(self, cell: Cell[M], error: Exception | None) -> None:
        """What a batch came to has been stored, or not. The actor's task sleeps on if it can."""
        cell.failed = error
        if error is None:
            self._finish_batch(cell)
        waits = cell.mailbox.let_go(wake=error is not None)
        if error is None and not cell.hung:
            self._rest(cell, idle=not waits)

    def _rest(self, cell: Cell[M], *, idle: bool) -> None:
        """Note that nothing is in hand."""
        self._roster.end(cell, self._clock(), idle=idle)
        if self._quiet is not None:
            self._look_for_quiet()

    async def _activate_anew(self, cell: Cell[M]) -> Actor[M]:
        """Load the actor when it is its turn; its time begins then, and ends before its batch's."""
        cell.state = "activating"
        async with self._loading:
            self._roster.begin(cell, self._clock())
            actor = await self._activate(cell.actor_id)
        if cell.hung:
            raise ActorHang
        self._count["activations"] += 1
        cell.state = "running"
        self._roster.end(cell, self._clock(), idle=False)
        return actor

    async def _start_over(self, cell: Cell[M], actor: Actor[M], error: Exception) -> Storing | None:
        """Let the actor read what is stored when it is its turn: a full disk fails many at once."""
        async with self._loading:
            cell.failed = None
            self._roster.begin(cell, self._clock())
            return await actor.not_stored(cell.batch, error)

    def _finish_batch(self, cell: Cell[M]) -> None:
        """Answer what the actor did not, and hold no message any longer."""
        for envelope in cell.batch:
            if not envelope.answered:
                self._count["unanswered"] += envelope.reply is not None
                envelope.answer(Unavailable(self._limits.retry_seconds, "unanswered"))
        cell.batch = ()

    def _crashed(self, cell: Cell[M], error: Exception) -> float | None:
        """Decide what follows: seconds until the restart, or None for quarantine or escalation."""
        now = trio.current_time()
        self._count["crashes"] += 1
        log_crash(cell, error)
        self._roster.fail(cell, now)
        cell.hung = False
        cell.failed = None
        self._return_batch(cell, error, now)
        population = len(self._roster) + self._quarantine.count(now)
        if not self._systemic.spend(cell.actor_id, now, population):
            self._escalate(error)
            return None
        if not cell.budget.spend(now):
            self._quarantine_actor(cell, now)
            return None
        cell.restarts += 1
        self._count["restarts"] += 1
        doublings = min(cell.budget.recent(now) - 1, 30)  # a float has no room for a thousand
        doubled = self._limits.restart_delay_seconds * 2.0**doublings
        return min(doubled, self._limits.restart_delay_max_seconds)

    def _return_batch(self, cell: Cell[M], error: Exception, now: float) -> None:
        """Put what was in hand back to the front; what has crashed its actor twice, nowhere."""
        dead, dropped = cell.return_batch()
        for envelope in dead:
            kind = type(envelope.message).__qualname__
            self._dead_letters.append(DeadLetter(cell.actor_id, kind, error_name(error), now))
            self._count["dead_letters"] += 1
        self._refuse(dead + dropped, Unavailable(self._limits.quarantine_seconds, "crashed"))

    def _quarantine_actor(self, cell: Cell[M], now: float) -> None:
        self._count["quarantines"] += 1
        self._quarantine.add(cell.actor_id, now)
        seconds, waiting = self._limits.quarantine_seconds, len(cell.mailbox)
        log.error("actor_quarantined", actor_id=cell.actor_id, seconds=seconds, waiting=waiting)

    def _escalate(self, error: Exception) -> None:
        self._accepting = False
        most, seconds = self._limits.systemic_actors, self._limits.systemic_period_seconds
        self._escalation = SystemicFailure(
            f"more than {most} actors failed within {seconds:g} s, the last: {error_name(error)}"
        )
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()

    def _retire(self, cell: Cell[M]) -> None:
        """Forget an actor whose task ends, and answer what is left. No checkpoint in here."""
        self._roster.remove(cell)
        crashed = Unavailable(self._limits.retry_seconds, "crashed")
        left = (*cell.batch, *cell.mailbox.take_all())
        self._refuse(left, self._refusal(cell.actor_id) or crashed)

    def _refuse(self, envelopes: Iterable[Envelope[M]], failure: Failure) -> None:
        """Answer all of them, even if the reply of one breaks its promise not to raise."""
        for envelope in envelopes:
            try:
                envelope.answer(failure)
            except Exception as error:  # noqa: BLE001 - this is the supervisor
                log.error("reply_failed", error=error_name(error), frames=error_frames(error))
