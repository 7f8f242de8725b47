"""Makes the database of W5: one business as it is after years, through SQL in bulk.

    python generate.py FOLDER [--messages 1000000] [--customers 20000] [--staff 50] [--seed 1]

The tables are the product's own: its migrations make them, and its own code fills the index. The
same seed makes the same business. In FOLDER it leaves deskbell.db, and w5.json, which tells the
harness the key and how many there are.
"""

import argparse
import hashlib
import json
import random
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
from texts import Texts

from domain.conversation import digest
from domain.events import Handling
from storage import search_index
from storage.connection import WRITER_PRAGMAS
from storage.handling_rows import Hidden
from storage.migrations import migrate
from storage.people import folded

BUSINESS = "w5"
LOCATIONS = ("downtown", "uptown", "harbour")
CHANNELS = {3: "text", 9: "text", 14: "text", 17: "email"}
"""Of twenty customers, who do not write in the app."""

GROUPS = 20
GROUP_SHARE = 0.02
"""Of all messages: what the staff say among themselves."""

BEGIN = 1_700_000_000_000
YEARS_MS = 2 * 365 * 86_400_000
ROWS = 20_000

_steps = msgspec.msgpack.Encoder().encode


@dataclass
class Room:
    """One conversation; ``speakers`` are (person, whether of the team)."""

    no: int
    id: str
    title: str
    members: list[str]
    speakers: list[tuple[str, bool]]
    pet: str
    first: str
    size: int
    location: str = ""
    channel: str = ""
    """On which its customer writes; empty: in the app."""
    revision: int = 0
    entries: list[tuple[int, int, str, str]] = field(default_factory=list)
    """(revision, at, author, text)"""


class World:
    """Who there is, and what they said in which order."""

    def __init__(self, seed: int, messages: int, customers: int, staff: int) -> None:
        self.random = random.Random(seed)
        self.texts = Texts(self.random)
        self.messages = messages
        self.customers = [f"customer{n}" for n in range(customers)]
        self.staff = [f"staff{n}" for n in range(staff)]
        self.people = list(self._everybody())
        self.rooms = list(self._rooms())
        self.revision = len(self.people)
        self.receipts: list[tuple[int, int, int, bytes]] = []

    def _everybody(self) -> Iterator[tuple[str, str, str, list[str]]]:
        """(id, name, role, locations)"""
        yield "owner", "Olivia Marsh", "owner", list(LOCATIONS)
        for n, staff in enumerate(self.staff):
            role = "manager" if n < len(LOCATIONS) else "staff"
            yield staff, " ".join(self.texts.name()), role, [LOCATIONS[n % len(LOCATIONS)]]
        for n, customer in enumerate(self.customers):
            yield customer, " ".join(self.texts.name()), "customer", [LOCATIONS[n % len(LOCATIONS)]]

    def _rooms(self) -> Iterator[Room]:
        pick = self.random
        weights = [pick.paretovariate(1.3) for _ in self.customers]
        share = self.messages * (1 - GROUP_SHARE) / sum(weights)
        names = {id_: name for id_, name, _, _ in self.people}
        for n, customer in enumerate(self.customers):
            one = self.staff[n % len(self.staff)]
            pet = self.texts.pet()
            yield Room(
                no=n + 1,
                id=f"talk-{customer}",
                title=f"{pet} and {names[customer]}",
                members=[customer, one],
                speakers=[(customer, False), (one, True), (customer, False), ("owner", True)],
                pet=pet,
                first=names[customer].split()[0],
                size=max(1, round(weights[n] * share)),
                location=LOCATIONS[n % len(LOCATIONS)],
                channel=CHANNELS.get(n % 20, ""),
            )
        for n in range(GROUPS):
            team = pick.sample(self.staff, min(12, len(self.staff)))
            yield Room(
                no=len(self.customers) + n + 1,
                id=f"team-{n}",
                title=f"Team {n}: {pick.choice(LOCATIONS)}",
                members=team,
                speakers=[(person, True) for person in team],
                pet=self.texts.pet(),
                first=self.texts.name()[0],
                size=round(self.messages * GROUP_SHARE / GROUPS),
            )

    def talk(self) -> None:
        """Everything that was said, in bursts of one conversation at a time, over two years."""
        pick = self.random
        bursts = [
            (room, min(4, room.size - start))
            for room in self.rooms
            for start in range(0, room.size, 4)
        ]
        pick.shuffle(bursts)
        step = YEARS_MS // len(bursts)
        for turn, (room, count) in enumerate(bursts):
            at = BEGIN + turn * step
            if not room.revision:
                self.revision += 1
                room.revision = self.revision
            for _ in range(count):
                self.revision += 1
                at += pick.randint(1_000, 90_000)
                room.entries.append((self.revision, at, *self._say(room)))
            self.revision += 1
            steps = _steps([(room.members[0], 0, len(room.entries))])
            self.receipts.append((room.no, self.revision, at, steps))

    def _say(self, room: Room) -> tuple[str, str]:
        author, team = self.random.choice(room.speakers)
        if room.id.startswith("team-"):
            return author, self.texts.team(room.pet, room.first)
        say = self.texts.staff if team else self.texts.customer
        return author, say(room.pet, room.first)


def write(connection: sqlite3.Connection, world: World, key: str) -> None:
    """All rows, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO business (no, id, name, created_at) VALUES (1, ?, 'Pawsome Pet Care', ?)",
        (BUSINESS, BEGIN),
    )
    hashed = hashlib.sha256(key.encode()).digest()
    connection.execute(
        "INSERT INTO api_key (hash, business_no, id, name, created_at)"
        " VALUES (?, 1, 'w5', 'W5', ?)",
        (hashed, BEGIN),
    )
    _many(
        connection,
        "INSERT INTO location (business_no, id, name, time_zone) VALUES (1, ?, ?, 'UTC')",
        ((location, location.title()) for location in LOCATIONS),
    )
    _many(
        connection,
        "INSERT INTO person (business_no, id, name, folded_name, role, locations, revision)"
        " VALUES (1, ?, ?, ?, ?, ?, ?)",
        sorted(
            (id_, name, folded(name), role, json.dumps(locations), n + 1)
            for n, (id_, name, role, locations) in enumerate(world.people)
        ),
    )
    rooms = world.rooms
    _many(
        connection,
        "INSERT INTO conversation (no, business_no, id, kind, title, created_at, created_by,"
        " created_revision, creation) VALUES (?, 1, ?, 'group', ?, ?, 'owner', ?, x'00')",
        ((r.no, r.id, r.title, r.entries[0][1], r.revision) for r in rooms),
    )
    _many(
        connection,
        "INSERT INTO head (business_no, conversation_no, revision, activity, waiting_since,"
        " heard_at, channel) VALUES (1, ?, ?, ?, ?, ?, ?)",
        ((r.no, r.entries[-1][0] + 1, r.entries[-1][0], *_heard(r)) for r in rooms),
    )
    _many(
        connection,
        "INSERT INTO handling (conversation_no, status, snoozed_until, assignee, locations, hidden)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        _handlings(world),
    )
    _many(
        connection,
        "INSERT INTO placement VALUES (1, ?, ?, ?)",
        sorted((r.location, r.no, r.revision) for r in rooms if r.location),
    )
    _many(
        connection,
        "INSERT INTO member (conversation_no, person, business_no, since_seq, since_revision)"
        " VALUES (?, ?, 1, 1, ?)",
        ((r.no, person, r.revision) for r in rooms for person in sorted(r.members)),
    )
    _many(
        connection,
        "INSERT INTO cursor (conversation_no, person, delivered_up_to, delivered_at, read_up_to,"
        " read_at, revision, delivered_revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        _cursors(world),
    )
    _many(
        connection,
        "INSERT INTO message (id, business_no, revision, at, author, text, device,"
        " client_message_id, digest, channel) VALUES (?, 1, ?, ?, ?, ?, 'w5', ?, ?, ?)",
        _messages(rooms),
    )
    _many(
        connection,
        "INSERT INTO receipt (conversation_no, revision, at, steps) VALUES (?, ?, ?, ?)",
        sorted(world.receipts),
    )
    connection.execute("INSERT INTO log VALUES (1, ?)", (world.revision,))
    connection.execute("COMMIT")


def _messages(rooms: Iterable[Room]) -> Iterator[tuple[object, ...]]:
    for room in rooms:
        for n, (revision, at, author, text) in enumerate(room.entries):
            key = room.no << 32 | n + 1
            same = digest(room.id, text, 0)
            said = room.channel if author.startswith("customer") else ""
            yield key, revision, at, author, text, f"m-{key:x}", same, said


def _heard(room: Room) -> tuple[int, int, str]:
    """(since when the customer waits, when they last wrote, and on which channel)"""
    heard = [at for _, at, author, _ in room.entries if author.startswith("customer")]
    waits = room.entries[-1][2].startswith("customer")
    if not heard:
        return 0, 0, ""
    return heard[-1] if waits else 0, heard[-1], room.channel


def _handlings(world: World) -> Iterator[tuple[object, ...]]:
    """Most are closed, a few put off; of the open ones a half is somebody's."""
    hidden = msgspec.json.encode(Hidden(Handling().trigger, "")).decode()
    for room in world.rooms:
        if room.location:
            status = world.random.choice(("closed",) * 12 + ("open",) * 7 + ("snoozed",))
            until = BEGIN + 9 * YEARS_MS if status == "snoozed" else 0
            assignee = world.random.choice(("", room.members[1]))
            yield room.no, status, until, assignee, json.dumps([room.location]), hidden


def _cursors(world: World) -> Iterator[tuple[object, ...]]:
    for room in world.rooms:
        last = len(room.entries)
        revision, at, _, _ = room.entries[-1]
        for person in sorted(room.members):
            read = last - min(last, world.random.choice((0, 0, 0, 1, 3)))
            yield room.no, person, last, at, read, at, revision + 1, revision + 1


def _many(connection: sqlite3.Connection, sql: str, rows: Iterable[Sequence[object]]) -> None:
    rows = iter(rows)
    while chunk := list(islice(rows, ROWS)):
        connection.executemany(sql, chunk)


def index(connection: sqlite3.Connection) -> None:
    """As the server's indexer does it, in larger steps."""
    search_index.STEP = ROWS
    search_index.PLANNED_KEYS = ROWS
    while (plan := search_index.plan(connection, BUSINESS)) is not None:
        connection.execute("BEGIN IMMEDIATE")
        search_index.step(connection, plan, 0, BEGIN)
        connection.execute("COMMIT")
        while search_index.merge(connection, 1_000):
            pass
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--staff", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    path = asked.folder / "deskbell.db"
    if path.exists():
        sys.exit(f"{path} exists already. Name another folder.")
    began = time.monotonic()

    def done(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    world = World(asked.seed, asked.messages, asked.customers, asked.staff)
    world.talk()
    said = sum(len(room.entries) for room in world.rooms)
    done(f"{said:,} messages in {len(world.rooms):,} conversations, as they were said")
    key = "bench-" + secrets.token_hex(16)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in WRITER_PRAGMAS:
            connection.execute(pragma)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-200000")
        migrate(connection)
        write(connection, world, key)
        done("written")
        index(connection)
        done("indexed")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    about = {
        "business": BUSINESS,
        "key": key,
        "messages": said,
        "revision": world.revision,
        "conversations": len(world.rooms),
        "customers": len(world.customers),
        "staff": world.staff,
        "bytes": path.stat().st_size,
    }
    (asked.folder / "w5.json").write_text(json.dumps(about, indent=1))
    done(f"{path}: {path.stat().st_size / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
