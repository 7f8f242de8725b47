"""What is no command is answered as far as it can be read: who waits for it must hear of it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from domain.refusal import Code
from protocol.codec import Codec, Malformed, json_codec, msgpack_codec

Encode = Callable[[Any], bytes]

both = pytest.mark.parametrize(
    ("codec", "encode"),
    [(json_codec(), msgspec.json.encode), (msgpack_codec(), msgspec.msgpack.encode)],
    ids=["json", "msgpack"],
)


def malformed(codec: Codec, payload: bytes) -> Malformed:
    found = codec.decode(payload)
    assert isinstance(found, Malformed)
    return found


@both
def test_a_malformed_send_echoes_what_names_it(codec: Codec, encode: Encode) -> None:
    frame = {"type": "send", "id": 7, "conversation": "c1", "client_message_id": "m1", "text": 5}
    found = malformed(codec, encode(frame))
    assert (found.id, found.client_message_id) == (7, "m1")
    assert found.refusal.code is Code.BAD_REQUEST
    assert "'text' of 'send'" in found.refusal.message
    del frame["text"]
    assert "'text' of 'send'" in malformed(codec, encode(frame)).refusal.message


@both
@pytest.mark.parametrize("id_", [1.5, -1, 2**60, "7", True, None])
@pytest.mark.parametrize("sent", [5, "a b", "", None, ["m1"]])
def test_what_cannot_be_an_id_is_not_echoed(
    codec: Codec, encode: Encode, id_: object, sent: object
) -> None:
    frame = {"type": "send", "id": id_, "client_message_id": sent}
    found = malformed(codec, encode(frame))
    assert (found.id, found.client_message_id) == (None, "")


@both
def test_only_a_send_has_a_client_message_id(codec: Codec, encode: Encode) -> None:
    found = malformed(codec, encode({"type": "edit", "id": 3, "client_message_id": "m1"}))
    assert (found.id, found.client_message_id) == (3, "")
    found = malformed(codec, encode({"type": "shout", "id": 3, "client_message_id": "m1"}))
    assert (found.id, found.client_message_id) == (3, "")
    assert found.refusal.code is Code.UNKNOWN_TYPE


def test_half_a_character_is_refused_with_the_name_of_its_message() -> None:
    """A client that cuts a text in the middle of an emoji must not wait for ever."""
    payload = rb'{"type":"send","id":9,"client_message_id":"m1","text":"cut \ud83d"}'
    found = malformed(json_codec(), payload)
    assert (found.id, found.client_message_id) == (9, "m1")


@both
@pytest.mark.parametrize("value", [5, None, [], ["send"], {}, {"type": 5}, {"type": None}])
def test_what_is_no_frame_at_all(codec: Codec, encode: Encode, value: object) -> None:
    assert "well-formed" in malformed(codec, encode(value)).refusal.message


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (json_codec(), b"[" * 100_000),
        (json_codec(), b'{"type":"send","text":' + b"[" * 100_000),
        (json_codec(), b"\xff"),
        (json_codec(), b""),
        (msgpack_codec(), b"\x91" * 100_000),
        (msgpack_codec(), b"\x82\xa4type\xa4send\x81\x01\x02\x03"),
        (msgpack_codec(), b"\x82\xa4type\xa4send\xa4text\xa2\xff\xff"),
        (msgpack_codec(), b"\x81\x90\x01"),
        (msgpack_codec(), b""),
    ],
)
def test_bytes_that_are_nothing_raise_nothing(codec: Codec, payload: bytes) -> None:
    assert malformed(codec, payload).refusal.code is Code.BAD_REQUEST
