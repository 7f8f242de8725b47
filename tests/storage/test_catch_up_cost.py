"""A page of what was missed reads no more rows than it needs, however much there is."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage import catch_up
from storage.database import FILE_NAME
from tests.contract.house import House, running_database

COUNT = 200
LIMIT = 40
OTHERS = 10
"""Rows of what there is one of: the head of the log, settings, the item that no longer fits."""


async def cursors(house: House) -> None:
    for n in range(COUNT):
        await house.receipt(f"c{n}", "sam", 1, 1)


async def long_messages(house: House) -> None:
    for _ in range(COUNT):
        await house.send("c0", "sam", "x" * 30_000)


async def removals(house: House) -> None:
    for n in range(COUNT):
        await house.add(f"c{n}", "dave")
        await house.remove(f"c{n}", "dave")


@pytest.mark.parametrize(
    ("missed", "person", "moved"),
    [(cursors, "carla", COUNT), (long_messages, "carla", 1), (removals, "dave", 0)],
)
async def test_a_page_reads_what_it_holds(
    tmp_path: Path, missed: Callable[[House], Awaitable[None]], person: str, moved: int
) -> None:
    """``moved``: the person's conversations in which something happened are looked at each time."""
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.append([house.created(f"c{n}", "sam", "carla") for n in range(COUNT)])
        await house.append([house.message(f"c{n}", "carla", "x") for n in range(COUNT)])
        after = await house.settings(read_receipts=True)
        await missed(house)
        viewer = house.viewer(person)
    rows = items = 0

    def count(_: sqlite3.Cursor, row: tuple[object, ...]) -> tuple[object, ...]:
        nonlocal rows
        rows += 1
        return row

    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        connection.row_factory = count
        done = False
        while not done:
            rows = 0
            page = catch_up.page(connection, viewer, after, LIMIT)
            assert rows <= moved + len(page.items) + OTHERS
            items += len(page.items)
            after, done = page.up_to, page.done
    assert items == COUNT
