"""Uploading with the Python SDK to the real server: whole files, restarts in between, refusals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio

import deskbell_client
from deskbell_client import Attachment, Desk, Message, Refused
from deskbell_client.uploads import Content, FileContent
from domain.attachments import NOT_AN_IMAGE
from tests.clients.test_against_server import REX, Deskbell
from tests.fixtures.uploads import picture


@pytest.fixture
async def deskbell(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Deskbell]:
    served = Deskbell(tmp_path / "data", nursery)
    await served.start()
    yield served
    await served.kill()


@asynccontextmanager
async def entered(deskbell: Deskbell, person: str) -> AsyncIterator[Desk]:
    """A desk of somebody of the demo."""
    origin = deskbell.url.replace("ws:", "http:").removesuffix("/v1/ws")
    async with httpx2.AsyncClient() as http:
        made = await http.post(f"{origin}/v1/demo/tokens", json={"person": person})
    token = made.json()["token"]
    async with deskbell_client.connect(deskbell.url, device=f"{person}-1", token=token) as desk:
        yield desk


@pytest.mark.requirement("DT-16", "DT-17")
async def test_a_picture_goes_from_one_to_the_other(deskbell: Deskbell, tmp_path: Path) -> None:
    photo = tmp_path / "Rex.jpg"
    photo.write_bytes(picture("JPEG", (640, 480)))
    seen: list[tuple[int, int]] = []
    async with entered(deskbell, "carla") as carla, entered(deskbell, "sam") as sam:
        await sam.ping()
        uploaded = await carla.upload(photo, progress=lambda at, of: seen.append((at, of)))
        assert isinstance(uploaded, Attachment)
        assert (uploaded.name, uploaded.kind, uploaded.width) == ("Rex.jpg", "image", 640)
        size = photo.stat().st_size
        assert seen[0] == (0, size)
        assert seen[-1] == (size, size)
        ack = await carla.send(REX, "", attachments=[uploaded.id])
        with trio.fail_after(10):
            async for event in sam.events():
                if isinstance(event, Message) and event.seq == ack.seq:
                    break
        assert event.attachments == (uploaded,)
        async with httpx2.AsyncClient() as http:
            file = await http.get(await sam.link(REX, ack.seq, uploaded.id))
            small = await http.get(await sam.link(REX, ack.seq, uploaded.id, thumbnail=True))
        assert (file.headers["content-type"], len(file.content)) == ("image/jpeg", uploaded.bytes)
        assert small.headers["content-type"] == "image/webp"
        with pytest.raises(Refused, match="not_found"):
            await sam.link(REX, ack.seq, "nowhere")


async def test_an_upload_outlives_a_restart(deskbell: Deskbell) -> None:
    data = b"%PDF-1.7\n" + bytes(900_000)
    restarts: list[int] = []
    async with entered(deskbell, "carla") as carla, trio.open_nursery() as nursery:

        async def restart() -> None:
            await deskbell.kill()
            await deskbell.start()

        def progress(at: int, of: int) -> None:
            if at > 262_144 and not restarts:
                restarts.append(at)
                nursery.start_soon(restart)

        with trio.fail_after(30):
            uploaded = await carla.upload(data, "plan.pdf", progress=progress)
            assert restarts
            assert (uploaded.name, uploaded.bytes) == ("plan.pdf", len(data))
            ack = await carla.send(REX, "The plan", attachments=[uploaded.id])
            async with httpx2.AsyncClient() as http:
                file = await http.get(await carla.link(REX, ack.seq, uploaded.id))
        assert file.content == data


@pytest.mark.requirement("MT-21", "MT-23")
async def test_a_file_that_is_not_taken_says_why(deskbell: Deskbell, tmp_path: Path) -> None:
    async with entered(deskbell, "carla") as carla:
        with pytest.raises(Refused) as refused:
            await carla.upload(picture("WEBP"), "Rex.webp")
        assert (refused.value.code, refused.value.message) == ("unsupported", NOT_AN_IMAGE)
        with pytest.raises(Refused) as refused:
            await carla.upload(b"", "Rex.png")
        assert (refused.value.code, refused.value.message) == ("bad_request", NOT_AN_IMAGE)
        with pytest.raises(Refused, match=r"The file is empty: there is nothing to send\."):
            await carla.upload(b"", "notes.txt")
        with pytest.raises(FileNotFoundError):
            await carla.upload(tmp_path / "nowhere")
        with pytest.raises(Refused, match="not_found"):
            await carla.send(REX, "Hi", attachments=["nowhere"])


def test_a_file_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    for source in (FileContent(path), Content(b"0123456789")):
        assert (source.size, source.read(8, 5), source.read(0, 3)) == (10, b"89", b"012")
