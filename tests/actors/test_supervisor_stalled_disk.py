"""Conversations over a real journal and file, while the disk takes its time for one commit."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangePerson
from domain.commands import Accepted, Done, Send
from domain.events import Person
from domain.roles import Role
from storage.writer import Writer
from tests.faults.folder import folder as folder
from tests.faults.premises import opened
from tests.faults.virtual_time import virtual_time as virtual_time


class Disk:
    """Takes ``stall`` seconds for the next thing the writer is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stall = 0.0
        run = Writer.run

        async def slow(writer: Writer, function: Callable[..., Any], *args: Any) -> Any:
            seconds, self.stall = self.stall, 0.0
            await trio.sleep(seconds)
            return await run(writer, function, *args)

        monkeypatch.setattr(Writer, "run", slow)


@pytest.mark.parametrize("seconds", [6.0, 60.0])
async def test_one_slow_commit_loses_nothing_of_many_conversations(
    virtual_time: MockClock, folder: Any, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    disk = Disk(monkeypatch)
    names = [f"g{number}" for number in range(70)]
    async with opened(folder) as premises:
        for name in names:
            await premises.group(name, "sam", "carla")
        answers: dict[tuple[str, str], list[Any]] = {}

        def send(id_: str) -> None:
            for name in names:
                said = Send(premises.speaker("sam"), f"{id_} {name}", "hello")
                reply = answers.setdefault((id_, name), []).append
                premises.live.conversations.tell(name, said, reply)

        disk.stall = seconds
        send("first")
        await trio.sleep(1.0)
        send("next")
        await trio.sleep(seconds - 1.5)
        assert not any(answers.values())
        await trio.sleep(2.0)
        for (id_, _), given in answers.items():
            [answer] = given
            assert isinstance(answer, Accepted)
            assert answer.seq == (1 if id_ == "first" else 2)
        totals = premises.live.conversations.totals()
        assert (totals.crashes, totals.quarantines, totals.unanswered) == (0, 0, 0)
        assert premises.is_open


async def test_one_slow_commit_does_not_restart_the_business(
    virtual_time: MockClock, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People and settings are stored in the middle of a batch: that is waiting, not hanging."""
    disk = Disk(monkeypatch)
    async with opened(folder) as premises:
        disk.stall = 8.0
        changed = ChangePerson("backend", None, Person("sam", "Samuel", Role.STAFF), ("main",))
        assert isinstance(await premises.change(changed), Done)
        assert premises.live.desk.totals().crashes == 0
