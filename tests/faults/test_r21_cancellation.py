"""R21: a fault at every step of trio's scheduler, one by one, while a client is served.

The fault is a lost connection, the end of the server, or the cancellation of the conversation's
actor. Whatever the step: what was acked is stored once, what was not is answered when it is sent
again, and no task stays behind.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from domain.roles import Role
from tests.faults.invariants import Acked, History, entry_of
from tests.faults.premises import Premises, everything, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER}
SENDS = 3
MISSED = 30


class AtStep(trio.abc.Instrument):
    """Calls ``fault`` before the ``step``-th step that any task takes from now on."""

    def __init__(self, step: int, fault: Callable[[], None]) -> None:
        self.left = step
        self._fault = fault

    @property
    def reached(self) -> bool:
        return self.left <= 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self._fault()


@dataclass
class Case:
    """One client in one conversation, and what it has to do until the fault and after it."""

    premises: Premises
    conversation: str
    history: History
    cursor: Frame
    client: RawClient | None = None

    def cut(self) -> None:
        if self.client is not None:
            self.client.transport.cut()

    def crash(self) -> None:
        self.premises.begin_crash()

    def cancel_actor(self) -> None:
        cell = self.premises.live.conversations._roster.get(self.conversation)
        if cell is not None:
            cell.scope.cancel()

    async def come(self) -> RawClient:
        """A new connection of the same device; raises `OSError` while there is no server."""
        self.client = client = RawClient(self.premises.transport())
        await client.upgrade()
        if client.closed is None and self.premises.is_open:
            token = self.premises.token("sam")
            client.send("hello", token=token, device="phone", cursor=dict(self.cursor))
        return client


async def sending(case: Case) -> bool:
    """Send what has no answer yet; whether all of it has been answered."""
    client = await case.come()
    ids = (f"{case.conversation}.{n}" for n in range(SENDS))
    waiting = [id_ for id_ in ids if not _answers(case, id_)]
    for id_ in waiting:
        said = {"conversation": case.conversation, "client_message_id": id_, "text": f"t {id_}"}
        client.send("send", **said)
    answers = 0
    while answers < len(waiting):
        await client.until(lambda: bool(client.frames))
        if not client.frames:
            return False
        frame = client.frames.popleft()
        if frame["type"] == "ack":
            acked = Acked(frame["seq"], frame["revision"], frame["at"])
            case.history.ok(frame["client_message_id"], acked)
            answers += 1
        elif frame["type"] == "error":
            assert frame["code"] == "unavailable", frame
            return False
    client.drop()
    return True


def _answers(case: Case, id_: str) -> list[Acked]:
    if id_ not in case.history.sends:
        case.history.invoke("phone", case.conversation, id_, f"t {id_}")
    return case.history.sends[id_].answers


async def resuming(case: Case) -> bool:
    """Take what was missed, over as many connections as it takes."""
    client = await case.come()
    while True:
        await client.until(lambda: bool(client.frames))
        if not client.frames:
            return False
        frame = client.frames.popleft()
        if frame["type"] == "message":
            if frame["conversation"] == case.conversation:
                case.history.shown("phone", case.conversation, entry_of(frame))
        elif frame["type"] == "welcome":
            assert frame["resume"] == "complete"
        if "revision" in frame and frame["type"] != "welcome":
            case.cursor["revision"] = max(case.cursor["revision"], frame["revision"])
        if frame["type"] == "resumed":
            client.drop()
            return True


async def receipting(case: Case) -> bool:
    """Move one's cursor step by step until all of it is stored."""
    client = await case.come()
    for number, seq in enumerate((10, 20, MISSED), 1):
        client.send("receipt", id=number, conversation=case.conversation, delivered_up_to=seq)
    done = 0
    while done < 3:
        await client.until(lambda: bool(client.frames))
        if not client.frames:
            return False
        frame = client.frames.popleft()
        if frame.get("id") is not None:
            if frame["type"] != "ok":
                assert frame["code"] == "unavailable", frame
                return False
            done += 1
    client.drop()
    return True


SCENARIOS: dict[str, Callable[[Case], Awaitable[bool]]] = {
    "send": sending,
    "resume": resuming,
    "receipt": receipting,
}


async def one_case(premises: Premises, scenario: str, fault: str, step: int) -> bool:
    """A fault at ``step``; whether the scenario was still running then."""
    conversation = f"{scenario}{step}"
    await premises.group(conversation, "carla", "sam")
    if scenario != "send":
        for number in range(MISSED):
            await premises.say(conversation, "carla", "hi", f"{conversation}.c{number}")
    head = premises.node.database.journal.released("pawsome")
    missed = MISSED if scenario == "resume" else 0
    cursor = {"epoch": premises.node.epoch, "revision": head - missed}
    case = Case(premises, conversation, History(), cursor)
    hit = AtStep(step, getattr(case, fault))
    trio.lowlevel.add_instrument(hit)
    for _ in range(10):
        with suppress(OSError):
            if await SCENARIOS[scenario](case):
                break
        await trio.sleep(1.0)
        if not premises.is_open:
            await premises.open()
    else:
        raise AssertionError("it never succeeds again")
    trio.lowlevel.remove_instrument(hit)
    await check(case, scenario)
    return hit.reached


async def check(case: Case, scenario: str) -> None:
    premises, conversation = case.premises, case.conversation
    if not premises.is_open:
        await premises.open()
    reader = await premises.enter("olivia", "reader")
    await reader.next("welcome")
    log = [entry_of(m) for m in await everything(reader, conversation)]
    case.history.log(conversation, log)
    members = (await reader.ask("open", conversation=conversation))["conversation"]["members"]
    reader.drop()
    assert not case.history.check(complete=scenario == "resume", fifo=False)
    assert len(log) == (SENDS if scenario == "send" else MISSED)
    if scenario == "receipt":
        (sam,) = (m for m in members if m["person"] == "sam")
        assert sam["delivered_up_to"] == MISSED


def tasks() -> int:
    """How many tasks there are."""
    root = trio.lowlevel.current_root_task()
    found: list[Any] = [root]
    count = 0
    while found:
        task = found.pop()
        count += 1
        for nursery in task.child_nurseries:
            found += nursery.child_tasks
    return count


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", ["cut", "cancel_actor", "crash"])
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_r21_a_fault_at_every_step(
    scenario: str, fault: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(idle_seconds=5.0), PEOPLE) as premises:
        await one_case(premises, scenario, "cut", 10**9)
        await trio.sleep(60.0)
        calm = tasks()
        step = 1
        while await one_case(premises, scenario, fault, step):
            step += 1
        await trio.sleep(60.0)
        assert tasks() <= calm
        assert premises.live.connections == {}
        assert premises.running.listener.statistics().open == 0
        assert premises.running.listener.statistics().failed == 0
        print(f"{scenario}, {fault}: {step - 1} steps")
    assert step > 20
