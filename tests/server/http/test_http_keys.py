"""API keys of a business: made, used, listed, revoked, expired."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from domain.errors import StorageFailed
from domain.keys import KEYS_MAX
from server.http.caller import USE_MS
from server.tokens import hash_key
from tests.fixtures.api import ApiStage, Reply, http_scope

BOOKING = {"name": "Booking", "scopes": ["people:read", "people:write"]}


async def make(api: ApiStage, body: object = BOOKING) -> Any:
    made = await api.ask("POST", "/v1/keys", api.key(), body)
    assert made.status == 201, made.body
    return made.json


async def listed(api: ApiStage) -> dict[str, Any]:
    answer = await api.ask("GET", "/v1/keys?limit=100", api.key())
    return {each["name"]: each for each in answer.json["keys"]}


async def read_people(api: ApiStage, key: str) -> Reply:
    return await api.ask("GET", "/v1/people", key)


async def test_a_key_is_made_and_used_for_its_scopes(api: ApiStage) -> None:
    made = await make(api)
    assert made["scopes"] == BOOKING["scopes"]
    assert (await read_people(api, made["api_key"])).status == 200
    refused = await api.ask("GET", "/v1/audit", made["api_key"])
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "audit:read" in refused.json["detail"]


async def test_a_key_speaks_for_people_within_its_scopes(api: ApiStage) -> None:
    made = await make(api)
    who = await api.ask("GET", "/v1/me", made["api_key"], Deskbell_Person="olivia")
    assert who.json["id"] == "olivia"
    refused = await api.ask("GET", "/v1/conversations", made["api_key"], Deskbell_Person="olivia")
    assert "conversations:read" in refused.json["detail"]


async def test_only_the_hash_of_a_key_is_stored(api: ApiStage, tmp_path: Path) -> None:
    made = await make(api)
    stored = b"".join(p.read_bytes() for p in sorted(tmp_path.glob("deskbell.db*")))  # noqa: ASYNC240
    assert hash_key(made["api_key"]) in stored
    assert made["api_key"].encode() not in stored
    assert made["api_key"] not in str(await listed(api))


async def test_keys_are_listed_with_what_became_of_them(api: ApiStage) -> None:
    made = await make(api)
    keys = await listed(api)
    assert keys["first"]["scopes"] == ["*"]
    assert keys["Booking"] == {
        "id": made["id"],
        "name": "Booking",
        "scopes": BOOKING["scopes"],
        "created_at": keys["Booking"]["created_at"],
    }
    await read_people(api, made["api_key"])
    await api.ask("DELETE", f"/v1/keys/{made['id']}", api.key())
    booking = (await listed(api))["Booking"]
    assert 0 < booking["last_used_at"] < booking["revoked_at"]


async def test_use_is_noted_by_the_hour(api: ApiStage) -> None:
    made = await make(api)
    await read_people(api, made["api_key"])
    first = (await listed(api))["Booking"]["last_used_at"]
    api.stage.clock.now += USE_MS // 2
    await read_people(api, made["api_key"])
    assert (await listed(api))["Booking"]["last_used_at"] == first
    api.stage.clock.now += USE_MS // 2
    await read_people(api, made["api_key"])
    assert (await listed(api))["Booking"]["last_used_at"] > first


async def test_a_full_disk_keeps_nobody_from_reading(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StorageFailed("full")

    made = await make(api)
    monkeypatch.setattr(api.stage.node.database, "record_key_use", fail)
    assert (await read_people(api, made["api_key"])).status == 200


@pytest.mark.requirement("R27")
async def test_a_revoked_key_is_void_at_once_and_for_ever(api: ApiStage) -> None:
    made = await make(api)
    done = await api.ask("DELETE", f"/v1/keys/{made['id']}", api.key())
    assert done.json["revision"] > 0
    assert (await read_people(api, made["api_key"])).status == 401
    again = await api.ask("DELETE", f"/v1/keys/{made['id']}", api.key())
    assert again.json["revision"] == 0
    speaking = await api.ask("GET", "/v1/me", made["api_key"], Deskbell_Person="carla")
    assert speaking.status == 401


@pytest.mark.requirement("R27")
@pytest.mark.parametrize("person", ["", "olivia"])
async def test_a_key_revoked_while_the_body_came_changes_nothing(
    api: ApiStage, person: str
) -> None:
    made, statuses, revoked = await make(api), [], False

    async def receive() -> Any:
        nonlocal revoked
        if revoked:
            await trio.sleep_forever()
        revoked = True
        await api.ask("DELETE", f"/v1/keys/{made['id']}", api.key())
        body = msgspec.json.encode({"id": "late", "name": "Late", "role": "customer"})
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])
        await trio.lowlevel.checkpoint()

    scope = http_scope("POST", "/v1/people", made["api_key"])
    if person:
        scope["headers"].append((b"deskbell-person", person.encode()))
    await api.app(scope, receive, send)
    assert statuses == [401]
    assert (await api.ask("GET", "/v1/people/late", api.key())).status == 404


async def test_a_key_revokes_itself(api: ApiStage) -> None:
    made = await make(api, {"name": "Short", "scopes": ["keys:write"]})
    done = await api.ask("DELETE", f"/v1/keys/{made['id']}", made["api_key"])
    assert done.status == 200
    again = await api.ask("DELETE", f"/v1/keys/{made['id']}", made["api_key"])
    assert again.status == 401


async def test_a_key_expires(api: ApiStage) -> None:
    ends = api.stage.clock.now + 60_000
    made = await make(api, {**BOOKING, "expires_at": ends})
    assert made["expires_at"] == ends
    assert (await read_people(api, made["api_key"])).status == 200
    api.stage.clock.now = ends
    assert (await read_people(api, made["api_key"])).status == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "scopes": ["*"]},
        {"name": "a\nb", "scopes": ["*"]},
        {"name": "K"},
        {"name": "K", "scopes": []},
        {"name": "K", "scopes": ["people"]},
        {"name": "K", "scopes": ["people:read", "people:*"]},
        {"name": "K", "scopes": "people:read"},
        {"name": "K", "scopes": ["*"], "expires_at": 0},
        {"name": "K", "scopes": ["*"], "expires_at": 1},
        {"name": "K", "scopes": ["*"], "expires_at": "2030-01-01"},
        {"name": "K", "scopes": ["*"], "expires_at": 2**53},
        {"name": "K", "scopes": ["*"], "id": "mine"},
    ],
)
async def test_what_is_no_key(api: ApiStage, body: object) -> None:
    refused = await api.ask("POST", "/v1/keys", api.key(), body)
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_a_name_is_not_endless(api: ApiStage) -> None:
    refused = await api.ask("POST", "/v1/keys", api.key(), {**BOOKING, "name": "x" * 201})
    assert (refused.status, refused.code) == (413, "too_large")


async def test_a_business_has_so_many_valid_keys(api: ApiStage) -> None:
    for _ in range(KEYS_MAX - 1):
        made = await make(api)
    refused = await api.ask("POST", "/v1/keys", api.key(), BOOKING)
    assert (refused.status, refused.code) == (413, "too_large")
    await api.ask("DELETE", f"/v1/keys/{made['id']}", api.key())
    await make(api)


async def test_the_audit_names_the_key_that_did_it(api: ApiStage) -> None:
    made = await make(api)
    person = {"id": "anna", "name": "Anna", "role": "customer"}
    await api.ask("POST", "/v1/people", made["api_key"], person)
    audit = await api.ask("GET", f"/v1/audit?author=@key/{made['id']}", api.key())
    (entry,) = audit.json["entries"]
    assert (entry["kind"], entry["person"]) == ("person_changed", "anna")
