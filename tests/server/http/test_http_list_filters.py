"""Filters of the list: each against the pictures of the whole list, page by page."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from domain.roles import Role
from storage import lists
from tests.faults.premises import freely
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.node import EPOCH_MS

CUSTOMERS = [f"c{number:02}" for number in range(12)]
TEXTERS = [f"t{number:02}" for number in range(9)]
TEAM = {"olivia": Role.OWNER, "max": Role.MANAGER, "sam": Role.STAFF, "zoe": Role.STAFF}
Picture = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    """Twelve customers at two places; what they wrote is answered, taken, put off or closed.

    And others who wrote by text before, of whom some have written here since.
    """
    async with running_api(tmp_path, freely(data_dir=str(tmp_path))) as api:
        people = dict.fromkeys((*CUSTOMERS, *TEXTERS), Role.CUSTOMER)
        await api.stage.add_business("shop", {**TEAM, **people})
        far = {"id": "far", "name": "Far", "time_zone": "UTC"}
        assert (await api.ask("POST", "/v1/locations", api.key("shop"), far)).status == 201
        for person, places in (("zoe", ["far"]), *((c, ["far"]) for c in CUSTOMERS[::3])):
            path = f"/v1/people/{person}"
            reply = await api.ask("PATCH", path, api.key("shop"), {"locations": places})
            assert reply.status == 200, reply.body
        for number, customer in enumerate(CUSTOMERS):
            await _converse(api, number, customer)
        await _import(api)
        for customer in TEXTERS[::3]:
            opened = await _done(api, "POST", f"/v1/people/{customer}/conversation", customer)
            await _say(api, f"/v1/conversations/{opened['id']}", customer)
        talk = {"kind": "group", "people": ["sam", "zoe"], "id": "team"}
        await _done(api, "POST", "/v1/conversations", "max", talk)
        yield api


async def _import(api: ApiStage) -> None:
    """What they texted, at either place; every fourth waits for an answer."""
    records = [
        {
            "type": "conversation",
            "customer": customer,
            **({"location": "far", "assignee": "zoe"} if number % 2 else {"location": "main"}),
            "waiting": number % 4 == 0,
            "messages": [
                {
                    "id": customer,
                    "author": customer,
                    "text": "Hi",
                    "at": EPOCH_MS - 10,
                    "channel": "text",
                }
            ],
        }
        for number, customer in enumerate(TEXTERS)
    ]
    for path, body in (
        ("/v1/imports", {"id": "texts"}),
        ("/v1/imports/texts/records", {"first": 1, "records": records}),
    ):
        reply = await api.ask("POST", path, api.key("shop"), body)
        assert reply.status < 300, reply.body
    assert reply.json["stored"] == len(TEXTERS), reply.body


async def _converse(api: ApiStage, number: int, customer: str) -> None:
    opened = await _done(api, "POST", f"/v1/people/{customer}/conversation", customer)
    path = f"/v1/conversations/{opened['id']}"
    await _say(api, path, customer)
    worker = "zoe" if number % 3 == 0 else "sam"
    if number % 2:
        await _say(api, path, worker)
        if number in (5, 9):  # what was answered is read, what comes after it is not
            await _say(api, path, customer, "again")
    else:
        await _done(api, "POST", f"{path}/receipts", worker, {"read_up_to": 2})
    action: Picture | None = [
        None,
        {"action": "assign", "person": worker},
        {"action": "snooze", "until": EPOCH_MS + 3_600_000},
        {"action": "close"},
    ][number % 4]
    if action is not None:
        await _done(api, "POST", f"{path}/handling", worker, action)


async def _done(api: ApiStage, method: str, path: str, person: str, body: object = None) -> Picture:
    reply = await api.ask(method, path, api.token(person, "shop"), body)
    assert reply.status < 300, reply.body
    found: Picture = reply.json
    return found


async def _say(api: ApiStage, path: str, person: str, text: str = "Hi") -> None:
    body = {"client_message_id": f"{person}-{path[-9:]}-{text}", "text": text}
    await _done(api, "POST", f"{path}/messages", person, body)


async def listed(api: ApiStage, person: str, **asked: str) -> list[Picture]:
    """What is listed, three at a time."""
    found: list[Picture] = []
    before: dict[str, str] = {}
    while True:
        query = urlencode({**asked, **before, "limit": 3})
        page = await _done(api, "GET", f"/v1/conversations?{query}", person)
        found += page["conversations"]
        if "next" not in page:
            return found
        before = {"before": page["next"]}


def fits(picture: Picture, asked: dict[str, str]) -> bool:
    """As `asked` for, by what the picture says."""
    handling = picture.get("handling") or {}
    said = {
        "location": asked.get("location") in handling.get("locations", ()),
        "status": handling.get("status", "open") == asked.get("status"),
        "assignee": handling.get("assignee", "") == asked.get("assignee"),
        "unassigned": not handling.get("assignee"),
        "waiting": bool(handling.get("waiting_since")),
        "unread": picture["unread"] > 0,
        "channel": picture.get("channel", "app") == asked.get("channel"),
    }
    return all(said[name] for name in asked)


FILTERS = [
    dict(zip(("location", "status", "assignee"), chosen, strict=True))
    for chosen in product(("", "main", "far"), ("", "open", "snoozed", "closed"), ("", "sam"))
]

EXTRAS: list[dict[str, str]] = [
    {},
    {"waiting": "true"},
    {"unread": "true"},
    {"unassigned": "true"},
    {"channel": "text"},
    {"channel": "app"},
    {"channel": "text", "waiting": "true"},
    {"channel": "app", "unread": "true"},
]


@pytest.mark.requirement("EX-23", "EX-24", "EX-30")
@pytest.mark.parametrize("person", ["olivia", "max", "sam", "zoe"])
@pytest.mark.parametrize("scan", [None, 4])
async def test_a_filter_finds_what_the_pictures_say(
    person: str, scan: int | None, api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are looked at for one page."""
    if scan is not None:
        monkeypatch.setattr(lists, "SCAN", scan)
        monkeypatch.setattr(lists, "CHUNK", 3)
        monkeypatch.setattr(lists, "RECENT", 2)
    everything = await listed(api, person)
    seen = set[str]()
    for chosen in FILTERS:
        for extra in EXTRAS:
            asked = {name: value for name, value in (chosen | extra).items() if value}
            if "assignee" in asked and "unassigned" in asked:
                continue
            wanted = [picture["id"] for picture in everything if fits(picture, asked)]
            assert [picture["id"] for picture in await listed(api, person, **asked)] == wanted
            seen |= {name for name in asked if wanted}
    assert seen == {
        *("location", "status", "assignee", "waiting", "unread", "unassigned", "channel")
    } - ({"assignee"} if person == "zoe" else set())
    assert await listed(api, person, channel="email") == []
    on = {picture.get("channel", "app") for picture in everything}
    assert on == {"app", "text"}


async def searched(api: ApiStage, asker: str, asked: dict[str, str]) -> list[Picture]:
    """All that is found of a greeting, three at a time."""
    found: list[Picture] = []
    before: dict[str, str] = {}
    while True:
        query = urlencode({"q": "hi", **asked, **before, "limit": 3})
        page = await _done(api, "GET", f"/v1/search?{query}", asker)
        found += page["found"]
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


@pytest.mark.requirement("EX-30")
@pytest.mark.parametrize("person", ["olivia", "sam", "zoe"])
async def test_a_search_is_narrowed_as_a_list_is(person: str, api: ApiStage) -> None:
    """By location and state; and to those that somebody is in. Somebody says hi in all of them."""
    everything = {picture["id"]: picture for picture in await listed(api, person)}
    for chosen in product(("", "main", "far"), ("", "open", "snoozed", "closed"), ("", "c03")):
        names = ("location", "status", "person")
        asked = {name: value for name, value in zip(names, chosen, strict=True) if value}
        customer = asked.get("person")
        wanted = {
            id_
            for id_, picture in everything.items()
            if fits(picture, {name: asked[name] for name in asked if name != "person"})
            and id_ != "team"
            and customer in (None, *(member["person"] for member in picture["members"]))
        }
        found = {each["conversation"] for each in await searched(api, person, asked)}
        assert found == wanted, asked


@pytest.mark.requirement("EX-30")
async def test_a_search_is_narrowed_to_a_channel(api: ApiStage) -> None:
    said = {
        channel: [each["author"] for each in await searched(api, "olivia", {"channel": channel})]
        for channel in ("app", "text", "email")
    }
    assert sorted(said["text"]) == TEXTERS
    assert set(said["app"]) == {*CUSTOMERS, *TEXTERS[::3], "sam", "zoe"}
    assert said["email"] == []
    # A customer may ask for that, too: it is said of their own messages.
    assert [each["author"] for each in await searched(api, "t01", {"channel": "text"})] == ["t01"]


async def test_how_conversations_are_handled_is_not_searched_by_customers(api: ApiStage) -> None:
    for query in ("location=main", "status=open"):
        refused = await api.ask("GET", f"/v1/search?q=hi&{query}", api.token("c01", "shop"))
        assert (refused.status, refused.code) == (403, "forbidden")
    for query in ("status=lost", "channel=fax", "attachments=maybe", "person=a%20b"):
        refused = await api.ask("GET", f"/v1/search?q=hi&{query}", api.token("sam", "shop"))
        assert (refused.status, refused.code) == (400, "bad_request")


async def test_a_customer_asks_for_the_unread_alone(api: ApiStage) -> None:
    answered, other = api.token("c01", "shop"), api.token("c02", "shop")
    path = "/v1/conversations?unread=true"
    assert len((await api.ask("GET", path, answered)).json["conversations"]) == 1
    assert (await api.ask("GET", path, other)).json["conversations"] == []
    theirs = ("waiting=true", "status=open", "assignee=sam", "unassigned=true", "location=far")
    for query in (*theirs, "channel=app", "channel=text"):
        refused = await api.ask("GET", f"/v1/conversations?{query}", answered)
        assert (refused.status, refused.code) == (403, "forbidden")


async def test_what_cannot_be_asked_is_refused(api: ApiStage) -> None:
    for query in (
        *("status=lost", "assignee=a%20b", "waiting=maybe", "assignee=sam&unassigned=true"),
        "channel=fax",
    ):
        refused = await api.ask("GET", f"/v1/conversations?{query}", api.token("sam", "shop"))
        assert (refused.status, refused.code) == (400, "bad_request")
