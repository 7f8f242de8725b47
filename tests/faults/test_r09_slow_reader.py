"""R09: who does not read costs little, is let go and later gets all; nobody else notices."""

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from domain.roles import Role
from server.edge.limits import EdgeLimits
from tests.faults.device import Device
from tests.faults.invariants import History, entry_of
from tests.faults.premises import Premises, everything, freely, opened
from tests.faults.raw_client import Frame, RawClient

MESSAGES = 10_000
SECONDS = 20.0
WARM_UP = 1_000
OTHERS = 8
PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER} | {
    f"p{n}": Role.STAFF for n in range(OTHERS)
}
TEXT = "x" * 1024


class Counter:
    """A reader that keeps only how far it got, how it was out of order, and when it was told."""

    def __init__(self, client: RawClient) -> None:
        self.last = 0
        self.out_of_order = 0
        client.on_frame = self._take

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "message":
            self.out_of_order += frame["seq"] != self.last + 1
            self.last = frame["seq"]


async def say(premises: Premises, first: int, count: int, seconds: float) -> None:
    """``count`` messages of 1 KiB, spread over ``seconds``; nothing of them is kept."""
    for number in range(first, first + count):
        await premises.say("c1", "sam", TEXT, f"m{number}")
        if seconds and number % 10 == 0:
            await trio.sleep(seconds * 10 / count)


def held_for(premises: Premises, person: str) -> int:
    """Bytes that wait in the server for the connections of ``person``."""
    connections: list[Any] = list(premises.live.connections_of(person))
    return sum(connection._websocket.pending_bytes for connection in connections)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_r09_ten_thousand_messages_for_somebody_who_does_not_read(
    virtual_time: MockClock, folder: Path
) -> None:
    history = History()
    async with opened(folder, freely(), PEOPLE) as premises, trio.open_nursery() as nursery:
        await premises.group("c1", *PEOPLE)
        others = [Counter(await premises.enter(f"p{n}")) for n in range(OTHERS)]
        carla = Device(premises, history, "carla")
        nursery.start_soon(carla.run)
        await carla.until(lambda: carla.complete)
        await say(premises, 0, WARM_UP, 0.0)
        await carla.has("c1", WARM_UP)

        carla.client.stop_reading()
        websocket = premises.live.connections_of("carla")[0]._websocket  # type: ignore[attr-defined]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        most = 0
        stalled_at = closed_at = 0.0
        async with trio.open_nursery() as talking:
            talking.start_soon(say, premises, WARM_UP, MESSAGES, SECONDS)
            while premises.live.connections_of("carla") or websocket.closed is None:
                most = max(most, held_for(premises, "carla"))
                stalled_at = stalled_at or (trio.current_time() if most else 0.0)
                await trio.sleep(0.1)
            closed_at = trio.current_time()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()

        assert websocket.closed.code == 4008
        assert closed_at - stalled_at <= 15.0
        assert most <= EdgeLimits().outbound_bytes
        assert grown <= 2 * 2**20
        assert [(c.last, c.out_of_order) for c in others] == [(WARM_UP + MESSAGES, 0)] * OTHERS

        assert carla.held is not None
        assert carla.held["c1"] < WARM_UP + MESSAGES
        carla.client.read_again()
        await carla.has("c1", WARM_UP + MESSAGES)
        reader = await premises.enter("olivia")
        await reader.next("welcome")
        history.log("c1", [entry_of(m) for m in await everything(reader, "c1")])
        print(f"grown {grown}, held {most}, closed after {closed_at - stalled_at:.1f} s")
        nursery.cancel_scope.cancel()
    assert carla.connections == 2
    assert not carla.repeated
    assert not history.check()


async def test_r09_who_reads_again_in_time_sees_why_it_was_closed(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder) as premises:
        await premises.group("c1", "olivia", "sam", "carla")
        client = await premises.enter("carla")
        client.stop_reading()
        await say(premises, 0, 1_000, 0.0)
        await trio.sleep(11.5)
        client.read_again()
        assert (await client.ended())[0] == 4008


@pytest.mark.parametrize("capacity", [16_384, 65_536, 1_000_000])
async def test_r09_a_burst_beyond_the_buffer_reaches_who_reads(
    capacity: int, virtual_time: MockClock, folder: Path
) -> None:
    """One commit holds more than may wait for a connection: it goes on by itself from the log."""
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("c1", "olivia", "sam", "carla")
        premises.capacity = capacity
        client = await premises.enter("carla")
        counter = Counter(client)
        async with trio.open_nursery() as nursery:
            for number in range(600):
                nursery.start_soon(premises.say, "c1", "sam", TEXT, f"m{number}")
        with trio.fail_after(1.0):
            await client.until(lambda: counter.last == 600)
        assert counter.out_of_order == 0
        assert client.closed is None


async def test_r09_pages_asked_for_at_once_over_a_slow_link_all_come(
    virtual_time: MockClock, folder: Path
) -> None:
    """Who loads several conversations at once, and reads, is not too slow."""
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("c1", "olivia", "sam", "carla")
        await say(premises, 0, 300, 0.0)
        premises.capacity = 4_096
        client = await premises.enter("carla")
        await client.next("welcome")
        for number in range(40):
            client.send("history", id=number, conversation="c1", limit=200)
        for number in range(40):
            page = await client.next()
            assert (page["type"], page["id"]) == ("page", number)


async def test_r09_a_connection_that_is_being_closed_does_not_read_the_log(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client does not answer the close; until it is dropped, nothing is queried for it."""
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("c1", "olivia", "sam", "carla")
        client = await premises.enter("carla")
        queries = 0
        catch_up = premises.node.queries.catch_up

        async def counted(*arguments: Any) -> Any:
            nonlocal queries
            queries += 1
            return await catch_up(*arguments)

        monkeypatch.setattr(type(premises.node.queries), "catch_up", lambda _, *a: counted(*a))
        client.stop_reading()
        (connection,) = premises.live.connections_of("carla")
        connection.behind = True
        await say(premises, 0, 3, 0.0)
        connection.end(4010, "a test")
        connection.fall_behind()
        await trio.sleep(5.0)
        assert queries <= 1
