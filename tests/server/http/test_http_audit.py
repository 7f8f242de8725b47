"""The audit log: who changed what, for owners and keys with the scope; it only grows (EX-22)."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.business import Note
from domain.appointments import FIRST_MS
from domain.audit import NOTED, AuditKind
from tests.fixtures.api import ApiStage
from tests.fixtures.websockets import running_edge

pytestmark = [pytest.mark.requirement("EX-22")]

TEXT = "a text that nobody may find in the audit"
TALK = "/v1/conversations/rex"

VISIT = {"start": FIRST_MS, "end": FIRST_MS + 1}


async def entries(api: ApiStage, query: str = "") -> list[dict[str, Any]]:
    answer = await api.ask("GET", f"/v1/audit?limit=100&{query}", api.key())
    found: list[dict[str, Any]] = answer.json["entries"]
    return found


OF_RECORDS = {
    AuditKind.LOCATION_CLOSED: {"location": "north"},
    AuditKind.LOCATION_REOPENED: {"location": "north"},
    AuditKind.LOCATION_MERGED: {"location": "north", "into": "main"},
    AuditKind.CONTACT_CHANGED: {"app_installed": True, "consents": "sms_marketing"},
    AuditKind.APPOINTMENT_CHANGED: {"appointment": "a1", "status": "booked", "start": FIRST_MS},
    AuditKind.APPOINTMENT_DELETED: {"appointment": "a1"},
    AuditKind.IMPORT_FINISHED: {"name": "old"},
    AuditKind.PARENT_CHANGED: {"parent": "group"},
}


async def test_what_happens_to_records_is_told(api: ApiStage) -> None:
    key = api.key()
    north = {"id": "north", "name": TEXT, "time_zone": "UTC"}
    await api.ask("POST", "/v1/locations", key, north)
    await api.ask("POST", "/v1/locations/north/close", key)
    await api.ask("POST", "/v1/locations/north/reopen", key)
    await api.ask("POST", "/v1/locations/north/merge", key, {"into": "main"})
    said = {"app_installed": True, "consents": {"sms_marketing": True}}
    await api.ask("PATCH", "/v1/me/contact", api.token("carla"), said)
    visit = {
        "customer": "carla",
        "location": "main",
        **VISIT,
        "title": TEXT,
    }
    await api.ask("PUT", "/v1/appointments/a1", key, visit)
    await api.ask("DELETE", "/v1/appointments/a1", key)
    await api.ask("POST", "/v1/imports", key, {"id": "old"})
    await api.ask("POST", "/v1/imports/old/finish", key)
    await api.stage.add_business("group", {})
    operator, path = api.stage.operator_key, "/v1/businesses/pawsome/parent"
    await api.ask("PUT", path, operator, {"parent": "group"})
    found = list(reversed((await entries(api))[: len(OF_RECORDS)]))
    assert [(e["kind"], e["detail"]) for e in found] == list(OF_RECORDS.items())
    assert TEXT not in json.dumps(found)
    of_carla = {e["kind"] for e in found if e.get("person") == "carla"}
    assert of_carla == {"contact_changed", "appointment_changed", "appointment_deleted"}


OF_ERASURE = {AuditKind.PERSON_ERASED, AuditKind.HOLD_PLACED, AuditKind.HOLD_LIFTED}
"""Tried where people are erased."""

OF_ACCOUNTS = {
    AuditKind.ACCOUNT_CHANGED,
    AuditKind.ACCOUNT_REMOVED,
    AuditKind.SIGN_IN_FAILED,
    AuditKind.PASSWORD_CHANGED,
}
"""Tried where accounts are."""


async def test_every_kind_of_change_is_told_newest_first(api: ApiStage) -> None:
    carla, sam, key = api.token("carla"), api.token("sam"), api.key()
    before = (await entries(api))[0]["revision"]
    await api.ask(
        "POST", "/v1/conversations", carla, {"kind": "group", "people": ["sam"], "id": "rex"}
    )
    said = {"client_message_id": "m1", "text": TEXT}
    await api.ask("POST", f"{TALK}/messages", carla, said)
    await api.ask("POST", f"{TALK}/members", sam, {"person": "mia"})
    await api.ask("DELETE", f"{TALK}/members/mia", sam)
    await api.ask("DELETE", f"{TALK}/messages/1", carla)
    await api.ask("POST", f"{TALK}/notes", sam, {"id": "n1", "text": TEXT})
    await api.ask("DELETE", f"{TALK}/notes/n1", sam)
    await api.ask("PATCH", "/v1/me", carla, {"read_receipts": False})
    await api.ask("PATCH", "/v1/business", key, {"name": TEXT})
    await api.ask("PATCH", "/v1/locations/main", key, {"name": TEXT})
    await api.ask("PATCH", "/v1/people/mia", key, {"name": TEXT})
    await api.ask("POST", "/v1/people/mia/revoke", api.token("olivia"))
    made = await api.ask("POST", "/v1/keys", key, {"name": TEXT, "scopes": ["audit:read"]})
    await api.ask("DELETE", f"/v1/keys/{made.json['id']}", key)
    reply = {"id": "hi", "title": TEXT, "text": TEXT}
    await api.ask("POST", "/v1/saved-replies", key, reply)
    await api.ask("DELETE", "/v1/saved-replies/hi", key)
    hook = {"url": "https://hook.invalid/", "events": ["message.sent"], "id": "hook"}
    await api.ask("POST", "/v1/webhooks", key, hook)
    await api.ask("DELETE", "/v1/webhooks/hook", key)
    asked = {"url": "https://hook.invalid/", "deadline_ms": 50, "on_failure": "allow"}
    await api.ask("PUT", "/v1/send-hook", key, asked)
    heir = {"from": "olivia", "to": "max", "new_role": "staff"}
    await api.ask("POST", "/v1/ownership", key, heir)
    found = [entry for entry in await entries(api) if entry["revision"] > before]
    assert [entry["revision"] for entry in found] == sorted(
        (entry["revision"] for entry in found), reverse=True
    )
    assert TEXT not in json.dumps(found)
    told = [(e["kind"], e["author"].split("/")[0], e.get("person")) for e in reversed(found)]
    assert told == [
        ("member_added", "sam", "mia"),
        ("member_removed", "sam", "mia"),
        ("message_deleted", "carla", None),
        ("note_deleted", "sam", None),
        ("privacy_changed", "carla", "carla"),
        ("business_changed", "@key", None),
        ("location_changed", "@key", None),
        ("person_changed", "@key", "mia"),
        ("access_revoked", "olivia", "mia"),
        ("key_made", "@key", None),
        ("key_revoked", "@key", None),
        ("saved_reply_changed", "@key", None),
        ("saved_reply_deleted", "@key", None),
        ("webhook_changed", "@key", None),
        ("webhook_removed", "@key", None),
        ("send_hook_changed", "@key", None),
        ("ownership_transferred", "@key", "max"),
    ]
    elsewhere = NOTED | set(OF_RECORDS) | OF_ACCOUNTS | OF_ERASURE
    assert {kind for kind, *_ in told} == set(AuditKind) - elsewhere


async def test_what_changed_nothing_is_noted_too_and_shown_to_nobody(api: ApiStage) -> None:
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(api.token("olivia"))
        for kind in sorted(NOTED):
            note = Note("olivia", kind, "carla", {"conversation": "rex"})
            await api.stage.change("pawsome", note)
        await edge.settled(socket)
        assert not socket.events
    (newest, *_), noted = await entries(api), await entries(api, "person=carla&author=olivia")
    assert {entry["kind"] for entry in noted} == NOTED
    assert newest == noted[0]
    assert newest["detail"] == {"conversation": "rex"}


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("kind=location_changed", {"location_changed"}),
        ("kind=person_changed&person=sam", {"person_changed"}),
        ("author=test", {"person_changed", "location_changed"}),
        ("author=nobody", set()),
        ("person=nobody", set()),
        ("kind=key_made", set()),
        ("before=1", set()),
        ("before=2", {"location_changed"}),
    ],
)
async def test_it_is_narrowed(api: ApiStage, query: str, kinds: set[str]) -> None:
    assert {entry["kind"] for entry in await entries(api, query)} == kinds


@pytest.mark.parametrize(
    "query", ["kind=nothing", "before=-1", "before=x", "author=", "author=a%20b", "person=@key/x"]
)
async def test_what_cannot_be_asked(api: ApiStage, query: str) -> None:
    refused = await api.ask("GET", f"/v1/audit?{query}", api.key())
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.parametrize("person", ["max", "sam", "carla"])
async def test_it_is_for_owners(api: ApiStage, person: str) -> None:
    refused = await api.ask("GET", "/v1/audit", api.token(person))
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await api.ask("GET", "/v1/audit", api.token("olivia"))).status == 200


async def test_a_business_reads_its_own(api: ApiStage) -> None:
    await api.stage.add_business("barkley", {})
    theirs = await api.ask("GET", "/v1/audit", api.key("barkley"))
    assert [entry["kind"] for entry in theirs.json["entries"]] == ["location_changed"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET author = 'somebody'",
        "UPDATE audit SET detail = '{}' WHERE revision = 1",
        "DELETE FROM audit WHERE revision = 1",
        "DELETE FROM audit",
    ],
)
async def test_it_only_grows(api: ApiStage, tmp_path: Path, sql: str) -> None:
    before = await entries(api)
    with (
        closing(sqlite3.connect(tmp_path / "deskbell.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(sql)
    assert await entries(api) == before
