"""Who may do what, about what (R26): every operation, by everybody, about every kind of id.

What is foreign answers exactly as what does not exist; what is refused stores nothing.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from domain.roles import POLICY
from protocol.close_codes import CloseCode
from protocol.commands import AnyCommand
from server.http.app import routes_of
from server.http.page import Page
from server.http.site import Site
from server.http.throttle import Throttle
from tests.access.policy import ANYBODY, HTTP, WEBSOCKET, Ask, Say
from tests.access.world import ROLES, TARGETS, Caller, World, masked, running_world
from tests.fixtures.websockets import EdgeStage, Frame, Socket, running_edge

pytestmark = [pytest.mark.requirement("R26"), pytest.mark.timeout(180)]

COMBINATIONS = 2_000
"""What the requirement asks for at least."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path) as running:
        yield running


@dataclass
class Findings:
    """What was not as the matrix says; all of it is told at once."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.wrong.append(f"{what}: {found!r}, not {expected!r}")

    def verdict(self) -> None:
        assert not self.wrong, "\n".join([f"{len(self.wrong)} wrong", *self.wrong[:40]])


def targets(request: Ask | Say, caller: Caller) -> Iterator[str]:
    """What ``request`` can be about: the kinds of ids that make it another one."""
    names = request.path + json.dumps(request.body) if isinstance(request, Ask) else ""
    names = names or json.dumps(request.fields if isinstance(request, Say) else "")
    for target in TARGETS:
        if target == "own":
            yield target
        elif target == "beside":
            if "@t-talk" in names and caller.rank in ROLES and caller.rank != "owner":
                yield target
        elif "@t-" in names:
            yield target


# --- completeness ---------------------------------------------------------------------------------


async def test_no_route_is_missing_from_the_matrix(world: World) -> None:
    registered = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in world.api.app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    heads = {name.replace("GET ", "HEAD ", 1) for name in HTTP if name.startswith("GET ")}
    assert registered == set(HTTP) | heads


async def test_the_declared_routes_are_those_registered(world: World, tmp_path: Path) -> None:
    site = Site(
        world.stage.node,
        None,
        lambda: True,
        "0",
        Throttle(world.stage.node.limits, trio.current_time),
    )
    declared = [route.name for route in routes_of(site, Page(tmp_path))]
    assert sorted(declared) == sorted(HTTP)


def test_no_command_is_missing_from_the_matrix() -> None:
    commands = {str(struct.__struct_config__.tag) for struct in AnyCommand.__args__}
    assert set(WEBSOCKET) == commands


def test_every_command_has_a_policy() -> None:
    assert set(WEBSOCKET) - {"hello"} <= {operation.value for operation in POLICY}


# --- HTTP -----------------------------------------------------------------------------------------


def expected_status(request: Ask, caller: Caller, target: str) -> int:
    if request.may != ANYBODY:
        if caller.rank == "nobody":
            return 401
        if caller.rank not in request.may:
            return 403
    if target == "own":
        return request.instead.get(caller.rank, request.success)
    assert request.missing is not None
    return request.missing_instead.get(caller.rank, request.missing)


async def ask(
    world: World, name: str, request: Ask, caller: Caller, target: str
) -> tuple[int, str]:
    """Ask; the status, and the masked headers and body."""
    method = name.split(maxsplit=1)[0]
    body = None
    if request.body is not None:
        body = json.loads(caller.filled(json.dumps(request.body), target))
    person: dict[str, Any] = {"Deskbell_Person": caller.speaks_for} if caller.speaks_for else {}
    path = caller.filled(request.path, target)
    if request.octets is not None:
        person |= {"raw": request.octets, "Content_Type": "application/octet-stream"}
    reply = await world.api.ask(method, path, caller.key, body, **person)
    headers = sorted((k.lower(), v) for k, v in reply.headers.items())
    body_shown = reply.body.decode(errors="replace")  # an export is no text
    return reply.status, masked(f"{headers}{body_shown}")


async def test_http_is_as_the_matrix_says(world: World) -> None:
    findings = Findings()
    for name, requests in HTTP.items():
        for request in requests:
            for caller in world.callers:
                await _ask_about_all(world, findings, name, request, caller)
    findings.verdict()
    assert findings.tried >= COMBINATIONS * 2 // 3


async def _ask_about_all(
    world: World, findings: Findings, name: str, request: Ask, caller: Caller
) -> None:
    answers = {}
    for target in targets(request, caller):
        before = world.stored()
        status, answers[target] = await ask(world, name, request, caller, target)
        what = f"{caller.name}: {name} {request.path} {request.body or ''} about {target}"
        findings.tried += 1
        findings.expect(what, status, expected_status(request, caller, target))
        if status >= 400:
            findings.expect(f"{what} stored", world.stored(), before)
    for target in set(answers) & {"foreign", "beside"}:
        findings.expect(f"{caller.name}: {name} {target}", answers[target], answers["nowhere"])


async def test_a_key_speaks_for_its_own_people_alone(world: World) -> None:
    """With the header, whatever is asked: a foreign person is nobody."""
    findings = Findings()
    key = next(caller for caller in world.callers if caller.name == "pawsome's key")
    for name, requests in HTTP.items():
        for request in requests:
            if request.may == ANYBODY:
                continue
            answers = set()
            for person in ("b-owner", "n-owner"):
                caller = Caller("key", "business", "p", key.key, person)
                answers.add(await ask(world, name, request, caller, "own"))
                findings.tried += 1
            findings.expect(name, {status for status, _ in answers}, {404})
            findings.expect(f"{name}: answers", len(answers), 1)
    findings.verdict()


async def test_a_token_is_revoked_by_its_own_business_alone(world: World) -> None:
    node = world.stage.node
    token, claims = node.tokens.issue("pawsome", "p-customer", node.clock(), 60_000)
    body = {"token_id": claims.id}
    revoked = await world.api.ask("POST", "/v1/tokens/revoke", world.stage.keys["barkley"], body)
    assert revoked.status == 200
    assert (await world.api.ask("GET", "/v1/me", token)).status == 200
    await world.api.ask("POST", "/v1/tokens/revoke", world.stage.keys["pawsome"], body)
    assert (await world.api.ask("GET", "/v1/me", token)).status == 401


async def test_the_same_id_is_another_thing_in_another_business(world: World) -> None:
    """Whoever chooses ids learns nothing of those that others chose."""
    for letter, business in (("b", "barkley"), ("p", "pawsome")):
        body = {"kind": "group", "people": [f"{letter}-helper"], "id": "same", "title": business}
        token = world.stage.token(business, f"{letter}-customer")
        started = await world.api.ask("POST", "/v1/conversations", token, body)
        assert (started.status, started.json["title"]) == (201, business)
        person = {"id": "same", "name": business, "role": "customer"}
        added = await world.api.ask("POST", "/v1/people", world.stage.keys[business], person)
        assert (added.status, added.json["name"]) == (201, business)


# --- websocket ------------------------------------------------------------------------------------


@pytest.fixture
async def edge(world: World) -> AsyncIterator[EdgeStage]:
    async with running_edge(world.stage, world.api.app) as running:
        yield running


def expected_reply(request: Say, caller: Caller, target: str) -> str | None:
    if target == "own":
        return request.instead.get(caller.rank, request.success or "nothing")
    return request.missing_instead.get(caller.rank, request.missing or "")


async def say(socket: Socket, name: str, request: Say, caller: Caller, target: str) -> Frame | None:
    """Use a command; its reply, or ``None``: a `ping` right after it was answered first."""
    fields = json.loads(caller.filled(json.dumps(request.fields), target))
    if isinstance(fields.get("seq"), str):
        fields["seq"] = int(fields["seq"])
    if request.success is not None:
        return await socket.ask(type=name, **fields)
    socket.asked += 1
    await socket.send({"type": name, "id": socket.asked, **fields})
    await socket.ask(type="ping")
    return next((event for event in socket.events if event.get("id") == socket.asked - 1), None)


def kind_of(reply: Frame | None) -> str:
    if reply is None:
        return "nothing"
    return str(reply["code"] if reply["type"] == "error" else reply["type"])


def comparable(reply: Frame | None) -> str:
    rest = {name: value for name, value in (reply or {}).items() if name != "id"}
    return masked(json.dumps(rest, separators=(",", ":")))


async def test_websockets_are_as_the_matrix_says(world: World, edge: EdgeStage) -> None:
    findings = Findings()
    people = [c for c in world.callers if c.rank in ROLES and not c.speaks_for]
    witnesses = {
        home: await edge.welcomed(world.stage.token(business, f"{home}-owner"), "witness")
        for home, business in (("p", "pawsome"), ("b", "barkley"))
    }
    for caller in people:
        socket = await edge.welcomed(caller.key)
        for name, requests in WEBSOCKET.items():
            for request in requests:
                await _say_about_all(world, findings, socket, name, request, caller)
        await socket.connection.aclose()
    findings.verdict()
    assert findings.tried >= COMBINATIONS // 3
    for home, witness in witnesses.items():
        await edge.settled(witness)
        heard = json.dumps(list(witness.events))
        assert f"{home}-talk" in heard
        assert not re.search(rf"\b[{'b' if home == 'p' else 'p'}n]-", heard)


async def _say_about_all(
    world: World,
    findings: Findings,
    socket: Socket,
    name: str,
    request: Say,
    caller: Caller,
) -> None:
    answers = {}
    for target in targets(request, caller):
        before = world.stored()
        reply = await say(socket, name, request, caller, target)
        what = f"{caller.name}: {name} {request.fields} about {target}"
        findings.tried += 1
        findings.expect(what, kind_of(reply), expected_reply(request, caller, target))
        if reply is not None and reply["type"] == "error":
            findings.expect(f"{what} stored", world.stored(), before)
        answers[target] = comparable(reply)
    for target in set(answers) & {"foreign", "beside"}:
        findings.expect(f"{caller.name}: {name} {target}", answers[target], answers["nowhere"])


async def test_nobody_comes_in(world: World, edge: EdgeStage) -> None:
    """Without a valid token of a person there is no websocket, whatever one says first."""
    findings = Findings()
    outsiders = [c for c in world.callers if c.rank not in ROLES]
    for caller in outsiders:
        socket = await edge.connect()
        await socket.send({"type": "hello", "token": caller.key, "device": "d1"})
        dismissed = "dismissed" in caller.name
        expected = CloseCode.DEACTIVATED if dismissed else CloseCode.UNAUTHENTICATED
        findings.expect(f"{caller.name}: hello", (await socket.closed()).code, expected)
    someone = next(c for c in world.callers if c.rank == "owner")
    for name, (request, *_) in WEBSOCKET.items():
        if name != "hello":
            socket = await edge.connect()
            fields = json.loads(someone.filled(json.dumps(request.fields), "own"))
            if "seq" in fields:
                fields["seq"] = int(fields["seq"])
            await socket.send({"type": name, "id": 1, **fields})
            with trio.fail_after(5):
                ended = await socket.closed()
            findings.expect(f"{name} first", ended.code, CloseCode.BAD_HELLO)
            findings.expect(f"{name} first: heard", list(socket.events), [])
    findings.verdict()
