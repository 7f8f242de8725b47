"""A business's log as its webhooks read it: every event once, in order, and as it was then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain import commands
from domain.webhook_events import DeletedData, MessageData
from domain.webhook_order import LOCATION, PERSON, LogEntry
from domain.webhooks import EventType
from storage import webhook_log
from tests.server.webhooks.stage import Shop, running_shop

pytestmark = [pytest.mark.requirement("EX-38")]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A business in which everything has happened that is told of, in two conversations."""
    async with running_shop(tmp_path) as shop:
        for conversation in ("rex", "bella"):
            await shop.converse(conversation)
        for number in range(4):
            await shop.say("rex", f"rex {number}")
            await shop.say("bella", f"bella {number}")
        carla, sam = shop.speaker("carla"), shop.speaker("sam")
        await shop.do("rex", commands.Edit(carla, 1, "rex, edited"))
        await shop.do("rex", commands.Edit(carla, 1, "rex, edited again"))
        await shop.do("bella", commands.Delete(carla, 2))
        await shop.do("rex", commands.AdvanceReceipt(sam, 2, 1))
        (mia,) = await shop.api.stage.node.queries.people(shop.live.state, ["mia"])
        await shop.do("rex", commands.AddMember(sam, mia))
        await shop.do("rex", commands.RemoveMember(sam, "mia"))
        await shop.say("bella", "the last")
        yield shop


async def read(shop: Shop, after: int = 0) -> list[LogEntry]:
    store = shop.api.stage.node.database.webhooks
    found: list[LogEntry] = []
    while True:
        entries, up_to = await store.entries(shop.live.state, after)
        if up_to == after:
            return found
        found += entries
        after = up_to


async def test_every_revision_is_read_once_and_in_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await read(shop)
    newest = shop.api.stage.node.database.journal.released("pawsome")
    assert [entry.revision for entry in whole] == list(range(1, newest + 1))
    for stretch, conversations in ((1, 1), (2, 5000), (7, 1), (1000, 1)):
        monkeypatch.setattr(webhook_log, "STRETCH", stretch)
        monkeypatch.setattr(webhook_log, "CONVERSATIONS", conversations)
        assert await read(shop) == whole
        late = [entry for entry in whole if entry.revision > newest - 5]
        assert await read(shop, newest - 5) == late
    kinds = {entry.type for entry in whole}
    assert kinds == set(EventType)
    for conversation in ("rex", "bella"):
        mine = [entry for entry in whole if entry.lane == conversation]
        assert [e.seq for e in mine if e.type is EventType.MESSAGE_SENT] in (
            [1, 2, 3, 4],
            [1, 2, 3, 4, 5],
        )
    assert {e.lane for e in whole if e.type is EventType.PERSON_CHANGED} >= {f"{PERSON}carla"}
    assert {e.lane for e in whole if e.type is EventType.LOCATION_CHANGED} == {f"{LOCATION}main"}


async def test_a_lane_is_its_part_of_the_log(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await read(shop)
    store = shop.api.stage.node.database.webhooks
    newest = whole[-1].revision
    for stretch in (1, 3, 1000):
        monkeypatch.setattr(webhook_log, "STRETCH", stretch)
        for lane in {entry.lane for entry in whole}:
            found: list[LogEntry] = []
            after = 0
            while after < newest:
                entries, after = await store.of_lane(shop.live.state, lane, after, newest)
                found += entries
            assert found == [entry for entry in whole if entry.lane == lane]
    assert await store.of_lane(shop.live.state, "nowhere", 0, newest) == ([], newest)


async def test_texts_are_as_they_were_and_deleted_ones_are_gone(shop: Shop) -> None:
    store = shop.api.stage.node.database.webhooks
    told = {}
    for entry in await read(shop):
        happened = await store.happened(shop.live.state, entry)
        assert happened is not None
        told[entry.revision] = (entry, happened.data)
    about_rex = [d for e, d in told.values() if (e.lane, e.seq) == ("rex", 1)]
    assert [d.text for d in about_rex if isinstance(d, MessageData)] == [
        "rex 0",
        "rex, edited",
        "rex, edited again",
    ]
    sent, deleted = (d for e, d in told.values() if (e.lane, e.seq) == ("bella", 2))
    assert isinstance(sent, MessageData)
    assert (sent.text, sent.deleted_at > 0) == ("", True)
    assert isinstance(deleted, DeletedData)


async def test_of_another_business_nothing_is_read(shop: Shop) -> None:
    await shop.api.stage.add_business("barkley", {})
    live = await shop.api.stage.node.live("barkley")
    assert live is not None
    store = shop.api.stage.node.database.webhooks
    entries, _ = await store.entries(live.state, 0)
    assert {entry.type for entry in entries} == {EventType.LOCATION_CHANGED}
    rex = next(entry for entry in await read(shop) if entry.lane == "rex")
    assert await store.happened(live.state, rex) is None
    assert await store.of_lane(live.state, "rex", 0, 1000) == ([], 1000)


async def test_a_time_finds_its_place_in_the_log(shop: Shop) -> None:
    store = shop.api.stage.node.database.webhooks
    times = {}
    for entry in await read(shop):
        happened = await store.happened(shop.live.state, entry)
        assert happened is not None
        times[entry.revision] = happened.at
    for at in (0, *times.values(), max(times.values()) + 1):
        begins = await store.before(shop.live.state, at) + 1
        wanted = [revision for revision, when in times.items() if when >= at]
        assert all(begins <= revision for revision in wanted)
    assert await store.before(shop.live.state, 0) == 0
    assert await store.before(shop.live.state, max(times.values()) + 1) == max(times)
