"""When the log is brought back into the file, and what a writer does about who reads meanwhile."""

from pathlib import Path

import pytest

from storage import writer
from storage.connection import TrioConnection
from storage.database import FILE_NAME
from tests.contract.house import House, running_database


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
