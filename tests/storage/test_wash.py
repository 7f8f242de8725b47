"""Writing the file anew: nothing is left in it of what was deleted (R38)."""

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from storage.backup import FILE_NAME
from storage.connection import open_writer
from storage.erasure_store import ErasureStore
from storage.indexer import Indexer
from storage.migrations import migrate
from storage.readers import Readers
from storage.writer import Writer

MARK = b"Xylophonquartz"


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    connection = await open_writer(tmp_path / FILE_NAME)
    await connection.run(migrate, interruptible=False)
    writer = Writer(connection)
    yield writer
    await writer.close()


async def fill(writer: Writer) -> None:
    """What a shop says in a while: pages split, and rows move from one to another."""
    chance = random.Random(0)
    seqs: dict[int, int] = {}
    for _ in range(60):
        await writer.transact(say, chance, seqs)


def say(connection: sqlite3.Connection, chance: random.Random, seqs: dict[int, int]) -> None:
    for _ in range(50):
        no = chance.randrange(1, 60)
        seqs[no] = seqs.get(no, 0) + 1
        mine = chance.random() < 0.1
        text = (MARK.decode() if mine else "x" * 15) * chance.choice([1, 3, 8, 40, 150])
        key = no << 32 | seqs[no]
        connection.execute(
            "INSERT INTO message (id, business_no, revision, at, author, text)"
            " VALUES (?, 1, ?, 0, ?, ?)",
            (key, key, "carla" if mine else "sam", text),
        )
        if chance.random() < 0.3:
            edited = no << 32 | chance.randrange(1, seqs[no] + 1)
            connection.execute(
                "INSERT OR REPLACE INTO version SELECT id, ?, 0, text FROM message WHERE id = ?",
                (key, edited),
            )
            connection.execute("UPDATE message SET text = text || text WHERE id = ?", (edited,))


def delete(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM version WHERE message_id IN (SELECT id FROM message WHERE author = 'carla')"
    )
    connection.execute("UPDATE message SET text = '' WHERE author = 'carla'")


def traces(folder: Path) -> int:
    return sum(path.read_bytes().count(MARK) for path in folder.iterdir())


@pytest.mark.requirement("R38")
async def test_copies_of_rows_that_moved_are_gone_too(writer: Writer, tmp_path: Path) -> None:
    await fill(writer)
    await writer.transact(delete)
    assert await writer.truncate_log()
    assert traces(tmp_path)  # SQLite overwrites what is deleted, but not these: hence all this
    await writer.wash()
    assert await writer.truncate_log()
    assert traces(tmp_path) == 0


@pytest.mark.requirement("R38")
async def test_a_reader_holds_the_log_up(writer: Writer, tmp_path: Path) -> None:
    await fill(writer)
    reader = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchall()
    await writer.transact(delete)
    await writer.wash()
    assert not await writer.truncate_log()
    assert traces(tmp_path)
    reader.close()
    assert await writer.truncate_log()
    assert traces(tmp_path) == 0


@pytest.mark.requirement("R38")
async def test_what_was_erased_ends_with_a_file_written_anew(
    writer: Writer, tmp_path: Path
) -> None:
    await fill(writer)
    await writer.transact(delete)
    readers = await Readers.open(tmp_path / FILE_NAME, 1, None)  # type: ignore[arg-type]
    store = ErasureStore(writer, readers, Indexer(writer, readers, lambda: 0))
    await store.wash("pawsome", 0)
    await readers.close()
    assert traces(tmp_path) == 0
    assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size == 0


@pytest.mark.requirement("R38")
async def test_nothing_is_said_to_be_gone_while_a_reader_keeps_it_in_the_log(
    writer: Writer, tmp_path: Path
) -> None:
    await fill(writer)
    reader = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchall()
    await writer.transact(delete)
    readers = await Readers.open(tmp_path / FILE_NAME, 1, None)  # type: ignore[arg-type]
    store = ErasureStore(writer, readers, Indexer(writer, readers, lambda: 0))
    async with AsyncExitStack() as closing:
        closing.push_async_callback(readers.close)
        with trio.move_on_after(0.1) as waited:
            await store.wash("pawsome", 0)
        assert waited.cancelled_caught
        assert traces(tmp_path)
        reader.close()
        await store.wash("pawsome", 0)
    assert traces(tmp_path) == 0
