"""One websocket: handshake, messages, control frames, back pressure, and how it ends."""

import logging
from contextlib import suppress
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.framing import Opcode, frame
from server.edge.limits import EdgeLimits
from server.edge.stream import ConnectionStream
from server.edge.websocket import Closed, WebSocket
from tests.conformance.raw_client import close, sent
from tests.server.edge.harness import ORIGIN, PATH, Edge, echo, edge, upgrade_request

PING, PONG, CLOSE, TEXT, BINARY = Opcode.PING, Opcode.PONG, Opcode.CLOSE, 1, 2


def closed_with(code: int) -> bytes:
    return code.to_bytes(2, "big")


async def test_a_library_client_talks_to_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client = await running.library_client(nursery)
        await client.send_message(b"hello")
        assert await client.get_message() == b"hello"
        await client.ping()
        await client.aclose(4321, "enough")
        (websocket,) = running.websockets
        assert await websocket.wait_closed() == Closed(4321, "enough")
        assert websocket.subprotocol == "binary.test"
        assert websocket.remote == "192.0.2.1"
        assert websocket.path == PATH
        await wait_all_tasks_blocked()
        assert running.listener.statistics().open == 0


async def test_a_text_subprotocol_has_text_messages(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client = await running.library_client(nursery, "text.test")
        await client.send_message("früh")
        assert await client.get_message() == "früh"
        (websocket,) = running.websockets
        assert websocket.opcode == websocket.kind == Opcode.TEXT
        await client.send_message(b"binary")
        assert await websocket.wait_closed() == Closed(1003, "this subprotocol has the other kind")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        pytest.param("/v1/other", {}, 404, id="another path"),
        pytest.param("/v1/ws/", {}, 404, id="a slash more"),
        pytest.param("/V1/WS", {}, 404, id="another case"),
        pytest.param("http://deskbell.test/v1/ws", {}, 404, id="absolute form"),
        pytest.param("/v1/ws?token=abc", {}, 400, id="a token in the URL"),
        pytest.param("/v1/ws?", {}, 400, id="an empty query"),
        pytest.param(PATH, {"sec_websocket_protocol": None}, 400, id="no subprotocol"),
        pytest.param(PATH, {"sec_websocket_protocol": "other"}, 400, id="none in common"),
        pytest.param(PATH, {"sec_websocket_version": "8"}, 426, id="an old version"),
        pytest.param(PATH, {"sec_websocket_version": None}, 426, id="no version"),
        pytest.param(PATH, {"sec_websocket_key": None}, 400, id="no key"),
        pytest.param(PATH, {"sec_websocket_key": "c2hvcnQ="}, 400, id="a short key"),
        pytest.param(PATH, {"sec_websocket_key": "*" * 24}, 400, id="a key that is not base64"),
        pytest.param(PATH, {"connection": "keep-alive"}, 400, id="not asked to upgrade"),
        pytest.param(PATH, {"host": None}, 400, id="no host"),
        pytest.param(PATH, {"content_length": "5"}, 400, id="a body"),
        pytest.param(PATH, {"transfer_encoding": "chunked"}, 400, id="a chunked body"),
    ],
)
async def test_a_bad_handshake_is_answered_with_http(
    path: str, headers: dict[str, str | None], status: int, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        head = await client.upgrade(upgrade_request(path, **headers))
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert b'"detail": "' in await client.rest()
        assert not running.websockets


@pytest.mark.parametrize(
    "headers",
    [
        {"connection": "keep-alive, Upgrade"},
        {"upgrade": "WebSocket"},
        {"sec_websocket_protocol": "other, text.test , binary.test"},
        {"origin": ORIGIN},
        {"sec_websocket_extensions": "permessage-deflate"},
        {"content_length": "0"},
    ],
)
async def test_a_handshake_may_look_like_this(
    headers: dict[str, str], autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        head = await client.upgrade(upgrade_request(**headers))
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"extensions" not in head.lower()


async def test_frames_behind_the_upgrade_request_are_early_data(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(upgrade_request() + sent(b"early") + sent(b"", PING))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert await client.frame() == (BINARY, b"early")
        assert await client.frame() == (PONG, b"")


async def test_every_slicing_of_the_stream_gives_the_same(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, transport = running.connect()
        transport.outgoing.slices = transport.incoming.slices = lambda: 1
        frames = [sent(b"one"), sent(b"!", PING), sent(b"two" * 60), close(4000)]
        await client.send(upgrade_request(), *frames)
        await client.head()
        assert await client.frames() == [
            (BINARY, b"one"),
            (PONG, b"!"),
            (BINARY, b"two" * 60),
            (CLOSE, closed_with(4000)),
        ]


async def test_nothing_is_handed_over_before_the_handler_listens(autojump_clock: MockClock) -> None:
    got: list[list[bytes]] = []
    ready = trio.Event()

    async def late(websocket: WebSocket) -> None:
        await ready.wait()
        websocket.on_messages = got.append
        await websocket.wait_closed()

    async with edge(late) as running:
        client, _ = await running.upgraded()
        await client.send(sent(b"a") + sent(b"b"))
        await wait_all_tasks_blocked()
        assert got == []
        ready.set()
        await wait_all_tasks_blocked()
        await client.send(sent(b"c"))
        await wait_all_tasks_blocked()
        assert got == [[b"a", b"b"], [b"c"]]


async def test_pausing_holds_messages_and_stops_reading(autojump_clock: MockClock) -> None:
    got: list[bytes] = []

    async def pausing(websocket: WebSocket) -> None:
        def take(messages: list[bytes]) -> None:
            got.extend(messages)
            websocket.pause_reading()

        websocket.on_messages = take
        await websocket.wait_closed()

    async with edge(pausing) as running:
        client, _ = await running.upgraded(capacity=4096)
        await client.send(sent(b"first") + sent(b"now", TEXT)[:2])
        await wait_all_tasks_blocked()
        with trio.move_on_after(60) as patience:
            await client.send(bytes(100_000))
        assert patience.cancelled_caught, "the pipe is full: nobody reads"
        assert got == [b"first"]
        (websocket,) = running.websockets
        assert websocket.closed is None, "that we do not read is not the client's silence"


async def test_resuming_hands_over_what_was_held_before_it_returns(
    autojump_clock: MockClock,
) -> None:
    got: list[bytes] = []

    async def held(websocket: WebSocket) -> None:
        websocket.pause_reading()
        websocket.on_messages = got.extend
        await websocket.wait_closed()

    async with edge(held) as running:
        client, _ = running.connect()
        await client.send(upgrade_request() + sent(b"a") + sent(b"", PING) + sent(b"b"))
        await client.head()
        await wait_all_tasks_blocked()
        assert got == []
        (websocket,) = running.websockets
        websocket.resume_reading()
        assert got == [b"a"], "b stands behind a ping that the library has to answer first"
        await wait_all_tasks_blocked()
        assert got == [b"a", b"b"]
        assert await client.frame() == (PONG, b"")


async def test_the_close_deadline_is_three_seconds(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        (websocket,) = running.websockets
        before = trio.current_time()
        await websocket.close(4010, "reset")
        assert trio.current_time() - before == pytest.approx(3.0)
        assert websocket.closed == Closed(4010, "reset")
        assert await client.frame() == (CLOSE, closed_with(4010) + b"reset")
        assert await client.frame() is None
        await wait_all_tasks_blocked()
        assert running.listener.statistics().open == 0


async def test_a_close_takes_no_time_when_the_client_answers(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        (websocket,) = running.websockets
        before = trio.current_time()
        websocket.queue(frame(b"last words"))
        websocket.close_soon(4012, "restart")
        websocket.close_soon(1000, "the first request counts")
        assert not websocket.send_nowait(frame(b"too late"))
        assert not websocket.queue(frame(b"too late"))
        assert await client.frame() == (BINARY, b"last words")
        assert await client.frame() == (CLOSE, closed_with(4012) + b"restart")
        await client.send(sent(b"crossing"), close(4012))
        assert await websocket.wait_closed() == Closed(4012, "restart")
        assert await client.frame() is None
        assert trio.current_time() == before


async def test_nothing_is_sent_behind_the_answer_to_a_close(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        (websocket,) = running.websockets
        assert websocket.queue(frame(b"before"))

        async def storm() -> None:
            while websocket.closed is None:
                websocket.send_nowait(frame(b"event"))
                await trio.lowlevel.checkpoint()

        nursery.start_soon(storm)
        await client.send(close(4001))
        heard = []
        while (said := await client.frame()) is not None:
            heard.append(said)
        assert heard[0] == (BINARY, b"before")
        assert heard[-1] == (CLOSE, closed_with(4001))
        assert await websocket.wait_closed() == Closed(4001, "")


async def test_who_closes_and_takes_nothing_is_dropped(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded(capacity=1000)
        assert isinstance(client.stream, ConnectionStream)
        client.stream.pause_reading()
        (websocket,) = running.websockets
        websocket.send_nowait(frame(bytes(2000)))
        await client.send(close(4001))
        began = trio.current_time()
        await websocket.wait_closed()
        assert trio.current_time() - began == pytest.approx(3.0)


async def test_both_closing_at_once_is_over_at_once(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        (websocket,) = running.websockets
        await client.send(close(4001))
        websocket.close_soon(4002)
        await websocket.wait_closed()
        assert trio.current_time() < 1


@pytest.mark.parametrize("reset", [True, False])
async def test_a_connection_that_is_lost_is_closed_with_1006(
    reset: bool, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        _, transport = await running.upgraded()
        (websocket,) = running.websockets
        transport.close(reset=reset)
        assert await websocket.wait_closed() == Closed(1006, "")
        assert not websocket.send_nowait(frame(b"x"))


async def test_a_violation_is_answered_with_its_code_and_the_rest_thrown_away(
    autojump_clock: MockClock,
) -> None:
    async with edge(limits=EdgeLimits(message_bytes=10)) as running:
        client, _ = await running.upgraded()
        await client.send(sent(b"fits") + sent(b"x" * 11) + sent(b"after"))
        assert await client.frame() == (BINARY, b"fits")
        kind, payload = await client.frame() or (0, b"")
        assert (kind, payload[:2]) == (CLOSE, closed_with(1009))
        assert await client.frame() is None
        (websocket,) = running.websockets
        assert not websocket.send_nowait(frame(b"x"))
        await client.stream.aclose()
        assert (await websocket.wait_closed()).code == 1009
        assert trio.current_time() == 0


async def test_a_violator_that_stays_is_dropped_at_the_close_deadline(
    autojump_clock: MockClock,
) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        await client.send(sent(b"", 3))
        assert (await running.websockets[0].wait_closed()).code == 1002
        assert trio.current_time() == pytest.approx(3.0)


async def test_an_error_in_a_callback_ends_that_websocket_alone(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fragile(websocket: WebSocket) -> None:
        def take(messages: list[bytes]) -> None:
            if b"crash" in messages:
                raise RuntimeError(f"it is {messages}")
            websocket.queue(frame(messages[0]))

        websocket.on_messages = take
        await websocket.wait_closed()

    async with edge(fragile) as running:
        bystander, _ = await running.upgraded()
        client, _ = await running.upgraded()
        with caplog.at_level(logging.ERROR):
            await client.send(sent(b"crash"))
            assert await client.frame() == (CLOSE, closed_with(1011) + b"internal error")
            await client.send(close(1011))
            assert await client.frame() is None
            await wait_all_tasks_blocked()
        assert "RuntimeError" in caplog.text  # and where, but not what a person wrote (I14)
        assert "test_websocket.py" in caplog.text
        assert "crash" not in caplog.text.replace("crash_report", "")
        assert running.listener.statistics().failed == 1
        await bystander.send(sent(b"still here"))
        assert await bystander.frame() == (BINARY, b"still here")


def fail() -> None:
    raise RuntimeError("in a callback")


async def test_an_error_in_on_closed_does_not_stop_a_flush(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with edge() as running:
        _, transport = await running.upgraded()
        bystander, _ = await running.upgraded()
        for websocket in running.websockets:
            websocket.queue(frame(b"news"))
        running.websockets[0].on_closed = fail
        transport.outgoing.reset = transport.incoming.reset = True
        running.listener.flusher.flush()
        assert running.websockets[0].closed == Closed(1006, "")
        assert await bystander.frame() == (BINARY, b"news")
        await wait_all_tasks_blocked()
        assert "test_websocket.py" in caplog.text


async def test_an_error_in_on_drained_closes_with_1011(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded(capacity=100)
        (websocket,) = running.websockets
        websocket.on_drained = fail
        websocket.send_nowait(frame(bytes(1000)))
        assert await client.frame() == (BINARY, bytes(1000))
        assert await client.frame() == (CLOSE, closed_with(1011) + b"internal error")


async def test_an_error_in_on_stalled_does_not_stop_the_sweep(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with edge() as running:
        websocket = await _stop_reading(running)
        websocket.on_stalled = fail
        bystander, _ = await running.upgraded()
        assert await bystander.frame() == (PING, b"")
        assert websocket.closed is not None
        assert "test_websocket.py" in caplog.text


async def test_an_error_in_on_stopping_does_not_keep_others_from_being_asked(
    autojump_clock: MockClock,
) -> None:
    async with edge() as running:
        clients = [(await running.upgraded())[0] for _ in range(3)]
        running.websockets[1].on_stopping = fail
        await running.listener.stop(drain=5.0)
        codes = [payload[:2] for client in clients for _, payload in await client.frames()]
        assert codes == [closed_with(4012), closed_with(1011), closed_with(4012)]


async def test_a_reply_has_room_that_events_leave_free(autojump_clock: MockClock) -> None:
    async with edge() as running:
        websocket = await _stop_reading(running)
        assert not websocket.queue(frame(bytes(1000)))
        replies = 0
        while websocket.queue_reply(frame(bytes(1000))):
            replies += 1
        assert 250 <= replies <= 262


async def test_an_error_in_the_handler_closes_with_1011(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(websocket: WebSocket) -> None:
        raise RuntimeError("in the handler")

    async with edge(broken) as running:
        client, _ = await running.upgraded()
        assert await client.frame() == (CLOSE, closed_with(1011) + b"internal error")
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert " broken" in caplog.text
        assert running.listener.statistics().open == 0


async def test_a_handler_that_returns_closes_with_1000(autojump_clock: MockClock) -> None:
    async def brief(websocket: WebSocket) -> None:
        websocket.queue(frame(b"bye"))

    async with edge(brief) as running:
        client, _ = await running.upgraded()
        assert await client.frame() == (BINARY, b"bye")
        assert await client.frame() == (CLOSE, closed_with(1000))


async def test_a_handler_that_does_not_end_is_cancelled_after_its_websocket(
    autojump_clock: MockClock,
) -> None:
    ended: list[float] = []

    async def endless(websocket: WebSocket) -> None:
        websocket.on_messages = print
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async with edge(endless) as running:
        _, transport = await running.upgraded()
        transport.close(reset=True)
        await trio.sleep(10)
        assert ended == [pytest.approx(3.0)]
        assert running.listener.statistics().open == 0


async def test_a_full_buffer_refuses_and_empties_in_order(autojump_clock: MockClock) -> None:
    drained: list[int] = []
    async with edge(limits=EdgeLimits(outbound_bytes=1000)) as running:
        client, _ = await running.upgraded(capacity=500)
        (websocket,) = running.websockets
        websocket.on_drained = partial(drained.append, 1)
        frames = [frame(bytes([n]) * 98) for n in range(15)]
        accepted = [websocket.send_nowait(framed) for framed in frames]
        assert accepted == [True] * 15
        assert websocket.pending_bytes == 1000
        assert not websocket.send_nowait(b"x")
        assert not websocket.queue(b"x")
        assert websocket.pending_bytes == 1000
        for n in range(15):
            assert await client.frame() == (BINARY, bytes([n]) * 98)
        await wait_all_tasks_blocked()
        assert drained == [1]
        assert websocket.pending_bytes == 0
        assert websocket.send_nowait(b"x" * 1000)


async def test_pongs_and_direct_sends_share_one_order(autojump_clock: MockClock) -> None:
    """A pong of the library never lands within a frame that is only half sent."""
    async with edge() as running:
        client, transport = await running.upgraded(capacity=1000)
        (websocket,) = running.websockets
        await client.send(sent(b"are you there", PING))
        websocket.send_nowait(frame(b"x" * 5000))
        await wait_all_tasks_blocked()
        transport.incoming.slices = lambda: 7
        assert await client.frame() == (BINARY, b"x" * 5000)
        assert await client.frame() == (PONG, b"are you there")


async def test_messages_wait_while_a_pong_waits(autojump_clock: MockClock) -> None:
    """Who pings and does not read is not served on, so what waits for it stays small."""
    async with edge() as running:
        client, transport = await running.upgraded(capacity=1000)
        assert isinstance(client.stream, ConnectionStream)
        client.stream.pause_reading()
        (websocket,) = running.websockets
        websocket.send_nowait(frame(bytes(2000)))
        await client.send(sent(b"first", PING))
        await wait_all_tasks_blocked()
        waiting = websocket.pending_bytes
        await client.send(sent(b"message"), sent(b"second", PING))
        await wait_all_tasks_blocked()
        assert websocket.pending_bytes == waiting
        client.stream.resume_reading()
        transport.wake()
        assert [await client.frame() for _ in range(4)] == [
            (BINARY, bytes(2000)),
            (PONG, b"first"),
            (BINARY, b"message"),
            (PONG, b"second"),
        ]


async def _stop_reading(running: Edge) -> WebSocket:
    await running.upgraded(capacity=1000)
    (websocket,) = running.websockets
    while websocket.send_nowait(frame(bytes(1000))):
        pass
    return websocket


async def test_r09_a_client_that_does_not_read_is_closed_with_4008(
    autojump_clock: MockClock,
) -> None:
    stalled: list[float] = []
    async with edge() as running:
        websocket = await _stop_reading(running)
        assert websocket.pending_bytes <= running.listener.limits.outbound_bytes
        websocket.on_stalled = lambda: stalled.append(trio.current_time())
        assert await websocket.wait_closed() == Closed(4008, "slow")
        assert len(stalled) == 1
        assert stalled[0] <= 11
        assert trio.current_time() <= 15


async def test_r09_a_client_that_reads_slowly_is_kept(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, transport = await running.upgraded(capacity=1000)
        (websocket,) = running.websockets
        assert isinstance(client.stream, ConnectionStream)
        client.stream.pause_reading()
        assert websocket.send_nowait(frame(bytes(100_000)))
        for _ in range(20):
            await trio.sleep(5)
            assert transport.recv(500)
            transport.send(sent(b"I am here"))
        assert websocket.closed is None


async def test_r10_a_client_that_vanishes_is_pinged_and_dropped(autojump_clock: MockClock) -> None:
    async with edge() as running:
        before = trio.lowlevel.current_statistics().tasks_living
        client, transport = await running.upgraded()
        transport.outgoing.black_hole = True
        (websocket,) = running.websockets
        assert await websocket.wait_closed() == Closed(4000, "timeout")
        assert 30 <= trio.current_time() <= 35
        assert await client.frames() == [(PING, b""), (CLOSE, closed_with(4000) + b"timeout")]
        await wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == before
        assert running.listener.statistics().open == 0


async def test_r10_a_hundred_zombies_leave_nothing_behind(autojump_clock: MockClock) -> None:
    async with edge() as running:
        before = trio.lowlevel.current_statistics().tasks_living
        transports = [(await running.upgraded())[1] for _ in range(100)]
        for transport in transports:
            transport.outgoing.black_hole = transport.incoming.black_hole = True
        await trio.sleep(35)
        assert trio.lowlevel.current_statistics().tasks_living == before
        assert running.listener.statistics().open == 0


async def test_a_client_that_only_answers_pings_stays(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = await running.upgraded()
        for _ in range(5):
            assert await client.frame() == (PING, b"")
            await client.send(sent(b"", PONG))
        assert trio.current_time() >= 100
        assert running.websockets[0].closed is None


@pytest.mark.parametrize("n", range(0, 400, 3))
async def test_a_cut_at_any_byte_ends_the_connection_cleanly(
    n: int, autojump_clock: MockClock
) -> None:
    async with edge(echo) as running:
        client, transport = running.connect()
        transport.outgoing.cut_after = n
        with suppress(trio.BrokenResourceError):
            await client.send(upgrade_request(), sent(b"m" * 100), sent(b"", PING), close())
        await client.rest()
        await trio.sleep(15)
        statistics = running.listener.statistics()
        assert (statistics.open, statistics.failed) == (0, 0)
