"""R02, R06: what was acknowledged is on the disk, wherever the power goes."""

import random
import tempfile
from pathlib import Path

import pytest
import trio

from domain.errors import StorageFailed
from storage import writer
from storage.database import FILE_NAME
from storage.journal import JournalBroken
from tests.storage.disk import Disk
from tests.storage.ledger import Ledger, ledger, prepare, stored

CUTS = 200


async def until_the_power_goes(kept: Ledger, rng: random.Random) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.journal.run)
        while True:
            await kept.send_each("x" * rng.randint(1, 3000))
            await trio.lowlevel.checkpoint()


async def cut(
    template: bytes, rng: random.Random, pragmas: tuple[str, ...] = ()
) -> tuple[int, int]:
    """Lose power at a random call of the disk. How many messages were acknowledged, and are lost.

    Raises `AssertionError` if what the disk holds then is not whole.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / FILE_NAME
        path.write_bytes(template)
        disk = Disk()
        async with ledger(disk, path, pragmas) as kept:
            at = disk.calls + rng.randint(1, 400)

            def power(calls: int, _what: str, _path: str) -> int:
                disk.dead = calls >= at
                return 0

            disk.fault = power
            with trio.fail_after(20):
                try:
                    await until_the_power_goes(kept, rng)
                except* JournalBroken:
                    pass
            disk.image(folder / "after", rng)
            disk.dead = False
        found = stored(folder / "after" / FILE_NAME)
        for client_id in found.keys() & kept.acknowledged.keys():
            assert found[client_id] == kept.acknowledged[client_id]
        return len(kept.acknowledged), len(kept.acknowledged.keys() - found.keys())


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the power also goes while the log is brought back, and after it began anew."""
    monkeypatch.setattr(writer, "CHECKPOINT_ROWS", 25)


@pytest.fixture
async def template(tmp_path: Path) -> bytes:
    return (await prepare(tmp_path)).read_bytes()


async def test_r02_no_acknowledged_message_is_lost_with_the_power(template: bytes) -> None:
    acknowledged = 0
    for seed in range(CUTS):
        count, lost = await cut(template, random.Random(seed))
        assert lost == 0, f"seed {seed}"
        acknowledged += count
    assert acknowledged > 10 * CUTS


async def test_r02_without_full_syncs_messages_are_lost(template: bytes) -> None:
    """The test can fail: a journal that does not wait for the disk loses what it acknowledged."""
    results = [
        await cut(template, random.Random(seed), ("PRAGMA synchronous=NORMAL",))
        for seed in range(20)
    ]
    assert any(lost for _, lost in results)


@pytest.mark.parametrize(("synchronous", "holds"), [("FULL", True), ("NORMAL", False)])
async def test_r06_a_batch_is_released_only_after_the_disk_has_synced_it(
    tmp_path: Path, synchronous: str, holds: bool
) -> None:
    path = await prepare(tmp_path)
    disk = Disk()
    unsynced: list[list[str]] = []
    async with (
        ledger(disk, path, (f"PRAGMA synchronous={synchronous}",)) as kept,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(kept.journal.run)
        for n in range(50):
            event = kept.message("c0", f"message {n}")
            kept.seqs["c0"] += 1
            await kept.journal.append(
                "pawsome", [event], lambda _: unsynced.append(disk.unsynced())
            )
        nursery.cancel_scope.cancel()
    assert len(unsynced) == 50
    assert (not any(unsynced)) is holds


async def test_whoever_waits_when_the_power_goes_is_told(tmp_path: Path) -> None:
    path = await prepare(tmp_path)
    disk = Disk()
    async with ledger(disk, path) as kept:
        disk.dead = True
        with pytest.RaisesGroup(JournalBroken):
            async with trio.open_nursery() as nursery:
                await nursery.start(kept.journal.run)
                await kept.send_each()
        assert kept.refused == 3
        with pytest.raises(StorageFailed):
            await kept.journal.append("pawsome", [], lambda _: None)
        disk.dead = False
