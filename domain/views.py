"""What people are shown: pictures of the stored state, each for one viewer.

The wire carries these as they are (`docs/protocol.md` section 3.6), so field order and defaults are
part of the protocol. Times are milliseconds since 1970 UTC; 0 and "" stand for "none".
"""

import msgspec

from domain.channels import APP, Channel


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture without a type of its own."""


class Attachment(View, frozen=True, kw_only=True):
    """A file that belongs to a message; ``width`` and ``height`` are of an image, in pixels."""

    id: str
    name: str
    media_type: str
    kind: str
    bytes: int
    width: int = 0
    height: int = 0
    state: str = "ready"
    thumbnail: bool = False


class Message(View, frozen=True, kw_only=True):
    """An entry of a conversation: something said, or a change of membership."""

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


class Handling(View, frozen=True, kw_only=True):
    """How the team deals with a conversation; the team alone is shown it."""

    locations: tuple[str, ...] = ()
    status: str = "open"
    snoozed_until: int = 0
    assignee: str = ""
    waiting_since: int = 0
    alerted: int = 0


class Note(View, frozen=True, kw_only=True):
    """What the team says to itself about a conversation; the team alone is shown it."""

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


class Member(View, frozen=True, kw_only=True):
    person: str
    name: str
    role: str
    active: bool = True
    delivered_up_to: int = 0
    delivered_at: int = 0
    read_up_to: int = 0
    read_at: int = 0
    state: str = "offline"
    last_seen_at: int = 0


class Conversation(View, frozen=True, kw_only=True):
    """``team_read_up_to``: the team shares a count here, and has read so far.

    ``channel``: on which a customer wrote last; the team alone is shown it.
    """

    id: str
    kind: str
    title: str = ""
    created_at: int
    created_by: str
    members: tuple[Member, ...]
    last_seq: int
    last_message: Message | None = None
    unread: int
    revision: int
    handling: Handling | None = None
    marked: bool = False
    team_read_up_to: int | None = None
    channel: Channel = APP


class MemberCursor(View, frozen=True, kw_only=True):
    person: str
    delivered_up_to: int = 0
    delivered_at: int = 0
    read_up_to: int = 0
    read_at: int = 0


class MessageReceipt(View, frozen=True, kw_only=True):
    person: str
    delivered_at: int = 0
    read_at: int = 0


class Version(View, frozen=True, kw_only=True):
    text: str
    at: int


class PersonName(View, frozen=True, kw_only=True):
    id: str
    name: str
    role: str


class Presence(View, frozen=True, kw_only=True):
    person: str
    state: str
    last_seen_at: int = 0


class Part(View, frozen=True, kw_only=True):
    """A piece of a text; ``hit``: it is what was searched for."""

    text: str
    hit: bool = False


class Found(View, frozen=True, kw_only=True):
    """A message in which something was found; ``seq`` 0: the title of the conversation."""

    conversation: str
    seq: int
    revision: int
    at: int
    author: str = ""
    parts: tuple[Part, ...]
    more_before: bool = False
    more_after: bool = False
