"""EX-24: who is told live how far the team has read, whatever of receipts is hidden from whom."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangeBusiness, ChangeLocation, ChangePrivacy
from domain.policies import Policies, UnreadBy
from domain.roles import Role
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {
    "olivia": Role.OWNER,
    "mo": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
}
DEVICES = {
    "s1": "sam",
    "s2": "sam",
    "m1": "mo",  # who has written
    "o1": "olivia",  # who has not
    "c1": "carla",
    "z1": "zoe",  # who is not in it
}
HIDES: list[tuple[str, ...]] = [(), ("sam",), ("mo",), ("olivia",), ("sam", "mo"), ("business",)]
pytestmark = pytest.mark.requirement("EX-24")


async def world(premises: Premises, unread: UnreadBy, hides: tuple[str, ...]) -> None:
    """Carla has written twice and mo between: seq 1 to 3."""
    shown = "business" not in hides
    policies = Policies(unread=unread)
    await premises.change(ChangeBusiness("test", None, shown, shown, policies=policies))
    for person in set(hides) - {"business"}:
        await premises.change(ChangePrivacy(person, False, False))
    await premises.group("g", "mo", "sam", "carla")
    for number, person in enumerate(("carla", "mo", "carla")):
        await premises.say("g", person, "hi", f"m{number}")


async def heard(
    premises: Premises, unread: UnreadBy, hides: tuple[str, ...], reads: dict[str, int]
) -> dict[str, list[Frame]]:
    """The `receipt` events of every device after some said at once how far they have read."""
    await world(premises, unread, hides)
    devices: dict[str, RawClient] = {}
    for device, person in DEVICES.items():
        devices[device] = await premises.enter(person, device)
        await devices[device].next("welcome")
    await trio.sleep(1.0)
    for device, read_up_to in reads.items():
        devices[device].send("receipt", conversation="g", read_up_to=read_up_to)
    await trio.sleep(1.0)
    found = {
        device: [frame for frame in client.frames if frame["type"] == "receipt"]
        for device, client in devices.items()
    }
    for frames in found.values():
        assert len({frame["revision"] for frame in frames}) == len(frames), "one a revision"
    return found


READS = [
    {"s1": 3},
    {"m1": 2},
    {"o1": 1},
    {"c1": 3},
    {"s1": 1, "o1": 3},
    {"s1": 3, "o1": 1},
    {"s1": 2, "m1": 3, "c1": 3},
    {"s1": 2, "s2": 3},
    {"s1": 3, "m1": 3, "o1": 3, "c1": 2},
]


@pytest.mark.parametrize("hides", HIDES, ids="+".join)
@pytest.mark.parametrize("reads", READS, ids=str)
async def test_all_of_the_team_know_how_far_it_has_read(
    reads: dict[str, int], hides: tuple[str, ...], virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        shared = await heard(premises, UnreadBy.TEAM, hides, reads)
    reached = max((up_to for device, up_to in reads.items() if device != "c1"), default=0)
    for device in ("s1", "s2", "m1", "o1"):
        told = max((frame.get("team_read_up_to", 0) for frame in shared[device]), default=0)
        assert max(told, reads.get(device, 0)) == reached, device
        assert told in (0, reached)
    assert not shared["z1"], "nobody hears of what they do not see"
    assert not [frame for frame in shared["c1"] if "team_read_up_to" in frame]


async def test_the_device_that_read_on_alone_is_not_told(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        found = await heard(premises, UnreadBy.TEAM, (), {"s1": 3})
    assert [device for device, frames in found.items() if not frames] == ["s1", "z1"]


@pytest.mark.parametrize("hides", HIDES, ids="+".join)
@pytest.mark.parametrize("reads", READS, ids=str)
async def test_sharing_shows_nobody_more_of_others(
    reads: dict[str, int],
    hides: tuple[str, ...],
    virtual_time: MockClock,
    folder: Path,
    tmp_path: Path,
) -> None:
    """Of each device the cursors are those it is told where counts are personal."""
    told = []
    for place, unread in ((folder, UnreadBy.TEAM), (tmp_path, UnreadBy.PERSONAL)):
        async with opened(place, freely(), PEOPLE) as premises:
            found = await heard(premises, unread, hides, reads)
        told.append(
            {
                device: [cursor_of(c) for frame in frames for c in frame["receipts"]]
                for device, frames in found.items()
            }
        )
        if unread is UnreadBy.PERSONAL:
            assert not [f for frames in found.values() for f in frames if not f["receipts"]]
            assert not [f for frames in found.values() for f in frames if "team_read_up_to" in f]
    assert told[0] == told[1]


def cursor_of(cursor: Frame) -> Frame:
    return {field: value for field, value in cursor.items() if not field.endswith("_at")}


async def test_who_works_where_it_is_placed_hears_it_and_nobody_where_all_are_of_the_team(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.change(ChangeBusiness("test", policies=Policies(unread=UnreadBy.TEAM)))
        await premises.change(ChangeLocation("test", "main", "Main", "UTC"))
        await premises.group("g", "mo", "sam", "carla")
        await premises.group("inside", "mo", "sam")
        await premises.say("g", "carla", "hi", "m1")
        await premises.say("inside", "mo", "hi", "m2")
        olivia, mo, zoe = [await premises.enter(person) for person in ("olivia", "mo", "zoe")]
        for client in (olivia, mo, zoe):
            await client.next("welcome")
        olivia.send("receipt", conversation="g", read_up_to=1)
        olivia.send("receipt", conversation="inside", read_up_to=1)
        await trio.sleep(1.0)
        (heard,) = [frame for frame in zoe.frames if frame["type"] == "receipt"]
        assert (heard["conversation"], heard["team_read_up_to"]) == ("g", 1)
        assert heard["receipts"] == []
        told = {f["conversation"]: f for f in mo.frames if f["type"] == "receipt"}
        assert told["g"]["team_read_up_to"] == 1
        assert "team_read_up_to" not in told["inside"]
