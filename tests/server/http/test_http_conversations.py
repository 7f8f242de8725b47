"""Conversations: starting, finding, members. The same actors as behind the websocket."""

import pytest

from tests.fixtures.api import ApiStage

REX = {"kind": "group", "people": ["sam"], "title": "Rex", "id": "rex"}


async def test_a_conversation_is_started_shown_and_listed(api: ApiStage) -> None:
    started = await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    assert started.status == 201
    assert started.json["id"] == "rex"
    assert [m["person"] for m in started.json["members"]] == ["carla", "olivia", "sam"]
    for person in ("carla", "sam", "olivia"):
        shown = await api.ask("GET", "/v1/conversations/rex", api.token(person))
        assert shown.json == started.json
        listed = await api.ask("GET", "/v1/conversations", api.token(person))
        assert listed.json["conversations"] == [started.json]
        # An owner who only watches is written down, so the log has moved.
        moved = listed.json["revision"] - started.json["revision"]
        assert moved == (1 if person == "olivia" else 0)


async def test_starting_the_same_again_gives_the_same(api: ApiStage) -> None:
    first = await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    again = await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    assert (again.status, again.json) == (201, first.json)
    other = {**REX, "title": "Another"}
    conflict = await api.ask("POST", "/v1/conversations", api.token("carla"), other)
    assert (conflict.status, conflict.code) == (409, "conflict")


@pytest.mark.requirement("DT-14")
async def test_two_people_have_one_direct_conversation(api: ApiStage) -> None:
    one = await api.ask(
        "POST", "/v1/conversations", api.token("carla"), {"kind": "direct", "people": ["olivia"]}
    )
    other = await api.ask(
        "POST", "/v1/conversations", api.token("olivia"), {"kind": "direct", "people": ["carla"]}
    )
    assert one.status == other.status == 201
    assert one.json["id"] == other.json["id"]


@pytest.mark.requirement("DT-08")
@pytest.mark.parametrize("starter", ["carla", "sam", "max"])
async def test_the_owner_is_always_in_it(api: ApiStage, starter: str) -> None:
    other = "sam" if starter != "sam" else "carla"
    body = {"kind": "group", "people": [other]}
    started = await api.ask("POST", "/v1/conversations", api.token(starter), body)
    assert "olivia" in {member["person"] for member in started.json["members"]}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"people": [], "kind": "direct"}, 400, "bad_request"),
        ({"people": ["nobody"]}, 404, "not_found"),
        ({"people": ["mia"]}, 404, "not_found"),
        ({"people": ["sam", "a b"]}, 400, "bad_request"),
        ({"people": [f"p{n}" for n in range(129)]}, 413, "too_large"),
        ({"kind": "channel"}, 400, "bad_request"),
        ({"kind": "direct", "people": ["sam", "max"]}, 400, "bad_request"),
        ({"title": "x" * 201}, 413, "too_large"),
        ({"title": "two\nlines"}, 400, "bad_request"),
        ({"id": "a b"}, 400, "bad_request"),
    ],
)
async def test_a_conversation_that_cannot_be(
    api: ApiStage, change: dict[str, object], status: int, code: str
) -> None:
    refused = await api.ask("POST", "/v1/conversations", api.token("carla"), {**REX, **change})
    assert (refused.status, refused.code) == (status, code)
    listed = await api.ask("GET", "/v1/conversations", api.token("olivia"))
    assert listed.json["conversations"] == []


@pytest.mark.requirement("DT-15")
async def test_the_list_has_pages_latest_first(api: ApiStage) -> None:
    for number in range(5):
        await api.ask("POST", "/v1/conversations", api.token("carla"), {**REX, "id": f"c{number}"})
    found: list[str] = []
    path = "/v1/conversations?limit=2"
    while True:
        page = (await api.ask("GET", path, api.token("carla"))).json
        found += [conversation["id"] for conversation in page["conversations"]]
        if "next" not in page:
            break
        path = f"/v1/conversations?limit=2&before={page['next']}"
    assert found == ["c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize("before", ["x", "%C2%B2", "9" * 30, "-1", ""])
async def test_a_position_that_is_none(api: ApiStage, before: str) -> None:
    path = f"/v1/conversations?before={before}"
    refused = await api.ask("GET", path, api.token("carla"))
    assert (refused.status, refused.code) == (400, "bad_request")
    assert "'before'" in refused.json["detail"]


async def test_members_come_and_go(api: ApiStage) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    members, sam = "/v1/conversations/rex/members", api.token("sam")
    added = await api.ask("POST", members, sam, {"person": "mia"})
    assert added.status == 200
    assert added.json["revision"] > 0
    assert (await api.ask("POST", members, sam, {"person": "mia"})).json == {"revision": 0}
    assert (await api.ask("GET", "/v1/conversations/rex", api.token("mia"))).status == 200
    removed = await api.ask("DELETE", f"{members}/mia", sam)
    assert removed.json["revision"] > added.json["revision"]
    assert (await api.ask("DELETE", f"{members}/mia", sam)).json == {"revision": 0}
    assert (await api.ask("GET", "/v1/conversations/rex", api.token("mia"))).status == 404
    left = await api.ask("DELETE", f"{members}/carla", api.token("carla"))
    assert left.status == 200
    assert (await api.ask("GET", "/v1/conversations/rex", api.token("carla"))).status == 404


async def test_members_that_may_not_be_changed(api: ApiStage) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    members = "/v1/conversations/rex/members"
    carla, sam = api.token("carla"), api.token("sam")
    assert (await api.ask("POST", members, carla, {"person": "max"})).code == "forbidden"
    assert (await api.ask("DELETE", f"{members}/sam", carla)).code == "forbidden"
    assert (await api.ask("DELETE", f"{members}/olivia", sam)).code == "owner_required"
    assert (await api.ask("DELETE", f"{members}/olivia", api.token("olivia"))).status == 409
    assert (await api.ask("POST", members, sam, {"person": "nobody"})).status == 404
    assert (await api.ask("POST", members, api.token("max"), {"person": "mia"})).status == 404
