"""What a business knows from before comes in with its times, and nobody is woken."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.explaining import IMPORTED, IMPORTED_NOWHERE
from storage import webhook_log
from storage.check import check_file
from tests.fixtures.api import ApiStage, Reply
from tests.fixtures.websockets import running_edge

pytestmark = pytest.mark.requirement("EX-41")

OLD = 1_600_000_000_000
NINA = {"type": "person", "id": "nina", "name": "Nina Fox", "role": "customer"}
BOOKED = {
    "type": "appointment",
    "id": "a1",
    "customer": "nina",
    "location": "main",
    "start": OLD,
    "end": OLD + 1,
    "status": "completed",
}


def said(*texts: str, author: str = "nina", start: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"m{n}", "author": author, "text": text, "at": OLD + n}
        for n, text in enumerate(texts, start=start)
    ]


TALK = {
    "type": "conversation",
    "id": "old-1",
    "title": "Rex",
    "people": ["nina", "sam", "olivia"],
    "messages": said("Hello", "Is anybody there?"),
}


async def begun(api: ApiStage) -> None:
    begin = await api.ask("POST", "/v1/imports", api.key(), {"id": "old"})
    assert begin.status == 201


async def take(api: ApiStage, first: int, *records: object) -> Reply:
    body = {"first": first, "records": records}
    return await api.ask("POST", "/v1/imports/old/records", api.key(), body)


def counts(reply: Reply) -> tuple[int, int, int, int]:
    assert reply.status == 200, reply.body
    shown = reply.json
    return shown["records"], shown["stored"], shown["known"], shown["refused"]


async def reasons(api: ApiStage) -> list[tuple[int, str, str, str]]:
    shown = await api.ask("GET", "/v1/imports/old/refused", api.key())
    return [(r["number"], r["kind"], r["record"], r["code"]) for r in shown.json["refused"]]


async def test_people_appointments_and_conversations_come_with_their_times(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    assert counts(await take(api, 1, NINA, BOOKED, TALK)) == (3, 3, 0, 0)
    sam = api.token("sam")
    listed = (await api.ask("GET", "/v1/conversations", sam)).json["conversations"]
    assert [(c["id"], c["title"], c["unread"]) for c in listed] == [("old-1", "Rex", 0)]
    page = await api.ask("GET", "/v1/conversations/old-1/messages", api.token("nina"))
    assert [(m["seq"], m["at"], m["author"], m["text"]) for m in page.json["messages"]] == [
        (1, OLD, "nina", "Hello"),
        (2, OLD + 1, "nina", "Is anybody there?"),
    ]
    for who in ("sam", "nina", "olivia"):
        listed = (await api.ask("GET", "/v1/conversations", api.token(who))).json["conversations"]
        assert [c["unread"] for c in listed] == [0], who
    path = "/v1/conversations/old-1/messages/1/receipts"
    receipts = await api.ask("GET", path, api.token("nina"))
    assert {r["read_at"] for r in receipts.json["receipts"]} == {OLD + 1}
    assert (await api.ask("GET", "/v1/appointments/a1", api.token("nina"))).status == 200
    sent = {"client_message_id": "x", "text": "Here I am"}
    went_on = await api.ask("POST", "/v1/conversations/old-1/messages", sam, sent)
    assert went_on.json["seq"] == 3
    assert check_file(tmp_path / "deskbell.db") == []


async def test_a_part_that_was_not_answered_is_sent_again(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, NINA, TALK)
    before = api.stage.node.database.journal.released("pawsome")
    assert counts(await take(api, 1, NINA, TALK)) == (2, 2, 0, 0), "passed over"
    assert counts(await take(api, 2, TALK, NINA, TALK)) == (4, 2, 2, 0), "known by their ids"
    assert api.stage.node.database.journal.released("pawsome") == before
    gap = await take(api, 6, NINA)
    assert (gap.status, gap.code) == (409, "conflict")
    await begun(api)
    shown = await api.ask("GET", "/v1/imports/old", api.key())
    assert counts(shown) == (4, 2, 2, 0)


async def test_a_long_conversation_comes_in_parts(api: ApiStage, tmp_path: Path) -> None:
    await begun(api)
    more = {"type": "messages", "id": "old-1", "messages": said("Yes", author="sam", start=2)}
    assert counts(await take(api, 1, NINA, TALK, more, more)) == (4, 3, 1, 0)
    page = await api.ask("GET", "/v1/conversations/old-1/messages", api.token("sam"))
    assert [m["text"] for m in page.json["messages"]] == ["Hello", "Is anybody there?", "Yes"]
    sent = {"client_message_id": "x", "text": "New"}
    await api.ask("POST", "/v1/conversations/old-1/messages", api.token("sam"), sent)
    late = {"type": "messages", "id": "old-1", "messages": said("Late", start=5)}
    assert counts(await take(api, 5, late)) == (5, 3, 1, 1)
    assert await reasons(api) == [(5, "messages", "old-1", "conflict")]
    assert check_file(tmp_path / "deskbell.db") == []


FRESH = {**TALK, "id": "old-3"}
SKIPPED = {"date": "2026-03-29", "time": "02:30"}
UNSAID = {**FRESH, "messages": said("New", start=50)}
CLOSED = {"location": "main", "closed": True}
NEVER = 3_000_000_000_000
LATER = said("From the future")
LATER[0]["at"] = 3_000_000_000_000


@pytest.mark.parametrize(
    ("record", "kind", "code"),
    [
        (7, "", "bad_request"),
        ({}, "", "bad_request"),
        ({"type": "invoice", "id": "i1"}, "invoice", "bad_request"),
        ({**NINA, "id": "a/b"}, "person", "bad_request"),
        ({"type": "person", "name": "N", "role": "customer"}, "person", "bad_request"),
        ({**NINA, "id": "sam"}, "person", "conflict"),
        ({**NINA, "id": "x", "locations": ["nowhere"]}, "person", "bad_request"),
        ({**NINA, "id": "x", "contact": {"phones": ["1"]}}, "person", "bad_request"),
        ({**NINA, "id": "x", "role": "staff", "blocked": True}, "person", "bad_request"),
        ({**BOOKED, "customer": "nobody"}, "appointment", "bad_request"),
        ({**BOOKED, "start": SKIPPED}, "appointment", "bad_request"),
        ({**FRESH, "people": ["nobody"]}, "conversation", "bad_request"),
        ({**FRESH, "messages": []}, "conversation", "bad_request"),
        ({**FRESH, "messages": said("x", author="nobody")}, "conversation", "bad_request"),
        ({**FRESH, "messages": said("x", author="carla")}, "conversation", "bad_request"),
        ({**FRESH, "messages": said("")}, "conversation", "bad_request"),
        ({**FRESH, "messages": LATER}, "conversation", "bad_request"),
        ({**FRESH, "messages": said("a", "b")[::-1]}, "conversation", "bad_request"),
        ({**FRESH, "messages": said("a") * 2}, "conversation", "bad_request"),
        ({**TALK, "id": "direct.abc"}, "conversation", "bad_request"),
        ({**TALK, "id": "old-2"}, "conversation", "conflict"),
        ({**TALK, "title": "Other"}, "conversation", "conflict"),
        ({**UNSAID, "id": "customer.abc"}, "conversation", "bad_request"),
        ({**UNSAID, "location": "nowhere"}, "conversation", "bad_request"),
        ({**UNSAID, "location": "main", "people": ["sam"]}, "conversation", "bad_request"),
        ({**UNSAID, "location": "main", "assignee": "nina"}, "conversation", "bad_request"),
        ({**UNSAID, "location": "main", "assignee": "nobody"}, "conversation", "bad_request"),
        ({**UNSAID, "location": "main", "snoozed_until": NEVER}, "conversation", "bad_request"),
        ({**UNSAID, **CLOSED, "snoozed_until": 1}, "conversation", "bad_request"),
        ({**UNSAID, **CLOSED, "waiting": True}, "conversation", "bad_request"),
        ({**UNSAID, "closed": True}, "conversation", "bad_request"),
        ({**UNSAID, "assignee": "sam"}, "conversation", "bad_request"),
        ({**TALK, "location": "main"}, "conversation", "conflict"),
        ({"type": "messages", "id": "live", "messages": said("x")}, "messages", "conflict"),
        ({"type": "messages", "id": "old-1", "messages": []}, "messages", "bad_request"),
    ],
)
async def test_what_is_refused_is_told_and_stops_nothing(
    api: ApiStage, record: object, kind: str, code: str
) -> None:
    await begun(api)
    live = {"kind": "group", "people": ["sam"], "id": "live"}
    await api.ask("POST", "/v1/conversations", api.token("carla"), live)
    after = {**NINA, "id": "after"}
    assert counts(await take(api, 1, NINA, TALK, record, after)) == (4, 3, 0, 1)
    assert [(number, k, c) for number, k, _, c in await reasons(api)] == [(3, kind, code)]


async def test_what_is_no_name_is_called_nothing(api: ApiStage) -> None:
    """A number that should have been a text is: it tells which record that was."""
    await begun(api)
    kinds = [{**NINA, "type": each} for each in (None, ["person"], {"person": 1})]
    ids = [{**NINA, "id": each} for each in (None, [], 17)]
    await take(api, 1, *kinds, *ids)
    assert [(kind, id_) for _, kind, id_, _ in await reasons(api)] == [
        *[("", "nina")] * 3,
        ("person", ""),
        ("person", ""),
        ("person", "17"),
    ]
    shown = await api.ask("GET", "/v1/imports/old/refused", api.key())
    assert [each["reason"] for each in shown.json["refused"][:3]] == [
        "'type': expected text, got null.",
        "'type': expected text, got a list.",
        "'type': expected text, got an object.",
    ]


async def test_a_customer_who_says_something_is_in_it(api: ApiStage) -> None:
    """From the beginning, later, and in another customer's own; of the team anybody may."""
    await begun(api)
    words = [*said("Hello"), *said("Me, too", author="carla", start=1)]
    more = {"type": "messages", "id": "old-1", "messages": said("And I", author="carla", start=9)}
    own = {"type": "conversation", "customer": "nina", "messages": words}
    records = NINA, {**TALK, "messages": words}, TALK, more, own
    assert counts(await take(api, 1, *records)) == (5, 2, 0, 3)
    shown = await api.ask("GET", "/v1/imports/old/refused", api.key())
    why = "carla is a customer who is not in it."
    assert [each["reason"] for each in shown.json["refused"]] == [
        f"'messages[1].author': {why} Name them in 'people'.",
        f"'messages[0].author': {why}",
        f"'messages[1].author': {why} Name them in 'people'.",
    ]
    both = {**TALK, "id": "old-2", "people": ["nina", "carla"]}
    both["messages"] = [
        {"id": f"b{n}", "author": author, "text": "Hi", "at": OLD + n}
        for n, author in enumerate(("nina", "carla", "sam", "max"))
    ]
    assert counts(await take(api, 6, both)) == (6, 3, 0, 3)


PLACED = {
    **TALK,
    "people": ["nina"],
    "messages": [
        *said("Hello"),
        *said("Hi!", author="sam", start=1),
        *said("So?", "Now?", start=2),
    ],
    "location": "main",
    "waiting": True,
}


@pytest.mark.requirement("EX-23")
async def test_a_conversation_comes_to_the_location_where_it_is_dealt_with(
    api: ApiStage, tmp_path: Path
) -> None:
    key = api.key()
    north = {"id": "north", "name": "North", "time_zone": "Europe/Rome"}
    await api.ask("POST", "/v1/locations", key, north)
    zoe = {"id": "zoe", "name": "Zoe", "role": "staff", "locations": ["north"]}
    await api.ask("POST", "/v1/people", key, zoe)
    until = api.stage.clock() + 1_000_000
    await begun(api)
    records = (
        PLACED,
        {**PLACED, "id": "old-2", "messages": said("a", start=10), "assignee": "sam"},
        {**TALK, "id": "old-3", "messages": said("b", start=20), **CLOSED},
        {
            **TALK,
            "id": "old-4",
            "messages": said("c", start=30),
            "location": "main",
            "snoozed_until": until,
        },
        {
            **TALK,
            "id": "old-5",
            "messages": said("d", start=40),
            "location": "main",
            "snoozed_until": OLD,
        },
    )
    assert counts(await take(api, 1, NINA, *records)) == (6, 6, 0, 0)
    assert counts(await take(api, 7, *records)) == (11, 6, 5, 0)
    listed = (await api.ask("GET", "/v1/conversations", api.token("sam"))).json["conversations"]
    shown = {c["id"]: (c["unread"], c["handling"]) for c in listed}
    assert {unread for unread, _ in shown.values()} == {0}
    assert {tuple(handling["locations"]) for _, handling in shown.values()} == {("main",)}
    assert {id_: handling.get("status", "open") for id_, (_, handling) in shown.items()} == {
        "old-1": "open",
        "old-2": "open",
        "old-3": "closed",
        "old-4": "snoozed",
        "old-5": "open",
    }
    assert shown["old-1"][1] == {"locations": ["main"], "waiting_since": OLD + 2}
    assert "waiting_since" not in shown["old-3"][1]
    assert shown["old-2"][1]["assignee"] == "sam"
    assert shown["old-4"][1]["snoozed_until"] == until
    queue = await api.ask("GET", "/v1/locations/main/queue?waiting=true", api.token("sam"))
    assert [c["id"] for c in queue.json["conversations"]] == ["old-1", "old-2"]
    elsewhere = await api.ask("GET", "/v1/conversations", api.token("zoe"))
    assert elsewhere.json["conversations"] == [], "she works at another location"
    assert check_file(tmp_path / "deskbell.db") == []


async def test_who_answers_what_was_imported_claims_it(api: ApiStage, tmp_path: Path) -> None:
    await begun(api)
    more = {"type": "messages", "id": "old-1", "messages": said("Hm?", start=4), "waiting": True}
    assert counts(await take(api, 1, NINA, PLACED, more)) == (3, 3, 0, 0)
    sent = {"client_message_id": "x", "text": "Here I am"}
    talk = "/v1/conversations/old-1"
    assert (await api.ask("GET", talk, api.token("sam"))).json["handling"][
        "waiting_since"
    ] == OLD + 2
    went_on = await api.ask("POST", f"{talk}/messages", api.token("sam"), sent)
    assert went_on.status == 201, went_on.body
    handling = (await api.ask("GET", talk, api.token("sam"))).json["handling"]
    assert handling == {"locations": ["main"], "assignee": "sam"}
    back = {"client_message_id": "y", "text": "At last"}
    await api.ask("POST", f"{talk}/messages", api.token("nina"), back)
    handling = (await api.ask("GET", talk, api.token("sam"))).json["handling"]
    assert handling["locations"] == ["main"], "she is at home nowhere, so it stays where it is"
    assert check_file(tmp_path / "deskbell.db") == []


@pytest.mark.requirement("C-27", "EX-41")
async def test_why_an_imported_message_is_where_it_is(api: ApiStage) -> None:
    """Where the import placed it: of the team's words, too, and wherever it has gone since."""
    for place in ("north", "south"):
        body = {"id": place, "name": place, "time_zone": "Europe/Rome"}
        await api.ask("POST", "/v1/locations", api.key(), body)
    await begun(api)
    more = {"type": "messages", "id": "old-1", "messages": said("More", start=9)}
    nowhere = {**UNSAID, "id": "old-2"}
    assert counts(await take(api, 1, NINA, PLACED, nowhere)) == (3, 3, 0, 0)
    handling = "/v1/conversations/old-1/handling"
    moved = {"action": "transfer", "location": "north"}
    assert (await api.ask("POST", handling, api.token("olivia"), moved)).status == 200
    assert counts(await take(api, 4, more)) == (4, 4, 0, 0)
    moved = {"action": "transfer", "location": "south"}
    assert (await api.ask("POST", handling, api.token("olivia"), moved)).status == 200
    new = {"client_message_id": "x", "text": "And now?"}
    sent = await api.ask("POST", "/v1/conversations/old-1/messages", api.token("nina"), new)
    assert sent.status == 201

    async def explained(conversation: str, seq: int) -> tuple[str, list[str], str]:
        path = f"/v1/conversations/{conversation}/messages/{seq}/explanation"
        why = (await api.ask("GET", path, api.token("olivia"))).json
        return why["rule"], why["locations"], why["sentence"]

    for seq, place in ((1, "main"), (2, "main"), (4, "main"), (5, "north")):
        assert await explained("old-1", seq) == ("", [place], IMPORTED), seq
    rule, locations, _ = await explained("old-1", 6)
    assert (rule, locations) == ("transfer", ["south"])
    assert await explained("old-2", 1) == ("", [], IMPORTED_NOWHERE)


async def test_no_alert_is_given_for_what_waited_elsewhere(api: ApiStage) -> None:
    change = {"alert_minutes": 1}
    assert (await api.ask("PATCH", "/v1/locations/main", api.key(), change)).status == 200
    await begun(api)
    more = {"type": "messages", "id": "old-1", "messages": said("Hm?", start=4), "waiting": True}
    await take(api, 1, NINA, PLACED, more)
    due = await api.stage.node.queries.due_alerts(api.stage.clock(), (), 10, 10)
    assert due.found == ()


async def test_nobody_who_is_there_hears_of_it_until_it_is_finished(api: ApiStage) -> None:
    await begun(api)
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(api.token("sam"))
        await take(api, 1, NINA, TALK)
        await edge.settled(socket)
        assert [e for e in socket.events if e["type"] != "pong"] == []
        finished = await api.ask("POST", "/v1/imports/old/finish", api.key())
        assert finished.json["finished_at"] > 0
        assert (await socket.closed()).code == 4010
    again = await api.ask("POST", "/v1/imports/old/finish", api.key())
    assert again.json == finished.json
    assert (await take(api, 3, NINA)).status == 409


@pytest.mark.parametrize("talk", [TALK, {**TALK, "location": "main", "waiting": True}])
async def test_webhooks_are_not_told_of_it(
    api: ApiStage, tmp_path: Path, talk: dict[str, Any]
) -> None:
    await begun(api)
    more = {"type": "messages", "id": "old-1", "messages": said("Yes", author="sam", start=2)}
    before = api.stage.node.database.journal.released("pawsome")
    await take(api, 1, talk, NINA, talk, more)
    sent = {"client_message_id": "x", "text": "New"}
    path = "/v1/conversations/old-1"
    await api.ask("POST", f"{path}/messages", api.token("sam"), sent)
    await api.ask("POST", f"{path}/receipts", api.token("nina"), {"read_up_to": 4})
    with closing(sqlite3.connect(tmp_path / "deskbell.db", isolation_level=None)) as connection:
        found = webhook_log.read(connection, 1, webhook_log.Stretch(before))
    assert sorted(entry.type for entry in found.entries) == [
        "message.sent",
        "person.changed",
        "receipt.advanced",
    ]


async def test_the_report_has_pages(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, *range(5))
    first = await api.ask("GET", "/v1/imports/old/refused?limit=3", api.key())
    assert [r["number"] for r in first.json["refused"]] == [1, 2, 3]
    rest = await api.ask("GET", f"/v1/imports/old/refused?after={first.json['next']}", api.key())
    assert [r["number"] for r in rest.json["refused"]] == [4, 5]
    assert "next" not in rest.json


async def test_what_cannot_be_asked(api: ApiStage) -> None:
    for method, path in (
        ("GET", "/v1/imports/nothing"),
        ("GET", "/v1/imports/nothing/refused"),
        ("POST", "/v1/imports/nothing/finish"),
    ):
        assert (await api.ask(method, path, api.key())).status == 404
    await begun(api)
    for body in (
        {"first": 0, "records": [NINA]},
        {"first": 1, "records": []},
        {"first": 1, "records": [NINA] * 1001},
        {"first": 1, "records": NINA},
        {"records": [NINA]},
    ):
        refused = await api.ask("POST", "/v1/imports/old/records", api.key(), body)
        assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.requirement("EX-41")
@pytest.mark.parametrize("at", [0, OLD // 1000])
async def test_a_time_in_seconds_is_refused(api: ApiStage, at: int) -> None:
    await begun(api)
    await take(api, 1, NINA, {**TALK, "messages": [{**said("Hello")[0], "at": at}]})
    shown = (await api.ask("GET", "/v1/imports/old/refused", api.key())).json["refused"]
    assert "milliseconds since 1970" in shown[0]["reason"]
    booked = {**BOOKED, "start": at}
    del booked["type"], booked["id"]
    refused = await api.ask("PUT", "/v1/appointments/seconds", api.key(), booked)
    assert (refused.status, "milliseconds since 1970" in refused.json["detail"]) == (400, True)


async def test_a_reason_is_short_whatever_was_given(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, {"type": "x" * 200_000})
    shown = (await api.ask("GET", "/v1/imports/old/refused", api.key())).json["refused"]
    assert len(shown[0]["reason"]) < 600
