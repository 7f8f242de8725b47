"""A conversation: order, membership, receipts and repetition, as rules without I/O.

Rules
1. ``seq`` counts 1, 2, 3 … without gaps; messages and changes of membership take one each.
2. The owner is in every conversation. Their membership is not kept here: it follows from owning
   the business, so nobody can forget or remove it, and a transfer moves it at once (DT-08, I8).
3. A ``client_message_id`` names one message of (person, device) for ever. The same one again gets
   the first answer; with another content it is a conflict (EX-1, R05). What counts is what the
   client asked for, also where a send hook made another text of it (EX-38).
4. Nothing is said, seen or received by who is not a member (I12). Who comes back starts over:
   nothing is delivered to them yet, nothing read.
5. ``decide`` looks and answers; ``evolve`` records. What is decided is true only once it is stored.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from domain.attachments import attach
from domain.business import Business
from domain.channels import APP, Channel, channels
from domain.commands import (
    Accepted,
    AddMember,
    Announce,
    Delete,
    Done,
    Edit,
    RemoveMember,
    Send,
    SettleAttachment,
    Speaker,
)
from domain.company import refuse_joining, refuse_saying
from domain.events import (
    AttachmentSettled,
    ConversationCreated,
    ConversationEvent,
    Cursor,
    Handling,
    HandlingChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    Person,
    ReceiptsAdvanced,
    Routed,
)
from domain.limits import Limits
from domain.mark_events import Marked
from domain.note_events import NoteChanged
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role, sees_all_history
from domain.text import refuse_text

REMEMBERED = 512
"""How many of the newest entries are kept at hand; what is older is looked up."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One place of the log, as far as the rules need it."""

    author: str
    is_message: bool = True
    deleted: bool = False


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The one answer to a ``client_message_id``, and the digest of what was said."""

    digest: bytes
    accepted: Accepted


SentKey = tuple[str, str, str]
"""(person, device, client_message_id)"""


@dataclass(slots=True)
class Conversation:
    """The state of one conversation that exists."""

    id: str
    kind: str
    title: str
    members: dict[str, Person]
    last_seq: int = 0
    cursors: dict[str, Cursor] = field(default_factory=dict)
    recent: dict[int, Entry] = field(default_factory=dict)
    sent: OrderedDict[SentKey, Sent] = field(default_factory=OrderedDict)
    creation: bytes = b""
    since: dict[str, int] = field(default_factory=dict)
    """From which seq on a member is in it, if that is not the first one."""
    audience: tuple[str, ...] = ()
    has_customer: bool = False
    handling: Handling = field(default_factory=Handling)
    waiting_since: int = 0
    heard_at: int = 0
    channel: Channel = APP
    team_read_up_to: int = 0
    """How far anybody of the team has ever read; also of who is not in it any more."""
    routed: Routed | None = None
    """Why the newest message of a customer is where it is."""
    business: Business | None = field(default=None, compare=False, repr=False)
    """Who works at the locations where this is placed."""
    attached: set[str] = field(default_factory=set)
    """Attachments of messages that are not stored yet: what is, the look-up says."""

    def __post_init__(self) -> None:
        self.note_members()

    def note_members(self) -> None:
        """Other people are in it now, or are something else."""
        self.audience = tuple(self.members)
        self.has_customer = any(member.role is Role.CUSTOMER for member in self.members.values())

    def admits(self, speaker: Speaker) -> bool:
        """Whether ``speaker`` is in it: a member, an owner, or at work where it is placed."""
        if speaker.person in self.members or speaker.role is Role.OWNER:
            return True
        places, business = self.handling.locations, self.business
        return bool(places) and business is not None and business.works_at(speaker.person, places)

    def later_than(self, seq: int) -> list[str]:
        """Who came into it after what is at ``seq``."""
        return [person for person, since in self.since.items() if since > seq]

    def shows(self, speaker: Speaker, seq: int) -> bool:
        """Whether ``speaker`` may see what is at ``seq``, if there is something."""
        begins = 1 if sees_all_history(speaker.role) else self.since.get(speaker.person, 1)
        return self.admits(speaker) and seq >= begins


def digest(conversation: str, text: str, reply_to: int, attachments: tuple[str, ...] = ()) -> bytes:
    """What makes two sends the same send."""
    said = f"{conversation}\n{reply_to}\n{text}".encode("utf-8", "surrogatepass")
    if attachments:  # behind what no text holds
        said += b"\0" + ",".join(attachments).encode()
    return hashlib.blake2b(said, digest_size=16).digest()


def _digest_of(conversation: str, command: Send) -> bytes:
    if isinstance(command, Announce):
        conversation = f"{conversation}\n{command.location}\n{command.campaign}"
    return digest(conversation, command.text, command.reply_to, command.attachments)


def sent_key(command: Send) -> SentKey:
    """What names the message for ever."""
    speaker = command.speaker
    return speaker.person, speaker.device, command.client_message_id


def repeated(conversation: str, command: Send, sent: Sent) -> Accepted | Refusal:
    """The answer to a ``client_message_id`` that has been stored."""
    same = sent.digest == _digest_of(conversation, command)
    return sent.accepted if same else CONFLICTING_ID


def decide_send(
    state: Conversation,
    command: Send,
    earlier: Mapping[SentKey, Sent],
    limits: Limits,
    now: int,
) -> MessageSent | Accepted | Refusal:
    """A new message, the answer that its id already has, or why not.

    ``earlier`` holds what the journal says was sent long ago, or in another conversation.
    """
    speaker = command.speaker
    key = sent_key(command)
    known = state.sent.get(key) or earlier.get(key)
    if known is not None:  # also for who has left since: the answer tells only what they said
        return repeated(state.id, command, known)
    if not state.admits(speaker):
        return NOT_FOUND
    said = command.text if command.edited is None else command.edited
    refusal = refuse_saying(state.business, speaker)
    if refusal is None and (said or not command.attachments):
        refusal = refuse_text(said, limits.text_bytes)
    if refusal is not None:
        return refusal
    if command.reply_to > state.last_seq or (
        command.reply_to and not state.shows(speaker, command.reply_to)
    ):
        return Refusal(Code.NOT_FOUND, "The message you reply to does not exist here.")
    asked = command.attachments
    attached = attach(asked, command.found, state.attached) if asked else ()
    if isinstance(attached, Refusal):
        return attached
    waiting_since, heard_at, location = _heard(state, command, now)
    return MessageSent(
        state.id,
        state.last_seq + 1,
        now,
        speaker.person,
        said,
        command.reply_to,
        speaker.device,
        command.client_message_id,
        _digest_of(state.id, command),
        waiting_since,
        heard_at,
        location,
        attachments=attached,
        channels=None if state.channel is APP else channels(state.channel, APP, speaker.role),
    )


def _heard(state: Conversation, command: Send, now: int) -> tuple[int, int, str]:
    """Since when a customer waits and when one last wrote, once this is said; in whose name."""
    if isinstance(command, Announce):
        return state.waiting_since, state.heard_at, command.location
    if command.speaker.role is Role.CUSTOMER:
        return state.waiting_since or now, now, ""
    return 0, state.heard_at, ""


CONFLICTING_ID = Refusal(
    Code.CONFLICT, "This client_message_id was used for another message. Make a new one."
)


def decide_edit(
    state: Conversation, command: Edit, entry: Entry | None, limits: Limits, now: int
) -> MessageEdited | Refusal:
    """Only the author edits, and only what is there (EX-34)."""
    speaker = command.speaker
    if not state.shows(speaker, command.seq) or entry is None or not entry.is_message:
        return NOT_FOUND
    if entry.author != speaker.person:
        return Refusal(Code.FORBIDDEN, "Only the author can edit a message.")
    if entry.deleted:
        return Refusal(Code.DELETED, "The message has been deleted.")
    refusal = refuse_saying(state.business, speaker)
    if refusal is None:
        refusal = refuse_text(command.text, limits.text_bytes)
    if refusal is not None:
        return refusal
    return MessageEdited(state.id, command.seq, now, speaker.person, command.text)


def decide_delete(
    state: Conversation, command: Delete, entry: Entry | None, now: int
) -> MessageDeleted | Done | Refusal:
    """The author deletes their own, an owner any; deleting twice changes nothing."""
    speaker = command.speaker
    if not state.shows(speaker, command.seq) or entry is None or not entry.is_message:
        return NOT_FOUND
    if entry.author != speaker.person and speaker.role is not Role.OWNER:
        return Refusal(Code.FORBIDDEN, "Only the author or an owner can delete a message.")
    if entry.deleted:
        return Done()
    return MessageDeleted(state.id, command.seq, now, speaker.person)


def decide_settle(
    state: Conversation, command: SettleAttachment, entry: Entry | None, now: int
) -> AttachmentSettled | Done:
    """What the scanner said of an attachment; a message that is gone needs to hear nothing."""
    if entry is None or entry.deleted:
        return Done()
    return AttachmentSettled(
        state.id, command.seq, now, command.speaker.person, command.attachment, command.state
    )


def refuse_size(people: int, limits: Limits) -> Refusal | None:
    """Whether a conversation of so many ``people`` would be too large."""
    if people <= limits.members:
        return None
    return Refusal(Code.TOO_LARGE, f"A conversation has at most {limits.members} members.")


STAYS_DIRECT = Refusal(
    Code.BAD_REQUEST,
    "A direct conversation stays between its two people. Start a group to change who is in it.",
)


def decide_add(
    state: Conversation, command: AddMember, limits: Limits, now: int
) -> MemberAdded | Done | Refusal:
    """Owners, managers and staff bring people in; an owner is in already."""
    speaker = command.speaker
    if not state.admits(speaker):
        return NOT_FOUND
    if speaker.role not in TEAM:
        return Refusal(Code.FORBIDDEN, "Ask somebody of the business to add people.")
    if command.person is None or not command.person.active:
        return NOT_FOUND
    if command.person.role is Role.OWNER or command.person.id in state.members:
        return Done()
    if state.kind == "direct":
        return STAYS_DIRECT
    members = state.members
    refusal = refuse_joining(state.business, speaker, command.person, members.values())
    if refusal is None:
        refusal = refuse_size(len(members) + 2, limits)  # with the owner, who is in all of them
    if refusal is not None:
        return refusal
    return MemberAdded(state.id, state.last_seq + 1, now, speaker.person, command.person)


def decide_remove(
    state: Conversation, command: RemoveMember, owners: frozenset[str], now: int
) -> MemberRemoved | Done | Refusal:
    """The team removes, everyone may leave a group, the owner stays (DT-09)."""
    speaker = command.speaker
    if not state.admits(speaker):
        return NOT_FOUND
    if command.person in owners:
        return Refusal(
            Code.OWNER_REQUIRED,
            "The owner is part of every conversation; transfer the ownership to change that.",
        )
    if command.person != speaker.person and speaker.role not in TEAM:
        return Refusal(Code.FORBIDDEN, "You can leave, but not remove others.")
    if state.kind == "direct":
        return STAYS_DIRECT
    member = state.members.get(command.person)
    if member is None:
        return Done()
    return MemberRemoved(state.id, state.last_seq + 1, now, speaker.person, member)


def evolve(state: Conversation, event: ConversationEvent) -> None:
    """Record ``event`` in ``state``. Total: every event that was decided can be recorded."""
    match event:
        case MessageSent():
            _remember(state, event.seq, Entry(event.author))
            key = (event.author, event.device, event.client_message_id)
            remember_sent(state, key, Sent(event.digest, Accepted(event.seq, 0, event.at)))
            state.waiting_since, state.heard_at = event.waiting_since, event.heard_at
            state.handling = event.handling or state.handling
            state.routed = event.routed or state.routed
            if event.channels is not None:
                state.channel = event.channels.conversation
            if event.attachments:
                state.attached.update(each.id for each in event.attachments)
        case HandlingChanged():
            state.handling, state.waiting_since = event.handling, event.waiting_since
        case MessageDeleted():
            entry = state.recent.get(event.seq)
            if entry is not None:
                state.recent[event.seq] = Entry(entry.author, deleted=True)
        case MemberAdded():
            _remember(state, event.seq, Entry(event.author, is_message=False))
            state.members[event.member.id] = event.member
            state.since[event.member.id] = event.seq
            state.cursors.pop(event.member.id, None)
            state.note_members()
        case MemberRemoved():
            _remember(state, event.seq, Entry(event.author, is_message=False))
            state.members.pop(event.member.id, None)
            state.since.pop(event.member.id, None)
            state.cursors.pop(event.member.id, None)
            state.note_members()
        case ReceiptsAdvanced():
            for advance in event.advances:
                state.cursors[advance.person] = advance.cursor
            state.team_read_up_to = max(state.team_read_up_to, event.team_read_up_to)
        case (
            MessageEdited() | AttachmentSettled() | ConversationCreated() | NoteChanged() | Marked()
        ):
            pass


def confirm(state: Conversation, event: MessageSent, revision: int) -> Accepted:
    """The answer to a message, known in full once its revision is: when it has been stored."""
    accepted = Accepted(event.seq, revision, event.at)
    key = (event.author, event.device, event.client_message_id)
    if key in state.sent:
        state.sent[key] = Sent(event.digest, accepted)
    return accepted


def created(event: ConversationCreated) -> Conversation:
    """The state right after a conversation was created."""
    members = {person.id: person for person in event.members}
    return Conversation(event.conversation, event.kind, event.title, members, creation=event.digest)


def remember_sent(state: Conversation, key: SentKey, sent: Sent) -> None:
    """Keep the answer to a ``client_message_id`` at hand; the oldest go beyond the bound."""
    state.sent[key] = sent
    if len(state.sent) > REMEMBERED:
        state.sent.popitem(last=False)


def _remember(state: Conversation, seq: int, entry: Entry) -> None:
    state.last_seq = seq
    state.recent[seq] = entry
    state.recent.pop(seq - REMEMBERED, None)
