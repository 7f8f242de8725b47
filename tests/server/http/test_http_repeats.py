"""Idempotency keys: the same request again gets the same answer, and nothing is done twice."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from domain.errors import StorageFailed
from domain.roles import Role
from server import forgetting
from server.http import repeats
from server.settings import Settings
from storage.answers import Answered
from tests.fixtures.api import ApiStage, Reply, http_scope, running_api

pytestmark = [pytest.mark.requirement("R05")]

DAY_MS = 86_400_000
REX = {"kind": "group", "people": ["sam"], "title": "Rex"}
ANNA = {"name": "Anna", "role": "customer"}


async def add(api: ApiStage, key: str, body: object = ANNA, **headers: str) -> Reply:
    headers = {"Idempotency_Key": key, **headers}
    return await api.ask("POST", "/v1/people", api.key(), body, **headers)


def replayed(reply: Reply) -> bool:
    return reply.headers.get("Idempotency-Replayed") == "true"


def bytes_in(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir() if each.is_file())


def revision(api: ApiStage) -> int:
    return api.stage.node.database.journal.released("pawsome")


async def test_the_same_again_gets_the_same_answer(api: ApiStage) -> None:
    first = await add(api, "k1")
    assert (first.status, replayed(first)) == (201, False)
    before = revision(api)
    again = await add(api, "k1")
    assert (again.status, again.body, replayed(again)) == (201, first.body, True)
    assert again.headers["Content-Type"] == "application/json"
    assert revision(api) == before
    other = await add(api, "k2")
    assert other.json["id"] != first.json["id"]


async def test_what_has_changed_since_does_not_change_the_answer(api: ApiStage) -> None:
    first = await add(api, "k1")
    path = f"/v1/people/{first.json['id']}"
    await api.ask("PATCH", path, api.key(), {"name": "Anna Maria"})
    assert (await add(api, "k1")).json["name"] == "Anna"
    assert (await api.ask("GET", path, api.key())).json["name"] == "Anna Maria"


@pytest.mark.parametrize("body", [{**ANNA, "name": "Ann"}, {**ANNA, "id": "anna"}])
async def test_the_same_key_for_something_else_is_a_conflict(api: ApiStage, body: object) -> None:
    await add(api, "k1")
    before = revision(api)
    refused = await add(api, "k1", body)
    assert (refused.status, refused.code) == (409, "conflict")
    assert revision(api) == before


async def test_the_same_thing_written_otherwise_is_the_same(api: ApiStage) -> None:
    first = await add(api, "k1")
    raw = b'{ "role": "customer",\n "name": "\\u0041nna", "locations": [] }'
    again = await api.ask("POST", "/v1/people", api.key(), raw=raw, Idempotency_Key='"k1"')
    assert (again.body, replayed(again)) == (first.body, True)


async def test_a_key_is_of_its_caller_and_its_place(api: ApiStage) -> None:
    await api.stage.add_business("barkley", {"olivia": Role.OWNER})
    first = await add(api, "k1")
    elsewhere = await api.ask("POST", "/v1/people", api.key("barkley"), ANNA, Idempotency_Key="k1")
    owner = await api.ask("POST", "/v1/people", api.token("olivia"), ANNA, Idempotency_Key="k1")
    place = {"name": "Anna", "time_zone": "UTC"}
    location = await api.ask("POST", "/v1/locations", api.key(), place, Idempotency_Key="k1")
    made = (first, elsewhere, owner, location)
    assert [reply.status for reply in made] == [201] * 4
    assert not any(replayed(reply) for reply in made)
    assert len({reply.json["id"] for reply in made}) == 4
    phone, laptop = [
        await api.ask(
            "POST",
            "/v1/conversations",
            api.key(),
            REX,
            Idempotency_Key="k1",
            Deskbell_Person="carla",
            Deskbell_Device=device,
        )
        for device in ("phone", "laptop")
    ]
    assert phone.json["id"] != laptop.json["id"]


async def test_another_key_of_the_same_business_gets_the_answer(api: ApiStage) -> None:
    """Keys are exchanged while requests are repeated."""
    first = await add(api, "k1")
    made = await api.ask("POST", "/v1/keys", api.key(), {"name": "New", "scopes": ["*"]})
    again = await api.ask("POST", "/v1/people", made.json["api_key"], ANNA, Idempotency_Key="k1")
    assert (again.body, replayed(again)) == (first.body, True)


@pytest.mark.requirement("R27")
async def test_who_may_no_longer_ask_gets_no_answer_from_before(api: ApiStage) -> None:
    token, headers = api.token("max"), {"Idempotency_Key": "k1"}
    assert (await api.ask("POST", "/v1/people", token, ANNA, **headers)).status == 201
    await api.ask("PATCH", "/v1/people/max", api.key(), {"role": "staff"})
    assert (await api.ask("POST", "/v1/people", token, ANNA, **headers)).status == 403
    await api.ask("PATCH", "/v1/people/max", api.key(), {"active": False})
    assert (await api.ask("POST", "/v1/people", token, ANNA, **headers)).status == 401


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 65, '"', '""', "k/1", "ü", '"k1'])
async def test_what_is_no_key(api: ApiStage, key: str) -> None:
    refused = await add(api, key)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert "Idempotency-Key" in refused.json["detail"]


async def test_elsewhere_the_header_means_nothing(api: ApiStage) -> None:
    """What names a thing and how it shall be can be repeated by itself."""
    for name in ("One", "Two"):
        changed = await api.ask(
            "PATCH", "/v1/people/sam", api.key(), {"name": name}, Idempotency_Key="k1"
        )
        assert (changed.status, changed.json["name"]) == (200, name)
    assert (await api.ask("GET", "/v1/people", api.key(), Idempotency_Key="k 1")).status == 200


async def test_a_refusal_is_not_kept(api: ApiStage) -> None:
    """It has done nothing: what was in its way may have gone, or be corrected."""
    nowhere = {**ANNA, "locations": ["north"]}
    assert (await add(api, "k1", nowhere)).status == 400
    north = {"id": "north", "name": "North", "time_zone": "UTC"}
    assert (await api.ask("POST", "/v1/locations", api.key(), north)).status == 201
    assert (await add(api, "k1", nowhere)).status == 201


async def test_while_the_first_is_under_way_the_second_waits(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = api.stage.node.database
    keep, entered, go_on = database.keep_answer, trio.Event(), trio.Event()

    async def slow(*args: Any) -> None:
        entered.set()
        await go_on.wait()
        await keep(*args)

    monkeypatch.setattr(database, "keep_answer", slow)
    answers: list[Reply] = []

    async def first() -> None:
        answers.append(await add(api, "k1"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        await entered.wait()
        refused = await add(api, "k1")
        assert (refused.status, refused.code) == (409, "conflict")
        assert refused.headers["Retry-After"] == "1"
        assert refused.json["retry_after"] == 1.0
        go_on.set()
    assert (await add(api, "k1")).body == answers[0].body


# --- crashes --------------------------------------------------------------------------------------


@pytest.fixture
def forgetful(api: ApiStage, monkeypatch: pytest.MonkeyPatch) -> ApiStage:
    """As if the process had crashed, each time, between what was done and the record of it."""

    async def fail(*_: object) -> None:
        raise StorageFailed("crashed")

    monkeypatch.setattr(api.stage.node.database, "keep_answer", fail)
    return api


@pytest.mark.parametrize(
    ("path", "body", "person"),
    [
        ("/v1/people", ANNA, ""),
        ("/v1/locations", {"name": "North", "time_zone": "UTC"}, ""),
        ("/v1/conversations", REX, "carla"),
        ("/v1/conversations", {"kind": "direct", "people": ["sam"]}, "carla"),
        ("/v1/conversations/rex/messages", {"client_message_id": "m1", "text": "Hi"}, "carla"),
        ("/v1/conversations/rex/members", {"person": "mia"}, "sam"),
        ("/v1/conversations/rex/receipts", {"read_up_to": 1}, "sam"),
    ],
)
async def test_after_a_crash_the_same_again_does_nothing_twice(
    forgetful: ApiStage, path: str, body: object, person: str
) -> None:
    api = forgetful
    await api.ask("POST", "/v1/conversations", api.token("carla"), {**REX, "id": "rex"})
    said = {"client_message_id": "m0", "text": "Hi"}
    await api.ask("POST", "/v1/conversations/rex/messages", api.token("carla"), said)
    key = api.token(person) if person else api.key()
    first = await api.ask("POST", path, key, body, Idempotency_Key="k1")
    assert first.status in (200, 201)
    before = revision(api)
    again = await api.ask("POST", path, key, body, Idempotency_Key="k1")
    assert (again.status, replayed(again)) == (first.status, False)
    assert revision(api) == before
    if "revision" not in first.json:
        assert again.json == first.json
    assert again.json.get("id") == first.json.get("id")


async def test_after_a_crash_a_key_is_not_made_twice(forgetful: ApiStage) -> None:
    body = {"name": "Booking", "scopes": ["people:read"]}
    await forgetful.ask("POST", "/v1/keys", forgetful.key(), body, Idempotency_Key="k1")
    refused = await forgetful.ask("POST", "/v1/keys", forgetful.key(), body, Idempotency_Key="k1")
    assert (refused.status, refused.code) == (409, "conflict")
    listed = await forgetful.ask("GET", "/v1/keys", forgetful.key())
    assert [each["name"] for each in listed.json["keys"]].count("Booking") == 1


async def test_what_is_made_under_another_request_has_another_id(forgetful: ApiStage) -> None:
    """Nothing was kept of the first one: it is not taken for the second."""
    first = await add(forgetful, "k1")
    second = await add(forgetful, "k1", {**ANNA, "name": "Ann"})
    assert (second.status, second.json["id"] == first.json["id"]) == (201, False)


async def test_a_client_that_goes_away_finds_its_answer(api: ApiStage) -> None:
    for steps in range(30):
        gone = trio.Event()
        messages: list[Any] = [{"type": "http.request", "body": msgspec.json.encode(ANNA)}]
        scope = http_scope("POST", "/v1/people", api.key())
        scope["headers"].append((b"idempotency-key", f"k{steps}".encode()))

        async def receive(
            messages: list[Any] = messages, gone: trio.Event = gone
        ) -> dict[str, object]:
            if messages:
                taken: dict[str, object] = messages.pop()
                return taken
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            await trio.lowlevel.checkpoint()

        before = revision(api)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(api.app, scope, receive, send)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            gone.set()
        again = await add(api, f"k{steps}")
        assert again.status == 201
        assert revision(api) == before + 1


# --- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "operator", "secret"),
    [
        ("/v1/keys", {"name": "Booking", "scopes": ["people:read"]}, False, "api_key"),
        ("/v1/businesses", {"name": "Barkley"}, True, "api_key"),
    ],
)
async def test_what_is_shown_once_is_kept_nowhere(
    api: ApiStage, tmp_path: Path, path: str, body: object, operator: bool, secret: str
) -> None:
    key = api.stage.operator_key if operator else api.key()
    made = await api.ask("POST", path, key, body, Idempotency_Key="k1")
    assert made.status == 201
    refused = await api.ask("POST", path, key, body, Idempotency_Key="k1")
    assert (refused.status, refused.code) == (409, "conflict")
    stored = bytes_in(tmp_path)
    assert made.json["id"].encode() in stored
    assert made.json[secret].encode() not in stored


async def test_a_token_is_kept_nowhere_and_made_anew(api: ApiStage, tmp_path: Path) -> None:
    asked: tuple[Any, ...] = ("POST", "/v1/tokens", api.key(), {"person": "carla"})
    tokens = [(await api.ask(*asked, Idempotency_Key="k1")).json["token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert [(await api.ask("GET", "/v1/me", token)).status for token in tokens] == [200, 200]
    stored = bytes_in(tmp_path)
    assert not any(token.encode() in stored for token in tokens)


# --- bounds ---------------------------------------------------------------------------------------


async def test_an_answer_is_kept_for_a_day_and_then_forgotten(api: ApiStage) -> None:
    first, node = await add(api, "k1"), api.stage.node
    api.stage.clock.now += DAY_MS - 60_000
    assert replayed(await add(api, "k1"))
    api.stage.clock.now += 120_000
    again = await add(api, "k1")
    assert (again.body, replayed(again)) == (first.body, False)
    assert await node.database.forget_answers(node.clock(), 10) == 1


async def test_answers_are_forgotten_in_time(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "EVERY_SECONDS", 0)
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    node, kept = api.stage.node, Answered(b"asked", 200, "application/json", b"{}")
    old = [b"%d" % number for number in range(5)]
    for name in old:
        await node.database.keep_answer(1, name, node.clock(), kept, 10)
    api.stage.clock.now += DAY_MS
    await node.database.keep_answer(1, b"new", node.clock(), kept, 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(forgetting.forget_answers, node)
        with trio.fail_after(5):
            while any([await node.queries.answered(1, name, 0) for name in old]):
                pass
        nursery.cancel_scope.cancel()
    assert await node.queries.answered(1, b"new", 0) == kept


async def test_of_a_business_only_the_latest_are_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), idempotency_answers=3)
    async with running_api(tmp_path, settings) as api:
        for number in range(5):
            await add(api, f"k{number}")
        found = [replayed(await add(api, f"k{number}")) for number in (2, 3, 4, 0)]
        assert found == [True, True, True, False]
        people = await api.ask("GET", "/v1/people", api.key())
        assert [each["name"] for each in people.json["people"]].count("Anna") == 5


async def test_a_large_answer_is_not_kept(api: ApiStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "ANSWER_BYTES", 20)
    first, again = await add(api, "k1"), await add(api, "k1")
    assert (again.body, replayed(again)) == (first.body, False)
