"""R07: fifty people talk at once in one conversation; all see the same, in the same order."""

import hashlib
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from domain.roles import Role
from tests.faults.invariants import Acked, History, entry_of
from tests.faults.premises import Premises, everything, freely, opened
from tests.faults.raw_client import Frame, RawClient

WRITERS = 50
READERS = 50
EACH = 200
WINDOW = 4
PEOPLE = (
    {"olivia": Role.OWNER}
    | {f"w{n}": Role.STAFF for n in range(WRITERS)}
    | {f"r{n}": Role.CUSTOMER for n in range(READERS)}
)


class Reader:
    """Keeps a digest of what it is shown, and whether the seqs rise by one."""

    def __init__(self, client: RawClient) -> None:
        self.last = 0
        self.digest = hashlib.blake2b()
        self.holes: list[int] = []
        client.on_frame = self._take

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "message":
            if frame["seq"] != self.last + 1:
                self.holes.append(frame["seq"])
            self.last = frame["seq"]
            said = (frame["seq"], frame["revision"], frame["author"], frame["text"])
            self.digest.update(repr(said).encode())


class Writer:
    """Has ``WINDOW`` sends under way until it has said all it has to say."""

    def __init__(self, client: RawClient, person: str, history: History) -> None:
        self.client = client
        self.person = person
        self.history = history
        self.said = self.acked = 0
        self.done = trio.Event()
        client.on_frame = self._take

    def say(self) -> None:
        while self.said < EACH and self.said - self.acked < WINDOW:
            self.said += 1
            id_ = f"{self.person}.{self.said}"
            self.history.invoke(self.person, "c1", id_, id_)
            self.client.send("send", conversation="c1", client_message_id=id_, text=id_)

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "ack":
            acked = Acked(frame["seq"], frame["revision"], frame["at"])
            self.history.ok(frame["client_message_id"], acked)
            self.acked += 1
            self.say()
            if self.acked == EACH:
                self.done.set()
        elif frame["type"] == "message":
            self.history.shown(self.person, "c1", entry_of(frame))


async def writers(premises: Premises, history: History) -> list[Writer]:
    made = []
    for number in range(WRITERS):
        client = await premises.enter(f"w{number}")
        await client.next("welcome")
        made.append(Writer(client, f"w{number}", history))
    return made


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_r07_fifty_writers_and_fifty_readers_see_one_order(
    virtual_time: MockClock, folder: Path
) -> None:
    history = History()
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("c1", "olivia", *(p for p in PEOPLE if p != "olivia"))
        readers = []
        for number in range(READERS):
            client = await premises.enter(f"r{number}")
            await client.next("welcome")
            readers.append(Reader(client))
        talking = await writers(premises, history)
        for writer in talking:
            writer.say()
        for writer in talking:
            await writer.done.wait()
        await wait_all_tasks_blocked()
        owner = await premises.enter("olivia")
        await owner.next("welcome")
        log = await everything(owner, "c1")
        history.log("c1", [entry_of(m) for m in log])

    assert len(log) == WRITERS * EACH
    assert not history.check()
    stored = hashlib.blake2b()
    for m in log:
        stored.update(repr((m["seq"], m["revision"], m["author"], m["text"])).encode())
    assert [reader.holes for reader in readers] == [[]] * READERS
    assert {reader.digest.digest() for reader in readers} == {stored.digest()}
