"""A start with a slow disk: conversations load one after the other, and none of them hangs."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from domain.commands import Accepted, Send
from server.asking import ask_conversation
from storage.queries import Queries
from tests.faults.premises import freely, opened

CONVERSATIONS = 100


@pytest.mark.parametrize("seconds", [0.33, 1.0])
async def test_waiting_for_the_reader_is_nobodys_time(
    seconds: float, virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = trio.Semaphore(1)
    conversation = Queries.conversation

    async def slowly(self: Queries, *arguments: Any) -> Any:
        async with reader:
            await trio.sleep(seconds)
        return await conversation(self, *arguments)

    async with opened(folder, freely()) as premises:
        for number in range(CONVERSATIONS):
            await premises.group(f"g{number}", "sam", "carla")
        await premises.close()
        await premises.open()
        monkeypatch.setattr(Queries, "conversation", slowly)
        accepted: list[int] = []

        async def say(number: int) -> None:
            send = Send(premises.speaker("carla"), f"m{number}", "Is Rex ready?")
            answer: object = None
            while not isinstance(answer, Accepted):
                answer = await ask_conversation(premises.live, f"g{number}", send)
                await trio.sleep(0.1)
            accepted.append(number)

        with trio.fail_after(2 * seconds * CONVERSATIONS):
            async with trio.open_nursery() as nursery:
                for number in range(CONVERSATIONS):
                    nursery.start_soon(say, number)
        totals = premises.live.conversations.totals()
        assert (len(accepted), totals.crashes) == (CONVERSATIONS, 0)
        assert totals.activations == CONVERSATIONS
