"""Locations of a business."""

import pytest

from tests.fixtures.api import ApiStage

DOWNTOWN = {"id": "downtown", "name": "Pawsome Downtown", "time_zone": "America/New_York"}
TO_CUSTOMERS = {**DOWNTOWN, "status": "open", "hours": None}
TO_THE_TEAM = {"away_text": "", "alert_minutes": 0, "auto_close_days": 0, "retention_days": None}
SHOWN = {**TO_CUSTOMERS, **TO_THE_TEAM}


async def test_a_location_is_added_shown_listed_and_changed(api: ApiStage) -> None:
    added = await api.ask("POST", "/v1/locations", api.key(), DOWNTOWN)
    assert (added.status, added.json) == (201, SHOWN)
    assert (await api.ask("GET", "/v1/locations/downtown", api.token("carla"))).json == TO_CUSTOMERS
    changed = await api.ask(
        "PATCH", "/v1/locations/downtown", api.token("olivia"), {"time_zone": "Europe/Rome"}
    )
    assert changed.json == {**SHOWN, "time_zone": "Europe/Rome"}
    listed = await api.ask("GET", "/v1/locations", api.key())
    assert [location["id"] for location in listed.json["locations"]] == ["downtown", "main"]
    assert changed.json in listed.json["locations"]


async def test_adding_the_same_again_is_no_error_and_no_change(api: ApiStage) -> None:
    await api.ask("POST", "/v1/locations", api.key(), DOWNTOWN)
    before = api.stage.node.database.journal.released("pawsome")
    again = await api.ask("POST", "/v1/locations", api.key(), DOWNTOWN)
    assert (again.status, again.json) == (201, SHOWN)
    another = await api.ask("POST", "/v1/locations", api.key(), {**DOWNTOWN, "name": "Another"})
    assert (another.status, another.code) == (409, "conflict")
    assert api.stage.node.database.journal.released("pawsome") == before


async def test_without_an_id_it_gets_one(api: ApiStage) -> None:
    added = await api.ask("POST", "/v1/locations", api.key(), {"name": "X", "time_zone": "UTC"})
    shown = await api.ask("GET", f"/v1/locations/{added.json['id']}", api.key())
    assert shown.json == added.json


@pytest.mark.parametrize(
    "time_zone",
    [
        "",
        "Mars/Olympus",
        "../../etc/passwd",
        "x" * 300,
        "right/UTC",
        "posix/Europe/Rome",
        "posixrules",
        "localtime",
        "Factory",
    ],
)
async def test_a_time_zone_that_is_none(api: ApiStage, time_zone: str) -> None:
    body = {"name": "Pawsome Mars", "time_zone": time_zone}
    refused = await api.ask("POST", "/v1/locations", api.key(), body)
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_what_is_not_there(api: ApiStage) -> None:
    shown = await api.ask("GET", "/v1/locations/nowhere", api.key())
    changed = await api.ask("PATCH", "/v1/locations/nowhere", api.key(), {"name": "X"})
    assert shown.status == changed.status == 404
    assert shown.body == changed.body
