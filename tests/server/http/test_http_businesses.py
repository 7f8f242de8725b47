"""How a business wants things to be, and which business it belongs to."""

import itertools
from pathlib import Path

import pytest
import trio

from domain.roles import Role
from tests.fixtures.api import ApiStage

USUAL = {
    "staff_to_staff": True,
    "unread": "personal",
    "customers_see_presence": True,
    "attribution_hours": 72,
    "post_visit_minutes": 120,
    "region": "",
}


async def test_policies_are_shown_to_the_team_and_changed_one_by_one(api: ApiStage) -> None:
    assert (await api.ask("GET", "/v1/business", api.key())).json["policies"] == USUAL
    expected: dict[str, object] = dict(USUAL)
    for change in (
        {"staff_to_staff": False, "region": "IT"},
        {"attribution_hours": 1, "post_visit_minutes": 0},
        {"customers_see_presence": False},
        {"unread": "team"},
    ):
        expected |= change
        body = {"policies": change}
        changed = await api.ask("PATCH", "/v1/business", api.token("olivia"), body)
        assert (changed.status, changed.json["policies"]) == (200, expected)
    await api.ask("PATCH", "/v1/business", api.key(), {"name": "Pawsome Two"})
    shown = await api.ask("GET", "/v1/business", api.token("sam"))
    assert shown.json["policies"] == expected
    assert "policies" not in (await api.ask("GET", "/v1/business", api.token("carla"))).json
    live = await api.stage.node.live("pawsome")
    assert live is not None
    assert await api.stage.node.queries.business("pawsome") == live.state


@pytest.mark.parametrize(
    "policies",
    [
        {"unread": "nobody"},
        {"unread": True},
        {"staff_to_staff": "yes"},
        {"attribution_hours": 0},
        {"attribution_hours": 2161},
        {"attribution_hours": 1.5},
        {"post_visit_minutes": -1},
        {"post_visit_minutes": 1441},
        {"region": "XX"},
        {"region": "us"},
        {"region": "Italy"},
        {"colour": "red"},
        None,
    ],
)
async def test_policies_that_cannot_be(api: ApiStage, policies: object) -> None:
    refused = await api.ask("PATCH", "/v1/business", api.key(), {"policies": policies})
    assert (refused.status, refused.code) == (400, "bad_request")
    assert (await api.ask("GET", "/v1/business", api.key())).json["policies"] == USUAL


async def test_numbers_without_a_country_are_of_the_business_s_region(api: ApiStage) -> None:
    body = {"contact": {"phones": ["(212) 555-0100"]}}
    assert (await api.ask("PATCH", "/v1/people/carla", api.key(), body)).status == 400
    await api.ask("PATCH", "/v1/business", api.key(), {"policies": {"region": "US"}})
    changed = await api.ask("PATCH", "/v1/people/carla", api.key(), body)
    assert changed.json["contact"]["phones"] == ["+12125550100"]
    found = await api.ask("GET", "/v1/people?phone=212-555-0100", api.key())
    assert [person["id"] for person in found.json["people"]] == ["carla"]


@pytest.mark.requirement("C-26")
async def test_customers_see_the_presence_of_the_team_only_where_it_is_enabled(
    api: ApiStage,
) -> None:
    live = await api.stage.node.live("pawsome")
    assert live is not None
    assert live.state.shows_seen("sam", "carla")
    await api.ask(
        "PATCH", "/v1/business", api.key(), {"policies": {"customers_see_presence": False}}
    )
    state = live.state
    assert not state.shows_seen("sam", "carla")
    assert state.shows_seen("carla", "sam")
    assert state.shows_seen("sam", "max")
    assert state.shows_seen("carla", "mia")
    record = await api.stage.node.queries.person(state, "carla")
    assert record is not None
    assert record.access_revision == api.stage.node.database.journal.released("pawsome")


async def children(api: ApiStage, parent: str = "") -> list[str]:
    query = f"?parent={parent}" if parent else ""
    listed = await api.ask("GET", f"/v1/businesses{query}", api.stage.operator_key)
    return [business["id"] for business in listed.json["businesses"]]


async def put(api: ApiStage, business: str, parent: str | None) -> int:
    body = {"parent": parent}
    path = f"/v1/businesses/{business}/parent"
    return (await api.ask("PUT", path, api.stage.operator_key, body)).status


@pytest.mark.requirement("MT-09")
async def test_a_business_belongs_to_another(api: ApiStage, tmp_path: Path) -> None:
    await api.stage.add_business("group", {"gina": Role.OWNER})
    assert await put(api, "pawsome", "group") == 200
    assert (await api.ask("GET", "/v1/business", api.key())).json["parent"] == "group"
    assert await children(api, "group") == ["pawsome"]
    assert await children(api) == ["pawsome", "group"]
    stored = await api.stage.node.queries.business("pawsome")
    assert stored is not None
    assert stored.parent == "group"
    assert await put(api, "pawsome", None) == 200
    assert "parent" not in (await api.ask("GET", "/v1/business", api.key())).json
    assert await children(api, "group") == []


@pytest.mark.requirement("MT-09")
async def test_no_line_of_parents_is_a_circle_also_not_by_a_race(api: ApiStage) -> None:
    for name in ("one", "two", "three"):
        await api.stage.add_business(name, {"olivia": Role.OWNER})
    statuses = []

    async def ask(business: str, parent: str) -> None:
        statuses.append(await put(api, business, parent))

    async with trio.open_nursery() as nursery:
        for business, parent in (("one", "two"), ("two", "three"), ("three", "one")):
            nursery.start_soon(ask, business, parent)
    assert sorted(statuses) == [200, 200, 409]
    assert await put(api, "one", "one") == 409
    assert await put(api, "one", "nowhere") == 400
    assert await put(api, "nowhere", "one") == 404


async def test_a_line_of_parents_has_an_end(api: ApiStage) -> None:
    names = [f"level-{n}" for n in range(1, 10)]
    for name in names:
        await api.stage.add_business(name, {"olivia": Role.OWNER})
    statuses = [await put(api, child, above) for above, child in itertools.pairwise(names)]
    assert statuses == [200] * 7 + [409]
