"""A journal on a disk of the test's own, and what it acknowledged."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio

from domain.conversation import digest
from domain.errors import StorageFailed
from domain.events import ConversationCreated, Event, MessageSent, Person, PersonChanged
from domain.roles import Role
from storage.check import check_file
from storage.connection import TrioConnection
from storage.database import FILE_NAME, Database
from storage.journal import Journal
from storage.migrations import open_read_only
from storage.writer import Writer
from tests.storage.disk import Disk

CONVERSATIONS = ("c0", "c1", "c2")
CARLA = Person("carla", "Carla", Role.CUSTOMER)


async def prepare(folder: Path) -> Path:
    """A database file with a business and three conversations, closed."""
    database = await Database.open(folder, lambda: None, readers=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(database.journal.run)
        await database.create_business("pawsome", "Pawsome", b"key", 1)
        people = [CARLA, Person("olivia", "Olivia", Role.OWNER)]
        events: list[Event] = [PersonChanged(1, "test", p, (), False) for p in people]
        events += [
            ConversationCreated(c, "group", "", 1, "carla", (CARLA,), b"") for c in CONVERSATIONS
        ]
        await database.journal.append("pawsome", events, lambda _: None)
        nursery.cancel_scope.cancel()
    await database.close()
    return folder / FILE_NAME


@dataclass
class Ledger:
    """Sends messages into a journal, and writes down what it acknowledged."""

    journal: Journal
    writer: Writer
    seqs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CONVERSATIONS, 0))
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: int = 0

    def message(self, conversation: str, text: str) -> MessageSent:
        """The next message; its ``client_message_id`` says where it belongs."""
        seq = self.seqs[conversation] + 1
        said = digest(conversation, text, 0)
        return MessageSent(
            conversation, seq, 1000, "carla", text, 0, "phone", f"{conversation}-{seq}", said
        )

    async def send(self, conversation: str, text: str = "Hello") -> bool:
        """One message; whether it was acknowledged."""
        event = self.message(conversation, text)

        def release(revision: int) -> None:
            self.acknowledged[event.client_message_id] = revision
            self.seqs[conversation] += 1

        try:
            await self.journal.append("pawsome", [event], release)
        except StorageFailed:
            self.refused += 1
            return False
        return True

    async def send_each(self, text: str = "Hello") -> None:
        """One message to every conversation at once: they share a commit."""
        async with trio.open_nursery() as nursery:
            for conversation in CONVERSATIONS:
                nursery.start_soon(self.send, conversation, text)


@asynccontextmanager
async def ledger(disk: Disk, path: Path, pragmas: Iterable[str] = ()) -> AsyncIterator[Ledger]:
    """A journal on ``disk``, which must be run by the test."""
    connection = TrioConnection(partial(disk.connect, path, pragmas), 64)  # type: ignore[arg-type]
    await connection
    try:
        writer = Writer(connection)
        journal = Journal(writer, lambda: None)
        await journal.load()
        yield Ledger(journal, writer)
    finally:
        disk.fault = lambda *_: 0
        with trio.CancelScope(shield=True):
            await connection.close()


def stored(path: Path) -> dict[str, int]:
    """The messages of a database file that is fine otherwise, with their revisions."""
    assert check_file(path) == []
    connection = open_read_only(path)
    try:
        rows = connection.execute(
            "SELECT client_message_id, revision FROM message ORDER BY revision"
        )
        return dict(rows.fetchall())
    finally:
        connection.close()
