"""A seeded world: people who talk, and everything that can break between and under them."""

import random
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain import commands
from domain.events import Person
from domain.roles import Role
from server.edge.memory import MemoryTransport
from tests.faults.device import Device
from tests.faults.invariants import History, entry_of
from tests.faults.premises import Premises, everything, freely
from tests.faults.virtual_time import wall_clock
from tests.simulation.seeded_storage import SeededStorage, seeded_scheduling

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "mo": Role.MANAGER,
    "carla": Role.CUSTOMER,
    "dan": Role.CUSTOMER,
}
CONVERSATIONS = {
    "c1": ("sam", "mo", "carla", "dan"),
    "c2": ("sam", "carla"),
    "c3": ("mo", "sam", "dan"),
}
TALKERS = ("sam", "mo", "carla", "dan")
SECONDS = 60.0
HOUR_MS = 3_600_000
JUMPS_MS = (-24 * HOUR_MS, -HOUR_MS, -1_000, 1_000, HOUR_MS, 24 * HOUR_MS)


class World:
    """One run of one seed."""

    def __init__(self, seed: int, folder: Path, storage: SeededStorage) -> None:
        self.chance = random.Random(f"world {seed}")
        self.history = History()
        self.storage = storage
        self.faults: list[str] = []
        self._seed = seed
        self._folder = folder
        self._clock_offset = 0
        self._devices: list[Device] = []

    async def run(self) -> None:
        """Live for a while with faults, then calm down; what is left is in ``history``."""
        async with trio.open_nursery() as nursery:
            premises = Premises(nursery, self._folder, freely(), PEOPLE, self._clock)
            await premises.open()
            for conversation, members in CONVERSATIONS.items():
                await premises.group(conversation, *members)
            for person in TALKERS:
                device = Device(
                    premises, self.history, person, window=4, wire=self._wire, seed=self._seed
                )
                device.receipts = True
                self._devices.append(device)
                nursery.start_soon(device.run)
            with trio.move_on_after(SECONDS):
                async with trio.open_nursery() as living:
                    for device in self._devices:
                        living.start_soon(self._talk, device)
                    living.start_soon(self._break_things, premises)
                    living.start_soon(self._come_and_go, premises)
            await self._calm_down(premises)
            nursery.cancel_scope.cancel()

    def _clock(self) -> int:
        return wall_clock() + self._clock_offset

    def _wire(self, client: MemoryTransport) -> None:
        chance = self.chance
        for pipe in (client.outgoing, client.incoming):
            if chance.random() < 0.2:
                pipe.cut_after = chance.randint(1, 5_000)
            if chance.random() < 0.2:
                pipe.slices = partial(chance.randint, 1, 100)

    async def _talk(self, device: Device) -> None:
        mine = [c for c, members in CONVERSATIONS.items() if device.person in members]
        while True:
            await trio.sleep(self.chance.expovariate(1.0))
            for _ in range(self.chance.choice([1, 1, 1, 3, 8])):
                device.say(self.chance.choice(mine))

    async def _come_and_go(self, premises: Premises) -> None:
        """Dan is taken out of a conversation, and comes back, now and then."""
        inside = True
        while True:
            await trio.sleep(self.chance.uniform(2.0, 15.0))
            if not premises.is_open:
                continue
            speaker = premises.speaker("mo")
            dan = Person("dan", "dan", Role.CUSTOMER)
            add, remove = commands.AddMember(speaker, dan), commands.RemoveMember(speaker, "dan")
            with trio.move_on_after(5.0):
                await premises.do("c1", remove if inside else add)
            inside = not inside

    async def _break_things(self, premises: Premises) -> None:
        """One thing a second or so; what lasts a while goes on beside the next."""
        faults = [self._cut, self._cut, self._vanish, self._stop_reading, self._jump]
        faults += [self._fill_disk, self._restart]
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self.chance.expovariate(1.0))
                fault = self.chance.choice(faults)
                self.faults.append(fault.__name__)
                nursery.start_soon(fault, premises)

    async def _cut(self, _: Premises) -> None:
        self.chance.choice(self._devices).cut()

    async def _vanish(self, _: Premises) -> None:
        device = self.chance.choice(self._devices)
        if device.is_connected:
            device.client.vanish()

    async def _stop_reading(self, _: Premises) -> None:
        device = self.chance.choice(self._devices)
        if device.is_connected:
            client = device.client
            client.stop_reading()
            await trio.sleep(self.chance.choice([0.1, 3.0, 20.0]))
            client.read_again()

    async def _jump(self, _: Premises) -> None:
        self._clock_offset += self.chance.choice(JUMPS_MS)

    async def _fill_disk(self, _: Premises) -> None:
        self.storage.disk_is_full = True
        await trio.sleep(self.chance.uniform(0.0, 3.0))
        self.storage.disk_is_full = False

    async def _restart(self, premises: Premises) -> None:
        if not premises.is_open:
            return
        with trio.CancelScope(shield=True):  # a start that is given up half-way helps nobody
            await (premises.crash() if self.chance.random() < 0.7 else premises.close())
            await trio.sleep(self.chance.uniform(0.0, 3.0))
            await premises.open()

    async def _calm_down(self, premises: Premises) -> None:
        """Everything works again: whoever is there gets what they missed."""
        self.storage.disk_is_full = False
        if not premises.is_open:
            await premises.open()
        for device in self._devices:
            device.wire = None
            if device.is_connected:
                device.client.read_again()
            device.cut()
        with trio.fail_after(600.0):
            for device in self._devices:
                await device.settled()
            await self._read(premises)
            for device in self._devices:
                for conversation in list(device.held or ()):
                    last = len(self.history.logs[conversation])
                    await device.until(
                        lambda d=device, c=conversation, n=last: (
                            d.held is not None and d.held.get(c, n) >= n
                        )
                    )
            await trio.sleep(5.0)

    async def _read(self, premises: Premises) -> None:
        reader = await premises.enter("olivia", "reader")
        await reader.next("welcome")
        for conversation in CONVERSATIONS:
            entries = [entry_of(m) for m in await everything(reader, conversation)]
            self.history.log(conversation, entries)
        reader.drop()


def simulate(seed: int, folder: Path) -> World:
    """Run the world of ``seed`` to its end."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        seeded_scheduling(monkeypatch, seed)
        world = World(seed, folder, SeededStorage(monkeypatch, seed))
        trio.run(world.run, clock=MockClock(autojump_threshold=0))
    return world
