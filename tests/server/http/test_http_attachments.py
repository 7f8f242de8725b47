"""Attachments in messages: sent, shown, downloaded by who may, scanned, deleted."""

import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from PIL import ExifTags, Image

from domain.roles import Role
from server.attachments.links import Link, Links
from server.attachments.scanner import scan
from server.http.attachments import disposition
from server.settings import Settings
from storage.check import check_file
from tests.fixtures.api import ApiStage, Reply, http_scope, running_api
from tests.fixtures.node import running_node
from tests.fixtures.uploads import begin, look, picture, settled, upload
from tests.fixtures.websockets import running_edge

MESSAGES = "/v1/conversations/rex/messages"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
JPEG = picture("JPEG")


@asynccontextmanager
async def talk(folder: Path, **settings: Any) -> AsyncIterator[ApiStage]:
    """With a conversation `rex` of carla, sam and the owner."""
    async with running_api(folder, Settings(data_dir=str(folder), **settings)) as api:
        body = {"kind": "group", "people": ["sam"], "title": "Rex", "id": "rex"}
        await api.ask("POST", "/v1/conversations", api.token("carla"), body)
        yield api


@pytest.fixture
async def rex(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with talk(tmp_path) as api:
        yield api
        assert check_file(api.stage.node.database.path) == []


async def send(
    api: ApiStage, person: str, id_: str, attachments: list[str], text: str = ""
) -> Reply:
    body = {"client_message_id": id_, "text": text, "attachments": attachments}
    return await api.ask("POST", MESSAGES, api.token(person), body)


async def messages(api: ApiStage, person: str = "sam") -> list[Any]:
    found: list[Any] = (await api.ask("GET", MESSAGES, api.token(person))).json["messages"]
    return found


async def link(api: ApiStage, person: str, seq: int, id_: str, business: str = "pawsome") -> Reply:
    path = f"{MESSAGES}/{seq}/attachments/{id_}"
    return await api.ask("GET", path, api.token(person, business))


async def sent(api: ApiStage, name: str, data: bytes) -> Any:
    """Upload, send, and get a link as another member."""
    id_ = (await upload(api, "carla", name, data))["id"]
    seq = (await send(api, "carla", id_, [id_])).json["seq"]
    return (await link(api, "sam", seq, id_)).json


# --- sending --------------------------------------------------------------------------------------


@pytest.mark.requirement("MT-02", "DT-16", "DT-17")
async def test_a_message_with_pictures_and_documents(rex: ApiStage) -> None:
    one = await upload(rex, "carla", "Rex.jpg", JPEG)
    two = await upload(rex, "carla", "plan.pdf", b"%PDF-1.7\n")
    answer = await send(rex, "carla", "m1", [two["id"], one["id"]], "Look")
    assert answer.status == 201
    assert set(answer.json) == {"client_message_id", "conversation", "seq", "revision", "at"}
    for person in ("carla", "sam", "olivia"):
        (message,) = await messages(rex, person)
        assert message["text"] == "Look"
        assert message["attachments"] == [two["attachment"], one["attachment"]]
    again = await send(rex, "carla", "m1", [two["id"], one["id"]], "Look")
    assert again.body == answer.body
    other = await send(rex, "carla", "m1", [one["id"], two["id"]], "Look")
    assert (other.status, other.code) == (409, "conflict")
    assert (await look(rex, "carla", one["id"])).json["expires_at"] == 0


async def test_a_message_without_attachments_is_as_it_was(rex: ApiStage) -> None:
    await send(rex, "carla", "m1", [], "Hi")
    (message,) = await messages(rex)
    assert "attachments" not in message


@pytest.mark.requirement("MT-22")
async def test_what_cannot_be_attached_is_not_sent_and_nothing_is_lost(rex: ApiStage) -> None:
    await rex.stage.add_business("barkley", {"carla": Role.OWNER})
    ready = (await upload(rex, "carla", "a.txt", b"ready"))["id"]
    refused = (await upload(rex, "carla", "b.jpg", JPEG[:300]))["id"]
    unfinished = (await begin(rex, "carla", "c.txt", 7)).json["id"]
    of_sam = (await upload(rex, "sam", "d.txt", b"sam's"))["id"]
    for attachments, status, code in (
        (["nowhere"], 404, "not_found"),
        ([of_sam], 404, "not_found"),
        ([ready, of_sam], 404, "not_found"),
        ([refused], 409, "conflict"),
        ([unfinished], 409, "conflict"),
        ([ready, ready], 400, "bad_request"),
        ([f"a{n}" for n in range(11)], 413, "too_large"),
        (["no id!"], 400, "bad_request"),
        ("a1", 400, "bad_request"),
        (None, 400, "bad_request"),
    ):
        answer = await send(rex, "carla", "m1", attachments, "Hi")  # type: ignore[arg-type]
        assert (answer.status, answer.code) == (status, code)
    assert await messages(rex) == []
    assert (await send(rex, "carla", "m1", [ready], "Hi")).status == 201
    twice = await send(rex, "carla", "m2", [ready], "Hi")
    assert (twice.status, twice.code) == (409, "conflict")


async def test_one_attachment_for_many_messages_at_once_is_in_one(rex: ApiStage) -> None:
    """In several conversations, each with an actor of its own."""
    id_ = (await upload(rex, "carla", "a.txt", b"once"))["id"]
    for name in ("one", "two", "three"):
        body = {"kind": "group", "people": ["sam"], "id": name}
        await rex.ask("POST", "/v1/conversations", rex.token("carla"), body)
    statuses = []

    async def try_it(name: str) -> None:
        body = {"client_message_id": name, "text": "", "attachments": [id_]}
        path = f"/v1/conversations/{name}/messages"
        statuses.append((await rex.ask("POST", path, rex.token("carla"), body)).status)

    async with trio.open_nursery() as nursery:
        for name in ("one", "two", "three"):
            nursery.start_soon(try_it, name)
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 507}


async def test_live_members_and_the_author_see_it(rex: ApiStage) -> None:
    async with running_edge(rex.stage, rex.app) as edge:
        author = await edge.welcomed(rex.token("carla"), "phone")
        member = await edge.welcomed(rex.token("sam"), "desk")
        ready = await upload(rex, "carla", "Rex.jpg", JPEG)
        ack = await author.ask(
            type="send",
            conversation="rex",
            client_message_id="m1",
            text="",
            attachments=[ready["id"]],
        )
        assert ack["type"] == "ack"
        for socket in (author, member):
            event = next((each for each in socket.events if each["type"] == "message"), None)
            while event is None or event["type"] != "message":
                event = await socket.receive()
            assert event["attachments"] == [ready["attachment"]]
        await author.ask(type="send", conversation="rex", client_message_id="m2", text="Hi")
        plain = await member.receive()
        assert "attachments" not in plain
        assert (await author.ask(type="ping"))["type"] == "pong"
        assert [each for each in author.events if each.get("seq") == 2] == []
        refused = await author.ask(
            type="send", conversation="rex", client_message_id="m3", text="", attachments=["x"]
        )
        assert (refused["code"], refused["client_message_id"]) == ("not_found", "m3")


# --- downloading ----------------------------------------------------------------------------------


@pytest.mark.requirement("EX-36", "R33")
async def test_what_others_get_of_a_photo_does_not_say_where_it_was_taken(rex: ApiStage) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N 45.4642"
    taken = picture("JPEG", exif=exif)
    assert b"N 45.4642" in taken
    got = await sent(rex, "Rex.jpg", taken)
    for url in (got["url"], got["thumbnail_url"]):
        file = await rex.ask("GET", url)
        assert file.status == 200
        assert b"N 45.4642" not in file.body
        with Image.open(io.BytesIO(file.body)) as image:
            assert image.size == (40, 30)
            assert f"image/{(image.format or '').lower()}" == file.headers["content-type"]
    assert file.headers["content-disposition"].startswith("inline; ")


@pytest.mark.requirement("R33", "R35", "EX-36")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.svg", SVG),
        ("x.html", b"<html><script>alert(1)</script>"),
        ("x.png", SVG),
        ("x.pdf", b"%PDF-1.7\n/JavaScript"),
        ("x.txt", b"text"),
        ("x.xml", b"<?xml version='1.0'?><?xml-stylesheet href='x.xsl'?><x/>"),
    ],
)
async def test_what_is_no_image_of_ours_is_saved_and_runs_nowhere(
    rex: ApiStage, name: str, data: bytes
) -> None:
    got = await sent(rex, name, data)
    assert got["thumbnail_url"] == ""
    file = await rex.ask("GET", got["url"])
    assert (file.status, file.body) == (200, data)
    headers = file.headers
    assert headers["content-disposition"].startswith("attachment; ")
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["content-type"].partition(";")[0] in (
        "application/octet-stream",
        "application/pdf",
        "text/plain",
    )


NAMES = {
    "Rex.png": "Rex.png",
    'a"b\\c.png': "c.png",
    "Überraschung 犬.pdf": "%C3%9Cberraschung%20%E7%8A%AC.pdf",
    "a\r\nSet-Cookie: x=1": "aSet-Cookie%3A%20x%3D1",
    "x; filename=evil.exe": "x%3B%20filename%3Devil.exe",
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_cannot_leave_its_header(rex: ApiStage, name: str) -> None:
    got = await sent(rex, name, b"x")
    said = (await rex.ask("GET", got["url"])).headers["content-disposition"]
    assert said.endswith(f"; filename*=UTF-8''{NAMES[name]}")
    assert said.isascii()
    assert said.isprintable()
    assert said.count('"') == 2


def test_a_disposition_is_ascii_whatever_the_name() -> None:
    for name in ("x" * 200, "犬" * 60, '"', "\\", "%41", "a b"):
        said = disposition(name, inline=False)
        assert said.isascii()
        assert said.count('"') == 2


@pytest.mark.parametrize(
    ("asked", "part", "said"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=0-1,3-4", b"0123456789", None),
        ("lines=0-1", b"0123456789", None),
        ("bytes=x", b"0123456789", None),
        ("bytes=5-3", b"0123456789", None),
    ],
)
async def test_a_range_is_that_range(
    rex: ApiStage, asked: str, part: bytes, said: str | None
) -> None:
    got = await sent(rex, "x.txt", b"0123456789")
    file = await rex.ask("GET", got["url"], Range=asked)
    assert (file.status, file.body) == (206 if said else 200, part)
    assert file.headers.get("content-range") == said
    assert file.headers["content-length"] == str(len(part))
    changed = await rex.ask("GET", got["url"], Range=asked, If_Range='"other"')
    assert changed.status == 200
    same = await rex.ask("GET", got["url"], Range=asked, If_Range=file.headers["etag"])
    assert same.status == file.status


async def test_a_range_beyond_the_end_is_refused(rex: ApiStage) -> None:
    got = await sent(rex, "x.txt", b"0123456789")
    file = await rex.ask("GET", got["url"], Range="bytes=10-")
    assert file.status == 416
    assert file.headers["content-range"] == "bytes */10"


async def test_a_large_file_comes_whole_through_the_edge(rex: ApiStage) -> None:
    data = bytes(range(256)) * 20_000
    got = await sent(rex, "large.bin", data)
    chunks: list[bytes] = []
    started: list[Any] = []

    async def receive() -> Any:
        await trio.sleep_forever()

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    scope = http_scope("GET", got["url"], "")
    await rex.app(scope, receive, take)  # type: ignore[arg-type]
    assert started[0]["status"] == 200
    assert b"".join(chunks) == data
    assert max(map(len, chunks)) <= 131_072


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.requirement("R26")
async def test_only_who_sees_the_message_gets_a_link(rex: ApiStage) -> None:
    await rex.stage.add_business("barkley", {"carla": Role.OWNER})
    id_ = (await upload(rex, "carla", "a.txt", b"private"))["id"]
    assert (await link(rex, "carla", 1, id_)).status == 404  # not sent yet
    await send(rex, "carla", "m1", [id_])
    for person in ("carla", "sam", "olivia", "max"):  # who works where it is placed
        assert (await link(rex, person, 1, id_)).status == 200
    nothing = await link(rex, "carla", 1, "nowhere")
    for reply in (
        await link(rex, "mia", 1, id_),
        await link(rex, "carla", 1, id_, "barkley"),
        await link(rex, "carla", 2, id_),
    ):
        assert (reply.status, reply.body) == (404, nothing.body)


@pytest.mark.requirement("EX-36")
async def test_a_link_expires_and_cannot_be_changed(rex: ApiStage) -> None:
    await rex.stage.add_business("barkley", {"carla": Role.OWNER})
    got = await sent(rex, "a.txt", b"private")
    url = got["url"]
    assert (await rex.ask("GET", url)).status == 200
    flipped = url[:-9] + ("A" if url[-9] != "A" else "B") + url[-8:]
    for wrong in (
        flipped,
        url[:-1],
        url[:-20] + url[-19:],
        url.replace("/v1/files/W", "/v1/files/X"),
    ):
        assert (await rex.ask("GET", wrong)).status in (400, 404)
    links = rex.stage.node.keeper.links
    genuine = links.verify(url.rpartition("/")[2])
    assert genuine is not None
    forged = Links("another secret").sign(genuine)
    assert (await rex.ask("GET", f"/v1/files/{forged}")).status == 404
    other = Link("barkley", genuine.attachment, False, False, genuine.expires_at)
    assert (await rex.ask("GET", f"/v1/files/{links.sign(other)}")).status == 404
    token = rex.token("carla")
    assert (await rex.ask("GET", f"/v1/files/{token}")).status in (400, 404)
    assert (await rex.ask("GET", "/v1/me", url.rpartition("/")[2])).status == 401
    rex.stage.clock.now += 300_000
    late = await rex.ask("GET", url)
    assert (late.status, late.code) == (403, "forbidden")


async def test_deleting_a_message_ends_its_links_and_its_files(rex: ApiStage) -> None:
    got = await sent(rex, "a.txt", b"private")
    same = await sent(rex, "b.txt", b"private")
    await rex.ask("DELETE", f"{MESSAGES}/1", rex.token("carla"))
    assert (await rex.ask("GET", got["url"])).status == 404
    assert (await link(rex, "olivia", 1, got["attachment"]["id"])).status == 404
    assert "attachments" not in (await messages(rex))[0]
    keeper = rex.stage.node.keeper
    await keeper.expire()
    assert (await rex.ask("GET", same["url"])).body == b"private"  # the same content, sent again
    await rex.ask("DELETE", f"{MESSAGES}/2", rex.token("carla"))
    await keeper.expire()
    assert list(keeper.files.all()) == []


async def test_a_sent_upload_is_not_given_up(rex: ApiStage) -> None:
    got = await sent(rex, "a.txt", b"x")
    path = f"/v1/uploads/{got['attachment']['id']}"
    refused = await rex.ask("DELETE", path, rex.token("carla"))
    assert (refused.status, refused.code) == (409, "conflict")
    assert (await rex.ask("GET", got["url"])).status == 200


async def test_strays_are_collected_and_what_is_used_is_not(rex: ApiStage) -> None:
    got = await sent(rex, "a.txt", b"used")
    keeper = rex.stage.node.keeper
    unsent = (await begin(rex, "carla", "b.txt", 9)).json["id"]
    await rex.ask(
        "PATCH",
        f"/v1/uploads/{unsent}?offset=0",
        rex.token("carla"),
        raw=b"on its",
        Content_Type="application/octet-stream",
    )
    stray = keeper.files.path("ab" * 32)
    left = keeper.files.uploading("99-gone")
    foreign = keeper.files.uploading("not-ours")
    for path in (stray, left, foreign):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"of a kill")
    await keeper.walk()
    assert foreign.exists()
    assert not stray.exists()
    assert not left.exists()
    assert (await rex.ask("GET", got["url"])).body == b"used"
    assert (await look(rex, "carla", unsent)).json["offset"] == 6


async def test_removing_a_person_removes_their_files(rex: ApiStage) -> None:
    hers = await sent(rex, "a.txt", b"hers")
    id_ = (await upload(rex, "sam", "b.txt", b"his"))["id"]
    await send(rex, "sam", "m2", [id_])
    assert await rex.stage.node.keeper.remove_person(1, "carla") == 1
    assert (await rex.ask("GET", hers["url"])).status == 404
    files = rex.stage.node.keeper.files
    assert [files.path(each).read_bytes() for each in files.all()] == [b"his"]


# --- the scanner ----------------------------------------------------------------------------------


def scanner(folder: Path) -> tuple[str, ...]:
    """Answers with the status that a file beside it holds."""
    program = folder / "scanner.py"
    program.write_text(
        "import pathlib, sys\n"
        "assert pathlib.Path(sys.argv[1]).read_bytes()\n"
        f"sys.exit(int(pathlib.Path({str(folder / 'verdict')!r}).read_text()))\n"
    )
    (folder / "verdict").write_text("2")
    return sys.executable, str(program)


def say(folder: Path, verdict: int) -> None:
    (folder / "verdict").write_text(str(verdict))


@asynccontextmanager
async def hurried(api: ApiStage) -> AsyncIterator[None]:
    """Within the block it is time to scan again, whenever it could not be said."""

    async def hurry() -> None:
        while True:
            await api.stage.node.keeper.rows.again(1, 0)
            api.stage.node.keeper._woken()
            await trio.sleep(0.1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hurry)
        with trio.fail_after(20):
            yield
        nursery.cancel_scope.cancel()


@pytest.mark.requirement("EX-36")
@pytest.mark.parametrize(("verdict", "state"), [(0, "ready"), (1, "refused")])
async def test_a_scanner_settles_before_it_is_sent(
    tmp_path: Path, verdict: int, state: str
) -> None:
    async with talk(tmp_path / "data", attachment_scan_command=scanner(tmp_path)) as api:
        say(tmp_path, verdict)
        found = await upload(api, "carla", "a.txt", b"content", "pending-scan")
        assert found["state"] == state
        assert found["code"] == ("infected" if verdict else "")
        answer = await send(api, "carla", "m1", [found["id"]])
        assert answer.status == (409 if verdict else 201)
        kept = 1 - verdict
        for _ in range(500):  # a file that is refused goes after that has been said
            if len(list(api.stage.node.keeper.files.all())) == kept:
                break
            await trio.sleep(0.01)
        assert len(list(api.stage.node.keeper.files.all())) == kept


@pytest.mark.requirement("EX-36")
@pytest.mark.parametrize(("verdict", "state"), [(0, "ready"), (1, "refused")])
async def test_what_is_sent_before_is_told_to_everybody(
    tmp_path: Path, verdict: int, state: str
) -> None:
    async with talk(tmp_path / "data", attachment_scan_command=scanner(tmp_path)) as api:
        found = await upload(api, "carla", "a.txt", b"content")
        assert found["state"] == "pending-scan"
        assert (await send(api, "carla", "m1", [found["id"]], "Look")).status == 201
        (message,) = await messages(api)
        assert message["attachments"][0]["state"] == "pending-scan"
        waiting = await link(api, "sam", 1, found["id"])
        assert (waiting.status, waiting.code) == (503, "unavailable")
        own = await link(api, "carla", 1, found["id"])
        assert (await api.ask("GET", own.json["url"])).body == b"content"
        async with running_edge(api.stage, api.app) as edge:
            socket = await edge.welcomed(api.token("sam"), "desk")
            say(tmp_path, verdict)
            async with hurried(api):
                event = await socket.receive()
        assert event == {
            "type": "attachment_changed",
            "revision": message["revision"] + 1,
            "conversation": "rex",
            "seq": 1,
            "attachment": found["id"],
            "state": state,
        }
        (message,) = await messages(api)
        assert message["attachments"][0].get("state", "ready") == state
        after = await link(api, "sam", 1, found["id"])
        assert after.status == (403 if verdict else 200)
        again = await api.ask("GET", own.json["url"])
        assert again.status == (403 if verdict else 200)
        assert check_file(api.stage.node.database.path) == []


async def test_a_scanner_that_cannot_say_is_asked_again(tmp_path: Path) -> None:
    async with talk(tmp_path / "data", attachment_scan_command=scanner(tmp_path)) as api:
        found = await upload(api, "carla", "a.txt", b"content")
        async with hurried(api):
            await trio.sleep(0.5)
            assert (await look(api, "carla", found["id"])).json["state"] == "pending-scan"
            say(tmp_path, 0)
            assert (await settled(api, "carla", found["id"], "pending-scan"))["state"] == "ready"


async def test_a_scanner_that_is_not_there_leaves_it_pending(tmp_path: Path) -> None:
    async with talk(tmp_path, attachment_scan_command=("/no/such/scanner",)) as api:
        found = await upload(api, "carla", "a.txt", b"content")
        await trio.sleep(0.1)
        assert (await look(api, "carla", found["id"])).json["state"] == "pending-scan"


async def test_without_a_scanner_nothing_stays_pending_and_no_file_is_run(tmp_path: Path) -> None:
    """An operator who takes the command away lets through what had waited for it."""
    async with talk(tmp_path, attachment_scan_command=("/no/such/scanner",)) as api:
        found = await upload(api, "carla", "a.sh", b"#!/bin/sh\n")
        assert found["state"] == "pending-scan"
    async with running_node(tmp_path, Settings(data_dir=str(tmp_path))) as stage:
        stage.clock.now += 120_000
        stage.node.keeper._woken()
        with trio.fail_after(10):
            while True:
                row = await stage.node.keeper.rows.own(1, "carla", found["id"])
                assert row is not None
                if row.state == "ready":
                    break
                await trio.sleep(0.02)
    with pytest.raises(ValueError, match="no command"):
        await scan((), tmp_path / "a.sh")
