"""The channel on which something was said, and on which a conversation is answered."""

import hashlib
import json
import sqlite3
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from domain.ids import customer_conversation_id
from storage.check import check_file
from tests.fixtures.api import ApiStage, reopened_api, running_api
from tests.fixtures.websockets import running_edge
from tests.server.http.test_http_imports import begun, counts, reasons, said, take

pytestmark = [pytest.mark.requirement("EX-21"), pytest.mark.requirement("EX-41")]

OWN = customer_conversation_id("carla")
PATH = f"/v1/conversations/{OWN}"


def on(channel: str, *texts: str, author: str, start: int = 0) -> list[dict[str, Any]]:
    return [{**each, "channel": channel} for each in said(*texts, author=author, start=start)]


def talk(*messages: list[dict[str, Any]]) -> dict[str, Any]:
    every = [each for some in messages for each in some]
    return {"type": "conversation", "customer": "carla", "people": ["sam"], "messages": every}


ASKED = on("text", "Is Rex ready?", author="carla")
TEXTED = talk(ASKED, on("email", "Yes", author="sam", start=1))


async def channels(api: ApiStage, who: str = "carla") -> list[str | None]:
    page = await api.ask("GET", f"{PATH}/messages", api.token(who))
    return [message.get("channel") for message in page.json["messages"]]


async def channel(api: ApiStage, who: str) -> str | None:
    """Of the conversation, by itself and in the list."""
    shown = (await api.ask("GET", PATH, api.token(who))).json
    [listed] = (await api.ask("GET", "/v1/conversations", api.token(who))).json["conversations"]
    assert listed.get("channel") == shown.get("channel")
    found: str | None = shown.get("channel")
    return found


async def write(api: ApiStage, who: str) -> None:
    body = {"client_message_id": f"{who}-here", "text": "Here I am"}
    reply = await api.ask("POST", f"{PATH}/messages", api.token(who), body)
    assert reply.status == 201, reply.body


async def test_what_was_texted_says_so_and_what_is_written_here_does_not(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    assert counts(await take(api, 1, TEXTED)) == (1, 1, 0, 0)
    assert await channels(api) == ["text", "email"]
    assert [await channel(api, who) for who in ("olivia", "sam", "carla")] == ["text", "text", None]
    await write(api, "sam")
    assert await channel(api, "sam") == "text", "the team moves it nowhere"
    assert check_file(tmp_path / "deskbell.db") == []
    await write(api, "carla")
    assert await channel(api, "sam") is None
    assert await channels(api) == ["text", "email", None, None]
    assert check_file(tmp_path / "deskbell.db") == []


async def test_more_that_is_imported_moves_it_by_what_the_customer_said(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    more = {"type": "messages", "customer": "carla"}
    parts = [
        (said("Hm", author="carla", start=2), None),
        (on("email", "Hm", author="carla", start=3), "email"),
        (said("Hm", author="sam", start=4), "email"),
        (on("text", "Hm", author="carla", start=5), "text"),
        (on("email", "A", author="sam", start=6) + said("B", author="carla", start=7), None),
    ]
    await take(api, 1, TEXTED)
    for number, (messages, expected) in enumerate(parts, start=2):
        assert (await take(api, number, {**more, "messages": messages})).json["stored"] == number
        assert await channel(api, "sam") == expected
        assert check_file(tmp_path / "deskbell.db") == []
    assert counts(await take(api, 7, TEXTED)) == (7, 6, 1, 0), "the same again is known"


async def test_what_is_said_of_the_app_is_as_if_nothing_were_said(
    api: ApiStage, tmp_path: Path
) -> None:
    """Also as it was imported before anything could be said of channels."""
    await begun(api)
    plain, same = talk(said("Hm", author="carla")), talk(on("app", "Hm", author="carla"))
    for record in (plain, same):
        record |= {"id": "old-1", "people": ["carla", "sam"]}
        del record["customer"]
    assert counts(await take(api, 1, plain, same)) == (2, 1, 1, 0)
    other = {**plain, "messages": on("text", "Hm", author="carla")}
    assert counts(await take(api, 3, other)) == (3, 1, 1, 1)
    people, messages = ["carla", "sam"], said("Hm", author="carla")
    record = {"conversation": "old-1", "title": "", "people": people, "messages": messages}
    record["goes_on"] = False
    before = json.dumps(record, separators=(",", ":")).encode()
    with closing(sqlite3.connect(tmp_path / "deskbell.db")) as connection:
        [(stored,)] = connection.execute("SELECT creation FROM conversation WHERE id = 'old-1'")
    assert stored == b"import:" + hashlib.blake2b(before, digest_size=16).digest()


async def test_a_channel_that_there_is_not_is_refused(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, talk(on("fax", "Hm", author="carla")))
    [(_, _, _, code)] = await reasons(api)
    assert code == "bad_request"


async def test_frames_and_events_say_it_too(api: ApiStage) -> None:
    """Also what catches up, and a connection that saw none of it come."""
    await begun(api)
    await take(api, 1, TEXTED)
    async with running_edge(api.stage, api.app) as edge:
        for who, shown in (("sam", "text"), ("carla", None)):
            socket = await edge.welcomed(api.token(who))
            page = await socket.ask(type="history", conversation=OWN)
            assert [each.get("channel") for each in page["messages"]] == ["text", "email"]
            opened = await socket.ask(type="open", conversation=OWN)
            assert opened["conversation"].get("channel") == shown
            assert opened["conversation"]["last_message"]["channel"] == "email"
        sam = await edge.welcomed(api.token("sam"))
        await write(api, "carla")
        await edge.settled(sam)
        (said,) = [each for each in sam.events if each["type"] == "message"]
        assert "channel" not in said


async def test_who_was_away_is_told_of_each_message_as_it_was_said(api: ApiStage) -> None:
    await begun(api)
    await api.ask("POST", "/v1/people/carla/conversation", api.token("sam"), {})
    async with running_edge(api.stage, api.app) as edge:
        hello = {"type": "hello", "token": api.token("sam"), "device": "d1"}
        first = await edge.connect()
        await first.send(hello)
        welcome = await first.receive()
        assert (await take(api, 1, TEXTED)).json["stored"] == 1
        again = await edge.connect()
        cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        await again.send({**hello, "device": "d2", "cursor": cursor})
        assert (await again.receive())["resume"] == "complete"
        told = [await again.receive()]
        while told[-1]["type"] != "resumed":
            told.append(await again.receive())
        missed = [each.get("channel") for each in told if each["type"] == "message"]
        assert missed == ["text", "email"]


async def test_an_actor_that_begins_anew_knows_on_which_channel_it_is(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await begun(api)
        await take(api, 1, TEXTED)
    async with reopened_api(tmp_path) as api:
        await write(api, "sam")
        assert await channel(api, "sam") == "text"
        await write(api, "carla")
        assert await channel(api, "sam") is None
    assert check_file(tmp_path / "deskbell.db") == []


async def test_timeline_and_export_say_it(api: ApiStage) -> None:
    await begun(api)
    await take(api, 1, TEXTED)
    timeline = await api.ask("GET", "/v1/people/carla/timeline", api.token("olivia"))
    shown = [each["message"].get("channel") for each in timeline.json["items"]]
    assert shown == ["email", "text"]
    exported = await api.ask("GET", "/v1/people/carla/export", api.token("olivia"))
    with zipfile.ZipFile(BytesIO(exported.body)) as archive:
        own = json.loads(archive.read("said.json"))
        read = json.loads(archive.read(f"conversations/{OWN}.json"))
    assert [each["channel"] for each in own] == ["text"]
    assert [each["channel"] for each in read] == ["text", "email"]


async def test_nothing_of_it_is_stored_of_what_is_said_in_the_app(
    api: ApiStage, tmp_path: Path
) -> None:
    await begun(api)
    await take(api, 1, talk(said("Hm", author="carla")))
    await write(api, "carla")
    with closing(sqlite3.connect(tmp_path / "deskbell.db")) as connection:
        for table in ("message", "head"):
            assert connection.execute(f"SELECT DISTINCT channel FROM {table}").fetchall() == [("",)]
