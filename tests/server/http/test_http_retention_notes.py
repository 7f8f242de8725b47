"""What the team noted is kept for as long as what was said there, and on hold like it (EX-21)."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.expiring import expire
from storage.backup import FILE_NAME
from storage.check import check_file
from storage.migrations import open_read_only
from tests.fixtures.api import running_api
from tests.fixtures.websockets import running_edge
from tests.server.http.test_http_retention import MARK, Desk, traces

pytestmark = [pytest.mark.requirement("EX-21"), pytest.mark.requirement("EX-25")]


class Team(Desk):
    """The team of `Desk` writes notes about Carla, once she has said something."""

    async def begin(self) -> None:
        await super().begin()
        await self.say("carla", "zebra")

    async def note(self, person: str, id_: str, *mentions: str) -> None:
        body = {"id": id_, "text": f"{MARK} {id_}", "mentions": mentions}
        await self.done("POST", f"{self.talk}/notes", person, body)

    async def notes(self) -> list[str]:
        """Their texts, oldest first."""
        key, path, texts = self.api.token("olivia"), f"{self.talk}/notes?limit=100", []
        page = (await self.api.ask("GET", path, key)).json
        texts += page["notes"]
        while "next" in page:
            page = (await self.api.ask("GET", f"{path}&before={page['next']}", key)).json
            texts += page["notes"]
        return [note.get("text", "") for note in reversed(texts)]


async def test_notes_go_to_the_last_byte_with_what_was_said_then(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Team(api), api.stage.node
        await desk.begin()
        for number in range(130):  # more than a batch, and more of them than of messages
            await desk.note("sam", f"zebra{number}", "max")
        await desk.done("DELETE", f"{desk.talk}/notes/zebra7", "sam")
        await desk.keep("main", 30)
        desk.later(20)
        await desk.done("PATCH", f"{desk.talk}/notes/zebra8", "sam", {"text": "zebra, edited"})
        await desk.note("sam", "young")
        assert await expire(node) == Counter()
        assert len(set(await desk.notes())) == 131
        desk.later(10.1)
        assert await expire(node) == Counter({"pawsome": 131})
        assert await expire(node) == Counter()

        assert await desk.notes() == [""] * 130 + [f"{MARK} young"]
        with closing(open_read_only(tmp_path / FILE_NAME)) as connection:
            left = "SELECT id, mentions FROM note WHERE digest <> x'' OR mentions <> '[]'"
            assert connection.execute(left).fetchall() == [("young", "[]")]
        assert traces(tmp_path, f"{MARK} zebra".lower()) == []
        assert traces(tmp_path, "zebra, edited") == []
        audit = await api.ask("GET", "/v1/audit?kind=messages_expired", api.key())
        assert [e["detail"] for e in audit.json["entries"]] == [{"messages": 1, "notes": 130}]
    assert check_file(tmp_path / FILE_NAME) == []


async def test_notes_alone_expire_too_and_the_team_is_told(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, running_edge(api.stage, api.app) as edge:
        desk, node = Team(api), api.stage.node
        await desk.begin()
        await desk.keep("main", 1)
        desk.later(2)
        assert await expire(node) == Counter({"pawsome": 1})
        await desk.note("sam", "n1")
        assert await expire(node) == Counter()
        desk.later(2)
        sam = await edge.welcomed(api.token("sam"), "web")
        assert await expire(node) == Counter({"pawsome": 1})
        await edge.settled(sam)
        told: list[Any] = [event for event in sam.events if event["type"] == "note"]
        assert [(n["note"], n.get("text", ""), n["deleted_at"] > 0) for n in told] == [
            ("n1", "", True)
        ]
        assert traces(tmp_path, MARK.lower()) == []
        audit = await api.ask("GET", "/v1/audit?kind=note_deleted", api.key())
        assert [e["author"] for e in audit.json["entries"]] == ["@business"]


@pytest.mark.parametrize("held", ["carla", "sam", "it"])
async def test_notes_on_hold_are_kept_until_it_is_lifted(tmp_path: Path, held: str) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Team(api), api.stage.node
        await desk.begin()
        await desk.note("sam", "n1")  # who works there, and is no member
        await desk.keep("main", 1)
        desk.later(2)
        path = f"{desk.talk}/hold" if held == "it" else f"/v1/people/{held}/hold"
        await desk.done("PUT", path, "olivia")
        assert await expire(node) == Counter()
        assert await desk.notes() == [f"{MARK} n1"]
        await desk.done("DELETE", path, "olivia")
        assert await expire(node) == Counter({"pawsome": 2})
        assert await desk.notes() == [""]


async def test_notes_are_kept_where_one_location_keeps_for_ever(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Team(api), api.stage.node
        await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
        await desk.done("PATCH", "/v1/people/carla", "", {"locations": ["main", "b"]})
        await desk.begin()
        await desk.note("sam", "n1")
        await desk.keep("main", 1)
        desk.later(5)
        assert await expire(node) == Counter()
        assert await desk.notes() == [f"{MARK} n1"]
        await desk.keep("b", 4)
        assert await expire(node) == Counter({"pawsome": 2})
        assert await desk.notes() == [""]


async def test_notes_go_by_the_days_of_the_app(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Team(api), api.stage.node
        await desk.begin()
        await desk.note("sam", "n1")
        for days in ({"text": 1, "email": 1}, {"app": None, "text": 1}):
            body = {"retention_by_channel": days}
            await desk.done("PATCH", "/v1/locations/main", "", body)
            desk.later(2)
            assert await expire(node) == Counter()
        await desk.done("PATCH", "/v1/locations/main", "", {"retention_by_channel": {"app": 1}})
        assert await expire(node) == Counter({"pawsome": 2})
        assert await desk.notes() == [""]
