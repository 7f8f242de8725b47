"""What one person may ask of HTTP: as much as over a connection, and a few things at a time."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from domain.limits import Limits
from domain.refusal import Code, Refusal
from server.rate import TokenBucket

UNDER_WAY: Final = 16
"""Requests of one person at the same time."""

REMEMBERED: Final = 10_000
"""People whose use is known; who has not asked for longest starts anew."""

_AT_ONCE = Refusal(Code.RATE_LIMITED, "Too many requests at once. Wait for their answers.", 1.0)


@dataclass(slots=True)
class _Use:
    bucket: TokenBucket
    under_way: int = 0


class Throttle:
    """Counts the requests of people who come with a token of their own (EX-5)."""

    def __init__(self, limits: Limits, time: Callable[[], float]) -> None:
        """A rate of 0 in ``limits`` allows everything; ``time`` is in seconds."""
        self._limits = limits
        self._time = time
        self._uses: OrderedDict[tuple[str, str], _Use] = OrderedDict()

    @contextmanager
    def request(self, business: str, person: str) -> Iterator[Refusal | None]:
        """One request of ``person``, while the block runs; or why not now."""
        rate, now = self._limits.commands_per_second, self._time()
        use = self._uses.setdefault(
            (business, person), _Use(TokenBucket(rate, self._limits.commands_burst, now))
        )
        self._uses.move_to_end((business, person))
        use.under_way += 1
        try:
            yield self._refusal(use, now) if rate else None
        finally:
            use.under_way -= 1
            self._forget()

    @staticmethod
    def _refusal(use: _Use, now: float) -> Refusal | None:
        if use.under_way > UNDER_WAY:
            return _AT_ONCE
        if use.bucket.take(1, now):
            return None
        wait = use.bucket.seconds_until_one(now)
        return Refusal(Code.RATE_LIMITED, "Too many requests. Wait a moment.", wait)

    def _forget(self) -> None:
        while len(self._uses) > REMEMBERED:
            self._uses.popitem(last=False)
