"""HTTP through Hypercorn on our stream: its known faults end one connection and no more."""

import tracemalloc
from contextlib import suppress
from typing import Any

import h11
import msgspec
import pytest
import quart_trio
import trio
from trio.testing import MockClock

from protocol.framing import Opcode
from server.edge.http import LINGER
from server.edge.stream import ConnectionStream
from server.http.problem import Problem
from tests.conformance.raw_client import RawClient, sent
from tests.server.edge.harness import Edge, edge, hello_app, upgrade_request


def get(path: str = "/", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: deskbell.test", *headers, "", ""]).encode()


def post(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def response(client: RawClient) -> tuple[int, bytes]:
    """The next response: status and body."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    if client.buffer:
        reader.receive_data(bytes(client.buffer))
        client.buffer.clear()
    status, body = 0, b""
    while True:
        event = reader.next_event()
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += event.data
            case h11.EndOfMessage():
                client.buffer += reader.trailing_data[0]
                return status, body
            case h11.NEED_DATA:
                reader.receive_data(bytes(await client.stream.receive_some()))
            case _:
                raise AssertionError(event)


async def still_serves(running: Edge) -> None:
    client, _ = running.connect()
    await client.send(get())
    assert await response(client) == (200, b"hello ")


async def test_requests_follow_each_other_on_one_connection(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        for n in range(3):
            body = f"{n}".encode() * n * 1000
            head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            await client.send(head.encode() + body)
            assert await response(client) == (200, b"hello " + body)


async def test_pipelined_requests_are_answered_in_order(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(get("/1") + get("/2"))
        assert await response(client) == (200, b"hello ")
        assert await response(client) == (200, b"hello ")


@pytest.mark.parametrize("pieces", [[b"\r\n"], [b"\r\n\r\n"], [b"\r", b"\n", b"\r\n"]])
async def test_empty_lines_before_a_request_are_passed_over(
    pieces: list[bytes], autojump_clock: MockClock
) -> None:
    """RFC 9112 2.2: a server should ignore at least one."""
    async with edge() as running:
        client, _ = running.connect()
        for piece in pieces:
            await client.send(piece)
            await trio.sleep(1)
        await client.send(get())
        assert await response(client) == (200, b"hello ")


@pytest.mark.parametrize("empty", [b"\r\n", b"\r\n\r\n", b"\n"])
@pytest.mark.parametrize("apart", [True, False])
async def test_empty_lines_between_requests_are_passed_over(
    empty: bytes, apart: bool, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        pieces = [post(b"1"), empty, post(b"2")]
        for piece in pieces if apart else [b"".join(pieces)]:
            await client.send(piece)
            await trio.sleep(1)
        assert await response(client) == (200, b"hello 1")
        assert await response(client) == (200, b"hello 2")


@pytest.mark.parametrize("behind", [b"\r\n", b"x\0y\r\n\r\n", get("/2")])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("last", ["1.0", "1.1\r\nConnection: close"])
async def test_what_comes_behind_the_last_request_takes_nothing_from_its_answer(
    last: str, behind: bytes, apart: bool, autojump_clock: MockClock
) -> None:
    """RFC 9112 9.6. Else what was done is said to be malformed."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await trio.sleep(1)
        await hello_app(scope, receive, send)

    asked: list[str] = []
    async with edge(app=slow) as running:
        client, _ = running.connect()
        request = post(b"1").replace(b"HTTP/1.1", f"HTTP/{last}".encode())
        for piece in (request, behind) if apart else (request + behind,):
            await client.send(piece)
            await trio.sleep(0.1)
        assert await response(client) == (200, b"hello 1")
        assert await client.rest() == b""
        assert asked == ["/"]


async def test_what_comes_behind_the_last_request_is_not_kept(autojump_clock: MockClock) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(1)
        await hello_app(scope, receive, send)

    async with edge(app=slow) as running:
        client, _ = running.connect()
        await client.send(get("/", "Connection: close"))
        tracemalloc.start()
        for _ in range(100):
            await client.send(b"x" * 65_536)
            await trio.sleep(0.001)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**20
        assert await response(client) == (200, b"hello ")


@pytest.mark.parametrize("length", ["4", "0", "9"])
async def test_a_body_that_says_twice_where_it_ends_is_refused(
    length: str, autojump_clock: MockClock
) -> None:
    """RFC 9112 6.1: behind a proxy that counts otherwise, what follows is somebody else's."""
    async with edge() as running:
        client, _ = running.connect()
        lengths = f"Content-Length: {length}\r\nTransfer-Encoding: chunked"
        head = f"POST / HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n"
        await client.send(f"{head}5\r\nhello\r\n0\r\n\r\n".encode() + get("/2"))
        assert (await client.head()).startswith(b"HTTP/1.1 400 ")
        assert b"HTTP/1.1 200" not in await client.rest()
        await still_serves(running)


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r"])
async def test_a_head_that_does_not_end_is_told_so(begun: bytes, autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(begun)
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
        assert trio.current_time() == pytest.approx(10.0)
        await still_serves(running)


@pytest.mark.parametrize("said", [b"", b"\r\n", b"\r\n\r\n"])
async def test_who_never_asks_is_left_without_a_word(
    said: bytes, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(said)
        assert await client.rest() == b""
        assert trio.current_time() == pytest.approx(10.0)


async def test_a_quart_trio_app_is_served(autojump_clock: MockClock) -> None:
    app = quart_trio.QuartTrio(__name__)

    @app.get("/greeting/<name>")
    async def greeting(name: str) -> dict[str, str]:
        await trio.sleep(1)
        return {"hello": name}

    async with edge(app=app) as running:
        client, _ = running.connect()
        await client.send(get("/greeting/rex"))
        assert await response(client) == (200, b'{"hello":"rex"}\n')


async def test_a_kept_alive_connection_ends_after_five_idle_seconds(
    autojump_clock: MockClock,
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(get())
        await response(client)
        assert await client.rest() == b""
        assert trio.current_time() == pytest.approx(5.0)


async def test_a_head_that_trickles_on_a_kept_alive_connection_ends_it(
    autojump_clock: MockClock,
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(get())
        await response(client)
        with suppress(trio.BrokenResourceError):
            for byte in get() * 10:
                await client.send(bytes([byte]))
                await trio.sleep(1)
        assert trio.current_time() <= 7


@pytest.mark.parametrize(
    "settings", ["", "!!!", "AAMAAABkAARAAAAAAAIAAAAA", "AAEAAAAAAAIAAAABAAMAAAAA" * 30]
)
async def test_an_upgrade_to_h2c_is_ignored(settings: str, autojump_clock: MockClock) -> None:
    async with edge() as running:
        for _ in range(2):
            client, _transport = running.connect()
            h2c = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
            await client.send(get("/", *h2c, f"HTTP2-Settings: {settings}"))
            assert await response(client) == (200, b"hello ")
        await still_serves(running)


async def test_http2_with_prior_knowledge_is_refused(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        assert (await client.head()).startswith(b"HTTP/1.1 505 ")
        await still_serves(running)


@pytest.mark.parametrize("behind", [b"x", b"\x00", b"GET / HTTP/1.1\r\n\r\n"])
async def test_a_byte_behind_a_websocket_upgrade_harms_nobody(
    behind: bytes, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(upgrade_request() + behind)
        await client.head()
        await client.stream.aclose()
        await still_serves(running)
        assert running.listener.statistics().failed == 0


async def test_a_websocket_on_a_kept_alive_connection_is_ours_too(
    autojump_clock: MockClock,
) -> None:
    """As when a proxy reuses a connection."""
    async with edge() as running:
        client, _ = running.connect()
        await client.send(get())
        await response(client)
        await client.send(upgrade_request() + sent(b"early"))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert await client.frame() == (Opcode.BINARY, b"early")
        assert running.listener.statistics().websockets == 1
        assert running.listener.statistics().http == 0


async def test_a_refused_websocket_on_a_kept_alive_connection_says_why(
    autojump_clock: MockClock,
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(get())
        await response(client)
        await client.send(upgrade_request("/v1/ws?token=x"))
        assert (await client.head()).startswith(b"HTTP/1.1 400 ")


def body_head(size: int) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()


@pytest.mark.parametrize("per_second", [0, 1, 50])
async def test_r32_a_body_that_trickles_is_cut_off(
    per_second: int, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, transport = running.connect()
        await client.send(body_head(100_000))
        for _ in range(11):
            if not transport.incoming.finished:
                await client.send(bytes(per_second))
            await trio.sleep(1)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nContent-Type: application/problem+json\r\n" in answer
        assert trio.current_time() <= 12.1
        await still_serves(running)


async def test_a_body_that_makes_progress_may_take_its_time(autojump_clock: MockClock) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(body_head(60_000))
        for _ in range(60):
            await trio.sleep(4)
            await client.send(bytes(1000))
        assert await response(client) == (200, b"hello " + bytes(60_000))


async def test_an_app_may_take_longer_than_the_body_deadline(autojump_clock: MockClock) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(60)
        assert not (await receive())["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await trio.sleep(60)
        await send({"type": "http.response.body", "body": b"done"})

    async with edge(app=slow) as running:
        client, _ = running.connect()
        await client.send(body_head(0))
        assert await response(client) == (200, b"done")


async def big(scope: Any, receive: Any, send: Any) -> None:
    """Answers with ten megabytes, in pieces."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(10):
        await send({"type": "http.response.body", "body": bytes(2**20), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def test_a_client_that_stops_reading_is_dropped_after_twenty_seconds(
    autojump_clock: MockClock,
) -> None:
    async with edge(app=big) as running:
        client, _ = running.connect(capacity=100_000)
        assert isinstance(client.stream, ConnectionStream)
        await client.send(get())
        client.stream.pause_reading()
        await trio.sleep(18)
        assert running.listener.statistics().open == 1
        await trio.sleep(5)
        assert running.listener.statistics().open == 0


async def test_a_client_that_reads_slowly_gets_all_of_it(autojump_clock: MockClock) -> None:
    async with edge(app=big) as running:
        client, transport = running.connect(capacity=100_000)
        assert isinstance(client.stream, ConnectionStream)
        await client.send(get())
        client.stream.pause_reading()
        received = 0
        while received < 10 * 2**20:
            await trio.sleep(15)
            received += len(transport.recv(100_000))
        assert trio.current_time() > 1000


async def test_a_client_that_stops_reading_does_not_hold_up_stopping(
    autojump_clock: MockClock,
) -> None:
    async with edge(app=big) as running:
        client, _ = running.connect(capacity=100_000)
        assert isinstance(client.stream, ConnectionStream)
        await client.send(get())
        client.stream.pause_reading()
        await trio.sleep(1)
        await running.listener.stop(drain=2.0)
        assert trio.current_time() == pytest.approx(3.0)


async def test_stopping_lets_an_answer_finish(autojump_clock: MockClock) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async with edge(app=slow) as running, trio.open_nursery() as nursery:
        client, _ = running.connect()
        await client.send(get())
        await trio.sleep(1)
        nursery.start_soon(running.listener.stop, 10.0)
        assert await response(client) == (200, b"done")
        assert await client.rest() == b""
        assert trio.current_time() == pytest.approx(5.0)


async def test_an_app_that_fails_answers_500_and_harms_nobody(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("in the app")

    async with edge(app=failing) as running:
        for _ in range(2):
            client, _transport = running.connect()
            await client.send(get())
            assert (await response(client))[0] == 500
        assert "in the app" in caplog.text


async def test_a_client_that_leaves_tells_the_app(autojump_clock: MockClock) -> None:
    told: list[str] = []

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        while not told or told[-1] != "http.disconnect":
            told.append((await receive())["type"])

    async with edge(app=waiting) as running:
        client, _ = running.connect()
        await client.send(get())
        await trio.testing.wait_all_tasks_blocked()
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert told == ["http.request", "http.disconnect"]
        assert running.listener.statistics().open == 0


async def test_an_error_answer_reaches_a_client_that_is_still_sending(
    autojump_clock: MockClock,
) -> None:
    """Closing with unread bytes would reset the connection and eat the answer."""

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"connection", b"close"), (b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": b"no!"})

    async with edge(app=refusing) as running:
        client, _ = running.connect(capacity=4096)
        await client.send(body_head(1_000_000))
        for _ in range(50):
            await client.send(bytes(20_000))
        assert await response(client) == (413, b"no!")
        assert trio.current_time() <= 2.1


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /a b HTTP/1.1\r\n\r\n", id="space in the target"),
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", id="bare line feeds"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", id="folded header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHo\x00st: x\r\n\r\n", id="NUL in a name"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: \x7f\r\n\r\n", id="DEL in a value"),
        pytest.param(b"GET / HTTP/1.1\r\nX: a\nUpgrade: websocket\r\n\r\n", id="smuggled header"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\r\n\r\n", id="TLS"),
        pytest.param(b"GET /\xff HTTP/1.1\r\n\r\n", id="target not ASCII"),
    ],
)
async def test_a_malformed_head_is_answered_with_400(
    head: bytes, autojump_clock: MockClock
) -> None:
    async with edge() as running:
        client, _ = running.connect()
        await client.send(head)
        assert (await client.head()).startswith(b"HTTP/1.1 400 ")
        assert running.listener.statistics().failed == 0


@pytest.mark.parametrize(
    "request_",
    [get("/", "Connection: close"), b"GET / HTTP/1.0\r\nHost: x\r\n\r\n"],
    ids=["close", "1.0"],
)
async def test_a_connection_that_is_to_close_is_closed_after_its_answer(
    autojump_clock: MockClock, request_: bytes
) -> None:
    """A client that reads to the end must see it, and nothing of it may stay behind."""
    app = quart_trio.QuartTrio(__name__)  # it cancels its tasks as soon as the answer is given

    @app.get("/")
    async def hello() -> str:
        return "hello"

    async with edge(app=app) as running:
        client, _ = running.connect()
        await client.send(request_)
        with trio.fail_after(1.0):
            while await client.stream.receive_some():
                pass
        await trio.sleep(LINGER + 1.0)
        assert running.listener.statistics().open == 0


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header: 1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, ""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, ""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + bytes(20_000), 431, "too_large"),
        (b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", 400, "bad_request"),
        (body_head(9), 408, "bad_request"),
    ],
)
@pytest.mark.parametrize("kept_alive", [False, True])
async def test_whatever_is_refused_is_a_problem(
    raw: bytes, status: int, code: str, kept_alive: bool, autojump_clock: MockClock
) -> None:
    """Also what no application has seen; on a connection that has served, too."""
    async with edge() as running:
        client, _ = running.connect()
        if kept_alive:
            await client.send(get())
            await response(client)
        await client.send(raw)
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\nContent-Type: application/problem+json" in head
        problem = msgspec.json.decode(body, type=Problem)
        assert problem.status == status
        assert problem.code == (code or "bad_request")
        assert problem.detail
        await still_serves(running)
