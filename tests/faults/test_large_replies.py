"""However much there is to be told, a client that reads is answered and keeps its connection."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from trio.testing import MockClock

from actors.business import ChangePerson
from domain import commands
from domain.commands import Done
from domain.events import Person
from domain.ids import is_id
from domain.limits import NAME_BYTES, Limits
from domain.presence import State
from domain.roles import Role
from protocol.close_codes import CloseCode
from server.edge.outbound import REPLY_BYTES
from server.reading import viewer_of
from storage.pages import PAGE_BYTES
from tests.faults.premises import PEOPLE, Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

CROWD = [f"{n:03}".rjust(64, "x") for n in range(Limits().members - 2)]
"""With sam and the owner they fill a conversation."""
NAME = '"' * NAME_BYTES
"""Twice as long in JSON."""
LONG = "\n" * (Limits().text_bytes - 1) + "x"

both_codecs = pytest.mark.parametrize("text", [True, False], ids=["json", "msgpack"])


@asynccontextmanager
async def crowded(folder: Path, groups: int) -> AsyncIterator[Premises]:
    """Premises with so many conversations of as many members as there may be."""
    assert all(is_id(person) for person in CROWD)
    async with opened(folder, freely()) as premises:
        for person in CROWD:
            put = ChangePerson("backend", None, Person(person, NAME, Role.CUSTOMER, True), ())
            assert isinstance(await premises.change(put), Done)
        for n in range(groups):
            await premises.group(f"g{n:03}", "sam", *CROWD)
        yield premises


async def asked(client: RawClient, type_: str, **fields: object) -> Frame:
    """The reply, which came in one piece that fits the room for replies."""
    before = client.received
    reply = await client.ask(type_, **fields)
    assert client.closed is None
    assert client.received - before <= REPLY_BYTES
    return reply


async def test_a_page_of_a_list_has_room_for_how_everybody_is(
    virtual_time: MockClock, folder: Path
) -> None:
    """Also when everybody has been seen since the start, and each says when."""
    people = [f"customer-{number:02}" for number in range(56)]
    async with opened(folder, freely()) as premises:
        for person in people:
            put = ChangePerson("backend", None, Person(person, person, Role.CUSTOMER, True), ())
            assert isinstance(await premises.change(put), Done)
            premises.live.board.shown[person] = (State.OFFLINE, 1_793_000_000_000)
        for number in range(60):
            await premises.group(f"g{number:03}", "sam", *people)
        client = await premises.enter("sam", text=True)
        await client.next("welcome")
        page = await client.ask("conversations", limit=100)
    held = json.dumps(page["conversations"], separators=(",", ":"))
    assert len(held) <= PAGE_BYTES
    assert len(page["conversations"]) > 10
    members = [m for c in page["conversations"] for m in c["members"] if m["person"] in people]
    assert {m["last_seen_at"] for m in members} == {1_793_000_000_000}


@both_codecs
@pytest.mark.parametrize("limit", [None, 100])
async def test_lists_of_large_groups_come_in_pages_that_fit(
    virtual_time: MockClock, folder: Path, text: bool, limit: int | None
) -> None:
    async with crowded(folder, 20) as premises:
        client = await premises.enter("sam", text=text)
        await client.next("welcome")
        found: list[str] = []
        pages, before = 0, None
        while pages == 0 or before is not None:
            page = await asked(client, "conversations", limit=limit, before=before)
            found += [c["id"] for c in page["conversations"]]
            assert page["conversations"]
            pages, before = pages + 1, page.get("next")
        assert found == [f"g{n:03}" for n in reversed(range(20))]


@both_codecs
async def test_the_largest_conversation_is_still_shown(
    virtual_time: MockClock, folder: Path, text: bool
) -> None:
    async with crowded(folder, 2) as premises:
        for group in ("g000", "g001"):
            await premises.say(group, "sam", LONG, f"{group}-1")
        client = await premises.enter("sam", text=text)
        await client.next("welcome")
        shown = await asked(client, "open", conversation="g000")
        assert len(shown["conversation"]["members"]) == Limits().members
        first = await asked(client, "conversations")
        second = await asked(client, "conversations", before=first["next"])
        assert [c["id"] for c in (*first["conversations"], *second["conversations"])] == [
            "g001",
            "g000",
        ]


@both_codecs
@pytest.mark.requirement("EX-34")
async def test_versions_of_a_long_message_are_the_newest_that_fit(
    virtual_time: MockClock, folder: Path, text: bool
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        said = await premises.say("g", "carla", LONG, "m1")
        for n in range(1, 20):
            edit = commands.Edit(premises.speaker("carla"), said.seq, f"{n:02}{LONG[2:]}")
            assert isinstance(await premises.do("g", edit), Done)
        client = await premises.enter("carla", text=text)
        await client.next("welcome")
        reply = await asked(client, "versions", conversation="g", seq=said.seq)
        numbers = [int(version["text"][:2]) for version in reply["versions"]]
        assert numbers[-1] == 19
        assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
        older = await premises.node.queries.versions(
            viewer_of(premises.live, "carla", PEOPLE["carla"]), "g", said.seq, len(numbers)
        )
        assert older is not None
        assert older.more or int(older.versions[0].text[:2]) == 0
        assert int(older.versions[-1].text[:2]) == numbers[0] - 1, "the HTTP API has the older ones"


async def test_an_event_that_fits_no_connection_ends_it(
    virtual_time: MockClock, folder: Path
) -> None:
    """As it may be stored under other settings: loading anew is better than being deaf."""
    async with opened(folder, freely(text_bytes=400_000), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        client = await premises.enter("carla")
        welcome = await client.next("welcome")
        await premises.say("g", "sam", "x" * 300_000, "m1")
        assert (await client.ended())[0] == CloseCode.RESET
        cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        again = await premises.enter("carla", cursor=cursor)
        assert (await again.next("welcome"))["reset_reason"] == "too_far_behind"
        assert (await again.ask("open", conversation="g"))["conversation"]["last_seq"] == 1
