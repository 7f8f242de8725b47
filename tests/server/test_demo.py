"""The demo is made whole, whatever interrupts its making, and touches no business of others."""

from pathlib import Path

import pytest
import trio

from domain.errors import StorageFailed
from domain.roles import Role
from domain.views import Conversation
from server.config import ConfigurationError
from server.demo import BUSINESS_ID, CONVERSATION_ID, PEOPLE, TALK, prepare_demo
from server.node import Node
from server.reading import viewer_of
from server.settings import Settings
from storage.check import check_file
from tests.fixtures.node import running_node


async def talk_of(node: Node) -> list[str]:
    """What is said in the demo's conversation."""
    live = await node.live(BUSINESS_ID)
    assert live is not None
    olivia = viewer_of(live, "olivia", Role.OWNER)
    found = await node.queries.history(olivia, CONVERSATION_ID, None, None, 100)
    return [] if found is None else [message.text for message in found[0] if message.text]


async def killed_after(node: Node, events: int) -> None:
    """Make the demo until the business is there and ``events`` of it are stored, no further."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(prepare_demo, node)
        while stored(node) < events:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


def stored(node: Node) -> int:
    """How many events of the demo are stored; -1: there is no business yet."""
    try:
        return node.database.journal.released(BUSINESS_ID)
    except KeyError:
        return -1


RECORDS, TALKS = 121, 455
"""Events that are stored when the shop is there, and when what was said is."""


@pytest.mark.parametrize("events", [0, 1, RECORDS + 1, TALKS + 1, TALKS + 3, TALKS + 5])
async def test_a_demo_that_was_killed_in_its_making_is_completed(
    events: int, tmp_path: Path
) -> None:
    async with running_node(tmp_path) as stage:
        await killed_after(stage.node, events)
        assert stored(stage.node) in ({0, RECORDS, TALKS} if events <= TALKS else range(TALKS, 500))
        assert len(await talk_of(stage.node)) < len(TALK)
        clock = stage.clock
        clock.now += 3 * 24 * 3_600_000
    async with running_node(tmp_path, clock=clock) as stage:
        demo = await prepare_demo(stage.node)
        assert [person.id for person in demo.people] == [person.id for person in PEOPLE]
        assert await talk_of(stage.node) == [text for _, text in TALK]
        live = await stage.node.live(BUSINESS_ID)
        assert live is not None
        found = await stage.node.queries.everyone(live.state, "", 100)
        assert {record.id for record in found} > {person.id for person in PEOPLE}
        assert len(found) == 46
        assert len(await listed(stage.node, "olivia", Role.OWNER)) == 51
    assert check_file(tmp_path / "deskbell.db") == []


async def listed(node: Node, person: str, role: Role) -> list[Conversation]:
    """The conversations of somebody, latest activity first."""
    live = await node.live(BUSINESS_ID)
    assert live is not None
    viewer = viewer_of(live, person, role)
    return list((await node.queries.conversations(viewer, None, 100)).conversations)


async def test_the_three_find_their_conversation_first_and_a_shop_around_it(
    tmp_path: Path,
) -> None:
    async with running_node(tmp_path) as stage:
        await prepare_demo(stage.node)
        for person in PEOPLE:
            conversations = await listed(stage.node, person.id, person.role)
            assert conversations[0].id == CONVERSATION_ID
            assert len(conversations) > 1
            assert {each.unread for each in conversations[1:]} == {0}
        sams = await listed(stage.node, "sam", Role.STAFF)
        tesss = await listed(stage.node, "tess", Role.STAFF)
        assert not {each.id for each in sams} & {each.id for each in tesss}, "two locations"
        ages = [each.last_message.at for each in sams if each.last_message is not None]
        assert ages == sorted(ages, reverse=True), "in the order of what was said last"
        known = [each.handling for each in (*sams, *tesss) if each.handling is not None]
        assert {handling.status for handling in known} == {"open", "closed", "snoozed"}
        assert any(handling.waiting_since and not handling.assignee for handling in known)
        assert any(handling.waiting_since and handling.assignee for handling in known)


async def test_a_demo_that_is_whole_is_left_as_it_is(tmp_path: Path) -> None:
    async with running_node(tmp_path) as stage:
        first = await prepare_demo(stage.node)
        released = stage.node.database.journal.released(BUSINESS_ID)
    async with running_node(tmp_path) as stage:
        assert await prepare_demo(stage.node) == first
        assert stage.node.database.journal.released(BUSINESS_ID) == released


@pytest.mark.parametrize("people", [{}, {"olivia": Role.OWNER, "carla": Role.CUSTOMER}])
async def test_a_real_business_of_the_demos_name_is_not_touched(
    people: dict[str, Role], tmp_path: Path
) -> None:
    async with running_node(tmp_path) as stage:
        await stage.add_business(BUSINESS_ID, people)
        released = stage.node.database.journal.released(BUSINESS_ID)
        with pytest.raises(ConfigurationError, match="deskbell serve"):
            await prepare_demo(stage.node)
        assert stage.node.database.journal.released(BUSINESS_ID) == released
        assert await talk_of(stage.node) == []


async def test_settings_under_which_nothing_can_be_said_are_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), text_bytes=10)
    async with running_node(tmp_path, settings) as stage:
        with pytest.raises(StorageFailed, match="too_large"):
            await prepare_demo(stage.node)
