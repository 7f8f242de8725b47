"""Bytes to commands and frames to bytes, in both encodings of the one schema. Sans-I/O."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from domain.ids import is_id
from domain.refusal import Code, Refusal
from protocol.commands import AnyCommand, Command, Send
from protocol.frames import Frame
from protocol.framing import Opcode, frame

JSON_SUBPROTOCOL = "deskbell.v1.json"
MSGPACK_SUBPROTOCOL = "deskbell.v1.msgpack"

_UINT_MAX = 2**53 - 1
_SHAPE = Refusal(Code.BAD_REQUEST, "This is not a well-formed frame. Correct it; see the protocol.")
_DEPTH = Refusal(Code.BAD_REQUEST, "The frame is nested too deeply.")


class _Encoder(Protocol):
    def encode(self, obj: object, /) -> bytes: ...


class _Decoder(Protocol):
    def decode(self, buf: bytes, /) -> object: ...


class _Tag(msgspec.Struct, frozen=True):
    """As much of a frame as an answer to it needs, whatever the client put there."""

    type: object = None
    id: object = None
    client_message_id: object = None


_SEND = str(Send.__struct_config__.tag)
_FIELD = re.compile(r"(?:at `\$\.|required field `)(\w+)")
"""Where msgspec names the field in its errors."""

_KNOWN = frozenset(str(struct.__struct_config__.tag) for struct in AnyCommand.__args__)


@dataclass(frozen=True)
class Malformed:
    """A frame that is no command: why, and what an answer echoes of it, where it is readable."""

    refusal: Refusal
    id: int | None = None
    client_message_id: str = ""
    """Of a `send` alone."""


class Codec:
    """One encoding: its subprotocol, and the two directions."""

    def __init__(
        self,
        subprotocol: str,
        encoder: _Encoder,
        command: _Decoder,
        tag: Callable[[bytes], _Tag],
        opcode: Opcode,
    ) -> None:
        self.subprotocol = subprotocol
        self.opcode = opcode
        self.encode = encoder.encode
        self._command = command
        self._tag = tag

    def framed(self, value: Frame) -> bytes:
        """``value`` encoded and framed once, for every connection of this codec."""
        return frame(self.encode(value), self.opcode)

    def decode(self, payload: bytes) -> Command | Malformed:
        """The command in ``payload``, or what is wrong with it. Never raises on any bytes."""
        try:
            command = self._command.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._malformed(payload, str(error))
        except RecursionError:
            return Malformed(_DEPTH)
        assert isinstance(command, Command)
        return command

    def _malformed(self, payload: bytes, why: str) -> Malformed:
        try:
            tag = self._tag(payload)
        except (msgspec.DecodeError, ValueError, LookupError, TypeError, RecursionError):
            return Malformed(_SHAPE)
        if not isinstance(tag.type, str):
            return Malformed(_SHAPE)
        id_ = tag.id if type(tag.id) is int and 0 <= tag.id <= _UINT_MAX else None
        if tag.type not in _KNOWN:
            refusal = Refusal(Code.UNKNOWN_TYPE, "There is no such command in version 1.")
            return Malformed(refusal, id_)
        field = _FIELD.search(why)
        which = f"The field {field[1]!r}" if field else "A field"
        refusal = Refusal(
            Code.BAD_REQUEST, f"{which} of {tag.type!r} is missing or of the wrong type."
        )
        sent = tag.client_message_id
        echoed = tag.type == _SEND and isinstance(sent, str) and is_id(sent)
        return Malformed(refusal, id_, str(sent) if echoed else "")


_read_json = msgspec.json.Decoder(_Tag).decode


def _json_tag(payload: bytes) -> _Tag:
    try:
        return _read_json(payload)
    except msgspec.DecodeError:
        # Half a character (a lone surrogate) in a text stops msgspec, but not the standard library.
        frame = json.loads(payload)
        return _Tag(frame["type"], frame.get("id"), frame.get("client_message_id"))


def json_codec() -> Codec:
    """The encoding of `deskbell.v1.json`: one text message per frame."""
    return Codec(
        JSON_SUBPROTOCOL,
        msgspec.json.Encoder(),
        msgspec.json.Decoder(AnyCommand),
        _json_tag,
        Opcode.TEXT,
    )


def msgpack_codec() -> Codec:
    """The encoding of `deskbell.v1.msgpack`: one binary message per frame."""
    return Codec(
        MSGPACK_SUBPROTOCOL,
        msgspec.msgpack.Encoder(),
        msgspec.msgpack.Decoder(AnyCommand),
        msgspec.msgpack.Decoder(_Tag).decode,
        Opcode.BINARY,
    )
