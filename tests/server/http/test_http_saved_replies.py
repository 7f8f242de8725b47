"""Saved replies over HTTP: kept by leaders, rendered by the team, never sent with a gap (EX-27)."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain import saved_replies as rules
from domain.saved_replies import SAVED_REPLY_BYTES
from server.settings import Settings
from storage.database import FILE_NAME
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.node import running_node

pytestmark = pytest.mark.requirement("EX-27")

READY = {
    "id": "ready",
    "title": "Ready",
    "text": "Hi {customer.first_name}, all done. {staff.name}, {business.name}",
    "location": "",
}
VARIABLES = ["customer.first_name", "staff.name", "business.name"]


async def save(api: ApiStage, text: str, **more: str) -> None:
    body = {**READY, "text": text, **more}
    added = await api.ask("POST", "/v1/saved-replies", api.key(), body)
    assert added.status == 201, added.body


async def converse(api: ApiStage, *people: str) -> str:
    body = {"kind": "group", "people": people, "id": "rex"}
    made = await api.ask("POST", "/v1/conversations", api.token("sam"), body)
    assert made.status == 201
    return "/v1/conversations/rex"


async def test_one_is_saved_shown_listed_changed_and_deleted(api: ApiStage) -> None:
    added = await api.ask("POST", "/v1/saved-replies", api.token("max"), READY)
    shown = {**READY, "variables": VARIABLES, "attachments": []}
    assert (added.status, added.json) == (201, shown)
    path = "/v1/saved-replies/ready"
    assert (await api.ask("GET", path, api.token("sam"))).json == shown
    changed = await api.ask("PATCH", path, api.key(), {"text": "All done!", "location": "main"})
    shown |= {"text": "All done!", "location": "main", "variables": []}
    assert (changed.status, changed.json) == (200, shown)
    listed = await api.ask("GET", "/v1/saved-replies", api.token("sam"))
    assert listed.json == {"saved_replies": [shown]}
    deleted = await api.ask("DELETE", path, api.token("olivia"))
    assert deleted.status == 200
    assert deleted.json["revision"] == api.stage.node.database.journal.released("pawsome")
    for method in ("GET", "DELETE"):
        assert (await api.ask(method, path, api.key())).code == "not_found"
    assert (await api.ask("GET", "/v1/saved-replies", api.key())).json == {"saved_replies": []}


async def test_each_change_is_in_the_audit_without_its_text(api: ApiStage, tmp_path: Path) -> None:
    await api.ask("POST", "/v1/saved-replies", api.token("max"), {**READY, "location": "main"})
    await api.ask("DELETE", "/v1/saved-replies/ready", api.key())
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        found = connection.execute(
            "SELECT author, kind, detail FROM audit ORDER BY revision DESC LIMIT 2"
        ).fetchall()
    told = [(by.split("/")[0], kind, json.loads(detail)) for by, kind, detail in reversed(found)]
    assert told == [
        ("max", "saved_reply_changed", {"reply": "ready", "location": "main"}),
        ("@key", "saved_reply_deleted", {"reply": "ready"}),
    ]


async def test_the_same_again_is_no_error_and_no_change(api: ApiStage) -> None:
    first = await api.ask("POST", "/v1/saved-replies", api.key(), READY)
    before = api.stage.node.database.journal.released("pawsome")
    again = await api.ask("POST", "/v1/saved-replies", api.key(), READY)
    assert (again.status, again.json) == (201, first.json)
    other = await api.ask("POST", "/v1/saved-replies", api.key(), {**READY, "title": "Other"})
    assert (other.status, other.code) == (409, "conflict")
    assert api.stage.node.database.journal.released("pawsome") == before


async def test_without_an_id_it_gets_one(api: ApiStage) -> None:
    added = await api.ask("POST", "/v1/saved-replies", api.key(), {"title": "Hi", "text": "Hi"})
    shown = await api.ask("GET", f"/v1/saved-replies/{added.json['id']}", api.key())
    assert shown.json == added.json


async def test_a_list_comes_in_pages_and_by_location(api: ApiStage) -> None:
    for n in range(5):
        await save(api, "Hi", id=f"r{n}", location="main" if n % 2 else "")
    await api.ask(
        "POST", "/v1/locations", api.key(), {"id": "uptown", "name": "Up", "time_zone": "UTC"}
    )
    await save(api, "Hi", id="r5", location="uptown")

    async def ids(query: str) -> tuple[list[str], str | None]:
        listed = await api.ask("GET", f"/v1/saved-replies?{query}", api.token("sam"))
        return [each["id"] for each in listed.json["saved_replies"]], listed.json.get("next")

    assert await ids("limit=4") == (["r0", "r1", "r2", "r3"], "r3")
    assert await ids("limit=4&after=r3") == (["r4", "r5"], None)
    assert await ids("location=uptown") == (["r0", "r2", "r4", "r5"], None)
    assert await ids("location=main&limit=0") == (["r0"], "r0")
    assert await ids("location=nowhere") == (["r0", "r2", "r4"], None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "Hi {customer.email}"},
        {"text": "Hi {{customer.name}}"},
        {"text": "Hi {"},
        {"text": ""},
        {"text": None},
        {"title": "a\nb"},
        {"location": "nowhere"},
        {"location": "no where"},
        {"location": None},
        {"id": ""},
        {"texts": "Hi"},
    ],
)
async def test_what_cannot_be_saved(api: ApiStage, wrong: dict[str, object]) -> None:
    refused = await api.ask("POST", "/v1/saved-replies", api.key(), {**READY, **wrong})
    assert (refused.status, refused.code) == (400, "bad_request")
    await api.ask("POST", "/v1/saved-replies", api.key(), READY)
    before = api.stage.node.database.journal.released("pawsome")
    refused = await api.ask("PATCH", "/v1/saved-replies/ready", api.key(), wrong)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert api.stage.node.database.journal.released("pawsome") == before


async def test_a_text_that_is_too_long(api: ApiStage) -> None:
    await save(api, "x" * SAVED_REPLY_BYTES)
    long = {"text": "x" * (SAVED_REPLY_BYTES + 1)}
    refused = await api.ask("PATCH", "/v1/saved-replies/ready", api.key(), long)
    assert (refused.status, refused.code) == (413, "too_large")


async def test_a_business_has_only_so_many(api: ApiStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SAVED_REPLIES_MAX", 2)
    for n in range(2):
        await save(api, "Hi", id=f"r{n}")
    refused = await api.ask("POST", "/v1/saved-replies", api.key(), {**READY, "id": "r2"})
    assert (refused.status, refused.code) == (413, "too_large")
    changed = await api.ask("PATCH", "/v1/saved-replies/r1", api.key(), {"text": "Ho"})
    assert changed.status == 200
    assert (await api.ask("DELETE", "/v1/saved-replies/r0", api.key())).status == 200
    await save(api, "Hi", id="r2")


async def test_who_may(api: ApiStage) -> None:
    await save(api, "Hi")
    for person, reads, writes in (("carla", 403, 403), ("sam", 200, 403), ("max", 200, 200)):
        token = api.token(person)
        for path in ("/v1/saved-replies", "/v1/saved-replies/ready"):
            assert (await api.ask("GET", path, token)).status == reads
        change = await api.ask("PATCH", "/v1/saved-replies/ready", token, {"title": "Ready"})
        assert change.status == writes


async def test_another_business_has_its_own(api: ApiStage) -> None:
    await api.stage.add_business("barkley", {})
    await save(api, "Hi")
    theirs = await api.ask("GET", "/v1/saved-replies/ready", api.key("barkley"))
    nothing = await api.ask("GET", "/v1/saved-replies/nothing", api.key("barkley"))
    assert theirs.status == 404
    assert theirs.body == nothing.body
    added = await api.ask("POST", "/v1/saved-replies", api.key("barkley"), READY)
    assert added.status == 201


async def test_replies_outlive_a_restart(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await save(api, READY["text"])
    async with running_node(tmp_path):  # it opens what is there
        pass
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        stored = connection.execute("SELECT id, location, title, text FROM saved_reply").fetchall()
    assert stored == [("ready", "", "Ready", READY["text"])]


# --- Rendering and sending ------------------------------------------------------------------------


async def rendered(api: ApiStage, person: str = "sam") -> tuple[int, str]:
    """The status, and the text or what is wrong."""
    reply = await api.ask(
        "POST", "/v1/conversations/rex/render", api.token(person), {"saved_reply": "ready"}
    )
    return reply.status, reply.json.get("text") or reply.json["detail"]


async def test_a_reply_is_rendered_with_what_is_true_there(api: ApiStage) -> None:
    await converse(api, "carla")
    await api.ask("PATCH", "/v1/people/carla", api.key(), {"name": "Carla {staff.name} Vega"})
    text = "Hi {customer.first_name}! {{{customer.name}} {staff.name} {business.name}"
    await save(api, text + " {location.name}", location="main")
    assert await rendered(api) == (200, "Hi Carla! {Carla {staff.name} Vega} Sam Pawsome Main")
    assert "Olivia" in (await rendered(api, "olivia"))[1], "it is who writes"


@pytest.mark.parametrize(
    ("people", "text", "why"),
    [
        (["carla"], "{appointment.start}", "no appointment"),
        (["carla"], "{appointment.title}", "no appointment"),
        (["carla"], "{location.name}", "no location"),
        (["max"], "Hi {customer.name}", "exactly one customer"),
        (["carla", "mia"], "Hi {customer.first_name}", "exactly one customer"),
    ],
)
async def test_a_variable_without_a_value_refuses(
    api: ApiStage, people: list[str], text: str, why: str
) -> None:
    await converse(api, *people)
    await save(api, text)
    reply = await api.ask(
        "POST", "/v1/conversations/rex/render", api.token("sam"), {"saved_reply": "ready"}
    )
    assert (reply.status, reply.code) == (409, "unresolved_variable")
    assert why in reply.json["detail"]
    assert text.removeprefix("Hi ") in reply.json["detail"]


async def test_the_next_appointment_and_the_place_are_those_of_the_customer(api: ApiStage) -> None:
    await converse(api, "carla")
    for id_, date, status in (
        ("gone", "2026-06-19", "completed"),
        ("off", "2027-06-18", "cancelled"),
        ("next", "2027-06-19", "confirmed"),
        ("later", "2027-06-20", "confirmed"),
    ):
        visit = {
            "customer": "carla",
            "location": "main",
            "start": {"date": date, "time": "14:30"},
            "end": {"date": date, "time": "15:00"},
            "status": status,
            "title": f"Rex, {id_}",
        }
        assert (await api.ask("PUT", f"/v1/appointments/{id_}", api.key(), visit)).status == 200
    said = {"client_message_id": "1", "text": "When?"}
    await api.ask("POST", "/v1/conversations/rex/messages", api.token("carla"), said)
    await save(api, "{appointment.title}: {appointment.start}, {location.name}")
    assert await rendered(api) == (200, "Rex, next: 2027-06-19 14:30, Main")


async def test_a_customer_who_was_let_go_is_not_meant(api: ApiStage) -> None:
    await converse(api, "carla", "mia")
    await save(api, "Hi {customer.name}")
    await api.ask("PATCH", "/v1/people/mia", api.key(), {"active": False})
    assert await rendered(api) == (200, "Hi Carla")


async def test_what_is_not_there_or_not_theirs_cannot_be_rendered(api: ApiStage) -> None:
    path = await converse(api, "carla")
    await save(api, "Hi")
    unknown = await api.ask("POST", f"{path}/render", api.token("sam"), {"saved_reply": "other"})
    stranger = await api.ask("POST", f"{path}/render", api.token("max"), {"saved_reply": "ready"})
    nowhere = await api.ask(
        "POST", "/v1/conversations/no/render", api.token("sam"), {"saved_reply": "ready"}
    )
    assert [each.status for each in (unknown, stranger, nowhere)] == [404, 404, 404]
    assert unknown.body == stranger.body == nowhere.body
    assert (await rendered(api, "olivia"))[0] == 200
    assert (await rendered(api, "carla"))[0] == 403


async def test_a_text_that_grows_over_the_limit_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), text_bytes=1024)
    async with running_api(tmp_path, settings) as api:
        await converse(api, "carla")
        await save(api, "x" * 1020 + "{customer.name}")
        status, detail = await rendered(api)
        assert status == 413
        assert "1024" in detail


async def test_what_is_left_open_is_not_sent_and_nothing_is_lost(api: ApiStage) -> None:
    path = await converse(api, "carla") + "/messages"
    await save(api, "Until {appointment.start}")
    message = {
        "client_message_id": "m1",
        "text": "Until {appointment.start}",
        "saved_reply": "ready",
    }
    refused = await api.ask("POST", path, api.token("sam"), message)
    assert (refused.status, refused.code) == (409, "unresolved_variable")
    assert refused.json["detail"].startswith("{appointment.start} has no value: ")
    history = await api.ask("GET", path, api.token("carla"))
    assert history.json["messages"] == []
    message["text"] = "Until Friday"
    sent = await api.ask("POST", path, api.token("sam"), message)
    assert sent.status == 201
    again = await api.ask("POST", path, api.token("sam"), message)
    assert again.json == sent.json


async def test_people_may_write_braces(api: ApiStage) -> None:
    """Without a saved reply, and with one also what is no variable."""
    path = await converse(api, "carla") + "/messages"
    plain = {"client_message_id": "m1", "text": "Write {customer.name} for the name"}
    assert (await api.ask("POST", path, api.token("carla"), plain)).status == 201
    await save(api, "Hi")
    made = {"client_message_id": "m2", "text": "A {smile}", "saved_reply": "ready"}
    assert (await api.ask("POST", path, api.token("sam"), made)).status == 201


async def said(api: ApiStage) -> list[str]:
    found = await api.ask("GET", "/v1/conversations/rex/messages", api.token("olivia"))
    return [entry["text"] for entry in found.json["messages"] if "client_message_id" in entry]


async def test_what_was_made_from_no_saved_reply_is_refused(api: ApiStage) -> None:
    """Also by a customer, to whom there is none, and with one of another business."""
    path = await converse(api, "carla") + "/messages"
    await api.stage.add_business("barkley", {})
    await api.ask("POST", "/v1/saved-replies", api.key("barkley"), {**READY, "id": "theirs"})
    await save(api, "Hi")
    made = {"client_message_id": "m1", "text": "Hi"}
    for person, reply in (("sam", "nothing"), ("sam", "theirs"), ("carla", "ready")):
        refused = await api.ask("POST", path, api.token(person), {**made, "saved_reply": reply})
        assert (refused.status, refused.code) == (400, "bad_request")
        assert refused.json["detail"].startswith(f"'saved_reply': there is no saved reply {reply}.")
    assert await said(api) == []
    sent = await api.ask("POST", path, api.token("sam"), {**made, "saved_reply": "ready"})
    assert sent.status == 201


async def test_a_repeat_gets_its_first_answer_though_the_reply_is_deleted(api: ApiStage) -> None:
    """As any other repeat: also to who has left since, and a conflict with another text."""
    path = await converse(api, "carla") + "/messages"
    await save(api, "Hi")
    made = {"client_message_id": "m1", "text": "Hi", "saved_reply": "ready"}
    first = await api.ask("POST", path, api.token("sam"), made)
    await api.ask("DELETE", "/v1/saved-replies/ready", api.key())
    again = await api.ask("POST", path, api.token("sam"), made)
    assert (again.status, again.json) == (201, first.json)
    other = await api.ask("POST", path, api.token("sam"), {**made, "text": "Ho"})
    assert other.code == "conflict"
    new = await api.ask("POST", path, api.token("sam"), {**made, "client_message_id": "m2"})
    assert new.code == "bad_request"
    left = await api.ask("DELETE", "/v1/conversations/rex/members/sam", api.token("olivia"))
    assert left.status == 200
    again = await api.ask("POST", path, api.token("sam"), made)
    assert (again.status, again.json) == (201, first.json)
    assert await said(api) == ["Hi"]


async def test_where_one_may_not_write_the_saved_reply_says_nothing(api: ApiStage) -> None:
    """Who is not in the conversation hears that, whether there is the reply or not."""
    path = await converse(api, "carla") + "/messages"
    await save(api, "Hi")
    for reply in ("ready", "nothing"):
        made = {"client_message_id": "m1", "text": "Hi", "saved_reply": reply}
        refused = await api.ask("POST", path, api.token("max"), made)
        assert refused.code == "not_found"
