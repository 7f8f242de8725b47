"""The bounds of one supervisor and its actors."""

from dataclasses import dataclass, fields

LOADING = 1
"""Actors that load at the same time, and readers that storage reserves for them. The others wait
their turn, which is not their time; with more turns than readers they would wait in theirs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorLimits:
    """Bounds and times of a supervisor. Times are seconds on trio's clock; all are positive.

    Raises ValueError for a bound that is zero or negative.
    """

    mailbox_size: int = 1_000
    """Messages waiting for one actor; the next one is refused with `Overloaded`."""
    ephemeral_size: int = 64
    """Ephemeral messages waiting for one actor; the oldest gives way to the next one."""
    batch_size: int = 256
    """Most messages that one `receive` is given."""
    max_live: int = 10_000
    """Live actors; at the limit the longest idle one is passivated for the next."""
    receive_seconds: float = 5.0
    """Longest time for one activation, or for one batch until it is handed over to be stored (the
    disk's time is not the actor's). A hang is a crash."""
    idle_seconds: float = 300.0
    """An actor without messages for so long is passivated."""
    retry_seconds: float = 1.0
    """What `Overloaded`, and `Unavailable` for a passing reason, ask the sender to wait."""

    restarts: int = 5
    """Restarts of one actor within `restart_period_seconds`; the next crash quarantines it."""
    restart_period_seconds: float = 30.0
    restart_delay_seconds: float = 0.1
    """Wait before the first restart in the period; it doubles with each further one."""
    restart_delay_max_seconds: float = 5.0

    quarantine_seconds: float = 60.0
    quarantine_size: int = 1_000
    """Actors in quarantine; the one that is due first is released early for the next one."""
    dead_letters: int = 256
    """Dead letters kept to be looked at; the oldest gives way to the next one."""

    systemic_actors: int = 60
    """More distinct actors than this must fail within `systemic_period_seconds` to escalate,"""
    systemic_share: float = 0.5
    """and they must be more than this share of the live and quarantined actors."""
    systemic_period_seconds: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be positive")
