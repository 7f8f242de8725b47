"""The journal on SQLite: groups, faults, stopping, pushing back; its contract is in contract/."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from domain.errors import AlreadySent, StorageFailed
from domain.events import Event
from storage import journal as journal_module
from storage.database import Database
from storage.event_rows import EventRows
from storage.journal import GROUP_MAX, Journal
from tests.contract.house import House, running_database


@asynccontextmanager
async def stopped_database(folder: Path) -> AsyncIterator[tuple[Database, House]]:
    """A business whose journal the test runs itself."""
    async with running_database(folder) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        await house.converse("c2", "sam", "carla")
    database = await Database.open(folder, lambda: None)
    house.database = database
    try:
        yield database, house
    finally:
        with trio.CancelScope(shield=True):
            await database.close()


class Appender:
    """Appends in tasks, and notes how each ended."""

    def __init__(self, house: House, nursery: trio.Nursery) -> None:
        self.ended: list[str] = []
        self.released: list[int] = []
        self._house = house
        self._nursery = nursery

    def append(self, events: list[Event], name: str = "") -> None:
        self._nursery.start_soon(self._append, events, name)

    async def _append(self, events: list[Event], name: str) -> None:
        journal: Journal = self._house.database.journal  # type: ignore[assignment]
        try:
            await journal.append(self._house.business.id, events, self.released.append)
        except StorageFailed as error:
            self.ended.append(f"{name}{error}")
        else:
            self.ended.append(f"{name}stored")


class Held:
    """Keeps the writer's thread busy."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = threading.Event()

    async def __call__(self) -> None:
        await self._database._writer.run(lambda _: self._open.wait(20))

    def let_go(self) -> None:
        self._open.set()


# --- groups ---------------------------------------------------------------------------------------


async def test_what_is_queued_shares_a_commit_up_to_a_bound(tmp_path: Path) -> None:
    flushed: list[int] = []
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        journal = database.journal
        journal._flush = lambda: flushed.append(journal.statistics().batches)
        appender = Appender(house, nursery)
        for n in range(GROUP_MAX + 10):
            appender.append([house.message("c1", "carla", str(n))])
        await trio.testing.wait_all_tasks_blocked()
        assert journal.statistics().queued == GROUP_MAX + 10
        await nursery.start(journal.run)
        await trio.testing.wait_all_tasks_blocked()
        while len(appender.ended) < GROUP_MAX + 10:
            await trio.lowlevel.checkpoint()
        statistics = journal.statistics()
        assert (statistics.commits, statistics.batches) == (2, GROUP_MAX + 10)
        assert (statistics.isolated, statistics.failed, statistics.queued) == (0, 0, 0)
        assert flushed == [GROUP_MAX, GROUP_MAX + 10], "connections are flushed once a group"
        nursery.cancel_scope.cancel()


async def test_a_restart_counts_on(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        last = await house.settings(read_receipts=False)
        assert database.journal.released("pawsome") == last
    async with running_database(tmp_path) as database:
        house.database = database
        assert database.journal.released("pawsome") == last
        assert await house.send("c1", "carla") == last + 1


@pytest.mark.parametrize(
    "change",
    [
        {"at": 2**63},
        {"text": "a lone \ud800 surrogate"},
        {"author": ["not", "a", "name"]},
    ],
)
async def test_a_value_that_cannot_be_stored_fails_its_batch_alone(
    tmp_path: Path, change: dict[str, object]
) -> None:
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        appender = Appender(house, nursery)
        poison = msgspec.structs.replace(house.message("c2", "carla", "x"), **change)
        appender.append([house.message("c1", "carla", "before")])
        appender.append([poison], "poison: ")
        appender.append([house.settings_event()])
        await trio.testing.wait_all_tasks_blocked()
        await nursery.start(database.journal.run)
        while len(appender.ended) < 3:
            await trio.lowlevel.checkpoint()
        assert appender.ended.count("stored") == 2
        assert database.journal.statistics().isolated == 1
        first, second = appender.released
        assert second == first + 1
        nursery.cancel_scope.cancel()


async def test_a_conversation_whose_creation_was_undone_is_forgotten(tmp_path: Path) -> None:
    """Its number goes to the next one that is created."""
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        taken = msgspec.structs.replace(house.message("c1", "carla", "x"), at=2**63)
        undone = house.created("undone", "sam")
        with pytest.raises(StorageFailed):
            await house.append([undone, house.message("undone", "sam", "x"), taken])
        await house.converse("next", "sam", "dave")
        with pytest.raises(StorageFailed, match="no conversation undone"):
            await house.send("undone", "sam")
        found = await database.queries.history(house.viewer("sam"), "next", None, None, 9)
        assert found == ([], False)


# --- defects --------------------------------------------------------------------------------------


async def test_a_defect_on_the_writers_thread_is_loud_and_everybody_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        appender = Appender(house, nursery)
        for n in range(GROUP_MAX + 1):
            appender.append([house.message("c1", "carla", str(n))])
        await trio.testing.wait_all_tasks_blocked()
        with monkeypatch.context() as broken:
            broken.setattr(EventRows, "flush", defect)
            with pytest.raises(RuntimeError, match="a defect"):
                await database.journal.run()
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended == ["the journal has stopped"] * (GROUP_MAX + 1)
        assert not database._writer._connection.in_transaction
        appender.append([house.settings_event()], "after: ")
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended[-1] == "after: the journal has stopped"


async def test_a_release_that_raises_is_loud_and_everybody_is_answered(tmp_path: Path) -> None:
    """What it did not show would be missing on connections that see what comes after it."""

    def defect(_: int) -> None:
        raise RuntimeError("a defect")

    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        appender = Appender(house, nursery)
        journal = database.journal
        appender.append([house.message("c1", "carla", "1")])
        await trio.testing.wait_all_tasks_blocked()

        async def bad() -> None:
            with pytest.raises(StorageFailed):
                await journal.append("pawsome", [house.message("c1", "carla", "2")], defect)

        nursery.start_soon(bad)
        await trio.testing.wait_all_tasks_blocked()
        appender.append([house.message("c1", "carla", "3")])
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="a defect"):
            await journal.run()
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(appender.ended) == ["stored", "the journal has stopped"]
        found = await database.queries.history(house.viewer("sam"), "c1", None, None, 9)
        assert found is not None
        assert [m.text for m in found[0]] == ["1", "2", "3"], "stored all the same"


async def test_an_error_while_the_server_stops_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        held, appender = Held(database), Appender(house, nursery)
        monkeypatch.setattr(EventRows, "flush", full)
        nursery.start_soon(held)
        async with trio.open_nursery() as inner:
            inner.start_soon(database.journal.run)
            await trio.testing.wait_all_tasks_blocked()
            appender.append([house.message("c1", "carla", "x")])
            await trio.testing.wait_all_tasks_blocked()
            inner.cancel_scope.cancel()
            held.let_go()
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended == ["database or disk is full"]


# --- stopping -------------------------------------------------------------------------------------


async def test_stopping_stores_what_was_appended_before(tmp_path: Path) -> None:
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        held, appender = Held(database), Appender(house, nursery)
        nursery.start_soon(held)
        async with trio.open_nursery() as inner:
            inner.start_soon(database.journal.run)
            await trio.testing.wait_all_tasks_blocked()
            for n in range(GROUP_MAX + 1):
                appender.append([house.message("c1", "carla", str(n))])
            await trio.testing.wait_all_tasks_blocked()
            inner.cancel_scope.cancel()
            held.let_go()
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended == ["stored"] * (GROUP_MAX + 1)
        appender.append([house.settings_event()])
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended[-1] == "the journal has stopped"


# --- pushing back ---------------------------------------------------------------------------------


async def test_a_full_queue_pushes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "QUEUE_MAX", 4)
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        journal, appender = database.journal, Appender(house, nursery)
        for n in range(12):
            appender.append([house.message("c1", "carla", str(n))])
            await trio.testing.wait_all_tasks_blocked()
            assert journal.statistics().queued <= 4
        assert appender.ended == []
        await nursery.start(journal.run)
        while len(appender.ended) < 12:
            assert journal.statistics().queued <= 4
            await trio.lowlevel.checkpoint()
        assert appender.ended == ["stored"] * 12
        assert appender.released == sorted(appender.released)
        nursery.cancel_scope.cancel()


async def test_who_waits_for_room_can_be_cancelled_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "QUEUE_MAX", 1)
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        journal, appender = database.journal, Appender(house, nursery)
        appender.append([house.message("c1", "carla", "1")])
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.01) as scope:
            await journal.append("pawsome", [house.message("c1", "carla", "2")], lambda _: None)
        assert scope.cancelled_caught
        assert journal.statistics().queued == 1
        await nursery.start(journal.run)
        while not appender.ended:
            await trio.lowlevel.checkpoint()
        assert len(appender.released) == 1
        nursery.cancel_scope.cancel()


async def test_who_waits_for_room_when_the_journal_stops_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "QUEUE_MAX", 1)
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        journal, appender = database.journal, Appender(house, nursery)
        await database._writer._connection.close()
        for n in range(3):
            appender.append([house.message("c1", "carla", str(n))])
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="closed"):
            await journal.run()
        await trio.testing.wait_all_tasks_blocked()
        assert appender.ended == ["the journal has stopped"] * 3


async def test_the_writer_is_used_by_one_thread_alone(tmp_path: Path) -> None:
    """Python's own guard is on: a use from another thread would raise."""
    async with running_database(tmp_path) as database:
        connection = database._writer._connection._conn
        with pytest.raises(sqlite3.ProgrammingError, match="thread"):
            connection.execute("SELECT 1")


async def test_what_was_sent_before_is_no_failure_of_the_disk(tmp_path: Path) -> None:
    async with stopped_database(tmp_path) as (database, house), trio.open_nursery() as nursery:
        await nursery.start(database.journal.run)
        await house.append([house.message("c1", "carla", "Hello", client_id="m1")])
        with pytest.raises(AlreadySent):
            await house.append([house.message("c1", "carla", "Hello", client_id="m1")])
        assert database.journal.statistics().failed == 0
        nursery.cancel_scope.cancel()
