"""Two people whose cursors move together: each one's own other devices hear of it whole (DT-02)."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangeBusiness, ChangePrivacy
from domain.roles import Role
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER}


async def arrived(premises: Premises, person: str, device: str) -> RawClient:
    client = await premises.enter(person, device)
    await client.next("welcome")
    return client


def cursors(client: RawClient, of: str) -> list[Frame]:
    """What this connection was told of ``of``, in order."""
    told = [frame for frame in client.frames if frame["type"] == "receipt"]
    assert len({frame["revision"] for frame in told}) == len(told), "one frame a revision"
    return [cursor for frame in told for cursor in frame["receipts"] if cursor["person"] == of]


async def both_read(premises: Premises) -> dict[str, RawClient]:
    """Sam and carla, who have both said something, read up to the end within one batch."""
    await premises.group("g", "sam", "carla")
    await premises.say("g", "sam", "hi", "m1")
    await premises.say("g", "carla", "hi", "m2")
    devices = {
        device: await arrived(premises, person, device)
        for person, device in (("sam", "s1"), ("sam", "s2"), ("carla", "c1"), ("carla", "c2"))
    }
    await trio.sleep(1.0)
    for device in ("s1", "c1"):
        devices[device].send("receipt", conversation="g", read_up_to=2)
    await trio.sleep(1.0)
    told = [f for f in devices["s2"].frames if f["type"] == "receipt"]
    assert len(told) == 1, "both moved in one event"
    return devices


@pytest.mark.parametrize("hides", ["nobody", "sam", "business"])
async def test_ones_own_cursor_comes_whole_to_the_other_devices_though_others_moved_too(
    hides: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        if hides == "business":
            await premises.change(ChangeBusiness("test", read_receipts=False))
        elif hides == "sam":
            await premises.change(ChangePrivacy("sam", False, True))
        devices = await both_read(premises)
        for person, device in (("sam", "s2"), ("carla", "c2")):
            (own,) = cursors(devices[device], person)
            assert (own["delivered_up_to"], own["read_up_to"]) == (2, 2)
        shown = 2 if hides == "nobody" else 0
        for other, device in (("carla", "s1"), ("carla", "s2"), ("sam", "c1"), ("sam", "c2")):
            (theirs,) = cursors(devices[device], other)
            assert theirs["delivered_up_to"] == 2
            assert theirs.get("read_up_to", 0) == shown


@pytest.mark.parametrize("says", [{"delivered_up_to": 2}, {"read_up_to": 1}, {"read_up_to": 2}])
async def test_two_devices_of_one_person_that_say_something_at_once_both_hear_the_whole(
    says: dict[str, int], virtual_time: MockClock, folder: Path
) -> None:
    """Each knows only what it said itself."""
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "hi", "m1")
        await premises.say("g", "carla", "hi", "m2")
        one, two = await arrived(premises, "sam", "s1"), await arrived(premises, "sam", "s2")
        await trio.sleep(1.0)
        one.send("receipt", conversation="g", read_up_to=2)
        two.send("receipt", conversation="g", **says)
        await trio.sleep(1.0)
        (own,) = cursors(two, "sam")
        assert (own["delivered_up_to"], own["read_up_to"]) == (2, 2)


async def test_the_device_that_moved_the_cursor_alone_is_not_told(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "hi", "m1")
        one, two = await arrived(premises, "sam", "s1"), await arrived(premises, "sam", "s2")
        one.send("receipt", conversation="g", delivered_up_to=1)
        one.send("receipt", conversation="g", read_up_to=1)
        await trio.sleep(1.0)
        assert not cursors(one, "sam")
        (own,) = cursors(two, "sam")
        assert (own["delivered_up_to"], own["read_up_to"]) == (1, 1)
