"""What the business answers by itself while it is closed: once per absence, and to whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.away import answering, mark, sent_key
from domain.business import Business
from domain.commands import Send, Speaker
from domain.conversation import Conversation, decide_send, evolve
from domain.events import HandlingChanged, MessageSent, Person
from domain.handling import accompany
from domain.hours import Hours, Span, absence
from domain.ids import BUSINESS_VOICE
from domain.limits import Limits
from domain.locations import Location
from domain.policies import Policies
from domain.roles import Role
from domain.routing import CustomerFacts

pytestmark = pytest.mark.requirement("EX-29")

HOUR = 3_600_000
MONDAY = 1_792_972_800_000  # 2026-10-26T00:00Z
NINE_TO_FIVE = Hours(((Span(540, 1020),),) * 7)
NOON, NIGHT = MONDAY + 12 * HOUR, MONDAY + 22 * HOUR
AT_A = CustomerFacts(("a",))
CARLA = Speaker("carla", "Carla", Role.CUSTOMER, "phone")


def place(id_: str, hours: Hours | None = NINE_TO_FIVE, text: str = "Closed.") -> Location:
    return Location(id=id_, name=id_, time_zone="UTC", hours=hours, away_text=text and text + id_)


def business(*places: Location, post_visit: int = 120) -> Business:
    policies = Policies(post_visit_minutes=post_visit)
    return Business("b", 1, "B", locations={p.id: p for p in places}, policies=policies)


class Talk:
    """A conversation with carla, as its actor keeps it."""

    def __init__(self, where: Business, facts: CustomerFacts = AT_A) -> None:
        members = {"carla": Person("carla", "Carla", Role.CUSTOMER)}
        self.state = Conversation("c", "group", "", members, business=where)
        self.business, self.facts, self.said = where, facts, 0

    def hears(self, at: int) -> list[MessageSent]:
        """What the business says to a message at ``at``."""
        self.said += 1
        command = Send(CARLA, f"m{self.said}", "Hi")
        decided = decide_send(self.state, command, {}, Limits(), at)
        assert isinstance(decided, MessageSent)
        found = accompany(self.state, self.business, command, decided, self.facts)
        for event in (*found.before, found.message, *found.after):
            assert isinstance(event, MessageSent | HandlingChanged)
            evolve(self.state, event)
        assert self.state.waiting_since, "an automatic answer is none"
        assert self.state.heard_at == at
        return list(found.after)


def test_who_writes_at_night_is_answered_once_until_it_has_been_open() -> None:
    talk = Talk(business(place("a")))
    assert talk.hears(NOON) == []
    (reply,) = talk.hears(NIGHT)
    assert (reply.author, reply.text, reply.location) == (BUSINESS_VOICE, "Closed.a", "a")
    assert talk.hears(NIGHT + HOUR) == []
    assert talk.hears(NOON + 24 * HOUR) == []
    assert len(talk.hears(NIGHT + 24 * HOUR)) == 1


def test_without_an_away_text_nothing_is_said() -> None:
    assert Talk(business(place("a", text=""))).hears(NIGHT) == []


def test_nobody_is_told_on_a_visit_or_shortly_after_it() -> None:
    visited = CustomerFacts(("a",), "a", (), NIGHT)
    where = business(place("a"))
    assert Talk(where, visited).hears(NIGHT - HOUR) == []
    assert Talk(where, visited).hears(NIGHT + 2 * HOUR - 1) == []
    assert len(Talk(where, visited).hears(NIGHT + 2 * HOUR)) == 1
    assert len(Talk(business(place("a"), post_visit=0), visited).hears(NIGHT)) == 1


def test_of_several_locations_one_that_is_open_answers_for_all() -> None:
    both = CustomerFacts(("a", "b"))
    assert Talk(business(place("a"), place("b", None)), both).hears(NIGHT) == []
    (reply,) = Talk(business(place("a", text=""), place("b")), both).hears(NIGHT)
    assert reply.location == "b"


def test_who_comes_back_to_an_absence_is_not_told_again() -> None:
    where = business(place("a"), place("b"))
    talk = Talk(where)
    assert [r.location for r in talk.hears(NIGHT)] == ["a"]
    talk.state.handling = type(talk.state.handling)()  # it was transferred meanwhile
    talk.facts = CustomerFacts(("b",))
    assert [r.location for r in talk.hears(NIGHT + 1)] == ["b"]
    talk.state.handling = type(talk.state.handling)()
    talk.facts = CustomerFacts(("a",))
    assert talk.hears(NIGHT + 2) == []


def test_what_was_said_long_ago_is_not_said_again() -> None:
    where = business(place("a"))
    talk = Talk(where)
    found = answering(where, ("a",), talk.facts, NIGHT)
    assert found is not None
    key = sent_key(talk.state, found)
    decided = decide_send(talk.state, Send(CARLA, "m1", "Hi"), {}, Limits(), NIGHT)
    assert isinstance(decided, MessageSent)
    said = accompany(talk.state, where, Send(CARLA, "m1", "Hi"), decided, talk.facts, earlier={key})
    assert said.after == ()
    assert mark(found) in repr(said), "it counts as answered"


@given(st.lists(st.integers(0, 14 * 24 * 60), min_size=1, max_size=40).map(sorted))
def test_each_absence_is_answered_exactly_once(minutes: list[int]) -> None:
    talk = Talk(business(place("a")))
    answered = list[str]()
    closed = set[str]()
    for number, minute in enumerate(minutes):
        at = MONDAY + minute * 60_000 + number
        named = absence(NINE_TO_FIVE, place("a").zone, at)
        closed |= {named} - {None}  # type: ignore[arg-type]
        for reply in talk.hears(at):
            assert reply.seq == talk.state.last_seq
            answered.append(reply.client_message_id.removeprefix("away.a."))
    assert sorted(answered) == sorted(closed)
