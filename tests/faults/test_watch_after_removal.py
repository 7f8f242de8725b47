"""Whose presence a customer is told ends with the last conversation that they share (DT-06)."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain import commands
from domain.roles import Role
from storage.access import Viewer
from storage.queries import Queries
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import RawClient
from tests.faults.watching import told, watching

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "dan": Role.CUSTOMER,
}


async def watching_on(premises: Premises, person: str, *people: str) -> RawClient:
    """Only what it is told from now on counts."""
    client = await watching(premises, person, *people)
    client.frames.clear()
    return client


async def remove(premises: Premises, person: str, conversation: str = "g") -> None:
    command = commands.RemoveMember(premises.speaker("olivia"), person)
    assert isinstance(await premises.do(conversation, command), commands.Done)


async def test_who_was_removed_is_not_told_who_comes(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla", "dan")
        await premises.group("h", "zoe", "carla")
        carla = await watching_on(premises, "carla", "sam", "dan", "zoe", "olivia")
        await remove(premises, "carla")
        for person in ("sam", "dan", "zoe", "olivia"):
            await premises.enter(person)
        await trio.sleep(30.0)
        assert told(carla) == {"zoe": "online", "olivia": "online"}


async def test_customers_who_stay_are_not_told_of_who_was_removed(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla", "dan")
        dan = await watching_on(premises, "dan", "carla", "sam")
        zoe = await watching_on(premises, "zoe", "carla")
        await remove(premises, "carla")
        for person in ("carla", "sam"):
            await premises.enter(person)
        await trio.sleep(30.0)
        assert told(dan) == {"sam": "online"}
        assert told(zoe) == {"carla": "online"}


@pytest.fixture
def slow_lookup(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, looking up whom one may watch takes five seconds."""
    companions = Queries.companions

    async def slowly(self: Queries, viewer: Viewer, people_ids: Iterable[str]) -> dict[str, int]:
        found = await companions(self, viewer, people_ids)
        await trio.sleep(5.0)
        return found

    return lambda: monkeypatch.setattr(Queries, "companions", slowly)


async def watching_both(premises: Premises) -> RawClient:
    """Carla, who shares one conversation with sam and another one with zoe."""
    await premises.group("g", "sam", "carla")
    await premises.group("h", "zoe", "carla")
    return await watching_on(premises, "carla", "sam", "zoe")


async def test_who_comes_while_it_is_looked_up_is_told_only_if_still_shared(
    virtual_time: MockClock, folder: Path, slow_lookup: Callable[[], None]
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        carla = await watching_both(premises)
        slow_lookup()
        await remove(premises, "carla")
        for person in ("sam", "zoe"):
            await premises.enter(person)
        await trio.sleep(3.0)
        assert told(carla) == {}
        await trio.sleep(30.0)
        assert told(carla) == {"zoe": "online"}


async def test_a_removal_while_it_is_looked_up_counts_too(
    virtual_time: MockClock, folder: Path, slow_lookup: Callable[[], None]
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        carla = await watching_both(premises)
        slow_lookup()
        await remove(premises, "carla", "g")
        await trio.sleep(1.0)
        await remove(premises, "carla", "h")
        await trio.sleep(30.0)
        for person in ("sam", "zoe"):
            await premises.enter(person)
        await trio.sleep(30.0)
        assert told(carla) == {}


@pytest.mark.parametrize("who", ["sam", "carla"])
async def test_a_removal_while_the_first_watch_is_looked_up(
    who: str, virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    companions = Queries.companions

    async def slowly(self: Queries, viewer: Viewer, people: Iterable[str]) -> dict[str, int]:
        found = await companions(self, viewer, people)
        await trio.sleep(0.5)
        return found

    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "zoe", "sam", "carla")
        client = await premises.enter("carla")
        await client.next("welcome")
        monkeypatch.setattr(Queries, "companions", slowly)
        client.send("watch", id=1, people=["sam"])
        await trio.sleep(0.1)
        await remove(premises, who)
        await trio.sleep(5.0)
        client.frames.clear()
        await premises.enter("sam")
        await trio.sleep(30.0)
        assert not told(client)
