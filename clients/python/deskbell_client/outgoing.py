"""Sends that wait for their ack: in order per conversation, again until there is an answer.

A bound on all of them (`PendingFull` beyond it), a window of those in flight, and a window per
conversation. With the latter at 1 a conversation's order holds even if the server turns one of them
away for a while; with more, what was already in flight behind that one may be committed before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deskbell_client.commands import Send
from deskbell_client.errors import PendingFull, Refused


@dataclass
class _Entry:
    send: Send
    in_flight: bool = False
    tries: int = 0


@dataclass
class _Queue:
    """The pending sends of one conversation; none goes out before ``not_before``."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    not_before: float = 0.0

    @property
    def in_flight(self) -> int:
        return sum(entry.in_flight for entry in self.entries.values())


class Outgoing:
    """All pending sends of a client."""

    def __init__(
        self,
        window: int,
        window_per_conversation: int,
        max_pending: int,
        kept: Iterable[Send] = (),
    ) -> None:
        self.window = window
        self._per_conversation = window_per_conversation
        self._max_pending = max_pending
        self._queues: dict[str, _Queue] = {}
        self._conversations: dict[str, str] = {}  # by client_message_id
        self._in_flight = 0
        for send in kept:
            self.keep(send)

    def __len__(self) -> int:
        return len(self._conversations)

    def __contains__(self, client_message_id: str) -> bool:
        return client_message_id in self._conversations

    def check(self, send: Send) -> bool:
        """Whether ``send`` is pending already; raises `PendingFull` or `Refused` (`conflict`)."""
        conversation = self._conversations.get(send.client_message_id)
        if conversation is None:
            if len(self) >= self._max_pending:
                raise PendingFull(f"{len(self)} sends wait for their ack")
            return False
        if self._queues[conversation].entries[send.client_message_id].send != send:
            raise Refused("conflict", "The same client_message_id waits with another message.")
        return True

    def keep(self, send: Send) -> None:
        """Keep ``send`` until `settle`; one that is already pending is not kept twice."""
        if send.client_message_id not in self:
            queue = self._queues.setdefault(send.conversation, _Queue())
            queue.entries[send.client_message_id] = _Entry(send)
            self._conversations[send.client_message_id] = send.conversation

    def take(self, now: float) -> Iterator[Send]:
        """What may go out now, in order; it counts as in flight from then on."""
        for queue in self._queues.values():
            if queue.not_before <= now:
                queue.not_before = 0.0
                yield from self._take_from(queue)

    def _take_from(self, queue: _Queue) -> Iterator[Send]:
        room = min(self._per_conversation - queue.in_flight, self.window - self._in_flight)
        if room <= 0:
            return
        waiting = [entry for entry in queue.entries.values() if not entry.in_flight]
        for entry in waiting[:room]:
            entry.in_flight = True
            entry.tries += 1
            self._in_flight += 1
            yield entry.send

    def settle(self, client_message_id: str) -> Send | None:
        """There is a final answer; returns the send, or ``None`` if it is not pending."""
        conversation = self._conversations.pop(client_message_id, None)
        if conversation is None:
            return None
        queue = self._queues[conversation]
        entry = queue.entries.pop(client_message_id)
        self._in_flight -= entry.in_flight
        if not queue.entries:
            del self._queues[conversation]
        return entry.send

    def tries(self, client_message_id: str) -> int:
        """How often it went out; 0 if it is not pending."""
        conversation = self._conversations.get(client_message_id)
        if conversation is None:
            return 0
        return self._queues[conversation].entries[client_message_id].tries

    def postpone(self, client_message_id: str, until: float) -> None:
        """It was turned away for now: it, and all behind it in its conversation, wait."""
        conversation = self._conversations.get(client_message_id)
        if conversation is None:
            return
        queue = self._queues[conversation]
        entry = queue.entries[client_message_id]
        self._in_flight -= entry.in_flight
        entry.in_flight = False
        queue.not_before = max(queue.not_before, until)

    def lost(self) -> None:
        """The connection ended: what was in flight goes out again, in the same order."""
        for queue in self._queues.values():
            queue.not_before = 0.0
            for entry in queue.entries.values():
                entry.in_flight = False
        self._in_flight = 0

    def next_time(self) -> float:
        """When something postponed may go out; infinity if nothing is postponed."""
        times = (queue.not_before for queue in self._queues.values() if queue.not_before)
        return min(times, default=float("inf"))
