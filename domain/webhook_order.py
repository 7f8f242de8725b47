"""In which order a webhook's events go out: its state, without I/O.

The log is read in order, up to ``scanned``. Every entry is of a lane, and a lane has one delivery
under way at most. A lane whose delivery failed is held: what follows in it is forgotten here and
read again from the log, from ``after`` on, so that memory is bounded by the number of lanes held
and not by how much happens in them. What must survive a crash is ``position`` and `Held`.
"""

from collections import deque
from dataclasses import dataclass, field

import msgspec

from domain.webhooks import EventType

OUTSTANDING_MAX = 1_000
"""Entries that were read and are not delivered: beyond it, the log is not read on."""

HELD_MAX = 2_000
"""Lanes that are held: beyond it, the log is not read on either, and the others wait as well."""


class LogEntry(msgspec.Struct, frozen=True):
    """One event of a business's log, and where to find what it is about.

    ``lane`` is the conversation, or `person_lane`, `location_lane`; ``seq`` 0 where there is none.
    """

    revision: int
    type: EventType
    lane: str
    seq: int = 0


PERSON, LOCATION = "@person/", "@location/"
"""How lanes begin that are no conversations; no id begins so."""


class Held(msgspec.Struct, frozen=True):
    """A lane that is read from the log by itself: everything up to ``after`` is delivered.

    ``head`` is the event that failed, so often as ``attempts`` say, and is due at ``due_at``; 0
    while the lane catches up.
    """

    after: int
    due_at: int
    head: int = 0
    type: EventType | None = None
    attempts: int = 0


@dataclass(slots=True)
class WebhookOrder:
    """What of a webhook's events is whose turn. ``changed`` are the lanes to be stored anew."""

    scanned: int
    held: dict[str, Held] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    _queued: dict[str, deque[LogEntry]] = field(default_factory=dict)
    _outstanding: dict[int, None] = field(default_factory=dict)  # ascending, as they were read
    _under_way: set[str] = field(default_factory=set)
    _turns: deque[str] = field(default_factory=deque)  # bound: the lanes that are queued
    _held_first: bool = False

    @property
    def position(self) -> int:
        """Everything up to here is delivered, given up, or of a lane that is held."""
        return next(iter(self._outstanding), self.scanned + 1) - 1

    @property
    def takes_more(self) -> bool:
        """Whether the log may be read on."""
        return len(self._outstanding) < OUTSTANDING_MAX and len(self.held) < HELD_MAX

    def take(self, entries: list[LogEntry], up_to: int) -> None:
        """The next ``entries`` of the log, ascending; nothing else is to be delivered by then."""
        for entry in entries:
            if entry.lane in self.held:
                continue  # it will be read with its lane
            lane = self._queued.get(entry.lane)
            if lane is None:
                lane = self._queued[entry.lane] = deque()  # bound: OUTSTANDING_MAX and a page
                if entry.lane not in self._under_way:
                    self._turns.append(entry.lane)
            lane.append(entry)
            self._outstanding[entry.revision] = None
        self.scanned = up_to

    def turn(self, now: int) -> str | None:
        """A lane that may deliver its next event, now under way; ``None``: none may yet.

        Lanes that are held and others take turns, so that neither waits for all of the other kind.
        """
        self._held_first = not self._held_first
        if self._held_first:
            lane = self._turn_of_held(now) or self._turn_of_queued()
        else:
            lane = self._turn_of_queued() or self._turn_of_held(now)
        if lane is not None:
            self._under_way.add(lane)
        return lane

    def _turn_of_queued(self) -> str | None:
        while self._turns:
            lane = self._turns.popleft()
            if lane in self._queued and lane not in self._under_way:
                return lane
        return None

    def _turn_of_held(self, now: int) -> str | None:
        due = (
            (held.due_at, lane)
            for lane, held in self.held.items()
            if held.due_at <= now and self._may_go_on(lane, held)
        )
        return min(due, default=(0, None))[1]

    def next_due(self) -> int | None:
        """When the next of the held lanes may go on."""
        waiting = (h.due_at for lane, h in self.held.items() if self._may_go_on(lane, h))
        return min(waiting, default=None)

    def _may_go_on(self, lane: str, held: Held) -> bool:
        """After a restart a lane may be ahead of what was read: then the log comes first."""
        return lane not in self._under_way and held.after <= self.scanned

    def first(self, lane: str) -> LogEntry | None:
        """The event whose turn it is in ``lane``; ``None``: it is held, so the log has it."""
        queued = self._queued.get(lane)
        return queued[0] if queued else None

    def done(self, lane: str, revision: int, now: int) -> None:
        """The event is delivered, or given up: its lane goes on."""
        held = self.held.get(lane)
        if held is not None:
            self._hold(lane, Held(revision, now))
            return
        queued = self._queued[lane]
        del self._outstanding[queued.popleft().revision]
        self._under_way.discard(lane)
        if queued:
            self._turns.append(lane)
        else:
            del self._queued[lane]

    def failed(self, lane: str, entry: LogEntry, due_at: int) -> None:
        """The event is to be tried again at ``due_at``; until then its lane is held."""
        held = self.held.get(lane)
        attempts = held.attempts if held is not None and held.head == entry.revision else 0
        after = held.after if held is not None else entry.revision - 1
        self._hold(lane, Held(after, due_at, entry.revision, entry.type, attempts + 1))

    def attempts(self, lane: str, revision: int) -> int:
        """How often the event has failed."""
        held = self.held.get(lane)
        return held.attempts if held is not None and held.head == revision else 0

    def postpone(self, lane: str, due_at: int) -> None:
        """What comes next could not be looked up: not before ``due_at``; no attempt is counted."""
        held = self.held.get(lane)
        if held is None:
            queued = self._queued[lane]
            held = Held(queued[0].revision - 1, due_at)
        self._hold(lane, msgspec.structs.replace(held, due_at=due_at))

    def caught_up(self, lane: str, up_to: int, now: int) -> None:
        """The log has nothing more of a held lane up to ``up_to``.

        The lane is like the others again, unless the log has been read on meanwhile.
        """
        if up_to < self.scanned:
            self._hold(lane, Held(up_to, now))
            return
        del self.held[lane]
        self.changed.add(lane)
        self._under_way.discard(lane)

    def _hold(self, lane: str, held: Held) -> None:
        for entry in self._queued.pop(lane, ()):
            del self._outstanding[entry.revision]
        self.held[lane] = held
        self.changed.add(lane)
        self._under_way.discard(lane)
