"""Where somebody says they are logged in: an open location, or the one that a merged one became."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.location import WhoIsIn
from domain.roles import Role
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.websockets import EdgeStage, Socket, running_edge
from tests.server.http.test_http_routing import BUSINESS, Salon

pytestmark = pytest.mark.requirement("C-27", "MT-R4")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as running:
        await running.stage.add_business(BUSINESS, {"olivia": Role.OWNER})
        yield running


async def salon_of(api: ApiStage) -> Salon:
    """Sam works at both locations, Carla is at home at neither; a third one, `old`, is left."""
    salon = Salon(api)
    await salon.furnish((), ("a", "b"))
    old = {"id": "old", "name": "Old", "time_zone": "UTC"}
    await salon.done("POST", "/v1/locations", "", old)
    return salon


async def hello(api: ApiStage, edge: EdgeStage, location: str, token: str = "") -> Socket:
    socket = await edge.connect()
    mine = token or api.token("sam", BUSINESS)
    await socket.send({"type": "hello", "token": mine, "device": "d1", "location": location})
    return socket


async def welcomed(api: ApiStage, edge: EdgeStage, location: str) -> Socket:
    socket = await hello(api, edge, location)
    assert (await socket.receive())["type"] == "welcome"
    return socket


async def refused(socket: Socket) -> tuple[int, str]:
    ended = await socket.closed()
    return ended.code, ended.reason or ""


async def logged_in(api: ApiStage, location: str) -> object:
    live = await api.stage.node.live(BUSINESS)
    assert live is not None
    return await live.locations.ask(location, WhoIsIn(), 5.0)


async def answered_at(salon: Salon, socket: Socket) -> tuple[str, tuple[str, ...]]:
    """From where Sam has begun, and where Carla's answer to it shows up."""
    talk = await salon.conversation()
    await salon.conversation("sam")
    salon.said += 1
    said: dict[str, Any] = {"conversation": talk, "text": "Hi", "client_message_id": "hi"}
    assert (await socket.ask(type="send", **said))["type"] == "ack"
    seq = await salon.say("carla", talk)
    path = f"/v1/conversations/{talk}/messages/{seq}/explanation"
    why = await salon.done("GET", path, "olivia")
    return why["answers"]["location"], tuple(why["locations"])


async def test_what_is_begun_at_an_open_location_is_answered_there(api: ApiStage) -> None:
    salon = await salon_of(api)
    async with running_edge(api.stage, api.app) as edge:
        socket = await welcomed(api, edge, "b")
        assert await logged_in(api, "b") == ("sam",)
        assert await answered_at(salon, socket) == ("b", ("b",))


async def test_a_merged_location_stands_for_where_it_went(api: ApiStage) -> None:
    salon = await salon_of(api)
    await salon.done("POST", "/v1/locations/old/merge", "", {"into": "b"})
    async with running_edge(api.stage, api.app) as edge:
        socket = await welcomed(api, edge, "old")
        assert await logged_in(api, "b") == ("sam",)
        assert await logged_in(api, "old") == ()
        assert await answered_at(salon, socket) == ("b", ("b",))


async def test_a_closed_location_is_refused_until_it_is_opened_again(api: ApiStage) -> None:
    salon = await salon_of(api)
    await salon.done("POST", "/v1/locations/old/merge", "", {"into": "b"})
    await salon.done("POST", "/v1/locations/b/close")
    async with running_edge(api.stage, api.app) as edge:
        for location in ("b", "old"):
            why = f"the location {location} is closed: name another one, or none"
            assert await refused(await hello(api, edge, location)) == (4500, why)
            assert (await refused(await hello(api, edge, location, "no token")))[0] == 4501
        await salon.done("POST", "/v1/locations/b/reopen")
        await welcomed(api, edge, "b")
        assert await logged_in(api, "b") == ("sam",)


async def test_who_names_none_is_logged_in_at_their_first_open_one(api: ApiStage) -> None:
    salon = await salon_of(api)
    await salon.done("POST", "/v1/locations/a/close")
    async with running_edge(api.stage, api.app) as edge:
        await edge.welcomed(api.token("sam", BUSINESS))
        assert await logged_in(api, "b") == ("sam",)
        assert await logged_in(api, "a") == ()
        await salon.done("POST", "/v1/locations/b/close")
        await edge.welcomed(api.token("sam", BUSINESS), "d2")
        assert await logged_in(api, "a") == ("sam",), "all of theirs are closed"


@pytest.mark.parametrize(("reopened", "expected"), [(False, "a"), (True, "b")])
async def test_a_location_that_closes_ends_no_connection_and_counts_no_more(
    api: ApiStage, reopened: bool, expected: str
) -> None:
    salon = await salon_of(api)
    async with running_edge(api.stage, api.app) as edge:
        socket = await welcomed(api, edge, "b")
        await salon.done("POST", "/v1/locations/b/close")
        if reopened:
            await salon.done("POST", "/v1/locations/b/reopen")
        assert await answered_at(salon, socket) == (expected, (expected,))


async def test_a_location_that_is_merged_ends_the_connections_of_who_works_there(
    api: ApiStage,
) -> None:
    salon = await salon_of(api)
    async with running_edge(api.stage, api.app) as edge:
        socket = await welcomed(api, edge, "b")
        await salon.done("POST", "/v1/locations/b/merge", "", {"into": "old"})
        assert (await socket.closed()).code == 4010
        again = await welcomed(api, edge, "b")
        assert await logged_in(api, "old") == ("sam",)
        assert await answered_at(salon, again) == ("old", ("old",))
