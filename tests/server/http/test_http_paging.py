"""Lists come in pages, all in one way: `limit`, and `next` until there is no more."""

from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from server.http.app import routes_of
from server.http.page import Page
from server.http.route import AnyRoute
from server.http.site import Site
from server.http.throttle import Throttle
from tests.fixtures.api import ApiStage

WHOLE = {
    "GET /v1/conversations/{conversation}": "at most as many members as a conversation has",
    "GET /v1/conversations/{conversation}/messages/{seq}/receipts": "as many members as it has",
    "GET /v1/presence": "those asked for",
    "GET /v1/me": "the locations of one person",
    "GET /v1/me/contact": "the numbers of one person",
    "GET /v1/operator/actors": "a picture of this moment",
    "GET /v1/operator/dead-letters": "a picture of this moment",
    "GET /v1/conversations/{conversation}/messages/{seq}/explanation": "who works there",
    "GET /v1/saved-replies/{saved_reply}": "the variables there are",
    "GET /v1/webhooks": "at most as many as a business may have",
    "GET /v1/webhooks/{webhook}": "the types of events there are",
    "GET /v1/people/{person}/sessions": "as many devices as somebody may be signed in on",
    "GET /v1/me/sessions": "as many devices as somebody may be signed in on",
    "GET /v1/demo": "the people of the demo",
}
"""Answers that hold a list and are never cut, and what bounds them."""


def holds_a_list(answer: type) -> bool:
    if not issubclass(answer, msgspec.Struct):
        return False
    return any(get_origin(hint) is tuple for hint in get_type_hints(answer).values())


@pytest.fixture
def routes(api: ApiStage, tmp_path: Path) -> tuple[AnyRoute, ...]:
    node = api.stage.node
    site = Site(node, None, lambda: True, "0", Throttle(node.limits, node.time))
    return routes_of(site, Page(tmp_path))


async def test_every_list_has_a_limit_and_a_next(routes: tuple[AnyRoute, ...]) -> None:
    lists = [route for route in routes if route.method == "GET" and holds_a_list(route.answer)]
    assert set(WHOLE) <= {route.name for route in lists}
    for route in lists:
        asked = {field.name for field in msgspec.structs.fields(route.parameters)}
        hints = get_type_hints(route.answer)
        if route.name not in WHOLE:
            assert "limit" in asked, route.name
            assert str in get_args(hints["next"]), route.name
            assert asked & {"after", "before", "skip"}, route.name


async def prepare(api: ApiStage) -> None:
    for name in ("a", "b", "c"):
        place = {"id": f"place-{name}", "name": name, "time_zone": "UTC"}
        await api.ask("POST", "/v1/locations", api.key(), place)
        await api.stage.add_business(f"business-{name}", {})
        person = {"id": f"owner-{name}", "name": name.title(), "role": "owner"}
        await api.ask("POST", "/v1/people", api.key(), person)
        await api.ask("POST", "/v1/keys", api.key(), {"name": name, "scopes": ["audit:read"]})
        talk = {"kind": "group", "people": ["sam"], "id": f"talk-{name}"}
        await api.ask("POST", "/v1/conversations", api.token("carla"), talk)
        said = {"client_message_id": name, "text": name}
        await api.ask("POST", "/v1/conversations/talk-a/messages", api.token("carla"), said)
        edited = {"text": f"{name}!"}
        await api.ask("PATCH", "/v1/conversations/talk-a/messages/1", api.token("carla"), edited)


@pytest.mark.parametrize(
    ("path", "into", "field", "person"),
    [
        ("/v1/businesses?", "after", "businesses", "operator"),
        ("/v1/locations?", "after", "locations", ""),
        ("/v1/people?", "after", "people", ""),
        ("/v1/keys?", "after", "keys", ""),
        ("/v1/audit?", "before", "entries", ""),
        ("/v1/audit?kind=person_changed&", "before", "entries", ""),
        ("/v1/conversations?", "before", "conversations", "carla"),
        ("/v1/conversations/talk-a/messages?", "before", "messages", "carla"),
        ("/v1/conversations/talk-a/messages?", "after", "messages", "carla"),
        ("/v1/conversations/talk-a/messages/1/versions?", "skip", "versions", "carla"),
        ("/v1/conversations/talk-a/colleagues?", "skip", "people", "sam"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2])
async def test_the_pages_together_are_the_list(
    api: ApiStage, path: str, into: str, field: str, person: str, limit: int
) -> None:
    await prepare(api)
    key = {"": api.key(), "operator": api.stage.operator_key}.get(person) or api.token(person)
    from_the_start = "after=0&" if into == "after" and "messages" in path else ""
    whole = await api.ask("GET", f"{path}{from_the_start}limit=100", key)
    assert "next" not in whole.json
    wanted = whole.json[field]
    assert len(wanted) >= 3
    pages: list[list[Any]] = []
    place: str | None = from_the_start.removesuffix("&") or None
    while True:
        page = await api.ask("GET", f"{path}limit={limit}{f'&{place}' if place else ''}", key)
        pages.append(page.json[field])
        assert 0 < len(page.json[field]) <= limit
        if "next" not in page.json:
            break
        place = f"{into}={page.json['next']}"
    backwards = (into, field) in (("skip", "versions"), ("before", "messages"))
    found = [each for page in (reversed(pages) if backwards else pages) for each in page]
    assert found == wanted


@pytest.mark.parametrize("path", ["/v1/locations", "/v1/keys", "/v1/audit", "/v1/people"])
@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "limit=1.5", "after=%20", "before=x", "nothing=1", "limit="]
)
async def test_a_page_of_nothing(api: ApiStage, path: str, query: str) -> None:
    refused = await api.ask("GET", f"{path}?{query}", api.key())
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/v1/locations", "/v1/keys", "/v1/audit", "/v1/people"])
async def test_a_limit_is_brought_into_its_bounds(api: ApiStage, path: str) -> None:
    none, many = [await api.ask("GET", f"{path}?limit={n}", api.key()) for n in (0, 2**50)]
    ((one,), (_, *_)) = [
        next(v for v in reply.json.values() if isinstance(v, list)) for reply in (none, many)
    ]
    assert one


@pytest.mark.parametrize(
    "path",
    ["search?q=rex&", "people/carla/timeline?", "conversations/rex/notes?", "conversations?"],
)
async def test_what_is_no_place_in_a_list_is_refused(api: ApiStage, path: str) -> None:
    for before in ("garbage", "-1", "1.5", "1" * 17):
        reply = await api.ask("GET", f"/v1/{path}before={before}", api.token("olivia"))
        assert (reply.status, reply.code) == (400, "bad_request"), before
