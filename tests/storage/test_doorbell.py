"""Calls from threads into trio: all of them, once, in order, in trio's thread, come what may."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from storage.doorbell import Doorbell


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread brings about."""
    while not condition():
        await trio.lowlevel.checkpoint()


async def in_a_thread(function: Callable[[], object]) -> None:
    await trio.to_thread.run_sync(function)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def no_eventfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd")


async def test_calls_arrive_in_order_in_trios_thread(nursery: trio.Nursery) -> None:
    bell, got = Doorbell(), list[tuple[int, int]]()
    await nursery.start(bell.run)

    def ring() -> None:
        for number in range(1_000):
            bell.call(lambda n: got.append((n, threading.get_ident())), number)

    await in_a_thread(ring)
    await until(lambda: len(got) == 1_000)
    assert got == [(number, threading.get_ident()) for number in range(1_000)]


async def test_one_wake_answers_all_who_have_rung(nursery: trio.Nursery) -> None:
    bell, got = Doorbell(), list[int]()
    await nursery.start(bell.run)
    bell.call(got.append, 1)
    bell.call(got.append, 2)
    await trio.testing.wait_all_tasks_blocked()
    assert got == [1, 2]
    bell.call(got.append, 3)
    await until(lambda: len(got) == 3)


async def test_who_rings_before_it_runs_is_heard() -> None:
    bell, got = Doorbell(), list[int]()
    await in_a_thread(lambda: bell.call(got.append, 1))
    await until(lambda: got == [1])


async def test_who_has_rung_when_it_ends_is_heard_before_who_rings_later() -> None:
    bell, got = Doorbell(), list[int]()
    async with trio.open_nursery() as nursery:
        await nursery.start(bell.run)
        nursery.cancel_scope.cancel()
        bell.call(got.append, 1)
    bell.call(got.append, 2)
    await until(lambda: len(got) == 2)
    assert got == [1, 2]
    async with trio.open_nursery() as nursery:
        await nursery.start(bell.run)
        bell.call(got.append, 3)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert got == [1, 2, 3]


async def test_no_call_is_lost_or_doubled_whenever_it_ends() -> None:
    bell, got = Doorbell(), list[int]()
    calls, threads = 2_000, 4

    def ring(first: int) -> None:
        for number in range(first, first + calls):
            bell.call(got.append, number)

    async with trio.open_nursery() as ringing:
        for thread in range(threads):
            ringing.start_soon(in_a_thread, lambda first=thread * calls: ring(first))
        while len(got) < calls * threads / 2:
            async with trio.open_nursery() as nursery:
                await nursery.start(bell.run)
                heard = len(got)
                # Where the machine is busy, all may have rung before this run has begun.
                await until(lambda: len(got) > heard or len(got) == calls * threads)  # noqa: B023 - ends within the turn
                nursery.cancel_scope.cancel()
    await until(lambda: len(got) == calls * threads)
    assert sorted(got) == list(range(calls * threads))


async def test_what_raises_ends_it_loudly_and_the_others_are_heard() -> None:
    bell, got = Doorbell(), list[int]()

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with trio.open_nursery() as nursery:
            await nursery.start(bell.run)
            bell.call(fail)
            bell.call(got.append, 1)
    await until(lambda: got == [1])


@pytest.mark.usefixtures("no_eventfd")
async def test_without_eventfd_calls_take_trios_own_way(nursery: trio.Nursery) -> None:
    bell, got = Doorbell(), list[int]()
    await nursery.start(bell.run)
    await in_a_thread(lambda: bell.call(got.append, 1))
    await until(lambda: got == [1])


def test_after_the_end_of_trio_it_says_so() -> None:
    bells: list[Doorbell] = []

    async def main() -> None:
        bells.append(Doorbell())

    trio.run(main)
    with pytest.raises(trio.RunFinishedError):
        bells[0].call(lambda: None)


async def test_it_leaves_no_descriptor() -> None:
    before = descriptors()
    async with trio.open_nursery() as nursery:
        await nursery.start(Doorbell().run)
        nursery.cancel_scope.cancel()
    assert descriptors() == before
