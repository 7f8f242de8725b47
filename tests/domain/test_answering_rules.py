"""Who of the team answers without being in it: a member by that, who has read up to the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business import Business, Colleague
from domain.commands import Send, Speaker
from domain.conversation import Conversation, decide_send, evolve
from domain.events import Handling, HandlingChanged, MemberAdded, MessageSent, Person
from domain.handling import Accompanied, accompany
from domain.limits import Limits
from domain.locations import Location
from domain.permissions import Permission
from domain.roles import Role
from domain.routing import CustomerFacts

pytestmark = pytest.mark.requirement("EX-23", "EX-24")

ROLES = {
    "olivia": Role.OWNER,
    "mary": Role.MANAGER,
    "sam": Role.STAFF,
    "carla": Role.CUSTOMER,
}
AT_A = frozenset({"a"})
INBOX = frozenset({Permission.INBOX})
TEAM = {p: Colleague(role, AT_A, INBOX) for p, role in ROLES.items() if p != "carla"}


def said(person: str, members: set[str], waiting_since: int, assignee: str) -> Accompanied:
    """What a message does to a conversation with carla that is placed where all the team work."""
    place = Location(id="a", name="a", time_zone="UTC")
    where = Business(
        "b", 1, "B", owners=frozenset({"olivia"}), team=dict(TEAM), locations={"a": place}
    )
    people = {p: Person(p, p.title(), ROLES[p]) for p in ("carla", *sorted(members))}
    state = Conversation("c", "group", "", people, last_seq=7, business=where)
    state.handling = Handling(("a",), assignee=assignee)
    state.waiting_since = waiting_since
    speaker = Speaker(person, person.title(), ROLES[person], "phone", 5)
    command = Send(speaker, "m1", "Hi")
    decided = decide_send(state, command, {}, Limits(), 100)
    assert isinstance(decided, MessageSent)
    facts = CustomerFacts(("a",)) if person == "carla" else None
    found = accompany(state, where, command, decided, facts)
    for event in (*found.before, found.message):
        evolve(state, event)
    assert state.last_seq == found.message.seq
    assert person in state.members or person == "olivia"
    return found


@given(
    person=st.sampled_from(list(ROLES)),
    members=st.sets(st.sampled_from(["mary", "sam"])),
    waiting_since=st.sampled_from([0, 50]),
    assignee=st.sampled_from(["", "mary", "sam", "olivia"]),
)
def test_who_joins_by_answering_has_read_up_to_the_answer_and_nobody_else(
    person: str, members: set[str], waiting_since: int, assignee: str
) -> None:
    found = said(person, members, waiting_since, assignee)
    joins = person in ("mary", "sam") and person not in members
    assert found.joined == joins
    added = [event for event in found.before if isinstance(event, MemberAdded)]
    assert [(event.seq, event.author, event.member.id) for event in added] == (
        [(8, person, person)] if joins else []
    )
    assert found.message.seq == 8 + joins


def test_a_claim_by_a_member_and_the_word_of_a_customer_read_nothing() -> None:
    claimed = said("sam", {"sam"}, 50, "")
    assert [type(event) for event in claimed.before] == [HandlingChanged]
    assert not claimed.joined
    assert not said("carla", set(), 0, "").joined
