"""Direct conversations: one for each pair, and nobody else's."""

from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from domain.ids import OWNER, direct_conversation_id
from domain.roles import Role
from tests.faults.premises import freely, opened

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "dave": Role.CUSTOMER,
}
MANY = {f"customer-{n:03}": Role.CUSTOMER for n in range(127)}


@pytest.mark.requirement("DT-14")
@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("other", ["olivia", "sam"])
async def test_nobody_sits_in_the_place_of_two_others(
    virtual_time: MockClock, folder: Path, kind: str, other: str
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        taken = direct_conversation_id(OWNER if other == "olivia" else other, "carla")
        dave, carla = await premises.enter("dave"), await premises.enter("carla")
        for client in (dave, carla):
            await client.next("welcome")
        refused = await dave.ask("create", kind=kind, people=["dave", "zoe"], conversation=taken)
        assert refused.get("conversation", {}).get("id") != taken
        theirs = (await carla.ask("create", kind="direct", people=[other]))["conversation"]
        assert theirs["id"] == taken
        assert "dave" not in {member["person"] for member in theirs["members"]}
        await carla.ask("send", conversation=taken, client_message_id="m1", text="for you alone")
        await dave.ask("ping")
        assert [f for f in dave.frames if f.get("conversation") == taken] == []


@pytest.mark.requirement("DT-14")
async def test_two_people_have_one_however_it_is_asked_for(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        sam, carla = await premises.enter("sam"), await premises.enter("carla")
        for client in (sam, carla):
            await client.next("welcome")
        found = set()
        for people in (["carla"], ["carla", "sam"], ["sam", "carla", "carla"]):
            answer = await sam.ask("create", kind="direct", people=people, conversation="mine")
            found.add(answer["conversation"]["id"])
        answer = await carla.ask("create", kind="direct", people=["sam"])
        found.add(answer["conversation"]["id"])
        assert found == {direct_conversation_id("sam", "carla")}


async def test_a_new_group_has_room_for_the_owner(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE | MANY) as premises:
        sam = await premises.enter("sam")
        await sam.next("welcome")
        refused = await sam.ask("create", kind="group", people=[*MANY])
        assert refused["code"] == "too_large"
        allowed = await sam.ask("create", kind="group", people=[*MANY][:126])
        assert len(allowed["conversation"]["members"]) == 128


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "direct", "people": ["{}"]},
        {"kind": "direct", "people": ["{}", "sam"]},
        {"kind": "group", "people": ["{}", "sam"], "title": "  "},
        {"kind": "group", "people": ["{}", *MANY], "conversation": "g"},
    ],
)
async def test_a_customer_cannot_tell_which_other_customers_there_are(
    virtual_time: MockClock, folder: Path, asked: dict[str, Any]
) -> None:
    async with opened(folder, freely(), {**PEOPLE, **MANY}) as premises:
        carla = await premises.enter("carla")
        await carla.next("welcome")
        answers = []
        for who in ("dave", "nobody"):
            people = [who if person == "{}" else person for person in asked["people"]]
            answer = await carla.ask("create", **{**asked, "people": people})
            answers.append((answer["code"], answer["message"]))
        assert answers[0] == answers[1]
