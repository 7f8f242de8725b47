"""What a page costs of a timeline, or of a search, of who was last heard of long ago."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from domain.events import MessageDeleted
from domain.refusal import Refusal
from domain.roles import Role
from domain.search import parse
from storage import search, timeline, unindexed
from storage.access import Viewer
from storage.database import FILE_NAME
from storage.search import FEW, FoundPage, Search
from storage.timeline import TimelinePage
from tests.contract.house import House, running_database
from tests.fixtures.attached import attachment
from tests.storage.search_world import index_all

OWNER = Viewer(1, "olivia", Role.OWNER)


def steps_of(
    path: Path, ask: Callable[[sqlite3.Connection], TimelinePage | FoundPage | None]
) -> tuple[int, list[int]]:
    """How much work a page is to SQLite, and which messages are on it."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_progress_handler(count, 10)
        page = ask(connection)
        connection.set_progress_handler(None, 0)
    assert page is not None
    found = page.messages if isinstance(page, TimelinePage) else page.found
    return steps, [each.seq for each in found]


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
            steps, found = steps_of(
                tmp_path / FILE_NAME, lambda db: timeline.page(db, OWNER, "carla", None, 5)
            )
            assert found == [3, 2, 1, 3, 2]
            spent.append(steps)
        assert spent[1] < 1.2 * spent[0]


@pytest.mark.requirement("EX-30")
async def test_who_is_in_hundreds_of_old_conversations_searches_these(tmp_path: Path) -> None:
    terms = parse("rex ")
    assert not isinstance(terms, Refusal)
    asked = Search(terms, limit=5)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        for n in range(FEW - 1):
            await house.append(
                [house.created(f"c{n}", "sam", "carla"), house.message(f"c{n}", "carla", "rex")]
            )
        await house.converse("later", "dave")
        spent = []
        for more in (1, 5_000):
            await house.append([house.message("later", "sam", "rex") for _ in range(more)])
            await index_all(house)
            steps, found = steps_of(
                tmp_path / FILE_NAME,
                lambda db: search.find(db, Viewer(1, "carla", Role.CUSTOMER), asked),
            )
            assert found == [1] * 5
            spent.append(steps)
        # The parts of an index that has just been written to are more, and become fewer again.
        assert spent[1] < 3 * spent[0]


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


@pytest.mark.requirement("EX-30")
@pytest.mark.parametrize("few", [2, 9])
async def test_what_has_files_and_no_text_is_on_a_timeline_of_many_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(timeline, "FEW", few)
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        for n in range(4):
            await house.converse(f"c{n}", "sam", "carla")
            file = await attachment(database, 1, "carla", f"a{n}")
            said = house.message(f"c{n}", "carla", "", attachments=(file,))
            await house.append([said, house.message(f"c{n}", "sam", "Thanks")])
        await index_all(house)
        for subject in ("carla", "olivia"):
            page = await database.queries.timeline(house.viewer("olivia"), subject, None, 20)
            assert page is not None
            assert [message.seq for message in page.messages] == [2, 1] * 4
        await house.append([MessageDeleted("c0", 1, house.at(), "carla")])
        await index_all(house)
        page = await database.queries.timeline(house.viewer("olivia"), "carla", None, 20)
        assert page is not None
        assert [message.seq for message in page.messages] == [2, 1] * 3 + [2]
