"""RFC 6455 over a real socket, after the list of cases of the Autobahn suite (R30).

A case sends pieces and names what must come back. Where nothing is wrong the client closes at the
end; the close comes back with its code. Where something is, what came before it is echoed, then
the connection is failed with a code.
"""

import socket
from dataclasses import dataclass, field

import pytest
import trio

from tests.conformance.echo import echo_listener
from tests.conformance.raw_client import ACCEPT, Frame, RawClient, close, request, sent

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KOSME = "κόσμε".encode()


@dataclass
class Case:
    """What the client sends, what comes back, and with which code the connection is closed."""

    sends: list[bytes]
    back: list[Frame] = field(default_factory=list)
    code: int = 1000


def whole(*sends: bytes, back: list[Frame] | None = None, code: int = 1000) -> Case:
    return Case([b"".join(sends)], back or [], code)


def apart(*sends: bytes, back: list[Frame] | None = None, code: int = 1000) -> Case:
    return Case(list(sends), back or [], code)


def octets(*sends: bytes, back: list[Frame] | None = None, code: int = 1000) -> Case:
    data = b"".join(sends)
    return Case([data[n : n + 1] for n in range(len(data))], back or [], code)


def text(*parts: bytes) -> list[bytes]:
    """A text message in fragments."""
    last = len(parts) - 1
    return [
        sent(part, 0 if n else TEXT, first=0x80 if n == last else 0) for n, part in enumerate(parts)
    ]


def framing() -> dict[str, Case]:
    cases = {}
    for kind, name in ((TEXT, "1.1"), (BINARY, "1.2")):
        for n, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
            payload = b"*" * size
            cases[f"{name}.{n}"] = whole(sent(payload, kind), back=[(kind, payload)])
        payload = b"*" * 65536
        data = sent(payload, kind)
        slices = [data[at : at + 997] for at in range(0, len(data), 997)]
        cases[f"{name}.8"] = apart(*slices, back=[(kind, payload)])
    return cases


def pings() -> dict[str, Case]:
    binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    ten = [f"payload-{n}".encode() for n in range(10)]
    return {
        "2.1": whole(sent(b"", PING), back=[(PONG, b"")]),
        "2.2": whole(sent(b"Hello, world!", PING), back=[(PONG, b"Hello, world!")]),
        "2.3": whole(sent(binary, PING), back=[(PONG, binary)]),
        "2.4": whole(sent(b"\xfe" * 125, PING), back=[(PONG, b"\xfe" * 125)]),
        "2.5": whole(sent(b"\xfe" * 126, PING), code=1002),
        "2.6": octets(sent(b"\xfe" * 125, PING), back=[(PONG, b"\xfe" * 125)]),
        "2.7": whole(sent(b"", PONG)),
        "2.8": whole(sent(b"unsolicited", PONG)),
        "2.9": whole(sent(b"x", PONG), sent(b"p", PING), back=[(PONG, b"p")]),
        "2.10": whole(*(sent(p, PING) for p in ten), back=[(PONG, p) for p in ten]),
        "2.11": octets(*(sent(p, PING) for p in ten), back=[(PONG, p) for p in ten]),
    }


def reserved() -> dict[str, Case]:
    good, hello = sent(b"good", TEXT), [(TEXT, b"good")]
    cases = {
        "3.1": whole(sent(b"bad", TEXT, first=0x90), code=1002),
        "3.2": whole(good, sent(b"bad", TEXT, first=0xA0), sent(b"", PING), back=hello, code=1002),
        "3.3": apart(good, sent(b"bad", TEXT, first=0xB0), sent(b"", PING), back=hello, code=1002),
        "3.4": octets(good, sent(b"bad", TEXT, first=0xC0), back=hello, code=1002),
        "3.5": whole(sent(b"bad", BINARY, first=0xD0), code=1002),
        "3.6": whole(sent(b"bad", PING, first=0xE0), code=1002),
        "3.7": whole(sent(b"bad", CLOSE, first=0xF0), code=1002),
    }
    for family, opcodes in (("4.1", (3, 4, 5, 6, 7)), ("4.2", (11, 12, 13, 14, 15))):
        for n, opcode in enumerate(opcodes, 1):
            bad = sent(b"reserved"[: n * 2], opcode)
            cases[f"{family}.{n}"] = whole(good, bad, sent(b"", PING), back=hello, code=1002)
    return cases


def fragments() -> dict[str, Case]:
    one_two = [(TEXT, b"fragment1fragment2")]
    f1, f2 = text(b"fragment1", b"fragment2")
    ping, pong = sent(b"ping payload", PING), [(PONG, b"ping payload")]
    five = text(b"f1", b"f2", b"f3", b"f4", b"f5")
    interleaved = [*five[:2], sent(b"p1", PING), *five[2:4], sent(b"p2", PING), five[4]]
    answers = [(PONG, b"p1"), (PONG, b"p2"), (TEXT, b"f1f2f3f4f5")]
    lone = sent(b"non-continuation", 0)
    open_lone = sent(b"non-continuation", 0, first=0)
    hello = sent(b"Hello, world!", TEXT)
    return {
        "5.1": whole(sent(b"fragment1", PING, first=0), sent(b"fragment2", 0), code=1002),
        "5.2": whole(sent(b"fragment1", PONG, first=0), sent(b"fragment2", 0), code=1002),
        "5.3": whole(f1, f2, back=one_two),
        "5.4": apart(f1, f2, back=one_two),
        "5.5": octets(f1, f2, back=one_two),
        "5.6": whole(f1, ping, f2, back=pong + one_two),
        "5.7": apart(f1, ping, f2, back=pong + one_two),
        "5.8": octets(f1, ping, f2, back=pong + one_two),
        "5.9": whole(lone, hello, code=1002),
        "5.10": apart(lone, hello, code=1002),
        "5.11": octets(lone, hello, code=1002),
        "5.12": whole(open_lone, hello, code=1002),
        "5.13": apart(open_lone, hello, code=1002),
        "5.14": octets(open_lone, hello, code=1002),
        "5.15": whole(f1, f2, open_lone, hello, back=one_two, code=1002),
        "5.16": whole(open_lone, f1, sent(b"fragment2", 0), code=1002),
        "5.17": whole(lone, f1, f2, code=1002),
        "5.18": whole(f1, sent(b"fragment2", TEXT), code=1002),
        "5.19": whole(*interleaved, back=answers),
        "5.20": apart(*interleaved, back=answers),
    }


def utf8() -> dict[str, Case]:
    long = KOSME * 200
    cases = {
        "6.1.1": whole(sent(b"", TEXT), back=[(TEXT, b"")]),
        "6.1.2": whole(*text(b"", b"", b""), back=[(TEXT, b"")]),
        "6.1.3": whole(*text(b"", b"middle", b""), back=[(TEXT, b"middle")]),
        "6.2.1": whole(sent(long, TEXT), back=[(TEXT, long)]),
        "6.2.2": whole(*text(long[:701], long[701:]), back=[(TEXT, long)]),
        "6.2.3": octets(sent(KOSME * 3, TEXT), back=[(TEXT, KOSME * 3)]),
        "6.2.4": whole(*text(*(KOSME[n : n + 1] for n in range(len(KOSME)))), back=[(TEXT, KOSME)]),
        "6.3.1": whole(sent(KOSME + b"\xed\xa0\x80edited", TEXT), code=1007),
        "6.3.2": whole(
            *text(*((KOSME + b"\xed\xa0\x80x")[n : n + 1] for n in range(14))), code=1007
        ),
        # Fails at the byte, though the message goes on: the rest is never sent.
        "6.4.1": Case([text(KOSME + b"\xf4\x90", b"")[0]], code=1007),
        "6.4.2": Case([sent(KOSME + b"\xf4\x90\x80\x80 edited", TEXT)[:-9]], code=1007),
    }
    good = "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\ufeff\x00"
    bad = [
        b"\x80", b"\xbf\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xc2", b"\xe0\x80\xaf", b"\xe2\x82",
        b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff",
        b"\xc3\x28", b"\xe2\x28\xa1", b"\xf0\x28\x8c\xbc",
    ]  # fmt: skip
    for n, character in enumerate(good, 1):
        payload = f"a{character}b".encode()
        cases[f"6.5.{n}"] = whole(sent(payload, TEXT), back=[(TEXT, payload)])
    for n, sequence in enumerate(bad, 1):
        cases[f"6.6.{n}"] = whole(sent(b"ok " + sequence, TEXT), code=1007)
        cases[f"6.7.{n} in fragments"] = whole(
            *text(b"ok " + sequence[:1], sequence[1:]), code=1007
        )
    return cases


def closing() -> dict[str, Case]:
    hello = [(TEXT, b"Hello")]
    cases = {
        "7.1.1": whole(sent(b"Hello", TEXT), close(), back=hello),
        "7.1.2": whole(close(), close()),
        "7.1.3": whole(close(), sent(b"after", PING)),
        "7.1.4": whole(close(), sent(b"after", TEXT)),
        "7.1.5": whole(text(b"fragment1", b"")[0], close(), sent(b"fragment2", 0)),
        "7.3.1": whole(sent(b"", CLOSE), code=1005),
        "7.3.2": whole(sent(b"a", CLOSE), code=1002),
        "7.3.3": whole(close(1000)),
        "7.3.4": whole(close(1000, b"Hello World!")),
        "7.3.5": whole(close(1000, b"*" * 123)),
        "7.3.6": whole(sent(b"\x03\xe8" + b"*" * 124, CLOSE), code=1002),
        "7.5.1": whole(close(1000, KOSME + b"\xed\xa0\x80"), code=1007),
        "7.13.1": whole(close(5000), code=1002),
        "7.13.2": whole(close(65535), code=1002),
    }
    for n, code in enumerate((1000, 1001, 1002, 1003, 1007, 1009, 1011, 3000, 3999, 4000, 4999), 1):
        cases[f"7.7.{n}"] = whole(close(code), code=code)
    for n, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        cases[f"7.9.{n}"] = whole(close(code), code=1002)
    return cases


def sizes() -> dict[str, Case]:
    big = b"\xfe" * 2**20
    parts = [big[at : at + 4096] for at in range(0, len(big), 4096)]
    frames = [
        sent(part, 0 if n else BINARY, first=0x80 if n == len(parts) - 1 else 0)
        for n, part in enumerate(parts)
    ]
    auto = b"*" * 65536
    chopped = sent(auto, TEXT)
    return {
        "9.2.2": whole(sent(big, BINARY), back=[(BINARY, big)]),
        "9.4.5": whole(*frames, back=[(BINARY, big)]),
        "10.1.1": apart(
            *(chopped[at : at + 1300] for at in range(0, len(chopped), 1300)), back=[(TEXT, auto)]
        ),
    }


CASES = framing() | pings() | reserved() | fragments() | utf8() | closing() | sizes()


@pytest.fixture
async def port(nursery: trio.Nursery) -> int:
    listening = socket.create_server(("127.0.0.1", 0))
    await nursery.start(echo_listener().run, [listening])
    return int(listening.getsockname()[1])


@pytest.mark.parametrize("name", CASES)
async def test_r30_case(name: str, port: int) -> None:
    case = CASES[name]
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    client = RawClient(stream)
    async with stream, trio.open_nursery() as nursery:
        assert (await client.upgrade()).startswith(b"HTTP/1.1 101 ")
        nursery.start_soon(send, client, case)
        with trio.fail_after(10):
            *back, (kind, payload) = await client.frames()
        assert back == case.back
        assert kind == CLOSE
        assert (int.from_bytes(payload[:2], "big") if payload else 1005) == case.code


async def send(client: RawClient, case: Case) -> None:
    try:
        await client.send(*case.sends)
        if case.code == 1000:
            await client.send(close())
    except trio.BrokenResourceError:
        pass  # the server was right to go before all of it was sent


async def test_the_handshake_negotiates_no_extension(port: int) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        offered = request(sec_websocket_extensions="permessage-deflate; client_max_window_bits")
        head = await RawClient(stream).upgrade(offered)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert f"Sec-WebSocket-Accept: {ACCEPT}".encode() in head
    assert b"extensions" not in head.lower()
