"""Uploads over HTTP: piece by piece, resumed, refused, given up, and nobody else's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.business import ChangePerson
from domain.attachments import HEIC, IMAGE_BYTES, NOT_AN_IMAGE
from domain.errors import StorageFailed
from domain.events import Person
from domain.roles import Role
from server.attachments.keeper import CHUNK_BYTES
from server.settings import Settings
from storage.attachments import Attachments
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.node import running_node
from tests.fixtures.uploads import (
    OCTETS,
    begin,
    chunk,
    look,
    picture,
    settled,
    until,
    upload,
)

JPEG = picture("JPEG")
HEIC_FILE = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[ApiStage]:
    """Where a person may have three files and 1000 bytes that are not sent."""
    settings = Settings(data_dir=str(tmp_path), uploads=3, upload_bytes=1_000, upload_seconds=60)
    async with running_api(tmp_path, settings) as api:
        yield api


def kept(api: ApiStage) -> list[Path]:
    """The files of attachments, those on their way too."""
    root = api.stage.node.keeper.files.root
    return sorted(path for path in root.rglob("*") if path.is_file())


# --- the way of a file ----------------------------------------------------------------------------


@pytest.mark.requirement("DT-16")
@pytest.mark.parametrize("person", ["olivia", "max", "sam", "carla"])
async def test_anybody_uploads_a_picture(api: ApiStage, person: str) -> None:
    ready = await upload(api, person, "Rex.JPG", JPEG)
    assert (ready["state"], ready["code"], ready["text"]) == ("ready", "", "")
    shown = ready["attachment"]
    assert (shown["id"], shown["name"]) == (ready["id"], "Rex.JPG")
    assert (shown["kind"], shown["media_type"]) == ("image", "image/jpeg")
    assert (shown["width"], shown["height"], shown["thumbnail"]) == (40, 30, True)


@pytest.mark.requirement("DT-17")
async def test_documents_and_videos_are_taken_as_they_are(api: ApiStage) -> None:
    video = b"\0\0\0\x14ftypisom\0\0\0\0isom" + bytes(range(256)) * 2_000
    for name, data, kind, media_type in (
        ("walk.mp4", video, "video", "video/mp4"),
        ("plan.pdf", b"%PDF-1.7\n...", "document", "application/pdf"),
        ("list.txt", "Wurst, Käse".encode(), "document", "text/plain"),
        ("any.bin", b"\x00\x01", "document", "application/octet-stream"),
    ):
        shown = (await upload(api, "carla", name, data))["attachment"]
        assert (shown["kind"], shown["media_type"]) == (kind, media_type)
        assert shown["bytes"] == len(data)
    assert video in [path.read_bytes() for path in kept(api)]


async def test_an_upload_goes_on_where_it_was_broken_off(api: ApiStage) -> None:
    data = b"%PDF-" + bytes(2 * CHUNK_BYTES)
    id_ = (await begin(api, "carla", "x.pdf", len(data))).json["id"]
    first = await chunk(api, "carla", id_, 0, data[:CHUNK_BYTES])
    assert (first.json["offset"], first.json["state"]) == (CHUNK_BYTES, "uploading")
    for wrong in (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES + 1):
        refused = await chunk(api, "carla", id_, wrong, b"x")
        assert (refused.status, refused.code) == (409, "conflict")
        assert str(CHUNK_BYTES) in refused.json["detail"]
    at = (await look(api, "carla", id_)).json["offset"]
    assert at == CHUNK_BYTES
    await chunk(api, "carla", id_, at, data[at : at + CHUNK_BYTES])
    last = await chunk(api, "carla", id_, 2 * CHUNK_BYTES, data[2 * CHUNK_BYTES :])
    assert last.json["offset"] == len(data)
    assert (await settled(api, "carla", id_))["state"] == "ready"
    again = await chunk(api, "carla", id_, 0, data[:5])
    assert (again.status, again.code) == (409, "conflict")


async def test_chunks_at_the_same_time_are_one_after_the_other(api: ApiStage) -> None:
    id_ = (await begin(api, "carla", "x.txt", 40)).json["id"]
    statuses = []

    async def send() -> None:
        statuses.append((await chunk(api, "carla", id_, 0, b"0123456789")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(send)
    assert sorted(statuses) == [200] + [409] * 7
    assert (await look(api, "carla", id_)).json["offset"] == 10


# --- what is refused ------------------------------------------------------------------------------

IMAGES: dict[str, tuple[bytes, str, str]] = {
    "5 MB exactly": (JPEG + bytes(IMAGE_BYTES - len(JPEG)), "too_large", NOT_AN_IMAGE),
    "heic": (HEIC_FILE, "unsupported", HEIC),
    "webp": (picture("WEBP"), "unsupported", NOT_AN_IMAGE),
    "truncated": (picture("PNG", (300, 200))[:3_000], "damaged", NOT_AN_IMAGE),
}


@pytest.mark.requirement("MT-19", "MT-20", "MT-21", "MT-22", "C-05")
@pytest.mark.parametrize("name", IMAGES)
async def test_an_image_that_is_refused_is_not_kept(api: ApiStage, name: str) -> None:
    data, code, text = IMAGES[name]
    refused = await upload(api, "carla", "Rex.jpg", data)
    assert (refused["state"], refused["code"], refused["text"]) == ("refused", code, text)
    assert refused["attachment"] is None
    await until(lambda: kept(api) == [])


@pytest.mark.requirement("MT-20")
async def test_one_byte_less_is_taken(api: ApiStage) -> None:
    data = JPEG + bytes(IMAGE_BYTES - 1 - len(JPEG))
    assert (await upload(api, "carla", "Rex.jpg", data))["state"] == "ready"


@pytest.mark.requirement("MT-23")
@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("Rex.png", JPEG, "image/jpeg"),
        ("REX.PNG", picture("PNG"), "image/png"),
        ("notes.txt", picture("GIF"), "image/gif"),
        ("Rex.png", b"just text", "text/plain"),
        ("Rex.png", b"<svg><script>1</script></svg>", "application/octet-stream"),
    ],
)
async def test_the_name_says_nothing_of_the_type(
    api: ApiStage, name: str, data: bytes, media_type: str
) -> None:
    ready = await upload(api, "carla", name, data)
    assert ready["attachment"]["media_type"] == media_type
    assert ready["attachment"]["name"] == name


BEGINNINGS: dict[str, tuple[Any, int, str]] = {
    "nothing": ({"name": "x", "size": 0}, 400, "bad_request"),
    "too large for anything": ({"name": "x", "size": 100 * 2**20}, 413, "too_large"),
    "beyond numbers": ({"name": "x", "size": 2**53}, 400, "bad_request"),
    "less than nothing": ({"name": "x", "size": -1}, 400, "bad_request"),
    "a size that is none": ({"name": "x", "size": "7"}, 400, "bad_request"),
    "no name": ({"size": 7}, 400, "bad_request"),
    "a name that is none": ({"name": 7, "size": 7}, 400, "bad_request"),
    "a name without end": ({"name": "x" * 1025, "size": 7}, 400, "bad_request"),
    "an id of one's own": ({"name": "x", "size": 7, "id": "u1"}, 400, "bad_request"),
}


@pytest.mark.requirement("MT-23")
@pytest.mark.parametrize("name", BEGINNINGS)
async def test_an_upload_that_cannot_be(api: ApiStage, name: str) -> None:
    body, status, code = BEGINNINGS[name]
    refused = await api.ask("POST", "/v1/uploads", api.token("carla"), body)
    assert (refused.status, refused.code) == (status, code)


EMPTY = "The file is empty: there is nothing to send."


@pytest.mark.requirement("MT-21", "MT-22", "MT-23")
@pytest.mark.parametrize(
    ("name", "size", "status", "text"),
    [
        ("Rex.png", 0, 400, NOT_AN_IMAGE),
        ("REX.JPG", 0, 400, NOT_AN_IMAGE),
        ("Rex.webp", 0, 400, NOT_AN_IMAGE),
        ("Rex.png", 100 * 2**20, 413, NOT_AN_IMAGE),
        ("plan.pdf", 0, 400, EMPTY),
        ("clip.mp4", 0, 400, EMPTY),
        ("plan.pdf", 100 * 2**20, 413, "A file must be smaller than 100 MB."),
    ],
)
async def test_what_has_no_bytes_is_no_picture_and_nothing_else(
    api: ApiStage, name: str, size: int, status: int, text: str
) -> None:
    refused = await begin(api, "carla", name, size)
    assert (refused.status, refused.json["detail"]) == (status, text)
    assert kept(api) == []


@pytest.mark.parametrize(
    "name", ["猫.png", "قطة.png", "Кот.png", "🐈.png", "../../x.png", "C:\\x.png", "a\r\nb.png"]
)
async def test_a_name_in_any_script_without_folders_and_lines(api: ApiStage, name: str) -> None:
    begun = await begin(api, "carla", name, 7)
    assert begun.status == 201
    shown = begun.json["name"]
    assert shown == name or shown in ("x.png", "ab.png")


async def test_a_chunk_beyond_the_size_is_not_written(api: ApiStage) -> None:
    id_ = (await begin(api, "carla", "x.txt", 10)).json["id"]
    await chunk(api, "carla", id_, 0, b"01234")
    refused = await chunk(api, "carla", id_, 5, b"567890")
    assert (refused.status, refused.code) == (400, "bad_request")
    assert (await look(api, "carla", id_)).json["offset"] == 5
    assert (await chunk(api, "carla", id_, 5, b"56789")).json["offset"] == 10


@pytest.mark.parametrize(
    ("query", "raw", "media_type", "status"),
    [
        ("offset=0", b"", OCTETS, 400),
        ("offset=0", b"x", "application/json", 415),
        ("offset=0", b"x", "multipart/form-data", 415),
        ("offset=0", bytes(CHUNK_BYTES + 1), OCTETS, 413),
        ("offset=-1", b"x", OCTETS, 400),
        ("offset=x", b"x", OCTETS, 400),
        ("offset=0&offset=0", b"x", OCTETS, 400),
        ("", b"x", OCTETS, 400),
        (f"offset={2**53}", b"x", OCTETS, 400),
        (f"offset={2**53 - 1}", b"x", OCTETS, 400),
    ],
)
async def test_a_chunk_that_cannot_be(
    api: ApiStage, query: str, raw: bytes, media_type: str, status: int
) -> None:
    id_ = (await begin(api, "carla", "x.txt", 10)).json["id"]
    refused = await api.ask(
        "PATCH",
        f"/v1/uploads/{id_}?{query}",
        api.token("carla"),
        raw=raw,
        Content_Type=media_type,
    )
    assert refused.status == status
    assert (await look(api, "carla", id_)).json["offset"] == 0


# --- whose it is ----------------------------------------------------------------------------------


@pytest.mark.requirement("R26")
async def test_an_upload_is_its_uploaders_alone(api: ApiStage) -> None:
    await api.stage.add_business("barkley", {"carla": Role.OWNER})
    id_ = (await begin(api, "carla", "x.txt", 10)).json["id"]
    foreign, nowhere = [], []
    for token in (api.token("olivia"), api.token("mia"), api.token("carla", "barkley")):
        for wanted, answers in ((id_, foreign), ("id-9999", nowhere)):
            path = f"/v1/uploads/{wanted}"
            for method, more in (("GET", ""), ("PATCH", "?offset=0"), ("DELETE", "")):
                raw = b"x" if more else None
                reply = await api.ask(method, path + more, token, raw=raw, Content_Type=OCTETS)
                answers.append((reply.status, reply.body))
    assert foreign == nowhere
    assert {status for status, _ in foreign} == {404}
    assert (await look(api, "carla", id_)).json["offset"] == 0


async def test_who_is_dismissed_uploads_no_more(api: ApiStage) -> None:
    id_ = (await begin(api, "mia", "x.txt", 10)).json["id"]
    gone = Person("mia", "Mia", Role.CUSTOMER, active=False)
    await api.stage.change("pawsome", ChangePerson("test", None, gone, ()))
    assert (await chunk(api, "mia", id_, 0, b"x")).status == 401
    spoken_for = await api.ask("GET", f"/v1/uploads/{id_}", api.key(), Deskbell_Person="mia")
    assert (spoken_for.status, spoken_for.code) == (403, "forbidden")


async def test_a_backend_uploads_for_its_people_alone(api: ApiStage) -> None:
    body = {"name": "x.txt", "size": 3}
    assert (await api.ask("POST", "/v1/uploads", api.key(), body)).status == 403
    begun = await api.ask("POST", "/v1/uploads", api.key(), body, Deskbell_Person="sam")
    assert begun.status == 201
    assert (await look(api, "sam", begun.json["id"])).json["size"] == 3


# --- how much, how long ---------------------------------------------------------------------------


async def test_a_person_has_so_much_that_is_not_sent(small: ApiStage) -> None:
    assert (await begin(small, "carla", "a", 600)).status == 201
    refused = await begin(small, "carla", "b", 401)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert (await begin(small, "carla", "b", 400)).status == 201
    assert (await begin(small, "mia", "b", 1_000)).status == 201
    refused = await begin(small, "carla", "c", 1)
    assert (refused.status, refused.code) == (429, "rate_limited")


async def test_giving_an_upload_up_makes_room(small: ApiStage) -> None:
    for name in "abc":
        id_ = (await begin(small, "carla", name, 5)).json["id"]
        await chunk(small, "carla", id_, 0, b"abc")
    assert len(kept(small)) == 3
    assert (await begin(small, "carla", "d", 5)).status == 429
    given_up = await small.ask("DELETE", f"/v1/uploads/{id_}", small.token("carla"))
    assert (given_up.status, given_up.json) == (200, {"id": id_})
    assert (await look(small, "carla", id_)).status == 404
    assert len(kept(small)) == 2
    assert (await begin(small, "carla", "d", 5)).status == 201


async def test_what_was_refused_makes_room_by_itself(small: ApiStage) -> None:
    for _ in range(8):
        assert (await upload(small, "carla", "x", JPEG[:600]))["state"] == "refused"


async def test_what_nobody_finishes_or_sends_expires(small: ApiStage) -> None:
    unfinished = (await begin(small, "carla", "a", 5)).json["id"]
    await chunk(small, "carla", unfinished, 0, b"abc")
    unsent = (await upload(small, "carla", "b", b"unsent"))["id"]
    keeper = small.stage.node.keeper
    await keeper.expire()
    assert len(kept(small)) == 2
    small.stage.clock.now += 60_000
    await keeper.expire()
    assert kept(small) == []
    for gone in (unfinished, unsent):
        assert (await look(small, "carla", gone)).status == 404
    assert (await chunk(small, "carla", unfinished, 3, b"de")).status == 404


# --- restarts -------------------------------------------------------------------------------------


async def test_a_start_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """What was complete is examined; of what was on its way the end is sent again."""
    settings = Settings(data_dir=str(tmp_path))
    async with running_api(tmp_path, settings) as api:
        keeper = api.stage.node.keeper
        size = 2 * CHUNK_BYTES + 5
        half = (await begin(api, "carla", "half.txt", size)).json["id"]
        for number in range(2):
            await chunk(api, "carla", half, number * CHUNK_BYTES, b"h" * CHUNK_BYTES)
        whole = (await begin(api, "carla", "whole.txt", 5)).json["id"]
        row = await keeper.rows.own(1, "carla", whole)
        assert row is not None
        keeper.files.append(f"{row.no}-{row.id}", 0, b"whole")
        lost = (await begin(api, "carla", "lost.txt", 5)).json["id"]
        for id_ in (whole, lost):
            row = await keeper.rows.own(1, "carla", id_)
            assert row is not None
            await keeper.rows.completed(row.no)  # and nobody is told: the server dies
    async with running_node(tmp_path, settings) as stage:
        keeper = stage.node.keeper
        row = await keeper.rows.own(1, "carla", half)
        assert row is not None
        assert await keeper.offset(row) == CHUNK_BYTES
        with trio.fail_after(10):
            while True:
                rows = [await keeper.rows.own(1, "carla", id_) for id_ in (whole, lost)]
                states = [each.state for each in rows if each is not None]
                if states == ["ready", "refused"]:
                    break
                await trio.sleep(0.02)
        assert [each.reason for each in rows if each is not None] == ["", "lost"]


async def test_a_last_chunk_whose_end_could_not_be_stored_is_examined_all_the_same(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await begin(api, "carla", "list.txt", 4)).json["id"]

    async def fails(*_: object) -> None:
        raise StorageFailed("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Attachments, "completed", fails)
        assert (await chunk(api, "carla", id_, 0, b"Wine")).code == "storage_failed"
    assert (await settled(api, "carla", id_))["state"] == "ready"
