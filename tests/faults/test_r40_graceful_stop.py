"""R40: a stop under load (SIGTERM) loses nothing, says when to come back, and is soon over."""

import random
import re
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

import deskbell_client
from domain.roles import Role
from protocol.close_codes import CloseCode
from server.app import RESTART_JITTER_SECONDS
from server.edge.memory import MemoryTransport
from server.node import Node
from tests.faults.device import Device
from tests.faults.invariants import History, entry_of
from tests.faults.premises import Premises, everything, freely, opened
from tests.faults.raw_client import RawClient
from tests.faults.sdk_device import SdkDevice, whole_log
from tests.faults.server_process import ServerProcess, furnish

ROUNDS = 5
CLIENTS = 12
CONVERSATIONS = 4
DRAIN_SECONDS = 10.0
PEOPLE = {"olivia": Role.OWNER} | {f"p{n}": Role.STAFF for n in range(CLIENTS)}


def members_of(conversation: int) -> tuple[str, ...]:
    return tuple(f"p{n}" for n in range(CLIENTS) if n % CONVERSATIONS != conversation)


def places_of(number: int) -> list[str]:
    return [f"c{n}" for n in range(CONVERSATIONS) if f"p{number}" in members_of(n)]


async def talk(device: Device, number: int, chance: random.Random, stop: trio.Event) -> None:
    """Ten messages a second, whether or not the server is there."""
    while not stop.is_set():
        device.say(chance.choice(places_of(number)))
        await trio.sleep(chance.random() / 5)


@pytest.fixture
def stopped_at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each server had drained its connections and actors, the last thing before the file."""
    times: list[float] = []
    stop = Node.stop

    async def noted(self: Node, deadline: float) -> None:
        await stop(self, deadline)
        times.append(trio.current_time())

    monkeypatch.setattr(Node, "stop", noted)
    return times


def says_when_to_come_back(reason: str) -> float:
    found = re.search(r"retry_after=([\d.]+)", reason)
    assert found, reason
    return float(found[1])


@pytest.mark.timeout(120)
async def test_r40_stops_under_load_lose_nothing(
    stopped_at: list[float], virtual_time: MockClock, folder: Path
) -> None:
    history, chance = History(), random.Random(40)
    async with opened(folder, freely(), PEOPLE) as premises, trio.open_nursery() as nursery:
        for n in range(CONVERSATIONS):
            await premises.group(f"c{n}", *members_of(n))

        def nobody_listens(_: MemoryTransport) -> None:
            if premises.running.stop.is_set():
                raise ConnectionRefusedError("the port is closed")

        devices = [
            Device(premises, history, f"p{n}", window=3, seed=n, wire=nobody_listens)
            for n in range(CLIENTS)
        ]
        for device in devices:
            await nursery.start(device.run)
        stop = trio.Event()
        for number, device in enumerate(devices):
            nursery.start_soon(talk, device, number, chance, stop)
        for _ in range(ROUNDS):
            await trio.sleep(3)
            began = trio.current_time()
            await premises.close()
            assert stopped_at[-1] - began <= DRAIN_SECONDS
            await premises.open()
        await trio.sleep(3)
        stop.set()
        for device in devices:
            await device.settled()
        reader = await premises.enter("olivia")
        await reader.next("welcome")
        for n in range(CONVERSATIONS):
            messages = await everything(reader, f"c{n}")
            history.log(f"c{n}", [entry_of(m) for m in messages])
            for number, device in enumerate(devices):
                if f"p{number}" in members_of(n):
                    await device.has(f"c{n}", len(messages))
        nursery.cancel_scope.cancel()
    assert not history.check()
    assert not history.unresolved
    assert history.acked > 100 * ROUNDS
    for device in devices:
        # One that was about to come in when the server stopped finds nobody (0), and tries again.
        assert device.codes.count(CloseCode.RESTART) >= ROUNDS - 1, device.codes
        assert set(device.codes) <= {0, CloseCode.RESTART}, device.codes


async def _in_the_middle_of_the_upgrade(premises: Premises) -> RawClient:
    client = RawClient(premises.transport())
    client.send_raw(b"GET /v1/ws HTTP/1.1\r\nHost: deskbell\r\n")
    return client


async def _deaf(premises: Premises) -> RawClient:
    """One that has stopped reading, with more on its way than fits."""
    client = await premises.enter("p3")
    client.stop_reading()
    for number in range(40):
        await premises.say("c0", "p1", "x" * 4000, f"deaf{number}")
    return client


async def _gone(premises: Premises) -> RawClient:
    client = await premises.enter("p5")
    client.vanish()
    return client


async def test_r40_every_socket_is_told_4012_and_none_holds_up_the_stop(
    stopped_at: list[float], virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        for n in range(CONVERSATIONS):
            await premises.group(f"c{n}", *members_of(n))
        polite = [await premises.enter(f"p{n}", f"d{k}") for n in range(4) for k in range(3)]
        silent = await premises.socket()
        half = await _in_the_middle_of_the_upgrade(premises)
        deaf = await _deaf(premises)
        await _gone(premises)
        polite[0].send("send", conversation="c1", client_message_id="last", text="Just in time")
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(premises.close)
            waits = []
            for client in (*polite, silent):
                code, reason = await client.ended()
                assert code == CloseCode.RESTART
                waits.append(says_when_to_come_back(reason))
                assert trio.current_time() - began <= 1.0
            await half.ended()
        assert stopped_at[-1] - began <= DRAIN_SECONDS + 1.0
        assert all(0 <= wait <= RESTART_JITTER_SECONDS for wait in waits)
        assert len(set(waits)) > len(waits) // 2, "not all come back at once"
        deaf.read_again()
        await deaf.ended()
        acked = any(f["type"] == "ack" for f in polite[0].frames)
        await premises.open()
        reader = await premises.enter("p0")
        await reader.next("welcome")
        stored = {m["client_message_id"] for m in await everything(reader, "c1")}
        assert acked <= ("last" in stored)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_r40_sigterm_under_load(folder: Path) -> None:
    """The same as a process that gets the signal, with the SDK over real sockets."""
    history = History()
    conversations = {f"c{n}": members_of(n) for n in range(CONVERSATIONS)}
    tokens = await furnish(folder, PEOPLE, conversations)
    server = ServerProcess(folder, commands_per_second=0)
    try:
        await server.start()
        async with trio.open_nursery() as nursery:
            devices = [
                SdkDevice(
                    history,
                    f"p{n}-phone",
                    deskbell_client.connect(
                        server.url,
                        device=f"p{n}-phone",
                        token=tokens[f"p{n}"],
                        options=deskbell_client.Options(random=lambda: random.random() / 10),
                    ),
                )
                for n in range(CLIENTS)
            ]
            for device in devices:
                await nursery.start(device.run)
            stop = trio.Event()
            async with trio.open_nursery() as talking:
                for number, device in enumerate(devices):
                    talking.start_soon(_chat, device, places_of(number), stop)
                for _ in range(2):
                    await _all_speak(devices, history)
                    server.terminate()
                    with trio.fail_after(60):
                        assert await server.ended() == 0
                    await server.start()
                await _all_speak(devices, history)
                stop.set()
            await _compare(server, tokens["olivia"], devices, history)
            nursery.cancel_scope.cancel()
    finally:
        server.clear()
    assert not history.check()
    assert not history.unresolved
    assert all(CloseCode.RESTART in device.codes for device in devices)


async def _chat(device: SdkDevice, places: list[str], stop: trio.Event) -> None:
    while not stop.is_set():
        await device.say(random.choice(places))
        await trio.sleep(random.random() / 5)


async def _all_speak(devices: list[SdkDevice], history: History) -> None:
    """Return once a hundred more messages have been acked."""
    before = history.acked
    enough = trio.Event()

    def note() -> None:
        if history.acked >= before + 100:
            enough.set()

    for device in devices:
        device.on_ack = note
    await enough.wait()


async def _compare(
    server: ServerProcess, token: str, devices: list[SdkDevice], history: History
) -> None:
    async with deskbell_client.connect(server.url, device="reader", token=token) as desk:
        for n in range(CONVERSATIONS):
            history.log(f"c{n}", await whole_log(desk, f"c{n}"))
    for number, device in enumerate(devices):
        for place in places_of(number):
            await device.has(place, len(history.logs[place]))
