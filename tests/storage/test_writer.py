"""When the log is brought back into the file, and what a writer does about who reads meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import writer
from storage.connection import PAGE_BYTES, TrioConnection
from storage.database import FILE_NAME
from tests.contract.house import House, running_database

PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"


async def test_the_log_is_brought_back_also_after_two_thousand_million_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite counts changed rows in 32 bits, and goes on from the least negative number."""
    monkeypatch.setattr(writer, "CHECKPOINT_ROWS", 20)

    def wrapped(connection: TrioConnection) -> int:
        return (connection._conn.total_changes - 100) % 2**32 - 2**31

    monkeypatch.setattr(TrioConnection, "total_changes", property(wrapped))
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        for _ in range(100):
            await house.send("c1", "carla")
        assert wrapped(database._writer._connection) < 0, "it has wrapped"
        before = (tmp_path / FILE_NAME).stat().st_mtime_ns
        for _ in range(20):
            await house.send("c1", "carla")
        assert (tmp_path / FILE_NAME).stat().st_mtime_ns > before


async def test_who_writes_seldom_waits_for_who_reads_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads for minutes: the log is let grow to twice its size before the next try."""
    monkeypatch.setattr(writer, "CHECKPOINT_ROWS", 20)
    monkeypatch.setattr(writer, "LOG_BYTES", 100_000)
    monkeypatch.setattr(writer, "READERS_MS", 1)
    statements: list[str] = []
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        run = database._writer.run
        await run(lambda db: db.set_trace_callback(statements.append))

        async def write() -> int:
            """Fill at least 1.5 MB of log; how often the writer waited for readers meanwhile."""
            statements.clear()
            for _ in range(150):
                await house.append([house.message("c1", "carla", "x" * 1_000) for _ in range(10)])
            return statements.count("PRAGMA wal_checkpoint(RESTART)")

        async def log_bytes() -> int:
            [(_, pages, _)] = await run(lambda db: db.execute(PASSIVE).fetchall())
            return int(pages) * PAGE_BYTES

        for _ in range(2):
            with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM message").fetchall()
                assert 3 <= await write() <= 6
                assert await log_bytes() > 1_500_000
            await write()
            assert await log_bytes() < 300_000, "it has started over"
