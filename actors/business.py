"""The business actor: settings, people, locations and the ownership of one business, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from actors.account_commands import AccountCommand
from actors.account_commands import decide as decide_accounts
from actors.actor import Actor
from actors.batch_work import NOT_STORED
from actors.desk_appointments import AppointmentCommand, decide_about_appointment
from actors.desk_erasure import ErasureCommand, decide_about_erasure
from actors.desk_imports import FinishImport
from actors.desk_locations import ChangeLocation as ChangeLocation
from actors.desk_locations import LocationCommand, decide_location
from actors.envelope import Envelope
from actors.ports import Clock, DeskStore, Journal
from actors.webhook_commands import WebhookCommand
from actors.webhook_commands import decide as decide_webhooks
from domain import business as rules
from domain.audit import AuditDetail, AuditKind
from domain.business import Business, Seers, Wanted
from domain.commands import Done
from domain.company import ERASED, seen_person
from domain.contact import Contact, refuse_contact
from domain.errors import StorageFailed
from domain.events import (
    AccessRevoked,
    Audited,
    BusinessChanged,
    BusinessEvent,
    KeyRevoked,
    Person,
    SavedReplyDeleted,
)
from domain.keys import NewKey, decide_key
from domain.limits import NAME_BYTES
from domain.policies import Policies, refuse_policies, shows_otherwise
from domain.profile import Profile
from domain.record_events import ContactChanged, ImportFinished, ParentChanged
from domain.refusal import Refusal
from domain.roles import Role
from domain.saved_replies import SavedReply, decide_saved_reply
from domain.scopes import Scopes
from domain.text import refuse_label


class ChangeBusiness(msgspec.Struct, frozen=True):
    author: str
    name: str | None = None
    read_receipts: bool | None = None
    last_seen: bool | None = None
    policies: Policies | None = None


class SetParent(msgspec.Struct, frozen=True):
    """``parent`` is one that it may have: see `domain.families`."""

    author: str
    parent: str


class ChangePerson(msgspec.Struct, frozen=True):
    """``author_role`` is ``None`` for the business's own backend."""

    author: str
    author_role: Role | None
    person: Person
    locations: tuple[str, ...]
    profile: Profile = Profile()


class ChangeContact(msgspec.Struct, frozen=True):
    """How ``person`` is reached, all of it."""

    author: str
    person: str
    contact: Contact


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


PersonCommand = ChangePerson | ChangeContact | ChangePrivacy | TransferOwnership | RevokeAccess
BusinessCommand = (
    ChangeBusiness
    | AccountCommand
    | SetParent
    | LocationCommand
    | AppointmentCommand
    | ErasureCommand
    | FinishImport
    | PersonCommand
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
        if isinstance(command, AccountCommand):
            return await decide_accounts(self.store, self.business, command, now)
        if isinstance(command, LocationCommand):
            return decide_location(self.business, command, now)
        if isinstance(command, AppointmentCommand):
            return await decide_about_appointment(self.business, self.store, command, now)
        if isinstance(command, ErasureCommand):
            return await decide_about_erasure(self.business, self.store, command, now)
        if isinstance(command, PersonCommand):
            return await self._decide_about_person(command, now)
        match command:
            case ChangeBusiness():
                return self._change_business(command, now)
            case SetParent() | FinishImport():
                return self._note(command, now)
            case ChangeSavedReply():
                return decide_saved_reply(command.author, command.reply, command.others, now)
            case DeleteSavedReply():
                return SavedReplyDeleted(now, command.author, command.reply)
            case MakeKey() | RevokeKey() | Note():
                return _decide_keys(command, now)
            case _:
                return decide_webhooks(self.business, command, now)

    async def _decide_about_person(
        self, command: PersonCommand, now: int
    ) -> BusinessEvent | Refusal | None:
        match command:
            case ChangePerson() if command.person.id in self.business.erased:
                return ERASED
            case ChangeContact() if command.person in self.business.erased:
                return ERASED
            case ChangePerson():
                before = await self._person(command.person.id)
                return rules.decide_person(
                    self.business,
                    command.author,
                    command.author_role,
                    before,
                    Wanted(command.person, command.locations, command.profile),
                    now,
                )
            case ChangeContact():
                return refuse_contact(command.contact) or ContactChanged(
                    now, command.author, command.person, command.contact
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

    async def _seers(self, event: BusinessEvent) -> Seers | None:
        """Looked up while there is still time: a release must not wait."""
        person = seen_person(event)
        if person is None or person in self.business.owners:
            return None
        return await self.store.seers(self.business, person)

    async def _person(self, person: str) -> Person | None:
        found = await self.store.people(self.business, (person,))
        return found[0] if found else None

    def _note(self, command: SetParent | FinishImport, now: int) -> BusinessEvent | None:
        if isinstance(command, FinishImport):
            return ImportFinished(now, command.author, command.name)
        same = command.parent == self.business.parent
        return None if same else ParentChanged(now, command.author, command.parent)

    def _change_business(self, command: ChangeBusiness, now: int) -> BusinessEvent | Refusal:
        business = self.business
        name = business.name if command.name is None else command.name
        policies = business.policies if command.policies is None else command.policies
        refusal = refuse_label(name, NAME_BYTES, "name") or refuse_policies(policies)
        if refusal is not None:
            return refusal
        receipts, seen = command.read_receipts, command.last_seen
        return BusinessChanged(
            now,
            command.author,
            name,
            business.read_receipts if receipts is None else receipts,
            business.last_seen if seen is None else seen,
            policies,
            access=shows_otherwise(policies, business.policies),
        )


def _decide_keys(command: MakeKey | RevokeKey | Note, now: int) -> BusinessEvent | Refusal:
    match command:
        case MakeKey():
            return decide_key(command.author, command.held, command.valid, command.new, now)
        case RevokeKey():
            return KeyRevoked(now, command.author, command.key)
        case Note():
            return Audited(now, command.author, command.kind, command.person, command.detail)
