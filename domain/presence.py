"""Presence: who is there, by the sessions that live (DT-06, DT-07, R11).

Rules
1. A person is there while at least one of their sessions lives. A session lives until it is said to
   be closed; whoever owns the connections says so, also of one that has fallen silent.
2. The last session gone, they stay what they were for a grace period: a reconnect shows nothing.
3. Nothing done for a while on any device is away.
4. Last-seen is the last moment a session lived. It never moves back, also over a restart.
"""

from dataclasses import dataclass, field
from enum import StrEnum

GRACE_MS = 10_000
"""How long after the last session a person is still shown: a reconnect flaps nothing."""

AWAY_MS = 300_000
"""Nothing done for so long is away."""


class State(StrEnum):
    """What others are shown."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(slots=True)
class Attendance:
    """One person: their live sessions and what others were last shown."""

    sessions: dict[int, int] = field(default_factory=dict)  # session: when it was last active
    shown: State = State.OFFLINE
    last_seen_at: int = 0
    left_at: int | None = None  # when the last session ended, while the grace period runs


def opened(person: Attendance, session: int, now: int) -> None:
    """A session began."""
    person.sessions[session] = now
    person.left_at = None
    person.last_seen_at = max(person.last_seen_at, now)


def closed(person: Attendance, session: int, now: int) -> None:
    """A session ended; the last one starts the grace period."""
    if person.sessions.pop(session, None) is None:
        return
    person.last_seen_at = max(person.last_seen_at, now)
    if not person.sessions:
        person.left_at = now


def active(person: Attendance, session: int, now: int, *, is_active: bool) -> None:
    """The person did something on a session, or says they have gone idle there."""
    if session in person.sessions:
        person.sessions[session] = (
            now if is_active else min(person.sessions[session], now - AWAY_MS)
        )
        person.last_seen_at = max(person.last_seen_at, now)


def state(person: Attendance, now: int) -> State:
    """What the person is at ``now``. A clock that was set back ends the grace period."""
    if person.sessions:
        idle = now - max(person.sessions.values())
        return State.AWAY if idle >= AWAY_MS else State.ONLINE
    if person.left_at is not None and 0 <= now - person.left_at < GRACE_MS:
        return person.shown
    return State.OFFLINE
