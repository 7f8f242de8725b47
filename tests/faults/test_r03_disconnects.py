"""R03: connections that break at any byte; nothing is missing, doubled or out of order."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain.roles import Role
from server.edge.memory import MemoryTransport
from tests.faults import disconnect_storm
from tests.faults.device import Device
from tests.faults.invariants import History, entry_of
from tests.faults.premises import Premises, everything, freely, opened

FIRST_BYTES = 2_000
STORMS = 5
MESSAGES = 20_000
"""In each storm."""
AT_ONCE = 100
SAID = 12
CUSTOMERS = {f"p{i}": Role.STAFF for i in range(AT_ONCE)}


async def truth(premises: Premises, history: History, *conversations: str) -> None:
    """The logs as a fresh reader finds them."""
    reader = await premises.enter("olivia", "truth")
    await reader.next("welcome")
    for conversation in conversations:
        messages = await everything(reader, conversation)
        history.log(conversation, [entry_of(m) for m in messages])
    reader.drop()


def cut_once(direction: str, at: int) -> Callable[[MemoryTransport], None]:
    """The first connection ends after ``at`` bytes in one direction; the next ones do not."""
    armed = [True]

    def wire(client: MemoryTransport) -> None:
        if armed:
            armed.clear()
            pipe = client.outgoing if direction == "up" else client.incoming
            pipe.cut_after = at

    return wire


@pytest.mark.timeout(180)
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_r03_every_byte_of_the_first_two_thousand(
    direction: str, virtual_time: MockClock, folder: Path
) -> None:
    """A device says 12 things and hears 12; its first connection breaks after k bytes, any k."""
    people = {"olivia": Role.OWNER} | CUSTOMERS
    async with opened(folder, freely(devices=1000), people) as premises:
        for first in range(0, FIRST_BYTES, AT_ONCE):
            history = History()
            async with trio.open_nursery() as nursery:
                for k in range(first, first + AT_ONCE):
                    nursery.start_soon(one_cut, premises, history, direction, k)
            conversations = [f"k{k}" for k in range(first, first + AT_ONCE)]
            await truth(premises, history, *conversations)
            assert history.acked == AT_ONCE * SAID
            assert not history.check()


async def one_cut(premises: Premises, history: History, direction: str, k: int) -> None:
    person, conversation = f"p{k % AT_ONCE}", f"k{k}"
    await premises.group(conversation, person, "olivia")
    device = Device(premises, history, person, f"k{k}", window=4, wire=cut_once(direction, k))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(device.run)
        for number in range(SAID):
            device.say(conversation)
            await premises.say(conversation, "olivia", f"o{number}", f"o{k}.{number}")
        with trio.fail_after(600):
            await device.settled()
            await device.has(conversation, 2 * SAID)
        nursery.cancel_scope.cancel()
    assert device.connections <= 2
    assert not device.repeated


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(STORMS))
async def test_r03_a_storm_of_disconnects(virtual_time: MockClock, folder: Path, seed: int) -> None:
    """Every connection of twelve devices breaks within 3,000 bytes, at any byte."""
    async with opened(folder, freely(devices=1000), disconnect_storm.PEOPLE) as premises:
        with trio.fail_after(100_000):
            result = await disconnect_storm.storm(premises, MESSAGES, seed=seed, name="storm")
    print(result)
    assert not result.problems
    assert not result.repeated
    assert result.cuts > MESSAGES / 10
