"""Tokens: made by the backend, revoked by it."""

import pytest

from tests.fixtures.api import ApiStage


async def test_a_token_lets_its_person_in(api: ApiStage) -> None:
    before = api.stage.clock.now
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    assert made.status == 201
    assert 300_000 < made.json["expires_at"] - before < 301_000
    me = await api.ask("GET", "/v1/me", made.json["token"])
    assert me.json["id"] == made.json["person"] == "carla"


async def test_the_operator_makes_tokens_for_any_business(api: ApiStage) -> None:
    body = {"business": "pawsome", "person": "carla", "ttl_seconds": 60}
    made = await api.ask("POST", "/v1/operator/tokens", api.stage.operator_key, body)
    assert (await api.ask("GET", "/v1/me", made.json["token"])).json["business"] == "pawsome"
    for change in ({"business": "nowhere"}, {"person": "nobody"}):
        refused = await api.ask(
            "POST", "/v1/operator/tokens", api.stage.operator_key, {**body, **change}
        )
        assert (refused.status, refused.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"ttl_seconds": 10}, 201),
        ({"ttl_seconds": 86_400}, 201),
        ({"ttl_seconds": 9}, 400),
        ({"ttl_seconds": 86_401}, 400),
        ({"ttl_seconds": "60"}, 400),
        ({"ttl_seconds": 10.5}, 400),
        ({"ttl_seconds": None}, 400),
        ({"person": "nobody"}, 404),
        ({"person": "a b"}, 400),
        ({"role": "owner"}, 400),
    ],
)
async def test_what_a_token_may_be(api: ApiStage, change: dict[str, object], status: int) -> None:
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla", **change})
    assert made.status == status


async def test_who_is_deactivated_gets_no_token(api: ApiStage) -> None:
    await api.ask("PATCH", "/v1/people/carla", api.key(), {"active": False})
    refused = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    assert (refused.status, refused.code) == (404, "not_found")


@pytest.mark.requirement("R27", "EX-9")
async def test_a_revoked_token_is_none_and_the_others_stay(api: ApiStage) -> None:
    made = [await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"}) for _ in range(2)]
    done = await api.ask(
        "POST", "/v1/tokens/revoke", api.key(), {"token_id": made[0].json["token_id"]}
    )
    assert done.status == 200
    statuses = [(await api.ask("GET", "/v1/me", each.json["token"])).status for each in made]
    assert statuses == [401, 200]


@pytest.mark.requirement("R27")
async def test_session_tokens_go_with_the_token_they_came_from(api: ApiStage) -> None:
    node = api.stage.node
    _, claims = node.tokens.issue("pawsome", "carla", node.clock(), 60_000)
    session_token, _ = node.tokens.renew(claims, "phone", node.clock(), 60_000)
    assert (await api.ask("GET", "/v1/me", session_token)).status == 200
    await api.ask("POST", "/v1/tokens/revoke", api.key(), {"token_id": claims.id})
    assert (await api.ask("GET", "/v1/me", session_token)).status == 401


async def test_a_revocation_outlasts_what_it_revokes(api: ApiStage) -> None:
    made = await api.ask(
        "POST", "/v1/tokens", api.key(), {"person": "carla", "ttl_seconds": 86_400}
    )
    await api.ask("POST", "/v1/tokens/revoke", api.key(), {"token_id": made.json["token_id"]})
    api.stage.clock.now = made.json["expires_at"] - 10
    stored = await api.stage.node.queries.revoked_tokens(api.stage.clock())
    assert len(stored) == 1


@pytest.mark.requirement("R27")
async def test_a_revocation_outlasts_what_was_made_with_other_settings_or_another_clock(
    api: ApiStage,
) -> None:
    """How long the token lasts is known to it alone, and the server does not see it."""
    days, node = 86_400_000, api.stage.node
    token, claims = node.tokens.issue("pawsome", "carla", node.clock(), 3_000 * days)
    await api.ask("POST", "/v1/tokens/revoke", api.key(), {"token_id": claims.id})
    api.stage.clock.now += 2_900 * days
    await api.ask("POST", "/v1/tokens/revoke", api.key(), {"token_id": "pawsome/of-another"})
    assert (await api.ask("GET", "/v1/me", token)).status == 401
    assert claims.id in await node.queries.revoked_tokens(node.clock()), "as a restart reads it"


@pytest.mark.requirement("R27")
async def test_revoking_a_person_voids_what_they_have_and_nothing_later(api: ApiStage) -> None:
    old, other = api.token("carla"), api.token("mia")
    done = await api.ask("POST", "/v1/people/carla/revoke", api.key())
    assert done.status == 200
    assert (await api.ask("GET", "/v1/me", old)).status == 401
    assert (await api.ask("GET", "/v1/me", other)).status == 200
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    assert (await api.ask("GET", "/v1/me", made.json["token"])).status == 200


@pytest.mark.requirement("R39")
async def test_a_clock_set_back_locks_nobody_out(api: ApiStage) -> None:
    await api.ask("POST", "/v1/people/carla/revoke", api.key())
    api.stage.clock.now -= 3_600_000
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    assert (await api.ask("GET", "/v1/me", made.json["token"])).status == 200


@pytest.mark.requirement("EX-9")
async def test_one_may_end_ones_own_sessions_but_not_anothers(api: ApiStage) -> None:
    carla = api.token("carla")
    for person in ("mia", "olivia", "nobody"):
        refused = await api.ask("POST", f"/v1/people/{person}/revoke", carla)
        assert (refused.status, refused.code) == (403, "forbidden")
    assert (await api.ask("POST", "/v1/people/carla/revoke", carla)).status == 200
    assert (await api.ask("GET", "/v1/me", carla)).status == 401


@pytest.mark.parametrize("body", [{}, {"token_id": ""}, {"token_id": "x" * 129}, {"token_id": 5}])
async def test_a_revocation_of_nothing(api: ApiStage, body: object) -> None:
    refused = await api.ask("POST", "/v1/tokens/revoke", api.key(), body)
    assert (refused.status, refused.code) == (400, "bad_request")
