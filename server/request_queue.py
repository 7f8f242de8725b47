"""The requests of one session, answered in order, one after the other."""

from collections.abc import Callable
from functools import partial

from outcome import Outcome

from domain.commands import Answer
from protocol.commands import Command
from protocol.frames import Frame
from server.edge.websocket import WebSocket
from server.requests import Reply, Requests

REQUESTS_MAX = 64
"""Requests that wait; the next one is refused `overloaded`."""


class RequestQueue:
    """What one look-up answers is answered by its callback; all else waits for the session's task.

    ``wake`` wakes that task, which then calls `work`; ``show`` is given the replies.
    """

    __slots__ = ("_asking", "_flush", "_requests", "_show", "_waiting", "_wake", "_websocket")

    def __init__(
        self,
        requests: Requests,
        websocket: WebSocket,
        show: Callable[[Command, Frame | Answer], None],
        wake: Callable[[], None],
        flush: Callable[[], None],
    ) -> None:
        self._requests = requests
        self._websocket = websocket
        self._show = show
        self._wake = wake
        self._flush = flush
        self._asking = False
        self._waiting: list[Command] = []  # bound: REQUESTS_MAX, refused beyond it

    def put(self, command: Command) -> bool:
        """Answer ``command`` in its turn; False if too many wait already."""
        if len(self._waiting) >= REQUESTS_MAX:
            return False
        if not (self._asking or self._waiting):
            self._asking = self._requests.start(command, partial(self._replied, command))
            if self._asking:
                return True
        self._waiting.append(command)
        self._wake()
        return True

    async def work(self) -> None:
        """Answer what waits; while a look-up is under way, it wakes the task when it is done."""
        while self._waiting and not self._asking and not self._websocket.closing:
            command = self._waiting.pop(0)
            self._asking = True
            answer = await self._requests.answer(command)
            self._asking = False
            self._show(command, answer)
            self._flush()

    def _replied(self, command: Command, reply: Outcome[Reply]) -> None:
        self._asking = False
        self._websocket.guarded(lambda: self._show(command, reply.unwrap()))
        self._flush()
        if self._waiting:
            self._wake()
