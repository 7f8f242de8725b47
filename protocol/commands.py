"""What a client may send: one typed frame per command of `docs/protocol.md` section 3."""

from typing import Annotated, Literal

import msgspec

from domain.channels import Channel
from domain.handling_action import Action, Status
from domain.ids import ID_PATTERN
from domain.note_action import NoteAction

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
Uint = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Every command may carry ``id``, which its reply echoes."""

    id: Uint | None = None


class Cursor(msgspec.Struct, frozen=True):
    """A position in a business's log; ``epoch`` names the log."""

    epoch: str
    revision: Uint


class Hello(Command, frozen=True, kw_only=True, tag="hello"):
    token: str
    device: Id
    cursor: Cursor | None = None
    location: Id | None = None


class Send(Command, frozen=True, kw_only=True, tag="send"):
    conversation: Id
    client_message_id: Id
    text: str
    reply_to: Uint = 0
    attachments: tuple[Id, ...] = ()


class Edit(Command, frozen=True, kw_only=True, tag="edit"):
    conversation: Id
    seq: Uint
    text: str


class Delete(Command, frozen=True, kw_only=True, tag="delete"):
    conversation: Id
    seq: Uint


class Receipt(Command, frozen=True, kw_only=True, tag="receipt"):
    conversation: Id
    delivered_up_to: Uint = 0
    read_up_to: Uint = 0


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    conversation: Id
    active: bool = True


class History(Command, frozen=True, kw_only=True, tag="history"):
    conversation: Id
    before: Uint | None = None
    after: Uint | None = None
    limit: Uint = 50


class Conversations(Command, frozen=True, kw_only=True, tag="conversations"):
    location: Id | None = None
    status: Status | None = None
    assignee: Id | None = None
    unassigned: bool = False
    waiting: bool = False
    unread: bool = False
    channel: Channel | None = None
    before: str | None = None
    limit: Uint = 50


class Open(Command, frozen=True, kw_only=True, tag="open"):
    conversation: Id


class Create(Command, frozen=True, kw_only=True, tag="create"):
    kind: Literal["direct", "group"]
    people: tuple[Id, ...]
    title: str = ""
    conversation: Id | None = None


class AddMember(Command, frozen=True, kw_only=True, tag="add_member"):
    conversation: Id
    person: Id


class RemoveMember(Command, frozen=True, kw_only=True, tag="remove_member"):
    conversation: Id
    person: Id


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    conversation: Id


class Handle(Command, frozen=True, kw_only=True, tag="handle"):
    conversation: Id
    action: Action
    person: Id | None = None
    location: Id | None = None
    until: Uint = 0


class Mark(Command, frozen=True, kw_only=True, tag="mark"):
    conversation: Id
    unread: bool = True


class Note(Command, frozen=True, kw_only=True, tag="note"):
    conversation: Id
    note: Id
    action: NoteAction
    text: str | None = None
    mentions: tuple[Id, ...] | None = None


class Notes(Command, frozen=True, kw_only=True, tag="notes"):
    conversation: Id
    before: str | None = None
    limit: Uint = 50


class Receipts(Command, frozen=True, kw_only=True, tag="receipts"):
    conversation: Id
    seq: Uint


class Versions(Command, frozen=True, kw_only=True, tag="versions"):
    conversation: Id
    seq: Uint


class People(Command, frozen=True, kw_only=True, tag="people"):
    search: str = ""
    limit: Uint = 20


class Search(Command, frozen=True, kw_only=True, tag="search"):
    q: str
    conversation: Id | None = None
    author: Id | None = None
    person: Id | None = None
    location: Id | None = None
    status: Status | None = None
    channel: Channel | None = None
    attachments: bool = False
    since: Uint | None = None
    until: Uint | None = None
    before: str | None = None
    limit: Uint = 20


class Watch(Command, frozen=True, kw_only=True, tag="watch"):
    people: tuple[Id, ...]


class Activity(Command, frozen=True, kw_only=True, tag="activity"):
    active: bool


class Privacy(Command, frozen=True, kw_only=True, tag="privacy"):
    read_receipts: bool | None = None
    last_seen: bool | None = None


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    pass


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
