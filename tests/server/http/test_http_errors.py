"""Every error is a problem with a stable code; nothing of the inside comes out."""

import json
import sqlite3
from http import HTTPStatus
from typing import Any

import pytest
import trio

from domain.refusal import HTTP_STATUS, Code, Refusal
from server.http.app import BODY_BYTES, app_of
from server.http.fields import Nothing
from server.http.problem import problem_response
from server.http.route import ANYBODY, Call, Content, Route
from server.http.site import Site
from server.http.throttle import Throttle
from storage import readers
from tests.fixtures.api import ApiStage

SAID = {"id": "m", "author": "carla", "text": "Hi", "at": 1_700_000_000_000}
TOKENS = "/v1/tokens"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/", 404, "not_found"),
        ("GET", "/v1/me/", 404, "not_found"),
        ("GET", "/v1//me", 404, "not_found"),
        ("GET", "/V1/me", 404, "not_found"),
        ("GET", "/v1/people/a/b/c", 404, "not_found"),
        ("GET", "/v1/people/%00", 401, "unauthenticated"),
        ("PUT", "/v1/me", 405, "bad_request"),
        ("POST", "/v1/me", 405, "bad_request"),
        ("DELETE", "/v1/businesses", 405, "bad_request"),
        ("OPTIONS", "/v1/me", 405, "bad_request"),
        ("TRACE", "/v1/me", 405, "bad_request"),
        ("BREW", "/v1/me", 405, "bad_request"),
        ("POST", "/", 405, "bad_request"),
    ],
)
async def test_what_there_is_not(
    api: ApiStage, method: str, path: str, status: int, code: str
) -> None:
    refused = await api.ask(method, path)
    assert (refused.status, refused.code) == (status, code)
    assert refused.json["status"] == status
    assert ("Allow" in refused.headers) == (status == 405)


async def test_405_says_what_is_allowed(api: ApiStage) -> None:
    refused = await api.ask("PUT", "/v1/people")
    assert refused.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"person": "carla"} {}',
        b'{"person": "carla",}',
        b"[" * 100_000,
        b'{"person": ' + b"[" * 100_000,
        b'{"person": "\xff"}',
        b'{"person": NaN}',
        b"null",
        b"[]",
        b'"person"',
        b"1" * 5000,
    ],
    ids=lambda raw: raw[:24].decode("latin1"),
)
async def test_a_body_that_is_no_object(api: ApiStage, raw: bytes) -> None:
    refused = await api.ask("POST", TOKENS, api.key(), raw=raw)
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
async def test_a_body_of_another_kind(api: ApiStage, content_type: str) -> None:
    refused = await api.ask(
        "POST", TOKENS, api.key(), raw=b'{"person": "carla"}', Content_Type=content_type
    )
    assert (refused.status, refused.code) == (415, "bad_request")


async def test_json_may_name_its_encoding(api: ApiStage) -> None:
    made = await api.ask(
        "POST",
        TOKENS,
        api.key(),
        raw=b'{"person": "carla"}',
        Content_Type="application/json; charset=utf-8",
    )
    assert made.status == 201


@pytest.mark.requirement("R31")
async def test_a_body_has_a_limit(api: ApiStage) -> None:
    for size, status in ((BODY_BYTES, 400), (BODY_BYTES + 1, 413)):
        refused = await api.ask("POST", TOKENS, api.key(), raw=b" " * size)
        assert refused.status == status
    assert refused.code == "too_large"


@pytest.mark.requirement("R31")
async def test_a_body_without_a_stated_length_has_the_same_limit(api: ApiStage) -> None:
    headers = {"Authorization": f"Bearer {api.key()}", "Content-Type": "application/json"}
    async with api.client.request(TOKENS, method="POST", headers=headers) as connection:
        for _ in range(5):
            await connection.send(b" " * 65_536)
        await connection.send_complete()
        with trio.fail_after(5):
            response = await connection.as_response()
    assert response.status_code == 413


async def test_every_answer_forbids_guessing_and_keeping(api: ApiStage) -> None:
    for path in ("/v1/health", "/v1/me", "/nowhere"):
        headers = (await api.ask("GET", path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("code", list(Code))
async def test_each_code_has_its_status(api: ApiStage, code: Code) -> None:
    async with api.app.test_request_context("/"):
        response = problem_response(Refusal(code, "A sentence.", 1.2))
    assert response.status_code == HTTP_STATUS[code]
    body = json.loads(await response.get_data())
    assert body == {
        "type": "about:blank",
        "title": HTTPStatus(HTTP_STATUS[code]).phrase,
        "status": HTTP_STATUS[code],
        "code": code,
        "detail": "A sentence.",
        "retry_after": 1.2,
    }
    assert response.headers["Retry-After"] == "2"


def _failing(api: ApiStage, error: Exception) -> Any:
    async def fail(_: Call[Nothing, Nothing]) -> Content:
        raise error

    route = Route(
        method="GET",
        path="/fails",
        summary="",
        handler=fail,
        callers=ANYBODY,
        parameters=Nothing,
        body=Nothing,
        answer=Content,
    )
    site = Site(
        api.stage.node, None, lambda: True, "0", Throttle(api.stage.node.limits, trio.current_time)
    )
    return app_of(site, (route,)).test_client()


@pytest.mark.requirement("I14")
async def test_what_goes_wrong_inside_stays_inside(
    api: ApiStage, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = await _failing(api, ZeroDivisionError("Carla's secret")).get("/fails")
    assert failed.status_code == 500
    body = json.loads(await failed.get_data())
    assert (body["status"], body["code"]) == (500, "unavailable")
    assert failed.headers["Retry-After"] == "5"
    logged = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in logged
    assert "secret" not in logged + str(body)


@pytest.mark.requirement("R22")
async def test_on_a_full_disk_a_new_business_is_507(api: ApiStage) -> None:
    writer = api.stage.node.database._writer
    await writer.run(lambda db: db.execute("PRAGMA max_page_count=1").fetchall())  # no more pages
    for n in range(60):
        body = {"id": f"b{n}", "name": "x" * 190}
        made = await api.ask("POST", "/v1/businesses", api.stage.operator_key, body)
        if made.status != 201:
            break
    assert (made.status, made.code) == (507, "storage_failed")
    assert made.headers["Retry-After"] == "5"


async def test_a_query_that_the_storage_fails_is_507(api: ApiStage) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    failed = await _failing(api, error).get("/fails")
    assert failed.status_code == 507
    body = json.loads(await failed.get_data())
    assert body["code"] == "storage_failed"
    assert "disk" not in str(body)


@pytest.mark.parametrize("path", ["/v1/me", "/v1/people", "/v1/conversations"])
async def test_a_look_up_that_takes_too_long_is_refused(
    api: ApiStage, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = api.token("carla")
    with monkeypatch.context() as patch:
        patch.setattr(readers, "READ_SECONDS", -1.0)
        patch.setattr(readers, "STEPS", 1)
        refused = await api.ask("GET", path, token)
    assert (refused.status, refused.code) == (503, "overloaded")
    assert refused.headers["Retry-After"] == "5"
    assert (await api.ask("GET", path, token)).status == 200


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"person": "sam", "colour": 1}, "The body: there is no field 'colour'."),
        ({}, "The body: the field 'person' is missing."),
    ],
)
async def test_a_field_that_is_missing_or_unknown_is_named(
    api: ApiStage, body: object, said: str
) -> None:
    refused = await api.ask("POST", TOKENS, api.key("pawsome"), body)
    assert (refused.status, refused.json["detail"]) == (400, said)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Deskbell-Person",
        "Deskbell-Device",
        "Deskbell-Location",
        "Idempotency-Key",
    ],
)
async def test_a_header_that_decides_is_sent_once(api: ApiStage, name: str) -> None:
    value = f"Bearer {api.key('pawsome')}" if name == "Authorization" else "sam"
    headers = {name.replace("-", "_"): value, name.lower().replace("-", "_"): value}
    key = "" if name == "Authorization" else api.key("pawsome")
    refused = await api.ask("GET", "/v1/people", key, **headers)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert f"header {name} once" in refused.json["detail"]


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"person": "\xff"}', "The body is not UTF-8."),
        (b'{"person": "\\ud800"}', "The body holds half a character, a lone surrogate."),
        (b'{"person": "\\udfff\\ud83d x"}', "The body holds half a character, a lone surrogate."),
        (b'{"person": "\\ud800",}', "The body is not valid JSON: "),
        (
            b'{"person": "carla",}',
            "The body is not valid JSON: trailing comma in object (byte 19).",
        ),
    ],
    ids=["not UTF-8", "half", "halves", "half and comma", "comma"],
)
async def test_what_is_wrong_with_a_body_is_said(api: ApiStage, raw: bytes, said: str) -> None:
    refused = await api.ask("POST", TOKENS, api.key(), raw=raw)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert refused.json["detail"].startswith(said)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        (
            "POST",
            "/v1/people",
            {"id": "nina", "name": "Nina", "role": "boss"},
            "'role': expected 'owner' or 'manager' or 'staff' or 'customer', got 'boss'.",
        ),
        (
            "PATCH",
            "/v1/business",
            {"policies": {"unread": "x"}},
            "'policies.unread': expected 'personal' or 'team', got 'x'.",
        ),
        (
            "POST",
            "/v1/people",
            {"id": "nina", "name": 5, "role": "staff"},
            "'name': expected text, got a whole number.",
        ),
        (
            "POST",
            "/v1/people",
            {"id": "nina", "name": " ", "role": "staff"},
            "Give a name: it is empty.",
        ),
        (
            "POST",
            "/v1/people",
            {"id": "nina", "name": "a\0b", "role": "staff"},
            "A name holds no control characters. Remove them.",
        ),
        (
            "PUT",
            "/v1/appointments/a",
            {"customer": "carla", "location": "main", "start": 1_700_000_000_000, "end": 10**16},
            "'end': expected milliseconds since 1970, of the years 2000 to 9998.",
        ),
        ("GET", "/v1/people?limit=-1", None, "'limit': expected a whole number >= 0."),
        ("GET", "/v1/people?limit=x", None, "'limit': expected a whole number, got text."),
        ("GET", "/v1/audit?before=x", None, "'before': expected the 'next' of the page before."),
    ],
)
async def test_what_would_be_right_is_said(
    api: ApiStage, method: str, path: str, body: object, said: str
) -> None:
    refused = await api.ask(method, path, api.key("pawsome"), body)
    assert (refused.status, refused.code, refused.json["detail"]) == (400, "bad_request", said)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"type": "what"},
            "'type': expected 'person' or 'appointment' or 'conversation' or 'messages',"
            " got 'what'.",
        ),
        (
            {"type": "messages", "id": "c", "messages": [{**SAID, "channel": "fax"}]},
            "'messages[0].channel': expected 'app' or 'text' or 'email', got 'fax'.",
        ),
    ],
)
async def test_what_would_be_right_of_a_record_is_said(
    api: ApiStage, record: dict[str, object], said: str
) -> None:
    await api.ask("POST", "/v1/imports", api.key(), {"id": "old"})
    part = {"first": 1, "records": [record]}
    await api.ask("POST", "/v1/imports/old/records", api.key(), part)
    found = await api.ask("GET", "/v1/imports/old/refused", api.key())
    assert [each["reason"] for each in found.json["refused"]] == [said]


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"action": "assign"}, "Name who of the team answers: person."),
        ({"action": "transfer"}, "Name where it goes: location."),
    ],
)
async def test_what_an_action_needs_is_asked_for(
    api: ApiStage, command: dict[str, str], said: str
) -> None:
    conversation = "/v1/people/carla/conversation"
    begun = await api.ask("POST", conversation, api.token("olivia"))
    path = f"/v1/conversations/{begun.json['id']}/handling"
    refused = await api.ask("POST", path, api.token("olivia"), command)
    assert (refused.status, refused.json["detail"]) == (400, said)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("name", ["nobody", "another-business-s"])
async def test_who_is_spoken_for_is_somebody_of_the_business(api: ApiStage, name: str) -> None:
    refused = await api.ask("GET", "/v1/me", api.key("pawsome"), Deskbell_Person=name)
    assert (refused.status, refused.code) == (404, "not_found")
    assert (
        refused.json["detail"]
        == "Deskbell-Person names nobody of this business. Create them first."
    )
