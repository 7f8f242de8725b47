"""Events on their way to the application: bounded, in order, and with the position they lead to.

Overflow: a stored event that finds no room is not queued, nor is any after it (`behind`): the
session asks the server for them again, from its cursor, when the application has caught up. Nothing
is lost, and acks go on meanwhile. Of typing and presence only the last value of each is kept, in a
lane of their own. `Reset` takes the place of all that waited. The client's own events always find
room: of connections that come and go between two other events the last is told, and there are at
most as many outcomes as there were pending sends.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from deskbell_client.events import (
    Connected,
    Disconnected,
    Event,
    LocalEvent,
    PassingEvent,
    PresenceChanged,
    Reset,
    SendFailed,
    Sent,
    StoredEvent,
    TypingChanged,
)
from deskbell_client.records import Cursor, PresenceState

MAX_TYPING: Final = 256
MAX_PRESENCE: Final = 1000
"""Beyond these the oldest of the lane goes."""


@dataclass
class _Item:
    event: StoredEvent | LocalEvent
    cursor: Cursor | None


class Inbox:
    """The queue between the session and the one reader of its events."""

    def __init__(self, capacity: int, processed: Cursor | None) -> None:
        self.behind = False
        self.processed = processed
        """Up to where the application is done: what is stored over restarts."""
        self._capacity = capacity
        self._queue: deque[_Item] = deque()  # bound: see `has_room`
        self._typing: OrderedDict[tuple[str, str], TypingChanged] = OrderedDict()
        self._presence: OrderedDict[str, PresenceState] = OrderedDict()
        self._taken: _Item | None = None

    def __len__(self) -> int:
        return len(self._queue) + len(self._typing) + bool(self._presence)

    def put_stored(self, event: StoredEvent, cursor: Cursor) -> None:
        """Queue ``event``, after which the client stands at ``cursor``; ask `has_room` first."""
        self._queue.append(_Item(event, cursor))

    def has_room(self) -> bool:
        """Whether a stored event may be queued; after the first "no" the inbox is `behind`."""
        self.behind = self.behind or len(self._queue) >= self._capacity
        return not self.behind

    def put_passing(self, event: PassingEvent) -> None:
        """Keep the last value: per person and conversation, or per person."""
        if isinstance(event, TypingChanged):
            key = (event.conversation, event.person)
            self._typing.pop(key, None)
            self._typing[key] = event
            if len(self._typing) > MAX_TYPING:
                self._typing.popitem(last=False)
            return
        for state in event.people:
            self._presence.pop(state.person, None)
            self._presence[state.person] = state
            if len(self._presence) > MAX_PRESENCE:
                self._presence.popitem(last=False)

    def put_local(self, event: LocalEvent) -> None:
        """Queue an event of the client itself."""
        if isinstance(event, Reset):
            self._reset(event)
            return
        if isinstance(event, Connected | Disconnected) and self._queue:
            last = self._queue[-1]
            if _is_superseded(last.event):
                last.event = event
                return
        self._queue.append(_Item(event, None))

    def _reset(self, event: Reset) -> None:
        kept = [item for item in self._queue if isinstance(item.event, Sent | SendFailed)]
        self._queue.clear()
        self._queue.extend(_Item(item.event, None) for item in kept)
        self._typing.clear()
        self._presence.clear()
        self._queue.append(_Item(event, event.position))

    def mark(self, cursor: Cursor) -> None:
        """The client moved to ``cursor`` without a new event: it counts after all that waits."""
        if self._queue:
            self._queue[-1].cursor = cursor
        elif self._taken is not None:
            self._taken.cursor = cursor
        else:
            self.processed = cursor

    def take(self) -> Event | None:
        """The next event; the one before counts as processed. ``None``: there is none now."""
        if self._taken is not None:
            self.processed = self._taken.cursor or self.processed
            self._taken = None
        if self._queue:
            self._taken = self._queue.popleft()
            return self._taken.event
        if self._typing:
            return self._typing.popitem(last=False)[1]
        if self._presence:
            people = tuple(self._presence.values())
            self._presence.clear()
            return PresenceChanged(people)
        return None


def _is_superseded(event: Event) -> bool:
    """Whether the next news of the connection makes this one moot; that it is fresh stays news."""
    if isinstance(event, Connected):
        return event.welcome.resume == "complete"
    return isinstance(event, Disconnected)
