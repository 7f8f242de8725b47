"""Connections that end: at each point, with each code, with each token."""

import random
from collections.abc import Awaitable, Callable
from itertools import pairwise

import msgpack
import pytest
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Ping

import deskbell_client
from deskbell_client import Stopped, TokenUnavailable, WireError, events
from deskbell_client.closing import CLOSE_CODES, Next
from tests.clients.conftest import Connect
from tests.clients.scripted import WELCOME, Background, ScriptedServer, ack, message

Cut = Callable[[ScriptedServer], Awaitable[None]]


async def test_hello_says_who_and_where_and_offers_the_subprotocol(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(location="north"):
        connection = await server.greet()

        assert connection.path == "/v1/ws"
        assert connection.hello == {
            "type": "hello",
            "token": "token-1",
            "device": "d1",
            "location": "north",
        }


async def cut_before_the_upgrade(server: ScriptedServer) -> None:
    await trio.aclose_forcefully(await server.stream())


async def cut_before_hello_is_read(server: ScriptedServer) -> None:
    await (await server.accept()).cut()


async def cut_after_hello(server: ScriptedServer) -> None:
    connection = await server.accept()
    await connection.expect("hello")
    await connection.cut()


async def cut_after_welcome(server: ScriptedServer) -> None:
    await (await server.greet()).cut()


async def cut_in_the_middle_of_a_resume(server: ScriptedServer) -> None:
    connection = await server.greet(resume="complete", revision=110)
    await connection.send(message(2, 101))
    await connection.cut()


async def cut_in_the_middle_of_a_frame(server: ScriptedServer) -> None:
    connection = await server.greet()
    await connection.send_half_a_frame()
    await connection.cut()


async def close_with_a_code(server: ScriptedServer) -> None:
    await (await server.greet()).close(4012, "restart")


async def say_what_is_no_frame(server: ScriptedServer) -> None:
    connection = await server.greet()
    await connection.send_bytes(b"\xc1")
    await connection.closed()


async def answer_with_a_proxy_error(server: ScriptedServer) -> None:
    await server.reject(502)


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    "end",
    [
        cut_before_the_upgrade,
        cut_before_hello_is_read,
        cut_after_hello,
        cut_after_welcome,
        cut_in_the_middle_of_a_resume,
        cut_in_the_middle_of_a_frame,
        close_with_a_code,
        say_what_is_no_frame,
        answer_with_a_proxy_error,
    ],
)
async def test_a_connection_that_ends_anywhere_is_made_again(
    server: ScriptedServer, connect: Connect, end: Cut
) -> None:
    """And a send that was begun before is acked once, an event shown once."""
    shown: list[int] = []
    async with connect() as desk, trio.open_nursery() as nursery:
        first = await server.greet()
        await first.send(message(1, 101))
        nursery.start_soon(show, desk, shown)
        sent = Background(nursery, desk.send, "c1", "Hello")
        await first.expect("send")
        await first.cut()

        await end(server)

        again = await server.greet(resume="complete", revision=110)
        await again.send(message(2, 101), {"type": "resumed", "revision": 110})
        send = await again.skip_to("send")
        await again.send(ack(send, 3, 111), message(4, 112))
        assert (await sent.result()).seq == 3
        await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shown == [1, 2, 4]


async def show(desk: deskbell_client.Desk, shown: list[int]) -> None:
    async for event in desk.events():
        if isinstance(event, deskbell_client.Message):
            shown.append(event.seq)


async def test_full_jitter_grows_with_each_failure_and_starts_anew_after_a_welcome(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(random=lambda: 0.999999):
        server.refuse_dials = 9
        connection = await server.greet()
        waits = [after - before for before, after in pairwise(server.dials)]
        assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60], rel=1e-3)

        await connection.cut()
        before = trio.current_time()
        await server.greet()
        assert server.dials[-1] - before == pytest.approx(1, rel=1e-3)


@pytest.mark.requirement("R08")
async def test_a_herd_spreads_over_the_whole_interval(
    server: ScriptedServer, connect: Connect
) -> None:
    waits = []
    for number in range(40):
        source = random.Random(number)
        server.dials.clear()
        server.refuse_dials = 4
        async with connect(random=source.random):
            await server.greet()
        waits.append(server.dials[4] - server.dials[3])

    assert all(0 <= wait <= 8 for wait in waits)
    assert min(waits) < 1
    assert max(waits) > 7


async def test_the_server_says_when_to_come_back(server: ScriptedServer, connect: Connect) -> None:
    async with connect():
        connection = await server.greet()
        ended_at = trio.current_time()
        await connection.close(4013, "overloaded retry_after=17.5")
        await server.greet()

        assert server.dials[-1] - ended_at == pytest.approx(17.5, abs=0.01)


async def test_the_application_hears_of_connections_that_come_and_go(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        news = desk.events()
        fresh = await anext(news)
        await connection.close(4012, "restart retry_after=3")
        gone = await anext(news)
        await server.greet(resume="complete")
        back = await anext(news)

    assert isinstance(fresh, events.Connected)
    assert fresh.welcome.resume == "fresh"
    assert gone == events.Disconnected(4012, "restart retry_after=3", 3.0)
    assert isinstance(back, events.Connected)
    assert back.welcome.resume == "complete"


async def test_a_server_that_sends_nonsense_is_asked_less_and_less_often(
    server: ScriptedServer, connect: Connect
) -> None:
    """A `welcome` before it must not start the backoff anew: the nonsense may come every time."""
    async with connect():
        for _ in range(5):
            await (await server.greet()).send({"type": "message", "seq": "one"})
        await server.greet()
    waits = [after - before for before, after in pairwise(server.dials)]

    assert waits == pytest.approx([1, 2, 4, 8, 16], rel=0.01)


async def test_an_answer_that_cannot_be_read_fails_its_question_alone(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        asking = Background(nursery, desk.ping)
        ping = await connection.expect("ping")
        await connection.send({"type": "pong", "id": ping["id"], "server_time": "now"})
        with pytest.raises(WireError):
            await asking.result()
        assert await connection.silent(5)
    assert len(server.dials) == 1


async def test_retry_after_of_a_refused_upgrade(server: ScriptedServer, connect: Connect) -> None:
    async with connect():
        await server.reject(503, retry_after="9")
        refused_at = trio.current_time()
        await server.greet()

        assert server.dials[-1] - refused_at == pytest.approx(9, abs=0.01)


@pytest.mark.parametrize("code", CLOSE_CODES)
async def test_each_close_code_does_what_the_page_says(
    server: ScriptedServer, connect: Connect, code: int
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        await connection.close(code, "why")

        if CLOSE_CODES[code] is Next.STOP:
            with pytest.raises(Stopped) as stopped:
                async for _ in desk.events():
                    pass
            assert (stopped.value.code, stopped.value.reason) == (code, "why")
            assert len(server.dials) == 1
        else:
            again = await server.greet()
            token = "token-1" if code == 4501 else "session-1"
            assert again.hello["token"] == token


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_wrong_request_is_not_repeated(
    server: ScriptedServer, connect: Connect, status: int
) -> None:
    async with connect() as desk:
        await server.reject(status)

        with pytest.raises(Stopped) as stopped:
            await desk.ping()
        assert stopped.value.code == status


async def test_a_server_that_speaks_something_else_is_left(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        await server.accept(subprotocol=None)

        with pytest.raises(Stopped, match=r"deskbell\.v1\.msgpack"):
            await desk.ping()


async def test_a_server_that_never_upgrades_is_given_up_for_a_new_try(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        silent = await server.stream()
        await server.greet()

        assert 15 <= server.dials[1] - server.dials[0] <= 16
        await trio.aclose_forcefully(silent)


class Reset(trio.abc.Stream):
    """A connection that is reset as soon as something comes, or at once."""

    def __init__(self, at_once: bool) -> None:
        self._at_once = at_once

    async def send_all(self, data: object) -> None:
        await trio.lowlevel.checkpoint()
        if self._at_once:
            raise trio.BrokenResourceError from ConnectionError("no handshake")

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError from ConnectionError("no answer")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(("at_once", "why"), [(False, "no answer"), (True, "no handshake")])
async def test_a_reset_during_the_upgrade_is_noticed_and_said_at_once(
    server: ScriptedServer, at_once: bool, why: str
) -> None:
    streams: list[trio.abc.Stream] = [Reset(at_once)]

    async def dial() -> trio.abc.Stream:
        return streams.pop() if streams else await server.dial()

    options = deskbell_client.Options(random=lambda: 0.5)
    async with deskbell_client.connect_over(dial, device="d1", token="t", options=options) as desk:
        gone = await anext(desk.events())
        assert isinstance(gone, events.Disconnected)
        assert why in gone.reason
        await server.greet()
    assert trio.current_time() < 1


async def test_a_server_that_never_welcomes_is_given_up_for_a_new_try(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        silent = await server.accept()
        await trio.sleep(14)
        await silent.ping()
        await server.greet()

        assert 15 <= server.dials[1] - server.dials[0] <= 16


# --- Tokens ---------------------------------------------------------------------------------------


class Tokens:
    """A `get_token` that counts, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked = 0
        self._failures = failures

    async def __call__(self) -> str:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if self._failures:
            self._failures -= 1
            raise TokenUnavailable("later")
        return f"fetched-{self.asked}"


async def test_the_session_token_opens_the_next_connection(
    server: ScriptedServer, connect: Connect
) -> None:
    tokens = Tokens()
    async with connect(token=None, get_token=tokens):
        first = await server.greet(session_token="session-1")
        await first.cut()
        second = await server.greet(session_token="session-2")
        await second.cut()
        third = await server.greet()

    hellos = [connection.hello["token"] for connection in (first, second, third)]
    assert hellos == ["fetched-1", "session-1", "session-2"]
    assert tokens.asked == 1


async def test_a_session_token_that_is_refused_is_replaced_by_a_fetched_one(
    server: ScriptedServer, connect: Connect
) -> None:
    tokens = Tokens()
    async with connect(token="given", get_token=tokens):
        first = await server.greet()
        await first.cut()
        refusing = await server.accept()
        assert (await refusing.expect("hello"))["token"] == "session-1"
        await refusing.close(4501, "expired")
        third = await server.greet()

    assert third.hello["token"] == "fetched-1"


async def test_a_given_token_that_is_refused_stops_a_client_that_can_fetch_none(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(token="given") as desk:
        refusing = await server.accept()
        await refusing.close(4501, "expired")

        with pytest.raises(Stopped) as stopped:
            await desk.ping()
        assert stopped.value.code == 4501


async def test_a_token_that_was_just_fetched_and_is_refused_stops(
    server: ScriptedServer, connect: Connect
) -> None:
    """Otherwise a person without access would have their program fetch tokens for ever."""
    tokens = Tokens()
    async with connect(token=None, get_token=tokens) as desk:
        refusing = await server.accept()
        await refusing.close(4501, "unknown")

        with pytest.raises(Stopped):
            await desk.ping()
    assert tokens.asked == 1


async def test_a_token_fetched_for_an_attempt_that_reached_nobody_is_not_kept(
    server: ScriptedServer, connect: Connect
) -> None:
    """It lasts for minutes, an outage for hours; refused as expired, it would stop the client."""
    tokens = Tokens()
    server.refuse_dials = 2
    async with connect(token=None, get_token=tokens):
        connection = await server.greet()

    assert connection.hello["token"] == "fetched-3"


async def test_a_token_that_is_not_to_be_had_now_is_asked_for_again(
    server: ScriptedServer, connect: Connect
) -> None:
    tokens = Tokens(failures=3)
    async with connect(token=None, get_token=tokens):
        connection = await server.greet()

    assert connection.hello["token"] == "fetched-4"
    assert trio.current_time() >= 0.5 + 1 + 2


async def test_without_any_token_it_stops(connect: Connect) -> None:
    async with connect(token=None) as desk:
        with pytest.raises(Stopped) as stopped:
            await desk.ping()
        assert stopped.value.code == 4501


async def test_an_error_of_get_token_that_nobody_foresaw_is_not_hidden(
    connect: Connect,
) -> None:
    async def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        async with connect(token=None, get_token=broken):
            await trio.sleep_forever()
    assert raised.group_contains(ZeroDivisionError)


# --- Leaving --------------------------------------------------------------------------------------


async def test_leaving_the_block_closes_the_connection(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        connection = await server.greet()
    assert await connection.closed() == 1000


async def test_a_ping_that_crosses_the_close_does_no_harm(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    """The library must not answer it: after a close frame nothing may be sent."""
    leave = trio.Event()

    async def use() -> None:
        async with connect():
            await leave.wait()

    using = Background(nursery, use)
    stream = await server.stream()
    end = WSConnection(ConnectionType.SERVER)
    end.receive_data(await stream.receive_some())
    await stream.send_all(end.send(AcceptConnection(subprotocol="deskbell.v1.msgpack")))
    await stream.receive_some()
    await stream.send_all(end.send(BytesMessage(msgpack.packb(WELCOME))))
    await trio.testing.wait_all_tasks_blocked()
    leave.set()
    assert (await stream.receive_some())[0] == 0x88, "a close frame"
    await stream.send_all(end.send(Ping()))
    await using.result()


async def test_leaving_does_not_wait_for_a_server_that_does_not_answer(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        await server.stream()
    assert trio.current_time() < 1


async def test_leaving_while_it_waits_to_reconnect(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        server.refuse_dials = 100
        await trio.sleep(200)
        left_at = trio.current_time()
    assert trio.current_time() - left_at < 1


async def test_an_error_of_the_block_leaves_it_as_it_is(
    server: ScriptedServer, connect: Connect
) -> None:
    async def fail() -> None:
        async with connect():
            await server.greet()
            raise KeyError("mine")

    with pytest.raises(KeyError):
        await fail()


async def test_a_cancelled_block_ends_at_once(server: ScriptedServer, connect: Connect) -> None:
    with trio.move_on_after(5) as scope:
        async with connect() as desk:
            await server.greet()
            async for _ in desk.events():
                pass
    assert scope.cancelled_caught
    assert trio.current_time() == pytest.approx(5, abs=0.1)


async def test_events_end_when_another_task_leaves_the_block(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        await server.greet()
        reader = Background(nursery, show, desk, [])
        waiting = Background(nursery, desk.ping)
        await trio.testing.wait_all_tasks_blocked()

    await reader.result()
    with pytest.raises(Stopped):
        await waiting.result()
    with pytest.raises(Stopped):
        await desk.send("c1", "too late")


async def test_one_stream_is_one_connection(server: ScriptedServer) -> None:
    stream = await server.dial()
    async with deskbell_client.connect_over(stream, device="d1", token="t") as desk:
        connection = await server.greet()
        await connection.cut()

        with pytest.raises(Stopped, match="stream has ended"):
            await desk.ping()


@pytest.mark.parametrize(
    "url", ["http://host/v1/ws", "ws:///v1/ws", "host", "ws://host/v1/ws?token=secret"]
)
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        deskbell_client.connect(url, device="d1", token="t")
