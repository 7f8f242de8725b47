"""The business actor: settings, people, locations and the ownership of one business, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.account_commands import (
    AccountCommand,
    ChangeAccount,
    NoteFailure,
    RemoveAccount,
    SignIn,
)
from actors.account_commands import decide as decide_accounts
from actors.actor import Actor
from actors.conversation import NOT_STORED
from actors.envelope import Envelope
from actors.ports import Clock, DeskStore, Journal
from actors.webhook_commands import WebhookCommand
from actors.webhook_commands import decide as decide_webhooks
from domain import business as rules
from domain.audit import AuditDetail, AuditKind
from domain.business import Business, Seers
from domain.commands import Done
from domain.errors import StorageFailed
from domain.events import (
    AccessRevoked,
    Audited,
    BusinessChanged,
    BusinessEvent,
    KeyRevoked,
    LocationChanged,
    Person,
    SavedReplyDeleted,
)
from domain.keys import NewKey, decide_key
from domain.limits import NAME_BYTES
from domain.refusal import Code, Refusal
from domain.roles import Role
from domain.saved_replies import SavedReply, decide_saved_reply
from domain.scopes import Scopes
from domain.text import refuse_label


class ChangeBusiness(msgspec.Struct, frozen=True):
    author: str
    name: str | None = None
    read_receipts: bool | None = None
    last_seen: bool | None = None


class ChangeLocation(msgspec.Struct, frozen=True):
    author: str
    location: str
    name: str
    time_zone: str


class ChangePerson(msgspec.Struct, frozen=True):
    """``author_role`` is ``None`` for the business's own backend."""

    author: str
    author_role: Role | None
    person: Person
    locations: tuple[str, ...]


class ChangePrivacy(msgspec.Struct, frozen=True):
    """``None`` is as it is."""

    person: str
    read_receipts: bool | None
    last_seen: bool | None


class TransferOwnership(msgspec.Struct, frozen=True):
    author: str
    author_role: Role | None
    former: str
    former_role: Role
    heir: str


class RevokeAccess(msgspec.Struct, frozen=True):
    """Of all tokens of ``person``, or of the one named by ``token`` (for the backend alone)."""

    author: str
    author_role: Role | None
    person: str
    token: str = ""
    expires_at: int = 0


class ChangeSavedReply(msgspec.Struct, frozen=True):
    """``others``: how many the business has beside it."""

    author: str
    reply: SavedReply
    others: int


class DeleteSavedReply(msgspec.Struct, frozen=True):
    author: str
    reply: str


class MakeKey(msgspec.Struct, frozen=True):
    """``held``: the scopes of whoever asks; ``valid``: how many keys there are."""

    author: str
    held: Scopes
    valid: int
    new: NewKey


class RevokeKey(msgspec.Struct, frozen=True):
    """Of a key that there is, and that is not revoked yet."""

    author: str
    key: str


class Note(msgspec.Struct, frozen=True):
    """Have the audit log tell of something that changes nothing.

    ``person``: whom it is about, if it is somebody; ``detail``: ids and numbers, never a text.
    """

    author: str
    kind: AuditKind
    person: str = ""
    detail: AuditDetail = msgspec.field(default_factory=dict)


BusinessCommand = (
    ChangeBusiness
    | ChangeLocation
    | ChangePerson
    | ChangePrivacy
    | TransferOwnership
    | RevokeAccess
    | AccountCommand
    | ChangeSavedReply
    | DeleteSavedReply
    | WebhookCommand
    | MakeKey
    | RevokeKey
    | Note
)

ShowBusinessEvent = Callable[[Business, int, BusinessEvent, Seers | None], None]
"""Acts on what has been stored: shows it to connections, or ends them.

Of somebody who changed `Seers` are who may know of it; ``None`` is everybody.
"""


@dataclass(slots=True)
class BusinessActor(Actor[BusinessCommand]):
    """Decides and stores one change at a time; `Business` changes only after the commit."""

    business: Business
    store: DeskStore
    journal: Journal
    show: ShowBusinessEvent
    clock: Clock

    async def receive(self, batch: Sequence[Envelope[BusinessCommand]]) -> None:
        """One after the other: each is decided on what the one before has made true."""
        for envelope in batch:
            decided = await self._decide(envelope.message)
            if decided is None:
                envelope.answer(Done())
            elif isinstance(decided, Refusal):
                envelope.answer(decided)
            else:
                await self._store(envelope, decided)

    async def _store(self, envelope: Envelope[BusinessCommand], event: BusinessEvent) -> None:
        seers = await self._seers(event)

        def release(revision: int) -> None:
            rules.evolve(self.business, event)
            envelope.answer(Done(revision))
            self.show(self.business, revision, event, seers)

        try:
            await self.journal.append(self.business.id, (event,), release)
        except StorageFailed:
            envelope.answer(NOT_STORED)

    async def _decide(self, command: BusinessCommand) -> BusinessEvent | Refusal | None:
        """The event, why not, or ``None``: it is so already."""
        now = self.clock()
        match command:
            case ChangeBusiness():
                return self._change_business(command, now)
            case ChangeLocation():
                return _change_location(command, now)
            case ChangePerson():
                before = await self._person(command.person.id)
                return rules.decide_person(
                    self.business,
                    command.author,
                    command.author_role,
                    before,
                    command.person,
                    command.locations,
                    now,
                )
            case ChangePrivacy():
                return rules.decide_privacy(
                    self.business, command.person, command.read_receipts, command.last_seen, now
                )
            case TransferOwnership():
                return rules.decide_transfer(
                    self.business,
                    command.author,
                    command.author_role,
                    command.former,
                    command.former_role,
                    await self._person(command.heir),
                    now,
                )
            case RevokeAccess() if command.token:
                return AccessRevoked(
                    now, command.author, command.person, command.token, command.expires_at
                )
            case RevokeAccess():
                known = await self._person(command.person)
                return rules.decide_revocation(
                    command.author, command.author_role, command.person, known, now
                )
            case ChangeAccount() | RemoveAccount() | SignIn() | NoteFailure():
                return await decide_accounts(self.store, self.business, command, now)
            case ChangeSavedReply():
                return decide_saved_reply(command.author, command.reply, command.others, now)
            case DeleteSavedReply():
                return SavedReplyDeleted(now, command.author, command.reply)
            case MakeKey() | RevokeKey() | Note():
                return _decide_keys(command, now)
            case _:
                return decide_webhooks(self.business, command, now)

    async def _seers(self, event: BusinessEvent) -> Seers | None:
        """Looked up while there is still time: a release must not wait."""
        person = rules.seen_person(event)
        if person is None or person in self.business.owners:
            return None
        return await self.store.seers(self.business, person)

    async def _person(self, person: str) -> Person | None:
        found = await self.store.people(self.business, (person,))
        return found[0] if found else None

    def _change_business(self, command: ChangeBusiness, now: int) -> BusinessEvent | Refusal:
        business = self.business
        name = business.name if command.name is None else command.name
        refusal = refuse_label(name, NAME_BYTES, "name")
        if refusal is not None:
            return refusal
        receipts, seen = command.read_receipts, command.last_seen
        return BusinessChanged(
            now,
            command.author,
            name,
            business.read_receipts if receipts is None else receipts,
            business.last_seen if seen is None else seen,
        )


def _change_location(command: ChangeLocation, now: int) -> LocationChanged | Refusal:
    refusal = refuse_label(command.name, NAME_BYTES, "name")
    if refusal is not None:
        return refusal
    try:
        ZoneInfo(command.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Refusal(Code.BAD_REQUEST, "There is no such time zone. Use a name like Europe/Rome.")
    return LocationChanged(now, command.author, command.location, command.name, command.time_zone)


def _decide_keys(command: MakeKey | RevokeKey | Note, now: int) -> BusinessEvent | Refusal:
    match command:
        case MakeKey():
            return decide_key(command.author, command.held, command.valid, command.new, now)
        case RevokeKey():
            return KeyRevoked(now, command.author, command.key)
        case Note():
            return Audited(now, command.author, command.kind, command.person, command.detail)
