"""Owners read everything; what they take no part in leaves a trace, once an hour (C-07, DT-22)."""

from typing import Any

import pytest
import trio

from actors.business import ChangePerson
from domain.events import Person
from domain.roles import Role
from server.owner_reads import HOUR_MS, REMEMBERED, OwnerReads
from tests.fixtures.api import ApiStage
from tests.fixtures.websockets import running_edge

pytestmark = [pytest.mark.requirement("C-07"), pytest.mark.requirement("DT-22")]

TALK = "/v1/conversations/talk"


@pytest.fixture
async def talk(api: ApiStage) -> ApiStage:
    """Carla and Sam have a conversation in which the owner has said nothing."""
    await start(api, "carla", ["sam"], id="talk")
    await say(api, "carla", "talk")
    return api


async def start(api: ApiStage, person: str, people: list[str], **more: Any) -> str:
    body = {"kind": "group", "people": people, **more}
    started = await api.ask("POST", "/v1/conversations", api.token(person), body)
    assert started.status == 201, started.json
    return str(started.json["id"])


async def say(api: ApiStage, person: str, conversation: str) -> None:
    body = {"client_message_id": f"{person}-{conversation}", "text": "Hi"}
    path = f"/v1/conversations/{conversation}/messages"
    assert (await api.ask("POST", path, api.token(person), body)).status == 201


async def traces(api: ApiStage) -> list[tuple[str, str]]:
    """Who read which conversation, as the audit log tells it, oldest first."""
    answer = await api.ask("GET", "/v1/audit?kind=conversation_read&limit=100", api.key())
    return [(e["author"], e["detail"]["conversation"]) for e in reversed(answer.json["entries"])]


async def read(api: ApiStage, person: str, conversation: str = "talk") -> None:
    path = f"/v1/conversations/{conversation}/messages"
    assert (await api.ask("GET", path, api.token(person))).status == 200


HTTP = ["", "/messages", "/messages/1/receipts", "/messages/1/versions", "/messages/1/explanation"]


@pytest.mark.parametrize("path", [*HTTP, "/handling"])
async def test_a_read_over_http_leaves_one_trace(talk: ApiStage, path: str) -> None:
    for _ in range(2):
        shown = await talk.ask("GET", TALK + path, talk.token("olivia"))
        assert shown.status == 200, shown.json
    assert await traces(talk) == [("olivia", "talk")]


@pytest.mark.parametrize(
    "command",
    [
        {"type": "history"},
        {"type": "history", "before": 1},
        {"type": "open"},
        {"type": "receipts", "seq": 1},
        {"type": "versions", "seq": 1},
    ],
)
async def test_a_read_over_a_websocket_leaves_one_trace(
    talk: ApiStage, command: dict[str, object]
) -> None:
    async with running_edge(talk.stage, talk.app) as edge:
        for device in ("d1", "d2"):
            socket = await edge.welcomed(talk.token("olivia"), device)
            reply = await socket.ask(**command, conversation="talk")
            assert reply["type"] != "error"
            again = await socket.ask(**command, conversation="talk")
            assert {**again, "id": 0} == {**reply, "id": 0}
        assert await traces(talk) == [("olivia", "talk")]


async def test_it_is_noted_before_it_is_shown(talk: ApiStage) -> None:
    """And what cannot be noted is not shown."""
    live = await talk.stage.node.live("pawsome")
    assert live is not None
    async with running_edge(talk.stage, talk.app) as edge:
        socket = await edge.welcomed(talk.token("olivia"))
        before = talk.stage.node.database.journal.released("pawsome")
        await socket.ask(type="history", conversation="talk")
        assert talk.stage.node.database.journal.released("pawsome") == before + 1


async def test_others_leave_none(talk: ApiStage) -> None:
    for person in ("carla", "sam"):
        await read(talk, person)
    for path in ("/v1/conversations", "/v1/search?q=hi"):
        assert (await talk.ask("GET", path, talk.token("olivia"))).status == 200
    assert (await talk.ask("GET", TALK, talk.token("mia"))).code == "not_found"
    nowhere = await talk.ask("GET", "/v1/conversations/nowhere", talk.token("olivia"))
    assert nowhere.code == "not_found"
    assert await traces(talk) == []


async def test_who_takes_part_leaves_none(api: ApiStage) -> None:
    await start(api, "olivia", ["sam", "carla"], id="started")
    await start(api, "carla", ["olivia", "sam"], id="named")
    await start(api, "carla", [], id="chosen")
    await start(api, "sam", ["max"], id="spoke")
    await say(api, "olivia", "spoke")
    direct = await start(api, "carla", ["olivia"], kind="direct")
    for conversation in ("started", "named", "chosen", "spoke", direct):
        await read(api, "olivia", conversation)
    assert await traces(api) == []


@pytest.mark.requirement("DT-24")
async def test_each_owner_leaves_their_own(talk: ApiStage) -> None:
    otto = Person("otto", "Otto", Role.OWNER)
    await talk.stage.change("pawsome", ChangePerson("test", None, otto, ("main",)))
    between = await start(talk, "olivia", ["sam"], kind="direct")
    for person in ("olivia", "otto"):
        await read(talk, person)
        await read(talk, person, between)
    owners = await start(talk, "olivia", ["otto"], kind="direct")
    await read(talk, "otto", owners)
    assert await traces(talk) == [("olivia", "talk"), ("otto", "talk")]


async def test_after_an_hour_it_is_noted_again(talk: ApiStage) -> None:
    await read(talk, "olivia")
    talk.stage.clock.now += HOUR_MS - 60_000
    talk.tokens.clear()
    await read(talk, "olivia")
    assert len(await traces(talk)) == 1
    talk.stage.clock.now += 60_000
    talk.tokens.clear()
    await read(talk, "olivia")
    assert len(await traces(talk)) == 2


async def test_two_reads_at_once_leave_one(talk: ApiStage) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(read, talk, "olivia")
    assert len(await traces(talk)) == 1


async def test_the_memory_has_a_bound() -> None:
    reads = OwnerReads()
    for number in range(REMEMBERED + 1):
        reads.remember("olivia", f"c{number}", 0)
    assert not reads.covers("olivia", "c0", 1)
    assert reads.covers("olivia", "c1", 1)
    assert not reads.covers("otto", "c1", 1)
