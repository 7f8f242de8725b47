"""What an operator may see of the actors: counts, states and dead letters, never their content."""

from dataclasses import dataclass
from typing import Literal

ActorState = Literal["activating", "running", "storing", "idle", "restarting", "quarantined"]


@dataclass(frozen=True, slots=True)
class ActorStatistics:
    """One actor, live or in quarantine. Times are trio's clock."""

    actor_id: str
    state: ActorState
    mailbox_depth: int
    restarts: int
    """Restarts since it was activated last; 0 for one in quarantine."""
    last_activity: float
    """When it last began or finished something; for one in quarantine, when it is released."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters of one supervisor since it was made; they only rise."""

    messages: int = 0
    """Messages handed to actors; one that is tried again counts again."""
    batches: int = 0
    activations: int = 0
    crashes: int = 0
    """Errors and hangs, of activations and of batches."""
    restarts: int = 0
    """Crashes after which the actor was let try again."""
    dead_letters: int = 0
    passivations: int = 0
    quarantines: int = 0
    overloaded: int = 0
    """Messages refused because a mailbox, or the limit of live actors, was full."""
    unanswered: int = 0
    """Messages whose sender waited for an answer that the actor did not give."""


@dataclass(frozen=True, slots=True)
class SupervisorStatistics:
    """A snapshot: every live and quarantined actor, and the totals."""

    actors: tuple[ActorStatistics, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Load:
    """How much a supervisor has in hand, without a word of any single actor."""

    live: int
    quarantined: int
    waiting: int
    """Messages in all mailboxes."""
    deepest: int
    """Messages in the fullest one."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that crashed its actor twice: where, which type, when (trio's clock) and why."""

    actor_id: str
    message_type: str
    error: str
    time: float
