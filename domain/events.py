"""What has happened: each event is one revision of a business's log, in the past tense.

Times are milliseconds since 1970 UTC; ``seq`` is the place in the conversation.
"""

import msgspec

from domain.account_events import AccountChanged, AccountRemoved, SignedIn, SignInFailed
from domain.audit import AuditDetail, AuditKind
from domain.channels import Channels
from domain.mark_events import Marked
from domain.note_events import NoteChanged
from domain.policies import Policies
from domain.profile import Profile
from domain.record_events import (
    AppointmentChanged,
    AppointmentDeleted,
    ContactChanged,
    HoldChanged,
    ImportFinished,
    LocationChanged,
    LocationClosed,
    LocationMerged,
    LocationReopened,
    ParentChanged,
)
from domain.roles import Role
from domain.routing import Rule, Trigger
from domain.scopes import Scope
from domain.views import Attachment
from domain.webhooks import SendHook, Webhook


class Handling(msgspec.Struct, frozen=True):
    """How the team deals with a conversation with customers.

    ``locations``: where it is placed. ``snoozed_until``: in ms, while it is snoozed. ``trigger``:
    what the customer's next message answers. ``away``: the absence that was answered last.
    ``alerted``: the waiting that an alert was given for, by when it began.
    """

    locations: tuple[str, ...] = ()
    status: str = "open"
    snoozed_until: int = 0
    assignee: str = ""
    trigger: Trigger = Trigger()
    away: str = ""
    alerted: int = 0


class Routed(msgspec.Struct, frozen=True):
    """Why a customer's message is where it is: the rule, the facts, and whom it reached.

    ``recipients`` work there and may see it, ``live`` of them and of the owners were connected,
    ``denied`` work there and may not.
    """

    rule: Rule
    locations: tuple[str, ...]
    trigger: Trigger
    customer_locations: tuple[str, ...] = ()
    last_appointment: str = ""
    newest: tuple[str, ...] = ()
    staff_locations: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


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
    waiting_since: int = 0
    """Since when a customer has been waiting for an answer, once this is said; 0: none is."""
    heard_at: int = 0
    """When a customer last wrote, once this is said."""
    location: str = ""
    """In whose name the business said it by itself."""
    handling: Handling | None = None
    """What this changes of the handling that nobody is shown."""
    routed: Routed | None = None
    """Why it is where it is, if that is not as for the message before."""
    attachments: tuple[Attachment, ...] = ()
    channels: Channels | None = None  # unless said in the app, where the conversation was already


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
    """``digest`` is of what was asked for, so that asking again can be told from something else.

    ``owners``: those of them who were asked for by name; every owner is in it (DT-08).
    """

    conversation: str
    kind: str
    title: str
    at: int
    author: str
    members: tuple[Person, ...]
    digest: bytes
    owners: tuple[str, ...] = ()


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
    """Cursors moved. ``team_read_up_to``: how far the team has read, if farther than before."""

    conversation: str
    at: int
    advances: tuple[Advance, ...]
    team_read_up_to: int = 0


class HandlingChanged(msgspec.Struct, frozen=True):
    """The team deals otherwise with the conversation: ``kind`` says what happened.

    It was placed at the locations ``came``, and is no longer at ``left``.
    """

    conversation: str
    seq: int
    at: int
    author: str
    kind: str
    handling: Handling
    waiting_since: int
    came: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


ConversationEvent = (
    MessageSent
    | MessageEdited
    | MessageDeleted
    | AttachmentSettled
    | ConversationCreated
    | MemberAdded
    | MemberRemoved
    | ReceiptsAdvanced
    | HandlingChanged
    | NoteChanged
    | Marked
)


class BusinessChanged(msgspec.Struct, frozen=True):
    """``access``: what people may see changed with it, for everybody."""

    at: int
    author: str
    name: str
    read_receipts: bool
    last_seen: bool
    policies: Policies = Policies()
    access: bool = False


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
    profile: Profile = Profile()


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


class SavedReplyChanged(msgspec.Struct, frozen=True):
    """A saved reply was added or changed; ``location`` ``""`` is the whole business."""

    at: int
    author: str
    reply: str
    title: str
    text: str
    location: str
    attachments: tuple[Attachment, ...] = ()


class SavedReplyDeleted(msgspec.Struct, frozen=True):
    at: int
    author: str
    reply: str


class WebhookChanged(msgspec.Struct, frozen=True):
    """A webhook was added or changed."""

    at: int
    author: str
    webhook: Webhook


class WebhookRemoved(msgspec.Struct, frozen=True):
    at: int
    author: str
    webhook: str


class SendHookChanged(msgspec.Struct, frozen=True):
    """Messages are shown to ``hook`` before they are accepted, or to nobody."""

    at: int
    author: str
    hook: SendHook | None


class KeyMade(msgspec.Struct, frozen=True):
    """An API key was made; ``expires_at`` 0: it never does. Of the key itself only its hash."""

    at: int
    author: str
    key: str
    key_hash: bytes
    name: str
    scopes: tuple[Scope, ...]
    expires_at: int


class KeyRevoked(msgspec.Struct, frozen=True):
    at: int
    author: str
    key: str


class Audited(msgspec.Struct, frozen=True):
    """Something that changed nothing, for the audit log alone: nobody is shown it.

    ``person``: whom it is about, if it is somebody.
    """

    at: int
    author: str
    kind: AuditKind
    person: str = ""
    detail: AuditDetail = msgspec.field(default_factory=dict)


BusinessEvent = (
    BusinessChanged
    | ParentChanged
    | LocationChanged
    | LocationClosed
    | LocationReopened
    | LocationMerged
    | PersonChanged
    | ContactChanged
    | PrivacyChanged
    | OwnershipTransferred
    | AccessRevoked
    | AccountChanged
    | AccountRemoved
    | SignedIn
    | SignInFailed
    | AppointmentChanged
    | AppointmentDeleted
    | HoldChanged
    | ImportFinished
    | SavedReplyChanged
    | SavedReplyDeleted
    | WebhookChanged
    | WebhookRemoved
    | SendHookChanged
    | KeyMade
    | KeyRevoked
    | Audited
)
Event = ConversationEvent | BusinessEvent
