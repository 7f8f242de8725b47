"""A look-up that takes too long is answered as such, and the connection goes on.

One that the connection itself needs ends it: the client comes back and misses nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from protocol.close_codes import CloseCode
from storage import readers
from tests.faults.premises import freely, opened

REQUESTS: dict[str, dict[str, object]] = {
    "history": {"conversation": "g"},
    "conversations": {},
    "open": {"conversation": "g"},
    "receipts": {"conversation": "g", "seq": 1},
    "versions": {"conversation": "g", "seq": 1},
    "people": {},
    "watch": {"people": ["sam"]},
}


@contextmanager
def nothing_in_time() -> Iterator[None]:
    """Every look-up takes too long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "READ_SECONDS", -1.0)
        patch.setattr(readers, "STEPS", 1)
        yield


@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_request_that_takes_too_long_is_refused(
    virtual_time: MockClock, folder: Path, request_: str
) -> None:
    fields = REQUESTS[request_]
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Is Rex ready?", "m1")
        client = await premises.enter("carla")
        await client.next("welcome")
        with nothing_in_time():
            first, second = client.next_id(), client.next_id()
            client.send(request_, id=first, **fields)
            client.send(request_, id=second, **fields)
            for id_ in (first, second):
                refused = await client.reply(id_)
                assert (refused["type"], refused["code"]) == ("error", "overloaded")
                assert refused["retry_after"] > 0
        answered = await client.ask(request_, **fields)
        assert answered["type"] != "error"
        assert client.closed is None


async def test_a_hello_that_takes_too_long_is_told_to_come_back(
    virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely()) as premises:
        client = await premises.socket()
        with nothing_in_time():
            client.send("hello", token=premises.token("carla"), device="phone")
            code, reason = await client.ended()
        assert code == CloseCode.OVERLOADED
        assert "retry_after=" in reason
        assert (await (await premises.enter("carla", "phone")).next("welcome"))["person"] == "carla"


async def test_a_catch_up_that_takes_too_long_comes_back_and_misses_nothing(
    virtual_time: MockClock, folder: Path
) -> None:
    texts = [f"{number} {'x' * 20_000}" for number in range(40)]
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        client = await premises.enter("carla", "phone")
        welcome = await client.next("welcome")
        client.stop_reading()
        for number, text in enumerate(texts):
            await premises.say("g", "sam", text, f"m{number}")
        with nothing_in_time():
            client.read_again()
            code, _ = await client.ended()
        assert code == CloseCode.OVERLOADED
        shown = [frame["text"] for frame in client.frames if frame["type"] == "message"]
        assert len(shown) < len(texts)
        cursor = {"epoch": welcome["epoch"], "revision": client.frames[-1]["revision"]}
        again = await premises.enter("carla", "phone", cursor=cursor)
        assert (await again.next("welcome"))["resume"] == "complete"
        missed = await again.all_until("resumed")
        shown += [frame["text"] for frame in missed if frame["type"] == "message"]
        assert shown == texts


async def test_a_message_does_not_wait_for_those_who_read(
    virtual_time: MockClock, folder: Path
) -> None:
    """Actors load and look back over a reader of their own."""
    gate = threading.Event()
    opened_in_time: list[bool] = []
    async with opened(folder, freely(readers=2)) as premises:
        await premises.group("g", "sam", "carla")
        await premises.close()
        await premises.open()

        async def read() -> None:
            run = premises.node.queries._run
            opened_in_time.append(await run(lambda _: gate.wait(5.0)))

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            try:
                said = await premises.say("g", "carla", "Is Rex ready?", "m1")
            finally:
                gate.set()
    assert said.seq == 1
    assert opened_in_time == [True, True], "they were still reading"
