"""The SDK's codec: the golden bytes, and what comes from a server that is newer or broken."""

import json
from pathlib import Path
from typing import Any

import msgpack
import pytest

from deskbell_client import commands, mapping, wire
from deskbell_client.errors import WireError
from deskbell_client.records import Message
from tests.clients.scripted import message

GOLDEN = Path(__file__).parent.parent / "golden"
INDEX: list[dict[str, str]] = json.loads((GOLDEN / "index.json").read_text(encoding="utf-8"))
CLIENT = [entry["name"] for entry in INDEX if entry["direction"] == "client"]
SERVER = [entry["name"] for entry in INDEX if entry["direction"] == "server"]
COMMANDS = {kind.name: kind for kind in commands.AnyCommand.__args__}


def golden_map(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return value


def golden_bytes(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.msgpack.hex").read_text(encoding="ascii"))


@pytest.mark.parametrize("name", CLIENT)
def test_a_command_is_encoded_to_the_golden_bytes(name: str) -> None:
    fields = golden_map(name)
    kind = COMMANDS[fields.pop("type")]
    command_id = fields.pop("id", None)

    assert wire.encode(mapping.read(kind, fields), command_id) == golden_bytes(name)


@pytest.mark.parametrize("name", SERVER)
def test_every_field_of_a_server_frame_is_understood(name: str) -> None:
    fields = golden_map(name)
    frame = wire.decode(golden_bytes(name))

    assert isinstance(frame, wire.FRAMES[fields.pop("type")])
    assert_holds(frame, fields)


def assert_holds(record: object, fields: dict[str, Any]) -> None:
    """Every field of the map is in the record, also those that are at their default."""
    for name, expected in fields.items():
        value = getattr(record, name)
        if isinstance(expected, list) and all(isinstance(item, dict) for item in expected):
            assert len(value) == len(expected)
            for item, fields_of_item in zip(value, expected, strict=True):
                assert_holds(item, fields_of_item)
        elif isinstance(expected, dict) and not isinstance(value, dict):
            assert_holds(value, expected)
        else:
            wanted = tuple(expected) if isinstance(expected, list) else expected
            assert (type(value), value) == (type(wanted), wanted)


def test_the_sdk_knows_every_command_and_every_frame() -> None:
    assert set(COMMANDS) == {e["type"] for e in INDEX if e["direction"] == "client"}
    assert set(wire.FRAMES) == {e["type"] for e in INDEX if e["direction"] == "server"}


def test_what_a_newer_server_adds_is_ignored() -> None:
    newer = message(1, 5, reactions=[{"emoji": "🐕"}], pinned=True)

    assert wire.decode(msgpack.packb(newer)) == wire.decode(msgpack.packb(message(1, 5)))
    assert wire.decode(msgpack.packb({"type": "reaction", "seq": 1})) == wire.Unknown("reaction")


def test_defaults_may_be_spelt_out() -> None:
    spelt = message(1, 5) | {"kind": "text", "reply_to": 0, "person": "", "deleted_at": 0}

    assert wire.decode(msgpack.packb(spelt)) == wire.decode(msgpack.packb(message(1, 5)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"not msgpack",
        msgpack.packb([1, 2]),
        msgpack.packb({}),
        msgpack.packb({"type": 7}),
        msgpack.packb({"type": "message"}),
        msgpack.packb(message(1, 5) | {"seq": "1"}),
        msgpack.packb(message(1, 5) | {"seq": True}),
        msgpack.packb({"type": "presence", "people": {"person": "sam"}}),
        msgpack.packb({"type": "presence", "people": ["sam"]}),
        msgpack.packb({"type": "pong", "server_time": 1}) + b"\x00",
        b"\x91" * 2000,
    ],
)
def test_what_is_no_frame_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode(data)


def test_text_that_is_not_unicode_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WireError):
        wire.encode(commands.Send("c1", "m1", "half a pair: \ud83d"))


def test_tokens_are_not_shown() -> None:
    hello = commands.Hello("secret-token", "d1")
    welcome = wire.decode(golden_bytes("server-welcome"))

    assert "secret-token" not in repr(hello)
    assert "session-2" not in repr(welcome)


def test_records_are_immutable_and_compare_by_value() -> None:
    one, other = (wire.decode(msgpack.packb(message(1, 5))) for _ in range(2))

    assert one == other
    assert isinstance(one, Message)
    with pytest.raises(AttributeError):
        one.text = "changed"  # type: ignore[misc]
