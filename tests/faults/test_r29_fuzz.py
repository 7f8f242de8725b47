"""R29: frames that are almost right: each gets an error or a close code, nobody else suffers."""

import gc
import resource
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain.roles import Role
from protocol.codec import Codec, Malformed, json_codec, msgpack_codec
from tests.faults.fuzzing import Fuzzer
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PAYLOADS = 100_000
"""Half of them JSON, half MessagePack."""
FRAMES = 1_500
BATCH = 16
ALLOWED = {1002, 1003, 1007, 1008, 1009}
PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER, "eve": Role.STAFF}


class Control:
    """A client like any other, who must be served whatever eve sends."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.said = 0

    async def is_served(self) -> None:
        self.said += 1
        self.client.frames.clear()
        with trio.fail_after(1.0):
            ack = await self.client.ask(
                "send", conversation="control", client_message_id=f"m{self.said}", text="hello"
            )
        assert ack["type"] == "ack"
        assert ack["seq"] == self.said


def resident_bytes() -> int:
    """What the process occupies now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def eve(premises: Premises, text: bool) -> RawClient:
    client = await premises.enter("eve", text=text)
    await client.next("welcome")
    return client


def unharmed(premises: Premises) -> bool:
    """No connection failed, no actor crashed."""
    totals = [supervisor.totals().crashes for supervisor in premises.live.supervisors]
    return premises.running.listener.statistics().failed == 0 and not any(totals)


async def batch(client: RawClient, payloads: list[bytes], codec: Codec) -> list[str]:
    """Send payloads with a `ping` behind each; what was wrong about the answers."""
    for number, payload in enumerate(payloads):
        client.send_payload(payload)
        client.send("ping", id=10**6 + number)
    last = 10**6 + len(payloads) - 1
    answers: list[Frame] = []
    while not answers or answers[-1].get("id") != last:
        await client.until(lambda: bool(client.frames))
        if not client.frames:
            assert client.closed is not None
            code = client.closed[0]
            return [] if code in ALLOWED else [f"closed with {client.closed}: {payloads}"]
        answers.append(client.frames.popleft())
    wrong, erred, number = [], False, 0
    for answer in answers:
        erred = erred or answer["type"] == "error"
        if answer["type"] == "pong" and answer.get("id") == 10**6 + number:
            malformed = isinstance(codec.decode(payloads[number]), Malformed)
            if malformed and not erred:
                wrong.append(f"no error for {payloads[number][:200]!r}")
            erred, number = False, number + 1
    return wrong


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("text", [True, False], ids=["json", "msgpack"])
async def test_r29_payloads_that_are_almost_commands(
    text: bool, virtual_time: MockClock, folder: Path
) -> None:
    fuzzer, codec = Fuzzer(29, text=text), json_codec() if text else msgpack_codec()
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("control", "sam", "carla")
        await premises.group("c1", "eve", "carla")
        control = Control(await premises.enter("sam"))
        client = await eve(premises, text)
        await batch(client, [fuzzer.payload() for _ in range(BATCH)], codec)
        gc.collect()
        before = resident_bytes()
        for number in range(0, PAYLOADS // 2, BATCH):
            if client.closed is not None:
                client = await eve(premises, text)
            payloads = [fuzzer.payload() for _ in range(BATCH)]
            assert not await batch(client, payloads, codec)
            if number % (BATCH * 50) == 0:
                await control.is_served()
                assert unharmed(premises), payloads
        assert unharmed(premises)
        gc.collect()
        grown = resident_bytes() - before
        print(f"{PAYLOADS // 2} payloads, memory grew by {grown} bytes")
        assert grown < 50 * 2**20


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_r29_bytes_that_are_almost_frames(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("control", "sam", "carla")
        control = Control(await premises.enter("sam"))
        for number in range(FRAMES):
            fuzzer = Fuzzer(number, text=bool(number % 2))
            client = await eve(premises, bool(number % 2))
            client.send_raw(fuzzer.frame())
            with trio.move_on_after(0.5):
                await client.ended()
            if client.closed is None:  # nothing was wrong with it, or it is not complete
                client.drop()
            elif client.closed[0] not in {1000, 1005, *ALLOWED}:
                raise AssertionError((number, client.closed))
            if number % 200 == 0:
                await control.is_served()
        assert unharmed(premises)
        await trio.sleep(20.0)
        assert premises.running.listener.statistics().open == 1
