"""A customer's own conversation begins with what was said elsewhere, and goes on below it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.commands import AdvanceReceipt, Done, Import, Speaker
from domain.ids import customer_conversation_id
from domain.imported import ImportedConversation, ImportedMessage
from domain.roles import Role
from storage import webhook_log
from storage.check import check_file
from tests.fixtures.api import ApiStage, Reply
from tests.fixtures.websockets import running_edge
from tests.server.http.test_http_imports import OLD, begun, counts, reasons, said, take

pytestmark = [pytest.mark.requirement("EX-41"), pytest.mark.requirement("DT-14")]

OWN = customer_conversation_id("carla")
PATH = f"/v1/conversations/{OWN}"
TALK: dict[str, Any] = {
    "type": "conversation",
    "customer": "carla",
    "messages": [
        *said("Is Rex ready?", author="carla"),
        *said("Since noon.", author="sam", start=1),
    ],
}
MORE = {"type": "messages", "customer": "carla", "messages": said("Hm", author="carla", start=2)}


async def tapped(api: ApiStage, who: str = "carla") -> Reply:
    return await api.ask("POST", "/v1/people/carla/conversation", api.token(who), {})


async def write(api: ApiStage, who: str, text: str, talk: str = OWN) -> Reply:
    body = {"client_message_id": text.replace(" ", "-"), "text": text}
    return await api.ask("POST", f"/v1/conversations/{talk}/messages", api.token(who), body)


async def texts(api: ApiStage, who: str = "carla") -> list[tuple[int, int, str]]:
    page = await api.ask("GET", f"{PATH}/messages", api.token(who))
    return [(m["seq"], m["at"], m.get("text", "")) for m in page.json["messages"]]


async def reason(api: ApiStage) -> tuple[str, str]:
    """Of the only record that was refused: code and reason."""
    [refused] = (await api.ask("GET", "/v1/imports/old/refused", api.key())).json["refused"]
    return refused["code"], refused["reason"]


@pytest.mark.parametrize("begun_by", ["", "carla", "sam", "olivia"])
async def test_what_she_writes_next_stands_below_what_was_said_before(
    api: ApiStage, tmp_path: Path, begun_by: str
) -> None:
    await begun(api)
    if begun_by:  # and its actor lives on
        assert (await tapped(api, begun_by)).json["id"] == OWN
    assert counts(await take(api, 1, TALK, MORE)) == (2, 2, 0, 0)
    for who in ("carla", "olivia", *(["sam"] if begun_by == "sam" else [])):
        listed = (await api.ask("GET", "/v1/conversations", api.token(who))).json["conversations"]
        assert [(c["id"], c["unread"]) for c in listed] == [(OWN, 0)], who
    path = f"{PATH}/messages/1/receipts"
    receipts = await api.ask("GET", path, api.token("carla"))
    assert {r["read_at"] for r in receipts.json["receipts"]} == {OLD + 1}
    assert (await tapped(api)).json["id"] == OWN
    went_on = await write(api, "carla", "Here I am")
    assert (went_on.status, went_on.json["seq"]) == (201, 4), went_on.body
    assert await texts(api) == [
        (1, OLD, "Is Rex ready?"),
        (2, OLD + 1, "Since noon."),
        (3, OLD + 2, "Hm"),
        (4, went_on.json["at"], "Here I am"),
    ]
    assert check_file(tmp_path / "deskbell.db") == []


@pytest.mark.parametrize("begun_here", [False, True])
async def test_the_same_again_is_known_and_something_else_is_refused(
    api: ApiStage, begun_here: bool
) -> None:
    await begun(api)
    if begun_here:
        await tapped(api)
    assert counts(await take(api, 1, TALK, TALK, MORE, TALK, MORE)) == (5, 2, 3, 0)
    await write(api, "carla", "Here I am")
    assert counts(await take(api, 6, TALK, MORE)) == (7, 2, 5, 0)
    before = api.stage.node.database.journal.released("pawsome")
    other = {**TALK, "messages": said("Other", author="carla")}
    assert counts(await take(api, 8, other)) == (8, 2, 5, 1)
    code, why = await reason(api)
    assert code == "conflict"
    assert why.startswith("'customer': ")
    assert len(await texts(api)) == 4
    assert api.stage.node.database.journal.released("pawsome") == before


async def test_it_is_placed_and_what_she_writes_next_is_routed(api: ApiStage) -> None:
    north = {"id": "north", "name": "North", "time_zone": "Europe/Rome"}
    await api.ask("POST", "/v1/locations", api.key(), north)
    await begun(api)
    placed = {**TALK, "location": "main", "assignee": "sam"}
    late = {**MORE, "waiting": True}
    assert counts(await take(api, 1, placed, late, placed)) == (3, 2, 1, 0)
    queue = await api.ask("GET", "/v1/locations/main/queue?waiting=true", api.token("sam"))
    assert [(c["id"], c["unread"], c["handling"]) for c in queue.json["conversations"]] == [
        (OWN, 0, {"locations": ["main"], "assignee": "sam", "waiting_since": OLD + 2})
    ]
    await write(api, "carla", "Here I am")
    path = f"{PATH}/messages/4/explanation"
    shown = await api.ask("GET", path, api.token("olivia"))
    assert (shown.json["rule"], shown.json["locations"]) == ("newest_conversation", ["main"])


async def test_nobody_who_is_there_hears_of_it(api: ApiStage, tmp_path: Path) -> None:
    await begun(api)
    before = api.stage.node.database.journal.released("pawsome")
    await tapped(api, "sam")
    async with running_edge(api.stage, api.app) as edge:
        sam, carla = [await edge.welcomed(api.token(who)) for who in ("sam", "carla")]
        await take(api, 1, {**TALK, "location": "main"}, {**MORE, "waiting": True})
        await edge.settled(sam, carla)
        for socket in (sam, carla):
            assert [e for e in socket.events if e["type"] != "pong"] == []
        await write(api, "carla", "Here I am")
        await api.ask("POST", f"{PATH}/receipts", api.token("sam"), {"read_up_to": 4})
    with closing(sqlite3.connect(tmp_path / "deskbell.db", isolation_level=None)) as connection:
        found = webhook_log.read(connection, 1, webhook_log.Stretch(before))
    assert [entry.type for entry in found.entries] == [
        "conversation.created",  # by sam, here
        "message.sent",
        "receipt.advanced",
    ]


@pytest.mark.parametrize(
    ("record", "code", "why"),
    [
        ({**TALK, "customer": "nobody"}, "bad_request", "'customer': there is no person nobody"),
        ({**TALK, "customer": "sam"}, "bad_request", "'customer': sam is no customer"),
        ({**TALK, "customer": "gone"}, "deleted", "erased"),
        ({**MORE, "customer": "gone"}, "deleted", "erased"),
        ({**TALK, "id": OWN}, "bad_request", "'id': "),
        ({"type": "conversation", "messages": said("x")}, "bad_request", "'id': "),
        (
            {"type": "conversation", "id": "x", "messages": said("x", author="carla")},
            "bad_request",
            "'people': ",
        ),
        ({**MORE, "id": OWN}, "bad_request", "'id': "),
        ({"type": "messages", "id": OWN, "messages": said("x", author="carla")}, "conflict", ""),
        ({**TALK, "id": "old-9", "customer": "carla"}, "bad_request", "'id': "),
        ({**TALK, "title": "Rex"}, "bad_request", "'title': "),
        ({**TALK, "people": ["nobody"]}, "bad_request", "'people': "),
        ({**TALK, "location": "nowhere"}, "bad_request", "'location': "),
        ({**TALK, "messages": []}, "bad_request", "'messages': "),
        (MORE, "conflict", "'customer': nothing of this conversation was imported"),
    ],
)
async def test_what_is_refused_is_told_with_its_reason(
    api: ApiStage, record: object, code: str, why: str
) -> None:
    gone = {"id": "gone", "name": "Gone", "role": "customer"}
    await api.ask("POST", "/v1/people", api.key(), gone)
    await api.ask("POST", "/v1/people/gone/erase", api.key(), {})
    await begun(api)
    assert counts(await take(api, 1, record, TALK)) == (2, 1, 0, 1)
    [(_, kind, named, _)] = await reasons(api)
    assert isinstance(record, dict)
    assert (kind, named) == (record["type"], record.get("id", record.get("customer", "")))
    found, reason_ = await reason(api)
    assert (found, why in reason_) == (code, True), (found, reason_)


WRITTEN = ("POST", f"{PATH}/messages", "carla", {"client_message_id": "x", "text": "Hello"})
ENTERED = ("POST", "/v1/people/carla/conversation", "sam", {})
ASSIGNED = (
    "POST",
    f"{PATH}/handling",
    "olivia",
    {"action": "assign", "person": "olivia"},
)


@pytest.mark.parametrize(
    ("happened", "record", "why"),
    [
        (WRITTEN, TALK, "has happened in it here since"),
        (ENTERED, TALK, "has happened in it here since"),
        (ASSIGNED, {**TALK, "location": "main"}, "deals with it already"),
        (None, {**TALK, "people": ["sam"]}, "already, without sam"),
    ],
)
async def test_nothing_comes_above_what_has_happened_here(
    api: ApiStage, happened: Any, record: object, why: str
) -> None:
    await tapped(api)
    if happened is not None:
        method, path, who, body = happened
        assert (await api.ask(method, path, api.token(who), body)).status in (200, 201)
    before = await texts(api)
    await begun(api)
    assert counts(await take(api, 1, record)) == (1, 0, 0, 1)
    code, reason_ = await reason(api)
    assert (code in ("conflict", "bad_request"), why in reason_) == (True, True), reason_
    assert await texts(api) == before


async def test_nothing_comes_between_what_was_imported_and_what_was_said_since(
    api: ApiStage,
) -> None:
    await begun(api)
    await take(api, 1, TALK)
    await write(api, "carla", "Here I am")
    assert counts(await take(api, 2, MORE)) == (2, 1, 0, 1)
    assert (await reason(api))[0] == "conflict"
    assert [text for _, _, text in await texts(api)] == [
        "Is Rex ready?",
        "Since noon.",
        "Here I am",
    ]


async def test_a_conversation_that_somebody_has_open_goes_on_below_what_is_imported(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    people = {"id": "old-1", "people": ["carla", "sam"]}
    talk = {"type": "conversation", **people, "messages": said("Hello", author="carla")}
    refused = await write(api, "carla", "Too early", "old-1")
    assert refused.status == 404, "nobody has imported it yet"
    await take(api, 1, talk)
    receipt = {"read_up_to": 1}
    await api.ask("POST", "/v1/conversations/old-1/receipts", api.token("sam"), receipt)
    more = {"type": "messages", "id": "old-1", "messages": said("Yes", author="sam", start=1)}
    assert counts(await take(api, 2, more)) == (2, 2, 0, 0)
    went_on = await write(api, "carla", "Here I am", "old-1")
    assert (went_on.status, went_on.json["seq"]) == (201, 3), went_on.body
    assert check_file(tmp_path / "deskbell.db") == []


async def test_what_somebody_reads_here_does_not_make_what_follows_too_old(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, {**TALK, "location": "main"})
    zoe = {"id": "zoe", "name": "Zoe", "role": "staff", "locations": ["main"]}
    await api.ask("POST", "/v1/people", api.key(), zoe)
    read = await api.ask("POST", f"{PATH}/receipts", api.token("zoe"), {"read_up_to": 2})
    assert read.json["revision"] > 0
    assert counts(await take(api, 2, MORE)) == (2, 2, 0, 0)
    older = {**MORE, "messages": said("Too old", author="carla", start=1)}
    older["messages"][0]["id"] = "another"
    assert counts(await take(api, 3, older)) == (3, 2, 0, 1)
    assert "the oldest comes first" in (await reason(api))[1]


async def test_a_receipt_on_its_way_does_not_make_unread_what_is_imported(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    await take(api, 1, {**TALK, "location": "main"})
    zoe = {"id": "zoe", "name": "Zoe", "role": "staff", "locations": ["main"]}
    await api.ask("POST", "/v1/people", api.key(), zoe)
    live = await api.stage.node.live("pawsome")
    assert live is not None
    read = AdvanceReceipt(Speaker("zoe", "Zoe", Role.STAFF, "d"), 2, 2)
    more = (ImportedMessage("m2", "carla", "Hm", OLD + 2),)
    talk = ImportedConversation(OWN, "", (), more, goes_on=True, customer="carla")
    live.conversations.tell(OWN, read)
    assert isinstance(await live.conversations.ask(OWN, Import(talk), 5.0), Done)
    listed = (await api.ask("GET", "/v1/conversations", api.token("zoe"))).json["conversations"]
    assert [(c["id"], c["unread"]) for c in listed] == [(OWN, 0)]
    assert check_file(tmp_path / "deskbell.db") == []


@pytest.mark.requirement("EX-21")
async def test_what_was_imported_goes_with_who_said_it(api: ApiStage, tmp_path: Path) -> None:
    await begun(api)
    await take(api, 1, TALK, MORE)
    assert await texts(api, "olivia")
    erased = await api.ask("POST", "/v1/people/carla/erase", api.key(), {})
    assert erased.json["state"] == "erased"
    assert [text for _, _, text in await texts(api, "olivia")] == ["", "Since noon.", ""]
    assert counts(await take(api, 3, TALK, MORE)) == (4, 2, 0, 2)
    assert {code for *_, code in await reasons(api)} == {"deleted"}
