"""People of a business: adding, changing, who sees whom."""

import pytest
import trio

from tests.fixtures.api import ApiStage

NINA = {"id": "nina", "name": "Nina Fox", "role": "staff", "locations": ["main"]}
USUAL = ["inbox", "assign", "contacts"]


async def test_a_person_is_added_and_may_come_in(api: ApiStage) -> None:
    added = await api.ask("POST", "/v1/people", api.key(), NINA)
    assert (added.status, added.json) == (201, {**NINA, "active": True, "permissions": USUAL})
    assert (await api.ask("GET", "/v1/people/nina", api.key())).json == added.json
    me = await api.ask("GET", "/v1/me", api.token("nina"))
    assert (me.json["name"], me.json["role"]) == ("Nina Fox", "staff")


async def test_adding_the_same_again_is_no_error_and_no_change(api: ApiStage) -> None:
    await api.ask("POST", "/v1/people", api.key(), NINA)
    before = api.stage.node.database.journal.released("pawsome")
    again = await api.ask("POST", "/v1/people", api.key(), NINA)
    assert (again.status, again.json["id"]) == (201, "nina")
    another = await api.ask("POST", "/v1/people", api.key(), {**NINA, "role": "owner"})
    assert (another.status, another.code) == (409, "conflict")
    assert api.stage.node.database.journal.released("pawsome") == before


async def test_without_an_id_a_person_gets_one(api: ApiStage) -> None:
    body = {"name": "Nina Fox", "role": "customer"}
    added = await api.ask("POST", "/v1/people", api.key(), body)
    shown = await api.ask("GET", f"/v1/people/{added.json['id']}", api.key())
    assert shown.json == {**added.json, "locations": []}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"id": ""}, "id"),
        ({"name": 5}, "name"),
        ({"role": "boss"}, "role"),
        ({"role": None}, "role"),
        ({"locations": "main"}, "locations"),
        ({"locations": ["main", "a b"]}, "locations[1]"),
        ({"locations": ["nowhere"]}, "locations"),
        ({"admin": True}, "admin"),
    ],
)
async def test_the_field_that_is_wrong_is_named(
    api: ApiStage, change: dict[str, object], field: str
) -> None:
    refused = await api.ask("POST", "/v1/people", api.key(), {**NINA, **change})
    assert (refused.status, refused.code) == (400, "bad_request")
    assert f"'{field}'" in refused.json["detail"]


@pytest.mark.parametrize("missing", ["name", "role"])
async def test_the_field_that_is_missing_is_named(api: ApiStage, missing: str) -> None:
    body = {name: value for name, value in NINA.items() if name != missing}
    refused = await api.ask("POST", "/v1/people", api.key(), body)
    assert refused.status == 400
    assert f"'{missing}'" in refused.json["detail"]


async def test_a_patch_changes_what_it_names_and_nothing_else(api: ApiStage) -> None:
    await api.ask("POST", "/v1/people", api.key(), NINA)
    changes: tuple[dict[str, object], ...] = (
        {"name": "Nina F."},
        {"role": "manager"},
        {"locations": []},
        {"active": False},
    )
    expected: dict[str, object] = {**NINA, "active": True, "permissions": USUAL}
    for change in changes:
        changed = await api.ask("PATCH", "/v1/people/nina", api.key(), change)
        expected |= change
        assert (changed.status, changed.json) == (200, expected)
        assert (await api.ask("GET", "/v1/people/nina", api.key())).json == expected


async def test_patches_at_once_lose_nothing(api: ApiStage) -> None:
    await api.ask("POST", "/v1/people", api.key(), NINA)
    changes = [{"name": "Nina F."}, {"role": "manager"}, {"locations": []}]
    async with trio.open_nursery() as nursery:
        for change in changes:
            nursery.start_soon(api.ask, "PATCH", "/v1/people/nina", api.key(), change)
    shown = await api.ask("GET", "/v1/people/nina", api.key())
    assert shown.json == {
        "id": "nina",
        "name": "Nina F.",
        "role": "manager",
        "active": True,
        "locations": [],
        "permissions": USUAL,
    }


async def test_people_added_at_once_under_one_id_are_one(api: ApiStage) -> None:
    statuses = []

    async def add(name: str) -> None:
        added = await api.ask("POST", "/v1/people", api.key(), {**NINA, "name": name})
        statuses.append(added.status)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(add, f"Nina {number}")
    assert sorted(statuses) == [201, 409, 409, 409, 409]


@pytest.mark.requirement("DT-08")
async def test_the_only_owner_stays_owner(api: ApiStage) -> None:
    for change in ({"role": "staff"}, {"active": False}):
        refused = await api.ask("PATCH", "/v1/people/olivia", api.key(), change)
        assert (refused.status, refused.code) == (409, "owner_required")


async def test_managers_change_staff_and_customers_alone(api: ApiStage) -> None:
    max_ = api.token("max")
    fine = await api.ask("PATCH", "/v1/people/sam", max_, {"name": "Sam R."})
    assert fine.status == 200
    for path, change in (
        ("/v1/people/olivia", {"name": "O."}),
        ("/v1/people/max", {"name": "M."}),
        ("/v1/people/sam", {"role": "manager"}),
    ):
        refused = await api.ask("PATCH", path, max_, change)
        assert (refused.status, refused.code) == (403, "forbidden")
    for person in ("olivia", "max"):
        revoked = await api.ask("POST", f"/v1/people/{person}/revoke", api.token("max"))
        assert revoked.status == (403 if person == "olivia" else 200)


async def test_the_list_has_pages(api: ApiStage) -> None:
    found: list[str] = []
    path = "/v1/people?limit=2"
    while True:
        page = (await api.ask("GET", path, api.key())).json
        assert len(page["people"]) <= 2
        found += [person["id"] for person in page["people"]]
        if "next" not in page:
            break
        path = f"/v1/people?limit=2&after={page['next']}"
    assert found == ["carla", "max", "mia", "olivia", "sam"]


@pytest.mark.requirement("DT-13")
async def test_who_finds_whom(api: ApiStage) -> None:
    async def found(key: str, search: str = "") -> list[str]:
        reply = await api.ask("GET", f"/v1/people?search={search}", key)
        return sorted(person["id"] for person in reply.json["people"])

    assert await found(api.token("carla")) == ["max", "olivia", "sam"]
    assert await found(api.token("carla"), "mi") == []
    assert await found(api.token("sam"), "mi") == ["mia"]
    assert await found(api.key(), "mi") == ["mia"]
    assert await found(api.key(), "%25") == []  # no wildcard
    assert await found(api.token("max")) == ["carla", "max", "mia", "olivia", "sam"]
    assert await found(api.token("max"), "&team=true") == ["olivia", "sam"]
    assert await found(api.token("sam"), "i&team=true") == ["olivia"]  # and not Mia, a customer
    assert await found(api.key(), "&team=true") == ["max", "olivia", "sam"]


async def test_customers_see_themselves_and_the_team(api: ApiStage) -> None:
    carla = api.token("carla")
    assert (await api.ask("GET", "/v1/people/carla", carla)).json["locations"] == ["main"]
    assert (await api.ask("GET", "/v1/people/sam", carla)).json == {
        "id": "sam",
        "name": "Sam",
        "role": "staff",
        "active": True,
    }
    other = await api.ask("GET", "/v1/people/mia", carla)
    nobody = await api.ask("GET", "/v1/people/nobody", carla)
    assert other.status == nobody.status == 404
    assert other.body == nobody.body
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": False})
    assert (await api.ask("GET", "/v1/people/sam", carla)).body == nobody.body
    assert (await api.ask("GET", "/v1/people/sam", api.token("max"))).json["active"] is False


@pytest.mark.requirement("DT-24")
async def test_the_ownership_is_handed_over_in_one_step(api: ApiStage) -> None:
    body = {"from": "olivia", "to": "sam", "new_role": "manager"}
    done = await api.ask("POST", "/v1/ownership", api.token("olivia"), body)
    assert done.status == 200
    roles = {
        person: (await api.ask("GET", f"/v1/people/{person}", api.key())).json["role"]
        for person in ("olivia", "sam")
    }
    assert roles == {"olivia": "manager", "sam": "owner"}
    again = await api.ask("POST", "/v1/ownership", api.token("olivia"), body)
    assert again.status == 403


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"to": "carla"}, 400, "bad_request"),
        ({"to": "nobody"}, 404, "not_found"),
        ({"from": "sam"}, 404, "not_found"),
        ({"to": "olivia"}, 409, "conflict"),
        ({"new_role": "owner"}, 409, "conflict"),
        ({"to": None}, 400, "bad_request"),
    ],
)
async def test_an_ownership_that_cannot_be_handed_over(
    api: ApiStage, change: dict[str, object], status: int, code: str
) -> None:
    body = {"from": "olivia", "to": "sam", "new_role": "manager", **change}
    refused = await api.ask("POST", "/v1/ownership", api.key(), body)
    assert (refused.status, refused.code) == (status, code)


async def test_what_is_not_there(api: ApiStage) -> None:
    answers = [
        await api.ask("GET", "/v1/people/nobody", api.key()),
        await api.ask("PATCH", "/v1/people/nobody", api.key(), {"name": "X"}),
        await api.ask("POST", "/v1/people/nobody/revoke", api.key()),
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
