"""DT-06: who could not be told how others are is told when they can; nobody is online for ever."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangePerson
from domain import commands
from domain.events import Person
from domain.roles import Role
from server.http.tokens import issue
from storage.queries import Queries
from tests.faults.premises import freely, opened
from tests.faults.watching import told, watching

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "dan": Role.CUSTOMER,
}


async def test_who_read_slowly_while_somebody_left(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "zoe", "carla")
        sam = await premises.enter("sam")
        carla = await watching(premises, "carla", "sam")
        assert told(carla) == {"sam": "online"}
        sam.drop()
        await trio.sleep(8.0)
        carla.stop_reading()
        for number in range(5):
            await premises.say("g", "zoe", "x" * 20_000, f"m{number}")
        await trio.sleep(6.0)
        carla.read_again()
        await trio.sleep(30.0)
        assert carla.closed is None
        assert told(carla) == {"sam": "offline"}


async def test_who_read_on_while_somebody_left(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catch_up = Queries.catch_up

    async def slowly(self: Queries, *arguments: Any) -> Any:
        found = await catch_up(self, *arguments)
        await trio.sleep(2.0)
        return found

    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        carla = await premises.enter("carla")
        zoe = await watching(premises, "zoe", "carla")
        carla.drop()
        await trio.sleep(9.0)
        monkeypatch.setattr(Queries, "catch_up", slowly)
        renamed = Person("dan", "Dan Rossi", Role.CUSTOMER)
        await premises.change(ChangePerson("backend", None, renamed, ("main",)))
        assert told(zoe) == {"carla": "online"}
        await trio.sleep(30.0)
        assert told(zoe) == {"carla": "offline"}


async def test_who_had_no_room_for_what_a_removal_made_them_look_up(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    companions = Queries.companions

    async def slowly(self: Queries, *arguments: Any) -> Any:
        await trio.sleep(2.0)
        return await companions(self, *arguments)

    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        await premises.group("h", "zoe", "carla")
        carla = await watching(premises, "carla", "sam", "zoe")
        carla.frames.clear()
        carla.stop_reading()
        for number in range(40):
            await premises.say("h", "zoe", "x" * 30_000, f"m{number}")
        monkeypatch.setattr(Queries, "companions", slowly)
        await premises.do("g", commands.RemoveMember(premises.speaker("olivia"), "carla"))
        await premises.enter("zoe")
        await trio.sleep(3.0)
        carla.read_again()
        await trio.sleep(30.0)
        assert told(carla) == {"zoe": "online"}


async def test_who_is_let_in_again_is_still_watched(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        await premises.put("sam", Role.STAFF, active=False)
        carla = await watching(premises, "carla", "sam")
        assert told(carla) == {"sam": "offline"}
        await premises.put("sam", Role.STAFF, active=True)
        issued = await issue(premises.node, premises.live, "sam")
        await premises.enter("sam", token=issued.token)
        await trio.sleep(1.0)
        assert told(carla) == {"sam": "online"}
