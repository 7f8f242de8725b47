"""RFC 6455 framing: what is complete is given in order, what is wrong is named with its code."""

import itertools
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import SERVER, Connection
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

from protocol.close_codes import CloseCode
from protocol.framing import FrameParser, Opcode, Violation, close_frame, frame, unmask
from tests.conformance.raw_client import MASK, sent

DATA = (Opcode.TEXT, Opcode.BINARY)


def received(parser: FrameParser, chunks: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """What the parser gives for these chunks, one by one; control frames unmasked."""
    given_out = []
    for chunk in chunks:
        parser.feed(chunk)
        while (run := parser.next_run()) is not None:
            opcode, payloads = run
            if opcode in DATA:
                given_out += [(opcode, payload) for payload in payloads]
            else:
                (raw,) = payloads
                given_out.append((opcode, unmask(raw[6:], raw[2:6])))
    return given_out


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


def violation_of(*frames: bytes, **options: int) -> CloseCode | None:
    parser = FrameParser(**options)  # type: ignore[arg-type]
    assert received(parser, [b"".join(frames)]) == []
    return parser.violation.code if parser.violation else None


def by_oracle(data: bytes) -> tuple[list[tuple[int, bytes]], int | None]:
    """What wsproto makes of the same bytes: messages and control frames, and how it failed."""
    connection = Connection(SERVER)
    found: list[tuple[int, bytes]] = []
    parts: list[bytes] = []
    connection.receive_data(data)
    for event in connection.events():
        match event:
            case Message():
                text = isinstance(event, TextMessage)
                parts.append(event.data.encode() if text else bytes(event.data))
                if event.message_finished:
                    found.append((1 if text else 2, b"".join(parts)))
                    parts.clear()
            case Ping():
                found.append((9, bytes(event.payload)))
            case Pong():
                found.append((10, bytes(event.payload)))
            case CloseConnection() if connection.state.name == "OPEN":
                return found, int(event.code)  # how wsproto tells that it cannot go on
            case CloseConnection():
                code = b"" if event.code == 1005 else struct.pack("!H", event.code)
                found.append((8, code + (event.reason or "").encode()))
                return found, None
    return found, None


# A message as its fragments, with control frames that may come between them.
control = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=20))
text = st.text(max_size=40).map(str.encode)
large = st.sampled_from([125, 126, 127, 65535, 65536]).map(lambda size: b"z" * size)
message = st.tuples(
    st.sampled_from(DATA),
    st.one_of(text, large),
    st.lists(st.integers(0, 100), max_size=3),
    control,
)


def encoded(messages: list[tuple[Opcode, bytes, list[int], tuple[int, bytes]]]) -> bytes:
    frames = []
    for opcode, payload, places, (kind, ping) in messages:
        parts = cut(payload, places)
        for n, part in enumerate(parts):
            final = 0x80 if n == len(parts) - 1 else 0
            frames.append(sent(part, Opcode.CONTINUATION if n else opcode, first=final))
            if places:
                frames.append(sent(ping, kind))
    return b"".join(frames)


@given(st.lists(message, max_size=8), st.lists(st.integers(0, 2**32), max_size=12))
def test_any_chunking_of_a_valid_stream_gives_what_wsproto_gives(
    messages: list[tuple[Opcode, bytes, list[int], tuple[int, bytes]]], places: list[int]
) -> None:
    data = encoded(messages)
    parser = FrameParser()
    assert received(parser, cut(data, places)) == by_oracle(data)[0]
    assert parser.violation is None
    assert parser.buffered == 0


@given(st.lists(message, max_size=3))
def test_one_byte_at_a_time_gives_the_same(
    messages: list[tuple[Opcode, bytes, list[int], tuple[int, bytes]]],
) -> None:
    data = encoded(messages)[:4000]
    bytewise = FrameParser()
    at_once = FrameParser()
    assert received(bytewise, [data[n : n + 1] for n in range(len(data))]) == received(
        at_once, [data]
    )


any_frame = st.builds(
    sent,
    st.one_of(st.binary(max_size=130), text),
    st.sampled_from([0, 1, 2, 8, 9, 10, 0, 1, 2, 3, 7, 11, 15]),
    first=st.sampled_from([0x80, 0x80, 0x80, 0x00, 0x00, 0xC0, 0xA0, 0x10]),
    masked=st.sampled_from([True] * 9 + [False]),
)


@settings(max_examples=500)
@given(st.lists(any_frame, max_size=6), st.lists(st.integers(0, 2**32), max_size=8))
def test_r29_any_frames_get_the_verdict_of_wsproto(frames: list[bytes], places: list[int]) -> None:
    data = b"".join(frames)
    found, code = by_oracle(data)
    parser = FrameParser()
    ours = received(parser, cut(data, places))
    closed = next((n for n, (opcode, _) in enumerate(ours) if opcode == Opcode.CLOSE), None)
    if closed is not None:  # what stands behind a close frame is the library's not to read
        assert ours[: closed + 1] == found
    else:
        assert ours == found
        assert (parser.violation.code if parser.violation else None) == code


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_r29_no_bytes_raise_and_nothing_follows_a_violation(chunks: list[bytes]) -> None:
    parser = FrameParser(max_message_size=100)
    received(parser, chunks)
    if parser.violation is not None:
        assert parser.violation.code in {1002, 1007, 1009}
        assert received(parser, [sent(b"more")]) == []


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
@pytest.mark.parametrize("opcode", DATA)
def test_a_servers_frame_is_what_a_client_reads(size: int, opcode: Opcode) -> None:
    payload = b"p" * size
    client = Connection(SERVER)  # a server reads masked frames only: mask what we framed
    ours = frame(payload, opcode)
    head = len(ours) - size
    client.receive_data(bytes([ours[0], ours[1] | 0x80]) + ours[2:head] + bytes(4) + ours[head:])
    data = b"".join(
        event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
        for event in client.events()
        if isinstance(event, TextMessage | BytesMessage)
    )
    assert data == payload


def test_whole_messages_of_one_kind_come_as_one_run() -> None:
    parser = FrameParser()
    parser.feed(sent(b"a") + sent(b"b") + sent(b"c", Opcode.TEXT) + sent(b"d")[:3])
    assert parser.next_run() == (Opcode.BINARY, [b"a", b"b"])
    assert parser.next_run() == (Opcode.TEXT, [b"c"])
    assert parser.next_run() is None
    parser.feed(sent(b"d")[3:] + sent(b"e"))
    assert parser.next_run() == (Opcode.BINARY, [b"d", b"e"])


def test_nothing_behind_a_control_frame_is_looked_at_before_it_was_taken() -> None:
    parser = FrameParser()
    ping = sent(b"!", Opcode.PING)
    parser.feed(sent(b"a") + ping + sent(b"", 3))
    assert parser.next_run() == (Opcode.BINARY, [b"a"])
    assert parser.next_run() == (Opcode.PING, [ping])
    assert parser.violation is None
    assert parser.next_run() is None
    assert parser.violation == Violation(CloseCode.PROTOCOL_ERROR, "a reserved opcode")


def test_what_came_before_a_violation_is_given() -> None:
    parser = FrameParser()
    parser.feed(sent(b"a") + sent(b"b", first=0xC0))
    assert parser.next_run() == (Opcode.BINARY, [b"a"])
    assert parser.next_run() is None
    assert parser.violation is not None


long_length = b"\x82\xff" + (125).to_bytes(8, "big") + MASK + bytes(125)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param([sent(first=0xC0)], 1002, id="RSV1"),
        pytest.param([sent(opcode=Opcode.PING, first=0x90)], 1002, id="RSV3 on a ping"),
        pytest.param([sent(opcode=5)], 1002, id="reserved data opcode"),
        pytest.param([sent(opcode=12)], 1002, id="reserved control opcode"),
        pytest.param([sent(masked=False)], 1002, id="not masked"),
        pytest.param([sent(opcode=Opcode.PING, first=0)], 1002, id="fragmented ping"),
        pytest.param([sent(b"x" * 126, Opcode.PING)], 1002, id="long ping"),
        pytest.param([sent(opcode=0)], 1002, id="continuation of nothing"),
        pytest.param([sent(opcode=0, first=0)], 1002, id="unfinished continuation of nothing"),
        pytest.param([sent(b"a", first=0), sent(b"b")], 1002, id="message within a message"),
        pytest.param([long_length], 1002, id="length in too many bytes"),
        pytest.param([b"\x82\xfe\x00\x05" + MASK + bytes(5)], 1002, id="16 bits for 5"),
        pytest.param([b"\x82\xff\x80" + bytes(7) + MASK], 1002, id="length over 63 bits"),
        pytest.param([sent(b"\x03", Opcode.CLOSE)], 1002, id="close of one byte"),
        pytest.param([sent(b"\x03\xe8\xff", Opcode.CLOSE)], 1007, id="close reason not UTF-8"),
        pytest.param([sent(b"\xce\xba\xe1", Opcode.TEXT)], 1007, id="text cut in a character"),
        pytest.param([sent(b"\xed\xa0\x80", Opcode.TEXT)], 1007, id="surrogate"),
        pytest.param(
            [sent(b"\xce", Opcode.TEXT, first=0), sent(b"a", 0)], 1007, id="character not continued"
        ),
        pytest.param(
            [sent(b"a", Opcode.TEXT, first=0), sent(b"\xce", 0)], 1007, id="character not finished"
        ),
    ],
)
def test_r29_each_fault_has_its_code(frames: list[bytes], code: int) -> None:
    assert violation_of(*frames) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_a_close_code_that_may_not_be_sent_is_a_violation(code: int) -> None:
    assert violation_of(sent(code.to_bytes(2, "big"), Opcode.CLOSE)) == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1014, 3000, 4999])
def test_a_close_code_that_may_be_sent_is_passed_on(code: int) -> None:
    parser = FrameParser()
    payload = code.to_bytes(2, "big") + "später".encode()
    assert received(parser, [sent(payload, Opcode.CLOSE)]) == [(Opcode.CLOSE, payload)]


@pytest.mark.parametrize("bad_at", [0, 1, 5])
def test_text_fails_at_the_first_byte_that_cannot_be_utf8(bad_at: int) -> None:
    text = "κόσμε".encode()[: bad_at * 2] + b"\xf4\x90"
    frame_head = sent(text + b"x" * 50, Opcode.TEXT)[: 6 + len(text) - 1]
    parser = FrameParser()
    assert received(parser, [frame_head]) == []
    assert parser.violation is None
    assert received(parser, [sent(text + b"x" * 50, Opcode.TEXT)[len(frame_head) :][:1]]) == []
    assert parser.violation == Violation(CloseCode.NOT_UTF8, "a text message is not UTF-8")


@pytest.mark.parametrize(
    ("expect", "opcode"), [(Opcode.TEXT, Opcode.BINARY), (Opcode.BINARY, Opcode.TEXT)]
)
def test_the_other_kind_is_refused(expect: Opcode, opcode: Opcode) -> None:
    assert violation_of(sent(b"x", opcode), expect=expect) == CloseCode.WRONG_KIND
    assert violation_of(sent(b"x", opcode, first=0), expect=expect) == CloseCode.WRONG_KIND
    assert received(FrameParser(expect=expect), [sent(b"x", expect)]) == [(expect, b"x")]


@pytest.mark.parametrize("size", [100, 70_000])
def test_r31_one_byte_over_the_limit_is_refused_by_its_header(size: int) -> None:
    over = sent(bytes(size + 1))
    assert violation_of(over[:14], max_message_size=size) == CloseCode.TOO_BIG
    assert violation_of(over, max_message_size=size) == CloseCode.TOO_BIG
    fits = sent(bytes(size))
    assert received(FrameParser(max_message_size=size), [fits]) == [(2, bytes(size))]


def test_r31_the_limit_counts_all_fragments_of_a_message() -> None:
    half = sent(b"x" * 50, first=0)
    assert violation_of(half, sent(b"x" * 51, 0), max_message_size=100) == CloseCode.TOO_BIG


def test_r31_empty_fragments_are_limited_and_hold_no_memory() -> None:
    parser = FrameParser(max_fragments=1000)
    flood = sent(b"", Opcode.TEXT, first=0) + sent(b"", 0, first=0) * 100_000
    for start in range(0, len(flood), 65536):
        assert received(parser, [flood[start : start + 65536]]) == []
        assert parser.buffered == 0
    assert parser.violation == Violation(CloseCode.TOO_BIG, "over 1000 fragments")


def test_the_fragments_of_each_message_are_counted_anew() -> None:
    parser = FrameParser(max_fragments=3)
    three = sent(b"a", first=0) + sent(b"b", 0, first=0) + sent(b"c", 0)
    assert received(parser, [three * 4]) == [(2, b"abc")] * 4


def test_r31_pipelined_tiny_frames_come_out_and_leave_nothing() -> None:
    parser = FrameParser()
    data = sent(b"x") * 100_000
    chunks = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    assert received(parser, chunks) == [(2, b"x")] * 100_000
    assert parser.buffered == 0


def test_a_close_frames_reason_is_cut_at_a_character() -> None:
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
    cut_reason = close_frame(4013, "ä" * 100)
    assert cut_reason[:4] == b"\x88\x7c\x0f\xad"
    assert cut_reason[4:].decode() == "ä" * 61
