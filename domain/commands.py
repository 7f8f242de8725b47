"""What is asked of a conversation: each command names who speaks, never how it travelled here."""

import msgspec

from domain.attachments import State, Uploaded
from domain.events import Person
from domain.handling_action import Action
from domain.ids import BUSINESS_VOICE
from domain.imported import ImportedConversation
from domain.refusal import Refusal
from domain.roles import Role
from domain.routing import CustomerFacts


class Speaker(msgspec.Struct, frozen=True):
    """Who asks, and from which device. ``connection`` is 0 where there is none (HTTP)."""

    person: str
    name: str
    role: Role
    device: str
    connection: int = 0
    location: str = ""
    """Where they are logged in, if they said so."""


class Send(msgspec.Struct, frozen=True):
    """``edited`` is what the business's send hook made of ``text``: that is said instead of it."""

    speaker: Speaker
    client_message_id: str
    text: str
    reply_to: int = 0
    edited: str | None = None
    attachments: tuple[str, ...] = ()
    found: tuple[Uploaded, ...] = ()
    """What of the ``attachments`` asked for is the speaker's own."""


class Announce(Send, frozen=True):
    """What the business says by itself, in the name of ``location``: a confirmation, a campaign."""

    location: str = ""
    campaign: bool = False


class Handle(msgspec.Struct, frozen=True):
    """What somebody of the team does with a conversation; the fields that ``action`` needs."""

    speaker: Speaker
    action: Action
    person: str = ""
    location: str = ""
    until: int = 0


class Tend(msgspec.Struct, frozen=True):
    """Something may have fallen due by itself. ``facts`` are of its first customer, once known.

    Its newest entry was that at ``last_seq``, of ``last_at``, when this was looked up; 0: it was
    not.
    """

    speaker: Speaker = Speaker(BUSINESS_VOICE, "", Role.OWNER, BUSINESS_VOICE)
    facts: CustomerFacts = CustomerFacts()
    last_seq: int = 0
    last_at: int = 0


class ChangeNote(msgspec.Struct, frozen=True):
    """What somebody of the team does with a note of theirs, an owner with any (EX-25)."""

    speaker: Speaker
    note: str


class AddNote(ChangeNote, frozen=True):
    text: str
    mentions: tuple[str, ...] = ()


class EditNote(ChangeNote, frozen=True):
    """``None`` stays as it is."""

    text: str | None = None
    mentions: tuple[str, ...] | None = None


class DeleteNote(ChangeNote, frozen=True):
    pass


class Edit(msgspec.Struct, frozen=True):
    speaker: Speaker
    seq: int
    text: str


class Delete(msgspec.Struct, frozen=True):
    speaker: Speaker
    seq: int


class SettleAttachment(msgspec.Struct, frozen=True):
    """An attachment that was sent before it had been scanned is ``state`` now. Nobody's to ask."""

    speaker: Speaker
    seq: int
    attachment: str
    state: State


class Erase(msgspec.Struct, frozen=True):
    """Nothing shall be left of what was said at ``seqs``; nobody's to ask.

    Without any, what is known of the conversation is read anew: somebody in it was erased.
    """

    seqs: tuple[int, ...] = ()
    speaker: Speaker = Speaker(BUSINESS_VOICE, "", Role.OWNER, BUSINESS_VOICE)


class AdvanceReceipt(msgspec.Struct, frozen=True):
    speaker: Speaker
    delivered_up_to: int
    read_up_to: int


class Mark(msgspec.Struct, frozen=True):
    """Somebody wants to come back to it, or does not any more; ``known``: how it is stored."""

    speaker: Speaker
    unread: bool
    known: bool = False


class Create(msgspec.Struct, frozen=True):
    """``people`` is who was found of those who were ``asked`` for."""

    speaker: Speaker
    kind: str
    title: str
    asked: tuple[str, ...]
    people: tuple[Person, ...]
    own: bool = False
    """It is the one that a customer has with the business; whoever asks comes into it."""


class Import(msgspec.Struct, frozen=True):
    """What was said elsewhere before comes in, and is shown to nobody; nobody's to ask.

    ``known``: who exists of those it names; ``stored``: the digests of what of it is stored, by
    (person, device, client_message_id).
    """

    talk: ImportedConversation
    known: tuple[Person, ...] = ()
    stored: dict[tuple[str, str, str], bytes] = {}
    speaker: Speaker = Speaker(BUSINESS_VOICE, "", Role.OWNER, BUSINESS_VOICE)


class AddMember(msgspec.Struct, frozen=True):
    speaker: Speaker
    person: Person | None


class RemoveMember(msgspec.Struct, frozen=True):
    speaker: Speaker
    person: str


class ShowTyping(msgspec.Struct, frozen=True):
    """Ephemeral: never stored, first to be shed."""

    speaker: Speaker
    active: bool


Command = (
    Send
    | Edit
    | Delete
    | SettleAttachment
    | Erase
    | AdvanceReceipt
    | Create
    | Import
    | AddMember
    | RemoveMember
    | ShowTyping
    | Handle
    | Tend
    | ChangeNote
    | Mark
)


class Accepted(msgspec.Struct, frozen=True):
    """A message is stored and synced: its place, for ever."""

    seq: int
    revision: int
    at: int


class Done(msgspec.Struct, frozen=True):
    """The change is stored; ``revision`` 0 says that nothing needed to change."""

    revision: int = 0


Answer = Accepted | Done | Refusal
