"""HTTP and websockets together: who loses access loses both, and what one stores both show."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from actors.business import RevokeAccess
from actors.presence import Tick
from protocol.close_codes import CloseCode
from server.node import PRESENCE
from tests.fixtures.api import ApiStage, http_scope, running_api
from tests.fixtures.websockets import EdgeStage, Socket, running_edge

Asked = tuple[str, str, str, object]
"""Method, path, key and body."""

WITHIN_SECONDS = 1.0
REX = {"kind": "group", "people": ["sam"], "title": "Rex", "id": "rex"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as stage:
        await stage.ask("POST", "/v1/conversations", stage.token("carla"), REX)
        yield stage


@pytest.fixture
async def edge(api: ApiStage) -> AsyncIterator[EdgeStage]:
    async with running_edge(api.stage, api.app) as running:
        yield running


async def ends(socket: Socket) -> int:
    with trio.fail_after(WITHIN_SECONDS):
        return (await socket.closed()).code


async def say(api: ApiStage, person: str, id_: str) -> int:
    body = {"client_message_id": id_, "text": "Hi"}
    path = "/v1/conversations/rex/messages"
    return (await api.ask("POST", path, api.token(person), body)).status


@pytest.mark.requirement("R27", "EX-9")
async def test_a_revoked_person_is_out_at_once(api: ApiStage, edge: EdgeStage) -> None:
    phone = await edge.welcomed(api.token("carla"), "phone")
    laptop = await edge.welcomed(api.token("carla"), "laptop")
    other = await edge.welcomed(api.token("sam"))
    assert (await api.ask("POST", "/v1/people/carla/revoke", api.key())).status == 200
    assert (await api.ask("GET", "/v1/me", api.token("carla"))).status == 401
    assert await ends(phone) == await ends(laptop) == CloseCode.UNAUTHENTICATED
    assert (await other.ask(type="ping"))["type"] == "pong"
    again = await edge.connect()
    await again.send({"type": "hello", "token": api.token("carla"), "device": "phone"})
    assert await ends(again) == CloseCode.UNAUTHENTICATED


@pytest.mark.requirement("R27")
async def test_a_revoked_token_ends_what_came_in_by_it_alone(
    api: ApiStage, edge: EdgeStage
) -> None:
    made = [await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"}) for _ in range(2)]
    sockets = [
        await edge.welcomed(each.json["token"], f"d{number}") for number, each in enumerate(made)
    ]
    revoked = await api.ask(
        "POST", "/v1/tokens/revoke", api.key(), {"token_id": made[0].json["token_id"]}
    )
    assert revoked.status == 200
    assert await ends(sockets[0]) == CloseCode.UNAUTHENTICATED
    assert (await sockets[1].ask(type="ping"))["type"] == "pong"
    assert (await api.ask("GET", "/v1/me", made[0].json["token"])).status == 401
    assert (await api.ask("GET", "/v1/me", made[1].json["token"])).status == 200


@pytest.mark.requirement("R27", "EX-9")
async def test_who_is_deactivated_is_out_at_once_and_hears_nothing_more(
    api: ApiStage, edge: EdgeStage
) -> None:
    sam = await edge.welcomed(api.token("sam"))
    assert await say(api, "carla", "m1") == 201
    await edge.settled(sam)
    gone = await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": False})
    assert gone.status == 200
    assert await say(api, "carla", "m2") == 201
    assert await ends(sam) == CloseCode.DEACTIVATED
    heard = [event["client_message_id"] for event in sam.events if event["type"] == "message"]
    assert heard == ["m1"]
    assert (await api.ask("GET", "/v1/me", api.token("sam"))).status == 401


@pytest.mark.requirement("R27")
async def test_another_role_is_another_view(api: ApiStage, edge: EdgeStage) -> None:
    sam = await edge.welcomed(api.token("sam"))
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"role": "customer"})
    assert await ends(sam) == CloseCode.RESET
    refused = await api.ask("POST", "/v1/people", api.token("sam"), {"name": "X", "role": "staff"})
    assert refused.status == 403


@pytest.mark.requirement("R27", "DT-24")
async def test_a_former_owner_sees_what_is_theirs_alone(api: ApiStage, edge: EdgeStage) -> None:
    olivia = await edge.welcomed(api.token("olivia"))
    body = {"from": "olivia", "to": "max", "new_role": "staff"}
    assert (await api.ask("POST", "/v1/ownership", api.key(), body)).status == 200
    assert await ends(olivia) == CloseCode.RESET
    assert (await api.ask("GET", "/v1/conversations/rex", api.token("olivia"))).status == 404
    assert (await api.ask("GET", "/v1/conversations/rex", api.token("max"))).status == 200


@pytest.mark.requirement("R27", "I12")
async def test_who_is_removed_hears_of_it_and_of_nothing_after(
    api: ApiStage, edge: EdgeStage
) -> None:
    carla = await edge.welcomed(api.token("carla"))
    removed = await api.ask("DELETE", "/v1/conversations/rex/members/carla", api.token("sam"))
    assert removed.status == 200
    assert await say(api, "sam", "m1") == 201
    await edge.settled(carla)
    assert [event["type"] for event in carla.events] == ["conversation_removed"]


async def test_what_is_sent_over_http_comes_to_websockets(api: ApiStage, edge: EdgeStage) -> None:
    sockets = [await edge.welcomed(api.token(person)) for person in ("carla", "sam", "olivia")]
    assert await say(api, "carla", "m1") == 201
    for socket in sockets:  # the author's own devices too: HTTP has no connection to leave out
        event = await socket.receive()
        if event["type"] == "handling_changed":  # to the team: where it has been placed
            event = await socket.receive()
        assert (event["type"], event["client_message_id"]) == ("message", "m1")


async def test_one_message_by_websocket_and_http_is_one(api: ApiStage, edge: EdgeStage) -> None:
    carla = await edge.welcomed(api.token("carla"), "phone")
    said = {"client_message_id": "m1", "text": "Hi"}
    ack = await carla.ask(type="send", conversation="rex", **said)
    by_http = await api.ask(
        "POST",
        "/v1/conversations/rex/messages",
        api.key(),
        said,
        Deskbell_Person="carla",
        Deskbell_Device="phone",
    )
    assert by_http.json == {name: ack[name] for name in by_http.json}


async def test_a_session_token_works_for_both(api: ApiStage, edge: EdgeStage) -> None:
    socket = await edge.connect()
    welcome = await socket.hello(api.token("carla"), "phone")
    assert (await api.ask("GET", "/v1/me", welcome["session_token"])).json["id"] == "carla"


@pytest.mark.requirement("DT-06")
async def test_presence_is_what_websockets_make_it(api: ApiStage, edge: EdgeStage) -> None:
    carla = await edge.welcomed(api.token("carla"))
    assert (await carla.ask(type="ping"))["type"] == "pong"  # presence has been told by now
    live = await api.stage.node.live("pawsome")
    assert live is not None
    await live.presence.ask(PRESENCE, Tick(), 5.0)
    present = await api.ask("GET", "/v1/presence?people=carla,mia", api.token("sam"))
    states = {each["person"]: each["state"] for each in present.json["people"]}
    assert states == {"carla": "online", "mia": "offline"}


@pytest.mark.requirement("R27")
@pytest.mark.parametrize("jump", [-3_600_000, -2, 3_600_000])
async def test_what_was_revoked_stays_revoked_whatever_the_clock_does(
    api: ApiStage, edge: EdgeStage, jump: int
) -> None:
    async def made() -> str:
        answer = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
        return str(answer.json["token"])

    async def revoked() -> None:
        assert (await api.ask("POST", "/v1/people/carla/revoke", api.key())).status == 200

    async def status(token: str) -> int:
        return (await api.ask("GET", "/v1/me", token)).status

    first = await made()
    await revoked()
    api.stage.clock.now += jump
    second = await made()
    assert (await status(first), await status(second)) == (401, 200)
    session_token = (await (await edge.connect()).hello(second, "d1"))["session_token"]
    assert await status(session_token) == 200
    await revoked()
    third = await made()
    answers = [await status(token) for token in (first, second, session_token, third)]
    assert answers == [401, 401, 401, 200]


@pytest.mark.requirement("R27")
async def test_a_revoked_token_ends_also_who_came_by_it_after_that_was_asked_for(
    api: ApiStage, edge: EdgeStage
) -> None:
    """The holder is looked up before the revocation is stored: a connection may come between."""
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    token_id, expires_at = made.json["token_id"], made.json["expires_at"]
    socket = await edge.welcomed(made.json["token"])
    other = await edge.welcomed(api.token("carla"), "another")
    await api.stage.change("pawsome", RevokeAccess("backend", None, "", token_id, expires_at))
    assert await ends(socket) == CloseCode.UNAUTHENTICATED
    assert (await other.ask(type="ping"))["type"] == "pong"


async def whose_body_comes_late(
    api: ApiStage, method: str, path: str, key: str, body: object, meanwhile: list[Asked]
) -> int:
    """Ask; before the body comes, others have their way; the status."""
    status = 0

    async def receive() -> Any:
        if not meanwhile:
            await trio.sleep_forever()
        while meanwhile:
            assert (await api.ask(*meanwhile.pop())).status == 200
        return {"type": "http.request", "body": msgspec.json.encode(body)}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        await trio.lowlevel.checkpoint()

    await api.app(http_scope(method, path, key), receive, send)
    return status


@pytest.mark.requirement("R27", "EX-9")
@pytest.mark.parametrize("how", ["revoked", "deactivated"])
async def test_who_lost_access_while_the_body_came_says_nothing(how: str, api: ApiStage) -> None:
    token = api.token("carla")
    ended: Asked = ("POST", "/v1/people/carla/revoke", api.key(), None)
    if how == "deactivated":
        ended = ("PATCH", "/v1/people/carla", api.key(), {"active": False})
    body = {"client_message_id": "late", "text": "I was thrown out"}
    path = "/v1/conversations/rex/messages"
    assert await whose_body_comes_late(api, "POST", path, token, body, [ended]) == 401
    page = await api.ask("GET", path, api.token("sam"))
    assert not page.json["messages"]


@pytest.mark.requirement("R26", "R27")
async def test_who_was_an_owner_when_they_began_is_none_when_the_body_has_come(
    api: ApiStage,
) -> None:
    handed_over: Asked = (
        "POST",
        "/v1/ownership",
        api.key(),
        {"from": "olivia", "to": "sam", "new_role": "staff"},
    )
    back = {"role": "owner"}
    token = api.token("olivia")
    status = await whose_body_comes_late(
        api, "PATCH", "/v1/people/olivia", token, back, [handed_over]
    )
    assert status == 403
    assert (await api.ask("GET", "/v1/people/olivia", api.key())).json["role"] == "staff"


@pytest.mark.requirement("R27", "EX-9")
async def test_tokens_from_before_a_deactivation_stay_void(api: ApiStage) -> None:
    made = (await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})).json["token"]
    for active in (False, True):
        changed = await api.ask("PATCH", "/v1/people/carla", api.key(), {"active": active})
        assert changed.status == 200
        assert (await api.ask("GET", "/v1/me", made)).status == 401
    new = (await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})).json["token"]
    renamed = await api.ask("PATCH", "/v1/people/carla", api.key(), {"name": "Carla R."})
    assert renamed.status == 200
    assert (await api.ask("GET", "/v1/me", new)).status == 200


async def test_a_key_that_may_not_touch_leaders_ends_no_connection_of_theirs(
    api: ApiStage, edge: EdgeStage
) -> None:
    body = {"name": "Limited", "scopes": ["tokens:write"]}
    key = (await api.ask("POST", "/v1/keys", api.key(), body)).json["api_key"]
    for person, status in (("olivia", 403), ("carla", 200)):
        made = (await api.ask("POST", "/v1/tokens", api.key(), {"person": person})).json
        socket = await edge.welcomed(made["token"])
        token = {"token_id": made["token_id"]}
        assert (await api.ask("POST", "/v1/tokens/revoke", key, token)).status == status
        if status == 403:
            assert (await socket.ask(type="ping"))["type"] == "pong"
        else:
            assert await ends(socket) == CloseCode.UNAUTHENTICATED
