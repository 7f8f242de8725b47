"""Frames to bytes and back, in MessagePack: the subprotocol `deskbell.v1.msgpack`."""

from dataclasses import dataclass
from typing import Any

import msgpack  # type: ignore[import-untyped]

from deskbell_client import events, mapping, replies
from deskbell_client.commands import Command
from deskbell_client.errors import WireError
from deskbell_client.records import Message, Note

SUBPROTOCOL = "deskbell.v1.msgpack"
MAX_FRAME_BYTES = 16 * 2**20
"""The largest frame taken from a server: a full page of the longest messages fits twice."""


@dataclass(frozen=True)
class Unknown:
    """A frame of a type that version 1 does not have: to be ignored."""

    type: str


ServerFrame = replies.Reply | events.StoredEvent | events.PassingEvent | Unknown

FRAMES: dict[str, type[Any]] = {
    "welcome": replies.Welcome,
    "ack": replies.Ack,
    "ok": replies.Ok,
    "error": replies.Error,
    "pong": replies.Pong,
    "page": replies.Page,
    "conversation_list": replies.ConversationList,
    "conversation": replies.ConversationReply,
    "receipt_list": replies.ReceiptList,
    "version_list": replies.VersionList,
    "person_list": replies.PersonList,
    "note_list": replies.NoteList,
    "found_list": replies.FoundList,
    "message": Message,
    "message_edited": events.MessageEdited,
    "message_deleted": events.MessageDeleted,
    "attachment_changed": events.AttachmentChanged,
    "receipt": events.ReceiptsMoved,
    "conversation_added": events.ConversationAdded,
    "conversation_removed": events.ConversationRemoved,
    "handling_changed": events.HandlingChanged,
    "note": Note,
    "marked": events.Marked,
    "business_changed": events.BusinessChanged,
    "privacy_changed": events.PrivacyChanged,
    "person_changed": events.PersonChanged,
    "visibility_changed": events.VisibilityChanged,
    "resumed": events.Resumed,
    "typing": events.TypingChanged,
    "presence": events.PresenceChanged,
}
"""What the server sends, by the ``type`` on the wire."""


def encode(command: Command[Any], id: int | None = None) -> bytes:  # noqa: A002 - the wire's word
    """The bytes of ``command``; raises `WireError` for text that is not Unicode."""
    head: dict[str, Any] = {"type": command.name}
    if id is not None:
        head["id"] = id
    try:
        packed: bytes = msgpack.packb(head | mapping.write(command))
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise WireError(f"{command.name} cannot be encoded: {error}") from None
    return packed


def decode(data: bytes) -> ServerFrame:
    """The frame in ``data``; raises `WireError` if there is none."""
    try:
        value = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise WireError(f"not MessagePack: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise WireError("a frame is a map with a type")
    kind = FRAMES.get(value["type"])
    if kind is None:
        return Unknown(value["type"])
    try:
        frame: ServerFrame = mapping.read(kind, value)
    except WireError as error:
        raise WireError(str(error), value["id"] if type(value.get("id")) is int else None) from None
    return frame
