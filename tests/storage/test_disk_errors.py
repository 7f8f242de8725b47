"""R22: whatever the disk answers, nothing is acknowledged that is not stored."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import apsw
import pytest
import trio

from domain.errors import StorageFailed
from storage import readers, writer
from storage.database import FILE_NAME
from storage.journal import JournalBroken
from tests.contract.house import House, running_database
from tests.storage.disk import Disk
from tests.storage.ledger import Ledger, ledger, prepare, stored

ROUNDS = 8


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that calls are also refused while the log is brought back, and after it began anew."""
    monkeypatch.setattr(writer, "CHECKPOINT_ROWS", 25)


@pytest.fixture
async def template(tmp_path: Path) -> bytes:
    return (await prepare(tmp_path / "template")).read_bytes()


class Refusing:
    """Refuses the ``at``-th call of a kind, and as many after it as ``times`` says."""

    def __init__(self, what: str, code: int, at: int, times: int = 1) -> None:
        self.seen = 0
        self.refused = 0
        self.acknowledged = 0
        self.kept: Ledger | None = None
        self._what, self._code, self._range = what, code, range(at, at + times)

    def __call__(self, _: int, what: str, _path: str) -> int:
        if what != self._what:
            return 0
        self.seen += 1
        if self.seen not in self._range:
            return 0
        if not self.refused and self.kept is not None:
            self.acknowledged = len(self.kept.acknowledged)
        self.refused += 1
        return self._code


async def work(kept: Ledger, rounds: int = ROUNDS) -> bool:
    """Run the journal over some messages; whether it is whole at the end."""
    whole = True
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(kept.journal.run)
            for n in range(rounds):
                await kept.send_each(f"{n}" * (50 * (n % 5) + 1))
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    except* JournalBroken:
        whole = False
    return whole


def copy_of(folder: Path) -> Path:
    """The files as they are now, while the connection is still open."""
    target = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, target)
    return target / FILE_NAME


FATAL = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "read": apsw.SQLITE_IOERR_READ,
    "damaged": apsw.SQLITE_CORRUPT,
}


@pytest.mark.parametrize("kind", FATAL)
async def test_r22_after_an_io_error_nothing_more_is_acknowledged(
    tmp_path: Path, template: bytes, kind: str
) -> None:
    at, hits = 1, 0
    while True:
        folder = tmp_path / f"{kind}-{at}"
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(template)
        disk = Disk()
        async with ledger(disk, folder / FILE_NAME) as kept:
            fault = Refusing("read" if kind == "damaged" else kind, FATAL[kind], at)
            fault.kept, disk.fault = kept, fault
            whole = await work(kept)
            assert whole is (fault.refused == 0), f"call {at}"
            if whole:
                break
            hits += 1
            assert len(kept.acknowledged) == fault.acknowledged, f"call {at}"
            with pytest.raises(StorageFailed):
                await kept.writer.transact(lambda db: db.execute("SELECT 1").fetchall())
            found = stored(copy_of(folder))
            assert kept.acknowledged.items() <= found.items(), f"call {at}"
        at += 1
    assert hits >= 2


async def test_r22_a_full_disk_refuses_and_goes_on_when_there_is_space(
    tmp_path: Path, template: bytes
) -> None:
    at, refused = 1, 0
    while True:
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(template)
        disk = Disk()
        async with ledger(disk, folder / FILE_NAME) as kept:
            disk.fault = fault = Refusing("write", apsw.SQLITE_FULL, at, times=1 + at % 4)
            assert await work(kept), "a full disk is no reason to stop"
            if not fault.refused:
                break
            refused += kept.refused
            assert kept.writer.failure is None
            assert stored(copy_of(folder)) == kept.acknowledged, f"call {at}"
            assert len(kept.acknowledged) + kept.refused == 3 * ROUNDS
        at += 1
    assert refused > 20


async def test_r22_the_index_of_the_log_cannot_grow_on_a_full_disk(tmp_path: Path) -> None:
    """SQLite calls it an I/O error, but nothing has been written: it goes on like any full disk."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert not writer.is_fatal(error)
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMMAP
    assert writer.is_fatal(error)


async def test_r22_a_disk_error_of_another_write_stops_the_journal_too(
    tmp_path: Path, template: bytes
) -> None:
    """Also one that has nothing to do: who appends after it must not be acknowledged."""
    (tmp_path / FILE_NAME).write_bytes(template)
    disk = Disk()
    async with ledger(disk, tmp_path / FILE_NAME) as kept:
        with pytest.RaisesGroup(JournalBroken):
            async with trio.open_nursery() as nursery:
                await nursery.start(kept.journal.run)
                await kept.send("c0")
                await trio.testing.wait_all_tasks_blocked()
                disk.fault = Refusing("sync", apsw.SQLITE_IOERR_FSYNC, 1)
                with pytest.raises(StorageFailed):
                    await kept.writer.transact(
                        lambda db: db.execute("UPDATE business SET name = 'Other'").fetchall()
                    )
        assert len(kept.acknowledged) == 1


async def test_r22_after_an_io_error_the_end_writes_nothing_either(tmp_path: Path) -> None:
    """The log stays as it is: a restart knows by its checksums how far it can be believed."""

    def fail(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    with pytest.RaisesGroup(JournalBroken):
        async with running_database(tmp_path) as database:
            house = await House.founded(database)
            await house.converse("c1", "sam", "carla")
            revision = await house.send("c1", "carla")
            before = contents(tmp_path)
            with pytest.raises(StorageFailed):
                await database._writer.run(fail)
            await trio.sleep_forever()
    assert contents(tmp_path) == before
    async with running_database(tmp_path) as database:
        assert database.journal.released(house.business.id) == revision


def contents(folder: Path) -> list[bytes]:
    """The file and its log."""
    return [(folder / name).read_bytes() for name in (FILE_NAME, f"{FILE_NAME}-wal")]


async def test_r22_a_database_that_is_locked_refuses_and_goes_on(tmp_path: Path) -> None:
    """Somebody else's program writes, and takes its time."""
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        await database._writer.run(lambda db: db.execute("PRAGMA busy_timeout=1").fetchall())
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = house.message("c1", "carla", "Hello")
            with pytest.raises(StorageFailed):
                await house.append([refused])
            other.execute("ROLLBACK")
        await house.append([refused])


def reading(steps: str) -> str:
    """A query that reads the database, and takes as many steps more."""
    return (
        "SELECT (SELECT count(*) FROM business) + (WITH RECURSIVE n(i) AS"
        f" (SELECT 1 UNION ALL SELECT i + 1 FROM n {steps}) SELECT max(i) FROM n)"
    )


async def test_r22_a_query_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one reads, the log can only grow."""
    monkeypatch.setattr(readers, "READ_SECONDS", 0.1)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        with pytest.raises(trio.TooSlowError):
            await database.queries._run(lambda db: db.execute(reading("")).fetchall())
        assert await database.queries.view(house.viewer("carla"), "c1") is not None


def times_begun(folder: Path) -> int:
    """How often the log has started over (sqlite.org/fileformat2.html, section 4.1)."""
    return int.from_bytes((folder / f"{FILE_NAME}-wal").read_bytes()[12:16])


async def test_r22_the_log_starts_over_whoever_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queries that overlap without a pause keep a log from starting over; a checkpoint waits."""
    monkeypatch.setattr(writer, "LOG_BYTES", 20_000)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")

        async def read() -> None:
            while True:
                await database.queries._run(
                    lambda db: db.execute(reading("LIMIT 20000")).fetchall()
                )

        before = times_begun(tmp_path)
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(read)
            for _ in range(300):
                await house.append([house.message("c1", "carla", "x" * 500) for _ in range(10)])
            nursery.cancel_scope.cancel()
        assert times_begun(tmp_path) > before
