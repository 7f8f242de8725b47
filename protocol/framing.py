"""RFC 6455 framing of the server's side, sans-I/O: bytes to messages, messages to frames.

No extension is ever negotiated, so a reserved bit is always an error.
"""

from codecs import utf_8_decode
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocol.close_codes import CloseCode

MAX_CONTROL_PAYLOAD: Final = 125
"""Bytes of payload that a control frame may carry (RFC 6455 5.5)."""

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_CONTROL: Final = 0x08
_MASKED: Final = 0x80
_SIZE: Final = 0x7F
_WHOLE_TEXT: Final = 0x81
_WHOLE: Final = (0x81, 0x82)
_NO_FRAME: Final = -1
_ANY: Final = -1
_CLOSE_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015)})


class Opcode(IntEnum):
    """What a frame is (RFC 6455 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


def frame(payload: bytes, opcode: int = Opcode.BINARY) -> bytes:
    """One whole unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, size)) + payload
    if size < 65536:
        return bytes((_FIN | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what fits, at a character's boundary."""
    text = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore").encode()
    return frame(code.to_bytes(2, "big") + text, Opcode.CLOSE)


def unmask(payload: bytes, mask: bytes) -> bytes:
    """``payload`` combined with the four bytes of ``mask`` over and over; its own inverse."""
    size = len(payload)
    key = (mask * ((size + 3) >> 2))[:size]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return mixed.to_bytes(size, "little")


@dataclass(frozen=True, slots=True)
class Violation:
    """What a client did that ends its connection: the close code to answer, and why."""

    code: CloseCode
    reason: str


Run = tuple[int, list[bytes]]
"""An opcode, and: payloads of consecutive data messages of that kind, or one raw control frame."""


class FrameParser:
    """The frames that one client sends, assembled and checked.

    ``feed`` takes bytes as they arrive; ``next_run`` gives what is complete, in order, until it
    answers ``None``. A control frame is a run of its own, given raw, masked as it came: what
    stands behind it is not looked at before the next call, so that a caller who answers it
    first keeps the order. ``violation`` is set once the client broke a rule; what came before
    is still given, what comes after is ignored.

    Nothing is held beyond one unfinished message (at most ``max_message_size`` bytes in at most
    ``max_fragments`` frames) and the bytes fed but not yet asked for.
    """

    __slots__ = (
        "_assembling",
        "_at",
        "_beginnings",
        "_character",
        "_data",
        "_expect",
        "_fragments",
        "_last",
        "_mask",
        "_max_fragments",
        "_max_message_size",
        "_message",
        "_missing",
        "drained",
        "violation",
    )

    def __init__(
        self,
        *,
        max_message_size: int = 131_072,
        max_fragments: int = 1024,
        expect: Opcode | None = None,
    ) -> None:
        """``expect``: TEXT or BINARY where the other kind is refused (1003); None takes both."""
        self.violation: Violation | None = None
        self.drained = True
        """Whether ``next_run`` would answer None without looking: all that was fed is taken."""
        self._max_message_size = max_message_size
        self._max_fragments = max_fragments
        self._expect = expect
        self._beginnings = _WHOLE if expect is None else (expect | _FIN,)
        self._data = b""
        self._at = 0
        # The message being assembled: its opcode (0 between messages), bytes and frames so far,
        # and the bytes of a character that is cut in two.
        self._assembling = 0
        self._message = bytearray()
        self._fragments = 0
        self._character = b""
        # The data frame being read: whether it is the message's last, its mask, bytes to come.
        self._last = False
        self._mask = b""
        self._missing = _NO_FRAME

    def feed(self, data: bytes) -> None:
        """Take what arrived. Call ``next_run`` until it answers None before feeding more."""
        if self.violation is not None:
            return
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data = data
        self._at = 0
        self.drained = False

    @property
    def buffered(self) -> int:
        """Bytes that are held: fed and not yet given out, and of an unfinished message."""
        return len(self._data) - self._at + len(self._message)

    def next_run(self) -> Run | None:
        """The next complete messages or control frame; None when more bytes are needed."""
        if self.drained:
            return None
        messages: list[bytes] = []
        kind = self._assembling
        while self.violation is None:
            if not self._assembling:
                kind = self._whole_frames(messages, kind)
                if self._at == len(self._data):
                    break
            if self._missing >= 0:
                if not self._payload_part():
                    break
            else:
                if messages and self._next_opcode() not in (kind, Opcode.CONTINUATION):
                    break
                control = self._header()
                if control is not None:
                    return control
                if self._missing < 0:
                    break
                kind = self._assembling
            self._end_of_frame(messages)
        if self._at == len(self._data) or self.violation is not None:
            self._data, self._at = b"", 0
            self.drained = True
        return (kind, messages) if messages else None

    def _whole_frames(self, messages: list[bytes], kind: int) -> int:
        """The fast path: take unfragmented data frames of one kind that are complete."""
        data = self._data
        at = self._at
        end = len(data)
        wanted = kind | _FIN if messages else _ANY
        limit = self._max_message_size
        while end - at >= 6:
            first = data[at]
            if first != wanted:
                if wanted != _ANY or first not in self._beginnings:
                    break
                wanted = first
            size = data[at + 1] - _MASKED
            start = at + 6
            if size == 126:
                if end - at < 8:
                    break
                size = data[at + 2] << 8 | data[at + 3]
                start = at + 8
                if size < 126:
                    break
            elif not 0 <= size < 126:
                break
            stop = start + size
            if stop > end or size > limit:
                break
            key = (data[start - 4 : start] * ((size + 3) >> 2))[:size]
            payload = (
                int.from_bytes(data[start:stop], "little") ^ int.from_bytes(key, "little")
            ).to_bytes(size, "little")
            if first == _WHOLE_TEXT and not payload.isascii() and not self._is_text(payload):
                break
            messages.append(payload)
            at = stop
        self._at = at
        return wanted & _OPCODE if messages else kind

    def _is_text(self, payload: bytes) -> bool:
        try:
            utf_8_decode(payload, "strict", True)
        except UnicodeDecodeError:
            self._violate(CloseCode.NOT_UTF8, "a text message is not UTF-8")
            return False
        return True

    def _next_opcode(self) -> int:
        """The opcode at the front; CONTINUATION too when nothing is there to tell."""
        return self._data[self._at] & _OPCODE if self._at < len(self._data) else 0

    def _header(self) -> Run | None:
        """Take the next header: of a data frame to begin, or with its payload a control frame."""
        data, at = self._data, self._at
        held = len(data) - at
        if held < 2:
            return None
        first, second = data[at], data[at + 1]
        opcode, size = first & _OPCODE, second & _SIZE
        if fault := self._fault(first, opcode, second):
            self._violate(CloseCode.PROTOCOL_ERROR, fault)
            return None
        if self._expect is not None and opcode in (1, 2) and opcode != self._expect:
            self._violate(CloseCode.WRONG_KIND, "this subprotocol has the other kind")
            return None
        length = 2 if size == 126 else 8 if size == 127 else 0
        start = at + 2 + length + 4
        if held < start - at:
            return None
        if length:
            size = int.from_bytes(data[at + 2 : at + 2 + length], "big")
            if size < 126 or (length == 8 and not 65535 < size < 1 << 63):
                self._violate(CloseCode.PROTOCOL_ERROR, "a length in too many bytes")
                return None
        if opcode & _CONTROL:
            return self._control(opcode, start, start + size)
        self._begin(first, opcode, start, size)
        return None

    def _fault(self, first: int, opcode: int, second: int) -> str:
        """What is wrong with the first two bytes of a frame, or nothing."""
        if first & _RESERVED:
            return "a reserved bit is set"
        if not second & _MASKED:
            return "a frame is not masked"
        if opcode & _CONTROL:
            if opcode > Opcode.PONG:
                return "a reserved opcode"
            if not first & _FIN:
                return "a control frame is fragmented"
            return "a control frame is too long" if second & _SIZE > MAX_CONTROL_PAYLOAD else ""
        if opcode > Opcode.BINARY:
            return "a reserved opcode"
        if opcode and self._assembling:
            return "a message begins within another"
        if not opcode and not self._assembling:
            return "a continuation of nothing"
        return ""

    def _control(self, opcode: int, start: int, stop: int) -> Run | None:
        if stop > len(self._data):
            return None
        raw = self._data[self._at : stop]
        self._at = stop
        if opcode == Opcode.CLOSE:
            payload = unmask(self._data[start:stop], self._data[start - 4 : start])
            if violation := _close_fault(payload):
                self.violation = violation
                return None
        return opcode, [raw]

    def _begin(self, first: int, opcode: int, start: int, size: int) -> None:
        if len(self._message) + size > self._max_message_size:
            self._violate(CloseCode.TOO_BIG, f"over {self._max_message_size} bytes")
            return
        if self._fragments >= self._max_fragments:
            self._violate(CloseCode.TOO_BIG, f"over {self._max_fragments} fragments")
            return
        self._fragments += 1
        self._assembling = opcode or self._assembling
        self._last = bool(first & _FIN)
        self._mask = self._data[start - 4 : start]
        self._missing = size
        self._at = start

    def _payload_part(self) -> bool:
        """Take what is there of the frame's payload; whether the frame is complete."""
        part = self._data[self._at : self._at + self._missing]
        self._at += len(part)
        self._missing -= len(part)
        if part:
            turn = len(part) & 3
            plain = unmask(part, self._mask)
            self._mask = self._mask[turn:] + self._mask[:turn]
            self._message += plain
            if self._assembling == Opcode.TEXT:
                self._check_text(plain)
        return not self._missing

    def _check_text(self, plain: bytes) -> None:
        """Fail as soon as no further byte could make this UTF-8."""
        if plain.isascii() and not self._character:
            return
        plain = self._character + plain
        try:
            _, used = utf_8_decode(plain, "strict", False)
        except UnicodeDecodeError:
            self._violate(CloseCode.NOT_UTF8, "a text message is not UTF-8")
        else:
            self._character = plain[used:]

    def _end_of_frame(self, messages: list[bytes]) -> None:
        """If the frame is complete and its message's last, give the message out."""
        if self._missing or self.violation is not None:
            return
        self._missing = _NO_FRAME
        if not self._last:
            return
        if self._character:
            self._violate(CloseCode.NOT_UTF8, "a text message ends within a character")
            return
        messages.append(bytes(self._message))
        self._message.clear()
        self._assembling = 0
        self._fragments = 0

    def _violate(self, code: CloseCode, reason: str) -> None:
        self.violation = Violation(code, reason)
        self._message.clear()


def _close_fault(payload: bytes) -> Violation | None:
    """What is wrong with a close frame's payload (RFC 6455 5.5.1, 7.4), or None."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
        return Violation(CloseCode.PROTOCOL_ERROR, "a close frame with an invalid code")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        return Violation(CloseCode.NOT_UTF8, "a close reason is not UTF-8")
    return None
