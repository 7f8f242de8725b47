"""What somebody marks as unread: theirs alone, apart from their cursor and from waiting (EX-24)."""

from typing import Any

import pytest

from tests.fixtures.api import ApiStage
from tests.fixtures.websockets import Frame, Socket, running_edge

pytestmark = [pytest.mark.requirement("EX-24")]

MARK = "/v1/conversations/c1/mark"


@pytest.fixture
async def talk(api: ApiStage) -> ApiStage:
    """carla has written, and sam has read it."""
    body = {"kind": "group", "people": ["sam"], "id": "c1"}
    assert (await api.ask("POST", "/v1/conversations", api.token("carla"), body)).status == 201
    said = {"client_message_id": "m1", "text": "Is Rex ready?"}
    path = "/v1/conversations/c1"
    assert (await api.ask("POST", f"{path}/messages", api.token("carla"), said)).status == 201
    read = {"read_up_to": 1}
    assert (await api.ask("POST", f"{path}/receipts", api.token("sam"), read)).status == 200
    return api


async def picture(api: ApiStage, person: str) -> Any:
    shown = await api.ask("GET", "/v1/conversations/c1", api.token(person))
    return shown.json


async def heard(socket: Socket) -> list[Frame]:
    await socket.ask(type="ping")
    return [event for event in socket.events if event["type"] == "marked"]


async def test_a_mark_moves_nothing_else_and_nobody_else_sees_it(talk: ApiStage) -> None:
    people = ("carla", "sam", "olivia")
    before = {person: await picture(talk, person) for person in people}
    answer = await talk.ask("POST", MARK, talk.token("sam"), {})
    revision = answer.json["revision"]
    assert await picture(talk, "sam") == before["sam"] | {"marked": True, "revision": revision}
    for person in ("carla", "olivia"):
        assert await picture(talk, person) == before[person]
    assert (await talk.ask("POST", MARK, talk.token("sam"), {})).json == {"revision": 0}
    off = await talk.ask("POST", MARK, talk.token("sam"), {"unread": False})
    assert off.json["revision"] == revision + 1
    after = await picture(talk, "sam")
    assert after == before["sam"] | {"revision": revision + 1}


async def test_reading_takes_no_mark_off(talk: ApiStage) -> None:
    await talk.ask("POST", MARK, talk.token("olivia"), {})
    read = {"read_up_to": 1}
    await talk.ask("POST", "/v1/conversations/c1/receipts", talk.token("olivia"), read)
    shown = await picture(talk, "olivia")
    assert (shown["marked"], shown["unread"]) == (True, 0)


async def test_the_list_of_what_is_unread_has_what_was_marked(talk: ApiStage) -> None:
    async def unread() -> list[str]:
        path = "/v1/conversations?unread=true"
        listed = (await talk.ask("GET", path, talk.token("sam"))).json["conversations"]
        return [each["id"] for each in listed]

    assert await unread() == []
    await talk.ask("POST", MARK, talk.token("sam"), {})
    assert await unread() == ["c1"]


async def test_ones_own_devices_are_told_and_nobody_else(talk: ApiStage) -> None:
    async with running_edge(talk.stage, talk.app) as edge:
        phone, desk = [await edge.welcomed(talk.token("sam"), device) for device in ("p", "d")]
        others = [await edge.welcomed(talk.token(person)) for person in ("carla", "olivia")]
        for unread in (True, False):
            asked = {"type": "mark", "conversation": "c1", "unread": unread}
            reply = await phone.ask(**asked)
            told = {k: v for k, v in asked.items() if k != "type"}
            for socket in (phone, desk):
                *_, event = await heard(socket)
                assert event == {"type": "marked", "revision": reply["revision"], **told}
        assert [await heard(socket) for socket in others] == [[], []]


@pytest.mark.parametrize("body", [{"unread": "yes"}, {"unread": None}, {"unread": 1}])
async def test_bad_input(talk: ApiStage, body: Any) -> None:
    refused = await talk.ask("POST", MARK, talk.token("sam"), body)
    assert refused.code == "bad_request"
    assert not (await picture(talk, "sam")).get("marked")
