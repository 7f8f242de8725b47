"""A customer writes while the business is closed: what they and the team see of the answer."""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import ApiStage, reopened_api, running_api
from tests.fixtures.node import EPOCH_MS

HOUR = 3_600_000
CLOSED = {"week": [[], [], [], [], [], [], []]}
TEXT = "We are closed and answer in the morning."


async def done(api: ApiStage, method: str, path: str, person: str = "", body: object = None) -> Any:
    reply = await api.ask(method, path, api.token(person) if person else api.key(), body)
    assert reply.status < 300, reply.body
    return reply.json


async def closed(api: ApiStage) -> str:
    """The own conversation of a customer whose location is never open."""
    body = {"hours": CLOSED, "away_text": TEXT}
    await done(api, "PATCH", "/v1/locations/main", "", body)
    return str((await done(api, "POST", "/v1/people/carla/conversation", "carla"))["id"])


async def say(api: ApiStage, id_: str, conversation: str, person: str = "carla") -> None:
    body = {"client_message_id": id_, "text": id_}
    await done(api, "POST", f"/v1/conversations/{conversation}/messages", person, body)


async def log(api: ApiStage, conversation: str) -> list[tuple[str, str]]:
    found = await done(api, "GET", f"/v1/conversations/{conversation}/messages", "carla")
    return [(m["author"], m["text"]) for m in found["messages"]]


@pytest.mark.requirement("EX-29")
async def test_the_business_answers_once_and_the_customer_goes_on_waiting(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        conversation = await closed(api)
        await say(api, "m1", conversation)
        await say(api, "m2", conversation)
        said = [("carla", "m1"), ("@business", TEXT), ("carla", "m2")]
        assert await log(api, conversation) == said
        shown = await done(api, "GET", f"/v1/conversations/{conversation}", "sam")
        assert shown["handling"]["waiting_since"] > 0
    async with reopened_api(tmp_path) as api:
        await say(api, "m3", conversation)
        assert await log(api, conversation) == [*said, ("carla", "m3")]


@pytest.mark.requirement("EX-29")
async def test_whoever_was_just_there_is_not_told_that_it_is_closed(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        conversation = await closed(api)
        visit = {"customer": "carla", "location": "main", "start": EPOCH_MS - 2 * HOUR}
        path = "/v1/appointments/visit"
        await done(api, "PUT", path, "", {**visit, "end": EPOCH_MS - HOUR})
        await say(api, "m1", conversation)
        assert await log(api, conversation) == [("carla", "m1")]
        api.stage.clock.now += HOUR
        api.tokens.clear()  # they have expired
        await say(api, "m2", conversation)
        assert [author for author, _ in await log(api, conversation)][-1] == "@business"
