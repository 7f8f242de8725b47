"""What is sent right behind `hello` counts as if it had waited for `welcome` (DT-06)."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.faults.premises import PEOPLE, freely, opened


@pytest.mark.parametrize("waits", [0.0, 1.0])
async def test_idle_said_behind_hello_is_shown_as_away(
    waits: float, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        olivia = await premises.enter("olivia")
        await olivia.next("welcome")
        await olivia.ask("watch", people=["sam"])
        sam = await premises.socket()
        sam.send("hello", token=premises.token("sam"), device="s1")
        if waits:
            await trio.sleep(waits)
        sam.send("activity", active=False)
        await trio.sleep(5.0)
        states = [
            shown["state"]
            for frame in olivia.frames
            if frame["type"] == "presence"
            for shown in frame["people"]
        ]
        assert states[-1] == "away"
