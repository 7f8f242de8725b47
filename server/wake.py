"""Waking one task again and again: an event that can be cleared, and costs little to have."""

from collections.abc import Callable

import trio


class Wake:
    """`set` wakes the one task that waits, or lets its next `wait` return at once."""

    __slots__ = ("_set", "_task")

    def __init__(self) -> None:
        self._set = False
        self._task: trio.lowlevel.Task | None = None

    def set(self) -> None:
        """Wake. Idempotent until cleared."""
        self._set = True
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def clear(self) -> None:
        """Wait anew."""
        self._set = False

    async def wait(self) -> None:
        """Return when set; always a checkpoint."""
        if self._set:
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _: Callable[[], object]) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
