"""The index follows the log whatever interrupts it, and what is erased leaves no byte in it."""

import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from storage import indexer, search_index
from storage.connection import WRITER_PRAGMAS
from storage.database import FILE_NAME, Database
from storage.keys import message_key
from tests.contract.house import House, running_database
from tests.storage.search_world import World, index_all, step

MARKER = "xq7vk9zj2wplugh"
"""Of which no five letters in a row occur by chance."""


class Crash(Exception):
    pass


@dataclass
class Crashing:
    """A connection that fails before its ``left``-th statement from now."""

    connection: sqlite3.Connection
    left: int

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        if self.left == 0:
            raise Crash
        self.left -= 1
        return self.connection.execute(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def transaction(connection: sqlite3.Connection, do: Callable[[sqlite3.Connection], object]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        do(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def opened(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    for pragma in WRITER_PRAGMAS:
        connection.execute(pragma)
    return connection


def contents(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return [
        row
        for table in ("search_entry", "search_text", "search_position")
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")
    ]


def check(connection: sqlite3.Connection) -> None:
    """The words of the index are those of the texts it was made from."""
    connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")


async def talked(folder: Path, seed: int, steps: float) -> None:
    async with running_database(folder) as database:
        await World.talked(await House.founded(database), seed, 90, steps)


@pytest.mark.requirement("R01")
@pytest.mark.parametrize("seed", range(3))
def test_a_crash_at_any_statement_leaves_position_and_rows_together(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "STEP", 2)
    trio.run(talked, tmp_path, seed, (0, 0.02, 0.05)[seed])
    pick = random.Random(seed)
    crashes = 0
    with closing(opened(tmp_path)) as connection:
        while (plan := search_index.plan(connection, "pawsome")) is not None:
            done = 0
            while True:
                before = contents(connection)
                try:
                    begun = Crashing(connection, pick.randrange(0, 12))
                    results: list[int] = []
                    transaction(
                        connection,
                        lambda _: results.append(search_index.step(begun, plan, done, 0)),  # type: ignore[arg-type] # noqa: B023
                    )
                except Crash:
                    crashes += 1
                    assert contents(connection) == before
                    check(connection)
                    break  # a new process plans anew
                (done,) = results
                if done == len(plan.keys):
                    break
        check(connection)
        followed = [row[:3] for row in connection.execute("SELECT * FROM search_text ORDER BY id")]
        transaction(connection, search_index.start_over)
        assert not contents(connection)
        while (plan := search_index.plan(connection, "pawsome")) is not None:
            done = 0
            while done < len(plan.keys):
                done = search_index.step(connection, plan, done, 0)
        anew = [row[:3] for row in connection.execute("SELECT * FROM search_text ORDER BY id")]
    assert crashes > 3
    assert followed == anew
    assert anew


def pages_with(folder: Path, word: str) -> list[str]:
    """Pieces of ``word`` that the file or its log holds, in the form of the index or of a text."""
    raw = b"".join(
        (folder / f"{FILE_NAME}{suffix}").read_bytes()
        for suffix in ("", "-wal")
        if (folder / f"{FILE_NAME}{suffix}").exists()
    )
    pieces = (word[n : n + 5] for n in range(len(word) - 4))
    return [piece for piece in pieces if piece.encode() in raw]


def erase(connection: sqlite3.Connection, key: int) -> None:
    """As an erasure does with what is not the index: the text, and what it said before."""
    connection.execute("DELETE FROM version WHERE message_id = ?", (key,))
    connection.execute("UPDATE message SET text = '', deleted_at = 1 WHERE id = ?", (key,))


@pytest.mark.requirement("EX-21", "R38")
@pytest.mark.parametrize("kind", ["indexed once", "edited away", "deleted", "in many pieces"])
async def test_what_is_forgotten_leaves_no_byte(tmp_path: Path, kind: str) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        for n in range(300):
            await house.send("c1", "carla", f"Is number {n} ready, {random.Random(n).random()}?")
            if kind == "in many pieces" and n % 10 == 0:
                await step(house)
        await house.send("c1", "carla", f"My number is {MARKER}")
        await index_all(house)
        seq = house.seqs["c1"]
        if kind == "edited away":
            await house.edit("c1", seq, "nothing")
        if kind == "deleted":
            await house.delete("c1", seq)
        await house.send("c1", "carla", "Good bye")
        await index_all(house)
    with closing(opened(tmp_path)) as connection:
        (no,) = connection.execute("SELECT no FROM conversation").fetchone()
        key = message_key(no, seq)
        transaction(connection, lambda db: erase(db, key))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert pages_with(tmp_path, MARKER), "the index holds it until it forgets"
        search_index.forget(connection, [key])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert pages_with(tmp_path, MARKER) == []
        check(connection)
        (left,) = connection.execute("SELECT count(*) FROM search_text").fetchone()
        assert left == 301
        assert search_index.residue_since(connection) is None


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[House, Database]]:
    """A database whose indexer runs."""
    async with running_database(tmp_path) as database, trio.open_nursery() as nursery:
        await nursery.start(database.indexer.run, database.journal)
        yield await House.founded(database), database
        nursery.cancel_scope.cancel()


async def test_the_indexer_follows(running: tuple[House, Database]) -> None:
    house, database = running
    await house.converse("c1", "sam", "carla")
    head = 0
    for n in range(250):
        head = await house.send("c1", "carla", f"alpha {n}")
    with trio.fail_after(20):
        while database.indexer.position("pawsome") < head:
            await database.indexer.reached("pawsome", head, 1.0)
    assert await database._writer.run(search_index.position, house.business.no) == head
    with trio.move_on_after(1) as waited:
        await database.indexer.reached("pawsome", head + 1, 0.01)
    assert not waited.cancelled_caught


async def test_a_disk_that_is_full_behind_the_last_step_leaves_nobody_waiting(
    running: tuple[House, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, database = running
    merge, failures = search_index.merge, iter(range(1))

    def full(connection: sqlite3.Connection, *pages: int) -> bool:
        for _ in failures:
            raise sqlite3.OperationalError("database or disk is full")
        return merge(connection, *pages)

    monkeypatch.setattr(indexer, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(search_index, "merge", full)
    await house.converse("c1", "sam", "carla")
    head = await house.send("c1", "carla", "alpha")
    with trio.fail_after(10):
        while database.indexer.position("pawsome") < head:
            database.indexer.notice()
            await database.indexer.reached("pawsome", head, 1.0)


@pytest.mark.parametrize(
    ("storm_ends", "pauses"), [(0.0, 0.2), (0.6, 0.75), (99.0, 4.9)], ids=["quiet", "gust", "storm"]
)
async def test_it_leaves_the_writer_alone_for_as_long_as_much_is_stored(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, storm_ends: float, pauses: float
) -> None:
    monkeypatch.setattr(indexer, "time", SimpleNamespace(monotonic=trio.current_time))
    began = trio.current_time()

    def stored() -> Any:
        return SimpleNamespace(events=2_000 * min(trio.current_time() - began, storm_ends))

    pace = indexer._Pace(SimpleNamespace(statistics=stored))  # type: ignore[arg-type]
    pace.begin()
    await trio.sleep(0.1)
    await pace.pause()
    assert trio.current_time() - began - 0.1 == pytest.approx(pauses)


async def test_an_erasure_is_cleaned_up_by_the_indexer(running: tuple[House, Database]) -> None:
    house, database = running
    await house.converse("c1", "sam", "carla")
    head = await house.send("c1", "carla", MARKER)
    await database.indexer.reached("pawsome", head, 20)
    await database._writer.transact(search_index.withdraw, [message_key(1, 1)])
    await house.send("c1", "carla", "news")
    with trio.fail_after(20):
        while await database._writer.run(search_index.residue_since) is not None:
            await trio.testing.wait_all_tasks_blocked(0.05)


async def test_an_edit_behind_the_cleaning_does_not_put_an_erasure_off_for_a_day(
    running: tuple[House, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, database = running
    await house.converse("c1", "sam", "carla")
    head = await house.send("c1", "carla", MARKER)
    await database.indexer.reached("pawsome", head, 20)
    await database._writer.transact(search_index.withdraw, [message_key(1, 1)])
    scrub, edits = search_index.scrub, iter(range(1))

    def scrubbed(connection: sqlite3.Connection) -> bool:
        done = scrub(connection)
        for _ in edits if done else ():  # indexed before the erasure could look
            now = time.time_ns() // 1_000_000
            connection.execute("INSERT INTO search_residue VALUES (1, ?)", (now,))
        return done

    monkeypatch.setattr(search_index, "scrub", scrubbed)
    with trio.fail_after(10):
        await database.erasures.wash("pawsome", head)


async def test_a_damaged_index_is_made_anew(running: tuple[House, Database]) -> None:
    house, database = running
    await house.converse("c1", "sam", "carla")
    head = await house.send("c1", "carla", "alpha")
    await database.indexer.reached("pawsome", head, 20)

    # Through another connection: this one would go on believing what it holds in memory.
    with closing(sqlite3.connect(database.path)) as other:
        other.execute("UPDATE search_data SET block = x'00' WHERE id > 10")
        other.execute("UPDATE search_data SET block = x'ffffff' WHERE id = 10")
        other.commit()
    head = await house.send("c1", "carla", "alpha beta")
    with trio.fail_after(20):
        while database.indexer.position("pawsome") < head:
            await database.indexer.reached("pawsome", head, 1.0)
    await database._writer.transact(check)
    assert database._writer.failure is None
