"""Commands that wait for their reply: each goes out once per connection, under an id of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deskbell_client.commands import Command


@dataclass
class _Request:
    command: Command[Any]
    sent: bool = False


class Requests:
    """What callers are waiting for; there are as many as there are callers."""

    def __init__(self) -> None:
        self._requests: dict[int, _Request] = {}
        self._last_id = 0

    def new_id(self) -> int:
        """An id that no other command of this session has."""
        self._last_id += 1
        return self._last_id

    def add(self, command: Command[Any]) -> int:
        """Ask for ``command`` when the connection allows; returns its id."""
        request_id = self.new_id()
        self._requests[request_id] = _Request(command)
        return request_id

    def take(self) -> Iterator[tuple[int, Command[Any]]]:
        """What has not gone out on this connection, in order; it counts as sent from then on."""
        for request_id, request in list(self._requests.items()):
            if not request.sent:
                request.sent = True
                yield request_id, request.command

    def settle(self, request_id: int) -> Command[Any] | None:
        """There is an answer, or nobody waits any more; returns the command if it was waiting."""
        request = self._requests.pop(request_id, None)
        return request.command if request else None

    def lost(self) -> list[int]:
        """The connection ended: what can be repeated will be; the ids of the others, now gone."""
        unknown = []
        for request_id, request in list(self._requests.items()):
            if request.sent and not request.command.repeatable:
                unknown.append(request_id)
                del self._requests[request_id]
            request.sent = False
        return unknown

    def clear(self) -> list[int]:
        """Nothing will be answered any more; the ids of what waited."""
        waiting = list(self._requests)
        self._requests.clear()
        return waiting
