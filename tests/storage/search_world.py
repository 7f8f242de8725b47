"""A business that talks at random, and what anybody may find in it, worked out the slow way."""

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from domain.channels import APP, Channel, Channels
from domain.events import ConversationCreated, Handling, HandlingChanged
from domain.roles import Role
from domain.views import Attachment
from storage import search_index
from storage.database import Database
from tests.contract.house import House
from tests.fixtures.attached import attachment

WORDS = ["rex", "Rex", "bella", "Ángel", "angel", "hot", "spot", "groomer", "grooming", "ready"]
WORDS += ["the", "30°", "café", "vet-clinic"]
LOCATIONS = ["downtown", "uptown", "harbour"]
TITLES = ("", "", "Rex", "Ángel and bella", "the groomer")
PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "max": Role.MANAGER,
    "carla": Role.CUSTOMER,
    "dave": Role.CUSTOMER,
}


def spelt(text: str) -> list[str]:
    """The words of a text without case and accents; a sign is a word."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.findall(r"\w+|°", plain)


@dataclass
class Line:
    """A message or, at seq 0, a title."""

    conversation: str
    seq: int
    revision: int
    at: int
    author: str
    text: str
    channel: Channel | None = None
    attachments: bool = False


@dataclass
class World:
    """The truth: what was said, who is in what, and since when."""

    house: House
    random: random.Random
    lines: dict[tuple[str, int], Line] = field(default_factory=dict)
    inside: dict[tuple[str, str], int] = field(default_factory=dict)
    ever: set[tuple[str, str]] = field(default_factory=set)
    rooms: list[str] = field(default_factory=list)
    files: int = 0
    handling: dict[str, Handling] = field(default_factory=dict)

    @classmethod
    async def talked(cls, house: House, seed: int, turns: int, steps: float = 0.2) -> "World":
        """After so many random turns; the index takes a step after some of them."""
        world = cls(house, random.Random(seed))
        await house.person("max", Role.MANAGER)
        await world.begin()
        for _ in range(turns):
            await world.turn()
            if world.random.random() < steps:
                await step(house)
        return world

    async def turn(self) -> None:
        """Something happens."""
        pick = self.random
        room = pick.choice(self.rooms)
        said = [line for line in self.lines.values() if line.seq and line.text]
        match pick.choices(
            ("send", "edit", "delete", "add", "remove", "begin", "handle"),
            (60, 12, 6, 8, 8, 6, 10),
        )[0]:
            case "send":
                await self.send(room)
            case "edit" if said:
                line = pick.choice(said)
                line.text = self.text()
                await self.house.edit(line.conversation, line.seq, line.text, line.author)
            case "delete" if said:
                line = pick.choice(said)
                line.text = ""
                await self.house.delete(line.conversation, line.seq, line.author)
            case "add":
                out = [p for p in PEOPLE if p != "olivia" and (room, p) not in self.inside]
                if out:
                    person = pick.choice(out)
                    await self.house.add(room, person)
                    self.inside[room, person] = self.house.seqs[room]
                    self.ever.add((room, person))
            case "remove":
                within = [p for p in PEOPLE if (room, p) in self.inside]
                if within:
                    person = pick.choice(within)
                    await self.house.remove(room, person)
                    del self.inside[room, person]
            case "begin":
                await self.begin()
            case "handle":
                await self.handle(room)

    async def begin(self) -> None:
        """A conversation of some."""
        room = f"c{len(self.rooms)}"
        people = self.random.sample(sorted(set(PEOPLE) - {"olivia"}), self.random.randint(1, 4))
        made = self.house.created(room, *people)
        title = self.random.choice(TITLES)
        event = ConversationCreated(
            room, "group", title, made.at, made.author, made.members, made.digest
        )
        revision = await self.house.append([event])
        self.rooms.append(room)
        self.inside |= {(room, person): 1 for person in people}
        self.ever |= {(room, person) for person in people}
        self.lines[room, 0] = Line(room, 0, revision, made.at, "", title)

    async def send(self, room: str) -> None:
        """Somebody says something."""
        author = self.random.choice(list(PEOPLE))
        files: tuple[Attachment, ...] = ()
        if self.random.random() < 0.2:
            self.files += 1
            assert isinstance(self.house.database, Database)
            files = (await attachment(self.house.database, 1, author, f"a{self.files}"),)
        event = self.house.message(room, author, self.text(), attachments=files)
        channel = self.random.choice((APP, APP, Channel.TEXT, Channel.EMAIL))
        if channel is not APP:
            event = structs.replace(event, channels=Channels(channel, channel))
        revision = await self.house.append([event])
        self.lines[room, event.seq] = Line(
            room, event.seq, revision, event.at, author, event.text, channel, bool(files)
        )

    async def handle(self, room: str) -> None:
        """The team places it elsewhere, in another state."""
        before = self.handling.get(room, Handling())
        where = self.random.sample(LOCATIONS, self.random.randint(0, 2))
        status = self.random.choice(("open", "snoozed", "closed"))
        after = Handling(tuple(where), status, 5 if status == "snoozed" else 0)
        event = HandlingChanged(
            room,
            self.house.seqs[room],
            self.house.at(),
            "sam",
            "transferred",
            after,
            0,
            came=tuple(set(where) - set(before.locations)),
            left=tuple(set(before.locations) - set(where)),
        )
        await self.house.append([event])
        self.handling[room] = after

    def text(self) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, 7)))

    def since(self, person: str, room: str) -> int | None:
        """From which seq on somebody may read it."""
        if PEOPLE[person] is Role.OWNER:
            return 1
        joined = self.inside.get((room, person))
        return 1 if joined is not None and PEOPLE[person] is not Role.CUSTOMER else joined

    def visible(self, person: str) -> Iterator[Line]:
        """What somebody may read, the newest first."""
        for line in sorted(self.lines.values(), key=lambda line: -line.revision):
            since = self.since(person, line.conversation)
            if since is not None and (line.seq == 0 or line.seq >= since):
                yield line


async def step(house: House) -> bool:
    """One step of the index; whether there was one to do."""
    database = house.database
    assert isinstance(database, Database)
    plan = await database._writer.run(search_index.plan, house.business.id)
    if plan is None:
        return False
    done = 0
    while done < len(plan.keys) or not plan.keys:
        done = await database._writer.transact(search_index.step, plan, done, 0)
        if not plan.keys:
            break
    await database._writer.transact(search_index.merge)
    return True


async def index_all(house: House) -> None:
    """Everything is indexed."""
    while await step(house):
        pass
