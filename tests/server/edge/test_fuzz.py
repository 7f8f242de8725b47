"""R29: whatever bytes a client sends, its connection is answered or ended, and only that one."""

import random

import pytest
import trio
from trio.testing import MockClock

from protocol.close_codes import CloseCode
from protocol.framing import Opcode
from tests.conformance.raw_client import close, sent
from tests.server.edge.harness import edge, upgrade_request


def session(randomly: random.Random) -> bytes:
    """A valid session, then damaged."""
    frames = [upgrade_request()]
    for _ in range(randomly.randrange(6)):
        opcode = randomly.choice([Opcode.BINARY, Opcode.BINARY, Opcode.PING, Opcode.PONG])
        frames.append(sent(randomly.randbytes(randomly.randrange(120)), opcode))
    if randomly.random() < 0.3:
        frames.append(close(randomly.choice([1000, 1001, 4000, 1005])))
    data = bytearray(b"".join(frames))
    for _ in range(randomly.randrange(5)):
        at = randomly.randrange(len(data))
        match randomly.randrange(4):
            case 0:
                data[at] ^= 1 << randomly.randrange(8)
            case 1:
                del data[at : at + randomly.randrange(20)]
            case 2:
                data[at:at] = randomly.randbytes(randomly.randrange(20))
            case _:
                data[at:at] = data[at : at + 40]
        if not data:
            break
    return bytes(data)


@pytest.mark.parametrize("seed", range(20))
async def test_r29_mutated_sessions_harm_nobody(seed: int, autojump_clock: MockClock) -> None:
    randomly = random.Random(seed)
    async with edge() as running:
        bystander, _ = await running.upgraded()
        (control,) = running.websockets
        certain = [upgrade_request(), upgrade_request() + b"\xff" * 8]  # falls silent; breaks rules
        for number in range(50):
            client, transport = running.connect()
            transport.outgoing.slices = lambda: randomly.randrange(1, 60)
            try:
                await client.send(certain[number] if number < 2 else session(randomly))
            except trio.BrokenResourceError:
                continue
            if number >= 2 and randomly.random() < 0.5:
                await client.stream.aclose()
        await bystander.send(sent(b"still here"))
        assert await bystander.frame() == (Opcode.BINARY, b"still here")
        for _ in range(9):
            await trio.sleep(5)
            await bystander.send(sent(b"", Opcode.PONG))
        assert running.listener.statistics().failed == 0
        assert running.listener.statistics().open == 1
        ends = {websocket.closed.code for websocket in running.websockets if websocket.closed}
        assert 1011 not in ends
        assert control.closed is None
        assert ends >= {CloseCode.TIMEOUT, CloseCode.PROTOCOL_ERROR}
