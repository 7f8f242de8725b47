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
from storage.access import Viewer
from storage.catch_up import CatchUpPage
from storage.queries import Queries
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
    premises: Premises, virtual_time: MockClock, restarted: bool
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
    premises: Premises, virtual_time: MockClock, restarted: bool
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


async def test_who_reads_on_for_nothing_loses_no_presence(
    premises: Premises, virtual_time: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit is shown as it is, not read from the log: who reads on hears no presence."""
    await come_back(premises, restarted=False)
    said = await premises.say("g", "sam", "Rex is ready.", "s2")
    carla, sam = await premises.enter("carla"), await premises.enter("sam")
    for client in (carla, sam):
        await client.next("welcome")
    await carla.ask("watch", people=["sam"])
    catch_up = Queries.catch_up

    async def slowly(self: Queries, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
        await trio.sleep(30.0)
        return await catch_up(self, viewer, after, limit)

    monkeypatch.setattr(Queries, "catch_up", slowly)
    for seq in (3, said.seq):
        await premises.do("g", commands.Edit(premises.speaker("sam"), seq, "Something else"))
    sam.drop()
    await trio.sleep(20.0)
    assert [frame["type"] for frame in carla.frames] == ["presence", "message_edited", "presence"]
    assert carla.frames[-1]["people"][0]["state"] == "offline"
