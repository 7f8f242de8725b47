"""Who calls: keys, tokens, and a backend that speaks for its people."""

import pytest

from actors.business import ChangePerson
from domain.events import Person
from domain.roles import Role
from tests.fixtures.api import ApiStage


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic b2xpdmlhOng=",
        "Bearer nonsense",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer é.é",
        "Bearer " + "x" * 5000,
    ],
)
async def test_what_is_no_key_is_refused_alike(api: ApiStage, authorization: str) -> None:
    refused = await api.ask("GET", "/v1/me", Authorization=authorization)
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    nothing = await api.ask("GET", "/v1/me")
    assert refused.body == nothing.body


async def test_the_scheme_has_no_case(api: ApiStage) -> None:
    me = await api.ask("GET", "/v1/me", Authorization=f"bearer {api.token('carla')}")
    assert me.status == 200


@pytest.mark.requirement("EX-9", "R39")
async def test_a_token_ends_when_it_says(api: ApiStage) -> None:
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla", "ttl_seconds": 10})
    token, expires_at = made.json["token"], made.json["expires_at"]
    api.stage.clock.now = expires_at - 2
    assert (await api.ask("GET", "/v1/me", token)).status == 200
    api.stage.clock.now = expires_at - 1
    assert (await api.ask("GET", "/v1/me", token)).status == 401


async def test_a_token_of_another_server_is_none(api: ApiStage) -> None:
    token = api.token("carla")
    payload, _, signature = token.partition(".")
    for forged in (payload + "." + signature[::-1], payload[:-4] + "AAAA." + signature, payload):
        assert (await api.ask("GET", "/v1/me", forged)).status == 401


async def test_a_session_token_keeps_its_device(api: ApiStage) -> None:
    node = api.stage.node
    _, claims = node.tokens.issue("pawsome", "carla", node.clock(), 60_000)
    token, _ = node.tokens.renew(claims, "phone", node.clock(), 60_000)
    assert (await api.ask("GET", "/v1/me", token)).status == 200
    assert (await api.ask("GET", "/v1/me", token, Deskbell_Device="phone")).status == 200
    assert (await api.ask("GET", "/v1/me", token, Deskbell_Device="laptop")).status == 401
    body = {"kind": "direct", "people": ["sam"]}
    started = await api.ask("POST", "/v1/conversations", token, body)
    path = f"/v1/conversations/{started.json['id']}/messages"
    said = {"client_message_id": "m1", "text": "Hi"}
    by_phone = await api.ask("POST", path, token, said)
    by_key = await api.ask(
        "POST", path, api.key(), said, Deskbell_Person="carla", Deskbell_Device="phone"
    )
    assert by_key.body == by_phone.body


async def test_who_is_deactivated_is_nobody(api: ApiStage) -> None:
    carla = api.token("carla")
    gone = Person("carla", "Carla", Role.CUSTOMER, active=False)
    await api.stage.change("pawsome", ChangePerson("test", None, gone, ()))
    assert (await api.ask("GET", "/v1/me", carla)).status == 401
    spoken_for = await api.ask("GET", "/v1/me", api.key(), Deskbell_Person="carla")
    assert (spoken_for.status, spoken_for.code) == (403, "forbidden")


async def test_a_backend_speaks_for_its_people_with_their_rights(api: ApiStage) -> None:
    body = {"last_seen": False}
    as_carla = await api.ask("PATCH", "/v1/business", api.key(), body, Deskbell_Person="carla")
    assert (as_carla.status, as_carla.code) == (403, "forbidden")
    as_owner = await api.ask("PATCH", "/v1/business", api.key(), body, Deskbell_Person="olivia")
    assert as_owner.status == 200
    for person in ("nobody", "a b", ""):
        refused = await api.ask("GET", "/v1/me", api.key(), Deskbell_Person=person)
        assert refused.status == (404 if person == "nobody" else 400)
    refused = await api.ask(
        "GET", "/v1/me", api.key(), Deskbell_Person="carla", Deskbell_Device="a b"
    )
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_a_person_speaks_for_nobody_else(api: ApiStage) -> None:
    me = await api.ask("GET", "/v1/me", api.token("carla"), Deskbell_Person="olivia")
    assert me.json["id"] == "carla"


async def test_a_backend_says_nothing_itself(api: ApiStage) -> None:
    refused = await api.ask("GET", "/v1/conversations", api.key())
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "Deskbell-Person" in refused.json["detail"]


@pytest.mark.requirement("R28")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/me?token={token}",
        "/v1/me?access_token={token}",
        "/v1/me?Token=x",
        "/v1/health?api_key=x",
        "/?token=x",
        "/page/app.js?session_token=x",
        "/v1/nowhere?token=x",
    ],
)
async def test_a_token_in_the_address_is_refused(api: ApiStage, path: str) -> None:
    token = api.token("carla")
    refused = await api.ask("GET", path.format(token=token), token)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert token not in refused.body.decode()
