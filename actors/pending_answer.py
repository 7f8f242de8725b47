"""Where one task waits for one answer."""

from collections.abc import Callable

import trio


class PendingAnswer:
    """A reply callback with a wait; an answer that nobody waits for any more goes nowhere."""

    __slots__ = ("_arrived", "_task", "_value")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._arrived = False
        self._value: object = None

    def resolve(self, value: object) -> None:
        """Take the answer; to be called once."""
        self._arrived = True
        self._value = value
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    async def wait(self) -> object:
        """Return the answer, whether it came before or is still to come."""
        if self._arrived:
            await trio.lowlevel.checkpoint()
        else:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._abort)
        return self._value

    def _abort(self, _raise_cancel: Callable[[], object]) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
