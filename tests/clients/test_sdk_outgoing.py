"""Pending sends: order, windows, patience, idempotence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell_client.commands import Send
from deskbell_client.errors import PendingFull, Refused
from deskbell_client.outgoing import Outgoing


def sends(conversation: str, *numbers: int) -> list[Send]:
    return [Send(conversation, f"{conversation}-{n}", f"text {n}") for n in numbers]


def outgoing(*kept: Send, window: int = 10, each: int = 1, most: int = 100) -> Outgoing:
    return Outgoing(window, each, most, kept)


def test_one_of_a_conversation_is_in_flight_at_a_time() -> None:
    first, second = sends("c1", 1, 2)
    queue = outgoing(first, second)

    assert list(queue.take(0)) == [first]
    assert list(queue.take(0)) == []
    queue.settle(first.client_message_id)
    assert list(queue.take(0)) == [second]


def test_conversations_do_not_wait_for_each_other_but_for_the_window() -> None:
    kept = [*sends("c1", 1, 2), *sends("c2", 1), *sends("c3", 1)]
    queue = outgoing(*kept, window=2)

    assert list(queue.take(0)) == [kept[0], kept[2]]
    queue.settle(kept[2].client_message_id)
    assert list(queue.take(0)) == [kept[3]]


def test_a_wider_window_per_conversation_keeps_the_order() -> None:
    kept = sends("c1", 1, 2, 3, 4)
    queue = outgoing(*kept, each=3)

    assert list(queue.take(0)) == kept[:3]


def test_what_was_turned_away_waits_and_holds_back_what_is_behind_it() -> None:
    kept = [*sends("c1", 1, 2), *sends("c2", 1)]
    queue = outgoing(*kept)
    list(queue.take(0))

    queue.postpone(kept[0].client_message_id, until=5)

    assert queue.next_time() == 5
    assert list(queue.take(4.9)) == []
    assert list(queue.take(5)) == [kept[0]]
    assert queue.next_time() == float("inf")
    assert queue.tries(kept[0].client_message_id) == 2


def test_a_lost_connection_puts_all_in_flight_back_in_their_order() -> None:
    kept = sends("c1", 1, 2, 3)
    queue = outgoing(*kept, each=2)
    list(queue.take(0))
    queue.postpone(kept[0].client_message_id, until=1000)

    queue.lost()

    assert list(queue.take(0)) == kept[:2]


def test_the_bound_refuses_and_loses_nothing() -> None:
    kept = sends("c1", 1, 2, 3)
    queue = outgoing(*kept[:2], most=2)

    with pytest.raises(PendingFull):
        queue.check(kept[2])
    assert len(queue) == 2
    assert queue.check(kept[1])


def test_the_same_id_with_another_text_is_a_conflict() -> None:
    (send,) = sends("c1", 1)
    queue = outgoing(send)

    assert queue.check(send)
    with pytest.raises(Refused) as refused:
        queue.check(Send("c1", send.client_message_id, "something else"))
    assert refused.value.code == "conflict"


def test_an_answer_to_what_is_not_pending_is_ignored() -> None:
    queue = outgoing()

    assert queue.settle("unknown") is None
    queue.postpone("unknown", 1)
    assert queue.tries("unknown") == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.sampled_from(["c1", "c2", "c3"])),
        st.tuples(st.just("ack"), st.integers(0, 50)),
        st.tuples(st.just("postpone"), st.integers(0, 50)),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=60,
)


@given(steps=steps, window=st.integers(1, 4))
def test_the_server_commits_each_send_once_and_in_order(
    steps: list[tuple[str, object]], window: int
) -> None:
    """A server that commits what it gets once, turns some away, and whose acks get lost."""
    queue = outgoing(window=window)
    kept: dict[str, list[str]] = {}
    committed: dict[str, list[str]] = {}
    in_flight: list[Send] = []
    now = 0.0
    for step, value in [*steps, *[("ack", 0), ("wait", 9)] * 200]:
        if step == "keep":
            conversation = str(value)
            (send,) = sends(conversation, len(kept.setdefault(conversation, [])))
            kept[conversation].append(send.client_message_id)
            queue.keep(send)
        elif step == "lose":
            for send in in_flight:  # committed, but the acks are lost
                done = committed.setdefault(send.conversation, [])
                if send.client_message_id not in done:
                    done.append(send.client_message_id)
            in_flight.clear()
            queue.lost()
        elif step == "wait":
            now += float(str(value))
        elif in_flight:
            send = in_flight.pop(int(str(value)) % len(in_flight))
            done = committed.setdefault(send.conversation, [])
            if step == "ack":
                if send.client_message_id not in done:
                    done.append(send.client_message_id)
                queue.settle(send.client_message_id)
            elif send.client_message_id not in done:
                queue.postpone(send.client_message_id, now + 2)
            else:
                in_flight.append(send)
        in_flight.extend(queue.take(now))
        assert len(in_flight) <= window

    assert committed == kept
    assert len(queue) == 0
