"""R28: a websocket is opened for the origins on the list and for programs that send none."""

import pytest
import trio
from trio.testing import MockClock

from tests.server.edge.harness import edge, upgrade_request

ALLOWED = frozenset(
    {"https://app.pawsome.example", "https://book.pawsome.example:8443", "http://localhost:8000"}
)

REFUSED = [
    # nothing that names a site
    "", "null", "NULL", "*", " ", "https://", "://", "undefined", "file://", "about:blank",
    # another scheme, or none
    "http://app.pawsome.example", "ws://app.pawsome.example", "wss://app.pawsome.example",
    "app.pawsome.example", "//app.pawsome.example", "ftp://app.pawsome.example",
    "javascript:https://app.pawsome.example", "chrome-extension://abcdefghijklmnop",
    # another port
    "https://app.pawsome.example:443", "https://app.pawsome.example:8443",
    "https://app.pawsome.example:", "https://book.pawsome.example",
    "https://book.pawsome.example:443", "https://book.pawsome.example:84430",
    "http://localhost", "http://localhost:80", "http://localhost:8000:8000",
    # more behind it, or before it
    "https://app.pawsome.example/", "https://app.pawsome.example/chat",
    "https://app.pawsome.example?x", "https://app.pawsome.example#x",
    "https://app.pawsome.example.", "https://app.pawsome.example.evil.example",
    "https://app.pawsome.examples", "https://app.pawsome.exampl", "https://app.pawsome.example%00",
    "https://app.pawsome.example, https://evil.example",
    "https://evil.example https://app.pawsome.example", "https://app.pawsome.example\tx",
    "https://evil.example?https://app.pawsome.example",
    "https://evil.example#https://app.pawsome.example",
    "https://evil-app.pawsome.example", "https://x.app.pawsome.example",
    "https://pawsome.example", "https://appXpawsome.example", "https://.pawsome.example",
    # credentials
    "https://app.pawsome.example@evil.example", "https://user@app.pawsome.example",
    "https://evil.example\\@app.pawsome.example", "https://app.pawsome.example\\.evil.example",
    # spelling
    "HTTPS://APP.PAWSOME.EXAMPLE", "https://App.pawsome.example", "Https://app.pawsome.example",
    "https://xn--app-pawsome.example", "https://app.p\xe4wsome.example",
    "https://app%2epawsome.example", "https:app.pawsome.example", "https:/app.pawsome.example",
    "https:///app.pawsome.example", "http://127.0.0.1:8000", "http://[::1]:8000",
    "http://2130706433:8000",
]  # fmt: skip


def test_there_are_sixty_spellings() -> None:
    assert len(set(REFUSED)) >= 60


@pytest.mark.parametrize("cookie", [None, "session=abc"])
@pytest.mark.parametrize("origin", REFUSED)
async def test_r28_an_origin_that_is_not_on_the_list_is_refused(
    origin: str, cookie: str | None, autojump_clock: MockClock
) -> None:
    async with edge(origins=ALLOWED) as running:
        client, _ = running.connect()
        head = upgrade_request(cookie=cookie)
        line = b"\r\nOrigin: " + origin.encode("latin-1")
        head = head.replace(b"\r\nUpgrade", line + b"\r\nUpgrade", 1)
        assert (await client.upgrade(head)).startswith(b"HTTP/1.1 403 ")
        assert not running.websockets


@pytest.mark.parametrize("origin", [None, *sorted(ALLOWED)])
async def test_r28_a_listed_origin_and_none_at_all_are_let_in(
    origin: str | None, autojump_clock: MockClock
) -> None:
    async with edge(origins=ALLOWED) as running:
        await running.upgraded(origin=origin)


async def test_r28_two_origins_are_refused(autojump_clock: MockClock) -> None:
    origin = min(ALLOWED)
    async with edge(origins=ALLOWED) as running:
        client, _ = running.connect()
        head = upgrade_request(origin=origin)
        head = head.replace(b"\r\n\r\n", f"\r\nOrigin: {origin}\r\n\r\n".encode())
        assert (await client.upgrade(head)).startswith(b"HTTP/1.1 403 ")


async def test_null_is_refused_whatever_the_list_says(autojump_clock: MockClock) -> None:
    async with edge(origins=frozenset({"null", ""})) as running:
        client, _ = running.connect()
        head = await client.upgrade(upgrade_request(origin="null"))
        assert head.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("query", ["?token=abc", "?", "?access_token=x&y=1", "?#"])
async def test_r28_a_token_in_the_url_is_refused_also_from_a_listed_origin(
    query: str, autojump_clock: MockClock
) -> None:
    async with edge(origins=ALLOWED) as running:
        client, _ = running.connect()
        head = await client.upgrade(upgrade_request(f"/v1/ws{query}", origin=min(ALLOWED)))
        assert head.startswith(b"HTTP/1.1 400 ")
        with trio.fail_after(1):
            assert b"token" in await client.rest()
