"""What the server sends: replies and events of `docs/protocol.md` sections 2 to 5, as typed frames.

Field order is the document's order: the golden files hold both to the same bytes.
"""

import msgspec

from domain.limits import Limits
from domain.views import (
    Conversation,
    MemberCursor,
    Message,
    MessageReceipt,
    PersonName,
    Presence,
    Version,
)


class Frame(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """One websocket message from the server."""


class Heartbeat(msgspec.Struct, frozen=True):
    ping_after_ms: int
    timeout_ms: int


class Welcome(Frame, tag="welcome", kw_only=True, omit_defaults=False):
    person: str
    role: str
    business: str
    epoch: str
    revision: int
    resume: str
    reset_reason: str | msgspec.UnsetType = msgspec.UNSET
    session_token: str
    session_token_expires_at: int
    server_time: int
    heartbeat: Heartbeat
    limits: Limits


class Ack(Frame, tag="ack", kw_only=True):
    id: int | None = None
    client_message_id: str
    conversation: str
    seq: int
    revision: int
    at: int


class Ok(Frame, tag="ok", kw_only=True):
    id: int
    revision: int = 0


class Error(Frame, tag="error", kw_only=True):
    id: int | None = None
    code: str
    message: str
    retry_after: float = 0.0
    client_message_id: str = ""


class Pong(Frame, tag="pong", kw_only=True):
    id: int | None = None
    server_time: int


class Page(Frame, tag="page", kw_only=True):
    id: int | None = None
    conversation: str
    messages: list[Message]
    more: bool


class ConversationList(Frame, tag="conversation_list", kw_only=True):
    id: int | None = None
    conversations: tuple[Conversation, ...]
    next: str | None = None
    revision: int


class ConversationReply(Frame, tag="conversation", kw_only=True):
    id: int | None = None
    conversation: Conversation


class ReceiptList(Frame, tag="receipt_list", kw_only=True):
    id: int | None = None
    conversation: str
    seq: int
    receipts: tuple[MessageReceipt, ...]


class VersionList(Frame, tag="version_list", kw_only=True):
    id: int | None = None
    conversation: str
    seq: int
    versions: tuple[Version, ...]


class PersonList(Frame, tag="person_list", kw_only=True):
    id: int | None = None
    people: tuple[PersonName, ...]


class MessageEvent(Frame, tag="message", kw_only=True):
    """The fields of `Message`, at the top of the frame."""

    conversation: str
    seq: int
    revision: int
    at: int
    author: str
    kind: str = "text"
    text: str = ""
    person: str = ""
    role: str = ""
    reply_to: int = 0
    client_message_id: str = ""
    edited_at: int = 0
    deleted_at: int = 0


class MessageEdited(Frame, tag="message_edited", kw_only=True):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str
    text: str


class MessageDeleted(Frame, tag="message_deleted", kw_only=True):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str


class ReceiptEvent(Frame, tag="receipt", kw_only=True):
    revision: int
    conversation: str
    receipts: tuple[MemberCursor, ...]


class ConversationAdded(Frame, tag="conversation_added", kw_only=True):
    revision: int
    conversation: Conversation


class ConversationRemoved(Frame, tag="conversation_removed", kw_only=True):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str


class BusinessChanged(Frame, tag="business_changed", kw_only=True, omit_defaults=False):
    revision: int
    read_receipts: bool
    last_seen: bool


class PrivacyChanged(Frame, tag="privacy_changed", kw_only=True, omit_defaults=False):
    revision: int
    read_receipts: bool
    last_seen: bool


class Resumed(Frame, tag="resumed", kw_only=True):
    revision: int


class TypingEvent(Frame, tag="typing", kw_only=True, omit_defaults=False):
    conversation: str
    person: str
    active: bool
    for_ms: int


class PresenceEvent(Frame, tag="presence", kw_only=True):
    people: tuple[Presence, ...]


REPLIES = (
    Welcome,
    Ack,
    Ok,
    Error,
    Pong,
    Page,
    ConversationList,
    ConversationReply,
    ReceiptList,
    VersionList,
    PersonList,
)
EVENTS = (
    MessageEvent,
    MessageEdited,
    MessageDeleted,
    ReceiptEvent,
    ConversationAdded,
    ConversationRemoved,
    BusinessChanged,
    PrivacyChanged,
    Resumed,
    TypingEvent,
    PresenceEvent,
)
