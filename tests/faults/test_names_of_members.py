"""What the log says of who came and went: the name that they had then."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from actors.business import ChangePerson
from domain import commands
from domain.events import Person
from domain.roles import Role
from tests.faults.premises import everything, freely, opened


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
