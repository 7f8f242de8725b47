"""The permission `inbox` by every way: what is stored, what runs, and what is told live (C-27).

And `assign`: whose work one may say.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.business import Business
from domain.roles import Role
from server.reading import viewer_of
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.websockets import Socket, running_edge

BUSINESS = "salon"
PEOPLE = {"olivia": Role.OWNER, "max": Role.MANAGER, "sam": Role.STAFF, "zoe": Role.STAFF}
WITHOUT = {"permissions": ["assign"]}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as running:
        await running.stage.add_business(BUSINESS, {**PEOPLE, "carla": Role.CUSTOMER})
        for person in (*PEOPLE, "carla"):
            await done(running, "PATCH", f"/v1/people/{person}", {"locations": ["main"]})
        yield running


async def done(
    api: ApiStage, method: str, path: str, body: object = None, person: str = ""
) -> dict[str, object]:
    key = api.token(person, BUSINESS) if person else api.key(BUSINESS)
    reply = await api.ask(method, path, key, body)
    assert reply.status < 300, reply.body
    found: dict[str, object] = reply.json
    return found


async def placed(api: ApiStage, text: str = "Hi") -> str:
    """What the customer has begun with nobody, and says now: it is placed where she is."""
    path = "/v1/people/carla/conversation"
    conversation = str((await done(api, "POST", path, person="carla"))["id"])
    body = {"client_message_id": text, "text": text}
    await done(api, "POST", f"/v1/conversations/{conversation}/messages", body, "carla")
    return conversation


async def agreed(api: ApiStage, conversation: str) -> set[str]:
    """Who sees it because they work there: the same as it is stored, reloaded, and as it runs."""
    live, queries = await api.stage.node.live(BUSINESS), api.stage.node.queries
    assert live is not None
    reloaded = await queries.business(BUSINESS)
    assert reloaded is not None
    running: Business = live.state
    shown = {
        person
        for person, known in running.team.items()
        # An owner sees all there is: whether they work there is asked as of another role.
        if await queries.view(viewer_of(live, person, _as(known.role)), conversation) is not None
    }
    assert running.staff_at(("main",)) == reloaded.staff_at(("main",)) == shown
    denied = set(running.team) - shown
    assert running.denied_at(("main",)) == reloaded.denied_at(("main",)) == denied
    return shown


def _as(role: Role) -> Role:
    return Role.STAFF if role is Role.OWNER else role


async def test_rows_and_rules_agree_whatever_changes_it(api: ApiStage) -> None:
    conversation = await placed(api)
    assert await agreed(api, conversation) == set(PEOPLE)
    await done(api, "PATCH", "/v1/people/zoe", WITHOUT)
    assert await agreed(api, conversation) == {"olivia", "max", "sam"}
    await done(api, "PATCH", "/v1/people/zoe", {"name": "Zoe R."})
    assert await agreed(api, conversation) == {"olivia", "max", "sam"}
    await done(api, "PATCH", "/v1/people/max", {"permissions": ["contacts"]})
    assert await agreed(api, conversation) == {"olivia", "sam"}
    # Whoever becomes the owner has all, and the former one what is usual.
    await done(api, "POST", "/v1/ownership", {"from": "olivia", "to": "max", "new_role": "staff"})
    assert await agreed(api, conversation) == {"olivia", "max", "sam"}
    await done(api, "PATCH", "/v1/people/zoe", {"permissions": None})
    assert await agreed(api, conversation) == set(PEOPLE)
    await done(api, "PATCH", "/v1/people/sam", {"role": "customer"})
    await done(api, "PATCH", "/v1/people/sam", {"role": "staff"})
    assert await agreed(api, conversation) == set(PEOPLE)


async def test_who_lacks_it_neither_gets_a_placed_conversation_nor_hears_of_it(
    api: ApiStage,
) -> None:
    await done(api, "PATCH", "/v1/people/zoe", WITHOUT)
    async with running_edge(api.stage, api.app) as edge:
        sockets = {who: await edge.welcomed(api.token(who, BUSINESS)) for who in ("sam", "zoe")}
        conversation = await placed(api, "first")
        await edge.settled(*sockets.values())
        await placed(api, "second")
        await edge.settled(*sockets.values())
        assert heard(sockets["sam"]) == {"first", "second"}
        assert heard(sockets["zoe"]) == set()
    assert await agreed(api, conversation) == {"olivia", "max", "sam"}
    for path in ("", "/messages", "/handling"):
        asked = f"/v1/conversations/{conversation}{path}"
        assert (await api.ask("GET", asked, api.token("sam", BUSINESS))).status == 200
        assert (await api.ask("GET", asked, api.token("zoe", BUSINESS))).status == 404


def heard(socket: Socket) -> set[str]:
    """The texts that a connection was told of."""
    shown = [event.get("conversation") for event in socket.events]
    newest = [each.get("last_message", {}) for each in shown if isinstance(each, dict)]
    return {str(each["text"]) for each in (*socket.events, *newest) if "text" in each}


@pytest.mark.parametrize("over", ["http", "websocket"])
async def test_who_may_not_assign_takes_what_they_answer_and_says_nothing_of_others(
    api: ApiStage, over: str
) -> None:
    for place in ("main", "north"):
        body = {"id": place, "name": place.title(), "time_zone": "UTC"}
        await api.ask("POST", "/v1/locations", api.key(BUSINESS), body)
    await done(api, "PATCH", "/v1/people/zoe", {"permissions": ["inbox"]})
    conversation = await placed(api)
    async with running_edge(api.stage, api.app) as edge:
        sockets = {who: await edge.welcomed(api.token(who, BUSINESS)) for who in ("sam", "zoe")}

        async def handle(who: str, action: str, **fields: str) -> str:
            if over == "websocket":
                asked = {"type": "handle", "conversation": conversation, "action": action}
                return str((await sockets[who].ask(**asked, **fields)).get("code", ""))
            path = f"/v1/conversations/{conversation}/handling"
            reply = await api.ask(
                "POST", path, api.token(who, BUSINESS), {"action": action, **fields}
            )
            return reply.code if reply.status >= 400 else ""

        assert await handle("zoe", "assign", person="sam") == "forbidden"
        assert await handle("zoe", "assign", person="zoe") == ""
        assert await handle("zoe", "close") == await handle("zoe", "reopen") == ""
        assert await handle("zoe", "unassign") == ""
        assert await handle("sam", "assign", person="max") == ""
        assert await handle("zoe", "unassign") == "forbidden"
        assert await handle("zoe", "transfer", location="north") == "forbidden"
        await done(api, "PATCH", "/v1/people/zoe", {"permissions": ["inbox", "assign"]})
        sockets["zoe"] = await edge.welcomed(api.token("zoe", BUSINESS))
        assert await handle("zoe", "unassign") == ""
        assert await handle("zoe", "transfer", location="north") == ""
