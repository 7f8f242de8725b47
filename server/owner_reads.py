"""What owners have read of what they take no part in, as far as the audit log knows it (C-07)."""

from collections import OrderedDict

import trio

HOUR_MS = 3_600_000
REMEMBERED = 10_000
"""Pairs of owner and conversation of a business; beyond it the oldest go, and are noted again."""


class OwnerReads:
    """What the owners of one business have read, as far as it needs no trace for now."""

    __slots__ = ("_until", "noting")

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.noting = trio.Lock()
        """Held while one is noted, so that two requests at a time leave one trace."""

    def covers(self, person: str, conversation: str, now: int) -> bool:
        """Whether ``person`` may read ``conversation`` at ``now`` (ms) without another trace."""
        return self._until.get((person, conversation), 0) > now

    def remember(self, person: str, conversation: str, now: int) -> None:
        """It has been seen to, for an hour."""
        key = (person, conversation)
        self._until.pop(key, None)
        self._until[key] = now + HOUR_MS
        if len(self._until) > REMEMBERED:
            self._until.popitem(last=False)
