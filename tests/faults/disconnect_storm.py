"""Devices that talk while their connections break at random bytes: R03 in any size."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import trio

from domain.roles import Role
from server.edge.memory import MemoryTransport
from tests.faults.device import Device
from tests.faults.invariants import History, entry_of
from tests.faults.premises import Premises, everything

DEVICES = 12
CONVERSATIONS = 6
MEMBERS = 4
WINDOW = 8
LONGEST = 3_000
"""Bytes that a connection carries in one direction at the most before it breaks."""
PEOPLE = {"olivia": Role.OWNER} | {f"p{n}": Role.STAFF for n in range(DEVICES)}


@dataclass
class Storm:
    """What a storm came to."""

    messages: int
    connections: int = 0
    cuts: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)


def breaking(chance: random.Random) -> Callable[[MemoryTransport], None]:
    """Every connection breaks somewhere, in one direction or the other, and comes in slices."""

    def wire(client: MemoryTransport) -> None:
        pipes = (client.outgoing, client.incoming)
        chance.choice(pipes).cut_after = chance.randint(1, LONGEST)
        for pipe in pipes:
            if chance.random() < 0.5:
                pipe.slices = partial(chance.randint, 1, 200)

    return wire


async def storm(
    premises: Premises,
    messages: int,
    seed: int,
    name: str,
    progress: Callable[[int], None] = lambda _: None,
) -> Storm:
    """``messages`` are said in all; at the end everybody has everything, in order and once."""
    history, chance = History(), random.Random(f"storm {seed}")
    conversations = [f"{name}.{number}" for number in range(CONVERSATIONS)]
    people = [f"p{number}" for number in range(DEVICES)]
    for number, conversation in enumerate(conversations):
        members = [people[(number * 2 + k) % DEVICES] for k in range(MEMBERS)]
        await premises.group(conversation, *members)
    devices = [
        Device(premises, history, person, name, window=WINDOW, wire=breaking(chance), seed=seed)
        for person in people
    ]
    async with trio.open_nursery() as nursery:
        for device in devices:
            nursery.start_soon(device.run)
        async with trio.open_nursery() as talking:
            for number, device in enumerate(devices):
                share = messages // DEVICES + (number < messages % DEVICES)
                talking.start_soon(_talk, device, conversations, share, seed, progress)
        await _calm(devices, conversations, history, premises)
        nursery.cancel_scope.cancel()
    return Storm(
        messages,
        sum(device.connections for device in devices),
        sum(code == 1006 for device in devices for code in device.codes),
        sum(device.repeated for device in devices),
        history.check(),
    )


async def _talk(
    device: Device,
    conversations: list[str],
    share: int,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    """Say ``share`` things, some at a time, in the conversations that the device is in."""
    chance = random.Random(f"talk {seed} {device.id}")
    number = int(device.person.removeprefix("p"))
    mine = [
        conversation
        for place, conversation in enumerate(conversations)
        if (number - place * 2) % DEVICES < MEMBERS
    ]
    while share:
        burst = min(share, chance.randint(1, 2 * WINDOW))
        for _ in range(burst):
            device.say(chance.choice(mine))
        await device.settled()
        share -= burst
        progress(burst)
        await trio.sleep(chance.random() * 0.05)


async def _calm(
    devices: list[Device], conversations: list[str], history: History, premises: Premises
) -> None:
    """Everybody catches up over connections that still break; then the truth is read."""
    reader = await premises.enter("olivia", "reader")
    await reader.next("welcome")
    for conversation in conversations:
        messages = await everything(reader, conversation)
        history.log(conversation, [entry_of(message) for message in messages])
    reader.drop()
    for device in devices:
        for conversation in device.held or ():
            await device.has(conversation, len(history.logs[conversation]))
