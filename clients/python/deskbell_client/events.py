"""What happens: the events of the protocol's section 5, and those that the client makes itself."""

from dataclasses import dataclass

from deskbell_client.records import (
    Conversation,
    Cursor,
    Handling,
    MemberCursor,
    Message,
    Note,
    PresenceState,
)
from deskbell_client.replies import Ack, Welcome

# --- From the server ------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageEdited:
    """The message at ``seq`` says ``text`` now."""

    revision: int
    conversation: str
    seq: int
    at: int
    author: str
    text: str


@dataclass(frozen=True)
class MessageDeleted:
    """The message at ``seq`` was deleted by ``author``; its place stays."""

    revision: int
    conversation: str
    seq: int
    at: int
    author: str


@dataclass(frozen=True)
class AttachmentChanged:
    """``attachment`` of the message at ``seq`` was `pending-scan` and is ``state`` now.

    One that is `refused` has no file and no thumbnail any more.
    """

    revision: int
    conversation: str
    seq: int
    attachment: str
    state: str


@dataclass(frozen=True)
class ReceiptsMoved:
    """Cursors of members moved (`receipt` on the wire).

    ``team_read_up_to``: your team has read so far, where it shares a count; 0: nothing new of that.
    """

    revision: int
    conversation: str
    receipts: tuple[MemberCursor, ...]
    team_read_up_to: int = 0


@dataclass(frozen=True)
class ConversationAdded:
    """You are in ``conversation`` now; replace what you have of it."""

    revision: int
    conversation: Conversation


@dataclass(frozen=True)
class ConversationRemoved:
    """You are not in ``conversation`` any more, nor is it placed where you work; drop it."""

    revision: int
    conversation: str
    seq: int
    at: int
    author: str


@dataclass(frozen=True)
class HandlingChanged:
    """How the team deals with ``conversation`` now, whole; told to the team alone.

    A `Message` of kind `text` changes ``waiting_since`` without this event: one of a customer sets
    it to its ``at`` if it is 0; one of the team, without a ``location``, sets it to 0.
    """

    revision: int
    conversation: str
    handling: Handling


@dataclass(frozen=True)
class Marked:
    """You marked ``conversation`` as unread, here or on another device, or took the mark off."""

    revision: int
    conversation: str
    unread: bool


@dataclass(frozen=True)
class BusinessChanged:
    """What the business shows of receipts and presence; like `VisibilityChanged` of everybody."""

    revision: int
    read_receipts: bool
    last_seen: bool


@dataclass(frozen=True)
class PrivacyChanged:
    """Your own settings, changed here or on another device; like `VisibilityChanged` of all."""

    revision: int
    read_receipts: bool
    last_seen: bool


@dataclass(frozen=True)
class PersonChanged:
    """Somebody has this name and role now, on every member list; ``active``: they have access."""

    revision: int
    person: str
    name: str
    role: str
    active: bool = True


@dataclass(frozen=True)
class VisibilityChanged:
    """``person`` shows more, or less, of their receipts and presence than before.

    What you hold of it may be void: ask for `desk.conversations()` again, before the next event is
    taken, and replace members and unread counts.
    """

    revision: int
    person: str


@dataclass(frozen=True)
class Resumed:
    """All that was missed while disconnected has been told."""

    revision: int


@dataclass(frozen=True)
class TypingChanged:
    """Somebody types (for ``for_ms`` from now), or has stopped (`typing` on the wire)."""

    conversation: str
    person: str
    active: bool
    for_ms: int


@dataclass(frozen=True)
class PresenceChanged:
    """The present state of people you watch (`presence` on the wire)."""

    people: tuple[PresenceState, ...]


# --- From the client itself -----------------------------------------------------------------------


@dataclass(frozen=True)
class Connected:
    """A connection is up. After a ``welcome.resume`` of ``fresh``, ask for the conversations."""

    welcome: Welcome


@dataclass(frozen=True)
class Disconnected:
    """The connection ended; the next try is in ``retry_in`` seconds."""

    code: int
    reason: str
    retry_in: float


@dataclass(frozen=True)
class Reset:
    """What you hold cannot be completed: drop it and load again.

    ``reason`` is `epoch`, `too_far_behind`, `access_changed` or `ahead` from the server, or `gap`
    where the client itself found a hole that a resume did not close.
    """

    reason: str
    position: Cursor


@dataclass(frozen=True)
class Sent:
    """A pending send that no caller waits for (of `post`, or of an earlier run) was acked."""

    ack: Ack


@dataclass(frozen=True)
class SendFailed:
    """A pending send that no caller waits for was refused for good."""

    client_message_id: str
    conversation: str
    code: str
    message: str


StoredEvent = (
    Message
    | MessageEdited
    | MessageDeleted
    | AttachmentChanged
    | ReceiptsMoved
    | ConversationAdded
    | ConversationRemoved
    | HandlingChanged
    | Note
    | Marked
    | BusinessChanged
    | PrivacyChanged
    | PersonChanged
    | VisibilityChanged
    | Resumed
)
"""Events with a place in the log: none is ever left out."""

PassingEvent = TypingChanged | PresenceChanged
"""Events that are not stored: of those that wait, the last value wins."""

LocalEvent = Connected | Disconnected | Reset | Sent | SendFailed

Event = StoredEvent | PassingEvent | LocalEvent
