"""Notes of a conversation over HTTP and by websocket: who writes them, who is told (EX-25)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.business import ChangeLocation, ChangePerson
from domain.events import Person
from domain.limits import MENTIONS_MAX
from domain.roles import Role
from tests.fixtures.api import ApiStage, Reply
from tests.fixtures.websockets import EdgeStage, Frame, Socket, running_edge

pytestmark = [pytest.mark.requirement("EX-25")]

PLACE = "/v1/conversations/c1"
NOTES = f"{PLACE}/notes"


@pytest.fixture
async def talk(api: ApiStage) -> ApiStage:
    """carla, sam and the owner talk where sam and max work; zoe works elsewhere."""
    await api.stage.change("pawsome", ChangeLocation("test", "second", "Second", "UTC"))
    zoe = Person("zoe", "Zoe", Role.STAFF)
    await api.stage.change("pawsome", ChangePerson("test", None, zoe, ("second",)))
    carla = Person("carla", "Carla", Role.CUSTOMER)
    await api.stage.change("pawsome", ChangePerson("test", None, carla, ("main",)))
    body = {"kind": "group", "people": ["sam"], "id": "c1"}
    assert (await api.ask("POST", "/v1/conversations", api.token("carla"), body)).status == 201
    said = {"client_message_id": "m1", "text": "Is Rex ready?"}
    assert (await api.ask("POST", f"{PLACE}/messages", api.token("carla"), said)).status == 201
    return api


@pytest.fixture
async def edge(talk: ApiStage) -> AsyncIterator[EdgeStage]:
    async with running_edge(talk.stage, talk.app) as running:
        yield running


async def write(api: ApiStage, person: str, text: str, *mentions: str, **more: Any) -> Reply:
    body = {"text": text, "mentions": mentions, **more}
    return await api.ask("POST", NOTES, api.token(person), body)


async def read(api: ApiStage, person: str = "olivia") -> list[Any]:
    shown = await api.ask("GET", NOTES, api.token(person))
    assert shown.status == 200, shown.body
    return list(shown.json["notes"])


async def heard(socket: Socket) -> list[Frame]:
    await socket.ask(type="ping")
    found = [event for event in socket.events if event["type"] == "note"]
    socket.events.clear()
    return found


async def test_a_note_is_written_changed_and_deleted(talk: ApiStage) -> None:
    added = await write(talk, "sam", "He bites", "max", "max", id="n1")
    assert (added.status, added.json["id"]) == (201, "n1")
    (note,) = await read(talk)
    assert note | {"at": 0, "revision": 0} == {
        "conversation": "c1",
        "note": "n1",
        "revision": 0,
        "seq": 1,
        "at": 0,
        "author": "sam",
        "text": "He bites",
        "mentions": ["max"],
    }
    for person, body in (("sam", {"text": "He barks"}), ("olivia", {"mentions": []})):
        edited = await talk.ask("PATCH", f"{NOTES}/n1", talk.token(person), body)
        assert edited.json["revision"] > added.json["revision"]
    (note,) = await read(talk)
    assert (note["text"], note.get("mentions", [])) == ("He barks", [])
    assert note["edited_at"] >= note["at"]
    same = await talk.ask("PATCH", f"{NOTES}/n1", talk.token("sam"), {"text": "He barks"})
    assert same.json == {"revision": 0}
    assert (await talk.ask("DELETE", f"{NOTES}/n1", talk.token("olivia"))).status == 200
    (gone,) = await read(talk)
    assert (gone.get("text", ""), bool(gone["deleted_at"])) == ("", True)
    again = await talk.ask("DELETE", f"{NOTES}/n1", talk.token("sam"))
    assert again.json == {"revision": 0}
    late = await talk.ask("PATCH", f"{NOTES}/n1", talk.token("sam"), {"text": "Hi"})
    assert late.code == "deleted"


async def test_the_same_note_again_is_the_same_and_another_one_a_conflict(talk: ApiStage) -> None:
    first = await write(talk, "sam", "He bites", "max", id="n1")
    assert first.json["revision"]
    await talk.ask("PATCH", f"{NOTES}/n1", talk.token("sam"), {"text": "He barks"})
    assert (await write(talk, "sam", "He bites", "max", id="n1")).json["revision"] == 0
    for person, text, mentions in (
        ("sam", "Other", ("max",)),
        ("sam", "He bites", ()),
        ("max", "He bites", ("max",)),
    ):
        assert (await write(talk, person, text, *mentions, id="n1")).code == "conflict"
    assert [note["text"] for note in await read(talk)] == ["He barks"]


async def test_only_the_author_and_owners_change_a_note(talk: ApiStage) -> None:
    await write(talk, "sam", "He bites", id="n1")
    assert len(await read(talk, "max")) == 1
    for method, body in (("PATCH", {"text": "Hi"}), ("DELETE", None)):
        assert (await talk.ask(method, f"{NOTES}/n1", talk.token("max"), body)).code == "forbidden"
        for person in ("carla", "mia"):
            refused = await talk.ask(method, f"{NOTES}/n1", talk.token(person), body)
            assert refused.code == "forbidden"
        elsewhere = await talk.ask(method, f"{NOTES}/n1", talk.token("zoe"), body)
        assert elsewhere.code == "not_found"
    assert (await write(talk, "zoe", "Hi")).code == "not_found"
    assert (await talk.ask("GET", NOTES, talk.token("zoe"))).code == "not_found"
    assert (await talk.ask("GET", NOTES, talk.token("carla"))).code == "forbidden"
    assert [note["text"] for note in await read(talk)] == ["He bites"]


@pytest.mark.parametrize("who", ["carla", "mia", "zoe", "nobody"])
async def test_a_mention_is_of_the_team_and_sees_the_conversation(talk: ApiStage, who: str) -> None:
    """And whoever else it is, the answer is the same."""
    refused = await write(talk, "sam", "Look", who)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert refused.json["detail"] == (await write(talk, "sam", "Look", "x")).json["detail"]
    assert await read(talk) == []


async def test_who_was_mentioned_may_go(talk: ApiStage) -> None:
    """The note can be changed all the same, but not mention them anew."""
    await write(talk, "sam", "Look", "max", id="n1")
    gone = Person("max", "Max", Role.MANAGER)
    await talk.stage.change("pawsome", ChangePerson("test", None, gone, ("second",)))
    path, token = f"{NOTES}/n1", talk.token("sam")
    assert (await talk.ask("PATCH", path, token, {"text": "Look again"})).status == 200
    assert (await talk.ask("PATCH", path, token, {"mentions": []})).status == 200
    assert (await talk.ask("PATCH", path, token, {"mentions": ["max"]})).code == "bad_request"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_request"),
        ({"text": " "}, "bad_request"),
        ({"text": "a\0b"}, "bad_request"),
        ({"text": 5}, "bad_request"),
        ({"text": "ok", "mentions": "max"}, "bad_request"),
        ({"text": "ok", "mentions": ["no id"]}, "bad_request"),
        ({"text": "ok", "mentions": [f"p{n}" for n in range(MENTIONS_MAX + 1)]}, "too_large"),
        ({"text": "ok", "id": "no id"}, "bad_request"),
        ({"text": "ä" * 20_000}, "too_large"),
        ({"text": "ok", "colour": "red"}, None),
    ],
)
async def test_bad_input(talk: ApiStage, body: Any, code: str | None) -> None:
    reply = await talk.ask("POST", NOTES, talk.token("sam"), body)
    if code is None:
        assert reply.status in (201, 400)
        return
    assert reply.code == code
    assert await read(talk) == []


async def test_notes_come_in_pages_newest_first(talk: ApiStage) -> None:
    for n in range(7):
        assert (await write(talk, "sam", "x" * 30_000, id=f"n{n}")).status == 201
    await talk.ask("PATCH", f"{NOTES}/n0", talk.token("sam"), {"text": "edited"})
    found, at = [], ""
    while True:
        page = (await talk.ask("GET", f"{NOTES}?limit=6{at}", talk.token("max"))).json
        assert 1 <= len(page["notes"]) <= 5  # as many as fit
        found += [note["note"] for note in page["notes"]]
        if "next" not in page:
            break
        at = f"&before={page['next']}"
    assert found == [f"n{n}" for n in reversed(range(7))]


async def test_the_team_is_told_and_a_customer_is_not(edge: EdgeStage, talk: ApiStage) -> None:
    sockets = {
        person: await edge.welcomed(talk.token(person))
        for person in ("olivia", "max", "sam", "zoe", "carla")
    }
    sam = sockets["sam"]
    asked = {"type": "note", "conversation": "c1", "note": "n1"}
    reply = await sam.ask(**asked, action="add", text="He bites", mentions=["max"])
    assert reply["type"] == "ok"
    for person, socket in sockets.items():
        events = await heard(socket)
        if person in ("zoe", "carla"):
            assert events == []
        else:
            assert [(e["note"], e["text"], e["mentions"]) for e in events] == [
                ("n1", "He bites", ["max"])
            ]
            assert events[0]["revision"] == reply["revision"]
    assert (await sockets["olivia"].ask(**asked, action="edit", text="No"))["type"] == "ok"
    assert (await sam.ask(**asked, action="delete"))["type"] == "ok"
    assert (await sam.ask(**asked, action="add"))["code"] == "bad_request"
    assert [e["text"] if e.get("text") else "" for e in await heard(sockets["max"])] == ["No", ""]
    for action in ("add", "edit", "delete"):
        refused = await sockets["carla"].ask(**asked, action=action, text="Hi")
        assert refused["code"] == "forbidden"
    assert (await sockets["carla"].ask(type="notes", conversation="c1"))["code"] == "forbidden"
    listed = await sam.ask(type="notes", conversation="c1")
    assert [note["note"] for note in listed["notes"]] == ["n1"]


@pytest.mark.requirement("EX-24")
async def test_a_note_moves_no_number_that_anybody_reads_by(talk: ApiStage) -> None:
    """No seq, no count, no order of a list, no waiting; of a customer not even the revision."""

    async def seen(person: str) -> Any:
        reply = await talk.ask("GET", "/v1/conversations", talk.token(person))
        listed = reply.json["conversations"]
        for picture in listed if person != "carla" else ():
            picture.pop("revision")
        return listed

    body = {"kind": "group", "people": ["sam"], "id": "c2"}
    await talk.ask("POST", "/v1/conversations", talk.token("carla"), body)
    people = ("carla", "sam", "max", "olivia")
    before = {person: await seen(person) for person in people}
    assert before["sam"][-1]["handling"]["waiting_since"]
    await write(talk, "sam", "He bites", "max", id="n1")
    await talk.ask("PATCH", f"{NOTES}/n1", talk.token("sam"), {"text": "He barks"})
    await talk.ask("DELETE", f"{NOTES}/n1", talk.token("sam"))
    assert {person: await seen(person) for person in people} == before


async def test_who_was_away_gets_notes_as_they_are_now(edge: EdgeStage, talk: ApiStage) -> None:
    cursors = {}
    for person in ("max", "carla"):
        socket = await edge.connect()
        welcome = await socket.hello(talk.token(person))
        cursors[person] = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        await socket.connection.aclose()
    for n in ("n1", "n2"):
        await write(talk, "sam", "He bites", id=n)
    await talk.ask("PATCH", f"{NOTES}/n1", talk.token("sam"), {"text": "He barks"})
    await talk.ask("DELETE", f"{NOTES}/n2", talk.token("sam"))
    for person, expected in (("max", [("n1", "He barks"), ("n2", "")]), ("carla", [])):
        socket = await edge.connect()
        hello = {"type": "hello", "token": talk.token(person), "device": "d1"}
        await socket.send({**hello, "cursor": cursors[person]})
        assert (await socket.receive())["resume"] == "complete"
        events = [await socket.receive()]
        while events[-1]["type"] != "resumed":
            events.append(await socket.receive())
        told = [(e["note"], e.get("text", "")) for e in events if e["type"] == "note"]
        assert told == expected


@pytest.mark.requirement("EX-22")
async def test_the_audit_log_knows_who_deleted_a_note_and_not_what_it_said(talk: ApiStage) -> None:
    await write(talk, "sam", "He bites", id="n1")
    await talk.ask("DELETE", f"{NOTES}/n1", talk.token("olivia"))
    path = "/v1/audit?kind=note_deleted"
    (entry,) = (await talk.ask("GET", path, talk.token("olivia"))).json["entries"]
    assert entry["author"] == "olivia"
    assert entry["detail"] == {"conversation": "c1", "note": "n1"}


async def test_an_owner_who_reads_notes_without_taking_part_is_noted(talk: ApiStage) -> None:
    await read(talk)
    path = "/v1/audit?kind=conversation_read"
    (entry,) = (await talk.ask("GET", path, talk.token("olivia"))).json["entries"]
    assert entry["detail"] == {"conversation": "c1"}
