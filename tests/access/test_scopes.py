"""What an API key may be used for: every route, with all scopes but its own, and with it alone."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from actors.business import MakeKey
from domain.keys import NewKey
from domain.scopes import EVERY_SCOPE, Scope
from server.http.app import routes_of
from server.http.caller import Caller as Kind
from server.http.page import Page
from server.http.route import AnyRoute
from server.http.site import Site
from server.http.throttle import Throttle
from server.tokens import hash_key, make_key
from tests.access.policy import HTTP
from tests.access.test_matrix import Findings, ask
from tests.access.world import Caller, World, running_world

pytestmark = [pytest.mark.requirement("R26")]

BESIDE = {Scope.LEADERS_WRITE}
"""Also asked for by a rule, and not by the route alone."""

OWN_SIGN_IN = {"POST /v1/me/password", "GET /v1/me/sessions", "DELETE /v1/me/sessions/{session}"}
"""Where `BESIDE` is asked for when a key speaks for an owner."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path) as running:
        yield running


@pytest.fixture
def routes(world: World, tmp_path: Path) -> tuple[AnyRoute, ...]:
    node = world.stage.node
    site = Site(node, None, lambda: True, "0", Throttle(node.limits, node.time))
    return routes_of(site, Page(tmp_path))


async def key_with(world: World, *scopes: Scope) -> str:
    secret = make_key("business")
    new = NewKey(world.stage.node.new_id(), hash_key(secret), "Key", scopes)
    await world.stage.change("pawsome", MakeKey("test", EVERY_SCOPE, 1, new))
    return secret


def askers(route: AnyRoute, key: str) -> Iterator[Caller]:
    """The business itself, or the owner it speaks for: nobody is stopped by their role."""
    if Kind.BUSINESS in route.callers:
        yield Caller("key", "business", "p", key)
    if Kind.PERSON in route.callers:
        yield Caller("key for owner", "owner", "p", key, "p-owner")


async def test_every_route_that_a_key_can_ask_takes_a_scope(routes: tuple[AnyRoute, ...]) -> None:
    asked = {Kind.BUSINESS, Kind.PERSON}
    without = [r.name for r in routes if (r.scope is None) == bool(asked & r.callers)]
    assert not without
    assert Scope.ALL not in {route.scope for route in routes}


async def test_every_scope_opens_something(routes: tuple[AnyRoute, ...]) -> None:
    assert {route.scope for route in routes} - {None} == set(Scope) - {Scope.ALL}


async def test_a_key_without_the_scope_is_refused_whatever_else_it_has(
    world: World, routes: tuple[AnyRoute, ...]
) -> None:
    findings = Findings()
    for route in routes:
        if route.scope is None:
            continue
        key = await key_with(world, *(set(Scope) - {Scope.ALL, route.scope}))
        for caller in askers(route, key):
            for request in HTTP[route.name]:
                before = world.stored()
                status, answer = await ask(world, route.name, request, caller, "own")
                what = f"{caller.name}: {route.name}"
                findings.tried += 1
                findings.expect(what, status, 403)
                findings.expect(f"{what} names it", f" {route.scope}." in answer, True)
                findings.expect(f"{what} stored", world.stored(), before)
    findings.verdict()
    assert findings.tried > 60


async def test_a_key_with_the_scope_alone_is_not_refused(
    world: World, routes: tuple[AnyRoute, ...]
) -> None:
    findings = Findings()
    for route in routes:
        if route.scope is None:
            continue
        beside = BESIDE if route.name in OWN_SIGN_IN else ()
        key = await key_with(world, route.scope, *beside)
        for caller in askers(route, key):
            status, answer = await ask(world, route.name, HTTP[route.name][0], caller, "own")
            if route.name == "POST /v1/keys":  # it gives what it has, and asks for something else
                findings.expect(route.name, (status, "people:read" in answer), (403, True))
            else:
                findings.expect(f"{caller.name}: {route.name}", status in (401, 403), False)
    findings.verdict()


@pytest.mark.parametrize("speaks_for", ["", "p-owner"])
async def test_a_key_gets_to_no_owner_without_the_scope_for_it(
    world: World, speaks_for: str
) -> None:
    """Else it could make itself an owner, and have every scope."""
    some = await key_with(world, *(set(Scope) - {Scope.ALL, Scope.LEADERS_WRITE}))
    every = await key_with(world, *(set(Scope) - {Scope.ALL}))
    owner = {"name": "New", "role": "owner"}
    asked: list[tuple[str, str, object, int]] = [
        ("POST", "/v1/people", owner, 201),
        ("PATCH", "/v1/people/p-guest", {"role": "manager"}, 200),
        ("PATCH", "/v1/people/p-second", {"name": "Second"}, 200),
        ("POST", "/v1/people/p-second/revoke", None, 200),
    ]
    if not speaks_for:
        asked += [
            ("POST", "/v1/tokens", {"person": f"p-{who}"}, 201) for who in ("owner", "manager")
        ]
    else:
        asked.append(("GET", "/v1/me/sessions", None, 200))
    for method, path, body, fine in asked:
        for key, expected in ((some, 403), (every, fine)):
            person = {"Deskbell_Person": speaks_for} if speaks_for else {}
            reply = await world.api.ask(method, path, key, body, **person)
            assert reply.status == expected, (path, reply.body)
            assert expected != 403 or "leaders:write" in reply.json["detail"]


async def test_a_key_makes_tokens_for_those_below(world: World) -> None:
    key = await key_with(world, Scope.TOKENS_WRITE)
    for person in ("p-staff", "p-customer"):
        made = await world.api.ask("POST", "/v1/tokens", key, {"person": person})
        assert made.status == 201
    missing = await world.api.ask("POST", "/v1/tokens", key, {"person": "b-owner"})
    assert missing.status == 404


async def test_a_key_gives_no_more_than_it_has(world: World) -> None:
    key = await key_with(world, Scope.KEYS_WRITE, Scope.PEOPLE_READ)
    for scopes, status in (
        (["people:read"], 201),
        (["people:read", "people:write"], 403),
        (["*"], 403),
    ):
        for person in ({}, {"Deskbell_Person": "p-owner"}):
            body = {"name": "More", "scopes": scopes}
            made = await world.api.ask("POST", "/v1/keys", key, body, **person)
            assert made.status == status, made.body
    owner = world.stage.token("pawsome", "p-owner")
    made = await world.api.ask("POST", "/v1/keys", owner, {"name": "All", "scopes": ["*"]})
    assert made.status == 201
