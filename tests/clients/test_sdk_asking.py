"""What the Python SDK asks the real server over HTTP for the team: why, and who else."""

import pytest

from deskbell_client import Explanation, Person, Refused
from tests.clients.test_against_server import REX, Deskbell
from tests.clients.test_sdk_uploads import deskbell as deskbell
from tests.clients.test_sdk_uploads import entered

OLIVIA = Person("olivia", "Olivia Marsh", "owner")


async def test_the_team_asks_why_a_message_is_where_it_is(deskbell: Deskbell) -> None:
    async with entered(deskbell, "carla") as carla, entered(deskbell, "sam") as sam:
        await sam.ping()
        ack = await carla.send(REX, "Is Rex ready?")
        why = await sam.explain(REX, ack.seq)
        assert isinstance(why, Explanation)
        assert (why.conversation, why.seq, why.locations) == (REX, ack.seq, ("main",))
        assert why.rule
        assert why.sentence.endswith(".")
        assert why.answers is not None
        assert "main" in why.customer_locations
        there = {each.person: (each.live, each.reason) for each in why.recipients}
        assert there["sam"] == (True, "")
        assert (False, "not_logged_in") in there.values()
        with pytest.raises(Refused, match="forbidden"):
            await carla.explain(REX, ack.seq)
        with pytest.raises(Refused, match="not_found"):
            await sam.explain("nowhere", 1)


async def test_the_team_asks_who_else_sees_a_conversation(deskbell: Deskbell) -> None:
    async with entered(deskbell, "carla") as carla, entered(deskbell, "sam") as sam:
        others = await sam.colleagues(REX)
        assert OLIVIA in others
        assert "sam" not in [person.id for person in others]
        assert await sam.colleagues(REX, "OLI") == (OLIVIA,)
        assert await sam.colleagues(REX, "carla & co") == ()
        assert len(await sam.colleagues(REX, limit=1)) == 1
        for person in others:
            await sam.handle(REX, "assign", person=person.id)
        with pytest.raises(Refused, match="forbidden"):
            await carla.colleagues(REX)
