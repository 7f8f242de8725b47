"""What a client may send: one typed frame per command of `docs/protocol.md` section 3."""

from typing import Annotated, Literal

import msgspec

from domain.ids import ID_PATTERN

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
Uint = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Every command may carry ``id``, which its reply echoes."""

    id: Uint | None = None


class Cursor(msgspec.Struct, frozen=True):
    """A position in a business's log; ``epoch`` names the log."""

    epoch: str
    revision: Uint


class Hello(Command, tag="hello"):
    token: str
    device: Id
    cursor: Cursor | None = None
    location: Id | None = None


class Send(Command, tag="send"):
    conversation: Id
    client_message_id: Id
    text: str
    reply_to: Uint = 0


class Edit(Command, tag="edit"):
    conversation: Id
    seq: Uint
    text: str


class Delete(Command, tag="delete"):
    conversation: Id
    seq: Uint


class Receipt(Command, tag="receipt"):
    conversation: Id
    delivered_up_to: Uint = 0
    read_up_to: Uint = 0


class Typing(Command, tag="typing"):
    conversation: Id
    active: bool = True


class History(Command, tag="history"):
    conversation: Id
    before: Uint | None = None
    after: Uint | None = None
    limit: Uint = 50


class Conversations(Command, tag="conversations"):
    before: str | None = None
    limit: Uint = 50


class Open(Command, tag="open"):
    conversation: Id


class Create(Command, tag="create"):
    kind: Literal["direct", "group"]
    people: tuple[Id, ...]
    title: str = ""
    conversation: Id | None = None


class AddMember(Command, tag="add_member"):
    conversation: Id
    person: Id


class RemoveMember(Command, tag="remove_member"):
    conversation: Id
    person: Id


class Leave(Command, tag="leave"):
    conversation: Id


class Receipts(Command, tag="receipts"):
    conversation: Id
    seq: Uint


class Versions(Command, tag="versions"):
    conversation: Id
    seq: Uint


class People(Command, tag="people"):
    search: str = ""
    limit: Uint = 20


class Watch(Command, tag="watch"):
    people: tuple[Id, ...]


class Activity(Command, tag="activity"):
    active: bool


class Privacy(Command, tag="privacy"):
    read_receipts: bool | None = None
    last_seen: bool | None = None


class Ping(Command, tag="ping"):
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
    | Receipts
    | Versions
    | People
    | Watch
    | Activity
    | Privacy
    | Ping
)
