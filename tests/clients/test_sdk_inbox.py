"""The bounded queue of events, and the position that a restart goes on from."""

import msgpack

from deskbell_client import events, replies, wire
from deskbell_client.events import Connected, Disconnected, PresenceChanged, Reset, TypingChanged
from deskbell_client.inbox import MAX_PRESENCE, MAX_TYPING, Inbox
from deskbell_client.records import Cursor, PresenceState
from tests.clients.scripted import WELCOME


def at(revision: int) -> Cursor:
    return Cursor("e1", revision)


def resumed(revision: int) -> events.Resumed:
    return events.Resumed(revision)


def inbox(capacity: int = 3) -> Inbox:
    return Inbox(capacity, at(0))


def put(box: Inbox, *revisions: int) -> None:
    for revision in revisions:
        assert box.has_room()
        box.put_stored(resumed(revision), at(revision))


def test_an_event_is_processed_when_the_next_is_asked_for() -> None:
    box = inbox()
    put(box, 1, 2)

    assert box.take() == resumed(1)
    assert box.processed == at(0)
    assert box.take() == resumed(2)
    assert box.processed == at(1)
    assert box.take() is None
    assert box.processed == at(2)


def test_a_move_without_an_event_counts_after_all_that_waits() -> None:
    box = inbox()
    put(box, 1)
    box.mark(at(5))

    assert box.processed == at(0)
    box.take()
    box.mark(at(6))
    assert box.processed == at(0)
    box.take()
    assert box.processed == at(6)
    box.mark(at(7))
    assert box.processed == at(7)


def test_beyond_the_bound_it_is_behind_until_told_otherwise() -> None:
    box = inbox(capacity=2)
    put(box, 1, 2)

    assert not box.has_room()
    box.take()
    assert not box.has_room(), "what came after the first that did not fit must not fit either"
    assert box.behind
    box.behind = False
    assert box.has_room()


def test_typing_and_presence_keep_the_last_value_of_each() -> None:
    box = inbox()
    for active in (True, False):
        box.put_passing(TypingChanged("c1", "sam", active, 6000))
    box.put_passing(TypingChanged("c2", "sam", True, 6000))
    box.put_passing(PresenceChanged((PresenceState("sam", "online"),)))
    box.put_passing(PresenceChanged((PresenceState("sam", "away"), PresenceState("eve", "away"))))

    assert box.take() == TypingChanged("c1", "sam", False, 6000)
    assert box.take() == TypingChanged("c2", "sam", True, 6000)
    assert box.take() == PresenceChanged(
        (PresenceState("sam", "away"), PresenceState("eve", "away"))
    )
    assert box.take() is None


def test_the_passing_lane_has_bounds_and_drops_the_oldest() -> None:
    box = inbox()
    for number in range(MAX_TYPING + 1):
        box.put_passing(TypingChanged("c1", f"p{number}", True, 6000))
    for number in range(MAX_PRESENCE + 1):
        box.put_passing(PresenceChanged((PresenceState(f"p{number}", "online"),)))

    first = box.take()
    assert isinstance(first, TypingChanged)
    assert first.person == "p1"
    for _ in range(MAX_TYPING - 1):
        box.take()
    presence = box.take()
    assert isinstance(presence, PresenceChanged)
    assert len(presence.people) == MAX_PRESENCE
    assert presence.people[0].person == "p1"


def test_stored_events_go_before_passing_ones() -> None:
    box = inbox()
    box.put_passing(TypingChanged("c1", "sam", True, 6000))
    put(box, 1)

    assert box.take() == resumed(1)


def test_a_reset_takes_the_place_of_all_that_waited_but_outcomes() -> None:
    box = inbox()
    failed = events.SendFailed("m1", "c1", "forbidden", "No.")
    put(box, 1)
    box.put_local(failed)
    put(box, 2)
    box.put_passing(TypingChanged("c1", "sam", True, 6000))
    reset = Reset("epoch", Cursor("e2", 50))
    box.put_local(reset)

    assert box.take() == failed
    assert box.take() == reset
    assert box.processed == at(0)
    assert box.take() is None
    assert box.processed == Cursor("e2", 50)


def test_a_connection_that_comes_and_goes_takes_one_place() -> None:
    box = inbox(capacity=1)
    fresh = Connected(welcome("fresh"))
    box.put_local(fresh)
    for number in range(50):
        box.put_local(Disconnected(4000, "lost", float(number)))
        box.put_local(Connected(welcome("complete")))
    box.put_local(Disconnected(4000, "lost", 50.0))

    assert len(box) == 2
    assert box.take() == fresh, "that it begins afresh has to be told"
    assert box.take() == Disconnected(4000, "lost", 50.0)


def welcome(resume: str) -> replies.Welcome:
    frame = wire.decode(msgpack.packb(WELCOME | {"resume": resume}))
    assert isinstance(frame, replies.Welcome)
    return frame
