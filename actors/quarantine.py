"""The actors that crashed too often, and until when each stays out of service."""

from actors.statistics import ActorStatistics


class Quarantine:
    """A bounded table; when it is full, the actor that is due first is released early."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._until: dict[str, float] = {}  # due first, first: everyone stays equally long

    def add(self, actor_id: str, now: float) -> None:
        """Keep `actor_id` out of service from `now` on."""
        self._until.pop(actor_id, None)
        self._forget_expired(now)
        if len(self._until) >= self._size:
            del self._until[next(iter(self._until))]
        self._until[actor_id] = now + self._seconds

    def remaining(self, actor_id: str, now: float) -> float:
        """Seconds until `actor_id` may be activated again; 0 when it may be now."""
        until = self._until.get(actor_id)
        return 0.0 if until is None else max(0.0, until - now)

    def release(self, actor_id: str) -> bool:
        """Let `actor_id` back into service; False when it was not in quarantine."""
        return self._until.pop(actor_id, None) is not None

    def count(self, now: float) -> int:
        """Count who is in quarantine at `now`."""
        self._forget_expired(now)
        return len(self._until)

    def statistics(self, now: float) -> list[ActorStatistics]:
        """List who is in quarantine at `now`, and until when."""
        self._forget_expired(now)
        return [
            ActorStatistics(actor_id, "quarantined", 0, 0, until)
            for actor_id, until in self._until.items()
        ]

    def _forget_expired(self, now: float) -> None:
        while self._until and self._until[due := next(iter(self._until))] <= now:
            del self._until[due]
