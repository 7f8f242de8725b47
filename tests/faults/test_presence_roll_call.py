"""R11: who came or went while presence had no room for the news is shown as they are, soon."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.location import LoggedIn, WhoIsIn
from actors.presence import Active
from server.node import PRESENCE
from storage.database import Database
from tests.faults.premises import PEOPLE, Premises, freely, opened
from tests.faults.raw_client import RawClient

MAILBOX = 10_000


@pytest.fixture
def slow_save(monkeypatch: pytest.MonkeyPatch) -> trio.Event:
    """Set when presence begins to store last-seen, which takes it two seconds each time."""
    record_last_seen = Database.record_last_seen
    stalled = trio.Event()

    async def slowly(self: Database, business_no: int, seen: Mapping[str, int]) -> None:
        stalled.set()
        await trio.sleep(2.0)
        await record_last_seen(self, business_no, seen)

    monkeypatch.setattr(Database, "record_last_seen", slowly)
    return stalled


async def watcher(premises: Premises) -> RawClient:
    olivia = await premises.enter("olivia")
    await olivia.next("welcome")
    await olivia.ask("watch", people=["sam"])
    return olivia


def states(client: RawClient) -> list[str]:
    presence = [frame for frame in client.frames if frame["type"] == "presence"]
    return [shown["state"] for frame in presence for shown in frame["people"]]


def fill(premises: Premises) -> None:
    for _ in range(MAILBOX):
        premises.live.presence.tell(PRESENCE, Active("olivia", 1))


async def test_who_left_unheard_is_offline_soon(
    virtual_time: MockClock, folder: Path, slow_save: trio.Event
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        olivia = await watcher(premises)
        sam = await premises.enter("sam")
        await slow_save.wait()
        fill(premises)
        sam.drop()
        await trio.sleep(45.0)
        assert states(olivia)[-1] == "offline"


async def test_who_came_unheard_is_online_soon(
    virtual_time: MockClock, folder: Path, slow_save: trio.Event
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        olivia = await watcher(premises)
        await slow_save.wait()
        fill(premises)
        await premises.enter("sam")
        await trio.sleep(15.0)
        assert states(olivia)[-1] == "online"
        await trio.sleep(60.0)
        assert states(olivia) == ["offline", "online"]


async def test_who_left_unheard_is_not_at_the_location_any_more(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await (await premises.enter("olivia")).next("welcome")
        locations = premises.live.locations
        locations.tell("main", LoggedIn("sam", 999))  # of a session that has ended unheard
        assert await locations.ask("main", WhoIsIn(), 1.0) == ("olivia", "sam")
        await trio.sleep(15.0)
        assert await locations.ask("main", WhoIsIn(), 1.0) == ("olivia",)
