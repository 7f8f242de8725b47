"""What a conversation's actor keeps in memory of somebody who was erased."""

from pathlib import Path

import pytest

from domain import business as rules
from domain.commands import Done, Erase
from domain.erasure import DELETED_NAME
from domain.erasure_events import MessageErased, PersonErased
from domain.events import Person
from domain.roles import Role
from tests.actors.talk import send, talking


@pytest.mark.requirement("EX-21")
async def test_neither_a_name_nor_what_was_sent_is_left(tmp_path: Path) -> None:
    async with talking("sqlite", tmp_path) as talk:
        assert isinstance(await talk.create("carla", "sam"), Done)
        await talk(send("carla", "m1"), send("sam", "m2"))
        gone = Person("carla", DELETED_NAME, Role.CUSTOMER, active=False)
        event = PersonErased(1, "olivia", gone, (), access=True)
        await talk.database.journal.append(talk.business.id, [event], lambda _: None)
        rules.evolve(talk.business, event)
        talk.new()

        assert await talk(Erase((1, 9))) == [Done()]
        assert await talk(Erase()) == [Done()]

        assert [type(shown.event) for shown in talk.new()] == [MessageErased]
        state = talk.actor._state
        assert state is not None
        assert state.members["carla"].name == DELETED_NAME
        assert [key for key in state.sent if key[0] == "carla"] == []
        assert [key[0] for key in state.sent] == ["sam"]
        assert state.recent[1].deleted
        assert not state.recent[2].deleted
