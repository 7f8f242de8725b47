"""Frames that are almost right: how valid ones are broken (R29)."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from protocol.framing import Opcode
from tests.faults.raw_client import Frame, masked

GOLDEN = Path(__file__).parents[1] / "golden"
DEEP = 100_000
EXTREMES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**32, 2**53, 2**63, 2**64 - 1, 1.5, 1e308, "", " ", "²", "0" * 5000,
    "x" * 70_000, "\x00", "\u202e", "\U0001f600", "😀" * 40, [], {}, [[]], ["x"] * 300, {"a": {}},
    "../../etc/passwd", "'; DROP TABLE message; --", "%", "_", "c1", "direct", "group",
)  # fmt: skip


def corpus() -> list[Frame]:
    """Every command of the protocol, as the golden files have it."""
    files = sorted(GOLDEN.glob("client-*.json"))
    assert files
    return [json.loads(file.read_text()) for file in files]


class Fuzzer:
    """Makes broken payloads and broken frames, the same ones for the same seed."""

    def __init__(self, seed: int, *, text: bool) -> None:
        self.chance = random.Random(f"fuzz {seed} {text}")
        self.text = text
        self._coder: Any = msgspec.json if text else msgspec.msgpack
        self._corpus = corpus()
        self._payloads: list[bytes] = [self._coder.encode(frame) for frame in self._corpus]
        self._ways: list[Callable[[], bytes]] = [
            self._flipped,
            self._flipped,
            self._cut,
            self._spliced,
            self._repeated,
            self._noise,
            self._another_value,
            self._another_value,
            self._another_field,
            self._hand_made,
        ]

    def payload(self) -> bytes:
        """A message that is hardly a command."""
        return self.chance.choice(self._ways)()

    def frame(self) -> bytes:
        """Bytes that are hardly a websocket frame."""
        chance = self.chance
        opcode = Opcode.TEXT if self.text else Opcode.BINARY
        whole = masked(chance.choice(self._payloads), opcode)
        ways: list[Callable[[], bytes]] = [
            lambda: bytes((whole[0] ^ (1 << chance.randint(0, 7)), *whole[1:])),
            lambda: bytes((whole[0], whole[1] ^ (1 << chance.randint(0, 7)), *whole[2:])),
            lambda: whole[: chance.randint(1, len(whole))],
            lambda: masked(b"x" * 126, Opcode.PING),
            lambda: masked(b"x", Opcode.CLOSE),
            lambda: masked((chance.choice([0, 999, 1005, 1006, 5000])).to_bytes(2), Opcode.CLOSE),
            lambda: masked(b"more", Opcode.CONTINUATION),
            lambda: masked(b"a", opcode, fin=False) + whole,
            lambda: masked(b"a", opcode, fin=False) * 2,
            lambda: masked(b"a", Opcode.PING, fin=False),
            lambda: masked(b"{}", Opcode.BINARY if self.text else Opcode.TEXT),
            lambda: masked(b"\xff\xfe", Opcode.TEXT),
            lambda: bytes((0x80 | opcode, 0xFF)) + (2**63).to_bytes(8) + bytes(4),
            lambda: bytes((0x80 | opcode, 0xFF)) + (2**20).to_bytes(8) + bytes(4),
            lambda: masked(b" " * 140_000, opcode),
            lambda: masked(b"", opcode, fin=False) + masked(b"", 0, fin=False) * 2_000,
            lambda: chance.randbytes(chance.randint(1, 200)),
        ]
        return chance.choice(ways)()

    def _flipped(self) -> bytes:
        data = bytearray(self.chance.choice(self._payloads))
        for _ in range(self.chance.choice([1, 1, 1, 2, 5])):
            data[self.chance.randrange(len(data))] ^= 1 << self.chance.randint(0, 7)
        return bytes(data)

    def _cut(self) -> bytes:
        data = self.chance.choice(self._payloads)
        return data[: self.chance.randrange(len(data))]

    def _spliced(self) -> bytes:
        one, other = self.chance.choice(self._payloads), self.chance.choice(self._payloads)
        return one[: self.chance.randrange(len(one))] + other[self.chance.randrange(len(other)) :]

    def _repeated(self) -> bytes:
        data = self.chance.choice(self._payloads)
        start = self.chance.randrange(len(data))
        end = self.chance.randint(start, len(data))
        return data[:start] + data[start:end] * self.chance.choice([2, 3, 50]) + data[end:]

    def _noise(self) -> bytes:
        return self.chance.randbytes(self.chance.choice([0, 1, 2, 10, 100]))

    def _another_value(self) -> bytes:
        frame = dict(self.chance.choice(self._corpus))
        frame[self.chance.choice(list(frame))] = self.chance.choice(EXTREMES)
        return self._encoded(frame)

    def _another_field(self) -> bytes:
        frame = dict(self.chance.choice(self._corpus))
        if self.chance.random() < 0.5:
            del frame[self.chance.choice(list(frame))]
        else:
            other = self.chance.choice(self._corpus)
            name = self.chance.choice(list(other))
            frame[name] = other[name]
        return self._encoded(frame)

    def _encoded(self, frame: Frame) -> bytes:
        encoded: bytes = self._coder.encode(frame)
        return encoded

    def _hand_made(self) -> bytes:
        if not self.text:
            return self.chance.choice(
                [
                    b"\x91" * DEEP,
                    b"\x81\xa1a" * DEEP,
                    b"\xdf\xff\xff\xff\xff",
                    b"\xdd\xff\xff\xff\xff",
                    b"\xc6\x7f\xff\xff\xff",
                    b"\x82\xa4type\xa4ping\xa4type\xa4send",
                    b"\x82\xa4type\xa4ping\xa2id\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
                    b"\x82\xa4type\xa4open\xacconversation\xa2\xff\xfe",
                    b"\xc1",
                ]
            )
        return self.chance.choice(
            [
                b"[" * DEEP,
                b'{"a":' * (DEEP // 5),
                b'{"type":"ping","id":' + b"9" * 5_000 + b"}",
                b'{"type":"ping","id":1e400}',
                b'{"type":"ping","id":NaN}',
                b'{"type":"ping","id":-0}',
                b'{"type":"ping","type":"send"}',
                b'{"type":"people","search":"\\ud800"}',
                b'{"type":"send","conversation":"c1","client_message_id":"s","text":"\\ud800"}',
                b'{"type":"conversations","before":"' + b"9" * 5_000 + b'"}',
                b'{"type":"conversations","before":"\xc2\xb2"}',
                b'\xef\xbb\xbf{"type":"ping"}',
                b'{"type":"ping"} {"type":"ping"}',
                b"null",
                b'"ping"',
            ]
        )
