"""What the server sends: replies and events of `docs/protocol.md` sections 2 to 5, as typed frames.

Field order is the document's order: the golden files hold both to the same bytes.
"""

import msgspec

from domain.channels import APP, Channel
from domain.limits import Limits
from domain.views import (
    Attachment,
    Conversation,
    Found,
    Handling,
    MemberCursor,
    Message,
    MessageReceipt,
    Note,
    PersonName,
    Presence,
    Version,
)


class Frame(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """One websocket message from the server."""


class Heartbeat(msgspec.Struct, frozen=True):
    ping_after_ms: int
    timeout_ms: int


class Shown(msgspec.Struct, frozen=True):
    """Whether read receipts, and presence with last-seen, are shown."""

    read_receipts: bool
    last_seen: bool


class Welcome(Frame, frozen=True, kw_only=True, tag="welcome", omit_defaults=False):
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
    privacy: Shown
    business_settings: Shown
    heartbeat: Heartbeat
    limits: Limits


class Ack(Frame, frozen=True, kw_only=True, tag="ack"):
    id: int | None = None
    client_message_id: str
    conversation: str
    seq: int
    revision: int
    at: int


class Ok(Frame, frozen=True, kw_only=True, tag="ok"):
    id: int
    revision: int = 0


class Error(Frame, frozen=True, kw_only=True, tag="error"):
    id: int | None = None
    code: str
    message: str
    retry_after: float = 0.0
    client_message_id: str = ""


class Pong(Frame, frozen=True, kw_only=True, tag="pong"):
    id: int | None = None
    server_time: int


class Page(Frame, frozen=True, kw_only=True, tag="page"):
    id: int | None = None
    conversation: str
    messages: list[Message]
    more: bool


class ConversationList(Frame, frozen=True, kw_only=True, tag="conversation_list"):
    id: int | None = None
    conversations: tuple[Conversation, ...]
    next: str | None = None
    revision: int


class ConversationReply(Frame, frozen=True, kw_only=True, tag="conversation"):
    id: int | None = None
    conversation: Conversation


class ReceiptList(Frame, frozen=True, kw_only=True, tag="receipt_list"):
    id: int | None = None
    conversation: str
    seq: int
    receipts: tuple[MessageReceipt, ...]


class VersionList(Frame, frozen=True, kw_only=True, tag="version_list"):
    id: int | None = None
    conversation: str
    seq: int
    versions: tuple[Version, ...]


class PersonList(Frame, frozen=True, kw_only=True, tag="person_list"):
    id: int | None = None
    people: tuple[PersonName, ...]


class NoteList(Frame, frozen=True, kw_only=True, tag="note_list"):
    id: int | None = None
    conversation: str
    notes: tuple[Note, ...]
    next: str | None = None


class FoundList(Frame, frozen=True, kw_only=True, tag="found_list"):
    id: int | None = None
    found: tuple[Found, ...]
    next: str | None = None
    behind: bool = False


class MessageEvent(Frame, frozen=True, kw_only=True, tag="message"):
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
    location: str = ""
    attachments: tuple[Attachment, ...] = ()
    channel: Channel = APP


class MessageEdited(Frame, frozen=True, kw_only=True, tag="message_edited"):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str
    text: str


class MessageDeleted(Frame, frozen=True, kw_only=True, tag="message_deleted"):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str


class AttachmentChanged(Frame, frozen=True, kw_only=True, tag="attachment_changed"):
    revision: int
    conversation: str
    seq: int
    attachment: str
    state: str


class ReceiptEvent(Frame, frozen=True, kw_only=True, tag="receipt"):
    revision: int
    conversation: str
    receipts: tuple[MemberCursor, ...]
    team_read_up_to: int = 0


class ConversationAdded(Frame, frozen=True, kw_only=True, tag="conversation_added"):
    revision: int
    conversation: Conversation


class ConversationRemoved(Frame, frozen=True, kw_only=True, tag="conversation_removed"):
    revision: int
    conversation: str
    seq: int
    at: int
    author: str


class HandlingChanged(Frame, frozen=True, kw_only=True, tag="handling_changed"):
    """How the team deals with it from now on, whole; the team alone is shown it."""

    revision: int
    conversation: str
    handling: Handling


class NoteEvent(Frame, frozen=True, kw_only=True, tag="note"):
    """The fields of `Note`, at the top of the frame; the team alone is shown it."""

    conversation: str
    note: str
    revision: int
    seq: int
    at: int
    author: str
    text: str = ""
    mentions: tuple[str, ...] = ()
    edited_at: int = 0
    deleted_at: int = 0


class Marked(Frame, frozen=True, kw_only=True, tag="marked", omit_defaults=False):
    revision: int
    conversation: str
    unread: bool


class BusinessChanged(
    Frame, frozen=True, kw_only=True, tag="business_changed", omit_defaults=False
):
    revision: int
    read_receipts: bool
    last_seen: bool


class PrivacyChanged(Frame, frozen=True, kw_only=True, tag="privacy_changed", omit_defaults=False):
    revision: int
    read_receipts: bool
    last_seen: bool


class PersonChanged(Frame, frozen=True, kw_only=True, tag="person_changed"):
    revision: int
    person: str
    name: str
    role: str
    active: bool = True


class VisibilityChanged(Frame, frozen=True, kw_only=True, tag="visibility_changed"):
    revision: int
    person: str


class Resumed(Frame, frozen=True, kw_only=True, tag="resumed"):
    revision: int


class TypingEvent(Frame, frozen=True, kw_only=True, tag="typing", omit_defaults=False):
    conversation: str
    person: str
    active: bool
    for_ms: int


class PresenceEvent(Frame, frozen=True, kw_only=True, tag="presence"):
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
    NoteList,
    FoundList,
)
EVENTS = (
    MessageEvent,
    MessageEdited,
    MessageDeleted,
    AttachmentChanged,
    ReceiptEvent,
    ConversationAdded,
    ConversationRemoved,
    HandlingChanged,
    NoteEvent,
    Marked,
    BusinessChanged,
    PrivacyChanged,
    PersonChanged,
    VisibilityChanged,
    Resumed,
    TypingEvent,
    PresenceEvent,
)
