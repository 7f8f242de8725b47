"""What the server answers: one frozen dataclass per reply of the protocol's sections 2 to 4."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deskbell_client.records import (
    Conversation,
    Found,
    Heartbeat,
    Message,
    MessageReceipt,
    Note,
    Person,
    Shown,
    Version,
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; ``id`` is that of the command, where it had one."""

    id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Welcome(Reply):
    """The answer to `hello`: who one is, where the log stands, what the server allows.

    ``privacy`` is what one lets others see, ``business_settings`` what the business lets anybody.
    """

    person: str
    role: str
    business: str
    epoch: str
    revision: int
    resume: str
    reset_reason: str | None = None
    session_token: str = field(repr=False)
    session_token_expires_at: int
    server_time: int
    privacy: Shown
    business_settings: Shown
    heartbeat: Heartbeat
    limits: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Ack(Reply):
    """The message is committed and synced to disk at (``conversation``, ``seq``)."""

    client_message_id: str
    conversation: str
    seq: int
    revision: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Ok(Reply):
    """It is done; ``revision`` is the event it made, 0 when nothing changed."""

    revision: int = 0


@dataclass(frozen=True, kw_only=True)
class Error(Reply):
    """A refusal; ``retry_after`` in seconds."""

    code: str
    message: str
    retry_after: float = 0.0
    client_message_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Pong(Reply):
    """A sign of life, with the server's clock."""

    server_time: int


@dataclass(frozen=True, kw_only=True)
class Page(Reply):
    """A stretch of history in ascending seq; ``more``: there is more in that direction."""

    conversation: str
    messages: tuple[Message, ...]
    more: bool


@dataclass(frozen=True, kw_only=True)
class ConversationList(Reply):
    """A page of one's conversations; ``next`` asks for the next page."""

    conversations: tuple[Conversation, ...]
    next: str | None = None
    revision: int


@dataclass(frozen=True, kw_only=True)
class ConversationReply(Reply):
    """One conversation."""

    conversation: Conversation


@dataclass(frozen=True, kw_only=True)
class ReceiptList(Reply):
    """Whom a message reached and who read it."""

    conversation: str
    seq: int
    receipts: tuple[MessageReceipt, ...]


@dataclass(frozen=True, kw_only=True)
class VersionList(Reply):
    """What a message said, oldest first."""

    conversation: str
    seq: int
    versions: tuple[Version, ...]


@dataclass(frozen=True, kw_only=True)
class PersonList(Reply):
    """People one may talk to."""

    people: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True)
class NoteList(Reply):
    """A page of a conversation's notes, newest first; ``next`` asks for the next page."""

    conversation: str
    notes: tuple[Note, ...]
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundList(Reply):
    """A page of what was searched for, newest first; ``next`` asks for the next page.

    ``behind``: what was stored last is not searched yet; ask again in a moment.
    """

    found: tuple[Found, ...]
    next: str | None = None
    behind: bool = False
