"""What is asked of a conversation: each command names who speaks, never how it travelled here."""

import msgspec

from domain.attachments import State, Uploaded
from domain.events import Person
from domain.refusal import Refusal
from domain.roles import Role


class Speaker(msgspec.Struct, frozen=True):
    """Who asks, and from which device. ``connection`` is 0 where there is none (HTTP)."""

    person: str
    name: str
    role: Role
    device: str
    connection: int = 0


class Send(msgspec.Struct, frozen=True):
    """``found`` is what of the ``attachments`` asked for is the speaker's own."""

    speaker: Speaker
    client_message_id: str
    text: str
    reply_to: int = 0
    attachments: tuple[str, ...] = ()
    found: tuple[Uploaded, ...] = ()


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


class AdvanceReceipt(msgspec.Struct, frozen=True):
    speaker: Speaker
    delivered_up_to: int
    read_up_to: int


class Create(msgspec.Struct, frozen=True):
    """``people`` is who was found of those who were ``asked`` for."""

    speaker: Speaker
    kind: str
    title: str
    asked: tuple[str, ...]
    people: tuple[Person, ...]


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
    | AdvanceReceipt
    | Create
    | AddMember
    | RemoveMember
    | ShowTyping
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
