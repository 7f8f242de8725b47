"""What a page of a timeline costs, and where it is read from."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain.roles import Role
from storage import timeline, unindexed
from storage.access import Viewer
from storage.database import FILE_NAME
from tests.contract.house import House, running_database
from tests.storage.search_world import index_all

OWNER = Viewer(1, "olivia", Role.OWNER)


def steps_of(path: Path, viewer: Viewer, person: str) -> tuple[int, list[int]]:
    """How much work a page is to SQLite, and which messages are on it."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_progress_handler(count, 10)
        page = timeline.page(connection, viewer, person, None, 5)
        connection.set_progress_handler(None, 0)
    assert page is not None
    return steps, [message.seq for message in page.messages]


@pytest.mark.requirement("EX-30")
async def test_who_fell_silent_long_ago_is_found_without_reading_all_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "FEW", 2)
    monkeypatch.setattr(timeline, "SPAN", 20)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        for n in range(4):
            await house.converse(f"c{n}", "sam", "carla")
            await house.append([house.message(f"c{n}", "carla", "then") for _ in range(3)])
        await house.converse("later", "sam")
        spent = []
        for _ in range(2):
            await house.append([house.message("later", "sam", "since") for _ in range(300)])
            await index_all(house)
            steps, found = steps_of(tmp_path / FILE_NAME, OWNER, "carla")
            assert found == [3, 2, 1, 3, 2]
            spent.append(steps)
        assert spent[1] < 1.2 * spent[0]


@pytest.mark.parametrize("subject", ["carla", "olivia"])
async def test_while_too_much_is_not_indexed_all_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: str
) -> None:
    """An owner, who is in all there are, as well."""
    monkeypatch.setattr(timeline, "FEW", 2)
    monkeypatch.setattr(unindexed, "UNINDEXED", 3)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        for n in range(4):
            await house.converse(f"c{n}", "sam", "carla")
            await house.append([house.message(f"c{n}", "carla", "then") for _ in range(3)])
        page = await database.queries.timeline(house.viewer("olivia"), subject, None, 5)
    assert page is not None
    assert [message.seq for message in page.messages] == [3, 2, 1, 3, 2]
