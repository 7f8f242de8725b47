"""Killing a server that people talk through: R01 in any size."""

import random
import sqlite3
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trio

import deskbell_client
from deskbell_client import Options
from domain.roles import Role
from storage.database import FILE_NAME
from tests.faults.invariants import History
from tests.faults.sdk_device import SdkDevice, whole_log
from tests.faults.server_process import ServerProcess, furnish

CLIENTS = 20
CONVERSATIONS = 10
MEMBERS = 4
RATE = 300.0
"""Messages a second in all."""


@dataclass
class Killings:
    """What came of it; times are seconds from the start of a server to the first ack after it."""

    kills: int = 0
    acked: int = 0
    first_acks: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    integrity: str = ""

    @property
    def typical_first_ack(self) -> float:
        return statistics.median(self.first_acks)

    @property
    def slowest_first_ack(self) -> float:
        return max(self.first_acks)


def members_of(number: int) -> list[int]:
    """The clients that are in conversation ``number``."""
    return [(number * 2 + k) % CLIENTS for k in range(MEMBERS)]


async def kill_again_and_again(
    folder: Path, kills: int, seed: int, progress: Callable[[Killings], None] = lambda _: None
) -> Killings:
    """Talk through a server that is killed ``kills`` times; then read everything and check it."""
    chance, history, result = random.Random(seed), History(), Killings()
    people = {"olivia": Role.OWNER} | {f"p{n}": Role.STAFF for n in range(CLIENTS)}
    conversations = {f"c{n}": tuple(f"p{k}" for k in members_of(n)) for n in range(CONVERSATIONS)}
    tokens = await furnish(folder, people, conversations)
    server = ServerProcess(folder, commands_per_second=0)
    try:
        await server.start()
        async with trio.open_nursery() as nursery:
            devices = [
                SdkDevice(history, f"p{n}-phone", _desk(server, f"p{n}-phone", tokens[f"p{n}"]))
                for n in range(CLIENTS)
            ]
            for device in devices:
                await nursery.start(device.run)
            stop = trio.Event()
            async with trio.open_nursery() as talking:
                for number, device in enumerate(devices):
                    talking.start_soon(_talk, device, number, seed, stop)
                await _kill(server, devices, kills, chance, result, progress)
                stop.set()
            await _read_everything(server, tokens["olivia"], history)
            await _catch_up(devices, history)
            nursery.cancel_scope.cancel()
        server.terminate()
        assert await server.ended() == 0
    finally:
        server.clear()
    result.acked = history.acked
    result.problems = history.check() + [f"unresolved {id_}" for id_ in history.unresolved]
    with sqlite3.connect(folder / FILE_NAME) as database:
        (result.integrity,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    return result


def _desk(server: ServerProcess, device: str, token: str) -> deskbell_client.Desk:
    # Whoever is impatient finds more faults: a tenth of the backoff.
    options = Options(random=lambda: random.random() / 10)
    return deskbell_client.connect(server.url, device=device, token=token, options=options)


async def _talk(device: SdkDevice, number: int, seed: int, stop: trio.Event) -> None:
    chance = random.Random(f"{seed} {number}")
    mine = [f"c{n}" for n in range(CONVERSATIONS) if number in members_of(n)]
    while not stop.is_set():
        await device.say(chance.choice(mine))
        await trio.sleep(chance.random() * 2 * CLIENTS / RATE)


async def _kill(
    server: ServerProcess,
    devices: list[SdkDevice],
    kills: int,
    chance: random.Random,
    result: Killings,
    progress: Callable[[Killings], None],
) -> None:
    """Kill 0.05 to 1 s after the first ack, start again; the last server stays."""
    started = trio.current_time()
    acked = trio.Event()

    def note() -> None:
        if not acked.is_set():
            acked.set()
            result.first_acks.append(trio.current_time() - started)

    for device in devices:
        device.on_ack = note
    for _ in range(kills):
        await acked.wait()
        await trio.sleep(chance.uniform(0.05, 1.0))
        server.kill()
        await server.ended()
        result.kills += 1
        acked = trio.Event()
        started = trio.current_time()
        await server.start()
        progress(result)
    await acked.wait()


async def _read_everything(server: ServerProcess, token: str, history: History) -> None:
    """A fresh reader: the owner, who is in every conversation."""
    desk = deskbell_client.connect(server.url, device="reader", token=token)
    async with desk:
        for number in range(CONVERSATIONS):
            history.log(f"c{number}", await whole_log(desk, f"c{number}"))


async def _catch_up(devices: list[SdkDevice], history: History) -> None:
    for number, device in enumerate(devices):
        for n in range(CONVERSATIONS):
            if number in members_of(n):
                await device.has(f"c{n}", len(history.logs[f"c{n}"]))
