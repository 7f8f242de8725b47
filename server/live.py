"""What runs for one business: its actors, and the connections of its people."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from actors.business import BusinessCommand
from actors.location import LocationMessage
from actors.presence import PresenceBoard, PresenceMessage
from actors.supervisor import Supervisor
from domain.business import Business
from domain.commands import Command
from domain.roles import Role, sees_all_history
from protocol.codec import Codec
from server.owner_reads import OwnerReads

BUSINESS = "business"
"""The id of a business's only desk."""


class Connection(Protocol):
    """A connection as the fan-out sees it."""

    number: int
    person: str
    role: Role
    device: str
    token_id: str
    expires_at: int
    location: str
    codec: Codec
    behind: bool
    revision: int
    queue: Callable[[bytes], bool]
    watch_doubts: int
    """Removals after which it has not been looked up yet whose presence may be watched."""

    def has_room(self) -> bool:
        """Whether nothing waits for this connection: only then it hears of ephemeral things."""
        ...

    def fall_behind(self) -> None:
        """Take nothing more for now: read on from the log."""
        ...

    def review_watch(self) -> None:
        """Be told nobody's presence until it has been looked up whose may still be watched."""
        ...

    def owe_presence(self) -> None:
        """It takes nothing now: it is told the presence of all it watches when it does again."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Close the connection."""
        ...


AnySupervisor = (
    Supervisor[Command]
    | Supervisor[LocationMessage]
    | Supervisor[BusinessCommand]
    | Supervisor[PresenceMessage]
)


@dataclass(slots=True)
class LiveBusiness:
    """One business while it runs on this node."""

    state: Business
    conversations: Supervisor[Command]
    locations: Supervisor[LocationMessage]
    desk: Supervisor[BusinessCommand]
    presence: Supervisor[PresenceMessage]
    board: PresenceBoard
    connections: dict[str, list[Connection]] = field(default_factory=dict)
    watchers: dict[str, set[Connection]] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)
    """The locations at which somebody has been logged in since the start."""
    unfit: set[tuple[str, str]] = field(default_factory=set)
    """Devices (of a person) that an event did not fit: their next cursor is answered with `reset`.
    """
    access_changes: Counter[str] = field(default_factory=Counter)
    """How often the rights of each person changed since the start, and under "" those of all."""
    revoked_keys: set[str] = field(default_factory=set)
    """API keys that were revoked since the start: who was let in by one is looked at again."""
    reads: OwnerReads = field(default_factory=OwnerReads)
    removals: int = 0
    """How often somebody left a conversation: who looks up whom one may watch looks at it too."""

    def access_stamp(self, person: str) -> tuple[int, int]:
        """Moves when the rights of ``person`` change: who lets people in looks at it again."""
        return self.access_changes[""], self.access_changes[person]

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def supervisors(self) -> tuple[AnySupervisor, ...]:
        """All of them; they stop at the same time."""
        return (self.conversations, self.desk, self.locations, self.presence)

    def everybody(self) -> Iterator[Connection]:
        """Every connection of the business."""
        return itertools.chain.from_iterable(self.connections.values())

    def logged_in(self, location: str) -> dict[int, str]:
        """Who is connected at a location, by the number of the connection."""
        return {c.number: c.person for c in self.everybody() if c.location == location}

    def connections_of(self, person: str) -> list[Connection]:
        return self.connections.get(person, [])

    def sees_all_history(self, person: str) -> bool:
        """Whether a connected person sees of a conversation also what was before they came."""
        return any(sees_all_history(each.role) for each in self.connections_of(person))

    def has_newer(self, person: str, device: str, number: int) -> bool:
        """Whether this device has a connection that said `hello` after the one of ``number``."""
        mine = self.connections_of(person)
        return any(other.device == device and other.number > number for other in mine)

    def add(self, connection: Connection, devices: int) -> list[Connection]:
        """Note a connection; answer those it replaces: of its device, or beyond ``devices``."""
        mine = self.connections.setdefault(connection.person, [])
        replaced = [other for other in mine if other.device == connection.device]
        kept = [other for other in mine if other.device != connection.device]
        excess = len(kept) + 1 - devices
        if excess > 0:
            replaced += kept[:excess]
            kept = kept[excess:]
        self.connections[connection.person] = [*kept, connection]
        return replaced

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        mine = [
            other for other in self.connections_of(connection.person) if other is not connection
        ]
        if mine:
            self.connections[connection.person] = mine
        else:
            self.connections.pop(connection.person, None)

    def watch(self, connection: Connection, people: frozenset[str], before: frozenset[str]) -> None:
        """``connection`` watches ``people`` from now on, and no longer the rest of ``before``."""
        for person in before - people:
            watching = self.watchers.get(person)
            if watching is not None:
                watching.discard(connection)
                if not watching:
                    del self.watchers[person]
        for person in people - before:
            self.watchers.setdefault(person, set()).add(connection)
