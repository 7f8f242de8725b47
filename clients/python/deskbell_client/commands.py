"""What a client may ask for: one frozen dataclass per command of the protocol's section 3.

``name`` is the ``type`` on the wire, ``reply`` the class of the answer. ``repeatable`` says that
asking twice is the same as asking once: such a command is sent again when its reply was lost.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Generic, Literal, TypeVar

from deskbell_client import replies
from deskbell_client.records import Cursor

R = TypeVar("R", bound=replies.Reply)

Action = Literal[
    "assign", "unassign", "transfer", "close", "snooze", "reopen", "handled", "waiting"
]
"""What the team can do with a conversation, beside talking in it."""

NoteAction = Literal["add", "edit", "delete"]
"""What somebody of the team can do with a note."""


class Command(Generic[R]):
    """A command whose reply is an ``R``."""

    name: ClassVar[str]
    reply: ClassVar[type[replies.Reply]]
    repeatable: ClassVar[bool] = True


@dataclass(frozen=True)
class Hello(Command[replies.Welcome]):
    """The first frame of every connection."""

    name: ClassVar[str] = "hello"
    reply = replies.Welcome

    token: str = field(repr=False)
    device: str
    cursor: Cursor | None = None
    location: str | None = None


@dataclass(frozen=True)
class Send(Command[replies.Ack]):
    """Say something. ``client_message_id`` is made once and kept over every retry."""

    name: ClassVar[str] = "send"
    reply = replies.Ack

    conversation: str
    client_message_id: str
    text: str
    reply_to: int = 0
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit(Command[replies.Ok]):
    """Replace the text of a message of one's own."""

    name: ClassVar[str] = "edit"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    seq: int
    text: str


@dataclass(frozen=True)
class Delete(Command[replies.Ok]):
    """Take back a message of one's own; an owner may delete any."""

    name: ClassVar[str] = "delete"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    seq: int


@dataclass(frozen=True)
class Receipt(Command[replies.Ok]):
    """Move one's own cursors forward; 0 leaves one where it is."""

    name: ClassVar[str] = "receipt"
    reply = replies.Ok

    conversation: str
    delivered_up_to: int = 0
    read_up_to: int = 0


@dataclass(frozen=True)
class Typing(Command[replies.Ok]):
    """Tell the other members that one is typing, or has stopped. It has no reply."""

    name: ClassVar[str] = "typing"
    reply = replies.Ok

    conversation: str
    active: bool = True


@dataclass(frozen=True)
class History(Command[replies.Page]):
    """Messages before or after a seq; give at most one of the two."""

    name: ClassVar[str] = "history"
    reply = replies.Page

    conversation: str
    before: int | None = None
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True)
class Conversations(Command[replies.ConversationList]):
    """One's conversations that fit, latest activity first.

    ``before`` is the ``next`` of the page before; a page may be empty and have a ``next``.
    """

    name: ClassVar[str] = "conversations"
    reply = replies.ConversationList

    location: str | None = None
    status: str | None = None
    assignee: str | None = None
    unassigned: bool = False
    waiting: bool = False
    unread: bool = False
    channel: str | None = None
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class Open(Command[replies.ConversationReply]):
    """One conversation as it is now."""

    name: ClassVar[str] = "open"
    reply = replies.ConversationReply

    conversation: str


@dataclass(frozen=True)
class Create(Command[replies.ConversationReply]):
    """Begin a conversation; with an id of one's own in ``conversation`` it can be repeated."""

    name: ClassVar[str] = "create"
    reply = replies.ConversationReply

    kind: str
    people: tuple[str, ...]
    title: str = ""
    conversation: str | None = None


@dataclass(frozen=True)
class AddMember(Command[replies.Ok]):
    """Bring somebody into a conversation."""

    name: ClassVar[str] = "add_member"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    person: str


@dataclass(frozen=True)
class RemoveMember(Command[replies.Ok]):
    """Take somebody out of a conversation."""

    name: ClassVar[str] = "remove_member"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    person: str


@dataclass(frozen=True)
class Leave(Command[replies.Ok]):
    """Go out of a conversation oneself."""

    name: ClassVar[str] = "leave"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str


@dataclass(frozen=True)
class Handle(Command[replies.Ok]):
    """Change how the team deals with a conversation: ``action`` is an `Action`.

    `assign` names a ``person``, `transfer` a ``location``, `snooze` a time (``until``).
    """

    name: ClassVar[str] = "handle"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    action: str
    person: str | None = None
    location: str | None = None
    until: int | None = None


@dataclass(frozen=True)
class Mark(Command[replies.Ok]):
    """Mark a conversation as unread, for oneself alone, or take the mark off."""

    name: ClassVar[str] = "mark"
    reply = replies.Ok

    conversation: str
    unread: bool = True


@dataclass(frozen=True)
class Note(Command[replies.Ok]):
    """Do with a note of the team what ``action`` says, a `NoteAction`.

    ``note`` is its id, made once by who adds it.
    """

    name: ClassVar[str] = "note"
    reply = replies.Ok
    repeatable: ClassVar[bool] = False

    conversation: str
    note: str
    action: str
    text: str | None = None
    mentions: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Notes(Command[replies.NoteList]):
    """What the team says to itself about a conversation, newest first."""

    name: ClassVar[str] = "notes"
    reply = replies.NoteList

    conversation: str
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class Receipts(Command[replies.ReceiptList]):
    """Whom a message reached, and who read it."""

    name: ClassVar[str] = "receipts"
    reply = replies.ReceiptList

    conversation: str
    seq: int


@dataclass(frozen=True)
class Versions(Command[replies.VersionList]):
    """What a message said before it was edited."""

    name: ClassVar[str] = "versions"
    reply = replies.VersionList

    conversation: str
    seq: int


@dataclass(frozen=True)
class People(Command[replies.PersonList]):
    """Whom one may talk to, by a part of the name."""

    name: ClassVar[str] = "people"
    reply = replies.PersonList

    search: str = ""
    limit: int = 20


@dataclass(frozen=True)
class Search(Command[replies.FoundList]):
    """Messages and titles in which all words of ``q`` occur."""

    name: ClassVar[str] = "search"
    reply = replies.FoundList

    q: str
    conversation: str | None = None
    author: str | None = None
    person: str | None = None
    location: str | None = None
    status: str | None = None
    channel: str | None = None
    attachments: bool = False
    since: int | None = None
    until: int | None = None
    before: str | None = None
    limit: int = 20


@dataclass(frozen=True)
class Watch(Command[replies.Ok]):
    """Replace the set of people whose presence one is told."""

    name: ClassVar[str] = "watch"
    reply = replies.Ok

    people: tuple[str, ...]


@dataclass(frozen=True)
class Activity(Command[replies.Ok]):
    """Whether the person is at the device. It has no reply."""

    name: ClassVar[str] = "activity"
    reply = replies.Ok

    active: bool


@dataclass(frozen=True)
class Privacy(Command[replies.Ok]):
    """Show or hide one's read receipts and presence; ``None`` leaves a setting as it is."""

    name: ClassVar[str] = "privacy"
    reply = replies.Ok

    read_receipts: bool | None = None
    last_seen: bool | None = None


@dataclass(frozen=True)
class Ping(Command[replies.Pong]):
    """Ask for a sign of life."""

    name: ClassVar[str] = "ping"
    reply = replies.Pong


AnyCommand = (
    Hello
    | Send
    | Edit
    | Delete
    | Receipt
    | Typing
    | History
    | Conversations
    | Open
    | Create
    | AddMember
    | RemoveMember
    | Leave
    | Handle
    | Mark
    | Note
    | Notes
    | Receipts
    | Versions
    | People
    | Search
    | Watch
    | Activity
    | Privacy
    | Ping
)
"""Every command of version 1."""
