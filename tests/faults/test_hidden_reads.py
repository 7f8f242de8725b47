"""Who hides what they have read shows nobody when they read, by no number either (EX-24)."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from actors.business import ChangeBusiness, ChangePrivacy
from domain import commands
from domain.events import Person
from domain.roles import Role
from tests.faults.premises import PEOPLE, Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient


async def hide(premises: Premises, how: str) -> None:
    if how == "business":
        await premises.change(ChangeBusiness("test", read_receipts=False))
    else:
        await premises.change(ChangePrivacy(how, False, None))


async def show_again(premises: Premises, how: str) -> None:
    if how == "business":
        await premises.change(ChangeBusiness("test", read_receipts=True))
    else:
        await premises.change(ChangePrivacy(how, True, None))


async def receipt(premises: Premises, **up_to: int) -> None:
    command = commands.AdvanceReceipt(
        premises.speaker("sam"), up_to.get("delivered", 0), up_to.get("read", 0)
    )
    assert isinstance(await premises.do("g", command), commands.Done)


async def picture(client: RawClient) -> Frame:
    """The conversation as the client may see it now, alone and in the list."""
    alone = (await client.ask("open", conversation="g"))["conversation"]
    (listed,) = (await client.ask("conversations"))["conversations"]
    assert alone == listed
    return alone  # type: ignore[no-any-return]


async def missed(premises: Premises, person: str, cursor: Frame) -> list[Frame]:
    """What a device is told that was at ``cursor``."""
    device = await premises.enter(person, "other", cursor=cursor)
    assert (await device.next("welcome"))["resume"] == "complete"
    return (await device.all_until("resumed"))[:-1]


@pytest.mark.requirement("EX-24")
@pytest.mark.parametrize("how", ["sam", "carla", "business"])
async def test_a_hidden_reading_moves_nothing_that_others_see(
    how: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Is Rex ready?", "m1")
        await premises.say("g", "carla", "Hello?", "m2")
        await receipt(premises, delivered=2, read=1)
        await hide(premises, how)
        carla, sam = await premises.enter("carla", "phone"), await premises.enter("sam")
        welcome = await carla.next("welcome")
        await sam.next("welcome")
        before = await picture(carla)
        cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        await receipt(premises, read=2)
        assert await picture(carla) == before
        assert await missed(premises, "carla", cursor) == []
        assert not carla.frames
        own = await picture(sam)
        assert own["revision"] > before["revision"]
        (event,) = await missed(premises, "sam", cursor)
        assert event["receipts"][0]["read_up_to"] == 2


@pytest.mark.requirement("EX-24", "DT-03")
async def test_what_is_delivered_to_who_hides_reading_is_shown_with_its_revision(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await hide(premises, "sam")
        carla = await premises.enter("carla", "phone")
        welcome = await carla.next("welcome")
        cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        await premises.say("g", "carla", "Is Rex ready?", "m1")
        await receipt(premises, delivered=1)
        await receipt(premises, read=1)
        live = (await carla.skip_to("receipt"))["revision"]
        assert (await picture(carla))["revision"] == live
        told = await missed(premises, "carla", cursor)
        assert [(event["type"], event["revision"]) for event in told] == [
            ("message", live - 1),
            ("receipt", live),
        ]
        assert "read_up_to" not in told[1]["receipts"][0]


@pytest.mark.requirement("EX-24")
@pytest.mark.parametrize("how", ["sam", "carla", "business"])
async def test_a_picture_is_never_older_than_what_was_shown_before(
    how: str, virtual_time: MockClock, folder: Path
) -> None:
    """A client asks again for a picture that is older than an event or a picture that it has."""
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Is Rex ready?", "m1")
        carla = await premises.enter("carla", "phone")
        await carla.next("welcome")
        await receipt(premises, delivered=1)
        await receipt(premises, read=1)
        shown = [await carla.skip_to("receipt") for _ in range(2)][-1]["revision"]
        await hide(premises, how)
        hidden = (await picture(carla))["revision"]
        assert hidden >= shown
        await show_again(premises, how)
        assert (await picture(carla))["revision"] >= hidden


@pytest.mark.requirement("EX-34")
async def test_an_edit_of_what_a_later_customer_cannot_see_moves_nothing_they_see(
    virtual_time: MockClock, folder: Path
) -> None:
    people = {**PEOPLE, "dave": Role.CUSTOMER}
    async with opened(folder, freely(), people) as house:
        await house.group("g", "sam", "carla")
        await house.say("g", "sam", "A note", "m1")
        dave = Person("dave", "dave", Role.CUSTOMER)
        await house.do("g", commands.AddMember(house.speaker("sam"), dave))
        client = await house.enter("dave")
        await client.next("welcome")
        before = await picture(client)
        await house.do("g", commands.Edit(house.speaker("sam"), 1, "Another note"))
        assert await picture(client) == before
