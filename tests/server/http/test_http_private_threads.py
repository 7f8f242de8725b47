"""A direct conversation of an owner and a customer is shown to nobody else of the team (EX-26)."""

from typing import Any

import pytest

from actors.business import ChangeLocation, ChangePerson, TransferOwnership
from domain.events import Person
from domain.profile import Profile
from domain.roles import Role
from tests.fixtures.api import ApiStage, Reply
from tests.fixtures.websockets import running_edge

pytestmark = [pytest.mark.requirement("EX-26")]
SECRET = "unmistakable"


async def start(api: ApiStage, person: str, other: str) -> str:
    body = {"kind": "direct", "people": [other]}
    started = await api.ask("POST", "/v1/conversations", api.token(person), body)
    assert started.status == 201, started.json
    return str(started.json["id"])


async def say(api: ApiStage, person: str, conversation: str, id_: str) -> Reply:
    body = {"client_message_id": id_, "text": f"{SECRET} {id_}"}
    path = f"/v1/conversations/{conversation}/messages"
    return await api.ask("POST", path, api.stage.token("pawsome", person), body)


async def put(api: ApiStage, person: str, role: Role, *places: str, active: bool = True) -> None:
    someone = Person(person, person.title(), role, active)
    await api.stage.change("pawsome", ChangePerson("test", None, someone, places, Profile()))


async def private(api: ApiStage) -> str:
    """A thread of carla and the owner; all work where carla is a customer."""
    await api.stage.change("pawsome", ChangeLocation("test", "second", "Second", "UTC"))
    await put(api, "carla", Role.CUSTOMER, "main", "second")
    conversation = await start(api, "carla", "olivia")
    assert (await say(api, "carla", conversation, "m1")).status == 201
    assert (await say(api, "olivia", conversation, "m2")).status == 201
    assert (await say(api, "carla", conversation, "m3")).status == 201
    return conversation


@pytest.mark.parametrize("person", ["sam", "max"])
async def test_no_way_of_the_api_leads_there(api: ApiStage, person: str) -> None:
    conversation = await private(api)
    token, at = api.token(person), f"/v1/conversations/{conversation}"
    for path in (
        "",
        "/messages",
        "/messages/1/receipts",
        "/messages/1/versions",
        "/messages/1/explanation",
        "/handling",
    ):
        reply = await api.ask("GET", at + path, token)
        assert (reply.status, reply.code) == (404, "not_found"), path
    tries: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/messages", {"client_message_id": "x", "text": "Hi"}),
        ("PATCH", "/messages/1", {"text": "Hi"}),
        ("DELETE", "/messages/1", None),
        ("POST", "/receipts", {"read_up_to": 1}),
        ("POST", "/members", {"person": person}),
        ("POST", "/handling", {"action": "close"}),
        ("POST", "/handling", {"action": "transfer", "location": "second"}),
    )
    for method, path, body in tries:
        assert (await api.ask(method, at + path, token, body)).code == "not_found", path
    for path in (
        "/v1/conversations",
        f"/v1/search?q={SECRET}",
        f"/v1/search?q={SECRET}&author=carla",
        "/v1/people/carla/timeline",
        "/v1/people/olivia/timeline",
    ):
        reply = await api.ask("GET", path, token)
        assert SECRET not in reply.body.decode(), path
        assert conversation not in reply.body.decode(), path


async def test_nothing_of_it_is_heard_live_or_after(api: ApiStage) -> None:
    conversation = await private(api)
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(api.token("sam"))
        assert (await say(api, "carla", conversation, "m4")).status == 201
        for command in ({"type": "history"}, {"type": "open"}, {"type": "receipts", "seq": 1}):
            reply = await socket.ask(**command, conversation=conversation)
            assert reply["code"] == "not_found"
        listed = await socket.ask(type="conversations")
        found = await socket.ask(type="search", q=SECRET)
        assert SECRET not in str((listed, found, list(socket.events)))
        assert conversation not in str((listed, found, list(socket.events)))


async def test_it_is_placed_nowhere(api: ApiStage) -> None:
    """So it is in no queue, whoever comes to work there later."""
    conversation = await private(api)
    await put(api, "new", Role.STAFF, "main", "second")
    shown = await api.ask("GET", f"/v1/conversations/{conversation}", api.token("olivia"))
    assert not shown.json.get("handling", {}).get("locations")
    listed = await api.ask("GET", "/v1/conversations", api.token("new"))
    assert listed.json["conversations"] == []


# --- several owners, and others after them --------------------------------------------------------


@pytest.mark.requirement("DT-24")
async def test_every_owner_is_in_it_and_one_who_is_not_active_sees_nothing(api: ApiStage) -> None:
    conversation = await private(api)
    await put(api, "otto", Role.OWNER)
    path = f"/v1/conversations/{conversation}"
    assert (await api.ask("GET", path, api.token("otto"))).status == 200
    assert await start(api, "otto", "carla") == conversation
    await put(api, "otto", Role.OWNER, active=False)
    assert (await api.ask("GET", path, api.token("otto"))).status == 401
    shown = await api.ask("GET", path, api.token("olivia"))
    assert "otto" not in {m["person"] for m in shown.json["members"]}


@pytest.mark.requirement("DT-24")
async def test_the_last_owner_stays(api: ApiStage) -> None:
    for change in ({"active": False}, {"role": "staff"}):
        refused = await api.ask("PATCH", "/v1/people/olivia", api.key(), change)
        assert refused.code == "owner_required"


@pytest.mark.requirement("DT-24")
async def test_who_owns_next_goes_on_with_it_and_the_former_owner_sees_it_no_more(
    api: ApiStage,
) -> None:
    conversation = await private(api)
    heir = TransferOwnership("test", None, "olivia", Role.STAFF, "max")
    await api.stage.change("pawsome", heir)
    path = f"/v1/conversations/{conversation}/messages"
    read = await api.ask("GET", path, api.stage.token("pawsome", "max"))
    assert len(read.json["messages"]) == 3
    gone = await api.ask("GET", path, api.stage.token("pawsome", "olivia"))
    assert gone.code == "not_found"
    assert (await say(api, "max", conversation, "m9")).status == 201
