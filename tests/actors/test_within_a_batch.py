"""What one batch of commands comes to is what they come to one by one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.batch_work import NOT_STORED
from domain.commands import Done, Mark
from domain.errors import StorageFailed
from tests.actors.talk import Talk, speaker, talking
from tests.contract.memory import MemoryDatabase

pytestmark = pytest.mark.requirement("EX-24")


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking("sqlite", tmp_path) as talk:
        assert isinstance(await talk.create("carla", "zoe"), Done)
        yield talk


async def marked(talk: Talk, person: str) -> bool:
    return await talk.database.queries.marked(talk.business, "c1", person)


@pytest.mark.parametrize("before", [False, True])
async def test_who_marks_and_thinks_better_of_it_in_one_breath_is_heard(
    talk: Talk, before: bool
) -> None:
    if before:
        await talk(Mark(speaker("sam"), unread=True))
    answers = await talk(Mark(speaker("sam"), not before), Mark(speaker("sam"), before))
    assert all(isinstance(answer, Done) and answer.revision for answer in answers), answers
    assert await marked(talk, "sam") is before


async def test_the_same_mark_twice_in_one_breath_is_one(talk: Talk) -> None:
    first, again = await talk(Mark(speaker("sam"), unread=True), Mark(speaker("sam"), unread=True))
    assert isinstance(first, Done)
    assert first.revision
    assert again == Done()
    assert await marked(talk, "sam")


async def test_a_mark_that_was_not_stored_counts_for_nothing(tmp_path: Path) -> None:
    async with talking("memory", tmp_path) as talk:
        assert isinstance(talk.database, MemoryDatabase)
        await talk.create("carla", "zoe")
        faults = iter([StorageFailed("the disk is full")])

        def fault() -> None:
            for error in faults:
                raise error

        talk.database.fault = fault
        mark = Mark(speaker("sam"), unread=True)
        assert await talk(mark) == [NOT_STORED]
        answer = await talk.one(mark)
        assert isinstance(answer, Done)
        assert answer.revision
        assert await marked(talk, "sam")
