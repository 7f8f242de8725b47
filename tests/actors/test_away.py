"""The conversation actor while the business is closed: one batch, one reply, after a crash too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain import business as rules
from domain.commands import Accepted, Done
from domain.events import HandlingChanged, MessageSent, Person, PersonChanged
from domain.hours import Hours, Span
from domain.ids import BUSINESS_VOICE
from domain.record_events import LocationChanged
from domain.roles import Role
from tests.actors.talk import Talk, send, talking

pytestmark = pytest.mark.requirement("EX-29")

NEVER = Hours(((),) * 7)
ALWAYS = Hours(((Span(0, 1440),),) * 7)


async def place(talk: Talk, id_: str, hours: Hours) -> None:
    event = LocationChanged(1, "test", id_, id_, "UTC", hours, f"{id_} is closed.")
    await talk.database.journal.append(talk.business.id, [event], lambda _: None)
    rules.evolve(talk.business, event)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """carla belongs to a location that is never open."""
    async with talking("sqlite", tmp_path) as talk:
        await place(talk, "a", NEVER)
        carla = PersonChanged(1, "test", Person("carla", "Carla", Role.CUSTOMER), ("a",), False)
        await talk.database.journal.append(talk.business.id, [carla], lambda _: None)
        assert isinstance(await talk.create("carla"), Done)
        talk.new()
        yield talk


async def replies(talk: Talk) -> list[int]:
    return [m.seq for m in await talk.log() if m.author == BUSINESS_VOICE]


async def test_it_is_said_right_after_the_message_in_the_same_batch(talk: Talk) -> None:
    answers = await talk(send("carla", "m1"), send("carla", "m2"))
    assert [a.seq for a in answers if isinstance(a, Accepted)] == [1, 3]
    assert await replies(talk) == [2]
    events = [shown.event for shown in talk.new()]
    (reply,) = [e for e in events if isinstance(e, MessageSent) and e.author == BUSINESS_VOICE]
    assert (reply.location, reply.text) == ("a", "a is closed.")
    assert reply.waiting_since == talk.actor._state.waiting_since  # type: ignore[union-attr]


async def test_it_is_said_once_whatever_crashes_in_between(talk: Talk) -> None:
    await talk.one(send("carla", "m1"))
    await talk.restart()
    await talk.one(send("carla", "m2"))
    assert await replies(talk) == [2]


async def test_a_message_that_is_repeated_is_answered_once(talk: Talk) -> None:
    first = await talk.one(send("carla", "m1"))
    assert await talk.one(send("carla", "m1")) == first
    assert len(await talk.log()) == 2


async def test_a_reply_that_is_stored_already_does_not_hold_up_the_message(talk: Talk) -> None:
    """What the state remembers of it has gone: the journal says so."""
    await talk.one(send("carla", "m1"))
    state = talk.actor._state
    assert state is not None
    state.sent.clear()
    state.handling = type(state.handling)(state.handling.locations)
    event = LocationChanged(1, "test", "a", "a", "UTC", NEVER, "Otherwise.")
    rules.evolve(talk.business, event)
    answer = await talk.one(send("carla", "m2"))
    assert isinstance(answer, Accepted)
    assert await replies(talk) == [2]


async def test_a_reply_of_long_ago_does_not_hold_up_the_message(talk: Talk) -> None:
    """Nor where the stored handling has forgotten the absence, too."""
    await talk.one(send("carla", "m1"))
    await place(talk, "a", ALWAYS)
    for number in range(2):
        await talk.one(send("carla", f"n{number}"))
    state = talk.actor._state
    assert state is not None
    handling = type(state.handling)(state.handling.locations, away="b.1")
    changed = HandlingChanged("c1", state.last_seq, 1, "sam", "transfer", handling, 1)
    await talk.database.journal.append(talk.business.id, [changed], lambda _: None)
    await place(talk, "a", NEVER)
    await talk.restart()
    state = talk.actor._state
    assert state is not None
    state.sent.clear()
    assert isinstance(await talk.one(send("carla", "m2")), Accepted)
    assert await replies(talk) == [2]
