"""The nine rows of MyTime's routing through the API: where it shows up, who sees it, and why."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.appointments import FIRST_MS
from domain.roles import Role
from tests.fixtures.api import ApiStage, running_api
from tests.fixtures.websockets import Frame, running_edge

BUSINESS = "salon"
OBSERVERS = {"zoe": "a", "bob": "b"}
"""Who works at one location alone, and has nothing to do with it otherwise."""


@dataclass(frozen=True)
class Row:
    """``says``: what the customer answers, and from where that was: staff, or the business."""

    customer: tuple[str, ...]
    staff: tuple[str, ...]
    says: str
    expected: tuple[str, ...]
    rule: str
    origin: str = ""
    last: str = ""


ROWS = {
    "MT-R1": Row(("a",), ("a", "b"), "confirmation", ("a",), "confirmation", "a"),
    "MT-R2": Row(("a",), ("a", "b"), "staff", ("a",), "staff_only_location"),
    "MT-R3": Row(("b",), ("a",), "confirmation", ("b",), "confirmation", "b"),
    "MT-R4": Row(("a",), ("b",), "staff", ("b",), "staff_elsewhere"),
    "MT-R5": Row(("a", "b"), ("b",), "confirmation", ("a",), "confirmation", "a"),
    "MT-R6": Row(("a", "b"), ("b",), "staff", ("a", "b"), "staff_all_locations"),
    "MT-R7": Row(("a", "b"), ("b",), "confirmation", ("a",), "confirmation", "a", "a"),
    "MT-R8": Row(("a", "b"), ("b",), "staff", ("b",), "staff_location", "", "a"),
    "MT-R9": Row(("a", "b"), (), "campaign", ("b",), "campaign_last_appointment", "a", "b"),
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    async with running_api(tmp_path) as running:
        await running.stage.add_business(BUSINESS, {"olivia": Role.OWNER})
        yield running


class Salon:
    """A business with two locations, and what is asked of it."""

    def __init__(self, api: ApiStage) -> None:
        self.api = api
        self.said = 0

    async def ask(self, method: str, path: str, person: str = "", body: object = None) -> Any:
        key = self.api.token(person, BUSINESS) if person else self.api.key(BUSINESS)
        return await self.api.ask(method, path, key, body)

    async def done(self, method: str, path: str, person: str = "", body: object = None) -> Any:
        reply = await self.ask(method, path, person, body)
        assert reply.status < 300, reply.body
        return reply.json

    async def furnish(self, customer: tuple[str, ...], staff: tuple[str, ...]) -> None:
        for place in ("a", "b"):
            body = {"id": place, "name": place.upper(), "time_zone": "UTC"}
            await self.done("POST", "/v1/locations", "", body)
        people = {"carla": ("customer", customer), "sam": ("staff", staff)}
        people |= {name: ("staff", (place,)) for name, place in OBSERVERS.items()}
        for name, (role, places) in people.items():
            body = {"id": name, "name": name.title(), "role": role, "locations": places}
            await self.done("POST", "/v1/people", "", body)

    async def visit(self, location: str) -> None:
        """The customer's last appointment was there."""
        body = {"customer": "carla", "location": location, "start": FIRST_MS, "end": FIRST_MS + 1}
        await self.done("PUT", "/v1/appointments/visit", "", body)

    async def announce(self, location: str, *, campaign: bool) -> None:
        body = {"client_message_id": "auto", "location": location, "text": "Hi"}
        await self.done(
            "POST", "/v1/people/carla/announcements", "", {**body, "campaign": campaign}
        )

    async def conversation(self, person: str = "carla") -> str:
        return str((await self.done("POST", "/v1/people/carla/conversation", person))["id"])

    async def say(self, person: str, conversation: str) -> int:
        self.said += 1
        body = {"client_message_id": f"m{self.said}", "text": f"text {self.said}"}
        path = f"/v1/conversations/{conversation}/messages"
        return int((await self.done("POST", path, person, body))["seq"])

    async def places(self, conversation: str) -> tuple[str, ...]:
        shown = await self.done("GET", f"/v1/conversations/{conversation}", "olivia")
        return tuple(shown["handling"].get("locations", ()))

    async def sees(self, person: str, conversation: str) -> bool:
        """By every way there is: the list, its id, its messages, search, and the explanation."""
        path = f"/v1/conversations/{conversation}"
        statuses = {
            (await self.ask("GET", f"{path}{more}", person)).status
            for more in ("", "/messages", "/handling", f"/messages/{self.said}/explanation")
        }
        assert statuses in ({200}, {404}), statuses
        listed = (await self.done("GET", "/v1/conversations", person))["conversations"]
        found = (await self.done("GET", f"/v1/search?q={self.said}", person))["found"]
        by_list = conversation in [each["id"] for each in listed]
        by_search = conversation in [each["conversation"] for each in found]
        assert {by_list, by_search} == {statuses == {200}}
        return by_list


async def begin(salon: Salon, row: Row) -> str:
    """What the customer answers has been said."""
    await salon.furnish(row.customer, row.staff)
    if row.last:
        await salon.visit(row.last)
    if row.says == "staff":
        conversation = await salon.conversation("sam")
        await salon.say("sam", conversation)
    else:
        await salon.announce(row.origin, campaign=row.says == "campaign")
        conversation = await salon.conversation()
        salon.said = 1
    return conversation


def is_said(frame: Frame, text: str) -> bool:
    """Whether a live event shows the message, by itself or within its conversation."""
    shown = frame.get("conversation")
    newest = shown.get("last_message", {}) if isinstance(shown, dict) else frame
    return newest.get("text") == text


@pytest.mark.parametrize("logged_in", [True, False], ids=["logged in", "logged out"])
@pytest.mark.parametrize("name", ROWS)
async def test_the_row(name: str, logged_in: bool, api: ApiStage) -> None:
    row, salon = ROWS[name], Salon(api)
    conversation = await begin(salon, row)
    async with running_edge(api.stage, api.app) as edge:
        sockets = {}
        for person in ("sam", *OBSERVERS) if logged_in else ():
            sockets[person] = await edge.welcomed(api.token(person, BUSINESS))
        seq = await salon.say("carla", conversation)
        assert await salon.places(conversation) == row.expected
        await edge.settled(*sockets.values())
        member = row.says == "staff"
        for person, places in {
            **{p: (at,) for p, at in OBSERVERS.items()},
            "sam": row.staff,
        }.items():
            there = bool(set(places) & set(row.expected))
            expected = there or (person == "sam" and member)
            assert await salon.sees(person, conversation) is expected, person
            if person in sockets:
                events = sockets[person].events
                heard = any(is_said(event, f"text {salon.said}") for event in events)
                assert heard is expected, person
    path = f"/v1/conversations/{conversation}/messages/{seq}/explanation"
    why = await salon.done("GET", path, "olivia")
    assert (why["rule"], tuple(why["locations"])) == (row.rule, row.expected)
    assert tuple(why["customer_locations"]) == row.customer
    assert why["last_appointment"] == row.last
    there = {p for p, at in OBSERVERS.items() if at in row.expected}
    there |= {"sam"} if set(row.staff) & set(row.expected) else set()
    told = {each["person"]: (each["live"], each["reason"]) for each in why["recipients"]}
    assert told == dict.fromkeys(there, (True, "") if logged_in else (False, "not_logged_in"))


@pytest.mark.requirement("MT-R6")
async def test_two_placements_are_one_message(api: ApiStage) -> None:
    salon = Salon(api)
    conversation = await begin(salon, ROWS["MT-R6"])
    await salon.say("carla", conversation)
    for person in (*OBSERVERS, "olivia"):
        path = f"/v1/conversations/{conversation}/messages"
        shown = (await salon.done("GET", path, person))["messages"]
        assert [m["text"] for m in shown if m["author"] == "carla"] == ["text 2"]
        listed = (await salon.done("GET", "/v1/conversations", person))["conversations"]
        assert [each["id"] for each in listed] == [conversation]


@pytest.mark.requirement("C-28")
async def test_what_the_team_says_is_not_routed_as_a_customers(api: ApiStage) -> None:
    salon = Salon(api)
    conversation = await begin(salon, ROWS["MT-R4"])
    assert await salon.places(conversation) == ()
    path = f"/v1/conversations/{conversation}/messages/1/explanation"
    why = await salon.done("GET", path, "sam")
    assert (why["rule"], why["recipients"]) == ("", [])


@pytest.mark.requirement("EX-23", "EX-24")
async def test_who_answers_first_from_the_queue_has_claimed_it(api: ApiStage) -> None:
    salon = Salon(api)
    conversation = await begin(salon, ROWS["MT-R1"])
    await salon.say("carla", conversation)
    shown = await salon.done("GET", f"/v1/conversations/{conversation}", "zoe")
    assert shown["handling"]["waiting_since"] > 0
    await salon.say("zoe", conversation)
    shown = await salon.done("GET", f"/v1/conversations/{conversation}", "carla")
    assert "zoe" in [member["person"] for member in shown["members"]]
    assert "handling" not in shown
    shown = await salon.done("GET", f"/v1/conversations/{conversation}", "zoe")
    assert shown["handling"]["assignee"] == "zoe"
    assert shown["handling"].get("waiting_since", 0) == 0
    history = await salon.done("GET", f"/v1/conversations/{conversation}/handling", "olivia")
    assert [change["kind"] for change in history["changes"]] == ["claimed", "routed"]


@pytest.mark.requirement("EX-23")
async def test_a_transfer_takes_the_history_along_and_keeps_what_follows(api: ApiStage) -> None:
    salon = Salon(api)
    conversation = await begin(salon, ROWS["MT-R1"])
    await salon.say("carla", conversation)
    body = {"action": "transfer", "location": "b"}
    await salon.done("POST", f"/v1/conversations/{conversation}/handling", "zoe", body)
    assert not await salon.sees("zoe", conversation)
    assert await salon.sees("bob", conversation)
    await salon.say("carla", conversation)
    assert await salon.places(conversation) == ("b",)
    assert await salon.sees("bob", conversation)


@pytest.mark.requirement("EX-26")
async def test_what_an_owner_and_a_customer_say_directly_is_theirs_alone(api: ApiStage) -> None:
    salon = Salon(api)
    await salon.furnish(("a",), ("a",))
    body = {"kind": "direct", "people": ["olivia"]}
    conversation = (await salon.done("POST", "/v1/conversations", "carla", body))["id"]
    await salon.say("carla", conversation)
    for person in ("sam", *OBSERVERS):
        assert not await salon.sees(person, conversation)
    body = {"action": "transfer", "location": "a"}
    path = f"/v1/conversations/{conversation}/handling"
    assert (await salon.ask("POST", path, "olivia", body)).status == 400


@pytest.mark.requirement("DT-14")
async def test_a_second_tap_opens_the_same_conversation(api: ApiStage) -> None:
    salon = Salon(api)
    await salon.furnish(("a",), ("a",))
    assert await salon.conversation("sam") == await salon.conversation("sam")
    assert await salon.conversation("zoe") == await salon.conversation("carla")


async def test_whoever_loses_the_inbox_or_the_location_loses_sight_at_once(api: ApiStage) -> None:
    salon = Salon(api)
    conversation = await begin(salon, ROWS["MT-R1"])
    await salon.say("carla", conversation)
    assert await salon.sees("zoe", conversation)
    await salon.done("PATCH", "/v1/people/zoe", "", {"locations": ["b"]})
    assert not await salon.sees("zoe", conversation)
    await salon.done("PATCH", "/v1/people/bob", "", {"locations": ["a"], "permissions": []})
    assert not await salon.sees("bob", conversation)
