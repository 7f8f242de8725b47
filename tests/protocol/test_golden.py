"""The server's codec against the golden files, which another encoder wrote."""

import json
import runpy
from pathlib import Path
from typing import Union

import msgspec
import pytest

from protocol import codec, commands, frames

GOLDEN = Path(__file__).parent.parent / "golden"
INDEX: list[dict[str, str]] = json.loads((GOLDEN / "index.json").read_text(encoding="utf-8"))
CLIENT = [entry["name"] for entry in INDEX if entry["direction"] == "client"]
SERVER = [entry["name"] for entry in INDEX if entry["direction"] == "server"]
SERVER_FRAME = Union[frames.REPLIES + frames.EVENTS]  # noqa: UP007 - made of a tuple


def golden_map(name: str) -> object:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def golden_json(name: str) -> bytes:
    """The frame as one compact line: what goes over the wire in `deskbell.v1.json`."""
    compact = json.dumps(golden_map(name), ensure_ascii=False, separators=(",", ":"))
    return compact.encode()


def golden_msgpack(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.msgpack.hex").read_text(encoding="ascii"))


@pytest.mark.parametrize("name", CLIENT)
def test_a_client_frame_is_the_same_command_in_both_encodings(name: str) -> None:
    command = codec.json_codec().decode(golden_json(name))

    assert isinstance(command, commands.Command)
    assert codec.msgpack_codec().decode(golden_msgpack(name)) == command


@pytest.mark.parametrize("name", CLIENT)
def test_every_field_of_a_client_frame_is_understood(name: str) -> None:
    command = codec.json_codec().decode(golden_json(name))

    assert json.loads(msgspec.json.encode(command)) == golden_map(name)


@pytest.mark.parametrize("name", SERVER)
def test_a_server_frame_is_encoded_to_the_golden_bytes(name: str) -> None:
    frame = msgspec.convert(golden_map(name), SERVER_FRAME)

    assert shortest(codec.msgpack_codec().encode(frame)) == golden_msgpack(name)
    assert codec.json_codec().encode(frame) == golden_json(name)


def shortest(data: bytes) -> bytes:
    """Each map's length in one byte: the server writes three where something may have 16 fields,
    as a message has since it may name a channel."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(data))


@pytest.mark.parametrize(
    ("direction", "kinds"),
    [
        ("client", msgspec.inspect.type_info(commands.AnyCommand)),
        ("server", msgspec.inspect.type_info(SERVER_FRAME)),
    ],
    ids=["client", "server"],
)
def test_every_kind_of_frame_has_a_golden_file(
    direction: str, kinds: msgspec.inspect.UnionType
) -> None:
    spoken = {kind.tag for kind in kinds.types if isinstance(kind, msgspec.inspect.StructType)}

    assert {entry["type"] for entry in INDEX if entry["direction"] == direction} == spoken


def test_all_frames_that_the_code_defines_are_listed() -> None:
    """So that a struct that was forgotten in the lists of the code is found, too."""
    defined_commands = set(commands.Command.__subclasses__())
    defined_frames = set(frames.Frame.__subclasses__())

    assert set(commands.AnyCommand.__args__) == defined_commands
    assert set(frames.REPLIES + frames.EVENTS) == defined_frames


def test_the_golden_files_are_those_that_the_script_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(GOLDEN))
    wanted: dict[str, str] = runpy.run_path(str(GOLDEN / "write.py"))["files"]()

    on_disk = {
        path.name: path.read_text(encoding="utf-8")
        for path in GOLDEN.iterdir()
        if path.suffix in {".json", ".hex"}
    }
    assert on_disk == wanted
