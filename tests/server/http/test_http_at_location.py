"""Over HTTP, too, it can be said at which location somebody is: by a header."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.roles import Role
from tests.fixtures.api import ApiStage, running_api
from tests.server.http.test_http_routing import BUSINESS, Salon

pytestmark = pytest.mark.requirement("C-27", "MT-R4")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as running:
        await running.stage.add_business(BUSINESS, {"olivia": Role.OWNER})
        yield running


async def talk_of(api: ApiStage) -> tuple[Salon, str]:
    """Sam works at both locations, Carla is at home at neither; ``old`` is left."""
    salon = Salon(api)
    await salon.furnish((), ("a", "b"))
    old = {"id": "old", "name": "Old", "time_zone": "UTC"}
    await salon.done("POST", "/v1/locations", "", old)
    return salon, await salon.conversation("sam")


async def begun_at(salon: Salon, talk: str, location: str | None) -> str:
    """Where Carla's answer shows up that Sam has begun over HTTP."""
    path, body = f"/v1/conversations/{talk}/messages", {"client_message_id": "hi", "text": "Hi"}
    headers = {} if location is None else {"Deskbell_Location": location}
    said = await salon.api.ask("POST", path, salon.api.token("sam", BUSINESS), body, **headers)
    assert said.status == 201, said.body
    seq = await salon.say("carla", talk)
    why = await salon.done("GET", f"{path}/{seq}/explanation", "olivia")
    return str(why["answers"]["location"])


@pytest.mark.parametrize(("named", "begun"), [("a", "a"), ("b", "b"), ("old", "b"), (None, "")])
async def test_what_is_begun_there_is_answered_there(
    api: ApiStage, named: str | None, begun: str
) -> None:
    salon, talk = await talk_of(api)
    await salon.done("POST", "/v1/locations/old/merge", "", {"into": "b"})
    assert await begun_at(salon, talk, named) == begun


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("old", "the location old is closed: name another one, or none."),
        ("nowhere", "there is no location nowhere."),
        ("a b", "must be the id of a location."),
        ("", "must be the id of a location."),
    ],
)
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_location_where_nobody_can_be_is_refused(
    api: ApiStage, named: str, said: str, by_key: bool
) -> None:
    salon, talk = await talk_of(api)
    await salon.done("POST", "/v1/locations/old/close")
    key = api.key(BUSINESS) if by_key else api.token("sam", BUSINESS)
    headers = {"Deskbell_Location": named} | ({"Deskbell_Person": "sam"} if by_key else {})
    refused = await api.ask("GET", f"/v1/conversations/{talk}", key, **headers)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert refused.json["detail"].startswith("Deskbell-Location")
    assert refused.json["detail"].endswith(said)
