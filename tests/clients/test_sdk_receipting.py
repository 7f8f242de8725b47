"""Receipts on their way out: forward only, the highest of a burst, at a measured pace."""

from deskbell_client.commands import Receipt
from deskbell_client.receipting import BATCH, BATCH_EVERY, FLUSH_AFTER, Receipting


def test_a_burst_becomes_one_receipt_of_the_highest() -> None:
    receipting = Receipting()
    for seq in (3, 1, 5, 4):
        receipting.note("c1", seq, 0, now=10.0)

    assert receipting.next_time() == 10.0 + FLUSH_AFTER
    assert receipting.take(10.0) == []
    assert receipting.take(10.0 + FLUSH_AFTER) == [Receipt("c1", 5, 0)]
    assert receipting.next_time() == float("inf")


def test_what_does_not_move_forward_is_not_sent() -> None:
    receipting = Receipting()
    receipting.note("c1", 5, 3, now=0)
    receipting.take(1)
    receipting.note("c1", 4, 3, now=2)

    assert receipting.next_time() == float("inf")


def test_read_implies_delivered() -> None:
    receipting = Receipting()
    receipting.note("c1", 0, 7, now=0)
    receipting.note("c1", 6, 0, now=0)

    assert receipting.take(1) == [Receipt("c1", 0, 7)]


def test_both_cursors_go_out_together() -> None:
    receipting = Receipting()
    receipting.note("c1", 9, 0, now=0)
    receipting.note("c1", 0, 7, now=0)

    assert receipting.take(1) == [Receipt("c1", 9, 7)]


def test_many_conversations_go_out_at_a_measured_pace() -> None:
    receipting = Receipting()
    for number in range(BATCH * 2 + 1):
        receipting.note(f"c{number}", 1, 0, now=0)

    now, sizes = 1.0, []
    while receipting.next_time() < float("inf"):
        now = max(now, receipting.next_time())
        sizes.append(len(receipting.take(now)))
    assert sizes == [BATCH, BATCH, 1]
    assert now == 1.0 + 2 * BATCH_EVERY


def test_all_at_once_when_the_client_is_closed() -> None:
    receipting = Receipting()
    for number in range(BATCH * 2):
        receipting.note(f"c{number}", 1, 0, now=0)

    assert len(receipting.take(0, all_of_them=True)) == BATCH * 2


def test_after_a_reconnect_the_highest_that_was_sent_is_sent_again() -> None:
    receipting = Receipting()
    receipting.note("c1", 5, 0, now=0)
    receipting.note("c2", 1, 0, now=0)
    receipting.take(1)
    receipting.note("c1", 6, 0, now=1)

    receipting.lost(now=2)

    assert receipting.take(2) == [Receipt("c1", 6, 0), Receipt("c2", 1, 0)]


def test_a_receipt_that_was_turned_away_waits() -> None:
    receipting = Receipting()
    receipting.note("c1", 5, 0, now=0)
    receipting.take(1)
    receipting.postpone("c1", until=9)

    assert receipting.take(8.9) == []
    assert receipting.take(9) == [Receipt("c1", 5, 0)]


def test_a_conversation_that_one_is_out_of_is_dropped() -> None:
    receipting = Receipting()
    receipting.note("c1", 5, 0, now=0)
    receipting.drop("c1")
    receipting.postpone("c1", 3)
    receipting.lost(1)

    assert receipting.take(1, all_of_them=True) == []
