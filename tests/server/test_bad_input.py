"""Bad input through the websocket: each a clear error or close code, and nothing is lost by it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangePerson
from domain.commands import Speaker
from domain.events import Person
from domain.limits import Limits
from domain.refusal import Code
from domain.roles import Role
from protocol.close_codes import CloseCode
from protocol.framing import Opcode
from server import creating
from server.node import BUSINESS as DESK
from server.reading import viewer_of
from server.session import MALFORMED_MAX
from server.tokens import hash_key
from tests.faults.premises import BUSINESS, Premises, everything, freely, opened
from tests.faults.raw_client import Frame, RawClient, masked

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "carla": Role.CUSTOMER,
    "mia": Role.CUSTOMER,
}
HOUR_MS = 3_600_000


@pytest.fixture
async def premises(virtual_time: MockClock, folder: Path) -> AsyncIterator[Premises]:
    """A server with one conversation, `c1`, of the owner, Sam and Carla."""
    async with opened(folder, freely(), PEOPLE) as made:
        await made.group("c1", "carla", "sam")
        yield made


async def inside(premises: Premises, person: str = "carla", *, text: bool = True) -> RawClient:
    client = await premises.enter(person, text=text)
    await client.next("welcome")
    return client


async def end_of(client: RawClient) -> tuple[int, str]:
    """How the server closed it: within minutes of virtual time, or the test fails."""
    with trio.fail_after(200):
        return await client.ended()


async def still_works(premises: Premises, client: RawClient) -> None:
    """The connection answers, what is said on it is stored, and nothing else has been stored."""
    ack = await client.ask("send", conversation="c1", client_message_id="after", text="All well?")
    assert ack["type"] == "ack", ack
    assert [m["text"] for m in await everything(client, "c1")] == ["All well?"]
    assert premises.node.database.journal.statistics().failed == 0


def assert_clear(error: Frame, code: str, name: str = "") -> None:
    assert (error["type"], error.get("code")) == ("error", code), (name, error)
    assert error["code"] in set(Code)
    assert error["message"].endswith("."), "a sentence for a person"


# --- Frames that are none -------------------------------------------------------------------------

DEEP = 60_000
SEND: Frame = {"type": "send", "id": 7, "conversation": "c1", "client_message_id": "m", "text": "t"}


def variation(**changes: object) -> bytes:
    kept = {k: v for k, v in (SEND | changes).items() if v is not ...}
    return msgspec.json.encode(kept)


JSON_FRAMES = {
    "unknown type": (variation(type="frobnicate"), "unknown_type", 7),
    "a reply as a command": (variation(type="ack"), "unknown_type", 7),
    "a missing field": (variation(text=...), "bad_request", 7),
    "text is a number": (variation(text=5), "bad_request", 7),
    "text is null": (variation(text=None), "bad_request", 7),
    "seq is a text": (variation(type="edit", seq="1"), "bad_request", 7),
    "seq is negative": (variation(type="delete", seq=-1), "bad_request", 7),
    "an id with a slash": (variation(conversation="../c1"), "bad_request", 7),
    "an id that is too long": (variation(conversation="c" * 65), "bad_request", 7),
    "an id with a line feed at its end": (variation(conversation="c1\n"), "bad_request", 7),
    "an empty id": (variation(client_message_id=""), "bad_request", 7),
    "a command id below 0": (variation(id=-1), "bad_request", None),
    "a command id over 2**53": (variation(id=2**53), "bad_request", None),
    "a command id of 5,000 digits": (
        b'{"type":"ping","id":' + b"9" * 5000 + b"}",
        "bad_request",
        None,
    ),
    "a command id that is a text": (variation(id="7"), "bad_request", None),
    "no type": (variation(type=...), "bad_request", None),
    "type is a number": (variation(type=3), "bad_request", None),
    "a list": (b"[1]", "bad_request", None),
    "a text": (b'"send"', "bad_request", None),
    "null": (b"null", "bad_request", None),
    "nothing": (b"", "bad_request", None),
    "half a frame": (b'{"type":"send","id":7', "bad_request", None),
    "two frames in one": (b'{"type":"ping"}{"type":"ping"}', "bad_request", None),
    "NaN": (b'{"type":"history","id":NaN,"conversation":"c1"}', "bad_request", None),
    "half a surrogate pair": (
        b'{"type":"send","id":7,"conversation":"c1","client_message_id":"m","text":"\\ud800"}',
        "bad_request",
        7,
    ),
    "too deep": (b"[" * DEEP + b"]" * DEEP, "bad_request", None),
    "too deep in a field that is skipped": (
        b'{"type":"ping","id":7,"more":' + b"[" * DEEP + b"]" * DEEP + b"}",
        "bad_request",
        None,
    ),
    "an unknown kind": (
        b'{"type":"create","id":7,"kind":"channel","people":["sam"]}',
        "bad_request",
        7,
    ),
}

MSGPACK_FRAMES = {
    "invalid UTF-8 in a text": (
        msgspec.msgpack.encode(SEND | {"text": "@@"}).replace(b"@@", b"\xff\xfe"),
        "bad_request",
        7,
    ),
    "bytes for a text": (msgspec.msgpack.encode(SEND | {"text": b"t"}), "bad_request", 7),
    "a map with numbers for keys": (msgspec.msgpack.encode({1: 2}), "bad_request", None),
    "JSON": (b'{"type":"ping"}', "bad_request", None),
    "a map that promises 2**32 - 1 entries": (b"\xdf\xff\xff\xff\xff", "bad_request", None),
    "a text that promises 4 GiB": (b"\x81\xa4type\xdb\xff\xff\xff\xff", "bad_request", None),
    "a type that does not exist": (b"\xc1", "bad_request", None),
    "too deep": (b"\x91" * 100_000 + b"\xc0", "bad_request", None),
    "nothing": (b"", "bad_request", None),
}


@pytest.mark.parametrize("text", [True, False])
async def test_a_bad_frame_is_an_error_and_the_connection_goes_on(
    text: bool, premises: Premises, virtual_time: MockClock
) -> None:
    for name, (payload, code, command_id) in (JSON_FRAMES if text else MSGPACK_FRAMES).items():
        client = await inside(premises, text=text)
        client.send_payload(payload)
        error = await client.next("error")
        assert_clear(error, code, name)
        assert error.get("id") == command_id, name
        assert (await client.ask("ping"))["type"] == "pong", name
    await still_works(premises, client)


async def test_fields_that_are_not_known_are_ignored(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    client.send("ping", id=1, surprise={"deep": [1, 2, {"er": None}]})
    assert (await client.next("pong"))["id"] == 1


# --- Websockets that are none ---------------------------------------------------------------------

CLOSES = {
    "text on msgpack": (False, masked(b"hello", Opcode.TEXT), CloseCode.WRONG_KIND),
    "binary on json": (True, masked(b"{}", Opcode.BINARY), CloseCode.WRONG_KIND),
    "invalid UTF-8": (True, masked(b'{"type":"\xff"}', Opcode.TEXT), CloseCode.NOT_UTF8),
    "a byte too much": (
        True,
        masked(b" " * (Limits().frame_bytes + 1), Opcode.TEXT),
        CloseCode.TOO_BIG,
    ),
    "a byte too much in fragments": (
        True,
        masked(b" " * 100_000, Opcode.TEXT, fin=False)
        + masked(b" " * (Limits().frame_bytes + 1 - 100_000), Opcode.CONTINUATION),
        CloseCode.TOO_BIG,
    ),
    "not masked": (True, b"\x81\x02{}", CloseCode.PROTOCOL_ERROR),
    "a reserved bit": (True, b"\xc1\x82\0\0\0\0{}", CloseCode.PROTOCOL_ERROR),
    "an opcode of nobody": (True, masked(b"{}", 0x5), CloseCode.PROTOCOL_ERROR),
}


async def test_a_broken_websocket_is_closed_with_its_code_and_no_other_one(
    premises: Premises, virtual_time: MockClock
) -> None:
    other = await inside(premises, "sam")
    for name, (text, data, code) in CLOSES.items():
        client = await inside(premises, text=text)
        client.send_raw(data)
        assert (await end_of(client))[0] == code, name
        assert (await other.ask("ping"))["type"] == "pong", name
    await still_works(premises, other)


async def test_a_frame_of_exactly_the_limit_is_read(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    ping = b'{"type":"ping","id":3}'
    client.send_payload(ping + b" " * (Limits().frame_bytes - len(ping)))
    assert (await client.next("pong"))["id"] == 3


async def test_who_sends_only_malformed_frames_is_closed_with_1008(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    for _ in range(MALFORMED_MAX):
        client.send_payload(b"{")
        await client.next("error")
    client.send_payload(b"{")
    assert (await end_of(client))[0] == CloseCode.POLICY


async def test_malformed_frames_now_and_then_are_forgiven(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    for _ in range(3 * MALFORMED_MAX):
        client.send_payload(b"{")
        await client.next("error")
        await client.ask("ping")
    await still_works(premises, client)


# --- Coming in ------------------------------------------------------------------------------------

FIRST_FRAMES = {
    "a command": b'{"type":"send","conversation":"c1","client_message_id":"m","text":"t"}',
    "an unknown type": b'{"type":"frobnicate"}',
    "no frame": b"\x00\x01",
    "a hello without a device": b'{"type":"hello","token":"t"}',
    "a hello with a bad device": b'{"type":"hello","token":"t","device":"a b"}',
    "a hello with a bad cursor": b'{"type":"hello","token":"t","device":"d","cursor":7}',
    "too deep": b"[" * DEEP,
}


async def test_the_first_frame_must_be_a_hello(premises: Premises, virtual_time: MockClock) -> None:
    for name, payload in FIRST_FRAMES.items():
        client = await premises.socket(text=True)
        client.send_payload(payload)
        assert (await end_of(client))[0] == CloseCode.BAD_HELLO, name
        assert not client.frames
    await still_works(premises, await inside(premises))


async def test_a_command_in_the_same_breath_before_the_hello_is_not_carried_out(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await premises.socket(text=True)
    client.send_raw(
        masked(variation(), Opcode.TEXT)
        + masked(
            msgspec.json.encode({"type": "hello", "token": premises.token("carla"), "device": "d"}),
            Opcode.TEXT,
        )
    )
    assert (await end_of(client))[0] == CloseCode.BAD_HELLO
    await still_works(premises, await inside(premises))


async def test_who_says_nothing_is_closed_with_4004(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await premises.socket(text=True)
    began = trio.current_time()
    assert (await end_of(client))[0] == CloseCode.NO_HELLO
    assert trio.current_time() - began == pytest.approx(10.0)


async def test_a_second_hello_is_an_error_and_changes_nothing(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    reply = await client.ask("hello", token=premises.token("olivia"), device="d2")
    assert_clear(reply, "bad_request")
    ack = await client.ask("send", conversation="c1", client_message_id="m", text="Who am I?")
    assert ack["type"] == "ack"
    (message,) = await everything(client, "c1")
    assert message["author"] == "carla"


async def refused_hello(premises: Premises, token: str, device: str = "d1") -> int:
    client = await premises.socket(text=True)
    client.send("hello", token=token, device=device)
    code, reason = await end_of(client)
    assert not client.frames, "nothing is told to who does not come in"
    assert reason
    return code


def _flipped(token: str) -> str:
    middle = len(token) // 3
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


async def test_a_token_that_is_none_is_refused(premises: Premises, virtual_time: MockClock) -> None:
    good = premises.token("carla")
    strangers = premises.node.tokens.issue(BUSINESS, "nobody", premises.clock(), HOUR_MS)[0]
    foreign = premises.node.tokens.issue("elsewhere", "carla", premises.clock(), HOUR_MS)[0]
    for bad in ("", "x", good[:-1], _flipped(good), "ü" * 40, "\0", good * 2, strangers, foreign):
        assert await refused_hello(premises, bad) == CloseCode.UNAUTHENTICATED


async def test_an_expired_token_is_refused(premises: Premises, virtual_time: MockClock) -> None:
    token = premises.token("carla", seconds=60)
    await trio.sleep(59)
    client = await premises.enter("carla", "d1", token=token)
    await client.next("welcome")
    await trio.sleep(2)
    assert await refused_hello(premises, token, "d2") == CloseCode.UNAUTHENTICATED


async def test_a_session_token_is_good_on_its_device_alone(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await premises.enter("carla", "phone")
    session_token = (await client.next("welcome"))["session_token"]
    assert await refused_hello(premises, session_token, "laptop") == CloseCode.UNAUTHENTICATED
    again = await premises.enter("carla", "phone", token=session_token)
    await again.next("welcome")


async def test_a_connection_ends_when_its_session_token_does(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(session_token_seconds=120)) as premises:
        client = await premises.enter("carla", "phone")
        welcome = await client.next("welcome")
        assert (await end_of(client))[0] == CloseCode.UNAUTHENTICATED
        assert premises.clock() >= welcome["session_token_expires_at"]
        token = welcome["session_token"]
        assert await refused_hello(premises, token, "phone") == CloseCode.UNAUTHENTICATED


async def test_who_is_deactivated_does_not_come_in(
    premises: Premises, virtual_time: MockClock
) -> None:
    token = premises.token("carla")
    await premises.put("carla", Role.CUSTOMER, active=False)
    assert await refused_hello(premises, token) == CloseCode.DEACTIVATED


# --- Ids of nothing, and of others ----------------------------------------------------------------

ABOUT_A_CONVERSATION: dict[str, dict[str, Any]] = {
    "send": {"client_message_id": "m", "text": "t"},
    "edit": {"seq": 1, "text": "t"},
    "delete": {"seq": 1},
    "receipt": {"delivered_up_to": 1, "read_up_to": 1},
    "history": {},
    "open": {},
    "add_member": {"person": "mia"},
    "remove_member": {"person": "carla"},
    "leave": {},
    "receipts": {"seq": 1},
    "versions": {"seq": 1},
}
"""Every command that names a conversation and has a reply."""


async def next_door(premises: Premises) -> None:
    """Another business, with a conversation of its own."""
    database = premises.node.database
    await database.create_business("next-door", "Next Door", hash_key("n"), premises.clock())
    live = await premises.node.live("next-door")
    assert live is not None
    for person, role in (("nora", Role.OWNER), ("ned", Role.STAFF)):
        change = ChangePerson("test", None, Person(person, person, role), ("main",))
        await live.desk.ask(DESK, change, 10.0)
    nora = Speaker("nora", "nora", Role.OWNER, "d")
    await creating.create(premises.node.queries, live, nora, "group", ("ned",), "", "theirs")


async def test_what_is_not_there_and_what_is_foreign_cannot_be_told_apart(
    premises: Premises, virtual_time: MockClock
) -> None:
    await next_door(premises)
    await premises.group("c2", "mia", "sam")
    client = await inside(premises, "carla")
    for command, fields in ABOUT_A_CONVERSATION.items():
        answers = []
        for conversation in ("nowhere", "c2", "theirs"):
            answer = await client.ask(command, conversation=conversation, **fields)
            del answer["id"]
            answers.append(answer)
        assert_clear(answers[0], "forbidden" if command == "remove_member" else "not_found")
        assert answers[0] == answers[1] == answers[2]
    await still_works(premises, client)


async def test_a_seq_that_does_not_exist_is_not_found(
    premises: Premises, virtual_time: MockClock
) -> None:
    await premises.say("c1", "sam", "the only one", "m")
    client = await inside(premises, "olivia")
    for command in ("edit", "delete", "receipts", "versions"):
        fields = {"text": "t"} if command == "edit" else {}
        for seq in (0, 2, 2**40, 2**53 - 1):
            answer = await client.ask(command, conversation="c1", seq=seq, **fields)
            assert_clear(answer, "not_found", f"{command} {seq}")
    assert [m["text"] for m in await everything(client, "c1")] == ["the only one"]


async def test_other_ids_of_nothing(premises: Premises, virtual_time: MockClock) -> None:
    client = await inside(premises, "sam")
    send = await client.ask("send", conversation="c1", client_message_id="m", text="t", reply_to=9)
    assert_clear(send, "not_found")
    assert send["client_message_id"] == "m"
    assert_clear(await client.ask("add_member", conversation="c1", person="nobody"), "not_found")
    for people in (["nobody"], ["carla", "nobody"]):
        answer = await client.ask("create", kind="group", people=people)
        assert_clear(answer, "not_found")
    for people in ([], ["sam"], ["carla", "mia"]):
        answer = await client.ask("create", kind="direct", people=people)
        assert_clear(answer, "bad_request")
    assert (await client.ask("watch", people=["nobody", "carla"]))["type"] == "ok"
    (shown,) = (await client.next("presence"))["people"]
    assert shown["person"] == "carla"
    await still_works(premises, client)


async def test_both_ends_of_history_are_too_many(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    assert_clear(await client.ask("history", conversation="c1", before=1, after=1), "bad_request")
    for limit in (0, 10**9):
        assert (await client.ask("history", conversation="c1", limit=limit))["type"] == "page"


# --- Too much -------------------------------------------------------------------------------------

TEXTS = {
    "empty": ("", "bad_request"),
    "blank": (" \n\t\u2003", "bad_request"),
    "a bell": ("ring\x07", "bad_request"),
    "a zero": ("a\0b", "bad_request"),
    "one byte too long": ("ü" * (Limits().text_bytes // 2) + "x", "too_large"),
}


async def test_a_text_that_cannot_be_said_is_refused_as_new_and_as_edit(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises)
    await client.ask("send", conversation="c1", client_message_id="m1", text="before")
    for name, (text, code) in TEXTS.items():
        said = {"conversation": "c1", "text": text}
        assert_clear(await client.ask("send", client_message_id="m2", **said), code, name)
        assert_clear(await client.ask("edit", seq=1, **said), code, name)
    longest = "ü" * (Limits().text_bytes // 2)
    again = await client.ask("send", conversation="c1", client_message_id="m2", text=longest)
    assert again["type"] == "ack", "a refused id is free to be used well"
    assert [m["text"] for m in await everything(client, "c1")] == ["before", longest]


async def test_lists_and_labels_that_are_too_large(
    premises: Premises, virtual_time: MockClock
) -> None:
    client = await inside(premises, "sam")
    watch = await client.ask("watch", people=[f"p{n}" for n in range(Limits().watch_people + 1)])
    assert_clear(watch, "too_large")
    title = await client.ask("create", kind="group", people=["carla"], title="x" * 201)
    assert_clear(title, "too_large")
    line = await client.ask("create", kind="group", people=["carla"], title="two\nlines")
    assert_clear(line, "bad_request")
    await still_works(premises, client)


async def test_members_beyond_the_limit(virtual_time: MockClock, folder: Path) -> None:
    people = {"olivia": Role.OWNER} | {f"s{n}": Role.STAFF for n in range(4)}
    async with opened(folder, freely(members=3), people) as premises:
        client = await inside(premises, "s0")
        answer = await client.ask("create", kind="group", people=["s1", "s2", "s3"])
        assert_clear(answer, "too_large")
        await premises.group("c1", "s0", "s1")
        assert_clear(await client.ask("add_member", conversation="c1", person="s2"), "too_large")


async def test_commands_beyond_the_rate_are_refused_until_it_allows_them(
    virtual_time: MockClock, folder: Path
) -> None:
    settings = freely(commands_per_second=10, commands_burst=20)
    async with opened(folder, settings) as premises:
        await premises.group("c1", "carla", "sam")
        client = await inside(premises)
        for number in range(30):
            send = {"conversation": "c1", "client_message_id": f"m{number}", "text": "t"}
            client.send("send", id=number, **send)
        replies = [await client.reply(number) for number in range(30)]
        refused = [r for r in replies if r["type"] == "error"]
        assert 0 < len(refused) <= 10
        for error in refused:
            assert_clear(error, "rate_limited")
            assert error["client_message_id"]
            assert 0 < error["retry_after"] <= 1
        await trio.sleep(max(e["retry_after"] for e in refused) + len(refused) / 10)
        for error in refused:
            send = {"client_message_id": error["client_message_id"], "text": "t"}
            assert (await client.ask("send", conversation="c1", **send))["type"] == "ack"
        stored = await _read(premises)
        assert sorted(m["client_message_id"] for m in stored) == sorted(
            f"m{number}" for number in range(30)
        )


async def _read(premises: Premises) -> list[Frame]:
    """All of `c1`, for a reader whom no rate limits."""
    live, queries = premises.live, premises.node.queries
    found = await queries.history(viewer_of(live, "olivia", Role.OWNER), "c1", None, 0, 200)
    assert found is not None
    return [msgspec.to_builtins(m) for m in found[0]]


# --- The disk -------------------------------------------------------------------------------------


async def page_limit(premises: Premises, pages: int) -> int:
    """Let the database file have at most so many pages; how many it has."""
    writer = premises.node.database._writer

    def limit(connection: Any) -> int:
        connection.execute(f"PRAGMA max_page_count={pages}")
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        return int(count)

    return await writer.run(limit)


@pytest.mark.requirement("R22")
async def test_a_full_disk_refuses_loses_nothing_and_goes_on_when_there_is_room(
    premises: Premises, virtual_time: MockClock
) -> None:
    sender, reader = await inside(premises), await inside(premises, "sam")
    acked: dict[str, int] = {}
    refused: list[str] = []
    await page_limit(premises, await page_limit(premises, 2**30) + 40)
    number = 0
    while len(refused) < 5:
        number += 1
        id_ = f"m{number}"
        answer = await sender.ask(
            "send", conversation="c1", client_message_id=id_, text=id_ + " " + "x" * 4000
        )
        if answer["type"] == "ack":
            acked[id_] = answer["seq"]
        else:
            assert_clear(answer, "storage_failed")
            assert answer["client_message_id"] == id_
            assert answer["retry_after"] > 0
            refused.append(id_)
        assert number < 500
    assert acked, "some were stored before the disk was full"
    created = await sender.ask("create", kind="group", people=["sam"], title="t" * 200)
    assert created["type"] in ("conversation", "error")
    assert (await sender.ask("history", conversation="c1"))["type"] == "page"

    await page_limit(premises, 2**30)
    for id_ in refused:
        answer = await sender.ask(
            "send", conversation="c1", client_message_id=id_, text=id_ + " " + "x" * 4000
        )
        assert answer["type"] == "ack", answer
        acked[id_] = answer["seq"]
    stored = await everything(sender, "c1")
    assert {m["client_message_id"]: m["seq"] for m in stored} == acked
    assert [m["seq"] for m in stored] == list(range(1, len(acked) + 1))
    shown = [(await reader.skip_to("message"))["client_message_id"] for _ in stored]
    assert shown == [m["client_message_id"] for m in stored]


async def test_a_send_that_is_malformed_is_answered_by_its_name(
    premises: Premises, virtual_time: MockClock
) -> None:
    """A client finds the send that waits by its ``client_message_id``, also without an ``id``."""
    client = await inside(premises)
    client.send("send", conversation="c1", client_message_id="m7", text=7)
    error = await client.next("error")
    assert (error["code"], error["client_message_id"]) == ("bad_request", "m7")
