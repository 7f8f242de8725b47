"""What has happened: each event is one revision of a business's log, in the past tense.

Times are milliseconds since 1970 UTC; ``seq`` is the place in the conversation.
"""

import msgspec

from domain.roles import Role
from domain.views import Attachment


class Person(msgspec.Struct, frozen=True):
    """Somebody of a business, as the rules need to know them."""

    id: str
    name: str
    role: Role
    active: bool = True


class MessageSent(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str
    text: str
    reply_to: int
    device: str
    client_message_id: str
    digest: bytes
    attachments: tuple[Attachment, ...] = ()


class MessageEdited(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str
    text: str


class MessageDeleted(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str


class AttachmentSettled(msgspec.Struct, frozen=True):
    """What was sent before it had been scanned is ``state`` now."""

    conversation: str
    seq: int
    at: int
    author: str
    attachment: str
    state: str


class ConversationCreated(msgspec.Struct, frozen=True):
    """``digest`` is of what was asked for, so that asking again can be told from something else."""

    conversation: str
    kind: str
    title: str
    at: int
    author: str
    members: tuple[Person, ...]
    digest: bytes


class MemberAdded(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str
    member: Person


class MemberRemoved(msgspec.Struct, frozen=True):
    """``author`` removed ``member``; who removes themselves has left."""

    conversation: str
    seq: int
    at: int
    author: str
    member: Person

    @property
    def left(self) -> bool:
        return self.author == self.member.id


class Cursor(msgspec.Struct, frozen=True):
    """How far somebody got in a conversation, and when the last step was."""

    delivered_up_to: int = 0
    delivered_at: int = 0
    read_up_to: int = 0
    read_at: int = 0


class Advance(msgspec.Struct, frozen=True):
    """One person's cursor after it moved; ``delivered``/``read`` say which of the two did, and
    ``after`` from where the earlier of them came."""

    person: str
    cursor: Cursor
    delivered: bool
    read: bool
    after: int


class ReceiptsAdvanced(msgspec.Struct, frozen=True):
    conversation: str
    at: int
    advances: tuple[Advance, ...]


ConversationEvent = (
    MessageSent
    | MessageEdited
    | MessageDeleted
    | AttachmentSettled
    | ConversationCreated
    | MemberAdded
    | MemberRemoved
    | ReceiptsAdvanced
)


class BusinessChanged(msgspec.Struct, frozen=True):
    at: int
    author: str
    name: str
    read_receipts: bool
    last_seen: bool


class LocationChanged(msgspec.Struct, frozen=True):
    """A location was added or changed."""

    at: int
    author: str
    location: str
    name: str
    time_zone: str


class PersonChanged(msgspec.Struct, frozen=True):
    """A person was added or changed.

    ``access``: what they may see changed with it. ``shown``: they look different to those who see
    them in a conversation. ``ownership``: they became or ceased to be an owner, and so came into or
    left conversations of everybody.
    """

    at: int
    author: str
    person: Person
    locations: tuple[str, ...]
    access: bool
    shown: bool = False
    ownership: bool = False


class PrivacyChanged(msgspec.Struct, frozen=True):
    at: int
    person: str
    read_receipts: bool
    last_seen: bool


class OwnershipTransferred(msgspec.Struct, frozen=True):
    """The ownership, and with it the place in every conversation, went from one to another."""

    at: int
    author: str
    former: str
    former_role: Role
    owner: str


class AccessRevoked(msgspec.Struct, frozen=True):
    """Every token made for ``person`` before ``at`` is void (or the one named by ``token``)."""

    at: int
    author: str
    person: str
    token: str
    expires_at: int


BusinessEvent = (
    BusinessChanged
    | LocationChanged
    | PersonChanged
    | PrivacyChanged
    | OwnershipTransferred
    | AccessRevoked
)
Event = ConversationEvent | BusinessEvent
