"""Export, erasure and legal hold of a person (EX-21, R38)."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.settings import Settings
from storage.backup import FILE_NAME
from storage.check import check_file
from tests.fixtures.api import ApiStage, Reply, reopened_api, running_api
from tests.fixtures.uploads import picture, upload

MARK = "Xylophonquartz"
"""In everything that the person has anywhere, and nowhere else."""


def traces(folder: Path, *marks: bytes) -> list[tuple[str, bytes]]:
    """The files of a data folder that hold one of ``marks``, in whatever case and encoding."""
    wanted = {form for mark in marks for form in (mark, mark.lower(), mark.hex().encode())}
    return [
        (path.name, mark)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in (path.read_bytes(),)
        for mark in sorted(wanted)
        if mark in content
    ]


class Desk:
    """Whoever asks, and must be answered well."""

    def __init__(self, api: ApiStage) -> None:
        self.api = api

    async def ask(self, method: str, path: str, person: str = "", body: object = None) -> Reply:
        key = self.api.token(person) if person else self.api.key()
        return await self.api.ask(method, path, key, body)

    async def done(self, method: str, path: str, person: str = "", body: object = None) -> Any:
        reply = await self.ask(method, path, person, body)
        assert reply.status < 300, reply.body
        return reply.json

    async def say(self, talk: str, person: str, id_: str, text: str, **more: Any) -> int:
        body = {"client_message_id": id_, "text": text, **more}
        said = await self.done("POST", f"/v1/conversations/{talk}/messages", person, body)
        return int(said["seq"])

    async def texts(self, talk: str, person: str = "olivia") -> list[tuple[int, str, str]]:
        found = await self.done("GET", f"/v1/conversations/{talk}/messages", person)
        return [(m["seq"], m["author"], m.get("text", "")) for m in found["messages"]]


async def live_in(desk: Desk) -> bytes:
    """Carla leaves her mark everywhere; a file that only she has."""
    secret = picture() + MARK.encode() * 3
    contact = {"phones": ["+12125550123"], "email": f"{MARK}@example.com"}
    await desk.done(
        "PATCH",
        "/v1/people/carla",
        body={"name": f"{MARK} Vega", "contact": contact, "reference": f"crm-{MARK}"},
    )
    await desk.done("PATCH", "/v1/people/carla", body={"household": MARK})
    group = {"kind": "group", "people": ["sam"], "title": f"{MARK}'s dog", "id": "dog"}
    await desk.done("POST", "/v1/conversations", "carla", group)
    other = {"kind": "group", "people": ["carla"], "title": "Walks", "id": "walks"}
    await desk.done("POST", "/v1/conversations", "sam", other)
    first = await desk.say("dog", "carla", f"{MARK}-1", f"I am {MARK}")
    await desk.say("dog", "sam", "answer", "Good morning", reply_to=first)
    path = f"/v1/conversations/dog/messages/{first}"
    await desk.done("PATCH", path, "carla", {"text": f"I am {MARK} again " * 40})
    gone = await desk.say("walks", "carla", "gone", f"Never mind {MARK}")
    await desk.done("DELETE", f"/v1/conversations/walks/messages/{gone}", "carla")
    file = await upload(desk.api, "carla", f"{MARK}.txt", f"{MARK} is vaccinated.".encode())
    shot = await upload(desk.api, "carla", "rex.png", secret)
    assert (file["state"], shot["state"]) == ("ready", "ready")
    await desk.say("dog", "carla", "files", "", attachments=[file["id"], shot["id"]])
    await desk.done("DELETE", "/v1/conversations/walks/members/carla", "sam")
    booked = {"customer": "carla", "location": "main", "start": 1, "end": 2, "title": MARK}
    await desk.done("PUT", "/v1/appointments/visit", body=booked)
    # Somebody else has the same file, and so it stays theirs.
    await upload(desk.api, "sam", "shared.txt", b"Open at nine.")
    shared = await upload(desk.api, "carla", "shared.txt", b"Open at nine.")
    await desk.say("dog", "carla", "shared", "See", attachments=[shared["id"]])
    for number in range(30):
        await desk.say("dog", "carla" if number % 3 else "sam", f"n{number}", f"Number {number}")
    return secret


async def erase(desk: Desk, person: str = "carla") -> Reply:
    return await desk.ask("POST", f"/v1/people/{person}/erase", "olivia")


@pytest.mark.requirement("R38")
async def test_an_erased_person_leaves_no_byte_and_everybody_elses_talk(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await live_in(desk)
        before = await desk.texts("dog")
        assert traces(tmp_path, MARK.encode())

        reply = await erase(desk)
        assert (reply.status, reply.json) == (200, {"person": "carla", "state": "erased"})

        assert traces(tmp_path, MARK.encode(), b"2125550123") == []
        after = await desk.texts("dog")
        assert [seq for seq, _, _ in after] == [seq for seq, _, _ in before]
        assert [m for m in after if m[1] == "sam"] == [m for m in before if m[1] == "sam"]
        assert {text for _, author, text in after if author == "carla"} == {""}
        key = api.key()
    assert traces(tmp_path, MARK.encode(), b"2125550123") == []
    assert check_file(tmp_path / FILE_NAME) == []
    async with reopened_api(tmp_path, key) as api:
        assert await Desk(api).texts("dog") == after
        shown = await Desk(api).done("GET", "/v1/people/carla")
        assert (shown["name"], shown["active"]) == ("Deleted person", False)
