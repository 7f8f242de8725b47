"""A database in memory that keeps the contract of journal and store: for tests of actors alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import trio

from domain import business as business_rules
from domain import conversation as rules
from domain.attachments import Uploaded
from domain.business import Business, Seers
from domain.commands import Accepted
from domain.conversation import Conversation, Entry, Sent, SentKey
from domain.errors import AlreadySent, StorageFailed
from domain.events import (
    AttachmentSettled,
    ConversationCreated,
    ConversationEvent,
    Event,
    HandlingChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    Person,
    PersonChanged,
    ReceiptsAdvanced,
)
from domain.mark_events import Marked
from domain.note_events import Note, NoteChanged
from domain.roles import Role
from domain.routing import CustomerFacts
from domain.views import Message
from storage.access import Viewer

Stored = tuple[int, ConversationEvent]


@dataclass
class _Kept:
    """What is stored of one business."""

    state: Business
    revision: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    locations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    logs: dict[str, list[Stored]] = field(default_factory=dict)
    sent: dict[SentKey, Sent] = field(default_factory=dict)

    def last_seq(self, conversation: str) -> int:
        return sum(isinstance(event, _Entry) for _, event in self.logs[conversation])


_Entry = MessageSent | MemberAdded | MemberRemoved


class Over:
    """A batch that is over already."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def then(self, done: Callable[[Exception | None], None]) -> None:
        done(self.error)


class MemoryDatabase:
    """Journal, store and the owner's history; ``fault`` is asked before a batch is stored."""

    def __init__(self) -> None:
        self.fault: Callable[[], None] = lambda: None
        self._kept: dict[str, _Kept] = {}

    @property
    def journal(self) -> "MemoryDatabase":
        return self

    @property
    def queries(self) -> "MemoryDatabase":
        return self

    async def create_business(self, business: str, name: str, _hash: bytes, _now: int) -> bool:
        if business in self._kept:
            return False
        self._kept[business] = _Kept(Business(business, len(self._kept) + 1, name))
        return True

    # --- the journal ------------------------------------------------------------------------------

    async def begin(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> Over:
        """The disk is quick: it is over at once."""
        try:
            await self.append(business, events, release)
        except (AlreadySent, StorageFailed) as error:
            return Over(error)
        return Over(None)

    async def append(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> None:
        kept = self._kept[business]
        await trio.lowlevel.checkpoint_if_cancelled()
        await trio.lowlevel.cancel_shielded_checkpoint()
        self.fault()
        self._refuse_known(kept, events)
        before = {name: list(log) for name, log in kept.logs.items()}
        first = kept.revision + 1
        for revision, event in enumerate(events, start=first):
            if not self._store(kept, revision, event):
                kept.logs = before
                raise StorageFailed("it does not fit what is stored")
        kept.revision += len(events)
        for revision, event in enumerate(events, start=first):
            if isinstance(event, MessageSent):
                key = (event.author, event.device, event.client_message_id)
                accepted = Accepted(event.seq, revision, event.at)
                kept.sent[key] = Sent(event.digest, accepted)
        release(first)

    def _refuse_known(self, kept: _Kept, events: Sequence[Event]) -> None:
        messages = [e for e in events if isinstance(e, MessageSent)]
        if any((e.author, e.device, e.client_message_id) in kept.sent for e in messages):
            raise AlreadySent

    def _store(self, kept: _Kept, revision: int, event: Event) -> bool:
        if isinstance(event, ConversationCreated):
            if event.conversation in kept.logs:
                return False
            kept.logs[event.conversation] = [(revision, event)]
            return True
        if isinstance(event, ConversationEvent):
            if event.conversation not in kept.logs:
                return False
            if isinstance(event, _Entry) and event.seq != kept.last_seq(event.conversation) + 1:
                return False
            kept.logs[event.conversation].append((revision, event))
            return True
        if isinstance(event, PersonChanged):
            kept.people[event.person.id] = event.person
            kept.locations[event.person.id] = event.locations
        business_rules.evolve(kept.state, event)
        return True

    # --- the store --------------------------------------------------------------------------------

    async def business(self, business: str) -> Business | None:
        await trio.lowlevel.checkpoint()
        kept = self._kept.get(business)
        return None if kept is None else kept.state

    async def conversation(self, business: Business, conversation: str) -> Conversation | None:
        await trio.lowlevel.checkpoint()
        log = self._kept[business.id].logs.get(conversation)
        if log is None:
            return None
        created = log[0][1]
        assert isinstance(created, ConversationCreated)
        state = rules.created(created)
        for revision, event in log[1:]:
            rules.evolve(state, event)
            if isinstance(event, MessageSent):
                rules.confirm(state, event, revision)
        return state

    async def entry(self, business: Business, conversation: str, seq: int) -> Entry | None:
        await trio.lowlevel.checkpoint()
        log = self._kept[business.id].logs.get(conversation, [])
        found = next((e for _, e in log if isinstance(e, _Entry) and e.seq == seq), None)
        if found is None:
            return None
        deleted = any(isinstance(e, MessageDeleted) and e.seq == seq for _, e in log)
        return Entry(found.author, isinstance(found, MessageSent), deleted)

    async def authors(
        self, business: Business, conversation: str, first: int, last: int
    ) -> set[str]:
        await trio.lowlevel.checkpoint()
        log = self._kept[business.id].logs.get(conversation, [])
        return {e.author for _, e in log if isinstance(e, _Entry) and first <= e.seq <= last}

    async def sent(self, business: Business, keys: Sequence[SentKey]) -> dict[SentKey, Sent]:
        await trio.lowlevel.checkpoint()
        known = self._kept[business.id].sent
        return {key: known[key] for key in keys if key in known}

    async def uploaded(
        self, business: Business, person: str, attachments: Sequence[str]
    ) -> tuple[Uploaded, ...]:
        """Nobody has uploaded anything here."""
        await trio.lowlevel.checkpoint()
        return ()

    async def people(self, business: Business, people: Iterable[str]) -> tuple[Person, ...]:
        await trio.lowlevel.checkpoint()
        known = self._kept[business.id].people
        return tuple(known[person] for person in dict.fromkeys(people) if person in known)

    async def customer_facts(
        self, business: Business, customer: str, _now: int
    ) -> tuple[CustomerFacts, int]:
        await trio.lowlevel.checkpoint()
        locations = self._kept[business.id].locations.get(customer, ())
        return CustomerFacts(tuple(sorted(locations))), 2**63 - 1

    async def marked(self, business: Business, conversation: str, person: str) -> bool:
        await trio.lowlevel.checkpoint()
        found = False
        for _, event in self._kept[business.id].logs.get(conversation, []):
            if isinstance(event, Marked) and event.person == person:
                found = event.unread
        return found

    async def note(self, business: Business, conversation: str, note: str) -> Note | None:
        await trio.lowlevel.checkpoint()
        found = None
        for _, event in self._kept[business.id].logs.get(conversation, []):
            if isinstance(event, NoteChanged) and event.note.id == note:
                found = event.note
        return found

    async def seers(self, business: Business, person: str) -> Seers:
        await trio.lowlevel.checkpoint()
        kept = self._kept[business.id]
        known = {p.id for p in kept.people.values() if p.role is not Role.CUSTOMER}
        for conversation in kept.logs:
            state = await self.conversation(business, conversation)
            if state is not None and person in state.members:
                known |= state.members.keys()
        return Seers(frozenset(known), kept.revision)

    async def history(
        self, viewer: Viewer, conversation: str, _before: None, _after: None, _limit: int
    ) -> tuple[list[Message], bool]:
        """All of it: this is the owner's view alone."""
        await trio.lowlevel.checkpoint()
        kept = next(k for k in self._kept.values() if k.state.no == viewer.business_no)
        messages: dict[int, Message] = {}
        for revision, event in kept.logs.get(conversation, []):
            match event:
                case MessageSent():
                    messages[event.seq] = _message(revision, event, event.text)
                case MessageEdited():
                    messages[event.seq] = _replaced(messages[event.seq], event.text)
                case MessageDeleted():
                    messages[event.seq] = _replaced(messages[event.seq], "")
                case MemberAdded() | MemberRemoved():
                    messages[event.seq] = _message(revision, event, event.member.name)
                case (
                    ReceiptsAdvanced()
                    | ConversationCreated()
                    | HandlingChanged()
                    | NoteChanged()
                    | Marked()
                    | AttachmentSettled()
                ):
                    pass
        return list(messages.values()), False


def _message(revision: int, event: MessageSent | MemberAdded | MemberRemoved, text: str) -> Message:
    return Message(
        conversation=event.conversation,
        seq=event.seq,
        revision=revision,
        at=event.at,
        author=event.author,
        text=text,
    )


def _replaced(message: Message, text: str) -> Message:
    return Message(
        conversation=message.conversation,
        seq=message.seq,
        revision=message.revision,
        at=message.at,
        author=message.author,
        text=text,
    )
