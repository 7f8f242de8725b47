"""What somebody who was away has missed: one record for each kind of thing."""

import msgspec

from domain.views import Conversation, Handling, MemberCursor, Message, Note


class Edited(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str
    text: str


class Deleted(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str


class Settled(msgspec.Struct, frozen=True):
    """An attachment that was sent before it had been scanned is ``state`` by now."""

    conversation: str
    seq: int
    attachment: str
    state: str


class Cursors(msgspec.Struct, frozen=True):
    """``team_read_up_to``: so far the team has read, 0 if that is as before or nothing to tell."""

    conversation: str
    cursors: tuple[MemberCursor, ...]
    team_read_up_to: int = 0


class Joined(msgspec.Struct, frozen=True):
    conversation: Conversation


class Removed(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str


class Handled(msgspec.Struct, frozen=True):
    """How the team deals with it now."""

    conversation: str
    handling: Handling


class Marked(msgspec.Struct, frozen=True):
    """Whether the viewer wants to come back to it."""

    conversation: str
    unread: bool


class Somebody(msgspec.Struct, frozen=True):
    """A person whom the viewer sees, as they are now."""

    person: str
    name: str
    role: str
    active: bool


class Visibility(msgspec.Struct, frozen=True):
    """What another ``person`` shows of their receipts and presence is different now."""

    person: str


class Settings(msgspec.Struct, frozen=True):
    read_receipts: bool
    last_seen: bool


class OwnPrivacy(msgspec.Struct, frozen=True):
    read_receipts: bool
    last_seen: bool


Missed = (
    Message
    | Note
    | Marked
    | Edited
    | Deleted
    | Cursors
    | Joined
    | Removed
    | Handled
    | Settled
    | Somebody
    | Visibility
    | Settings
    | OwnPrivacy
)
Item = tuple[int, Missed]
"""What was missed, with its revision."""
