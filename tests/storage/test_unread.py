"""R14: the unread counter is a recount, whatever happens, and nothing of what one has left."""

import random
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from actors.conversation import ConversationActor
from actors.envelope import Envelope
from domain.commands import (
    Accepted,
    AddMember,
    AdvanceReceipt,
    Answer,
    Command,
    Delete,
    Done,
    Edit,
    RemoveMember,
    Send,
)
from domain.events import Person
from domain.limits import UNREAD_MAX, Limits
from domain.roles import Role
from storage.access import Viewer
from storage.database import Database
from tests.actors.talk import PEOPLE, Talk, speaker
from tests.contract.house import running_database
from tests.fixtures.actors import handle

OPERATIONS = 100_000
BATCH = 25
RECOUNT_EVERY = 100
DEVICES = ("phone", "tablet", "desk")


@dataclass
class Said:
    """One place of the log."""

    author: str
    is_message: bool
    deleted: bool = False


@dataclass
class Room:
    """A conversation's actor, and a model of it that knows nothing of cursors in a database."""

    actor: ConversationActor
    log: list[Said] = field(default_factory=list)
    inside: dict[str, int] = field(default_factory=dict)  # since which seq
    read: dict[str, int] = field(default_factory=dict)
    team_read: int = 0
    moved: set[str] = field(default_factory=set)
    """Whose cursor a batch moved; who comes or goes within it is not among them."""

    def unread(self, person: str, *, shares: bool = False) -> int:
        """A recount; ``shares``: a team's, where a customer is (EX-24)."""
        since = self.inside.get(person, 1) if PEOPLE[person] is Role.CUSTOMER else 1
        read = self.read.get(person, 0)
        of_customers = shares and any(PEOPLE[p] is Role.CUSTOMER for p in self.inside)
        if of_customers:
            read = max(read, self.team_read)
        count = sum(
            said.is_message
            and not said.deleted
            and said.author != person
            and not (of_customers and PEOPLE[said.author] is not Role.CUSTOMER)
            for said in self.log[max(read + 1, since) - 1 :]
        )
        return min(count, UNREAD_MAX)

    def has(self, person: str) -> bool:
        return person in self.inside or person == "olivia"

    async def receive(self, commands: list[Command]) -> None:
        """One batch, for the actor and then for the model."""
        answers: dict[int, Answer] = {}
        batch = [
            Envelope(command, partial(answers.__setitem__, n)) for n, command in enumerate(commands)
        ]
        await handle(self.actor, batch)
        self.moved.clear()
        for n, command in enumerate(commands):
            self.take(command, answers[n])
        team = [self.read[p] for p in self.moved if PEOPLE[p] is not Role.CUSTOMER]
        self.team_read = max(self.team_read, *team, 0)

    def take(self, command: Command, answer: Answer) -> None:
        """What an answer of the actor says has become true."""
        if isinstance(answer, Accepted):
            assert answer.seq == len(self.log) + 1
            self.log.append(Said(command.speaker.person, True))
        elif isinstance(answer, Done) and answer.revision:
            match command:
                case AdvanceReceipt():
                    person = command.speaker.person
                    reached = min(command.read_up_to, len(self.log))
                    self.read[person] = max(self.read.get(person, 0), reached)
                    self.moved.add(person)
                case Delete():
                    self.log[command.seq - 1].deleted = True
                case AddMember():
                    assert command.person is not None
                    self.log.append(Said(command.speaker.person, False))
                    self.inside[command.person.id] = len(self.log)
                    self.read.pop(command.person.id, None)
                    self.moved.discard(command.person.id)
                case RemoveMember():
                    self.log.append(Said(command.speaker.person, False))
                    del self.inside[command.person]
                    self.read.pop(command.person, None)
                    self.moved.discard(command.person)
                case _:
                    pass


def anything(rng: random.Random, room: Room, n: int) -> Command:
    """Send, read on some device, delete, edit, join, leave, come back."""
    person = rng.choice(list(PEOPLE))
    who = speaker(person, rng.choice(DEVICES))
    seq = rng.randint(max(1, len(room.log) - 30), len(room.log) + 1)
    other = rng.choice(list(PEOPLE))
    kind = rng.choices(["send", "read", "delete", "edit", "join", "leave"], [8, 6, 1, 1, 0.6, 0.5])
    match kind[0]:
        case "send":
            return Send(who, f"m{n}", f"text {n}", 0)
        case "read":
            return AdvanceReceipt(who, seq, seq)
        case "delete":
            return Delete(who, seq)
        case "edit":
            return Edit(who, seq, f"edited {n}")
        case "join":
            return AddMember(who, Person(other, other.title(), PEOPLE[other]))
        case _:
            return RemoveMember(who, rng.choice([person, other]))


async def recount(database: Database, business_no: int, rooms: dict[str, Room]) -> None:
    """Everybody's list is the model's."""
    for person, role in PEOPLE.items():
        for shares in {False, role is not Role.CUSTOMER}:
            viewer = Viewer(business_no, person, role, shares)
            page = await database.queries.conversations(viewer, None, 50)
            listed = {c.id: c.unread for c in page.conversations}
            seen = {id_: room for id_, room in rooms.items() if room.has(person)}
            assert listed == {id_: r.unread(person, shares=shares) for id_, r in seen.items()}


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_r14_the_counter_is_the_recount(tmp_path: Path) -> None:
    rng = random.Random(14)
    async with running_database(tmp_path) as database:
        talk = await Talk.started(database)
        rooms: dict[str, Room] = {}
        for id_ in ("c1", "c2", "c3"):
            await talk.restart(id_)
            await talk.create("carla")
            rooms[id_] = Room(talk.actor, inside={"sam": 1, "carla": 1})
        for done in range(0, OPERATIONS, BATCH):
            room = rooms[rng.choice(list(rooms))]
            commands = [anything(rng, room, done + n) for n in range(BATCH)]
            await room.receive(commands)
            if done % RECOUNT_EVERY == 0:
                await recount(database, talk.business.no, rooms)
            if rng.random() < 0.02:  # the actor is passivated, and comes back
                id_ = next(i for i, r in rooms.items() if r is room)
                await talk.restart(id_)
                room.actor = talk.actor
        await recount(database, talk.business.no, rooms)
    assert Limits().members > len(PEOPLE)
