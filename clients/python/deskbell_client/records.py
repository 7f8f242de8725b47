"""What a client holds: messages, conversations, members, people. All are immutable.

Times are milliseconds since 1970-01-01 UTC by the server's clock; 0 means never.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attachment:
    """A file of a message. ``state`` is ``ready``, ``pending-scan`` or ``refused``.

    ``kind`` is ``image``, ``video`` or ``document``; ``width`` and ``height`` are of an image.
    """

    id: str
    name: str
    media_type: str
    kind: str
    bytes: int
    width: int = 0
    height: int = 0
    state: str = "ready"
    thumbnail: bool = False


@dataclass(frozen=True)
class Message:
    """An entry of a conversation: something said, or a change of its members (``kind``).

    It comes in a `Page`, as a `Conversation`'s last entry, and by itself as an event. ``seq``
    counts 1, 2, 3 … in the conversation and is the order to show. Of a membership entry ``person``
    and ``role`` say whom it concerns, ``text`` is their name, and ``author`` is who did it.
    What the business says by itself has the ``location`` in whose name, and no person as author.
    ``channel``: on which it was written, `app`, `text` or `email`.
    """

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
    channel: str = "app"


@dataclass(frozen=True)
class Member:
    """Somebody in a conversation, how far they got in it, and whether they are there.

    Who is not ``active`` has no access any more.
    """

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


@dataclass(frozen=True)
class Handling:
    """How the team deals with a conversation with a customer.

    ``locations``: where it is placed; ``status``: `open`, `snoozed` (until ``snoozed_until``) or
    `closed`; ``assignee``: a person, or nobody; ``waiting_since``: since when a customer waits.
    """

    locations: tuple[str, ...] = ()
    status: str = "open"
    snoozed_until: int = 0
    assignee: str = ""
    waiting_since: int = 0


@dataclass(frozen=True)
class Note:
    """What the team says to itself about a conversation; no customer is told of it.

    It comes in a `replies.NoteList`, and by itself as an event whenever it changes: of two, that of
    the higher ``revision`` counts. ``seq``: the newest entry when it was written. ``mentions``:
    people of the team. What was deleted has no text any more.
    """

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


@dataclass(frozen=True)
class Conversation:
    """A conversation as it was at ``revision``. ``kind`` is ``direct`` or ``group``.

    ``handling`` is shown to the team alone, once there is something to say.
    ``marked``: you marked it as unread.
    ``team_read_up_to``: your team shares a count here, and has read so far; ``None``: it does not.
    ``channel``: on which a customer wrote last, where an answer is expected; the team alone is
    shown it. A `Message` of a customer changes it to its own.
    """

    id: str
    kind: str
    created_at: int
    created_by: str
    members: tuple[Member, ...]
    title: str = ""
    last_seq: int = 0
    last_message: Message | None = None
    unread: int = 0
    revision: int = 0
    handling: Handling | None = None
    marked: bool = False
    team_read_up_to: int | None = None
    channel: str = "app"


@dataclass(frozen=True)
class MemberCursor:
    """How far one person got; a field at 0 did not move."""

    person: str
    delivered_up_to: int = 0
    delivered_at: int = 0
    read_up_to: int = 0
    read_at: int = 0


@dataclass(frozen=True)
class MessageReceipt:
    """When one message reached one person, and when they read it; 0: not yet, or hidden."""

    person: str
    delivered_at: int = 0
    read_at: int = 0


@dataclass(frozen=True)
class Version:
    """One wording of an edited message."""

    text: str
    at: int


@dataclass(frozen=True)
class Person:
    """Somebody you may talk to."""

    id: str
    name: str
    role: str


@dataclass(frozen=True)
class Recipient:
    """Somebody of the team at a location: ``live``: they were told at once; else why not.

    ``reason``: `not_logged_in`, or `no_permission`. ``delivered_at``: 0, not yet.
    """

    person: str
    name: str
    live: bool
    reason: str = ""
    delivered_at: int = 0


@dataclass(frozen=True)
class Answered:
    """What a message answers: ``kind`` of it, where and by whom it was said, and when."""

    kind: str
    location: str
    person: str
    at: int


@dataclass(frozen=True)
class Explanation:
    """Why a message is where it is. ``rule`` is "" for what is not routed.

    ``sentence`` says it to a person; the rest are the facts as they were when the message came.
    """

    conversation: str
    seq: int
    rule: str
    sentence: str
    locations: tuple[str, ...] = ()
    answers: Answered | None = None
    customer_locations: tuple[str, ...] = ()
    last_appointment: str = ""
    newest_conversation: tuple[str, ...] = ()
    staff_locations: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()


@dataclass(frozen=True)
class Part:
    """A piece of a text; ``hit``: it is what was searched for."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class Found:
    """A message in which something was found; ``seq`` 0: the title of the conversation.

    ``parts`` make up the text around it, of which there may be more before and after.
    """

    conversation: str
    seq: int
    revision: int
    at: int
    parts: tuple[Part, ...]
    author: str = ""
    more_before: bool = False
    more_after: bool = False


@dataclass(frozen=True)
class PresenceState:
    """``state`` is ``online``, ``away`` or ``offline``."""

    person: str
    state: str
    last_seen_at: int = 0


@dataclass(frozen=True)
class Cursor:
    """A position in a business's log; ``epoch`` names the log."""

    epoch: str
    revision: int


@dataclass(frozen=True)
class Shown:
    """Whether read receipts, and presence with last-seen, are shown."""

    read_receipts: bool
    last_seen: bool


@dataclass(frozen=True)
class Heartbeat:
    """After how long a silence to ask, and after how long to give up (milliseconds)."""

    ping_after_ms: int
    timeout_ms: int
