"""Oneself: record, privacy, and the presence of others."""

import pytest

from tests.fixtures.api import ApiStage


async def test_who_i_am(api: ApiStage) -> None:
    me = await api.ask("GET", "/v1/me", api.token("carla"))
    assert me.json == {
        "id": "carla",
        "name": "Carla",
        "role": "customer",
        "business": "pawsome",
        "business_name": "Pawsome",
        "locations": ["main"],
        "read_receipts": True,
        "last_seen": True,
    }
    spoken_for = await api.ask("GET", "/v1/me", api.key(), Deskbell_Person="carla")
    assert spoken_for.json == me.json


async def test_a_patch_of_my_privacy_changes_what_it_names(api: ApiStage) -> None:
    carla = api.token("carla")
    changed = await api.ask("PATCH", "/v1/me", carla, {"last_seen": False})
    assert (changed.json["read_receipts"], changed.json["last_seen"]) == (True, False)
    changed = await api.ask("PATCH", "/v1/me", carla, {"read_receipts": False})
    assert (changed.json["read_receipts"], changed.json["last_seen"]) == (False, False)
    assert (await api.ask("GET", "/v1/me", carla)).json == changed.json
    others = await api.ask("GET", "/v1/me", api.token("sam"))
    assert (others.json["read_receipts"], others.json["last_seen"]) == (True, True)


@pytest.mark.parametrize("body", [{"last_seen": None}, {"last_seen": "no"}, {"name": "X"}, []])
async def test_a_privacy_that_cannot_be(api: ApiStage, body: object) -> None:
    refused = await api.ask("PATCH", "/v1/me", api.token("carla"), body)
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.requirement("DT-06")
async def test_presence_of_those_one_may_watch(api: ApiStage) -> None:
    async def present(person: str, people: str) -> list[str]:
        reply = await api.ask("GET", f"/v1/presence?people={people}", api.token(person))
        assert {p["state"] for p in reply.json["people"]} <= {"offline"}
        return sorted(p["person"] for p in reply.json["people"])

    assert await present("sam", "carla,mia,nobody") == ["carla", "mia"]
    assert await present("carla", "mia,sam,olivia,nobody") == ["olivia"]
    body = {"kind": "group", "people": ["sam"]}
    await api.ask("POST", "/v1/conversations", api.token("carla"), body)
    assert await present("carla", "mia,sam,olivia,nobody") == ["olivia", "sam"]
    assert await present("carla", "") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("people=" + ",".join(f"p{n}" for n in range(201)), 413),
        ("people=a%20b", 400),
        ("", 400),
        ("people=a&people=b", 400),
    ],
)
async def test_presence_that_cannot_be_asked_for(api: ApiStage, query: str, status: int) -> None:
    refused = await api.ask("GET", f"/v1/presence?{query}", api.token("sam"))
    assert refused.status == status
