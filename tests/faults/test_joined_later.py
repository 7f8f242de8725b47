"""A customer sees a conversation from where they came into it, whatever happens to what was before.

Protocol 3.3 and 3.5.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from domain import commands
from domain.commands import Accepted
from domain.events import Person
from domain.refusal import Code
from domain.roles import Role
from tests.faults.premises import Premises, freely, opened

NOTE = "She never pays in time."


@pytest.fixture
async def premises(virtual_time: MockClock, folder: Path) -> AsyncIterator[Premises]:
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Is Rex ready?", "c1")
        await premises.do("g", commands.RemoveMember(premises.speaker("sam"), "carla"))
        await premises.say("g", "sam", NOTE, "s1")
        yield premises


async def come_back(premises: Premises, *, restarted: bool) -> None:
    carla = Person("carla", "carla", Role.CUSTOMER)
    await premises.do("g", commands.AddMember(premises.speaker("sam"), carla))
    if restarted:
        await premises.close()
        await premises.open()


@pytest.mark.parametrize("restarted", [False, True])
async def test_changes_of_what_was_before_are_not_shown(
    premises: Premises, restarted: bool
) -> None:
    await come_back(premises, restarted=restarted)
    live, team = await premises.enter("carla"), await premises.enter("sam")
    welcome = await live.next("welcome")
    await team.next("welcome")
    sam = premises.speaker("sam")
    await premises.do("g", commands.Edit(sam, 3, f"{NOTE} Really."))
    await premises.do("g", commands.Delete(sam, 3))
    said = await premises.say("g", "sam", "Rex is ready.", "s2")
    await premises.do("g", commands.Edit(sam, said.seq, "Rex is ready!"))
    await trio.sleep(1.0)
    shown = [(frame["type"], frame.get("seq")) for frame in live.frames]
    assert shown == [("message", said.seq), ("message_edited", said.seq)]
    assert [frame.get("seq") for frame in team.frames] == [3, 3, said.seq, said.seq]
    cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
    again = await premises.enter("carla", "other", cursor=cursor)
    assert (await again.next("welcome"))["resume"] == "complete"
    missed = await again.all_until("resumed")
    assert [frame.get("seq") for frame in missed[:-1]] == [said.seq, said.seq]


@pytest.mark.parametrize("restarted", [False, True])
async def test_ones_own_words_from_before_are_gone_as_well(
    premises: Premises, restarted: bool
) -> None:
    await come_back(premises, restarted=restarted)
    carla = premises.speaker("carla")
    refused: list[Any] = [
        await premises.do("g", commands.Edit(carla, 1, "Rex?")),
        await premises.do("g", commands.Delete(carla, 1)),
        await premises.do("g", commands.Send(carla, "c2", "Yes?", reply_to=1)),
        await premises.do("g", commands.Edit(carla, 3, "Rex?")),
    ]
    assert [answer.code for answer in refused] == [Code.NOT_FOUND] * 4
    said = await premises.say("g", "carla", "Is Rex ready now?", "c3")
    answered = await premises.do("g", commands.Send(carla, "c4", "?", reply_to=said.seq))
    assert isinstance(answered, Accepted)
