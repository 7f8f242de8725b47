"""Calls to servers of businesses (EX-38): whatever they do, a call ends, and leaves nothing."""

import gc
import warnings

import pytest
import trio

from adapters.webhooks.address import Endpoint
from adapters.webhooks.calling import Caller, NotReached
from tests.fixtures.receiver import Answer, Received, answer_of, running_receiver

pytestmark = [pytest.mark.requirement("EX-38")]


async def test_an_answer_is_read_up_to_what_is_wanted() -> None:
    async def long(_: Received, __: trio.abc.Stream) -> Answer:
        return answer_of(200, b"x" * 100)

    async with running_receiver(long) as receiver:
        caller = Caller(allow_private=True)
        here = Endpoint("http", "127.0.0.1", receiver.port, "/")
        for wanted, body in ((100, b"x" * 100), (99, None)):
            answer = await caller.post(here, {"A": "b"}, b"{}", 5, wanted)
            assert (answer.status, answer.body) == (200, body)
        assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"
        await caller.aclose()


async def test_connections_are_used_again() -> None:
    async with running_receiver() as receiver:
        caller = Caller(allow_private=True)
        here = Endpoint("http", "127.0.0.1", receiver.port, "/")
        for _ in range(3):
            await caller.post(here, {}, b"{}", 5)
        assert receiver.connections == 1
        await caller.aclose()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_silent_server_keeps_no_connection(scheme: str) -> None:
    """Also one that is silent in the middle of the handshake of TLS."""

    async def silence(_: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, silence, listeners)
        port = listeners[0].socket.getsockname()[1]
        caller = Caller(allow_private=True)
        with pytest.raises(NotReached, match=r"no answer within 0\.1 s"):
            await caller.post(Endpoint(scheme, "127.0.0.1", port, "/"), {}, b"{}", 0.1)
        await caller.aclose()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            gc.collect()
        assert [str(w.message) for w in seen if "unclosed" in str(w.message)] == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 500_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_not_reached(answer: bytes) -> None:

    async def hang_up(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, hang_up, listeners)
        port = listeners[0].socket.getsockname()[1]
        caller = Caller(allow_private=True)
        with pytest.raises(NotReached, match="the connection broke"):
            await caller.post(Endpoint("http", "127.0.0.1", port, "/"), {}, b"{}", 5, 100)
        await caller.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
async def test_private_addresses_are_refused_when_connecting(host: str) -> None:
    caller = Caller(allow_private=False)
    with pytest.raises(NotReached, match="the address is not public"):
        await caller.post(Endpoint("https", host, 9, "/"), {}, b"{}", 5)
    await caller.aclose()


async def test_a_name_that_nobody_knows_is_not_reached() -> None:
    caller = Caller(allow_private=True)
    for host in ("no-such-host.invalid", "x" * 63 + ".x" * 200):
        with pytest.raises(NotReached, match="the host is not known"):
            await caller.post(Endpoint("https", host, 9, "/"), {}, b"{}", 20)
    await caller.aclose()


async def test_https_is_nothing_else() -> None:
    async def plain(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(answer_of(200))

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, plain, listeners)
        port = listeners[0].socket.getsockname()[1]
        caller = Caller(allow_private=True)
        with pytest.raises(NotReached, match="TLS failed"):
            await caller.post(Endpoint("https", "127.0.0.1", port, "/"), {}, b"{}", 5)
        await caller.aclose()
        nursery.cancel_scope.cancel()
