"""Who answers what they see by their location has read it: in lists, pictures, and for others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.roles import Role
from storage.backup import FILE_NAME
from storage.check import check_file
from tests.fixtures.api import ApiStage, reopened_api, running_api

pytestmark = pytest.mark.requirement("EX-23", "EX-24", "DT-04")

PEOPLE = {
    "olivia": Role.OWNER,
    "mary": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
}


class Shop:
    """All the team work at one location; carla has said two things in her own conversation."""

    def __init__(self, api: ApiStage, talk: str = "") -> None:
        self.api = api
        self.talk = talk
        self.said = 0

    async def ask(self, person: str, method: str, path: str, body: object = None) -> Any:
        reply = await self.api.ask(method, path, self.api.token(person, "shop"), body)
        assert reply.status < 300, reply.body
        return reply.json

    async def open(self) -> None:
        await self.api.stage.add_business("shop", PEOPLE)
        made = await self.ask("carla", "POST", "/v1/people/carla/conversation")
        self.talk = f"/v1/conversations/{made['id']}"
        for _ in range(2):
            await self.say("carla")

    async def say(self, person: str) -> int:
        self.said += 1
        body = {"client_message_id": f"{person}-{self.said}", "text": "Hi"}
        return int((await self.ask(person, "POST", f"{self.talk}/messages", body))["seq"])

    async def counts(self, *people: str) -> list[int]:
        """As their lists say, and the same by what `unread=true` leaves and by the one picture."""
        found = []
        for person in people:
            picture = await self.ask(person, "GET", self.talk)
            lists = [
                (await self.ask(person, "GET", f"/v1/conversations{more}"))["conversations"]
                for more in ("", "?unread=true")
            ]
            unread = {each["id"]: each["unread"] for each in lists[0]}[picture["id"]]
            assert picture["unread"] == unread
            assert (picture["id"] in [each["id"] for each in lists[1]]) == (unread > 0)
            found.append(unread)
        return found

    async def read_up_to(self, person: str, viewer: str) -> int:
        members = (await self.ask(viewer, "GET", self.talk))["members"]
        return int({m["person"]: m.get("read_up_to", 0) for m in members}[person])


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running_api(tmp_path) as api:
        shop = Shop(api)
        await shop.open()
        yield shop


async def test_who_answers_has_nothing_unread_and_their_reading_is_told(shop: Shop) -> None:
    assert await shop.counts("sam", "zoe", "olivia") == [2, 2, 2]
    seq = await shop.say("sam")
    assert await shop.counts("sam", "zoe", "olivia") == [0, 3, 3]
    assert [await shop.read_up_to("sam", viewer) for viewer in ("sam", "carla")] == [seq, seq]
    told = (await shop.ask("carla", "GET", f"{shop.talk}/messages/1/receipts"))["receipts"]
    (mine,) = [each for each in told if each["person"] == "sam"]
    assert mine["read_at"] == mine["delivered_at"] > 0
    await shop.say("carla")
    assert await shop.counts("sam", "zoe") == [1, 4]


async def test_who_hides_what_they_read_hides_it_here_too(shop: Shop) -> None:
    await shop.ask("sam", "PATCH", "/v1/me", {"read_receipts": False})
    seq = await shop.say("sam")
    assert await shop.counts("sam") == [0]
    assert [await shop.read_up_to("sam", viewer) for viewer in ("sam", "carla")] == [seq, 0]


async def test_who_is_taken_out_and_answers_again_has_read(shop: Shop) -> None:
    await shop.say("sam")
    await shop.ask("mary", "DELETE", f"{shop.talk}/members/sam")
    assert await shop.counts("sam") == [2]
    await shop.say("sam")
    assert await shop.counts("sam") == [0]
    await shop.ask("mary", "DELETE", f"{shop.talk}/members/sam")
    await shop.ask("mary", "POST", f"{shop.talk}/members", {"person": "sam"})
    assert await shop.counts("sam") == [2], "who is brought in by another starts over"


async def test_ex24_the_team_has_read_up_to_it(shop: Shop) -> None:
    await shop.ask("olivia", "PATCH", "/v1/business", {"policies": {"unread": "team"}})
    assert await shop.counts("sam", "zoe", "olivia") == [2, 2, 2]
    seq = await shop.say("sam")
    assert await shop.counts("sam", "zoe", "olivia") == [0, 0, 0]
    assert (await shop.ask("zoe", "GET", shop.talk))["team_read_up_to"] == seq
    await shop.say("carla")
    assert await shop.counts("sam", "zoe", "olivia") == [1, 1, 1]


async def test_a_restart_keeps_it_and_the_file_is_whole(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        first = Shop(api)
        await first.open()
        seq = await first.say("sam")
    assert check_file(tmp_path / FILE_NAME) == []
    async with reopened_api(tmp_path) as api:
        again = Shop(api, first.talk)
        assert await again.counts("sam", "zoe") == [0, 3]
        assert await again.read_up_to("sam", "carla") == seq
