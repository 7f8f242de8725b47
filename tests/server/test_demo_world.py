"""The demo's world is made of a seed and a moment, and could be a shop."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.business import Business
from domain.hours import is_open
from domain.limits import Limits
from domain.roles import Role
from server.demo_talks import TALKS
from server.demo_world import World, make_world, records_of, talks_of

NOW = 1_793_000_000_000
YEAR_MS = 366 * 24 * 3_600_000
FICTIONAL = re.compile(r"\+1(212|312)55501[0-9]{2}").fullmatch


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(NOW)


def test_the_same_seed_and_moment_make_the_same_world(world: World) -> None:
    assert make_world(NOW) == world
    assert make_world(NOW, seed=1).talks != world.talks
    assert make_world(NOW + 1).talks != world.talks


@settings(max_examples=25, deadline=None)
@given(now=st.integers(NOW - YEAR_MS, NOW + YEAR_MS), seed=st.integers(0, 99))
def test_every_world_keeps_the_rules_of_a_business(now: int, seed: int) -> None:
    world, business = make_world(now, seed), Business("pawsome", 1, "Pawsome")
    records_of(world, business, now)  # it asserts that nothing is refused
    talks_of(world, business, Limits(), now)
    ends = [talk.messages[-1].at for talk in world.talks]
    assert ends == sorted(ends)
    assert ends[-1] < now
    assert now - ends[0] > 14 * 24 * 3_600_000
    for visit in world.appointments:
        place = business.locations[visit.location]
        assert is_open(place.hours, place.zone, visit.start), visit


def test_it_is_a_shop_and_nobody_in_it_exists(world: World) -> None:
    roles = Counter(change.person.role for change in world.people)
    assert roles == {Role.OWNER: 1, Role.MANAGER: 1, Role.STAFF: 4, Role.CUSTOMER: 40}
    phones = [phone for change in world.people for phone in change.profile.contact.phones]
    assert len(set(phones)) == 40
    assert all(map(FICTIONAL, phones))
    emails = {change.profile.contact.email for change in world.people} - {""}
    assert all(email.endswith("@example.com") for email in emails)
    assert {place.location for place in world.locations} == {"main", "lakeside"}
    assert len({place.time_zone for place in world.locations}) == 2


def test_what_is_said_sounds_like_people(world: World) -> None:
    assert len(world.talks) == TALKS
    said = [message.text for talk in world.talks for message in talk.messages]
    assert not [text for text in said if re.search(r"[{}]|  |^ | $", text)]
    assert len(set(said)) > len(said) * 0.75
    topics = Counter(talk.conversation.partition("-")[0] for talk in world.talks)
    assert len(topics) == 7
    waiting = [talk for talk in world.talks if talk.waiting]
    assert 5 < len(waiting) < 15
    assert 3 < len(world.notes) < 20
    assert any(note.mentions for note in world.notes.values())
    names = {change.person.id: change.person.role for change in world.people}
    assert all(names[talk.messages[-1].author] is Role.CUSTOMER for talk in waiting)
