"""How fast a connection may ask."""


class TokenBucket:
    """``burst`` at once, ``rate`` a second on average; a rate of 0 allows everything."""

    __slots__ = ("_burst", "_level", "_rate", "_seen")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = float(burst)
        self._seen = now

    def take(self, count: int, now: float) -> int:
        """How many of ``count`` are allowed at ``now`` (seconds); these are spent."""
        if not self._rate:
            return count
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        allowed = min(count, int(self._level))
        self._level -= allowed
        return allowed

    def seconds_until_one(self, now: float) -> float:
        """When the next one will be allowed."""
        if not self._rate:
            return 0.0
        missing = 1.0 - self._level - (now - self._seen) * self._rate
        return max(0.0, missing / self._rate)
