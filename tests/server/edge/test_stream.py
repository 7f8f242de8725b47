"""The stream by itself: what trio expects of it, what the flusher does, what faults do to it."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from server.edge.memory import MemoryTransport, memory_pair
from server.edge.outbound import REPLY_BYTES, Flusher
from server.edge.stream import ConnectionStream

Ends = tuple[ConnectionStream, ConnectionStream, MemoryTransport, MemoryTransport]


def connected(capacity: int = 65_536, outbound_bytes: int = 262_144) -> Ends:
    one, two = memory_pair(capacity)
    return (
        ConnectionStream(one, Flusher(), outbound_bytes=outbound_bytes),
        ConnectionStream(two, Flusher(), outbound_bytes=outbound_bytes),
        one,
        two,
    )


async def test_bytes_go_both_ways_until_the_end(autojump_clock: MockClock) -> None:
    left, right, *_ = connected()
    await left.send_all(b"question")
    assert await right.receive_some() == b"question"
    await right.send_all(memoryview(b"answer"))
    await right.send_eof()
    assert await left.receive_some(3) == b"ans"
    assert await left.receive_some(100) == b"wer"
    assert await left.receive_some() == b""
    assert await left.receive_some() == b""
    await left.send_all(b"half-closed")
    assert await right.receive_some() == b"half-closed"


async def test_what_was_put_back_is_received_first(autojump_clock: MockClock) -> None:
    left, right, *_ = connected()
    await left.send_all(b"world")
    assert await right.receive_some() == b"world"
    right.unread(b"hello ")
    assert await right.receive_some() == b"hello "


async def test_send_all_waits_for_its_own_bytes_and_not_for_later_ones(
    autojump_clock: MockClock,
) -> None:
    left, _, _, far = connected(capacity=100)
    far.want(read=False, write=False)
    done = trio.Event()

    async def send() -> None:
        await left.send_all(bytes(150))
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert left.outbound.queue(bytes(500))
        assert not done.is_set()
        far.recv(60)
        await wait_all_tasks_blocked()
        assert done.is_set()
        assert left.outbound.pending_bytes == 490


async def test_send_all_is_not_bound_by_the_limit_of_direct_sends(
    autojump_clock: MockClock,
) -> None:
    left, right, *_ = connected(capacity=100, outbound_bytes=50)
    received = bytearray()

    async def receive() -> None:
        while len(received) < 10_000:
            received.extend(await right.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        assert not left.outbound.send_nowait(bytes(51))
        await left.send_all(bytes(10_000))
    assert len(received) == 10_000


async def test_a_lost_connection_is_broken_and_a_closed_one_closed(
    autojump_clock: MockClock,
) -> None:
    left, right, near, _ = connected()
    near.cut()
    with pytest.raises(trio.BrokenResourceError):
        await left.receive_some()
    with pytest.raises(trio.BrokenResourceError):
        await left.send_all(b"x")
    assert not left.outbound.queue(b"x")
    with pytest.raises(trio.BrokenResourceError):
        await right.send_eof()
    closed, *_ = connected()
    await closed.aclose()
    await closed.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await closed.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await closed.receive_some()


async def test_who_waits_is_woken_by_a_close(autojump_clock: MockClock) -> None:
    left, _, _, far = connected(capacity=10)
    far.want(read=False, write=False)
    raised: list[str] = []

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await left.receive_some()
        raised.append("receive")

    async def send() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await left.send_all(bytes(100))
        raised.append("send")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        await left.aclose()
    assert sorted(raised) == ["receive", "send"]


async def test_two_tasks_must_not_receive(autojump_clock: MockClock) -> None:
    left, *_ = connected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.receive_some)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await left.receive_some()
        nursery.cancel_scope.cancel()


async def test_a_cancelled_receive_loses_nothing(autojump_clock: MockClock) -> None:
    left, right, *_ = connected()
    with trio.move_on_after(1):
        await right.receive_some()
    await left.send_all(b"kept")
    assert await right.receive_some() == b"kept"


async def test_unread_bytes_stop_the_reading(autojump_clock: MockClock) -> None:
    left, right, near, _ = connected(capacity=10_000, outbound_bytes=2**20)
    assert left.outbound.send_nowait(bytes(2**19))
    await wait_all_tasks_blocked()
    assert near.outgoing.room == 0
    assert left.outbound.pending_bytes >= 2**19 - 65_536 - 2 * 10_000
    received = 0
    while received < 2**19:
        received += len(await right.receive_some())
    assert left.outbound.pending_bytes == 0


async def test_one_broken_connection_does_not_stop_a_flush(autojump_clock: MockClock) -> None:
    flusher = Flusher()
    pairs = [memory_pair() for _ in range(3)]
    streams = [ConnectionStream(one, flusher) for one, _ in pairs]
    peers = [ConnectionStream(two, Flusher()) for _, two in pairs]
    for stream in streams:
        assert stream.outbound.queue(b"fan-out")
    pairs[1][0].cut()
    flusher.flush()
    assert await peers[0].receive_some() == b"fan-out"
    assert await peers[2].receive_some() == b"fan-out"
    assert streams[1].ended
    assert flusher.bytes_sent == 14


async def test_what_is_queued_while_flushing_leaves_in_the_same_flush(
    autojump_clock: MockClock,
) -> None:
    """As when the end of one connection is news for another."""
    flusher = Flusher()
    pairs = [memory_pair() for _ in range(2)]
    dying, living = (ConnectionStream(one, flusher) for one, _ in pairs)
    peer = ConnectionStream(pairs[1][1], Flusher())

    def tell() -> None:
        living.outbound.queue(b"it is gone")

    dying.on_end = tell
    dying.outbound.queue(b"x")
    pairs[0][0].cut()
    flusher.flush()
    assert flusher.dirty == []
    assert await peer.receive_some() == b"it is gone"


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 250])
async def test_queued_and_direct_sends_keep_their_order(
    size: int, autojump_clock: MockClock
) -> None:
    left, right, *_ = connected(capacity=100)
    sent = b""
    for n in range(8):
        data = bytes([n]) * size
        assert (left.outbound.queue if n % 3 else left.outbound.send_nowait)(data)
        sent += data
        assert left.outbound.pending_bytes <= len(sent)
    left._after_turn()
    received = b""
    while len(received) < len(sent):
        received += await right.receive_some()
    assert received == sent
    assert left.outbound.pending_bytes == 0
    assert left.outbound.queue(b"idle again")
    left._after_turn()
    assert await right.receive_some() == b"idle again"


async def test_an_error_of_a_callback_drops_a_connection_without_owner(
    autojump_clock: MockClock,
) -> None:
    left, right, *_ = connected()
    left.on_failure(RuntimeError("a bug"))
    with pytest.raises(trio.BrokenResourceError):
        await right.receive_some()


async def test_a_black_hole_swallows_bytes_and_ends(autojump_clock: MockClock) -> None:
    left, right, near, _ = connected(capacity=100)
    near.outgoing.black_hole = True
    assert left.outbound.send_nowait(bytes(150))
    await left.aclose()
    with trio.move_on_after(1000) as patience:
        await right.receive_some()
    assert patience.cancelled_caught
    assert near.outgoing.swallowed == 100


@pytest.mark.parametrize("cut_after", [0, 1, 5, 10])
async def test_a_cut_lets_through_what_was_before_it(
    cut_after: int, autojump_clock: MockClock
) -> None:
    left, right, near, _ = connected()
    near.outgoing.cut_after = cut_after
    left.outbound.send_nowait(b"0123456789")
    if cut_after:
        assert await right.receive_some() == b"0123456789"[:cut_after]
    with pytest.raises(trio.BrokenResourceError):
        await right.receive_some()


async def test_replies_have_room_that_events_leave_free(autojump_clock: MockClock) -> None:
    near, far, *_ = connected(capacity=10, outbound_bytes=1000)
    outbound = near.outbound

    assert outbound.queue(b"e" * 1000)
    outbound._flusher.flush()
    assert not outbound.queue(b"e" * 20)
    assert outbound.queue_reply(b"r" * REPLY_BYTES)
    assert not outbound.queue_reply(b"r" * 20)
    assert outbound.pending_bytes == 1000 - 10 + REPLY_BYTES
    near.abort()
    far.abort()
