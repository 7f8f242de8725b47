"""How many failures are too many: of one actor, and of all of them together."""

from collections import deque


class RestartBudget:
    """At most `intensity` restarts in any `period` seconds: the rule of OTP's supervisors."""

    def __init__(self, intensity: int, period: float) -> None:
        self._times: deque[float] = deque(maxlen=intensity + 1)
        self._intensity = intensity
        self._period = period

    def spend(self, now: float) -> bool:
        """Record a failure at `now`; False when this one may not be answered by a restart."""
        self._times.append(now)
        return self.recent(now) <= self._intensity

    def recent(self, now: float) -> int:
        """Count the failures of the last `period` seconds (at most `intensity` + 1)."""
        return sum(1 for time in self._times if now - time <= self._period)


class SystemicBudget:
    """Tells a fault of the whole from the faults of single actors.

    A poisoned actor fails again and again, and quarantine deals with it, so failures are counted
    per *distinct* actor. The budget is spent when, within `period` seconds, more than `actors`
    distinct actors failed **and** they are more than `share` of those there are. Fifty poisoned
    conversations among a thousand never spend it; a broken disk does within seconds.

    It remembers no more actors than it takes to spend it, so it is bounded as the population is.
    """

    def __init__(self, *, actors: int, period: float, share: float) -> None:
        self._actors = actors
        self._period = period
        self._share = share
        self._failed: dict[str, float] = {}  # actor id -> its latest failure, oldest first

    def spend(self, actor_id: str, now: float, population: int) -> bool:
        """Record a failure; False when the fault is systemic. `population` counts all actors."""
        self._failed.pop(actor_id, None)
        self._failed[actor_id] = now
        while now - self._failed[oldest := next(iter(self._failed))] > self._period:
            del self._failed[oldest]
        failed = len(self._failed)
        return failed <= self._actors or failed <= self._share * population
