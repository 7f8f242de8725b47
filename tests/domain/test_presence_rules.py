"""Presence as leases: one session is enough, a reconnect shows nothing, last-seen only rises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.presence import (
    AWAY_MS,
    GRACE_MS,
    Attendance,
    State,
    active,
    closed,
    opened,
    state,
)

NOW = 1_793_000_000_000

pytestmark = pytest.mark.requirement("DT-06", "DT-07")


def shown(person: Attendance, now: int) -> State:
    """What others see at ``now``, as the actor would show it."""
    person.shown = state(person, now)
    return person.shown


def test_who_opens_a_session_is_online() -> None:
    person = Attendance()
    assert shown(person, NOW) is State.OFFLINE
    opened(person, 1, NOW)
    assert shown(person, NOW) is State.ONLINE
    assert person.last_seen_at == NOW


def test_a_reconnect_within_the_grace_period_shows_nothing() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    shown(person, NOW)
    closed(person, 1, NOW + 10)
    assert shown(person, NOW + 10 + GRACE_MS - 1) is State.ONLINE
    opened(person, 2, NOW + 10 + GRACE_MS - 1)
    assert shown(person, NOW + 10 * GRACE_MS) is State.ONLINE


def test_after_the_grace_period_they_were_last_seen_when_the_session_ended() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    shown(person, NOW)
    closed(person, 1, NOW + 10)
    assert shown(person, NOW + 10 + GRACE_MS) is State.OFFLINE
    assert person.last_seen_at == NOW + 10


def test_one_of_three_devices_is_enough() -> None:
    person = Attendance()
    for session in (1, 2, 3):
        opened(person, session, NOW)
    shown(person, NOW)
    closed(person, 1, NOW + 1)
    closed(person, 3, NOW + 2)
    assert shown(person, NOW + 100 * GRACE_MS) is not State.OFFLINE
    closed(person, 2, NOW + 100 * GRACE_MS)
    assert shown(person, NOW + 101 * GRACE_MS) is State.OFFLINE


def test_nothing_done_on_any_device_is_away() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    opened(person, 2, NOW + 1000)
    assert shown(person, NOW + AWAY_MS) is State.ONLINE
    assert shown(person, NOW + 1000 + AWAY_MS) is State.AWAY
    active(person, 1, NOW + 2 * AWAY_MS, is_active=True)
    assert shown(person, NOW + 2 * AWAY_MS) is State.ONLINE
    active(person, 1, NOW + 2 * AWAY_MS + 5, is_active=False)
    assert shown(person, NOW + 2 * AWAY_MS + 5) is State.AWAY


def test_who_says_they_are_idle_stays_so_until_they_are_not() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    active(person, 1, NOW + 1, is_active=False)
    active(person, 1, NOW + 2, is_active=False)
    assert shown(person, NOW + 2) is State.AWAY
    closed(person, 1, NOW + 3)
    assert shown(person, NOW + 4) is State.AWAY, "in the grace period they stay what they were"


def test_a_session_that_is_not_known_changes_nothing() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    closed(person, 9, NOW + 5)
    active(person, 9, NOW + 5, is_active=False)
    assert person == Attendance({1: NOW}, State.OFFLINE, NOW)


def test_r39_a_clock_that_is_set_back_leaves_no_ghost() -> None:
    person = Attendance()
    opened(person, 1, NOW)
    shown(person, NOW)
    closed(person, 1, NOW + 5)
    assert state(person, NOW - 3_600_000) is State.OFFLINE
    assert person.last_seen_at == NOW + 5


events = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "active", "idle"]),
        st.integers(1, 3),
        st.integers(-5_000, AWAY_MS),
    ),
    max_size=30,
)


@given(events)
def test_r11_whatever_happens_presence_is_what_the_sessions_say(
    happened: list[tuple[str, int, int]],
) -> None:
    """Also when the clock is set back in between."""
    person, now, sessions = Attendance(), NOW, set[int]()
    last_seen = 0
    for kind, session, later in happened:
        now += later
        if kind == "open":
            opened(person, session, now)
            sessions.add(session)
        elif kind == "close":
            closed(person, session, now)
            sessions.discard(session)
        else:
            active(person, session, now, is_active=kind == "active")
        before, found = person.shown, shown(person, now)
        assert person.last_seen_at >= last_seen
        last_seen = person.last_seen_at
        assert person.sessions.keys() == sessions
        if sessions:
            assert found is not State.OFFLINE
            assert (person.left_at is None) or not sessions
        else:
            assert found in (before, State.OFFLINE)
            assert state(person, now + GRACE_MS) is State.OFFLINE
