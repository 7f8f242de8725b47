"""Businesses: made by the operator, changed by themselves."""

import pytest

from tests.fixtures.api import ApiStage


@pytest.mark.requirement("R26")
async def test_a_new_business_has_a_key_that_works_and_a_location(api: ApiStage) -> None:
    made = await api.ask(
        "POST", "/v1/businesses", api.stage.operator_key, {"id": "barkley", "name": "Barkley & Co"}
    )
    assert made.status == 201
    assert made.json["id"] == "barkley"
    key = made.json["api_key"]
    assert (await api.ask("GET", "/v1/business", key)).json == {
        "id": "barkley",
        "name": "Barkley & Co",
        "read_receipts": True,
        "last_seen": True,
    }
    locations = await api.ask("GET", "/v1/locations", key)
    assert locations.json == {
        "locations": [{"id": "main", "name": "Barkley & Co", "time_zone": "UTC"}]
    }


async def test_without_an_id_it_gets_one(api: ApiStage) -> None:
    made = await api.ask("POST", "/v1/businesses", api.stage.operator_key, {"name": "Barkley"})
    assert made.status == 201
    listed = await api.ask("GET", "/v1/businesses", api.stage.operator_key)
    assert [b["id"] for b in listed.json["businesses"]] == ["pawsome", made.json["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": "pawsome", "name": "Another"}, 409, "conflict"),
        ({"id": "a b", "name": "Another"}, 400, "bad_request"),
        ({"id": None, "name": "Another"}, 400, "bad_request"),
        ({"name": "  "}, 400, "bad_request"),
        ({"name": "two\nlines"}, 400, "bad_request"),
        ({"name": "x" * 201}, 413, "too_large"),
        ({}, 400, "bad_request"),
        ({"name": "Another", "owner": "me"}, 400, "bad_request"),
    ],
)
async def test_a_business_that_cannot_be(
    api: ApiStage, body: object, status: int, code: str
) -> None:
    refused = await api.ask("POST", "/v1/businesses", api.stage.operator_key, body)
    assert (refused.status, refused.code) == (status, code)
    listed = await api.ask("GET", "/v1/businesses", api.stage.operator_key)
    assert [b["name"] for b in listed.json["businesses"]] == ["Pawsome"]


async def test_a_patch_changes_what_it_names_and_nothing_else(api: ApiStage) -> None:
    one = await api.ask("PATCH", "/v1/business", api.key(), {"last_seen": False})
    two = await api.ask("PATCH", "/v1/business", api.token("olivia"), {"name": "Pawsome!"})
    assert one.status == two.status == 200
    shown = await api.ask("GET", "/v1/business", api.token("carla"))
    assert shown.json == two.json
    assert shown.json == {
        "id": "pawsome",
        "name": "Pawsome!",
        "read_receipts": True,
        "last_seen": False,
    }


@pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"last_seen": "no"}, {"x": 1}])
async def test_a_change_that_cannot_be(api: ApiStage, body: object) -> None:
    refused = await api.ask("PATCH", "/v1/business", api.key(), body)
    assert (refused.status, refused.code) == (400, "bad_request")
