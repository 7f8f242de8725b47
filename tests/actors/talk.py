"""A conversation actor with everything around it, and what came out of it."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from actors.conversation import ConversationActor
from actors.envelope import Envelope
from domain.business import Business
from domain.commands import (
    Accepted,
    AddMember,
    AdvanceReceipt,
    Answer,
    Command,
    Create,
    Delete,
    Edit,
    RemoveMember,
    Send,
    ShowTyping,
    Speaker,
)
from domain.events import ConversationEvent, Person, PersonChanged, ReceiptsAdvanced
from domain.limits import Limits
from domain.roles import Role
from domain.views import Message
from storage.access import Viewer
from tests.contract.house import START_MS, Opened, running_database
from tests.contract.memory import MemoryDatabase
from tests.fixtures.actors import handle

PEOPLE = {
    "olivia": Role.OWNER,
    "mary": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "dave": Role.CUSTOMER,
}
CONNECTIONS = {person: number for number, person in enumerate(PEOPLE, start=1)}


@dataclass(frozen=True)
class Shown:
    """One event as it was published."""

    revision: int
    event: ConversationEvent
    audience: frozenset[str]
    origins: frozenset[int]


@dataclass
class Talk:
    """Feeds batches to the actor of conversation ``c1``; is its publisher, too."""

    database: Opened
    business: Business
    now: int = START_MS
    shown: list[Shown] = field(default_factory=list)
    typings: list[tuple[str, bool, frozenset[str], int]] = field(default_factory=list)
    told: Sequence[str] = ()
    """Who of the team heard last how far it has read."""
    flushes: int = 0
    connected: set[str] = field(default_factory=set)
    order: list[Command] = field(default_factory=list)

    @classmethod
    async def started(cls, database: Opened, business: str = "pawsome") -> "Talk":
        assert await database.create_business(business, "Pawsome", business.encode(), 1)
        people = [Person(id_, id_.title(), role) for id_, role in PEOPLE.items()]
        events = [PersonChanged(1, "test", person, (), False) for person in people]
        await database.journal.append(business, events, lambda _: None)
        state = await database.queries.business(business)
        assert state is not None
        talk = cls(database, state)
        await talk.restart()
        return talk

    # --- the publisher ----------------------------------------------------------------------------

    def publish(
        self,
        business: Business,
        revision: int,
        event: ConversationEvent,
        audience: Sequence[str],
        origins: Collection[int],
        late: Collection[str] = (),
        places: Sequence[str] = (),
    ) -> None:
        assert not isinstance(event, ReceiptsAdvanced)
        self._show(business, revision, event, audience, origins)

    def receipts(
        self,
        business: Business,
        revision: int,
        event: ReceiptsAdvanced,
        authors: Sequence[str],
        origins: Collection[int],
        team: Sequence[str],
    ) -> None:
        assert len(set(team)) == len(team), "nobody is named twice"
        self.told = team
        self._show(business, revision, event, authors, origins)

    def _show(
        self,
        business: Business,
        revision: int,
        event: ConversationEvent,
        audience: Sequence[str],
        origins: Collection[int],
    ) -> None:
        assert business is self.business
        assert len(set(audience)) == len(audience), "nobody is named twice"
        self.shown.append(Shown(revision, event, frozenset(audience), frozenset(origins)))

    def typing(
        self,
        business: Business,
        conversation: str,
        person: str,
        active: bool,
        audience: Sequence[str],
        origin: int,
        places: Sequence[str] = (),
    ) -> None:
        assert (business, conversation) == (self.business, "c1")
        self.typings.append((person, active, frozenset(audience), origin))

    def present(self, business: Business, people: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self.connected.intersection(people)))

    def flush(self) -> None:
        self.flushes += 1

    # --- the actor --------------------------------------------------------------------------------

    def clock(self) -> int:
        self.now += 1
        return self.now

    async def restart(self, conversation: str = "c1") -> None:
        """A new actor, as after a crash."""
        self.actor = ConversationActor(
            self.business,
            conversation,
            self.database.queries,
            self.database.journal,
            self,
            Limits(),
            self.clock,
        )
        await self.actor.activate()

    async def __call__(self, *commands: Command) -> list[Answer]:
        """One batch; the answers, in the order of the commands."""
        answers: list[list[Answer]] = [[] for _ in commands]
        batch = []
        for command, answered in zip(commands, answers, strict=True):

            def reply(value: object, command: Command = command, to: list = answered) -> None:
                self.order.append(command)
                to.append(value)

            batch.append(Envelope(command, reply))
        await handle(self.actor, batch)
        assert all(len(answered) == 1 for answered in answers), "each is answered once"
        return [answered[0] for answered in answers]

    async def one(self, command: Command) -> Answer:
        [answer] = await self(command)
        return answer

    async def create(self, *people: str, author: str = "sam", kind: str = "group") -> Answer:
        return await self.one(self.creation(*people, author=author, kind=kind))

    def creation(self, *people: str, author: str = "sam", kind: str = "group") -> Create:
        found = tuple(Person(p, p.title(), PEOPLE[p]) for p in people if p in PEOPLE)
        return Create(speaker(author), kind, "", people, found)

    async def log(self) -> list[Message]:
        """What is stored of the conversation, as the owner reads it."""
        owner = Viewer(self.business.no, "olivia", Role.OWNER)
        found = await self.database.queries.history(owner, "c1", None, None, 200)
        assert found is not None
        return found[0]

    def new(self) -> list[Shown]:
        """What has been shown since this was asked last."""
        shown, self.shown = self.shown, []
        return shown


def speaker(person: str, device: str = "phone") -> Speaker:
    return Speaker(person, person.title(), PEOPLE[person], device, CONNECTIONS[person])


def send(
    person: str, client_id: str, text: str = "Hello", *, device: str = "phone", reply_to: int = 0
) -> Send:
    return Send(speaker(person, device), client_id, text, reply_to)


def edit(person: str, seq: int, text: str = "Edited") -> Edit:
    return Edit(speaker(person), seq, text)


def delete(person: str, seq: int) -> Delete:
    return Delete(speaker(person), seq)


def receipt(person: str, delivered: int, read: int = 0) -> AdvanceReceipt:
    return AdvanceReceipt(speaker(person), delivered, read)


def add(person: str, joining: str) -> AddMember:
    return AddMember(speaker(person), Person(joining, joining.title(), PEOPLE[joining]))


def remove(person: str, leaving: str) -> RemoveMember:
    return RemoveMember(speaker(person), leaving)


def typing(person: str, *, active: bool = True) -> ShowTyping:
    return ShowTyping(speaker(person), active)


def seq(answer: Answer) -> int:
    assert isinstance(answer, Accepted), answer
    return answer.seq


@asynccontextmanager
async def talking(kind: str, folder: Path) -> AsyncIterator[Talk]:
    """A talk on a database of either kind."""
    if kind == "memory":
        yield await Talk.started(MemoryDatabase())  # type: ignore[arg-type]
        return
    async with running_database(folder) as database:
        yield await Talk.started(database)
