"""What falls due by itself: snoozes end, alerts are given, and what was at a closed place moves.

Each also with a new start in between, before anybody has touched the business.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from domain.commands import Done, ShowTyping, Speaker
from domain.roles import Role
from server.asking import ask_conversation
from server.tending import Sweep, sweeps, tend_conversations
from storage.due import START, DuePage, Position
from storage.queries import Queries
from tests.fixtures.api import ApiStage, reopened_api, running_api

MINUTE = 60_000
CLOSED = {"week": [[], [], [], [], [], [], []]}
Kinds = list[str]


class Desk:
    """What people do, and what they see of it."""

    def __init__(self, api: ApiStage, conversation: str = "") -> None:
        self.api, self.conversation = api, conversation

    async def done(self, method: str, path: str, person: str = "", body: object = None) -> Any:
        key = self.api.token(person) if person else self.api.key()
        reply = await self.api.ask(method, path, key, body)
        assert reply.status < 300, reply.body
        return reply.json

    async def begin(self) -> None:
        found = await self.done("POST", "/v1/people/carla/conversation", "carla")
        self.conversation = found["id"]

    @property
    def path(self) -> str:
        return f"/v1/conversations/{self.conversation}"

    async def say(self, person: str, id_: str) -> None:
        body = {"client_message_id": id_, "text": id_}
        await self.done("POST", f"{self.path}/messages", person, body)

    async def handle(self, **body: Any) -> None:
        await self.done("POST", f"{self.path}/handling", "olivia", body)

    async def kinds(self) -> list[tuple[str, str]]:
        changes = (await self.done("GET", f"{self.path}/handling", "olivia"))["changes"]
        return [(change["author"], change["kind"]) for change in reversed(changes)]

    async def handling(self) -> dict[str, Any]:
        found = await self.done("GET", self.path, "olivia")
        return dict(found["handling"])

    def later(self, minutes: float) -> None:
        self.api.stage.clock.now += round(minutes * MINUTE)
        self.api.tokens.clear()


async def tend(desk: Desk) -> None:
    """What is due has been told, done and stored, as the task of the server does it each second."""
    node = desk.api.stage.node
    for sweep in sweeps(node):
        await sweep.run(node)
    live = await node.live("pawsome")
    assert live is not None
    olivia = Speaker("olivia", "Olivia", Role.OWNER, "test")
    for _ in range(2):  # a batch is stored before the next one begins
        assert await ask_conversation(live, desk.conversation, ShowTyping(olivia, True)) == Done()


Act = Callable[[Desk], Awaitable[None]]


async def snooze(desk: Desk) -> None:
    await desk.handle(action="snooze", until=desk.api.stage.clock.now + 5 * MINUTE)


async def wait(desk: Desk) -> None:
    await desk.done("PATCH", "/v1/locations/main", "", {"alert_minutes": 5})


async def close_place(desk: Desk) -> None:
    await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
    await desk.done("PATCH", "/v1/people/carla", "", {"locations": ["main", "b"]})
    await desk.done("POST", "/v1/locations/main/close")


async def merge_place(desk: Desk) -> None:
    await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
    await desk.done("POST", "/v1/locations/main/merge", "", {"into": "b"})


async def leave_none(desk: Desk) -> None:
    await desk.done("POST", "/v1/locations/main/close")


CASES: dict[str, tuple[Act, str]] = {
    "snooze": (snooze, "woken"),
    "alert": (wait, "unanswered"),
    "closed": (close_place, "moved"),
    "merged": (merge_place, "moved"),
    "nowhere": (leave_none, "moved"),
}
BECOMES = {
    "snooze": {"locations": ["main"]},
    "alert": {"locations": ["main"]},
    "closed": {"locations": ["b"]},
    "merged": {"locations": ["b"]},
    "nowhere": {},
}


@pytest.mark.requirement("EX-28")
@pytest.mark.parametrize("killed", [False, True], ids=["running", "started again"])
@pytest.mark.parametrize("case", CASES)
async def test_what_is_due_happens_once_by_itself(case: str, killed: bool, tmp_path: Path) -> None:
    act, kind = CASES[case]
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.say("carla", "m1")
        await act(desk)
        if not killed:
            await due(desk, case, kind)
        now, key = api.stage.clock.now, api.key()
    if killed:
        async with reopened_api(tmp_path, key) as api:
            api.stage.clock.now = now
            assert not api.stage.node.businesses, "nobody has touched it"
            await due(Desk(api, desk.conversation), case, kind)


async def due(desk: Desk, case: str, kind: str) -> None:
    desk.later(6)
    for _ in range(3):  # once is enough
        await tend(desk)
    assert [k for a, k in await desk.kinds() if a == "@business"] == [kind]
    handling = await desk.handling()
    assert handling.pop("waiting_since") > 0, "no word of the customer is lost"
    assert (handling.pop("alerted", 0) > 0) is (case == "alert")
    assert handling == BECOMES[case]
    found = await desk.done("GET", f"{desk.path}/messages", "carla")
    assert [m["text"] for m in found["messages"]] == ["m1"]


@pytest.mark.requirement("EX-28")
async def test_nothing_happens_before_it_is_due_or_while_it_is_closed(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.done("PATCH", "/v1/locations/main", "", {"alert_minutes": 5})
        desk.later(4)
        await tend(desk)
        assert ("@business", "unanswered") not in await desk.kinds()
        await desk.done("PATCH", "/v1/locations/main", "", {"hours": CLOSED})
        desk.later(10)
        await tend(desk)
        assert ("@business", "unanswered") not in await desk.kinds()
        await desk.done("PATCH", "/v1/locations/main", "", {"hours": None})
        await tend(desk)
        assert ("@business", "unanswered") in await desk.kinds()


@pytest.mark.requirement("EX-28")
async def test_each_waiting_is_an_alert_of_its_own(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.done("PATCH", "/v1/locations/main", "", {"alert_minutes": 5})
        for number in (1, 2):
            await desk.say("carla", f"m{number}")
            desk.later(6)
            await tend(desk)
            assert [kind for _, kind in await desk.kinds()].count("unanswered") == number
            await desk.say("sam", f"a{number}")


@pytest.mark.parametrize("failure", [None, trio.TooSlowError(), sqlite3.OperationalError()])
async def test_the_server_looks_by_itself(
    failure: Exception | None,
    tmp_path: Path,
    mock_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also behind a look that has failed."""

    async def fail(*_: object) -> DuePage:
        if failure is not None:
            raise failure
        return DuePage((), START)

    monkeypatch.setattr(Queries, "due_moves", fail)
    async with running_api(tmp_path) as api, trio.open_nursery() as nursery:
        desk = Desk(api)
        await desk.begin()
        await snooze(desk)
        desk.later(6)
        nursery.start_soon(tend_conversations, api.stage.node)
        for _ in range(500):
            mock_clock.jump(0.01)
            if ("@business", "woken") in await desk.kinds():
                break
        assert ("@business", "woken") in await desk.kinds()
        nursery.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


DAYS = 24 * 60


@pytest.mark.requirement("EX-28")
@pytest.mark.parametrize("killed", [False, True], ids=["running", "started again"])
async def test_what_is_quiet_for_days_is_closed_once_and_opens_again(
    killed: bool, tmp_path: Path
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.done("PATCH", "/v1/locations/main", "", {"auto_close_days": 3})
        await desk.say("carla", "m1")
        await desk.say("sam", "a1")
        desk.later(3 * DAYS - 1)
        await tend(desk)
        assert (await desk.handling())["assignee"] == "sam"
        assert ("@business", "auto_closed") not in await desk.kinds()
        desk.later(2)
        if not killed:
            await closed_by_itself(desk)
        now, key = api.stage.clock.now, api.key()
    if killed:
        async with reopened_api(tmp_path, key) as api:
            api.stage.clock.now = now
            await closed_by_itself(Desk(api, desk.conversation))


async def closed_by_itself(desk: Desk) -> None:
    for _ in range(2):  # once is enough
        await tend(desk)
    assert [k for a, k in await desk.kinds() if a == "@business"] == ["auto_closed"]
    handling = await desk.handling()
    assert (handling["status"], handling["assignee"]) == ("closed", "sam")
    await desk.say("carla", "m2")
    assert "status" not in await desk.handling(), "open"
    desk.later(9 * DAYS)
    await tend(desk)
    assert "status" not in await desk.handling(), "a customer waits"


@pytest.mark.requirement("EX-28")
async def test_what_somebody_put_off_or_another_location_keeps_is_not_closed(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
        await desk.done("PATCH", "/v1/people/carla", "", {"locations": ["main", "b"]})
        await desk.done("PATCH", "/v1/locations/main", "", {"auto_close_days": 3})
        await desk.begin()
        await desk.say("carla", "m1")
        assert (await desk.handling())["locations"] == ["b", "main"]
        await desk.say("olivia", "a1")
        desk.later(30 * DAYS)
        await tend(desk)
        assert ("@business", "auto_closed") not in await desk.kinds(), "b keeps it"
        await desk.done("PATCH", "/v1/locations/b", "", {"auto_close_days": 31})
        await tend(desk)
        assert ("@business", "auto_closed") not in await desk.kinds(), "b keeps it for longer"
        await desk.handle(action="snooze", until=api.stage.clock.now + 5 * DAYS * MINUTE)
        desk.later(2 * DAYS)
        await tend(desk)
        assert (await desk.handling())["status"] == "snoozed"
        await desk.handle(action="reopen")
        await tend(desk)
        assert (await desk.handling())["status"] == "closed"


@pytest.mark.requirement("EX-28")
async def test_who_speaks_while_it_is_looked_for_is_heard(tmp_path: Path) -> None:
    """What the look-up found is no longer so when the conversation is told."""
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.done("PATCH", "/v1/locations/main", "", {"auto_close_days": 3})
        await desk.say("carla", "m1")
        await desk.say("sam", "a1")
        desk.later(4 * DAYS)
        node = api.stage.node
        (found,) = (await node.queries.due_closings(api.stage.clock.now, (), 10)).found
        await desk.say("sam", "a2")
        live = await node.live("pawsome")
        assert live is not None
        assert await ask_conversation(live, desk.conversation, found.tend) == Done()
        assert ("@business", "auto_closed") not in await desk.kinds()


async def test_what_is_counted_in_days_is_looked_for_once_an_hour(
    tmp_path: Path, mock_clock: MockClock
) -> None:
    async with running_api(tmp_path) as api:
        asked: list[str] = []

        async def query(after: Position) -> DuePage:
            asked.append(str(after))
            return DuePage((), START if after else (1,))

        sweep = Sweep(query, 3600.0)
        for seconds, number in ((1, 1), (1, 2), (1, 2), (3598, 2), (1, 3), (1, 4), (1, 4)):
            mock_clock.jump(seconds)
            await sweep.run(api.stage.node)
            assert len(asked) == number, (seconds, asked)


@pytest.mark.requirement("EX-23")
@pytest.mark.parametrize(
    "change", [{"active": False}, {"locations": ["b"]}, {"permissions": []}, {"role": "customer"}]
)
async def test_who_does_not_see_it_any_more_is_not_assigned(
    change: dict[str, object], tmp_path: Path
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
        await desk.begin()
        await desk.say("carla", "m1")
        sam = {"id": "sue", "name": "Sue", "role": "staff", "locations": ["main"]}
        await desk.done("POST", "/v1/people", "", sam)
        await desk.handle(action="assign", person="sue")
        await tend(desk)
        assert (await desk.handling())["assignee"] == "sue"
        await desk.done("PATCH", "/v1/people/sue", "", change)
        for _ in range(2):
            await tend(desk)
        assert "assignee" not in await desk.handling()
        assert [k for a, k in await desk.kinds() if a == "@business"] == ["unassigned"]
        waits = "/v1/conversations?unassigned=true&waiting=true"
        assert len((await desk.done("GET", waits, "olivia"))["conversations"]) == 1


@pytest.mark.requirement("EX-21", "EX-24")
async def test_nobody_waits_once_the_customer_was_erased(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await wait(desk)
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.done("POST", "/v1/people/carla/erase")
        for _ in range(2):
            await tend(desk)
        assert "waiting_since" not in await desk.handling()
        desk.later(60)
        await tend(desk)
        assert [k for a, k in await desk.kinds() if a == "@business"] == ["erased"]


@pytest.mark.requirement("EX-23")
async def test_who_waits_at_no_location_is_placed_once_theirs_is_open_again(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.done("POST", "/v1/locations/main/close")
        await tend(desk)
        assert "locations" not in await desk.handling()
        await tend(desk)
        assert "locations" not in await desk.handling()
        await desk.done("POST", "/v1/locations/main/reopen")
        await tend(desk)
        assert (await desk.handling())["locations"] == ["main"]
        queue = await desk.done("GET", "/v1/locations/main/queue?waiting=true", "olivia")
        assert [each["id"] for each in queue["conversations"]] == [desk.conversation]
        assert [k for a, k in await desk.kinds() if a == "@business"] == ["moved", "moved"]


@pytest.mark.requirement("EX-23")
async def test_who_waits_at_no_location_from_the_beginning_is_placed_once_theirs_is_open(
    tmp_path: Path,
) -> None:
    """Also where somebody else is in it who has none."""
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        await desk.done("PATCH", "/v1/people/carla", body={"locations": []})
        await desk.done("POST", "/v1/locations/main/close")
        body = {"kind": "group", "people": ["carla", "mia"], "id": "both"}
        desk.conversation = (await desk.done("POST", "/v1/conversations", "olivia", body))["id"]
        await desk.say("mia", "m1")
        await tend(desk)
        assert "locations" not in await desk.handling()
        await desk.done("POST", "/v1/locations/main/reopen")
        await tend(desk)
        assert (await desk.handling())["locations"] == ["main"]


@pytest.mark.requirement("EX-26")
async def test_what_a_customer_says_to_the_owner_alone_is_placed_nowhere(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk = Desk(api)
        body = {"kind": "direct", "people": ["olivia"]}
        desk.conversation = (await desk.done("POST", "/v1/conversations", "carla", body))["id"]
        await desk.say("carla", "m1")
        await tend(desk)
        assert "locations" not in await desk.handling()
