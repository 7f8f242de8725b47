"""Who was away is told what is so now, once; what is read for it is what is sent."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from domain import commands
from domain.commands import Done
from server.session import CATCH_UP_ITEMS
from storage.access import Viewer
from storage.catch_up import CatchUpPage
from storage.queries import Queries
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame

LONG = "x" * 32_000


async def position(premises: Premises, person: str) -> Frame:
    """The cursor of a device that holds everything, and is away from now on."""
    client = await premises.enter(person)
    welcome = await client.next("welcome")
    client.drop()
    return {"epoch": welcome["epoch"], "revision": welcome["revision"]}


async def edit_often(premises: Premises, seq: int, times: int) -> None:
    for n in range(times):
        edit = commands.Edit(premises.speaker("sam"), seq, f"text {n}")
        assert isinstance(await premises.do("g", edit), Done)


async def test_of_many_edits_the_last_is_told(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        first = await premises.say("g", "sam", "one", "m1")
        second = await premises.say("g", "sam", "two", "m2")
        cursor = await position(premises, "carla")
        await edit_often(premises, first.seq, 3 * CATCH_UP_ITEMS)
        await edit_often(premises, second.seq, 2)
        client = await premises.enter("carla", cursor=cursor)
        frames = await client.all_until("resumed")
        told = [(f["seq"], f["text"]) for f in frames if f["type"] == "message_edited"]
        assert told == [(first.seq, f"text {3 * CATCH_UP_ITEMS - 1}"), (second.seq, "text 1")]


async def test_more_changes_than_are_caught_up_with_are_a_reset(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(resume_limit=100)) as premises:
        await premises.group("g", "sam", "carla")
        said = await premises.say("g", "sam", "one", "m1")
        cursor = await position(premises, "carla")
        await edit_often(premises, said.seq, 100)
        client = await premises.enter("carla", cursor=cursor)
        assert (await client.next("welcome"))["resume"] == "complete"
        await edit_often(premises, said.seq, 1)
        client = await premises.enter("carla", cursor=cursor)
        assert (await client.next("welcome"))["reset_reason"] == "too_far_behind"


TYPES = {
    "messages": "message",
    "edits": "message_edited",
    "conversations": "conversation_added",
}


@pytest.mark.parametrize("what", TYPES)
async def test_what_is_read_is_hardly_more_than_what_is_sent(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    read: list[int] = []
    catch_up = Queries.catch_up

    async def counted(queries: Queries, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
        page = await catch_up(queries, viewer, after, limit)
        read.append(len(page.items))
        return page

    count = 100
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        cursor = await position(premises, "carla")
        if what == "conversations":
            for n in range(count):
                await premises.group(f"g{n}", "sam", "carla")
                await premises.say(f"g{n}", "sam", LONG, f"m{n}")
        else:
            for n in range(count):
                await premises.say("g", "sam", LONG, f"m{n}")
        if what == "edits":
            cursor = await position(premises, "carla")
            for n in range(count):
                edit = commands.Edit(premises.speaker("sam"), n + 1, LONG[1:])
                assert isinstance(await premises.do("g", edit), Done)
        monkeypatch.setattr(Queries, "catch_up", counted)
        client = await premises.enter("carla", cursor=cursor)
        frames = await client.all_until("resumed")
        sent = [frame for frame in frames if frame["type"] == TYPES[what]]
        assert len(sent) == count
        assert sum(read) < 2 * count
