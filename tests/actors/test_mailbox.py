import pytest
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from actors.envelope import Envelope, Overloaded
from actors.mailbox import Mailbox

Shed = list[tuple[str, object]]


def make(size: int = 4, ephemeral_size: int = 2) -> Mailbox[str]:
    return Mailbox(size, ephemeral_size=ephemeral_size, retry_after=7.0)


def texts(batch: list[Envelope[str]]) -> list[str]:
    return [envelope.message for envelope in batch]


def hint(text: str, shed: Shed | None = None) -> Envelope[str]:
    def reply(value: object) -> None:
        if shed is not None:
            shed.append((text, value))

    return Envelope(text, reply, ephemeral=True)


def fill(mailbox: Mailbox[str], *names: str) -> None:
    for name in names:
        assert mailbox.put_nowait(Envelope(name))


def test_a_full_mailbox_refuses_and_leaves_the_envelope_to_the_caller() -> None:
    mailbox = make(size=2)
    fill(mailbox, "a", "b")
    refused = Envelope("c")
    assert not mailbox.put_nowait(refused)
    assert not refused.answered
    assert texts(mailbox.take(9)) == ["a", "b"]


def test_there_is_room_again_after_a_take() -> None:
    mailbox = make(size=2)
    fill(mailbox, "a", "b")
    mailbox.take(1)
    assert mailbox.put_nowait(Envelope("c"))
    assert texts(mailbox.take(9)) == ["b", "c"]


def test_a_take_is_limited_and_in_order() -> None:
    mailbox = make()
    fill(mailbox, "a", "b", "c")
    assert texts(mailbox.take(2)) == ["a", "b"]
    assert texts(mailbox.take(2)) == ["c"]
    assert mailbox.take(2) == []


def test_what_is_put_back_comes_first_in_order_and_one_by_one() -> None:
    mailbox = make()
    fill(mailbox, "a", "b", "c", "d")
    in_hand = mailbox.take(2)
    mailbox.put_back(in_hand)
    assert [texts(mailbox.take(9)) for _ in range(3)] == [["a"], ["b"], ["c", "d"]]


def test_what_is_put_back_does_not_count_against_the_bound() -> None:
    mailbox = make(size=2)
    fill(mailbox, "a", "b")
    in_hand = mailbox.take(2)
    fill(mailbox, "c", "d")
    mailbox.put_back(in_hand)
    assert len(mailbox) == 4
    assert not mailbox.put_nowait(Envelope("e"))


def test_putting_back_a_suspect_again_keeps_the_others_suspect() -> None:
    mailbox = make()
    fill(mailbox, "a", "b", "c")
    mailbox.put_back(mailbox.take(2))
    mailbox.put_back(mailbox.take(9))
    assert [texts(mailbox.take(9)) for _ in range(3)] == [["a"], ["b"], ["c"]]


def test_ephemeral_messages_come_after_the_others_of_their_batch() -> None:
    mailbox = make()
    mailbox.put_nowait(hint("typing"))
    fill(mailbox, "a")
    assert texts(mailbox.take(9)) == ["a", "typing"]


def test_ephemeral_messages_wait_while_a_batch_has_no_room_for_them() -> None:
    mailbox = make()
    mailbox.put_nowait(hint("typing"))
    fill(mailbox, "a", "b")
    assert [texts(mailbox.take(2)) for _ in range(2)] == [["a", "b"], ["typing"]]


def test_ephemeral_messages_wait_until_the_suspects_are_past() -> None:
    mailbox = make()
    fill(mailbox, "a", "b")
    mailbox.put_back(mailbox.take(2))
    mailbox.put_nowait(hint("typing"))
    assert [texts(mailbox.take(9)) for _ in range(3)] == [["a"], ["b"], ["typing"]]


def test_the_ephemeral_lane_drops_its_oldest_for_the_newest() -> None:
    mailbox, shed = make(ephemeral_size=2), Shed()
    for name in ("first", "second", "third"):
        assert mailbox.put_nowait(hint(name, shed))
    assert shed == [("first", Overloaded(7.0))]
    assert texts(mailbox.take(9)) == ["second", "third"]


def test_the_ephemeral_lane_takes_nothing_while_the_mailbox_is_more_than_half_full() -> None:
    mailbox = make(size=4)
    fill(mailbox, "a", "b")
    assert mailbox.put_nowait(hint("at half"))
    fill(mailbox, "c")
    refused = hint("above half")
    assert not mailbox.put_nowait(refused)
    assert not refused.answered


def test_the_ephemeral_lane_is_emptied_when_the_mailbox_has_become_more_than_half_full() -> None:
    mailbox, shed = make(size=4), Shed()
    mailbox.put_nowait(hint("typing", shed))
    fill(mailbox, "a", "b", "c")
    assert texts(mailbox.take(2)) == ["a", "b"]
    assert texts(mailbox.take(2)) == ["c"]
    assert shed == [("typing", Overloaded(7.0))]


def test_the_lanes_do_not_take_each_other_s_room() -> None:
    mailbox = make(size=2, ephemeral_size=2)
    mailbox.put_nowait(hint("x"))
    mailbox.put_nowait(hint("y"))
    fill(mailbox, "a", "b")
    assert len(mailbox) == 4


def test_a_mailbox_holds_its_size_and_one_batch_and_the_ephemeral_lane_on_top() -> None:
    mailbox = make(size=4, ephemeral_size=2)
    fill(mailbox, "a", "b", "c", "d")
    in_hand = mailbox.take(4)
    assert mailbox.put_nowait(hint("x"))
    assert mailbox.put_nowait(hint("y"))
    fill(mailbox, "e", "f", "g", "h")
    mailbox.put_back(in_hand)
    assert len(mailbox) == 4 + 4 + 2
    assert not mailbox.put_nowait(hint("z"))
    assert not mailbox.put_nowait(Envelope("i"))


def test_take_all_returns_everything_suspect_or_ephemeral() -> None:
    mailbox = make()
    fill(mailbox, "a", "b")
    mailbox.put_back(mailbox.take(2))
    mailbox.put_nowait(hint("typing"))
    assert texts(mailbox.take_all()) == ["a", "b", "typing"]
    assert len(mailbox) == 0
    fill(mailbox, "d", "e")
    assert texts(mailbox.take(9)) == ["d", "e"]


async def test_a_put_wakes_the_waiting_reader() -> None:
    mailbox = make()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait)
        await wait_all_tasks_blocked()
        fill(mailbox, "a", "b")


async def test_an_ephemeral_put_wakes_the_waiting_reader() -> None:
    mailbox = make()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait)
        await wait_all_tasks_blocked()
        assert mailbox.put_nowait(hint("typing"))


async def test_waiting_is_a_checkpoint_even_when_there_is_something_to_take() -> None:
    mailbox = make()
    fill(mailbox, "a")
    with assert_checkpoints():
        await mailbox.wait()


async def test_waiting_ends_at_once_when_there_is_only_something_ephemeral() -> None:
    mailbox = make()
    mailbox.put_nowait(hint("typing"))
    with trio.fail_after(1):
        await mailbox.wait()


async def test_a_cancelled_reader_can_wait_again() -> None:
    mailbox = make()
    with trio.move_on_after(0):
        await mailbox.wait()
    fill(mailbox, "a")
    await mailbox.wait()
    assert texts(mailbox.take(9)) == ["a"]


async def test_a_message_put_in_the_instant_of_a_cancellation_is_not_lost() -> None:
    mailbox = make()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mailbox.wait)
            await wait_all_tasks_blocked()
            fill(mailbox, "a")
            scope.cancel()
    assert texts(mailbox.take(9)) == ["a"]


async def test_a_second_reader_is_refused() -> None:
    mailbox = make()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await mailbox.wait()
        nursery.cancel_scope.cancel()


async def test_closing_lets_the_reader_go_now_and_later() -> None:
    mailbox = make()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait)
        await wait_all_tasks_blocked()
        mailbox.close()
    await mailbox.wait()
    assert mailbox.closed


async def returned_while_held(mailbox: Mailbox[str], reason: str) -> list[bool]:
    """Whether a reader of a held mailbox has returned: once there is a reason, and once let go."""
    over: list[bool] = []
    done = trio.Event()

    async def read() -> None:
        await mailbox.wait()
        done.set()

    async with trio.open_nursery() as nursery:
        mailbox.held = True
        if reason == "there before":
            fill(mailbox, "a")
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        if reason == "put":
            fill(mailbox, "a")
        elif reason == "ephemeral":
            assert mailbox.put_nowait(hint("typing"))
        elif reason == "closed":
            mailbox.close()
        await wait_all_tasks_blocked()
        over.append(done.is_set())
        mailbox.let_go(wake=reason == "asked for")
        await wait_all_tasks_blocked()
        over.append(done.is_set())
        nursery.cancel_scope.cancel()
    return over


@pytest.mark.parametrize("reason", ["there before", "put", "ephemeral", "closed", "asked for"])
async def test_a_held_mailbox_wakes_nobody_until_it_is_let_go(reason: str) -> None:
    assert await returned_while_held(make(), reason) == [False, True]


async def test_letting_go_of_an_empty_mailbox_wakes_nobody() -> None:
    assert await returned_while_held(make(), "none") == [False, False]
