"""The queue of a location: ten at first, none lost, who waits longest first; and whose it is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.roles import Role
from tests.fixtures.api import ApiStage, reopened_api, running_api

CUSTOMERS = [f"c{number:02}" for number in range(23)]
QUEUE = "/v1/locations/main/queue"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    """23 customers have written, in order."""
    async with running_api(tmp_path) as api:
        people = dict.fromkeys(CUSTOMERS, Role.CUSTOMER)
        await api.stage.add_business("shop", {"olivia": Role.OWNER, "sam": Role.STAFF, **people})
        for customer in CUSTOMERS:
            await write(api, customer)
        yield api


async def done(api: ApiStage, method: str, path: str, person: str, body: object = None) -> Any:
    reply = await api.ask(method, path, api.token(person, "shop"), body)
    assert reply.status < 300, reply.body
    return reply.json


async def write(api: ApiStage, customer: str, person: str = "", text: str = "Hi") -> str:
    person = person or customer
    path = f"/v1/people/{customer}/conversation"
    conversation = (await done(api, "POST", path, person))["id"]
    body = {"client_message_id": f"{person}-{customer}-{text.replace(' ', '-')}", "text": text}
    await done(api, "POST", f"/v1/conversations/{conversation}/messages", person, body)
    return str(conversation)


def customers(page: Any) -> list[str]:
    members = [{m["person"] for m in c["members"]} for c in page["conversations"]]
    return [next(iter(each & set(CUSTOMERS))) for each in members]


async def pages(api: ApiStage, person: str, more: str = "") -> list[list[str]]:
    found, before = [], ""
    while True:
        page = await done(api, "GET", f"{QUEUE}?{more}{before}", person)
        found.append(customers(page))
        if "next" not in page:
            return found
        before = f"&before={page['next']}"


@pytest.mark.requirement("MT-06", "C-24")
@pytest.mark.parametrize("person", ["sam", "olivia"])
async def test_ten_are_shown_and_the_rest_can_be_reached(person: str, api: ApiStage) -> None:
    found = await pages(api, person)
    assert [len(page) for page in found] == [10, 10, 3]
    assert [name for page in found for name in page] == CUSTOMERS[::-1]


@pytest.mark.requirement("C-24")
async def test_who_has_waited_longest_comes_first(api: ApiStage) -> None:
    await write(api, "c00", "sam", "Answered")
    await write(api, "c01", "c01", "Still waiting")
    found = await pages(api, "sam", "waiting=true&limit=9")
    assert [name for page in found for name in page] == CUSTOMERS[1:]


@pytest.mark.requirement("C-24")
async def test_what_is_closed_is_not_in_it_until_the_customer_writes(api: ApiStage) -> None:
    conversation = await write(api, "c05", "c05", "Again")
    path = f"/v1/conversations/{conversation}/handling"
    await done(api, "POST", path, "sam", {"action": "close"})
    assert "c05" not in [name for page in await pages(api, "sam") for name in page]
    await write(api, "c05", "c05", "Once more")
    assert (await pages(api, "sam"))[0][0] == "c05"


@pytest.mark.requirement("C-27")
async def test_it_is_of_those_who_work_there_and_the_owners(api: ApiStage) -> None:
    body = {"id": "far", "name": "Far", "time_zone": "UTC"}
    assert (await api.ask("POST", "/v1/locations", api.key("shop"), body)).status == 201
    far = "/v1/locations/far/queue"
    assert (await done(api, "GET", far, "olivia"))["conversations"] == []
    for person, path, status in (("sam", far, 404), ("c00", QUEUE, 403)):
        assert (await api.ask("GET", path, api.token(person, "shop"))).status == status
    assert (await api.ask("GET", f"{QUEUE}?before=x", api.token("sam", "shop"))).status == 400


@pytest.mark.requirement("EX-23")
async def test_a_crash_loses_nothing_of_it(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await api.ask("POST", "/v1/people/carla/conversation", api.token("carla"))
        found = await api.ask("POST", "/v1/people/mia/conversation", api.token("mia"))
        path = f"/v1/conversations/{found.json['id']}/messages"
        body = {"client_message_id": "m1", "text": "Hi"}
        assert (await api.ask("POST", path, api.token("mia"), body)).status == 201
        before = await api.ask("GET", QUEUE, api.token("sam"))
    async with reopened_api(tmp_path) as api:
        after = await api.ask("GET", QUEUE, api.token("sam"))
        assert after.json["conversations"] == before.json["conversations"]
        assert [c["id"] for c in after.json["conversations"]] == [found.json["id"]]
