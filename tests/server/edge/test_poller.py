"""Both pollers: callbacks when ready, each failure alone, nothing left behind."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from server.edge.poller import EpollPoller, Poller, TaskPoller, open_poller

Make = Callable[[Callable[[], None]], Poller]

POLLERS = [pytest.param(EpollPoller, id="epoll"), pytest.param(TaskPoller, id="tasks")]


class Handler:
    """Reads what comes; notes what it was told."""

    def __init__(self, sock: socket.socket, poller: Poller) -> None:
        self.sock = sock
        self.poller = poller
        self.read = b""
        self.writable = 0
        self.failures: list[Exception] = []
        self.changed = trio.Event()
        self.on_read: Callable[[], None] = lambda: None

    def on_readable(self) -> None:
        data = self.sock.recv(4)
        self.read += data
        self.changed.set()
        if not data:
            self.end()
        self.on_read()

    def on_writable(self) -> None:
        self.writable += 1
        self.poller.want(self.sock.fileno(), read=True, write=False)
        self.changed.set()

    def on_failure(self, error: Exception) -> None:
        self.failures.append(error)
        self.end()
        self.changed.set()

    def end(self) -> None:
        self.poller.unregister(self.sock.fileno())
        self.sock.close()

    async def wait(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(5):
            while not condition():
                self.changed = trio.Event()
                await self.changed.wait()


Pair = tuple[Handler, socket.socket]


class Pairs:
    """Makes connected sockets, one end with a handler, and closes them in the end."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []

    def make(self, poller: Poller) -> Pair:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.made += [ours, theirs]
        handler = Handler(ours, poller)
        poller.register(ours.fileno(), handler)
        poller.want(ours.fileno(), read=True, write=False)
        return handler, theirs


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    pairs = Pairs()
    yield pairs
    for sock in pairs.made:
        sock.close()


@pytest.mark.parametrize("make", POLLERS)
async def test_what_is_not_read_is_announced_again(
    make: Make, nursery: trio.Nursery, pairs: Pairs
) -> None:
    poller = make(lambda: None)
    await nursery.start(poller.run)
    handler, theirs = pairs.make(poller)
    theirs.send(b"ten bytes!")
    await handler.wait(lambda: handler.read == b"ten bytes!")
    theirs.close()
    await handler.wait(lambda: handler.sock.fileno() < 0)
    assert handler.failures == []


@pytest.mark.parametrize("make", POLLERS)
async def test_nothing_is_said_that_is_not_wanted(
    make: Make, nursery: trio.Nursery, pairs: Pairs
) -> None:
    poller = make(lambda: None)
    await nursery.start(poller.run)
    paused, theirs = pairs.make(poller)
    poller.want(paused.sock.fileno(), read=False, write=False)
    theirs.send(b"data")
    theirs.close()  # a hang-up that an epoll would report whatever is wanted
    other, others = pairs.make(poller)
    others.send(b"data")
    await other.wait(lambda: other.read == b"data")
    assert (paused.read, paused.writable) == (b"", 0)
    poller.want(paused.sock.fileno(), read=True, write=True)
    await paused.wait(lambda: paused.sock.fileno() < 0)
    assert paused.read == b"data"


@pytest.mark.parametrize("make", POLLERS)
async def test_a_full_kernel_buffer_is_announced_when_it_has_room(
    make: Make, nursery: trio.Nursery, pairs: Pairs
) -> None:
    poller = make(lambda: None)
    await nursery.start(poller.run)
    handler, theirs = pairs.make(poller)
    filled = 0
    try:
        while True:
            filled += handler.sock.send(bytes(65536))
    except BlockingIOError:
        poller.want(handler.sock.fileno(), read=True, write=True)
    await trio.testing.wait_all_tasks_blocked()
    assert handler.writable == 0
    theirs.setblocking(False)
    while filled:
        filled -= len(theirs.recv(65536))
    await handler.wait(lambda: handler.writable == 1)


@pytest.mark.parametrize("make", POLLERS)
async def test_a_callback_that_raises_ends_its_own_connection(
    make: Make, nursery: trio.Nursery, pairs: Pairs
) -> None:
    poller = make(lambda: None)
    await nursery.start(poller.run)
    failing, theirs = pairs.make(poller)
    error = RuntimeError("a bug")

    def fail() -> None:
        raise error

    failing.on_read = fail
    other, others = pairs.make(poller)
    theirs.send(b"x")
    others.send(b"y")
    await failing.wait(lambda: failing.failures == [error])
    await other.wait(lambda: other.read == b"y")


@pytest.mark.parametrize("make", POLLERS)
async def test_a_connection_may_end_another_of_the_same_turn(
    make: Make, nursery: trio.Nursery, pairs: Pairs
) -> None:
    poller = make(lambda: None)
    first, one = pairs.make(poller) if make is EpollPoller else (None, None)
    await nursery.start(poller.run)
    if first is None or one is None:
        first, one = pairs.make(poller)
    second, two = pairs.make(poller)

    def end_first() -> None:
        first.end()
        first.changed.set()

    first.on_read = second.end
    second.on_read = end_first
    one.send(b"x")
    two.send(b"y")
    await first.wait(lambda: bool(first.read or second.read))
    await trio.testing.wait_all_tasks_blocked()
    assert sorted([first.read, second.read]) in ([b"", b"x"], [b"", b"y"])
    assert first.failures == second.failures == []


@pytest.mark.parametrize("make", POLLERS)
async def test_the_end_of_a_turn_is_told(make: Make, nursery: trio.Nursery, pairs: Pairs) -> None:
    turns: list[bytes] = []
    handler: Handler
    poller = make(lambda: turns.append(handler.read))
    await nursery.start(poller.run)
    handler, theirs = pairs.make(poller)
    theirs.send(b"four")
    await handler.wait(lambda: handler.read == b"four")
    await trio.testing.wait_all_tasks_blocked()
    assert turns == [b"four"]


async def test_a_turn_serves_a_bounded_number_of_sockets(
    nursery: trio.Nursery, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.edge.poller.READY_PER_TURN", 2)
    turns: list[int] = []
    poller = EpollPoller(lambda: turns.append(sum(h.read == b"x" for h, _ in made)))
    made = [pairs.make(poller) for _ in range(5)]
    for _, theirs in made:
        theirs.send(b"x")
    await nursery.start(poller.run)
    for handler, _ in made:
        await handler.wait(lambda handler=handler: handler.read == b"x")  # type: ignore[misc]
    assert turns == [2, 4, 5]


def open_fds() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("make", POLLERS)
async def test_descriptors_and_tasks_return_to_the_baseline(make: Make, pairs: Pairs) -> None:
    tasks = trio.lowlevel.current_statistics().tasks_living
    fds = open_fds()
    async with trio.open_nursery() as nursery:
        poller = make(lambda: None)
        await nursery.start(poller.run)
        for _ in range(20):
            handler, theirs = pairs.make(poller)
            theirs.close()
            await handler.wait(lambda handler=handler: handler.sock.fileno() < 0)  # type: ignore[misc]
            poller.unregister(handler.sock.fileno())
        await trio.testing.wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living <= tasks + 1
        nursery.cancel_scope.cancel()
    assert open_fds() == fds
    assert trio.lowlevel.current_statistics().tasks_living == tasks


@pytest.mark.parametrize("make", POLLERS)
async def test_a_socket_may_outlive_its_poller(make: Make, pairs: Pairs) -> None:
    poller = make(lambda: None)
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        handler, _ = pairs.make(poller)
        nursery.cancel_scope.cancel()
    poller.want(handler.sock.fileno(), read=True, write=True)
    handler.end()


def test_epoll_is_used_where_it_is() -> None:
    poller = open_poller()
    assert isinstance(poller, EpollPoller)
    poller._epoll.close()
