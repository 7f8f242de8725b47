"""The presence actor: what is shown, what is stored, and that a crash leaves no ghost."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from actors.envelope import Envelope
from actors.presence import (
    PERSIST_MS,
    Active,
    Closed,
    Flush,
    Opened,
    PresenceActor,
    PresenceBoard,
    PresenceMessage,
    Tick,
)
from domain.errors import StorageFailed
from domain.presence import AWAY_MS, GRACE_MS, State

NOW = 1_793_000_000_000
TICK_MS = 1_000
OPERATIONS = 10_000

pytestmark = pytest.mark.requirement("DT-06", "DT-07")


@dataclass
class Stage:
    """The actor of one business; what it shows and stores is written down."""

    now: int = NOW
    board: PresenceBoard = field(default_factory=PresenceBoard)
    shown: list[tuple[str, State, int]] = field(default_factory=list)
    stored: dict[str, int] = field(default_factory=dict)
    stores: int = 0
    fails: bool = False
    disk_is_full: bool = False

    def __post_init__(self) -> None:
        self.restart(())

    def restart(self, sessions: Iterable[tuple[str, int]]) -> None:
        """A new actor, as after a crash, while these sessions live."""
        self.actor = PresenceActor("pawsome", self.board, self.show, self.store, lambda: self.now)
        self.actor.take_up(sessions)

    def show(self, business: str, person: str, state: State, last_seen_at: int) -> None:
        assert business == "pawsome"
        self.shown.append((person, state, last_seen_at))

    async def store(self, seen: Mapping[str, int]) -> None:
        if self.fails:
            raise RuntimeError("the disk has failed")
        if self.disk_is_full:
            raise StorageFailed("the disk is full")
        self.stores += 1
        for person, at in seen.items():
            self.stored[person] = max(self.stored.get(person, 0), at)

    async def __call__(self, *messages: PresenceMessage) -> None:
        answers: list[object] = []
        await self.actor.receive([Envelope(message, answers.append) for message in messages])
        assert answers == [None] * len(messages)

    async def later(self, milliseconds: int) -> None:
        """Time passes, with a tick at the end."""
        self.now += milliseconds
        await self(Tick())

    def states(self) -> list[State]:
        """What has been shown since this was asked last."""
        states, self.shown = [state for _, state, _ in self.shown], []
        return states


async def test_who_comes_and_goes_is_shown() -> None:
    stage = Stage()
    await stage(Opened("carla", 1))
    assert stage.board.shown["carla"] == (State.ONLINE, NOW)
    await stage.later(5_000)
    await stage(Closed("carla", 1))
    await stage.later(GRACE_MS)
    assert stage.shown == [
        ("carla", State.ONLINE, NOW),
        ("carla", State.OFFLINE, NOW + 5_000),
    ]


async def test_r11_when_somebody_was_last_seen_is_stored_before_it_is_shown() -> None:
    """So that a kill right after it takes nothing back that others have seen."""
    stage = Stage()
    await stage(Opened("carla", 1), Opened("sam", 2))
    await stage.later(5_000)
    await stage(Closed("carla", 1))
    assert stage.stores == 0, "the grace period runs: a reconnect stores nothing"
    stored: list[dict[str, int]] = []
    show = stage.actor._show

    def watched(business: str, person: str, state: State, last_seen_at: int) -> None:
        stored.append(dict(stage.stored))
        show(business, person, state, last_seen_at)

    stage.actor._show = watched
    await stage.later(GRACE_MS)
    assert stored == [{"carla": NOW + 5_000}]
    assert stage.shown[-1] == ("carla", State.OFFLINE, NOW + 5_000)


async def test_r11_who_comes_and_goes_in_one_batch_is_stored_before_it_is_known() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Closed("carla", 1))
    assert stage.board.shown["carla"] == (State.OFFLINE, NOW)
    assert stage.stored == {"carla": NOW}
    await stage(Closed("carla", 1), Tick())
    assert stage.stores == 1


async def test_r11_who_leaves_while_the_disk_is_full_is_shown_offline_and_stored_later() -> None:
    stage = Stage()
    await stage(Opened("carla", 1))
    await stage.later(5_000)
    await stage(Closed("carla", 1))
    stage.disk_is_full = True
    await stage.later(GRACE_MS)
    assert stage.states() == [State.ONLINE, State.OFFLINE]
    assert not stage.stored
    stage.disk_is_full = False
    await stage.later(PERSIST_MS)
    assert stage.stored == {"carla": NOW + 5_000}


async def test_r11_a_thousand_flaps_show_nothing() -> None:
    stage = Stage()
    await stage(Opened("carla", 0))
    assert stage.states() == [State.ONLINE]
    for session in range(1, 1_001):
        await stage(Closed("carla", session - 1))
        await stage.later(GRACE_MS - TICK_MS)
        await stage(Opened("carla", session))
    assert stage.states() == []


async def test_r11_who_is_gone_silently_is_shown_offline_in_time() -> None:
    """The edge closes a silent session after 30 s; the rest is the grace period and one tick."""
    stage = Stage()
    await stage(Opened("carla", 1))
    stage.now += 30_000
    await stage(Closed("carla", 1))
    waited = 0
    while stage.board.shown["carla"][0] is not State.OFFLINE:
        await stage.later(TICK_MS)
        waited += TICK_MS
    assert 30_000 + waited <= 45_000


async def test_away_and_back() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Opened("carla", 2))
    await stage.later(AWAY_MS)
    await stage(Active("carla", 2))
    await stage(Active("carla", 2, is_active=False))
    await stage(Active("carla", 1))
    assert stage.states() == [
        State.ONLINE,
        State.AWAY,
        State.ONLINE,
        State.AWAY,
        State.ONLINE,
    ]


async def test_what_happens_in_one_batch_is_shown_as_it_ends() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Closed("carla", 1), Opened("dave", 2), Active("dave", 2))
    assert [(person, state) for person, state, _ in stage.shown] == [("dave", State.ONLINE)]


async def test_a_session_that_was_never_known_changes_nothing() -> None:
    stage = Stage()
    stage.board.shown["dave"] = (State.OFFLINE, NOW - 5)
    await stage(Closed("carla", 9), Active("carla", 9), Closed("dave", 8))
    assert stage.shown == []
    assert stage.board.shown == {"dave": (State.OFFLINE, NOW - 5)}
    await stage(Flush())
    assert stage.stored == {}


# --- storing --------------------------------------------------------------------------------------


async def test_last_seen_is_stored_now_and_then_and_when_the_server_stops() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Opened("dave", 2))
    for _ in range(PERSIST_MS // TICK_MS):
        await stage.later(TICK_MS)
    assert stage.stored == {"carla": NOW + PERSIST_MS, "dave": NOW + PERSIST_MS}
    assert stage.stores == 1
    await stage.later(TICK_MS)
    await stage(Closed("carla", 1))
    stage.now += 5
    await stage(Flush())
    assert stage.stored == {"carla": NOW + PERSIST_MS + TICK_MS, "dave": stage.now}


async def test_who_is_gone_and_stored_is_forgotten() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Opened("dave", 2))
    await stage(Closed("carla", 1))
    await stage.later(GRACE_MS)
    assert stage.board.shown["carla"] == (State.OFFLINE, NOW)
    await stage.later(PERSIST_MS)
    assert stage.board.shown.keys() == {"dave"}
    assert stage.stored["carla"] == NOW


async def test_nothing_to_store_is_no_write() -> None:
    stage = Stage()
    await stage.later(10 * PERSIST_MS)
    await stage(Flush())
    assert stage.stores == 0


async def test_r39_last_seen_never_moves_back() -> None:
    """Whatever the clock does, and over a restart of the actor."""
    stage = Stage()
    await stage(Opened("carla", 1))
    await stage(Closed("carla", 1))
    await stage.later(GRACE_MS)
    seen = stage.board.shown["carla"][1]
    stage.now -= 3_600_000
    await stage(Opened("carla", 2))
    assert stage.board.shown["carla"][1] >= seen
    stage.restart([("carla", 2)])
    await stage(Closed("carla", 2))
    await stage.later(GRACE_MS)
    assert stage.board.shown["carla"] == (State.OFFLINE, seen)


# --- crashes --------------------------------------------------------------------------------------


async def test_a_restart_with_live_sessions_shows_nothing() -> None:
    stage = Stage()
    await stage(Opened("carla", 1), Opened("carla", 2), Opened("sam", 3))
    await stage(Active("sam", 3, is_active=False))
    stage.states()
    stage.now += 5_000
    stage.restart([("carla", 1), ("carla", 2), ("sam", 3)])
    for _ in range(5):
        await stage.later(TICK_MS)
    assert stage.states() == []
    assert stage.board.shown["carla"][0] is State.ONLINE
    assert stage.board.shown["sam"][0] is State.AWAY
    await stage(Closed("carla", 1))
    await stage.later(2 * GRACE_MS)
    assert stage.states() == [], "the other device still lives"
    await stage(Closed("carla", 2))
    await stage.later(GRACE_MS)
    assert stage.states() == [State.OFFLINE]


async def test_r11_a_restart_leaves_no_ghost_of_who_was_about_to_be_gone() -> None:
    stage = Stage()
    await stage(Opened("carla", 1))
    await stage(Closed("carla", 1))
    stage.states()
    stage.restart([])
    await stage.later(GRACE_MS - 1)
    assert stage.states() == []
    await stage.later(1)
    assert stage.states() == [State.OFFLINE]
    assert stage.board.shown["carla"][1] == NOW


async def test_who_came_while_the_actor_was_down_is_shown() -> None:
    stage = Stage()
    stage.restart([("carla", 1)])
    await stage.later(TICK_MS)
    assert stage.states() == [State.ONLINE]


async def test_what_could_not_be_stored_is_stored_after_the_restart() -> None:
    stage = Stage()
    await stage(Opened("carla", 1))
    await stage(Closed("carla", 1))
    await stage.later(GRACE_MS)
    stage.fails = True
    with pytest.raises(RuntimeError):
        await stage.later(PERSIST_MS)
    stage.fails = False
    stage.restart([])
    await stage.later(PERSIST_MS)
    assert stage.stored == {"carla": NOW}
    assert stage.board.shown == {}


# --- R11: the model -------------------------------------------------------------------------------

PEOPLE = [f"p{n}" for n in range(8)]
DEVICES = 3


class Model:
    """What presence must be, told without the actor's rules: from the sessions' life alone."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.stage = Stage()
        self.sessions: dict[str, dict[int, int]] = {p: {} for p in PEOPLE}  # last active when
        self.ended: dict[str, int] = {}
        self.last_seen: dict[str, int] = {}
        self.shown: dict[str, tuple[State, int]] = {}
        self.opened = 0

    async def step(self) -> None:
        """Anything that can happen."""
        kind = self.rng.choices(
            [self.connect, self.disconnect, self.be_active, self.time, self.crash, self.stray],
            [6, 6, 4, 8, 0.2, 0.5],
        )[0]
        await kind(self.rng.choice(PEOPLE))

    async def connect(self, person: str) -> None:
        if len(self.sessions[person]) < DEVICES:
            self.opened += 1
            self.sessions[person][self.opened] = self.last_seen[person] = self.stage.now
            await self.stage(Opened(person, self.opened))

    async def disconnect(self, person: str) -> None:
        if mine := self.sessions[person]:
            session = self.rng.choice(sorted(mine))
            del mine[session]
            self.last_seen[person] = self.ended[person] = self.stage.now
            await self.stage(Closed(person, session))

    async def be_active(self, person: str) -> None:
        if mine := self.sessions[person]:
            session, active = self.rng.choice(sorted(mine)), self.rng.random() < 0.8
            idle_since = min(mine[session], self.stage.now - AWAY_MS)
            mine[session] = self.stage.now if active else idle_since
            self.last_seen[person] = self.stage.now
            await self.stage(Active(person, session, active))

    async def time(self, _: str) -> None:
        longest = 2 * AWAY_MS if self.rng.random() < 0.04 else GRACE_MS // 3
        await self.stage.later(self.rng.randint(1, longest))

    async def crash(self, _: str) -> None:
        """Of the actor; the grace period begins anew, and who was away is still idle."""
        now = self.stage.now
        self.stage.restart([(p, s) for p, mine in self.sessions.items() for s in mine])
        for person, mine in self.sessions.items():
            state = self.shown.get(person, (State.ONLINE, 0))[0]
            for session in mine:
                mine[session] = now - AWAY_MS if state is State.AWAY else now
                self.last_seen[person] = now
            if not mine and state is not State.OFFLINE:
                self.ended[person] = now

    async def stray(self, person: str) -> None:
        await self.stage(Closed(person, 0), Active(person, 0))

    def check(self) -> None:
        """The board is what the sessions say; last-seen never moves back."""
        for person in PEOPLE:
            before = self.shown.get(person, (State.OFFLINE, 0))
            state, seen = self.stage.board.shown.get(person, (State.OFFLINE, before[1]))
            assert state is self.expected(person, before[0])
            assert seen >= before[1]
            assert state is not State.OFFLINE or seen == self.last_seen.get(person, 0)
            self.shown[person] = (state, seen)

    def expected(self, person: str, before: State) -> State:
        mine, now = self.sessions[person], self.stage.now
        if mine:
            return State.ONLINE if now - max(mine.values()) < AWAY_MS else State.AWAY
        return before if now - self.ended.get(person, 0) < GRACE_MS else State.OFFLINE


@pytest.mark.parametrize("seed", range(2))
async def test_r11_presence_is_the_models_after_ten_thousand_operations(seed: int) -> None:
    """Three devices a person; connections that end, silence, crashes of the actor, time."""
    model = Model(random.Random(seed))
    for _ in range(OPERATIONS):
        await model.step()
        model.check()
    await model.stage.later(GRACE_MS)
    model.check()
    await model.stage(Flush())
    for person, seen in model.last_seen.items():
        there = bool(model.sessions[person])
        assert model.stage.stored[person] == (model.stage.now if there else seen)


async def test_r11_only_changes_are_shown() -> None:
    rng = random.Random(5)
    stage = Stage()
    before: dict[str, State] = {}
    for n in range(2_000):
        await stage(rng.choice([Opened, Closed, Active])(f"p{n % 5}", rng.randint(1, 3)))
        await stage.later(rng.randint(0, 8_000))
        for person, state, _ in stage.shown:
            assert state is not before.get(person, State.OFFLINE)
            before[person] = state
        stage.shown.clear()
