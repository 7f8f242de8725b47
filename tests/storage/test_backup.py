"""R23/24: a backup made while the server writes can be put back, and is whole."""

import fcntl
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import trio

from storage import backup
from storage import database as database_module
from storage.check import check_file
from storage.database import FILE_NAME, copy_database
from storage.migrations import open_read_only
from tests.contract.house import House, running_database
from tests.storage.ledger import prepare

BACKUPS = 10


def texts(path: Path) -> list[str]:
    connection = open_read_only(path)
    try:
        return [text for (text,) in connection.execute("SELECT text FROM message ORDER BY id")]
    finally:
        connection.close()


def epoch(path: Path) -> str:
    connection = open_read_only(path)
    try:
        [(value,)] = connection.execute("SELECT value FROM setting WHERE name = 'epoch'")
        return str(value)
    finally:
        connection.close()


async def write_until_cancelled(house: House, acknowledged: list[str]) -> None:
    while True:
        text = f"message {len(acknowledged)}"
        await house.append(
            [
                house.message("c1", "carla", text),
                house.advanced("c1", [("sam", house.seqs["c1"], 0)]),
            ]
        )
        acknowledged.append(text)


async def test_r24_ten_of_ten_backups_during_writes_restore(tmp_path: Path) -> None:
    copies: list[tuple[Path, int, int]] = []
    async with running_database(tmp_path / "data") as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        acknowledged: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write_until_cancelled, house, acknowledged)
            for n in range(BACKUPS):
                target = tmp_path / f"backup-{n}.db"
                before = len(acknowledged)
                await database.backup(target)
                copies.append((target, before, len(acknowledged)))
            nursery.cancel_scope.cancel()
    epochs = {epoch(tmp_path / "data" / FILE_NAME)}
    for target, before, after in copies:
        assert check_file(target) == []
        found = texts(target)
        assert found == acknowledged[: len(found)]
        assert before <= len(found) <= after + 1
        epochs.add(epoch(target))
        await restored(target, tmp_path / f"restored-{target.stem}", found)
    assert copies[-1][2] > copies[0][1], "there were writes meanwhile"
    assert len(epochs) == BACKUPS + 1


async def test_whoever_stops_does_not_wait_for_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a large file takes minutes; what it leaves behind the next one takes over."""
    begun, end = trio.Event(), threading.Event()

    def long(*_: Path) -> None:
        trio.from_thread.run_sync(begun.set)
        end.wait(10)

    monkeypatch.setattr(database_module, "copy_database", long)
    async with running_database(tmp_path / "data") as database:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.backup, tmp_path / "backup.db")
            await begun.wait()
            before = trio.current_time()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - before < 5
        end.set()


def put_in_place(copy: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copy(copy, folder / FILE_NAME)


async def restored(copy: Path, folder: Path, found: list[str]) -> None:
    """A server starts on the copy, and goes on from there."""
    put_in_place(copy, folder)
    async with running_database(folder) as database:
        state = await database.queries.business("pawsome")
        assert state is not None
        house = House(database, state)
        house.seqs["c1"] = len(found)
        await house.send("c1", "carla", "after the restore")
    assert texts(folder / FILE_NAME) == [*found, "after the restore"]
    assert check_file(folder / FILE_NAME) == []


async def test_a_backup_over_a_crashed_database_does_not_get_its_log(tmp_path: Path) -> None:
    """The log of before would be played into the file, and ruin it."""
    data, crashed = tmp_path / "data", tmp_path / "crashed"
    async with running_database(data) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        await database.backup(tmp_path / "backup.db")
        for n in range(100):
            await house.send("c1", "carla", f"after {n}")
        shutil.copytree(data, crashed)  # as a kill leaves it
    shutil.copy(tmp_path / "backup.db", crashed / FILE_NAME)
    assert (crashed / f"{FILE_NAME}-wal").stat().st_size > 0
    async with running_database(crashed) as database:
        house.database, house.seqs = database, {"c1": 0}
        await house.send("c1", "carla", "after the restore")
    assert texts(crashed / FILE_NAME) == ["after the restore"]
    assert check_file(crashed / FILE_NAME) == []
    assert (crashed / f"{FILE_NAME}-wal.replaced").exists(), "nothing is thrown away"


async def test_the_log_of_a_crashed_database_is_its_own(tmp_path: Path) -> None:
    data, crashed = tmp_path / "data", tmp_path / "crashed"
    async with running_database(data) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        await house.send("c1", "carla", "acknowledged")
        shutil.copytree(data, crashed)
    async with running_database(crashed):
        pass
    assert texts(crashed / FILE_NAME) == ["acknowledged"]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return trio.run(prepare, tmp_path / "data")


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(
    prepared: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    copy_database(prepared, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    before = target.read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        copy_database(prepared, target)
    assert target.read_bytes() == before


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_backup_that_fails_leaves_nothing_behind(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with pytest.raises(sqlite3.OperationalError):
        copy_database(tmp_path / "nowhere.db", folder / "backup.db")

    def full(_: Path) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(backup, "sync", full)
        with pytest.raises(OSError, match="No space"):
            copy_database(prepared, folder / "backup.db")
    assert names(folder) == []
    (folder / "backup.db.partial").write_bytes(b"of a kill")
    copy_database(prepared, folder / "backup.db")
    assert names(folder) == ["backup.db"]


def test_the_original_is_not_touched(prepared: Path, tmp_path: Path) -> None:
    before = prepared.read_bytes()
    copy_database(prepared, tmp_path / "backup.db")
    assert check_file(prepared) == []
    assert prepared.read_bytes() == before


def test_two_backups_to_one_file_are_one_and_a_refusal(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes away the file that another one is writing, nor the one just finished."""
    target = tmp_path / "backup.db"
    sync, refused = backup.sync, []

    def another(path: Path) -> None:
        if not refused:
            refused.append(None)
            with pytest.raises(FileExistsError, match="being made"):
                copy_database(prepared, target)
        sync(path)

    monkeypatch.setattr(backup, "sync", another)
    copy_database(prepared, target)
    assert refused
    assert check_file(target) == []
    assert not target.with_name("backup.db.partial").exists()


def test_a_backup_finished_while_another_one_begins_is_not_emptied(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backup.db"
    flock = fcntl.flock

    def late(file: int, how: int) -> None:
        monkeypatch.undo()
        target.with_name("backup.db.partial").rename(target)
        target.write_bytes(b"finished by another one")
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(FileExistsError, match="being made"):
        copy_database(prepared, target)
    assert target.read_bytes() == b"finished by another one"
