"""Who of the team sees a conversation: whom it can be assigned to, and who can be mentioned."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.roles import Role
from tests.fixtures.api import ApiStage, running_api

TEAM = {
    "olivia": Role.OWNER,
    "max": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "nick": Role.STAFF,
    "lou": Role.STAFF,
}
WORKS = {"max": "main", "sam": "main", "zoe": "main", "nick": "north", "lou": "main"}

pytestmark = pytest.mark.requirement("EX-23", "EX-25")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as running:
        await running.stage.add_business("salon", {**TEAM, "carla": Role.CUSTOMER})
        north = {"id": "north", "name": "North", "time_zone": "UTC"}
        await done(running, "POST", "/v1/locations", north)
        for person, place in {**WORKS, "carla": "main"}.items():
            await done(running, "PATCH", f"/v1/people/{person}", {"locations": [place]})
        await done(running, "PATCH", "/v1/people/lou", {"permissions": ["contacts", "assign"]})
        yield running


async def done(
    api: ApiStage, method: str, path: str, body: object = None, person: str = ""
) -> dict[str, object]:
    key = api.token(person, "salon") if person else api.key("salon")
    reply = await api.ask(method, path, key, body)
    assert reply.status < 300, reply.body
    found: dict[str, object] = reply.json
    return found


async def begun(api: ApiStage) -> str:
    """What the customer says where she is."""
    path = "/v1/people/carla/conversation"
    conversation = str((await done(api, "POST", path, person="carla"))["id"])
    path = f"/v1/conversations/{conversation}"
    said = {"client_message_id": "m1", "text": "Hi"}
    await done(api, "POST", f"{path}/messages", said, "carla")
    return path


async def colleagues(api: ApiStage, path: str, person: str, query: str = "") -> list[str]:
    asked = f"{path}/colleagues{query}"
    reply = await api.ask("GET", asked, api.token(person, "salon"))
    assert reply.status == 200, reply.body
    assert all(set(each) == {"id", "name", "role", "active"} for each in reply.json["people"])
    return [each["id"] for each in reply.json["people"]]


async def accepted(api: ApiStage, path: str, asking: str) -> set[str]:
    """Those whom it can be assigned to and mention, tried one by one."""
    found = set()
    for number, person in enumerate((*TEAM, "carla")):
        assign = {"action": "assign", "person": person}
        token = api.token(asking, "salon")
        assigned = await api.ask("POST", f"{path}/handling", token, assign)
        note = {"id": f"n-{asking}-{number}", "text": "See", "mentions": [person]}
        noted = await api.ask("POST", f"{path}/notes", token, note)
        assert (assigned.status < 300) is (noted.status < 300), person
        if assigned.status < 300:
            found.add(person)
    return found - {asking}


async def test_they_are_exactly_those_whom_it_can_be_assigned_to(api: ApiStage) -> None:
    path = await begun(api)
    assert await colleagues(api, path, "sam") == ["max", "olivia", "zoe"]
    assert await accepted(api, path, "sam") == {"max", "olivia", "zoe"}
    for person in ("nick", "lou"):  # works elsewhere; lacks the inbox
        added = {"person": person}
        await done(api, "POST", f"{path}/members", added, "sam")
    assert await colleagues(api, path, "sam") == ["lou", "max", "nick", "olivia", "zoe"]
    assert await accepted(api, path, "sam") == {"lou", "max", "nick", "olivia", "zoe"}
    await done(api, "POST", f"{path}/handling", {"action": "transfer", "location": "north"}, "sam")
    assert await colleagues(api, path, "lou") == ["nick", "olivia"]
    assert await accepted(api, path, "lou") == {"nick", "olivia"}


async def test_a_setting_of_who_talks_to_whom_is_no_matter(api: ApiStage) -> None:
    path = await begun(api)
    await done(api, "PATCH", "/v1/business", {"policies": {"staff_to_staff": False}})
    assert await colleagues(api, path, "sam") == ["max", "olivia", "zoe"]
    await done(api, "PATCH", "/v1/people/zoe", {"active": False})
    assert await colleagues(api, path, "sam") == ["max", "olivia"]


async def test_they_are_searched_by_name_and_asked_for_by_who_sees_it(api: ApiStage) -> None:
    path = await begun(api)
    assert await colleagues(api, path, "olivia", "?search=MA") == ["max"]
    assert await colleagues(api, path, "olivia", "?limit=1") == ["max"]
    assert await colleagues(api, path, "olivia", "?search=carla") == []
    assert await colleagues(api, path, "olivia", "?search=nick") == []
    hidden = await api.ask("GET", f"{path}/colleagues", api.token("nick", "salon"))
    absent = await api.ask("GET", "/v1/conversations/x/colleagues", api.token("nick", "salon"))
    assert (hidden.status, hidden.code) == (absent.status, absent.code) == (404, "not_found")
    customers = await api.ask("GET", f"{path}/colleagues", api.token("carla", "salon"))
    assert customers.code == "forbidden"


@pytest.mark.requirement("C-07")
async def test_an_owner_who_looks_leaves_a_trace(api: ApiStage) -> None:
    path = "/v1/conversations"
    body = {"kind": "group", "people": ["carla"], "id": "rex"}
    await done(api, "POST", path, body, "sam")
    await done(api, "PATCH", "/v1/people/max", {"role": "owner"})
    await colleagues(api, f"{path}/rex", "max")
    audit = await done(api, "GET", "/v1/audit?kind=conversation_read")
    entries = audit["entries"]
    assert isinstance(entries, list)
    assert [(each["author"], each["detail"]) for each in entries] == [
        ("max", {"conversation": "rex"})
    ]
