"""`hello.location`: one of the business's, and nothing grows from names that a client makes up."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from actors.business import ChangeLocation
from actors.location import WhoIsIn
from domain.commands import Done
from tests.faults.premises import PEOPLE, Premises, freely, opened
from tests.faults.raw_client import RawClient


async def hello(premises: Premises, person: str, location: str) -> RawClient:
    client = await premises.socket()
    client.send("hello", token=premises.token(person), device="d1", location=location)
    return client


async def logged_in(premises: Premises, location: str) -> object:
    return await premises.live.locations.ask(location, WhoIsIn(), 5.0)


async def add(premises: Premises, location: str) -> None:
    command = ChangeLocation("test", location, location.title(), "Europe/Rome")
    assert isinstance(await premises.change(command), Done)


async def test_who_names_a_location_of_the_business_is_logged_in_there(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await add(premises, "downtown")
        client = await hello(premises, "sam", "downtown")
        await client.next("welcome")
        assert await logged_in(premises, "downtown") == ("sam",)


async def test_who_names_none_is_logged_in_at_their_first(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await (await premises.enter("sam")).next("welcome")
        assert await logged_in(premises, "main") == ("sam",)


@pytest.mark.parametrize("token", ["good", "bad"])
async def test_an_unknown_location_is_a_bad_hello_to_who_may_know(
    token: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        client = await premises.socket()
        secret = premises.token("carla") if token == "good" else "no token"
        client.send("hello", token=secret, device="d1", location="nowhere")
        code, reason = await client.ended()
        expected = (4500, "there is no location nowhere") if token == "good" else (4501, reason)
        assert (code, reason) == expected
        assert not client.frames


async def test_made_up_locations_leave_no_actors(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        for number in range(50):
            await (await hello(premises, "carla", f"nowhere-{number}")).ended()
        assert premises.live.locations.statistics().actors == ()
