"""Who may talk to whom, as rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business import Business
from domain.commands import Speaker
from domain.company import BLOCKED, NO_STAFF_TALK, partners, refuse_joining, refuse_start
from domain.events import Person
from domain.policies import Policies
from domain.roles import EVERYBODY, TEAM, Role

roles = st.sampled_from(list(Role))
others = st.lists(roles, max_size=4).map(
    lambda found: tuple(Person(f"p{n}", "P", role) for n, role in enumerate(found))
)
ALIKE = {Role.STAFF, Role.MANAGER}


def business(*, staff_to_staff: bool = True) -> Business:
    return Business("b", 1, "B", policies=Policies(staff_to_staff=staff_to_staff))


def speaker(role: Role) -> Speaker:
    return Speaker("me", "Me", role, "d1")


@pytest.mark.requirement("DT-23")
@given(roles, others, st.booleans())
def test_staff_are_apart_only_where_no_customer_is(
    role: Role, people: tuple[Person, ...], allowed: bool
) -> None:
    found = {person.role for person in people}
    alone = Role.CUSTOMER not in found and bool(found & ALIKE)
    expected = NO_STAFF_TALK if not allowed and role in ALIKE and alone else None
    world = business(staff_to_staff=allowed)
    me = Person("me", "Me", role)
    assert refuse_start(world, speaker(role), (me, *people)) == expected


@pytest.mark.requirement("DT-23")
@given(roles, roles, others, st.booleans())
def test_whom_one_may_start_with_one_may_add(
    role: Role, added: Role, people: tuple[Person, ...], allowed: bool
) -> None:
    world, person = business(staff_to_staff=allowed), Person("new", "New", added)
    if refuse_start(world, speaker(role), (person, *people)) is None:
        assert refuse_joining(world, speaker(role), person, people) is None


@pytest.mark.requirement("DT-13")
@given(roles, st.booleans())
def test_the_search_offers_exactly_whom_one_may_start_with(role: Role, allowed: bool) -> None:
    world = business(staff_to_staff=allowed)
    offered = partners(world, "me", role)
    for other in TEAM if role is Role.CUSTOMER else EVERYBODY:
        refused = refuse_start(world, speaker(role), (Person("p", "P", other),))
        assert (refused is None) == (other in offered)


@pytest.mark.requirement("EX-32")
@given(others)
def test_who_is_blocked_starts_nothing(people: tuple[Person, ...]) -> None:
    world = business()
    world.blocked.add("me")
    assert refuse_start(world, speaker(Role.CUSTOMER), people) == BLOCKED
    assert not partners(world, "me", Role.CUSTOMER)
