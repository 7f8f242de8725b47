"""Each entry of a conversation becomes known exactly once, whether by its event or by its ack."""

from hypothesis import given
from hypothesis import strategies as st

from deskbell_client.ordering import MAX_AHEAD, Ordering, Place


def test_entries_in_order_are_new() -> None:
    ordering = Ordering()

    assert [ordering.entry("c1", seq) for seq in (7, 8, 9)] == [Place.NEW] * 3


def test_an_entry_that_came_before_is_known() -> None:
    ordering = Ordering()
    for seq in (7, 8):
        ordering.entry("c1", seq)

    assert ordering.entry("c1", 8) is Place.KNOWN
    assert ordering.entry("c1", 3) is Place.KNOWN


def test_a_hole_is_found_and_changes_nothing() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)

    assert ordering.entry("c1", 9) is Place.GAP
    assert ordering.entry("c1", 8) is Place.NEW
    assert ordering.entry("c1", 9) is Place.NEW


def test_conversations_do_not_know_of_each_other() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)

    assert ordering.entry("c2", 1) is Place.NEW


def test_an_ack_fills_the_place_of_an_entry() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)
    ordering.acked("c1", 8)

    assert ordering.entry("c1", 9) is Place.NEW
    assert ordering.entry("c1", 8) is Place.KNOWN


def test_an_ack_may_come_before_the_entries_below_it() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)
    ordering.acked("c1", 9)

    assert ordering.entry("c1", 8) is Place.NEW
    assert ordering.entry("c1", 9) is Place.KNOWN
    assert ordering.entry("c1", 10) is Place.NEW


def test_an_old_ack_changes_nothing() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)
    ordering.acked("c1", 3)

    assert ordering.entry("c1", 8) is Place.NEW


def test_after_forgetting_any_entry_may_come_next() -> None:
    ordering = Ordering()
    ordering.entry("c1", 7)
    ordering.forget("c1")

    assert ordering.entry("c1", 12) is Place.NEW


def test_acks_alone_are_kept_within_a_bound() -> None:
    ordering = Ordering()
    for seq in range(1, MAX_AHEAD + 2):
        ordering.acked("c1", seq)

    assert ordering.entry("c1", MAX_AHEAD + 1) is Place.KNOWN
    assert ordering.entry("c1", MAX_AHEAD + 2) is Place.NEW


@given(
    own=st.sets(st.integers(1, 30)),
    resumed=st.lists(st.integers(0, 29), max_size=3),
    data=st.data(),
)
def test_every_entry_is_shown_once_and_in_order(
    own: set[int], resumed: list[int], data: st.DataObject
) -> None:
    """Events of others and acks of one's own as they may interleave, with resumes from below.

    An entry of one's own is shown if its event comes before its ack.
    """
    ordering = Ordering()
    ordering.entry("c1", 0)
    events = [seq for seq in range(1, 31) if seq not in own]
    acks = sorted(own)
    shown = []
    while events or acks:
        if acks and (not events or data.draw(st.booleans())):
            ordering.acked("c1", acks.pop(0))
            continue
        place = ordering.entry("c1", events[0])
        if place is Place.GAP:  # an ack that the server sent first is still under way
            ordering.acked("c1", acks.pop(0))
            continue
        if place is Place.NEW:
            shown.append(events[0])
        events.pop(0)
        if resumed and events and resumed[-1] < events[0]:
            events = [*range(resumed.pop() + 1, events[0]), *events]

    assert shown == sorted(set(shown)), "in order, and none twice"
    assert set(range(1, 31)) - own <= set(shown), "none left out"
