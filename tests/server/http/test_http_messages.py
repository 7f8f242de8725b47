"""Messages over HTTP: the same rules, the same answers to repetition, the same order."""

import pytest
import trio

from tests.fixtures.api import ApiStage, Reply

MESSAGES = "/v1/conversations/rex/messages"


@pytest.fixture
async def rex(api: ApiStage) -> ApiStage:
    """With a conversation `rex` of carla, sam and the owner."""
    body = {"kind": "group", "people": ["sam"], "title": "Rex", "id": "rex"}
    await api.ask("POST", "/v1/conversations", api.token("carla"), body)
    return api


async def say(api: ApiStage, person: str, id_: str, text: str, **more: object) -> Reply:
    body = {"client_message_id": id_, "text": text, **more}
    return await api.ask("POST", MESSAGES, api.token(person), body)


async def test_a_message_is_acknowledged_and_can_be_read(rex: ApiStage) -> None:
    sent = await say(rex, "carla", "m1", "Is Rex *ready*?")
    assert sent.status == 201
    assert sent.json["seq"] == 1
    page = await rex.ask("GET", MESSAGES, rex.token("sam"))
    (message,) = page.json["messages"]
    assert message == {
        **sent.json,
        "author": "carla",
        "text": "Is Rex *ready*?",
        "kind": "text",
    } or message == {**sent.json, "author": "carla", "text": "Is Rex *ready*?"}
    assert page.json["more"] is False


@pytest.mark.requirement("EX-1", "R05")
async def test_the_same_client_message_id_is_one_message(rex: ApiStage) -> None:
    first = await say(rex, "carla", "m1", "Hi")
    again = await say(rex, "carla", "m1", "Hi")
    assert (again.status, again.body) == (201, first.body)
    for change in ({"text": "Ho"}, {"reply_to": 1}):
        body = {"client_message_id": "m1", "text": "Hi", **change}
        other = await rex.ask("POST", MESSAGES, rex.token("carla"), body)
        assert (other.status, other.code) == (409, "conflict")
    page = await rex.ask("GET", MESSAGES, rex.token("carla"))
    assert [m["text"] for m in page.json["messages"]] == ["Hi"]


@pytest.mark.requirement("R05")
async def test_a_client_message_id_is_the_devices_and_the_persons(rex: ApiStage) -> None:
    key, body = rex.key(), {"client_message_id": "m1", "text": "Hi"}
    seqs = []
    for person, device in (("carla", "d1"), ("carla", "d2"), ("sam", "d1"), ("carla", "d1")):
        sent = await rex.ask(
            "POST", MESSAGES, key, body, Deskbell_Person=person, Deskbell_Device=device
        )
        seqs.append(sent.json["seq"])
    assert seqs == [1, 2, 3, 1]


async def test_sends_at_once_with_one_id_are_one_message(rex: ApiStage) -> None:
    answers = []

    async def send() -> None:
        answers.append(await say(rex, "carla", "m1", "Hi"))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(send)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"client_message_id": "m1", "text": ""}, 400, "bad_request"),
        ({"client_message_id": "m1", "text": " \n"}, 400, "bad_request"),
        ({"client_message_id": "m1", "text": "a\u0000b"}, 400, "bad_request"),
        ({"client_message_id": "m1", "text": "x" * 32_769}, 413, "too_large"),
        ({"client_message_id": "m1", "text": "Hi", "reply_to": 9}, 404, "not_found"),
        ({"client_message_id": "m1", "text": "Hi", "reply_to": -1}, 400, "bad_request"),
        ({"client_message_id": "m1", "text": "Hi", "reply_to": 2**53}, 400, "bad_request"),
        ({"client_message_id": "m1", "text": "Hi", "seq": 7}, 400, "bad_request"),
        ({"client_message_id": "", "text": "Hi"}, 400, "bad_request"),
        ({"client_message_id": "m1\n", "text": "Hi"}, 400, "bad_request"),
        ({"text": "Hi"}, 400, "bad_request"),
    ],
)
async def test_a_message_that_cannot_be(
    rex: ApiStage, body: object, status: int, code: str
) -> None:
    refused = await rex.ask("POST", MESSAGES, rex.token("carla"), body)
    assert (refused.status, refused.code) == (status, code)
    assert (await rex.ask("GET", MESSAGES, rex.token("carla"))).json["messages"] == []


async def test_half_a_character_is_no_text(rex: ApiStage) -> None:
    raw = b'{"client_message_id": "m1", "text": "\\ud83d!"}'
    refused = await rex.ask("POST", MESSAGES, rex.token("carla"), raw=raw)
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_the_longest_text_fits_whatever_its_escapes(rex: ApiStage) -> None:
    text = "\\u0022" * 32_768
    raw = f'{{"client_message_id": "m1", "text": "{text}"}}'.encode()
    sent = await rex.ask("POST", MESSAGES, rex.token("carla"), raw=raw)
    assert sent.status == 201


async def test_history_has_pages_in_both_directions(rex: ApiStage) -> None:
    for number in range(1, 8):
        await say(rex, "carla", f"m{number}", f"{number}")

    async def texts(query: str) -> tuple[list[str], bool]:
        page = (await rex.ask("GET", f"{MESSAGES}?{query}", rex.token("sam"))).json
        return [message["text"] for message in page["messages"]], page["more"]

    assert await texts("limit=3") == (["5", "6", "7"], True)
    assert await texts("limit=3&before=5") == (["2", "3", "4"], True)
    assert await texts("limit=3&before=2") == (["1"], False)
    assert await texts("limit=3&after=0") == (["1", "2", "3"], True)
    assert await texts("limit=3&after=5") == (["6", "7"], False)
    assert await texts("limit=0") == (["7"], True)
    assert await texts("limit=100000&after=9007199254740991") == ([], False)


@pytest.mark.parametrize(
    "query", ["before=1&after=1", "before=x", "limit=-1", "before=1&before=2", "page=2", "after="]
)
async def test_a_page_that_is_none(rex: ApiStage, query: str) -> None:
    refused = await rex.ask("GET", f"{MESSAGES}?{query}", rex.token("sam"))
    assert (refused.status, refused.code) == (400, "bad_request")


@pytest.mark.requirement("EX-34")
async def test_a_message_is_edited_and_deleted_by_its_author(rex: ApiStage) -> None:
    await say(rex, "carla", "m1", "Hi")
    edited = await rex.ask("PATCH", f"{MESSAGES}/1", rex.token("carla"), {"text": "Hello"})
    assert edited.json["revision"] > 0
    versions = await rex.ask("GET", f"{MESSAGES}/1/versions", rex.token("carla"))
    assert [v["text"] for v in versions.json["versions"]] == ["Hi", "Hello"]
    by_sam = await rex.ask("PATCH", f"{MESSAGES}/1", rex.token("sam"), {"text": "No"})
    assert by_sam.code == "forbidden"
    assert (await rex.ask("DELETE", f"{MESSAGES}/1", rex.token("sam"))).code == "forbidden"
    deleted = await rex.ask("DELETE", f"{MESSAGES}/1", rex.token("carla"))
    assert deleted.status == 200
    assert (await rex.ask("DELETE", f"{MESSAGES}/1", rex.token("olivia"))).json == {"revision": 0}
    late = await rex.ask("PATCH", f"{MESSAGES}/1", rex.token("carla"), {"text": "Again"})
    assert (late.status, late.code) == (409, "deleted")
    assert (await rex.ask("GET", f"{MESSAGES}/1/versions", rex.token("carla"))).status == 404
    kept = await rex.ask("GET", f"{MESSAGES}/1/versions", rex.token("olivia"))
    assert [v["text"] for v in kept.json["versions"]] == ["Hi", "Hello"]


@pytest.mark.requirement("DT-03", "DT-04", "C-25")
async def test_receipts_tell_who_has_read(rex: ApiStage) -> None:
    await say(rex, "carla", "m1", "Hi")
    cursors = "/v1/conversations/rex/receipts"
    moved = await rex.ask("POST", cursors, rex.token("sam"), {"read_up_to": 99})
    assert moved.json["revision"] > 0
    back = await rex.ask("POST", cursors, rex.token("sam"), {"delivered_up_to": 1})
    assert (back.status, back.json) == (200, {"revision": 0})
    told = await rex.ask("GET", f"{MESSAGES}/1/receipts", rex.token("carla"))
    of_sam = next(r for r in told.json["receipts"] if r["person"] == "sam")
    assert of_sam["read_at"] == of_sam["delivered_at"] > 0
    picture = await rex.ask("GET", "/v1/conversations/rex", rex.token("carla"))
    members = {m["person"]: m for m in picture.json["members"]}
    assert members["sam"]["read_up_to"] == 1


@pytest.mark.requirement("C-26")
async def test_hidden_read_receipts_stay_hidden(rex: ApiStage) -> None:
    await say(rex, "carla", "m1", "Hi")
    await rex.ask("PATCH", "/v1/me", rex.token("sam"), {"read_receipts": False})
    await rex.ask("POST", "/v1/conversations/rex/receipts", rex.token("sam"), {"read_up_to": 1})
    told = await rex.ask("GET", f"{MESSAGES}/1/receipts", rex.token("carla"))
    of_sam = next(r for r in told.json["receipts"] if r["person"] == "sam")
    assert of_sam["delivered_at"] > 0
    assert "read_at" not in of_sam


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seq", [2**32, 2**32 + 1, 2 << 32 | 1, 2**53 - 1])
async def test_a_seq_never_reaches_another_conversation(rex: ApiStage, seq: int) -> None:
    for number in range(3):
        body = {"kind": "group", "people": ["max"], "id": f"other{number}"}
        await rex.ask("POST", "/v1/conversations", rex.token("sam"), body)
        path = f"/v1/conversations/other{number}/messages"
        said = {"client_message_id": f"m{number}", "text": "secret"}
        await rex.ask("POST", path, rex.token("sam"), said)
    for path in (f"{MESSAGES}/{seq}/versions", f"{MESSAGES}/{seq}/receipts"):
        refused = await rex.ask("GET", path, rex.token("olivia"))
        assert refused.status == 400
    changed = await rex.ask("PATCH", f"{MESSAGES}/{seq}", rex.token("sam"), {"text": "mine"})
    assert changed.status == 400


async def test_what_is_not_there(rex: ApiStage) -> None:
    carla, mia = rex.token("carla"), rex.token("mia")
    await say(rex, "carla", "m1", "Hi")
    for method, path, body in (
        ("GET", "/messages", None),
        ("POST", "/messages", {"client_message_id": "m2", "text": "Hi"}),
        ("POST", "/receipts", {"read_up_to": 1}),
        ("PATCH", "/messages/1", {"text": "Hi"}),
        ("DELETE", "/messages/1", None),
        ("GET", "/messages/1/receipts", None),
        ("GET", "/messages/1/versions", None),
    ):
        not_mine = await rex.ask(method, f"/v1/conversations/rex{path}", mia, body)
        nowhere = await rex.ask(method, f"/v1/conversations/nowhere{path}", mia, body)
        assert not_mine.status == nowhere.status == 404
        assert not_mine.body == nowhere.body
        if "/1" in path:
            late = path.replace("/1", "/2")
            no_such = await rex.ask(method, f"/v1/conversations/rex{late}", carla, body)
            assert no_such.body == nowhere.body
