"""Bytes to commands and frames to bytes, in both encodings of the one schema. Sans-I/O."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from domain.refusal import Code, Refusal
from protocol.commands import AnyCommand, Command
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
    type: str
    id: int | None = None


_KNOWN = frozenset(str(struct.__struct_config__.tag) for struct in AnyCommand.__args__)


@dataclass(frozen=True)
class Malformed:
    """A frame that is no command: why, and the command's ``id`` where that much could be read."""

    refusal: Refusal
    id: int | None = None


class Codec:
    """One encoding: its subprotocol, and the two directions."""

    def __init__(
        self, subprotocol: str, encoder: _Encoder, command: _Decoder, tag: _Decoder, opcode: Opcode
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
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._malformed(payload)
        except RecursionError:
            return Malformed(_DEPTH)
        assert isinstance(command, Command)
        return command

    def _malformed(self, payload: bytes) -> Malformed:
        try:
            tag = self._tag.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Malformed(_SHAPE)
        assert isinstance(tag, _Tag)
        if tag.type not in _KNOWN:
            return Malformed(
                Refusal(Code.UNKNOWN_TYPE, "There is no such command in version 1."),
                _usable_id(tag.id),
            )
        return Malformed(
            Refusal(Code.BAD_REQUEST, f"A field of {tag.type!r} is missing or of the wrong type."),
            _usable_id(tag.id),
        )


def _usable_id(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _UINT_MAX else None


def json_codec() -> Codec:
    """The encoding of `deskbell.v1.json`: one text message per frame."""
    return Codec(
        JSON_SUBPROTOCOL,
        msgspec.json.Encoder(),
        msgspec.json.Decoder(AnyCommand),
        msgspec.json.Decoder(_Tag),
        Opcode.TEXT,
    )


def msgpack_codec() -> Codec:
    """The encoding of `deskbell.v1.msgpack`: one binary message per frame."""
    return Codec(
        MSGPACK_SUBPROTOCOL,
        msgspec.msgpack.Encoder(),
        msgspec.msgpack.Decoder(AnyCommand),
        msgspec.msgpack.Decoder(_Tag),
        Opcode.BINARY,
    )
