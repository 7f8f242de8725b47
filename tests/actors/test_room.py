"""A conversation has room for so many, by whatever somebody comes in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.conversation import ConversationActor
from domain.commands import Accepted, Create, Done
from domain.events import Person, ReceiptsAdvanced
from domain.limits import Limits
from domain.refusal import Code, Refusal
from domain.roles import Role
from storage.access import Viewer
from tests.actors.talk import Talk, receipt, send, speaker, talking
from tests.actors.test_answering import furnish

pytestmark = pytest.mark.requirement("EX-23")


async def shrink(talk: Talk, members: int) -> None:
    limits = Limits(members=members)
    store, journal = talk.database.queries, talk.database.journal
    talk.actor = ConversationActor(talk.business, "c1", store, journal, talk, limits, talk.clock)
    await talk.actor.activate()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """mary and carla, who has written, are in it, and olivia; sam and zoe work where it is."""
    async with talking("sqlite", tmp_path) as talk:
        await furnish(talk)
        yield talk


def members(talk: Talk) -> set[str]:
    assert talk.actor._state is not None
    return set(talk.actor._state.members)


async def test_who_answers_where_there_is_no_room_answers_as_who_works_there(talk: Talk) -> None:
    await shrink(talk, 4)
    assert isinstance(await talk.one(send("sam", "s1")), Accepted)
    assert members(talk) == {"mary", "carla", "sam"}
    talk.new()
    assert isinstance(await talk.one(send("zoe", "z1")), Accepted)
    assert members(talk) == {"mary", "carla", "sam"}
    assert not [each for each in talk.new() if isinstance(each.event, ReceiptsAdvanced)]
    assert talk.actor._state is not None
    assert talk.actor._state.waiting_since == 0
    last = (await talk.log())[-1]
    assert (last.author, last.kind) == ("zoe", "text")
    assert isinstance(await talk.one(receipt("zoe", last.seq, last.seq)), Done)
    zoe = Viewer(talk.business.no, "zoe", Role.STAFF)
    assert await talk.database.queries.view(zoe, "c1") is not None


@pytest.mark.requirement("DT-14")
@pytest.mark.parametrize(("most", "answer"), [(3, Code.TOO_LARGE), (4, None)])
async def test_into_a_customers_own_comes_who_has_room(
    tmp_path: Path, most: int, answer: Code | None
) -> None:
    async with talking("sqlite", tmp_path) as talk:
        carla = (Person("carla", "Carla", Role.CUSTOMER),)
        for person in ("mary", "sam"):
            await shrink(talk, most)
            said = await talk.one(Create(speaker(person), "group", "", ("carla",), carla, own=True))
        assert (said.code if isinstance(said, Refusal) else None) == answer
        assert members(talk) == {"mary", "carla"} | (set() if answer else {"sam"})
