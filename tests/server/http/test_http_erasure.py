"""Export, erasure and legal hold of a person (EX-21, R38)."""

import errno
import hashlib
import io
import sqlite3
import threading
import zipfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

import server.erasing
import server.http.erasure
from domain.appointments import FIRST_MS
from domain.commands import Send, Speaker
from domain.errors import StorageFailed
from domain.refusal import Code, Refusal
from domain.roles import Role
from protocol.close_codes import CloseCode
from server.asking import ask_conversation
from server.attachments import keeper
from server.attachments.examiner import examine
from server.attachments.keeper import Keeper
from storage import webhook_log
from storage.attachment_files import AttachmentFiles
from storage.backup import FILE_NAME
from storage.check import check_file
from storage.erasure import TABLES, Removed
from storage.erasure_store import ErasureStore
from storage.migrations import open_read_only
from tests.fixtures.api import reopened_api, running_api
from tests.fixtures.canary import MARK, SHARED, VISIT, Desk, erase, live_in, send_files, traces
from tests.fixtures.uploads import begin, chunk, picture
from tests.fixtures.websockets import running_edge


def rows(folder: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(open_read_only(folder / FILE_NAME)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def marked_tables(folder: Path) -> set[str]:
    """The tables that hold the mark."""
    return {
        table
        for table in TABLES
        if any(MARK.lower() in str(value).lower() for row in rows(folder, table) for value in row)
    }


OF_ACCOUNTS = {"account", "sign_in", "sign_in_link"}
HELD = {name for name, held in TABLES.items() if isinstance(held, Removed)}


@pytest.mark.requirement("R38")
async def test_an_erased_person_leaves_no_byte_and_everybody_elses_talk(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await live_in(desk)
        await send_files(desk)
        await api.stage.node.database.indexer.reached("pawsome", 2**40, 0.6)
        before = await desk.texts("dog")
        files = set(api.stage.node.database.files.all())
        assert len(files) == 5
        assert marked_tables(tmp_path) == HELD - OF_ACCOUNTS
        assert traces(tmp_path)

        reply = await erase(desk)
        assert (reply.status, reply.json) == (200, {"person": "carla", "state": "erased"})

        assert traces(tmp_path) == []
        assert set(api.stage.node.database.files.all()) == {hashlib.sha256(SHARED).hexdigest()}
        after = await desk.texts("dog")
        assert [seq for seq, _, _ in after] == [seq for seq, _, _ in before]
        assert [m for m in after if m[1] == "sam"] == [m for m in before if m[1] == "sam"]
        assert {text for _, author, text in after if author == "carla"} == {""}
        again = await erase(desk)
        assert again.json == reply.json
        key = api.key()
    assert traces(tmp_path) == []
    assert check_file(tmp_path / FILE_NAME) == []
    async with reopened_api(tmp_path, key) as api:
        assert await Desk(api).texts("dog") == after
        shown = await Desk(api).done("GET", "/v1/people/carla")
        assert (shown["name"], shown["active"]) == ("Deleted person", False)
        assert "contact" not in shown


@pytest.mark.requirement("R38")
async def test_of_the_team_accounts_and_notes_go_too(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.done("PUT", "/v1/people/sam/account", body={"email": f"{MARK}@x.example"})
        talk = {"kind": "group", "people": ["carla", "mia"], "id": "talk"}
        await desk.done("POST", "/v1/conversations", "max", talk)
        await desk.done("POST", "/v1/conversations/talk/members", "max", {"person": "sam"})
        await desk.done("POST", "/v1/conversations/talk/notes", "sam", {"text": MARK})
        await desk.done("POST", "/v1/conversations/talk/notes", "max", {"text": "Mine"})
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
            connection.execute(
                "INSERT INTO sign_in VALUES ('s1', 1, 'sam', ?, 0, 0, 1, 1)", (f"web-{MARK}",)
            )
            connection.execute(
                "INSERT INTO sign_in_link VALUES (?, 1, 'sam', 1, 1)", (MARK.encode(),)
            )
        assert marked_tables(tmp_path) == {*OF_ACCOUNTS, "note"}
        assert (await erase(desk, "sam")).status == 200
        assert traces(tmp_path) == []
        notes = (await desk.done("GET", "/v1/conversations/talk/notes", "max"))["notes"]
        assert [note.get("text", "") for note in notes] == ["Mine", ""]


@pytest.mark.requirement("R38")
async def test_every_table_is_declared(tmp_path: Path) -> None:
    """A new table is declared in `storage.erasure.TABLES`, with what erases somebody from it."""
    async with running_api(tmp_path):
        with closing(open_read_only(tmp_path / FILE_NAME)) as connection:
            found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            names = {name for (name,) in found}
    of_the_index = {f"search_{part}" for part in ("data", "idx", "config", "docsize")}
    assert names - of_the_index - {"sqlite_sequence"} == set(TABLES)


STEPS: dict[str, tuple[type, str]] = {
    "nothing": (ErasureStore, "said"),
    "what was said": (ErasureStore, "remove"),
    "the tables": (Keeper, "remove_person"),
    "all but its bytes": (ErasureStore, "wash"),
}


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("done", STEPS)
async def test_what_was_begun_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: str
) -> None:
    async def fails(*_: object) -> None:
        raise StorageFailed("the disk is full")

    monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 0.1)
    with monkeypatch.context() as patched:
        patched.setattr(*STEPS[done], fails)
        async with running_api(tmp_path) as api:
            desk = Desk(api)
            await live_in(desk)
            assert (await erase(desk)).json["state"] == "erasing"
            shown = await desk.done("GET", "/v1/people/carla")
            assert (shown["name"], shown["active"]) == ("Deleted person", False)
            key = api.key()
    monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 10.0)
    async with reopened_api(tmp_path, key) as api:
        assert (await erase(Desk(api))).json["state"] == "erased"
        assert traces(tmp_path) == []
    assert check_file(tmp_path / FILE_NAME) == []


@pytest.mark.requirement("R38")
async def test_a_file_that_cannot_be_deleted_yet_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, failed = AttachmentFiles.remove, []

    def fails_once(self: AttachmentFiles, files: Iterable[str]) -> None:
        if not failed:
            failed.append(set(files))
            raise OSError(errno.EIO, "the disk fails")
        remove(self, files)

    monkeypatch.setattr(server.erasing, "AGAIN_SECONDS", 0.01)
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await live_in(desk)
        await send_files(desk)
        monkeypatch.setattr(AttachmentFiles, "remove", fails_once)
        assert (await erase(desk)).json["state"] == "erased"
        assert failed[0]
        assert set(api.stage.node.database.files.all()) == {hashlib.sha256(SHARED).hexdigest()}
        assert traces(tmp_path) == []


@pytest.mark.requirement("R38")
async def test_a_file_that_is_being_examined_holds_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going = trio.Event(), trio.Event()

    async def slow(source: Path, folder: Path, *more: Any) -> Any:
        (folder / "image").write_text(MARK)
        begun.set()
        await going.wait()
        return await examine(source, folder, *more)

    monkeypatch.setattr(keeper, "examine", slow)
    monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 0.3)
    async with running_api(tmp_path) as api:
        shot, desk = picture(), Desk(api)
        id_ = (await begin(api, "carla", "rex.png", len(shot))).json["id"]
        assert (await chunk(api, "carla", id_, 0, shot)).status == 200
        await begun.wait()
        assert (await erase(desk)).json["state"] == "erasing"
        assert traces(tmp_path)
        monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 10.0)
        going.set()
        assert (await erase(desk)).json["state"] == "erased"
        assert traces(tmp_path) == []


@pytest.mark.requirement("R38")
async def test_a_chunk_that_is_being_written_holds_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, going = AttachmentFiles.append, threading.Event()

    def slow(self: AttachmentFiles, *what: Any) -> int:
        begun.set()
        assert going.wait(20)
        return append(self, *what)

    begun = threading.Event()
    monkeypatch.setattr(AttachmentFiles, "append", slow)
    monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 0.3)
    async with running_api(tmp_path) as api, trio.open_nursery() as nursery:
        said, desk = f"{MARK} wrote this, too.".encode(), Desk(api)
        id_ = (await begin(api, "carla", "rex.txt", len(said) + 1)).json["id"]
        nursery.start_soon(chunk, api, "carla", id_, 0, said)
        await trio.to_thread.run_sync(begun.wait)
        assert (await erase(desk)).json["state"] == "erasing"
        monkeypatch.setattr(server.http.erasure, "WAIT_SECONDS", 10.0)
        going.set()
        assert (await erase(desk)).json["state"] == "erased"
        assert traces(tmp_path) == []


@pytest.mark.requirement("EX-21")
async def test_whoever_is_connected_is_shown_it(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, running_edge(api.stage, api.app) as edge:
        desk = Desk(api)
        talk = {"kind": "group", "people": ["sam"], "id": "dog"}
        await desk.done("POST", "/v1/conversations", "carla", talk)
        for number in range(3):
            await desk.say("dog", "carla", f"m{number}", MARK)
        revision = api.stage.node.database.journal.released("pawsome")
        sam = await edge.welcomed(api.token("sam"), "web")
        carla = await edge.welcomed(api.token("carla"), "phone")
        assert (await erase(desk)).status == 200
        assert (await carla.closed()).code == CloseCode.DEACTIVATED
        deleted: dict[int, str] = {}
        named = ""
        while len(deleted) < 3 or not named:
            frame = await sam.receive()
            if frame["type"] == "message_deleted":
                deleted[frame["seq"]] = frame["author"]
            if frame["type"] == "person_changed":
                named = frame["name"]
        assert deleted == {1: "@business", 2: "@business", 3: "@business"}
        assert named == "Deleted person"
        with closing(open_read_only(tmp_path / FILE_NAME)) as connection:
            log = webhook_log.read(connection, 1, webhook_log.Stretch(revision))
        told = [(entry.type.value, entry.lane) for entry in log.entries]
        assert told == [("person.changed", "@person/carla"), *[("message.deleted", "dog")] * 3]
        # What the actor has in memory does not know her name either.
        await desk.done("DELETE", "/v1/conversations/dog/members/carla", "sam")
        last = (await desk.texts("dog"))[-1]
        assert last == (4, "sam", "Deleted person")


@pytest.mark.requirement("EX-21")
async def test_nothing_is_taken_from_or_about_who_was_erased(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        own = (await desk.done("POST", "/v1/people/carla/conversation", "carla"))["id"]
        token = api.token("carla")
        await desk.say(own, "carla", "m1", MARK)
        late = {"client_message_id": "late", "text": MARK}
        live = await api.stage.node.live("pawsome")
        assert live is not None
        assert (await erase(desk)).status == 200

        path = f"/v1/conversations/{own}/messages"
        assert (await api.ask("POST", path, token, late)).status == 401
        spoken = await api.ask("POST", path, api.key(), late, Deskbell_Person="carla")
        assert (spoken.status, spoken.code) == (403, "forbidden")
        carla = Speaker("carla", MARK, Role.CUSTOMER, "phone")  # she was let in before
        answer = await ask_conversation(live, own, Send(carla, "late", MARK))
        assert isinstance(answer, Refusal)
        assert answer.code is Code.DELETED

        changed = await desk.ask("PATCH", "/v1/people/carla", body={"name": MARK})
        assert (changed.status, changed.code) == (409, "deleted")
        booked = {
            "customer": "carla",
            "location": "main",
            **VISIT,
            "title": MARK,
        }
        visit = await desk.ask("PUT", "/v1/appointments/visit", body=booked)
        assert (visit.status, visit.code) == (409, "deleted")
        said = {"client_message_id": "late", "location": "main", "text": MARK}
        announced = await desk.ask("POST", "/v1/people/carla/announcements", body=said)
        assert (announced.status, announced.code) == (409, "deleted")
        copied = await desk.ask("GET", "/v1/people/carla/export", "olivia")
        assert (copied.status, copied.code) == (409, "deleted")
        await desk.done("POST", "/v1/imports", body={"id": "old"})
        said = [{"id": "o1", "author": "carla", "text": MARK, "at": FIRST_MS}]
        talk = {"type": "conversation", "id": "o", "people": ["carla"], "messages": said}
        records = {"first": 1, "records": [talk]}
        await desk.done("POST", "/v1/imports/old/records", body=records)
        refused = (await desk.done("GET", "/v1/imports/old/refused"))["refused"]
        assert [each["code"] for each in refused] == ["deleted"]
        assert traces(tmp_path) == []


@pytest.mark.requirement("EX-21")
async def test_an_export_holds_all_of_a_customer_and_nothing_of_the_team(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await live_in(desk)
        await send_files(desk)
        for number in range(120):  # more than a page
            await desk.say("dog", "carla" if number % 2 else "sam", f"n{number}", f"No. {number}")
        talk = {"kind": "group", "people": ["mia"], "id": "team", "title": "Team"}
        await desk.done("POST", "/v1/conversations", "sam", talk)
        await desk.say("team", "sam", "t1", "Secretum")
        note = {"text": "Secretum, too"}
        await desk.done("POST", "/v1/conversations/dog/notes", "sam", note)
        reply = await desk.ask("GET", "/v1/people/carla/export", "olivia")
        assert reply.status == 200
        archive = zipfile.ZipFile(io.BytesIO(reply.body))
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
        said = msgspec.json.decode(held["said.json"])
        assert [m["text"] for m in said if m["conversation"] == "walks"] == [""]
        assert said[0]["versions"][0]["text"] == f"I am {MARK}"
        read = msgspec.json.decode(held["conversations/dog.json"])
        assert [m["seq"] for m in read] == list(range(1, len(read) + 1))
        assert {"Good morning", "No. 0", "No. 119"} <= {m.get("text") for m in read}
        files = sorted(name.rpartition("/")[2] for name in held if name.startswith("attach"))
        assert files == [f"{MARK}.txt", "rex.png", "shared.txt", "unsent.txt"]
        person = msgspec.json.decode(held["person.json"])
        assert person["contact"]["phones"] == ["+12125550123"]
        assert person["name"] == f"{MARK} Vega"
        assert MARK in held["appointments.json"].decode()
        assert not any(b"Secretum" in content for content in held.values())
        audit = await desk.done("GET", "/v1/audit?kind=person_exported", "olivia")
        assert [(e["author"], e["person"]) for e in audit["entries"]] == [("olivia", "carla")]

        staff = await desk.ask("GET", "/v1/people/sam/export", "olivia")
        archive = zipfile.ZipFile(io.BytesIO(staff.body))
        assert not any(name.startswith("conversations/") for name in archive.namelist())
        notes = msgspec.json.decode(archive.read("notes.json"))
        assert sorted(note["text"] for note in notes) == ["Secretum, too", f"{MARK} is late"]


HOLDS = {
    "the person": "/v1/people/carla/hold",
    "a conversation of theirs": "/v1/conversations/dog/hold",
    "whom they talk to": "/v1/people/sam/hold",
    "a conversation they have left": "/v1/conversations/walks/hold",
}


@pytest.mark.requirement("EX-21")
async def test_a_hold_forbids_erasure_while_it_stands(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await live_in(desk)
        for path in HOLDS.values():
            await desk.done("PUT", path, "olivia")
            assert (await desk.done("PUT", path, "olivia"))["revision"] == 0
            refused = await erase(desk)
            assert (refused.status, refused.code) == (409, "on_hold")
            await desk.done("DELETE", path, "olivia")
            assert (await desk.done("DELETE", path, "olivia"))["revision"] == 0
        audit = (await desk.done("GET", "/v1/audit?kind=hold_placed", "olivia"))["entries"]
        assert [(e.get("person"), e["detail"]) for e in reversed(audit)] == [
            ("carla", {"person": "carla"}),
            (None, {"conversation": "dog"}),
            ("sam", {"person": "sam"}),
            (None, {"conversation": "walks"}),
        ]
        assert (await erase(desk)).status == 200
        lonely = await erase(desk, "olivia")
        assert (lonely.status, lonely.code) == (409, "owner_required")
