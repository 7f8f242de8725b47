"""Each of one's devices changes what it says of privacy, and nothing else (EX-24)."""

from pathlib import Path

from trio.testing import MockClock

from tests.faults.premises import freely, opened


async def test_two_devices_that_hide_something_at_once_hide_both(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely()) as premises:
        one, two = await premises.enter("carla", "c1"), await premises.enter("carla", "c2")
        first, second = one.next_id(), two.next_id()
        one.send("privacy", id=first, read_receipts=False)
        two.send("privacy", id=second, last_seen=False)
        for device, id_ in ((one, first), (two, second)):
            assert (await device.reply(id_))["type"] == "ok"
        again = await premises.enter("carla", "c3")
        welcome = await again.next("welcome")
        assert welcome["privacy"] == {"read_receipts": False, "last_seen": False}
