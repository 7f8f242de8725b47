"""What the log says of who came and went: the name that they had then."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangePerson
from domain import commands
from domain.business import Business
from domain.events import Person
from domain.roles import Role
from storage.queries import Queries
from tests.faults.premises import PEOPLE, everything, freely, opened


@pytest.mark.parametrize("remover", ["sam", "carla"])
async def test_who_was_renamed_is_removed_under_the_new_name(
    remover: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Hello", "m1")
        renamed = Person("carla", "Carla Rossi", Role.CUSTOMER)
        await premises.change(ChangePerson("backend", None, renamed, ("main",)))
        await premises.do("g", commands.RemoveMember(premises.speaker(remover), "carla"))
        sam = await premises.enter("sam")
        await sam.next("welcome")
        entry = (await everything(sam, "g"))[-1]
        kind = "member_left" if remover == "carla" else "member_removed"
        assert (entry["kind"], entry["text"]) == (kind, "Carla Rossi")


@pytest.fixture
def slow_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time that somebody is looked up by name takes a second."""
    people, looked_up = Queries.people, []

    async def slowly(self: Queries, business: Business, ids: Iterable[str]) -> tuple[Person, ...]:
        found = await people(self, business, ids)
        looked_up.append(found)
        if len(looked_up) == 1:
            await trio.sleep(1.0)
        return found

    monkeypatch.setattr(Queries, "people", slowly)


@pytest.mark.parametrize("active", [True, False])
async def test_who_is_added_is_who_they_are_when_it_is_decided(
    active: bool, virtual_time: MockClock, folder: Path, request: pytest.FixtureRequest
) -> None:
    async with opened(folder, freely(), {**PEOPLE, "dan": Role.CUSTOMER}) as premises:
        await premises.group("g", "sam", "carla")
        sam = await premises.enter("sam")
        await sam.next("welcome")
        request.getfixturevalue("slow_look_up")
        sam.send("add_member", id=99, conversation="g", person="dan")
        await trio.sleep(0.5)
        changed = Person("dan", "Dan Rossi", Role.CUSTOMER, active=active)
        await premises.change(ChangePerson("backend", None, changed, ("main",)))
        answer = await sam.reply(99)
        entry = (await everything(sam, "g"))[-1] if active else None
        if entry is not None:
            assert (entry["kind"], entry["text"]) == ("member_added", "Dan Rossi")
        else:
            assert (answer["type"], answer["code"]) == ("error", "not_found")
