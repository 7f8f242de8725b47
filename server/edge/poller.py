"""Readiness of many sockets in one task: synchronous callbacks instead of a task wake per socket.

Waking a trio task costs about 20 microseconds; a callback from one task that waits on an epoll of
its own costs one. Where there is no epoll, one waiting task per direction does the same.
"""

import select
from collections.abc import Callable
from typing import Final, Protocol

import trio

READY_PER_TURN: Final = 256
"""How many sockets are served before other tasks get their turn."""


class Pollable(Protocol):
    """What a poller calls; none of these may block. ``on_failure`` must not raise."""

    def on_readable(self) -> None:
        """Bytes, the end or an error can be received."""

    def on_writable(self) -> None:
        """A send would not block."""

    def on_failure(self, error: Exception) -> None:
        """One of the two callbacks raised: end this connection, and no other."""


class Poller(Protocol):
    """Tells handlers when their socket is ready."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""

    def register(self, fd: int, handler: Pollable) -> None:
        """Know a socket; ``want`` says for what. Once for each socket."""

    def want(self, fd: int, *, read: bool, write: bool) -> None:
        """Call back when the socket is ready for this, as long as it is."""

    def unregister(self, fd: int) -> None:
        """Forget the socket, before it is closed. Idempotent."""


def guarded(handler: Pollable, callback: Callable[[], None]) -> None:
    """Run one callback; what it raises ends its own connection."""
    try:
        callback()
    except Exception as error:  # noqa: BLE001 - a connection's outermost synchronous frame
        handler.on_failure(error)


class EpollPoller:
    """One task that waits for an epoll inside trio's own."""

    def __init__(self, after_turn: Callable[[], None] = lambda: None) -> None:
        """``after_turn`` is called after the callbacks of each turn."""
        self._epoll = select.epoll()
        self._after_turn = after_turn
        self._handlers: dict[int, Pollable] = {}
        self._events: dict[int, int] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        with self._epoll:
            task_status.started()
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._turn()

    def _turn(self) -> None:
        handlers = self._handlers
        for fd, events in self._epoll.poll(0, READY_PER_TURN):
            handler = handlers.get(fd)
            if handler is None:
                continue  # unregistered by an earlier callback of this turn
            if events != select.EPOLLOUT:
                guarded(handler, handler.on_readable)
            # A hang-up or an error comes alone, whatever is wanted: the send finds out.
            if events != select.EPOLLIN and self._events.get(fd, 0) & select.EPOLLOUT:
                guarded(handler, handler.on_writable)
        self._after_turn()

    def register(self, fd: int, handler: Pollable) -> None:
        """Know a socket; ``want`` says for what. Once for each socket."""
        assert fd not in self._handlers
        self._handlers[fd] = handler
        self._events[fd] = 0

    def want(self, fd: int, *, read: bool, write: bool) -> None:
        """Call back when the socket is ready for this, as long as it is."""
        events = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        before = self._events[fd]
        if events == before or self._epoll.closed:
            return
        self._events[fd] = events
        if not before:
            self._epoll.register(fd, events)
        elif events:
            self._epoll.modify(fd, events)
        else:
            # An epoll reports a hang-up even of a socket of which nothing is wanted.
            self._epoll.unregister(fd)

    def unregister(self, fd: int) -> None:
        """Forget the socket, before it is closed. Idempotent."""
        known = self._handlers.pop(fd, None) is not None
        if known and self._events.pop(fd) and not self._epoll.closed:
            self._epoll.unregister(fd)


class TaskPoller:
    """For systems without epoll: a task waits for each direction of each socket."""

    def __init__(self, after_turn: Callable[[], None] = lambda: None) -> None:
        """``after_turn`` is called after each callback."""
        self._after_turn = after_turn
        self._nursery: trio.Nursery | None = None
        self._ended = False
        self._handlers: dict[int, Pollable] = {}
        self._waits: dict[tuple[int, bool], trio.CancelScope] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._ended = True

    def register(self, fd: int, handler: Pollable) -> None:
        """Know a socket; ``want`` says for what. Once for each socket."""
        assert fd not in self._handlers
        self._handlers[fd] = handler

    def want(self, fd: int, *, read: bool, write: bool) -> None:
        """Call back when the socket is ready for this, as long as it is."""
        self._wait(fd, write=False, wanted=read)
        self._wait(fd, write=True, wanted=write)

    def _wait(self, fd: int, *, write: bool, wanted: bool) -> None:
        scope = self._waits.get((fd, write))
        if wanted and scope is None and not self._ended:
            assert self._nursery is not None, "run() has started"
            scope = self._waits[fd, write] = trio.CancelScope()
            handler = self._handlers[fd]
            self._nursery.start_soon(self._watch, fd, write, handler, scope)
        elif scope is not None and not wanted:
            del self._waits[fd, write]
            scope.cancel()

    async def _watch(
        self, fd: int, write: bool, handler: Pollable, scope: trio.CancelScope
    ) -> None:
        callback = handler.on_writable if write else handler.on_readable
        wait = trio.lowlevel.wait_writable if write else trio.lowlevel.wait_readable
        with scope:
            while self._waits.get((fd, write)) is scope:
                try:
                    await wait(fd)
                except trio.ClosedResourceError:
                    return
                if self._waits.get((fd, write)) is not scope:
                    return  # no longer wanted since the kernel spoke
                guarded(handler, callback)
                self._after_turn()

    def unregister(self, fd: int) -> None:
        """Forget the socket, before it is closed. Idempotent."""
        if self._handlers.pop(fd, None) is None:
            return
        for write in (False, True):
            self._wait(fd, write=write, wanted=False)
        trio.lowlevel.notify_closing(fd)


def open_poller(after_turn: Callable[[], None] = lambda: None) -> Poller:
    """The better poller of those that this system has."""
    if hasattr(select, "epoll"):
        return EpollPoller(after_turn)
    return TaskPoller(after_turn)
