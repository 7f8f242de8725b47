"""A business whose events a test writes one by one, without actors, and reads back."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import trio

from actors.ports import Journal
from domain.business import Business, Wanted, decide_person, evolve
from domain.conversation import digest
from domain.events import (
    BusinessChanged,
    ConversationCreated,
    Cursor,
    Event,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    OwnershipTransferred,
    Person,
    PersonChanged,
    PrivacyChanged,
    ReceiptsAdvanced,
)
from domain.receipts import advance, team_reach
from domain.roles import TEAM, Role
from domain.views import Attachment
from storage.access import Viewer
from storage.database import Database
from storage.queries import Queries
from tests.fixtures.blank import lay_out

START_MS = 1_793_000_000_000


class Opened(Protocol):
    """A database that a test has opened: another kind of database offers the same."""

    @property
    def journal(self) -> Journal: ...

    @property
    def queries(self) -> Queries: ...

    async def create_business(
        self, business: str, name: str, key_hash: bytes, now: int
    ) -> bool: ...


@dataclass
class House:
    """Gives out seqs and times like actors do; every event is a batch of its own."""

    database: Opened
    business: Business
    now: int = START_MS
    people: dict[str, Person] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    cursors: dict[tuple[str, str], Cursor] = field(default_factory=dict)
    team_read: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def founded(cls, database: Opened, business: str = "pawsome") -> "House":
        """A new business with olivia, the owner; sam of the staff; carla and dave, customers."""
        assert await database.create_business(business, business.title(), business.encode(), 1)
        state = await database.queries.business(business)
        assert state is not None
        house = cls(database, state)
        for person, role in (
            ("olivia", Role.OWNER),
            ("sam", Role.STAFF),
            ("carla", Role.CUSTOMER),
            ("dave", Role.CUSTOMER),
        ):
            await house.person(person, role)
        return house

    def at(self) -> int:
        """A time later than all before."""
        self.now += 1
        return self.now

    async def append(self, events: Sequence[Event]) -> int:
        """Append one batch; the revision of its first event."""
        first: list[int] = []
        await self.database.journal.append(self.business.id, events, first.append)
        return first[0]

    async def person(self, person: str, role: Role, *, active: bool = True) -> int:
        """Add somebody, or change them."""
        return await self._put(Person(person, person.title(), role, active))

    async def named(self, person: str, name: str) -> int:
        """Add a customer of that name, or rename somebody."""
        role = self.people[person].role if person in self.people else Role.CUSTOMER
        return await self._put(Person(person, name, role))

    async def _put(self, after: Person) -> int:
        decided = decide_person(
            self.business, "test", None, self.people.get(after.id), Wanted(after), self.at()
        )
        assert isinstance(decided, PersonChanged)
        self.people[after.id] = after
        evolve(self.business, decided)
        return await self.append([decided])

    def created(self, conversation: str, *people: str, author: str = "sam") -> ConversationCreated:
        """The event of a new conversation of ``people``; the owner is in it without being named."""
        members = tuple(self.people[person] for person in people)
        self.seqs[conversation] = 0
        return ConversationCreated(
            conversation, "group", "", self.at(), author, members, b"asked for"
        )

    async def converse(self, conversation: str, *people: str, author: str = "sam") -> int:
        return await self.append([self.created(conversation, *people, author=author)])

    def message(
        self,
        conversation: str,
        author: str,
        text: str,
        *,
        device: str = "phone",
        client_id: str = "",
        reply_to: int = 0,
        attachments: tuple[Attachment, ...] = (),
    ) -> MessageSent:
        """The event of the next message."""
        self.seqs[conversation] += 1
        seq = self.seqs[conversation]
        return MessageSent(
            conversation,
            seq,
            self.at(),
            author,
            text,
            reply_to,
            device,
            client_id or f"{conversation}-{seq}",
            digest(conversation, text, reply_to, tuple(each.id for each in attachments)),
            attachments=attachments,
        )

    async def send(self, conversation: str, author: str, text: str = "Hello") -> int:
        """Append a message; its revision."""
        return await self.append([self.message(conversation, author, text)])

    async def edit(self, conversation: str, seq: int, text: str, author: str = "carla") -> int:
        return await self.append([MessageEdited(conversation, seq, self.at(), author, text)])

    async def delete(self, conversation: str, seq: int, author: str = "carla") -> int:
        return await self.append([MessageDeleted(conversation, seq, self.at(), author)])

    async def add(self, conversation: str, person: str, author: str = "sam") -> int:
        self.seqs[conversation] += 1
        self.cursors.pop((conversation, person), None)
        added = MemberAdded(
            conversation, self.seqs[conversation], self.at(), author, self.people[person]
        )
        return await self.append([added])

    async def remove(self, conversation: str, person: str, author: str = "sam") -> int:
        self.seqs[conversation] += 1
        self.cursors.pop((conversation, person), None)
        removed = MemberRemoved(
            conversation, self.seqs[conversation], self.at(), author, self.people[person]
        )
        return await self.append([removed])

    def advanced(self, conversation: str, steps: Iterable[tuple[str, int, int]]) -> Event:
        """The event of several people's cursors, each (person, delivered, read) moving."""
        advances = []
        for person, delivered, read in steps:
            before = self.cursors.get((conversation, person), Cursor())
            last = self.seqs[conversation]
            step = advance(person, before, delivered, read, last, self.at())
            assert step is not None
            self.cursors[conversation, person] = step.cursor
            advances.append(step)
        team = {person.id for person in self.people.values() if person.role in TEAM}
        reach = team_reach(self.team_read.get(conversation, 0), advances, team)
        self.team_read[conversation] = reach or self.team_read.get(conversation, 0)
        return ReceiptsAdvanced(conversation, self.now, tuple(advances), reach)

    async def receipt(self, conversation: str, person: str, delivered: int, read: int = 0) -> int:
        return await self.append([self.advanced(conversation, [(person, delivered, read)])])

    def settings_event(self, *, read_receipts: bool = True) -> BusinessChanged:
        return BusinessChanged(self.at(), "olivia", "Pawsome", read_receipts, True)

    async def settings(self, *, read_receipts: bool) -> int:
        return await self.append([self.settings_event(read_receipts=read_receipts)])

    async def privacy(self, person: str, *, read_receipts: bool, last_seen: bool) -> int:
        return await self.append([PrivacyChanged(self.at(), person, read_receipts, last_seen)])

    async def transfer(self, former: str, heir: str) -> int:
        """The ownership goes from one to the other, who becomes a manager."""
        for person, role in ((former, Role.MANAGER), (heir, Role.OWNER)):
            self.people[person] = Person(person, person.title(), role)
        return await self.append(
            [OwnershipTransferred(self.at(), former, former, Role.MANAGER, heir)]
        )

    def viewer(self, person: str, *, shares_unread: bool = False) -> Viewer:
        """``person`` as who reads."""
        return Viewer(self.business.no, person, self.people[person].role, shares_unread)


@asynccontextmanager
async def running_database(folder: Path) -> AsyncIterator[Database]:
    """The database of a folder, its journal running."""
    lay_out(folder)
    database = await Database.open(folder, lambda: None)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(database.bell.run)
            await nursery.start(database.journal.run)
            yield database
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await database.close()
