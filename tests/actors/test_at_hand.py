"""What an actor keeps at hand of customers and members says what is stored."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.conversation import ConversationActor
from domain import business as rules
from domain.commands import Accepted, Send, Speaker
from domain.events import Person, PersonChanged
from domain.limits import Limits
from domain.record_events import LocationChanged
from domain.roles import Role
from tests.actors.talk import Talk, add, send, talking

pytestmark = pytest.mark.requirement("EX-23")


async def change(talk: Talk, event: LocationChanged | PersonChanged) -> None:
    await talk.database.journal.append(talk.business.id, [event], lambda _: None)
    rules.evolve(talk.business, event)


async def become(talk: Talk, id_: str, role: Role, *places: str) -> None:
    await change(talk, PersonChanged(1, "test", Person(id_, id_.title(), role), places, False))


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """zoe works at ``a``; of carla nobody knows where she belongs."""
    async with talking("sqlite", tmp_path) as talk:
        await change(talk, LocationChanged(1, "test", "a", "a", "UTC"))
        await become(talk, "zoe", Role.STAFF, "a")
        yield talk


def placed(talk: Talk) -> tuple[str, ...]:
    assert talk.actor._state is not None
    return talk.actor._state.handling.locations


async def test_where_a_customer_wrote_last_counts_for_what_is_placed_nowhere(talk: Talk) -> None:
    await talk.create("carla", author="olivia")
    await talk.one(send("carla", "m1"))
    assert placed(talk) == ()
    first = talk.actor
    await talk.restart("c2")
    await talk.create("carla", author="zoe")
    await talk.one(send("zoe", "z1"))
    await talk.one(send("carla", "m2"))
    assert placed(talk) == ("a",)
    talk.actor = first
    await talk.one(send("carla", "m3"))
    assert placed(talk) == ("a",)


async def test_who_became_a_customer_is_one_in_the_conversations_they_are_in(talk: Talk) -> None:
    await talk.create("mary", author="olivia")
    await become(talk, "mary", Role.CUSTOMER, "a")
    said = Send(Speaker("mary", "Mary", Role.CUSTOMER, "phone", 2), "m1", "Hello", 0)
    await talk.one(said)
    live = placed(talk)
    await talk.restart()
    await talk.one(Send(said.speaker, "m2", "Hello", 0))
    assert live == placed(talk) == ("a",)


async def test_more_customers_than_are_kept_at_hand_may_write_at_once(talk: Talk) -> None:
    await talk.create("carla", author="olivia")
    actor = ConversationActor(
        talk.business,
        "c1",
        talk.database.queries,
        talk.database.journal,
        talk,
        Limits(members=1),
        talk.clock,
    )
    await actor.activate()
    talk.actor = actor
    answers = await talk(send("carla", "m1"), send("dave", "m2"), add("olivia", "dave"))
    assert isinstance(answers[0], Accepted)
    await talk.one(send("dave", "m3"))
    assert len(actor._handling._facts) <= 2, "the bound, and what a batch needs"


async def test_the_first_location_may_come_while_a_batch_is_looked_up(tmp_path: Path) -> None:
    async with talking("sqlite", tmp_path) as talk:
        await talk.create("carla", author="olivia")
        queries = talk.database.queries

        class Slow:
            def __getattr__(self, name: str) -> Any:
                return getattr(queries, name)

            async def people(self, *asked: Any) -> Any:
                await change(talk, LocationChanged(1, "test", "a", "a", "UTC"))
                return await queries.people(*asked)

        talk.actor._store = Slow()  # type: ignore[assignment]
        answers = await talk(send("carla", "m1"), add("olivia", "dave"))
        assert isinstance(answers[0], Accepted)
        assert talk.business.locations
        assert isinstance(await talk.one(send("carla", "m2")), Accepted)
