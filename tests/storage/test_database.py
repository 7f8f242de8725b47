"""Opening the database: new, old, newer, foreign, damaged, in use, not to be written."""

import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from domain.errors import StorageFailed
from storage import migrations as migrations_module
from storage import readers as readers_module
from storage.check import check_file
from storage.database import FILE_NAME, Database
from storage.doorbell import Doorbell
from storage.migrations import APPLICATION_ID, UnusableDatabase, migrations
from storage.readers import Readers
from tests.contract.house import House, running_database
from tests.storage.ledger import prepare


async def opened(folder: Path) -> Database:
    return await Database.open(folder, lambda: None)


async def refused(folder: Path) -> str:
    """Why the database of ``folder`` cannot be opened."""
    with pytest.raises(UnusableDatabase) as caught:
        await opened(folder)
    return str(caught.value)


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        [(value,)] = connection.execute(f"PRAGMA {name}")
        return int(value)


# --- migrations -----------------------------------------------------------------------------------


def test_each_migration_has_a_number_of_its_own() -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


async def test_a_new_database_is_of_the_newest_version(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    path = tmp_path / FILE_NAME
    assert pragma(path, "user_version") == migrations()[-1][0]
    assert pragma(path, "application_id") == APPLICATION_ID
    assert check_file(path) == []


def test_permissions_that_are_no_more_are_taken_back(tmp_path: Path) -> None:
    """What was given before 0027 can be read: the rest of it stays, and who has the usual too."""
    own = {"sam": '["contacts","export","inbox","notes"]', "max": '["notes"]', "mia": None}
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        for number, sql in migrations():
            if number == 27:
                connection.execute(
                    "INSERT INTO business (no, id, name, created_at) VALUES (1, 'b', 'B', 1)"
                )
                connection.executemany(
                    "INSERT INTO person (business_no, id, name, folded_name, role, revision,"
                    " permissions) VALUES (1, ?, 'P', 'p', 'staff', 1, ?)",
                    own.items(),
                )
            connection.executescript(sql)
        found = dict(connection.execute("SELECT id, permissions FROM person"))
    assert found == {"sam": '["contacts","inbox"]', "max": "[]", "mia": None}


def add_migration(monkeypatch: pytest.MonkeyPatch, sql: str) -> int:
    number = migrations()[-1][0] + 1
    later = [*migrations(), (number, sql)]
    monkeypatch.setattr(migrations_module, "migrations", lambda: later)
    return number


async def test_a_later_migration_is_applied_to_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await prepare(tmp_path)
    with monkeypatch.context() as patched:
        number = add_migration(patched, "CREATE TABLE later (a); INSERT INTO later VALUES (1)")
        await (await opened(tmp_path)).close()
        await (await opened(tmp_path)).close()  # and only once
    assert pragma(path, "user_version") == number
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT a FROM later").fetchall() == [(1,)]


async def file_of(version: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database as the program of that version left it."""
    earlier = migrations()[:version]
    with monkeypatch.context() as patched:
        patched.setattr(migrations_module, "migrations", lambda: earlier)
        await (await opened(folder)).close()
    return folder / FILE_NAME


async def test_a_file_of_before_the_revocations_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await file_of(1, tmp_path, monkeypatch)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO business (no, id, name, created_at) VALUES (1,'b','B',0)")
        connection.execute(
            "INSERT INTO person (business_no, id, name, folded_name, role, tokens_from)"
            " VALUES (1, 'sam', 'Sam', 'sam', 'staff', 1793000000000)"
        )
    await (await opened(tmp_path)).close()
    with closing(sqlite3.connect(path)) as connection:
        [(revoked,)] = connection.execute("SELECT revoked_revision FROM person")
    assert revoked == 1_793_000_000_000


async def test_a_file_of_before_the_hidden_reads_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await file_of(2, tmp_path, monkeypatch)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "INSERT INTO business (no, id, name, created_at) VALUES (1, 'b', 'B', 0);"
            "INSERT INTO person (business_no, id, name, folded_name, role, active, access_revision,"
            " revoked_revision) VALUES (1, 'sam', 'Sam', 'sam', 'staff', 1, 7, 3),"
            " (1, 'zoe', 'Zoe', 'zoe', 'staff', 0, 7, 3);"
            "INSERT INTO cursor VALUES (1, 'sam', 5, 100, 4, 90, 6)"
        )
        [(epoch,)] = connection.execute("SELECT value FROM setting WHERE name = 'epoch'")
    await (await opened(tmp_path)).close()
    with closing(sqlite3.connect(path)) as connection:
        [(later,)] = connection.execute("SELECT value FROM setting WHERE name = 'epoch'")
        people = dict(connection.execute("SELECT id, revoked_revision FROM person"))
        [(moved, delivered)] = connection.execute("SELECT revision, delivered_revision FROM cursor")
    assert later != epoch, "every device loads anew"
    assert people == {"sam": 3, "zoe": 7}, "who was deactivated needs a new token"
    assert (moved, delivered) == (6, 6)


async def test_ex24_what_the_team_has_read_is_taken_from_the_cursors_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sum(number < 22 for number, _ in migrations())
    path = await file_of(before, tmp_path, monkeypatch)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "INSERT INTO business (no, id, name, created_at) VALUES (1, 'b', 'B', 0);"
            "INSERT INTO person (business_no, id, name, folded_name, role) VALUES"
            " (1, 'olivia', 'O', 'o', 'owner'), (1, 'sam', 'S', 's', 'staff'),"
            " (1, 'carla', 'C', 'c', 'customer');"
            "INSERT INTO head (business_no, conversation_no, revision, activity)"
            " VALUES (1, 1, 9, 9), (1, 2, 9, 9);"
            "INSERT INTO cursor (conversation_no, person, delivered_up_to, delivered_at,"
            " read_up_to, read_at, revision) VALUES (1, 'olivia', 5, 1, 2, 1, 6),"
            " (1, 'sam', 4, 1, 4, 1, 7), (1, 'carla', 5, 1, 5, 1, 8), (2, 'carla', 3, 1, 3, 1, 9)"
        )
    await (await opened(tmp_path)).close()
    with closing(sqlite3.connect(path)) as connection:
        read = connection.execute(
            "SELECT conversation_no, team_read_up_to, team_read_revision FROM head"
        ).fetchall()
    assert read == [(1, 4, 0), (2, 0, 0)]


async def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await prepare(tmp_path)
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        add_migration(patched, "CREATE TABLE later (a); INSERT INTO nowhere VALUES (1)")
        assert "no such table: nowhere" in await refused(tmp_path)
    assert path.read_bytes() == before
    await (await opened(tmp_path)).close()


# --- what is not to be opened ---------------------------------------------------------------------


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=99")
        connection.execute("CREATE TABLE business (no)")


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
        connection.execute("INSERT INTO recipes VALUES ('carbonara')")
        connection.commit()


def no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 500)


def damaged(path: Path) -> None:
    foreign(path)
    path.write_bytes(path.read_bytes()[:100] + b"?" * 4000)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (newer, "is of version 99, this program knows up to"),
        (foreign, "belongs to another program"),
        (no_database, "damaged or not a database"),
        (damaged, "damaged or not a database"),
    ],
)
async def test_what_is_not_ours_to_open_is_refused_untouched(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / FILE_NAME
    make(path)
    before = path.read_bytes()
    for _ in range(2):
        assert says in await refused(tmp_path)
        assert path.read_bytes() == before
    await (await opened(tmp_path / "another")).close()  # nothing is held


async def test_a_newer_database_in_wal_mode_is_refused_untouched(tmp_path: Path) -> None:
    """As a newer server leaves it when it is killed: with a log beside it."""
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / FILE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        newer(data / FILE_NAME)
        connection.execute("CREATE TABLE more (a)")
        before = {file.name: file.read_bytes() for file in data.iterdir()}
        assert before[f"{FILE_NAME}-wal"]
        assert "version 99" in await refused(data)
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            assert (data / name).read_bytes() == before[name]


async def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    assert "cannot be written (File exists)" in await refused(tmp_path / "data")
    assert "cannot be written (Not a directory)" in await refused(tmp_path / "data" / "deeper")


async def test_a_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert "cannot be opened" in await refused(tmp_path)


OPEN_AS_NOBODY = """
import os, sys, trio
from pathlib import Path
from storage.doorbell import Doorbell
from storage.database import Database
from storage.migrations import UnusableDatabase, migrations
migrations()  # loads what only we may read
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    trio.run(Database.open, Path(sys.argv[1]), lambda: None)
except UnusableDatabase as error:
    print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may reach; pytest closes its own to all but us."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.parametrize(
    ("rights", "says"),
    [
        ({"data": 0o555, "lock": None}, "cannot be written (Permission denied)"),
        ({"data": 0o777, "lock": 0o400}, "cannot be written (Permission denied)"),
        ({"data": 0o777, "lock": 0o666, FILE_NAME: 0o400}, "cannot be opened"),
        ({"data": 0o777, "lock": 0o666, FILE_NAME: 0o444}, "cannot be opened"),
    ],
)
def test_a_folder_that_may_not_be_written(
    open_folder: Path, rights: dict[str, int | None], says: str
) -> None:
    """Whoever runs the tests and may do everything asks as somebody who may not."""
    data = trio.run(prepare, open_folder / "data").parent
    for name, mode in reversed(rights.items()):
        file = data if name == "data" else data / name
        if mode is None:
            file.unlink()
        else:
            file.chmod(mode)
    command = [sys.executable, "-c", OPEN_AS_NOBODY, str(data)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert says in ran.stdout
    data.chmod(0o700)


# --- one server at a time -------------------------------------------------------------------------


async def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    assert "another Deskbell server is using" in await refused(tmp_path)
    ran = await trio.run_process(
        [
            sys.executable,
            "-c",
            "import sys, trio; from pathlib import Path; from storage.database import Database\n"
            "trio.run(Database.open, Path(sys.argv[1]), lambda: None)",
            str(tmp_path),
        ],
        capture_stderr=True,
        check=False,
    )
    assert ran.returncode == 1
    assert b"another Deskbell server is using" in ran.stderr
    await first.close()
    await (await opened(tmp_path)).close()


async def test_opening_that_fails_leaves_no_thread_and_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> Readers:
        raise sqlite3.OperationalError("too many open files")

    await (await opened(tmp_path)).close()  # trio keeps the thread that joined
    before = threading.active_count()
    with monkeypatch.context() as patched:
        patched.setattr(Readers, "open", fails)
        with pytest.raises(UnusableDatabase, match="too many open files"):
            await opened(tmp_path)
    assert threading.active_count() == before
    await (await opened(tmp_path)).close()


async def test_readers_that_fail_half_way_leave_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(tmp_path)
    before, opens = threading.active_count(), []
    real = readers_module.open_reader

    async def second_fails(path: Path, bell: Doorbell) -> object:
        opens.append(path)
        if len(opens) == 2:
            raise sqlite3.OperationalError("too many open files")
        return await real(path, bell)

    monkeypatch.setattr(readers_module, "open_reader", second_fails)
    with pytest.raises(sqlite3.OperationalError):
        await Readers.open(tmp_path / FILE_NAME, 2, Doorbell())
    assert threading.active_count() == before


def rights_in(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_closing_leaves_one_file_and_nothing_of_the_log(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        assert database.statistics()["wal_bytes"] > 0
        assert set(rights_in(tmp_path).values()) == {0o600}
    assert rights_in(tmp_path) == {FILE_NAME: 0o600, "lock": 0o600}


# --- single writes --------------------------------------------------------------------------------


async def test_a_business_and_its_first_key(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    queries = database.queries
    assert await database.create_business("pawsome", "Pawsome", b"hash", 5)
    assert not await database.create_business("pawsome", "Other", b"other", 6)
    assert database.journal.released("pawsome") == 0
    [record] = await queries.businesses()
    assert (record.id, record.name, record.created_at) == ("pawsome", "Pawsome", 5)
    holder = await queries.key_holder(b"hash", 5)
    assert holder is not None
    assert holder.business == "pawsome"
    assert await queries.key_holder(b"other", 5) is None, "nothing of the second is stored"
    with pytest.raises(StorageFailed):
        await database.create_business("another", "Another", b"hash", 7)  # the same key
    assert len(await queries.businesses()) == 1
    await database.close()


async def test_a_business_and_a_setting_that_names_it_are_stored_together(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    with pytest.raises(StorageFailed):
        await database.create_business("pawsome", "P", b"hash", 5, setting="epoch")  # there is one
    assert await database.queries.businesses() == []
    assert await database.create_business("pawsome", "P", b"hash", 5, setting="kept")
    assert await database.queries.setting("kept") == "pawsome"
    assert not await database.create_business("pawsome", "P", b"more", 6, setting="another")
    assert await database.queries.setting("another") is None
    await database.close()


async def test_an_operators_key_is_nobodys(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    assert not await database.has_operator_key()
    await database.add_key(None, "operator", b"op", 1)
    assert await database.has_operator_key()
    holder = await database.queries.key_holder(b"op", 5)
    assert holder is not None
    assert holder.business is None
    with pytest.raises(StorageFailed):
        await database.add_key(99, "nobody's", b"x", 1)
    await database.close()


async def test_a_setting_is_made_once(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    assert await database.setting("secret", lambda: "first") == "first"
    await database.close()
    database = await opened(tmp_path)
    assert await database.setting("secret", lambda: "second") == "first"
    assert await database.queries.setting("secret") == "first"
    assert await database.queries.setting("nothing") is None
    await database.close()


@pytest.mark.requirement("DT-07")
async def test_last_seen_never_moves_back(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)

        async def seen(person: str) -> int:
            record = await database.queries.person(house.business, person)
            assert record is not None
            return record.last_seen_at

        await database.record_last_seen(house.business.no, {"carla": 500, "sam": 400, "gone": 9})
        await database.record_last_seen(house.business.no, {"carla": 300, "sam": 600})
        assert (await seen("carla"), await seen("sam"), await seen("dave")) == (500, 600, 0)


def test_storage_needs_no_network() -> None:
    """What the check and the backup import starts nothing: they run on a machine by themselves."""
    code = "import storage.check, storage.backup, sys; print('asyncio' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
