"""A conversation begins with people as they are when it does, not as they were looked up before."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain import business as rules
from domain.commands import Done
from domain.erasure import DELETED_NAME
from domain.erasure_events import PersonErased
from domain.events import Person, PersonChanged
from domain.profile import Profile
from domain.refusal import NOT_FOUND
from domain.roles import Role
from tests.actors.talk import Talk, talking

pytestmark = pytest.mark.requirement("DT-19", "EX-21")


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking("sqlite", tmp_path) as talk:
        yield talk


async def change(talk: Talk, event: PersonChanged) -> None:
    await talk.database.journal.append(talk.business.id, [event], lambda _: None)
    rules.evolve(talk.business, event)


@pytest.mark.parametrize("kind", ["group", "direct"])
async def test_nobody_begins_one_with_who_was_erased_meanwhile(talk: Talk, kind: str) -> None:
    gone = Person("carla", DELETED_NAME, Role.CUSTOMER, active=False)
    profile = Profile(enrolled=False)
    await change(talk, PersonErased(1, "olivia", gone, (), True, shown=True, profile=profile))
    assert await talk.create("carla", kind=kind) == NOT_FOUND


async def test_nobody_begins_one_with_who_was_deactivated_meanwhile(talk: Talk) -> None:
    gone = Person("zoe", "Zoe", Role.STAFF, active=False)
    await change(talk, PersonChanged(1, "olivia", gone, (), True))
    assert await talk.create("zoe", "carla") == NOT_FOUND


async def test_who_was_given_another_role_meanwhile_has_it(talk: Talk) -> None:
    await change(talk, PersonChanged(1, "olivia", Person("zoe", "Zoé", Role.CUSTOMER), (), True))
    assert isinstance(await talk.create("zoe"), Done)
    assert talk.actor._state is not None
    assert talk.actor._state.has_customer
    assert talk.actor._state.members["zoe"].name == "Zoé"
