"""R11: who is there, as others are told: no ghosts, no flapping, last-seen never moves back."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain.roles import Role
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER}
STALE = 45.0
"""After a silent death, offline is shown within this."""


class Observer:
    """Watches people, and keeps what it is told with the time."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str, str, int]] = []
        self.shown: dict[str, str] = {}
        self.client: RawClient | None = None

    async def watch(self, premises: Premises, *people: str, device: str = "eye") -> None:
        self.client = await premises.enter("olivia", device)
        await self.client.next("welcome")
        self.client.on_frame = self._take
        self.client.send("watch", people=list(people))
        await self.client.until(lambda: self.shown.keys() >= set(people))
        self.told.clear()

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "presence":
            for person in frame["people"]:
                seen = person.get("last_seen_at", 0)
                self.told.append((trio.current_time(), person["person"], person["state"], seen))
                self.shown[person["person"]] = person["state"]

    async def sees(self, person: str, state: str) -> float:
        """Wait until it is shown; the time."""
        assert self.client is not None
        await self.client.until(lambda: self.shown[person] == state)
        return trio.current_time()


async def test_r11_silent_death_is_offline_within_45_seconds(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        observer = Observer()
        await observer.watch(premises, "carla")
        client = await premises.enter("carla")
        await observer.sees("carla", "online")
        await trio.sleep(100.0)
        for wait in (0.0, 7.3, 19.0):
            client.send("ping")
            died_at = trio.current_time()
            client.vanish()
            offline_at = await observer.sees("carla", "offline")
            print(f"offline {offline_at - died_at:.1f} s after the last sign of life")
            assert offline_at - died_at <= STALE
            await trio.sleep(wait)
            client = await premises.enter("carla")
            await observer.sees("carla", "online")


async def test_r11_a_close_is_offline_after_the_grace_and_a_return_within_it_shows_nothing(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        observer = Observer()
        await observer.watch(premises, "carla")
        client = await premises.enter("carla")
        await observer.sees("carla", "online")
        left_at = trio.current_time()
        client.drop()
        assert 10.0 <= await observer.sees("carla", "offline") - left_at <= 12.0
        client = await premises.enter("carla")
        await observer.sees("carla", "online")
        observer.told.clear()
        for number in range(1_000):
            client.drop()
            await trio.sleep(0.01 if number % 50 else 9.0)
            client = await premises.enter("carla")
        await trio.sleep(60.0)
        assert observer.told == []


@pytest.mark.parametrize("end", ["crash", "close"])
async def test_r11_no_ghost_after_a_restart_and_last_seen_survives_it(
    end: str, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        observer = Observer()
        await premises.enter("carla")
        await observer.watch(premises, "carla")
        await trio.sleep(300.0)
        ended_at = premises.clock()
        await (premises.crash() if end == "crash" else premises.close())
        await trio.sleep(5.0)
        await premises.open()
        later = Observer()
        await later.watch(premises, "carla", "sam")
        assert later.shown == {"carla": "offline", "sam": "offline"}
        assert later.client is not None
        later.client.on_frame = None
        later.client.send("watch", people=["carla"])
        (carla,) = (await later.client.skip_to("presence"))["people"]
        lost_ms = ended_at - carla["last_seen_at"]
        assert 0 <= lost_ms <= (61_000 if end == "crash" else 0)


@dataclass
class Person:
    """The model of one person: what each device does, and since when nobody is there."""

    devices: dict[str, RawClient] = field(default_factory=dict)
    gone_by: float = 0.0
    """When the last of their connections will have ended at the latest."""


class Model:
    """People with three devices each, who come, go, vanish and are cut off."""

    def __init__(self, premises: Premises, people: list[str], seed: int) -> None:
        self.premises = premises
        self.people = {person: Person() for person in people}
        self.chance = random.Random(seed)

    async def step(self) -> None:
        chance = self.chance
        name = chance.choice(list(self.people))
        person = self.people[name]
        device = f"{name}-{chance.randint(1, 3)}"
        client = person.devices.get(device)
        if client is None or client.closed is not None:
            person.devices[device] = await self.premises.enter(name, device)
        else:
            getattr(client, chance.choice(["drop", "close", "vanish", "silent"]), client.drop)()
            del person.devices[device]
            person.gone_by = trio.current_time() + STALE
        await trio.sleep(chance.choice([0.0, 0.0, 0.1, 3.0, 14.0]))

    def check(self, shown: dict[str, str]) -> list[str]:
        """Who is shown as what they cannot be; who went lately may still be shown."""
        now = trio.current_time()
        wrong = []
        for name, person in self.people.items():
            there = any(client.closed is None for client in person.devices.values())
            if there and shown[name] == "offline":
                wrong.append(f"{name} is there and shown offline")
            if not there and shown[name] != "offline" and now > person.gone_by:
                wrong.append(f"{name} is a ghost")
        return wrong


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_r11_what_is_shown_is_what_the_model_says(
    virtual_time: MockClock, folder: Path
) -> None:
    """3,000 comings and goings of ten people with three devices each, crashes in between."""
    names = [f"p{n}" for n in range(10)]
    people = PEOPLE | dict.fromkeys(names, Role.STAFF)
    async with opened(folder, freely(), people) as premises:
        model = Model(premises, names, seed=11)
        last_seen: dict[str, int] = {}
        for round_ in range(6):
            observer = Observer()
            await observer.watch(premises, *names)
            for _ in range(500):
                await model.step()
                await trio.sleep(0.001)
                assert not model.check(observer.shown)
            for person in model.people.values():
                for client in person.devices.values():
                    client.drop()
                person.devices.clear()
                person.gone_by = trio.current_time() + STALE
            await trio.sleep(STALE + 1)
            assert set(observer.shown.values()) == {"offline"}
            for _, name, _, seen in observer.told:
                assert seen >= last_seen.get(name, 0), "last-seen never moves back"
                last_seen[name] = max(seen, last_seen.get(name, 0))
            if round_ % 2:
                await premises.crash()
                await premises.open()
