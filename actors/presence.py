"""The presence actor: who of a business is there, decided in one place for all their devices.

A person may be logged in at two locations with two devices and still has one presence, so this is
the business's, not a location's.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from actors.actor import Actor
from actors.envelope import Envelope
from actors.ports import Clock
from domain import presence as rules
from domain.errors import StorageFailed
from domain.presence import Attendance, State

PERSIST_MS = 60_000
"""Last-seen of who is there is written this often, so that a kill loses no more than that. Of who
leaves it is written before others are shown it."""


@dataclass(frozen=True, slots=True)
class Opened:
    person: str
    session: int


@dataclass(frozen=True, slots=True)
class Closed:
    person: str
    session: int


@dataclass(frozen=True, slots=True)
class Active:
    person: str
    session: int
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class RollCall:
    """The (person, session) pairs that live as this is told.

    It mends what got lost: a full mailbox takes no `Opened` and no `Closed`.
    """

    sessions: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Flush:
    """The server stops: whoever is there is last seen now."""


PresenceMessage = Opened | Closed | Active | Tick | RollCall | Flush


class PresencePublisher(Protocol):
    """Shows watchers what changed. Never waits."""

    def __call__(self, business: str, person: str, state: State, last_seen_at: int) -> None: ...


@dataclass(slots=True)
class PresenceBoard:
    """What the actor has made known: read by everyone, written by the actor alone."""

    shown: dict[str, tuple[State, int]] = field(default_factory=dict)


class PresenceActor(Actor[PresenceMessage]):
    """Handles sessions that come and go, and the passing of time."""

    def __init__(
        self,
        business: str,
        board: PresenceBoard,
        show: PresencePublisher,
        store: Callable[[Mapping[str, int]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._business = business
        self._board = board
        self._show = show
        self._store = store
        self._clock = clock
        self._people: dict[str, Attendance] = {}
        self._unsaved: dict[str, int] = {}
        self._saved_at = clock()

    def take_up(self, sessions: Iterable[tuple[str, int]]) -> None:
        """Begin with the (person, session) pairs that live already, as after a crash.

        Whom the board shows without a session has just left; who was idle stays so.
        """
        now = self._clock()
        for id_, session in sessions:
            person = self._attending(id_)
            rules.opened(person, session, now)
            if person.shown is State.AWAY:
                rules.active(person, session, now, is_active=False)
        for id_, (state, last_seen_at) in self._board.shown.items():
            if state is State.OFFLINE:
                self._unsaved[id_] = last_seen_at
            elif id_ not in self._people:
                self._people[id_] = Attendance({}, state, last_seen_at, now)

    async def receive(self, batch: Sequence[Envelope[PresenceMessage]]) -> None:
        """Note what happened, show what changed, forget who is gone."""
        now = self._clock()
        touched: set[str] = set()
        flush = False
        for envelope in batch:
            message = envelope.message
            if isinstance(message, Tick):
                touched |= self._due(now)
            elif isinstance(message, RollCall):
                touched |= self._call_roll(message.sessions, now)
            elif isinstance(message, Flush):
                flush = True
            else:
                self._note(message, now)
                touched.add(message.person)
        present = sorted(touched & self._people.keys())
        await self._keep_of_who_leaves(present, now)
        for person in present:
            self._review(person, now)
        if flush or now - self._saved_at >= PERSIST_MS:
            await self._save(now)
        for envelope in batch:
            envelope.answer(None)

    def _attending(self, id_: str) -> Attendance:
        """Who is there, or comes now; what others were last shown of them still holds."""
        if id_ not in self._people:
            shown, last_seen_at = self._board.shown.get(id_, (State.OFFLINE, 0))
            self._people[id_] = Attendance({}, shown, last_seen_at)
        return self._people[id_]

    def _note(self, message: Opened | Closed | Active, now: int) -> None:
        if isinstance(message, Opened):
            rules.opened(self._attending(message.person), message.session, now)
            return
        person = self._people.get(message.person)
        if person is None:
            return  # the session ended before it was known here
        if isinstance(message, Closed):
            rules.closed(person, message.session, now)
            self._unsaved[message.person] = person.last_seen_at
        else:
            rules.active(person, message.session, now, is_active=message.is_active)

    def _call_roll(self, sessions: frozenset[tuple[str, int]], now: int) -> set[str]:
        """Note what differs; answers of whom."""
        known = {
            (id_, session) for id_, person in self._people.items() for session in person.sessions
        }
        for id_, session in known - sessions:
            self._note(Closed(id_, session), now)
        for id_, session in sessions - known:
            self._note(Opened(id_, session), now)
        return {id_ for id_, _ in known ^ sessions}

    def _due(self, now: int) -> set[str]:
        return {
            id_ for id_, person in self._people.items() if rules.state(person, now) != person.shown
        }

    async def _keep_of_who_leaves(self, people: Iterable[str], now: int) -> None:
        """Store first when they were last seen: what has been shown does not move back (R11).

        On a full disk it is shown all the same, and stored with the others later.
        """
        leaving: dict[str, int] = {}
        for id_ in people:
            person = self._people[id_]
            _, known = self._board.shown.get(id_, (State.OFFLINE, 0))
            is_news = person.shown is not State.OFFLINE or person.last_seen_at > known
            if is_news and rules.state(person, now) is State.OFFLINE:
                leaving[id_] = person.last_seen_at
        if leaving:
            with suppress(StorageFailed):
                await self._store(leaving)

    def _review(self, id_: str, now: int) -> None:
        person = self._people[id_]
        state = rules.state(person, now)
        if state is not person.shown:
            person.shown = state
            self._show(self._business, id_, state, person.last_seen_at)
        self._board.shown[id_] = (state, person.last_seen_at)
        if state is State.OFFLINE and not person.sessions:
            self._unsaved[id_] = person.last_seen_at
            del self._people[id_]

    async def _save(self, now: int) -> None:
        for id_, person in self._people.items():
            if person.sessions:
                person.last_seen_at = max(person.last_seen_at, now)
                self._unsaved[id_] = person.last_seen_at
        unsaved, self._unsaved = self._unsaved, {}
        self._saved_at = now
        if unsaved:
            await self._store(unsaved)
            for id_ in unsaved.keys() - self._people.keys():
                self._board.shown.pop(id_, None)
