"""Who gets in, who waits, who is turned away, and how all of them are sent home."""

import errno
import os
import random
import resource
import socket
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.framing import Opcode, frame
from server.edge.limits import EdgeLimits
from server.edge.listener import Listener
from server.edge.websocket import WebSocket
from tests.conformance.echo import echo_listener
from tests.conformance.raw_client import RawClient, close, sent
from tests.server.edge.harness import Edge, edge, hello_app, upgrade_request

CLOSE, PING, PONG, BINARY = Opcode.CLOSE, Opcode.PING, Opcode.PONG, 2


async def closed_at(client: RawClient) -> float:
    await client.rest()
    return trio.current_time()


async def served(running: Edge) -> None:
    """A real user's echo, with no time passing."""
    before = trio.current_time()
    client, _ = await running.upgraded()
    await client.send(sent(b"hello"))
    assert await client.frame() == (BINARY, b"hello")
    assert trio.current_time() == before
    await client.send(close())
    await client.rest()


async def test_r32_silent_connections_are_closed_in_ten_seconds(autojump_clock: MockClock) -> None:
    async with edge() as running:
        before = trio.lowlevel.current_statistics().tasks_living
        clients = [running.connect()[0] for _ in range(500)]
        await trio.sleep(9)
        assert running.listener.statistics().open == 500
        await served(running)
        assert {await closed_at(client) for client in clients} == {10.0}
        await wait_all_tasks_blocked()
        assert running.listener.statistics().open == 0
        assert trio.lowlevel.current_statistics().tasks_living == before


async def test_r32_a_head_that_trickles_does_not_extend_its_deadline(
    autojump_clock: MockClock,
) -> None:
    head = b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 1000

    async def trickle(client: RawClient, pause: float) -> None:
        with suppress(trio.BrokenResourceError):
            for byte in head:
                await client.send(bytes([byte]))
                await trio.sleep(pause)

    async with edge() as running, trio.open_nursery() as nursery:
        clients = [running.connect()[0] for _ in range(500)]
        randomly = random.Random(1)
        for client in clients:
            nursery.start_soon(trickle, client, randomly.uniform(0.5, 3))
        await trio.sleep(9)
        assert running.listener.statistics().open == 500
        await served(running)
        assert {await closed_at(client) for client in clients} == {10.0}


async def test_r32_bodies_that_trickle_are_closed_in_ten_seconds(autojump_clock: MockClock) -> None:
    async with edge() as running:
        clients = [running.connect()[0] for _ in range(500)]
        for client in clients:
            await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        await trio.sleep(9)
        await served(running)
        # Two more seconds, in which the server lingers for those who would read an answer.
        assert max([await closed_at(client) for client in clients]) <= 12
        assert running.listener.statistics().open <= 500


async def test_a_head_may_have_16_kib(autojump_clock: MockClock) -> None:
    async with edge() as running:
        fits, _ = running.connect()
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
        await fits.send(head + b"x" * (16_384 - len(head)) + b"\r\n\r\n")
        assert (await fits.head()).startswith(b"HTTP/1.1 200 ")
        for too_long in (b"x" * (16_385 - len(head)) + b"\r\n\r\n", b"x" * 100_000):
            client, _ = running.connect()
            await client.send(head + too_long)
            assert (await client.head()).startswith(b"HTTP/1.1 431 ")


async def test_beyond_the_cap_one_is_told_when_to_come_back(autojump_clock: MockClock) -> None:
    async with edge(limits=EdgeLimits(connections=2)) as running:
        first, _ = await running.upgraded()
        await running.upgraded()
        for _ in range(3):
            client, _transport = running.connect()
            head = await client.upgrade(upgrade_request())
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 5" in head.split(b"\r\n")
            await client.stream.aclose()
        await first.send(close())
        await first.rest()
        await wait_all_tasks_blocked()
        await served(running)
        statistics = running.listener.statistics()
        assert (statistics.accepted, statistics.refused) == (6, 3)


async def test_a_flood_beyond_the_cap_is_dropped_without_a_word(autojump_clock: MockClock) -> None:
    async with edge(limits=EdgeLimits(connections=1)) as running:
        await running.upgraded()
        clients = [running.connect()[0] for _ in range(1000)]
        assert running.listener.statistics().open == 1 + 128
        heads = [await client.head() for client in clients]
        assert sum(head.startswith(b"HTTP/1.1 503 ") for head in heads) == 128
        await trio.sleep(2.1)
        assert running.listener.statistics().open == 1


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"], [True, True, False, True]),
        (["2001:db8:1::1", "2001:db8:1::2", "2001:db8:1:0:f::", "2001:db8:1:1::"], [1, 1, 0, 1]),
    ],
)
async def test_the_cap_of_one_address(
    addresses: list[str], allowed: list[bool], autojump_clock: MockClock
) -> None:
    async with edge(limits=EdgeLimits(connections_per_address=2)) as running:
        for address, expected in zip(addresses, allowed, strict=True):
            client, _ = running.connect(address=address)
            head = await client.upgrade(upgrade_request())
            assert head.startswith(b"HTTP/1.1 101 ") == expected


async def test_stopping_asks_every_websocket_and_waits(autojump_clock: MockClock) -> None:
    async with edge() as running, trio.open_nursery() as nursery:
        clients = [(await running.upgraded())[0] for _ in range(3)]
        silent, _ = running.connect()
        nursery.start_soon(running.listener.stop, 10.0)
        for client in clients:
            assert await client.frame() == (CLOSE, (4012).to_bytes(2, "big") + b"restart")
            await client.send(close(4012))
        assert await silent.rest() == b""
    assert trio.current_time() == 0


async def test_stopping_cancels_who_is_not_ready_in_time(autojump_clock: MockClock) -> None:
    async def stubborn(websocket: WebSocket) -> None:
        websocket.on_stopping = lambda: None
        websocket.on_messages = print
        await websocket.wait_closed()

    async with edge(stubborn) as running:
        client, _ = await running.upgraded()
        await running.listener.stop(drain=4.0)
        assert trio.current_time() == pytest.approx(4.0)
        assert await client.frame() is None
        assert running.listener.statistics().open == 0


async def test_an_owner_may_close_as_it_likes_when_the_server_stops(
    autojump_clock: MockClock,
) -> None:
    async def polite(websocket: WebSocket) -> None:
        def stopping() -> None:
            websocket.queue(frame(b"see you"))
            websocket.close_soon(4012, "retry_after=3")

        websocket.on_stopping = stopping
        websocket.on_messages = print
        await websocket.wait_closed()

    async with edge(polite) as running, trio.open_nursery() as nursery:
        client, _ = await running.upgraded()
        nursery.start_soon(running.listener.stop)
        assert await client.frame() == (BINARY, b"see you")
        assert await client.frame() == (CLOSE, (4012).to_bytes(2, "big") + b"retry_after=3")
        await client.send(close(4012))


async def test_cancelling_ends_at_once_and_leaves_nothing(autojump_clock: MockClock) -> None:
    before = trio.lowlevel.current_statistics().tasks_living
    async with edge() as running:
        clients = [(await running.upgraded())[0] for _ in range(3)]
        clients.append(running.connect()[0])
    assert trio.current_time() == 0
    assert [await client.frame() for client in clients] == [None] * 4
    assert trio.lowlevel.current_statistics().tasks_living == before


async def test_queued_frames_of_one_turn_leave_in_one_send(autojump_clock: MockClock) -> None:
    async with edge() as running:
        _, transport = await running.upgraded()
        (websocket,) = running.websockets
        sends: list[int] = []

        def send(data: bytes | bytearray) -> int:
            sends.append(len(data))
            return len(data)

        websocket._stream.outbound.send = send
        for _ in range(10):
            websocket.queue(frame(b"x" * 98))
        assert sends == []
        assert websocket.pending_bytes == 1000
        running.listener.flusher.flush()
        running.listener.flusher.flush()
        assert sends == [1000]
        assert websocket.pending_bytes == 0
        transport.close(reset=True)


async def test_what_nobody_flushes_leaves_with_the_next_sweep(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        running.websockets[0].queue(frame(b"forgotten"))
        assert await client.frame() == (BINARY, b"forgotten")
        assert trio.current_time() <= 1


# Real sockets.


def open_fds() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture
def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def dial(listening: socket.socket) -> RawClient:
    return RawClient(await trio.open_tcp_stream(*listening.getsockname()))


async def test_r10_descriptors_and_tasks_return_to_the_baseline(
    nursery: trio.Nursery, listening: socket.socket
) -> None:
    listener = echo_listener()
    await nursery.start(listener.run, [listening])
    await cycle(listening, listener)
    fds, tasks = open_fds(), trio.lowlevel.current_statistics().tasks_living
    for _ in range(20):
        await cycle(listening, listener)
    assert open_fds() == fds
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert listener.statistics().failed == 0


async def cycle(listening: socket.socket, listener: Listener) -> None:
    """Connections that end in several ways; the server has forgotten them when this returns."""
    async with (
        await dial(listening) as polite,
        await dial(listening) as rude,
        await dial(listening) as http,
        await dial(listening),
    ):
        await polite.upgrade()
        await polite.send(sent(b"x"), close())
        assert await polite.frames() == [(BINARY, b"x"), (CLOSE, (1000).to_bytes(2, "big"))]
        await rude.upgrade()
        await http.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await http.head()
    with trio.fail_after(2):
        while listener.statistics().open:
            await trio.lowlevel.checkpoint()


async def test_stop_accepting_refuses_new_and_keeps_old_connections(
    nursery: trio.Nursery, listening: socket.socket
) -> None:
    listener = echo_listener()
    await nursery.start(listener.run, [listening])
    address = listening.getsockname()
    async with await dial(listening) as client:
        await client.upgrade()
        listener.stop_accepting()
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream(*address)
        await client.send(sent(b"still here"))
        assert await client.frame() == (BINARY, b"still here")


class Exhausted(socket.socket):
    """A listening socket in a process that has no descriptor left, for a while."""

    failures = 3
    failed_at: list[float]

    def accept(self) -> tuple[socket.socket, object]:
        if len(self.failed_at) < self.failures:
            self.failed_at.append(trio.current_time())
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


async def test_no_descriptor_left_is_logged_and_tried_again(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    exhausted = Exhausted()
    exhausted.failed_at = []
    exhausted.bind(("127.0.0.1", 0))
    await nursery.start(echo_listener().run, [exhausted])
    async with await dial(exhausted) as client:
        assert (await client.upgrade()).startswith(b"HTTP/1.1 101 ")
    first, second, third = exhausted.failed_at
    assert second - first >= 0.1
    assert third - second >= 0.1
    assert caplog.text.count("cannot accept") == 3


def resident_mib() -> float:
    """The most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def test_r31_floods_are_refused_within_a_second_and_hold_no_memory(
    nursery: trio.Nursery, listening: socket.socket
) -> None:
    listener = Listener(
        handler=counting,
        http_app=hello_app,
        origin_allowed=lambda _: False,
        subprotocols=None,
        path="/",
    )
    await nursery.start(listener.run, [listening])
    empty = sent(b"", Opcode.TEXT, first=0) + sent(b"", 0, first=0) * 100_000
    over = sent(bytes(131_073))
    tiny = sent(b"tiny") * 100_000 + close()
    before_all = resident_mib()
    for flood in (empty, over):
        async with await dial(listening) as client:
            await client.upgrade()
            before = trio.current_time()
            with suppress(trio.BrokenResourceError):
                await client.send(flood)
            *_, (kind, payload) = await client.frames()
            assert (kind, payload[:2]) == (CLOSE, (1009).to_bytes(2, "big"))
            assert trio.current_time() - before < 1
    async with await dial(listening) as client:
        await client.upgrade()
        await client.send(tiny)
        ended = (CLOSE, (1000).to_bytes(2, "big"))
        assert await client.frames() == [(BINARY, b"100000"), ended]
    assert resident_mib() - before_all <= 8
    assert listener.statistics().failed == 0


async def counting(websocket: WebSocket) -> None:
    """Say how many messages came, after the 100,000th."""
    count = 0

    def take(messages: list[bytes]) -> None:
        nonlocal count
        count += len(messages)
        if count == 100_000:
            websocket.send_nowait(frame(str(count).encode()))

    websocket.on_messages = take
    await websocket.wait_closed()
