"""Whether the other side is still there: silence is asked about, then taken for an end."""

from enum import Enum, auto
from typing import Final

from deskbell_client import records

WELCOME_WITHIN: Final = 15.0
"""Seconds that a `welcome` may take to come; it says what holds from then on."""


class Beat(Enum):
    """What a moment of silence asks for."""

    NOTHING = auto()
    ASK = auto()
    DEAD = auto()


class Heartbeat:
    """The silence of one connection, from its opening at ``now``."""

    def __init__(self, now: float = 0.0) -> None:
        self._heard_at = now
        self._agreed = False
        self._asked = False
        self._ping_after = self._timeout = WELCOME_WITHIN

    def agreed(self, terms: records.Heartbeat, now: float) -> None:
        """`welcome` came and said how long a silence means what."""
        self._agreed = True
        self._heard_at = now
        self._ping_after = terms.ping_after_ms / 1000
        self._timeout = terms.timeout_ms / 1000

    def heard(self, now: float) -> None:
        """Bytes came, whatever they mean."""
        if self._agreed:  # until then only the welcome counts
            self._heard_at = now
            self._asked = False

    @property
    def next_time(self) -> float:
        """When `tick` has something to say."""
        patience = self._timeout if self._asked else min(self._ping_after, self._timeout)
        return self._heard_at + patience

    def tick(self, now: float) -> Beat:
        """What to do now. `Beat.ASK` comes once per silence."""
        silence = now - self._heard_at
        if silence >= self._timeout:
            return Beat.DEAD
        if silence >= self._ping_after and not self._asked:
            self._asked = True
            return Beat.ASK
        return Beat.NOTHING
