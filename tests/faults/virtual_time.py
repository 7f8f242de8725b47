"""Time that jumps over all waiting, and stands still while a thread works for the server."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from storage.connection import Completion, TrioConnection

EPOCH_MS = 1_793_000_000_000
"""The wall clock at virtual time 0."""


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """The clock of a test in virtual time.

    A test takes this fixture as an argument of its own; that is how pytest-trio finds the clock.
    """
    return virtual_clock(monkeypatch)


def virtual_clock(monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """A clock that jumps to the next deadline as soon as nobody can run.

    SQLite works on real threads: while one has something in hand, nobody in trio may be able to
    run, and a jump would let deadlines pass within microseconds. So the clock jumps only when
    nothing is in hand; the patches that tell it last as long as ``monkeypatch``.
    """
    clock = MockClock(autojump_threshold=0)
    hold = _Hold(clock)
    hand_over, resolve = TrioConnection._hand_over, Completion._resolve
    close = TrioConnection.close

    def handed_over(self: TrioConnection, function: Callable[[], object]) -> Completion:
        hold.take()
        return hand_over(self, function)

    def resolved(self: Completion, result: Any) -> None:
        hold.release()
        resolve(self, result)

    async def closed(self: TrioConnection) -> None:
        hold.take()
        try:
            await close(self)
        finally:
            hold.release()

    monkeypatch.setattr(TrioConnection, "close", closed)
    monkeypatch.setattr(TrioConnection, "_hand_over", handed_over)
    monkeypatch.setattr(Completion, "_resolve", resolved)
    return clock


class _Hold:
    """How many calls are in a thread's hands; while there are any, time stands still."""

    def __init__(self, clock: MockClock) -> None:
        self._clock = clock
        self._count = 0

    def take(self) -> None:
        self._count += 1
        if self._count == 1:
            self._clock.autojump_threshold = math.inf

    def release(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._clock.autojump_threshold = 0


def wall_clock() -> int:
    """Milliseconds since 1970 UTC, by the virtual time of the running trio."""
    return EPOCH_MS + round(trio.current_time() * 1000)
