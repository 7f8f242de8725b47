"""R14: counting what is unread costs no more, however much somebody said without reading."""

import sqlite3
from contextlib import closing
from pathlib import Path

from domain.limits import UNREAD_MAX
from storage import lists
from storage.database import FILE_NAME
from storage.unread import UNREAD_SPAN
from tests.contract.house import House, running_database

STEPS = 100


async def say(house: House, count: int) -> None:
    """Sam says that much."""
    await house.append([house.message("c1", "sam", "x") for _ in range(count)])


def steps_of_a_list(folder: Path, house: House) -> int:
    """How much work SQLite has with sam's list."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += STEPS
        return 0

    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.set_progress_handler(count, STEPS)
        lists.page(connection, house.viewer("sam"), None, 50)
    return steps


async def test_r14_what_one_said_oneself_is_not_counted_over_and_over(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        await say(house, UNREAD_SPAN)
        once = steps_of_a_list(tmp_path, house)
        await say(house, 2 * UNREAD_SPAN)
        assert steps_of_a_list(tmp_path, house) < 1.2 * once


async def test_r14_what_is_unread_is_counted_among_the_newest_entries(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")

        async def unread() -> int:
            picture = await database.queries.view(house.viewer("sam"), "c1")
            assert picture is not None
            return picture.unread

        assert await unread() == 0
        await house.send("c1", "carla")
        await house.send("c1", "carla")
        await say(house, UNREAD_SPAN - 2)
        assert await unread() == 2
        await say(house, 1)
        assert await unread() == 1
        await house.append([house.message("c1", "carla", "x") for _ in range(UNREAD_MAX + 1)])
        assert await unread() == UNREAD_MAX
