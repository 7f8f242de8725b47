"""aiosqlite on trio: what we take over of it, cancellation, closing, errors."""

import importlib.metadata
import inspect
import sqlite3
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import aiosqlite
import aiosqlite.core
import pytest
import trio

from storage.connection import Completion, TrioConnection, open_reader, open_writer

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[TrioConnection]:
    connection = await open_writer(tmp_path / "test.db")
    yield connection
    await connection.close()


@pytest.fixture
async def reader(writer: TrioConnection, tmp_path: Path) -> AsyncIterator[TrioConnection]:
    connection = await open_reader(tmp_path / "test.db")
    yield connection
    await connection.close()


class Gate:
    """Holds the connection's thread in a closure until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, _: sqlite3.Connection) -> str:
        self.entered.set()
        assert self.open.wait(20)
        return "through"

    async def wait_entered(self) -> None:
        await trio.to_thread.run_sync(self.entered.wait)


# --- the pin --------------------------------------------------------------------------------------


def test_the_pinned_aiosqlite_is_installed() -> None:
    """Another version may work, after a look at what the next tests hold."""
    assert importlib.metadata.version("aiosqlite") == "0.22.1"


def test_its_thread_takes_futures_and_closures_from_a_queue() -> None:
    connection = TrioConnection(lambda: sqlite3.connect(":memory:"), 64)
    assert isinstance(connection._tx, SimpleQueue)
    assert isinstance(connection._thread, threading.Thread)
    source = inspect.getsource(aiosqlite.core._connection_worker_thread)
    for line in (
        "future, function = tx.get()",
        "future.get_loop().call_soon_threadsafe(set_result, future, result)",
        "future.get_loop().call_soon_threadsafe(set_exception, future, e)",
        "if result is _STOP_RUNNING_SENTINEL:",
    ):
        assert line in source


def test_asyncio_is_reached_for_by_no_method_that_is_used() -> None:
    """`iterdump` is the one that stays and cannot work on trio; nothing here calls it."""
    reaching = {
        name
        for name, method in vars(aiosqlite.Connection).items()
        if inspect.isfunction(method) and "asyncio" in inspect.getsource(method)
    }
    assert reaching - vars(TrioConnection).keys() == {"__init__", "iterdump"}  # a type, a default


async def test_its_own_methods_work_on_trio(writer: TrioConnection) -> None:
    await writer.execute("CREATE TABLE t (a)")
    await writer.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
    async with writer.execute("SELECT a FROM t ORDER BY a") as cursor:
        assert [row async for row in cursor] == [(1,), (2,), (3,)]
    assert writer.total_changes == 3
    assert await writer.execute_fetchall("SELECT count(*) FROM t") == [(3,)]


# --- closures -------------------------------------------------------------------------------------


async def test_a_closure_returns_its_value_and_raises_its_error(writer: TrioConnection) -> None:
    assert await writer.run(lambda db, a: (type(db), a), 5, interruptible=False) == (
        sqlite3.Connection,
        5,
    )
    with pytest.raises(ZeroDivisionError):
        await writer.run(lambda _: 1 / 0, interruptible=False)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await writer.run(lambda db: db.execute("SELECT * FROM nowhere"), interruptible=True)
    with pytest.raises(SystemExit):
        await writer.run(lambda _: exit(3), interruptible=False)
    assert await writer.run(lambda _: "still there", interruptible=False) == "still there"


async def test_closures_run_one_after_the_other_on_one_thread(writer: TrioConnection) -> None:
    ran: list[int] = []
    threads: set[int] = set()

    def note(_: sqlite3.Connection, n: int) -> None:
        threads.add(threading.get_ident())
        ran.append(n)

    async def one(n: int) -> None:
        await writer.run(note, n, interruptible=False)

    async with trio.open_nursery() as nursery:
        for n in range(50):
            nursery.start_soon(one, n)
    assert sorted(ran) == list(range(50))
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_the_writer_has_what_durability_needs(writer: TrioConnection, tmp_path: Path) -> None:
    async def pragma(name: str) -> object:
        return (
            await writer.run(
                lambda db: db.execute(f"PRAGMA {name}").fetchone(), interruptible=False
            )
        )[0]

    assert await pragma("journal_mode") == "wal"
    assert await pragma("synchronous") == 2
    assert await pragma("foreign_keys") == 1
    assert await pragma("secure_delete") == 1
    assert await pragma("trusted_schema") == 0
    assert await pragma("wal_autocheckpoint") == 0
    assert await pragma("page_size") == 1024


async def test_a_reader_cannot_write(reader: TrioConnection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await reader.run(lambda db: db.execute("CREATE TABLE t (a)"), interruptible=True)


# --- cancellation ---------------------------------------------------------------------------------


async def test_cancelling_a_reader_interrupts_its_query(reader: TrioConnection) -> None:
    with trio.move_on_after(0.05) as scope:
        await reader.run(lambda db: db.execute(ENDLESS).fetchall(), interruptible=True)
    assert scope.cancelled_caught
    rows = await reader.run(lambda db: db.execute("SELECT 1").fetchall(), interruptible=True)
    assert rows == [(1,)]


async def test_an_interrupted_query_is_an_error_where_nobody_was_cancelled(
    reader: TrioConnection,
) -> None:
    def interrupted(db: sqlite3.Connection) -> None:
        db.set_progress_handler(lambda: 1, 100)
        try:
            db.execute(ENDLESS).fetchall()
        finally:
            db.set_progress_handler(None, 0)

    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        await reader.run(interrupted, interruptible=True)


async def test_a_query_of_who_is_cancelled_already_is_not_begun(reader: TrioConnection) -> None:
    """Else nobody who asks one query after the other could be ended but by a lucky interrupt."""
    begun: list[sqlite3.Connection] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await reader.run(begun.append, interruptible=True)
    assert scope.cancelled_caught
    assert begun == []


async def test_cancelling_a_reader_that_is_done_gives_its_result(reader: TrioConnection) -> None:
    gate = Gate()
    got: list[object] = []
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            got.append(await reader.run(gate, interruptible=True))

        nursery.start_soon(read)
        await gate.wait_entered()
        nursery.cancel_scope.cancel()
        gate.open.set()
    assert got == ["through"]


async def test_cancelling_whoever_writes_does_not_interrupt_the_writer(
    writer: TrioConnection,
) -> None:
    await writer.execute("CREATE TABLE t (a)")
    gate = Gate()
    got: list[object] = []

    def insert(db: sqlite3.Connection) -> str:
        gate(db)
        db.execute("INSERT INTO t VALUES (1)")
        return "inserted"

    async with trio.open_nursery() as nursery:

        async def write() -> None:
            got.append(await writer.run(insert, interruptible=False))
            await trio.lowlevel.checkpoint()
            got.append("not reached")

        nursery.start_soon(write)
        await gate.wait_entered()
        nursery.cancel_scope.cancel()
        gate.open.set()
    assert got == ["inserted"]
    assert await writer.execute_fetchall("SELECT a FROM t") == [(1,)]


async def test_an_error_of_the_writer_is_not_lost_in_a_cancellation(
    writer: TrioConnection,
) -> None:
    """Whoever waits for the disk must hear of it, above all while the server stops."""
    gate = Gate()
    got: list[str] = []

    def fail(db: sqlite3.Connection) -> None:
        gate(db)
        raise sqlite3.OperationalError("disk I/O error")

    async with trio.open_nursery() as nursery:

        async def write() -> None:
            try:
                await writer.run(fail, interruptible=False)
            except sqlite3.OperationalError as error:
                got.append(str(error))

        nursery.start_soon(write)
        await gate.wait_entered()
        nursery.cancel_scope.cancel()
        gate.open.set()
    assert got == ["disk I/O error"]


# --- opening and closing --------------------------------------------------------------------------


async def test_a_database_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    connection = TrioConnection(partial(sqlite3.connect, tmp_path / "no" / "folder"), 64)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await connection
    await trio.to_thread.run_sync(connection._thread.join)
    assert threading.active_count() <= before + 1  # trio keeps the thread that joined


async def test_closing_finishes_what_is_queued_and_refuses_the_rest(tmp_path: Path) -> None:
    connection = await open_writer(tmp_path / "test.db")
    gate = Gate()
    got: list[str] = []

    async def run(function: object) -> None:
        got.append(await connection.run(function, interruptible=False))  # type: ignore[arg-type]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, gate)
        await gate.wait_entered()
        nursery.start_soon(run, lambda _: "queued")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(connection.close)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="closed"):
            await connection.run(lambda _: "late", interruptible=False)
        with pytest.raises(ValueError, match="closed"):
            await connection.execute("SELECT 1")
        gate.open.set()
    assert sorted(got) == ["queued", "through"]
    assert not connection._thread.is_alive()
    await connection.close()


async def test_closing_is_not_cut_short_by_a_cancellation(tmp_path: Path) -> None:
    connection = await open_writer(tmp_path / "test.db")
    with trio.CancelScope() as scope:
        scope.cancel()
        await connection.close()
    assert not connection._thread.is_alive()


def test_a_completion_after_the_end_of_trio_goes_nowhere() -> None:
    completions: list[Completion] = []

    async def main() -> None:
        completions.append(Completion())

    trio.run(main)
    completions[0].call_soon_threadsafe(completions[0].set_result, 1)
    assert not completions[0].done()
