"""Locations have hours, close, open again and merge, and nobody is lost with them."""

from typing import Any

import pytest

from tests.fixtures.api import ApiStage, Reply

DAY = [{"opens": 540, "closes": 780}, {"opens": 840, "closes": 1080}]
HOURS = {
    "week": [DAY, DAY, DAY, DAY, DAY, [], []],
    "holidays": [{"date": "2026-12-25", "name": "Natale", "spans": []}],
}
NORTH = {"id": "north", "name": "North", "time_zone": "America/New_York"}


async def post(api: ApiStage, path: str, body: object = None, key: str = "") -> Reply:
    return await api.ask("POST", f"/v1/locations{path}", key or api.key(), body)


async def shown(api: ApiStage, location: str, key: str = "") -> dict[str, Any]:
    reply = await api.ask("GET", f"/v1/locations/{location}", key or api.key())
    found: dict[str, Any] = reply.json
    return found


@pytest.mark.requirement("EX-29")
async def test_hours_an_away_text_and_an_alert(api: ApiStage) -> None:
    more: dict[str, object] = {"hours": HOURS, "away_text": "Siamo chiusi.\nA domani!"}
    more |= {"alert_minutes": 30, "auto_close_days": 14, "retention_days": 365}
    added = await post(api, "", {**NORTH, **more})
    assert (added.status, added.json) == (201, {**NORTH, **more, "status": "open"})
    assert (await post(api, "", {**NORTH, **more})).json == added.json, "the same again"
    assert (await post(api, "", NORTH)).status == 409
    assert await shown(api, "north") == added.json
    to_customers = await shown(api, "north", api.token("carla"))
    assert to_customers == {**NORTH, "status": "open", "hours": HOURS}
    body = {"hours": None, "away_text": ""}
    changed = await api.ask("PATCH", "/v1/locations/north", api.token("olivia"), body)
    assert changed.json == {**added.json, **body}
    live = await api.stage.node.live("pawsome")
    assert live is not None
    assert await api.stage.node.queries.business("pawsome") == live.state


OVERLAPPING = [{"opens": 540, "closes": 780}, {"opens": 700, "closes": 900}]


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Nowhere/Land"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": 7},
        {"hours": {"week": [OVERLAPPING, [], [], [], [], [], []]}},
        {"hours": {"week": [[], [], []]}},
        {"hours": {"week": [DAY] * 8}},
        {"hours": {"week": [[{"opens": 600, "closes": 500}], [], [], [], [], [], []]}},
        {"hours": {"week": [[{"opens": 0, "closes": 1441}], [], [], [], [], [], []]}},
        {"hours": {"week": [[{"opens": "9", "closes": 600}], [], [], [], [], [], []]}},
        {"hours": {"week": [[{"opens": 1, "closes": 2, "x": 3}], [], [], [], [], [], []]}},
        {"hours": {**HOURS, "holidays": [{"date": "2026-02-30", "name": "X"}]}},
        {"hours": {**HOURS, "holidays": [{"date": "25.12.2026", "name": "X"}]}},
        {"hours": {**HOURS, "open": True}},
        {"hours": []},
        {"away_text": "\u0000"},
        {"away_text": None},
        {"alert_minutes": -1},
        {"alert_minutes": 10_081},
        {"alert_minutes": "30"},
        {"auto_close_days": -1},
        {"auto_close_days": 366},
        {"auto_close_days": None},
        {"status": "closed"},
        {"merged_into": "main"},
    ],
)
async def test_what_a_location_cannot_be(api: ApiStage, change: dict[str, object]) -> None:
    before = await shown(api, "main")
    refused = await api.ask("PATCH", "/v1/locations/main", api.key(), change)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert await shown(api, "main") == before
    assert (await post(api, "", {**NORTH, **change})).status == 400


async def test_a_location_closes_and_opens_again(api: ApiStage) -> None:
    for _ in range(2):
        closed = await post(api, "/main/close")
        assert (closed.status, closed.json["status"]) == (200, "closed")
    before = api.stage.node.database.journal.released("pawsome")
    await post(api, "/main/close")
    assert api.stage.node.database.journal.released("pawsome") == before, "it was closed already"
    assert (await shown(api, "main"))["status"] == "closed"
    assert (await post(api, "/main/reopen")).json["status"] == "open"
    await post(api, "", NORTH)
    await post(api, "/north/close")
    again = await post(api, "", NORTH)
    assert (again.status, again.json["status"]) == (201, "closed"), "added before, and closed since"
    people = await api.ask("GET", "/v1/people/carla", api.key())
    assert people.json["locations"] == ["main"], "who was there is still"


async def test_who_was_at_a_merged_location_is_at_the_other(api: ApiStage) -> None:
    await post(api, "", NORTH)
    await post(api, "", {**NORTH, "id": "south"})
    for person, at in (
        ("carla", ["main", "north"]),
        ("mia", ["north", "main", "south"]),
        ("sam", ["main"]),
        ("max", ["south"]),
    ):
        await api.ask("PATCH", f"/v1/people/{person}", api.key(), {"locations": at})
    for place in ("main", "south"):
        reply = {
            "id": f"r-{place}",
            "title": "Hours",
            "text": "We open at nine.",
            "location": place,
        }
        assert (await api.ask("POST", "/v1/saved-replies", api.key(), reply)).status == 201
    merged = await post(api, "/main/merge", {"into": "north"})
    assert (merged.json["status"], merged.json["merged_into"]) == ("merged", "north")
    there = await api.ask("GET", "/v1/saved-replies?location=north", api.key())
    assert [(r["id"], r["location"]) for r in there.json["saved_replies"]] == [("r-main", "north")]
    revision = api.stage.node.database.journal.released("pawsome")

    async def at(person: str) -> list[str]:
        found: list[str] = (await api.ask("GET", f"/v1/people/{person}", api.key())).json[
            "locations"
        ]
        return found

    assert await at("carla") == ["north"]
    assert await at("mia") == ["north", "south"]
    assert await at("sam") == ["north"]
    assert await at("max") == ["south"]
    live = await api.stage.node.live("pawsome")
    assert live is not None
    stored = await api.stage.node.queries.business("pawsome")
    assert stored == live.state
    for person, reset in (("sam", True), ("olivia", True), ("max", False), ("carla", False)):
        record = await api.stage.node.queries.person(live.state, person)
        assert record is not None
        assert (record.access_revision == revision) is reset, person
    # Whoever is put at the merged one, also by a program that does not know, is at the other.
    put = await api.ask("PATCH", "/v1/people/mia", api.key(), {"locations": ["main", "south"]})
    assert put.json["locations"] == ["north", "south"]


@pytest.mark.parametrize(
    ("location", "into", "status"),
    [
        ("main", "main", 400),
        ("main", "nowhere", 400),
        ("nowhere", "main", 404),
        ("north", "main", 409),
        ("main", "closed", 409),
        ("main", "north", 200),
        ("south", "north", 409),
    ],
)
async def test_what_cannot_be_merged(api: ApiStage, location: str, into: str, status: int) -> None:
    """``main`` was merged into ``north`` before, ``south`` into another one."""
    for name in ("north", "south", "closed", "other"):
        await post(api, "", {**NORTH, "id": name})
    await post(api, "/closed/close")
    assert (await post(api, "/main/merge", {"into": "north"})).status == 200
    assert (await post(api, "/south/merge", {"into": "other"})).status == 200
    before = api.stage.node.database.journal.released("pawsome")
    asked = await post(api, f"/{location}/merge", {"into": into})
    assert asked.status == status
    assert api.stage.node.database.journal.released("pawsome") == before
    for verb in ("close", "reopen"):
        assert (await post(api, f"/main/{verb}")).status == 409, "merged for good"
