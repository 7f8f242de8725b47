"""What falls due by itself shows a direct conversation to nobody (EX-26)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain import business as rules
from domain.commands import Done, Tend
from domain.erasure import DELETED_NAME
from domain.erasure_events import PersonErased
from domain.events import BusinessEvent, Person, PersonChanged
from domain.profile import Profile
from domain.record_events import LocationChanged
from domain.roles import Role
from storage.access import Viewer
from tests.actors.talk import Talk, send, talking

pytestmark = pytest.mark.requirement("EX-21", "EX-26")


async def change(talk: Talk, event: BusinessEvent) -> None:
    await talk.database.journal.append(talk.business.id, [event], lambda _: None)
    rules.evolve(talk.business, event)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """zoe works at ``a``, where carla belongs, who has written there."""
    async with talking("sqlite", tmp_path) as talk:
        await change(talk, LocationChanged(1, "test", "a", "a", "UTC"))
        for id_, role in (("zoe", Role.STAFF), ("carla", Role.CUSTOMER)):
            person = Person(id_, id_.title(), role)
            await change(talk, PersonChanged(1, "test", person, ("a",), False))
        await talk.restart("c2")
        await talk.create("zoe", author="carla")
        await talk.one(send("carla", "m1"))
        await talk.restart()
        yield talk


async def test_where_an_erased_customer_waited_stays_between_its_two_people(talk: Talk) -> None:
    await talk.create("carla", author="olivia", kind="direct")
    await talk.one(send("carla", "m2"))
    await talk.one(send("olivia", "o1", "For your eyes only"))
    await talk.one(send("carla", "m3"))
    gone = Person("carla", DELETED_NAME, Role.CUSTOMER, active=False)
    profile = Profile(enrolled=False)
    await change(talk, PersonErased(1, "olivia", gone, (), True, shown=True, profile=profile))
    due = await talk.database.queries.due_left((), 10)
    assert "c1" in {each.conversation for each in due.found}
    for _ in range(2):
        assert isinstance(await talk.one(Tend()), Done)
    zoe = Viewer(talk.business.no, "zoe", Role.STAFF)
    assert await talk.database.queries.view(zoe, "c1") is None
    state = talk.actor._state
    assert state is not None
    assert (state.handling.locations, state.waiting_since) == ((), 0)
