"""R38: an erasure that is killed at whatever point is finished by the next start, to the last byte.

A kill leaves the files as they are, so a copy of all of them at that instant is what it leaves. The
server runs on a disk that holds still before each of its writes: no other is under way meanwhile.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from server.attachments.keeper import Keeper
from storage import connection, erasure, erasure_store, indexer, writer
from storage.backup import FILE_NAME
from storage.check import check_file
from storage.migrations import open_read_only
from tests.fixtures.api import reopened_api, running_api
from tests.fixtures.canary import SHARED, Desk, erase, live_in, send_files, traces
from tests.storage.disk import Disk

pytestmark = pytest.mark.requirement("R38")

POINTS = 50
"""Kills between the decision and the last word, each with other files than any other."""


@dataclass
class Images:
    """Keeps what a kill would leave: of every run of like writes before the 1st, 2nd, 4th, 8th …"""

    disk: Disk
    data: Path
    kept: Path
    folders: list[Path] = field(default_factory=list)
    _like: tuple[str, str] = ("", "")
    _run: int = 0
    _seen: set[bytes] = field(default_factory=set)

    def before(self, _: int, what: str, path: str) -> int:
        """A call of the disk; none is refused."""
        if what != "read":
            with self.disk.turn:
                like = (what, Path(path).suffix)
                self._run = self._run + 1 if like == self._like else 1
                self._like = like
                if self._run & (self._run - 1) == 0:
                    self._keep()
        return 0

    def _keep(self) -> None:
        found = hashlib.blake2b()
        for path in sorted(self.data.rglob("*")):
            if path.is_file() and not path.name.endswith("-shm"):
                found.update(f"{path} {path.stat().st_size}".encode() + path.read_bytes())
        if found.digest() not in self._seen:
            self._seen.add(found.digest())
            self.folders.append(self.kept / f"{len(self.folders):04}")
            shutil.copytree(self.data, self.folders[-1])


@contextmanager
def kept_images(disk: Disk, data: Path, kept: Path) -> Iterator[Images]:
    """Images of each point that is passed, at the database and at the attachments."""
    images = Images(disk, data, kept)
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        with disk.turn:
            if path.is_relative_to(data):
                images.before(0, "unlink", str(path))
            unlink(path, missing_ok)

    disk.fault = images.before
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "unlink", watched)
        yield images
    disk.fault = lambda *_: 0


def said_of(image: Path, aside: Path) -> bool | None:
    """What the files say of carla: nothing left; something may be; ``None``: she was not erased."""
    shutil.copytree(image, aside)
    with closing(open_read_only(aside / FILE_NAME)) as opened:
        said = erasure.finished(opened, 1, "carla")
    shutil.rmtree(aside)
    return said


def spread(images: list[Path], count: int) -> list[Path]:
    """The first, the last, and as many evenly between them as make ``count``."""
    last = len(images) - 1
    return [images[number * last // (count - 1)] for number in range(count)]


async def never(_: object) -> None:
    """What tidies up at each start and once a day is not counted on: it may be slow, or fail."""
    await trio.sleep_forever()


async def finished_by_the_start(folder: Path, key: str, clock: Any, files: set[str]) -> Any:
    """Start on what a kill left, ask nothing of it, and see it finished. What is said, then."""
    async with reopened_api(folder, key, clock=clock) as api:
        store = api.stage.node.database.erasures
        for _ in range(5_000):
            if await store.finished(1, "carla"):
                break
            await trio.sleep(0.002)
        assert await store.finished(1, "carla")
        assert traces(folder) == []
        assert set(api.stage.node.database.files.all()) == files
        texts = await Desk(api).texts("dog")
    assert traces(folder) == []
    assert check_file(folder / FILE_NAME) == []
    return texts


async def test_r38_an_erasure_is_finished_after_a_kill_at_fifty_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, disk = tmp_path / "data", Disk()
    data.mkdir()
    monkeypatch.setattr(erasure_store, "INDEX_SECONDS", 0.005)
    monkeypatch.setattr(indexer, "NEWS_SECONDS", 0.005)
    files = {hashlib.sha256(SHARED).hexdigest()}
    with monkeypatch.context() as patched:
        patched.setattr(writer, "CHECKPOINT_ROWS", 25)  # kills while the log is brought back, too
        patched.setattr(connection, "_open_writer", lambda path: disk.connect(path, shared=True))
        patched.setattr(connection, "_open_reader", lambda path: disk.connect(path, shared=True))
        async with running_api(data) as api:
            desk, clock = Desk(api), api.stage.clock
            await live_in(desk)
            await send_files(desk)
            await api.stage.node.database.indexer.reached("pawsome", 2**40, 0.6)
            before = await desk.texts("dog")
            with kept_images(disk, data, tmp_path / "kept") as images:
                assert (await erase(desk)).json["state"] == "erased"
            after = await desk.texts("dog")
            key = api.key()
    monkeypatch.setattr(Keeper, "_tidy", never)
    states = {folder: said_of(folder, tmp_path / "aside") for folder in images.folders}
    left = {folder for folder in images.folders if traces(folder)}
    assert not [folder for folder in left if states[folder]], "it said so too early"
    undecided = [folder for folder, said in states.items() if said is None]
    begun = [folder for folder, said in states.items() if said is False]
    assert len(begun) >= POINTS
    for folder in spread(begun, POINTS):
        assert await finished_by_the_start(folder, key, clock, files) == after, folder
    async with reopened_api(undecided[-1], key, clock=clock) as api:
        assert await Desk(api).texts("dog") == before
        assert (await erase(Desk(api))).json["state"] == "erased"
        assert traces(undecided[-1]) == []
