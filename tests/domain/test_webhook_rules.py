"""When webhooks try again, how they sign, and in which order they deliver (EX-38)."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.webhook_order import Held, LogEntry, WebhookOrder
from domain.webhooks import (
    JITTER,
    SCHEDULE_SECONDS,
    SECRET_OVERLAP_MS,
    EventType,
    Secrets,
    event_id,
    revision_of,
    signature,
    wait_ms,
)

pytestmark = [pytest.mark.requirement("EX-38")]


def test_the_schedule_lasts_about_a_day() -> None:
    assert 22 * 3600 < sum(SCHEDULE_SECONDS) < 26 * 3600
    assert list(SCHEDULE_SECONDS) == sorted(SCHEDULE_SECONDS)


@given(st.integers(1, 20), st.floats(0, 1))
def test_each_wait_is_the_schedules_with_some_jitter(attempts: int, chance: float) -> None:
    wait = wait_ms(SCHEDULE_SECONDS, attempts, chance)
    if attempts > len(SCHEDULE_SECONDS):
        assert wait is None
    else:
        assert wait is not None
        share = wait / (SCHEDULE_SECONDS[attempts - 1] * 1000)
        assert 1 - JITTER - 1e-9 <= share <= 1 + JITTER + 1e-9


@given(st.lists(st.text(min_size=1), min_size=1, max_size=2), st.binary(), st.integers(0, 2**40))
def test_a_signature_is_what_the_header_says(secrets: list[str], body: bytes, at: int) -> None:
    time, *signatures = signature(secrets, at, body).split(",")
    assert time == f"t={at}"
    expected = [
        hmac.new(s.encode(), str(at).encode() + b"." + body, hashlib.sha256) for s in secrets
    ]
    assert signatures == [f"v1={each.hexdigest()}" for each in expected]


def test_a_known_signature() -> None:
    """Fixed, so that no change of ours breaks the receivers that there are."""
    header = signature(["whsec_test"], 1_793_000_000, b'{"id":"pawsome.1"}')
    assert header == (
        "t=1793000000,v1=ee7010daabb910f60745fb9897fc80bd4b792737c4e9cd974c72577163ba85da"
    )


def test_secrets_overlap_for_a_while() -> None:
    rotated = Secrets("old").rotated("new", 1000)
    assert rotated.valid(1000 + SECRET_OVERLAP_MS - 1) == ("new", "old")
    assert rotated.valid(1000 + SECRET_OVERLAP_MS) == ("new",)
    assert rotated.rotated("newest", 2000).valid(2000) == ("newest", "new")


@given(st.from_regex(r"[a-z.:-]{1,9}", fullmatch=True), st.integers(0, 2**53))
def test_an_event_id_names_one_revision_of_one_business(business: str, revision: int) -> None:
    assert revision_of(event_id(business, revision), business) == revision
    assert revision_of(event_id(business, revision), business + "x") is None


@pytest.mark.parametrize("text", ["", "7", ".7", "a.", "a.-7", "a.+7", "a.\u0667", "a. 7", "b.7"])
def test_what_is_no_event_of_the_business_is_none(text: str) -> None:
    assert revision_of(text, "a") is None


class Sending(RuleBasedStateMachine):
    """A webhook sends a log: deliveries fail, end in any order, and the server dies at any time."""

    LANES = ("a", "b", "c")

    def __init__(self) -> None:
        super().__init__()
        self.log: list[LogEntry] = []
        self.order = WebhookOrder(0)
        self.kept: tuple[int, dict[str, Held]] = (0, {})
        self.under_way: dict[str, LogEntry] = {}
        self.looking: dict[str, int] = {}
        self.told: dict[str, list[int]] = {lane: [] for lane in self.LANES}
        self.settled: set[int] = set()
        self.now = 0

    @rule(lane=st.sampled_from(LANES))
    def happen(self, lane: str) -> None:
        self.log.append(LogEntry(len(self.log) + 1, EventType.MESSAGE_SENT, lane))

    @rule(most=st.integers(1, 5))
    def read_on(self, most: int) -> None:
        up_to = min(len(self.log), self.order.scanned + most)
        self.order.take(self.log[self.order.scanned : up_to], up_to)

    @rule(seconds=st.integers(0, 3))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        lane = self.order.turn(self.now)
        if lane is None:
            return
        assert lane not in self.under_way | self.looking, "two deliveries of a lane at once"
        entry = self.order.first(lane)
        if entry is None:
            self.looking[lane] = self.order.scanned
        else:
            self.under_way[lane] = entry

    @rule()
    def look(self) -> None:
        """The log answers of a lane that is held; more may have been read on meanwhile."""
        for lane, up_to in self.looking.items():
            after = self.order.held[lane].after
            entry = next((e for e in self.of(lane) if after < e.revision <= up_to), None)
            if entry is None:
                self.order.caught_up(lane, up_to, self.now)
            else:
                self.under_way[lane] = entry
        self.looking.clear()

    def of(self, lane: str) -> list[LogEntry]:
        return [entry for entry in self.log if entry.lane == lane]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans(), delay=st.integers(0, 3))
    def end(self, data: st.DataObject, fails: bool, delay: int) -> None:
        lane = data.draw(st.sampled_from(sorted(self.under_way)))
        entry = self.under_way.pop(lane)
        if fails:
            self.order.failed(lane, entry, self.now + delay)
            return
        expected = [e.revision for e in self.of(lane) if e.revision not in self.settled]
        assert entry.revision in self.settled or entry.revision == expected[0], "out of order"
        self.told[lane].append(entry.revision)
        self.settled.add(entry.revision)
        self.order.done(lane, entry.revision, self.now)

    @rule()
    def keep(self) -> None:
        position, lanes = self.kept
        for lane in self.order.changed:
            held = self.order.held.get(lane)
            lanes = {k: v for k, v in lanes.items() if k != lane}
            lanes |= {lane: held} if held is not None else {}
        self.order.changed.clear()
        position = self.order.position
        self.kept = position, lanes

    @rule()
    def die(self) -> None:
        position, lanes = self.kept
        self.order = WebhookOrder(position, dict(lanes))
        self.under_way.clear()
        self.looking.clear()

    @invariant()
    def nothing_is_passed_over(self) -> None:
        for entry in self.log[: self.kept[0]]:
            held = self.kept[1].get(entry.lane)
            waits = held is not None and entry.revision > held.after
            assert entry.revision in self.settled or waits

    def teardown(self) -> None:
        """Once everything succeeds, everything is told."""
        self.look()
        for lane in list(self.under_way):
            entry = self.under_way.pop(lane)
            self.settled.add(entry.revision)
            self.order.done(lane, entry.revision, self.now)
        for _ in range(10 * len(self.log) + 50):
            self.now += 3
            self.read_on(5)
            self.begin()
            self.look()
            for lane, entry in list(self.under_way.items()):
                del self.under_way[lane]
                self.settled.add(entry.revision)
                self.order.done(lane, entry.revision, self.now)
        assert self.settled == {entry.revision for entry in self.log}
        assert self.order.position == len(self.log)


TestSending = Sending.TestCase


def test_what_is_read_and_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.webhook_order.OUTSTANDING_MAX", 3)
    monkeypatch.setattr("domain.webhook_order.HELD_MAX", 2)
    order = WebhookOrder(0)
    entries = [LogEntry(n, EventType.MESSAGE_SENT, f"lane{n}") for n in range(1, 4)]
    order.take(entries[:2], 2)
    assert order.takes_more
    order.take(entries[2:], 3)
    assert not order.takes_more
    for entry in entries[:2]:
        lane = order.turn(0)
        assert lane == entry.lane
        order.failed(lane, entry, 100)
    assert not order.takes_more  # two lanes are held
    assert order.next_due() == 100
    assert order.position == 2


def test_held_lanes_and_others_take_turns() -> None:
    order = WebhookOrder(0, {f"held{n}": Held(0, 0) for n in range(9)})
    order.take([LogEntry(n, EventType.MESSAGE_SENT, f"lane{n}") for n in range(1, 10)], 9)
    turns = [order.turn(0) for _ in range(8)]
    assert sum(str(lane).startswith("held") for lane in turns) == 4


def test_what_comes_while_a_lane_catches_up_is_not_lost() -> None:
    order = WebhookOrder(1, {"a": Held(1, 0)})
    assert order.turn(0) == "a"
    order.take([LogEntry(2, EventType.MESSAGE_SENT, "a")], 2)  # while the log was asked up to 1
    order.caught_up("a", 1, 0)
    assert order.held["a"].after == 1
    assert order.turn(0) == "a"
    order.done("a", 2, 0)
    assert order.turn(0) == "a"
    order.caught_up("a", 2, 0)
    assert order.held == {}
    assert order.position == 2


def test_a_lane_that_is_ahead_waits_for_the_log() -> None:
    """After a restart: what failed keeps its count of attempts, and is not sent from the start."""
    held = Held(7, 0, 8, EventType.MESSAGE_SENT, 3)
    order = WebhookOrder(5, {"a": held})
    assert order.turn(0) is None
    assert order.next_due() is None
    order.take([LogEntry(6, EventType.MESSAGE_SENT, "a")], 8)
    assert order.turn(0) == "a"
    assert order.attempts("a", 8) == 3
    assert order.position == 8
