"""Who answers without being in it becomes a member by that, and has read up to their answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.batch_work import NOT_STORED
from domain import business as rules
from domain.commands import Accepted, Done
from domain.errors import StorageFailed
from domain.events import (
    Cursor,
    MemberAdded,
    MessageSent,
    Person,
    PersonChanged,
    ReceiptsAdvanced,
)
from domain.record_events import LocationChanged
from domain.roles import Role
from domain.views import Conversation
from storage.access import Viewer
from storage.check import check_file
from tests.actors.talk import (
    CONNECTIONS,
    PEOPLE,
    Shown,
    Talk,
    add,
    receipt,
    remove,
    send,
    talking,
)
from tests.contract.memory import MemoryDatabase

pytestmark = pytest.mark.requirement("EX-23", "EX-24", "DT-03")


async def furnish(talk: Talk) -> None:
    """All the team work at ``a``, where carla belongs; of it mary alone is in the conversation.

    carla has written twice.
    """
    place = LocationChanged(1, "test", "a", "a", "UTC")
    people = [
        PersonChanged(1, "test", Person(id_, id_.title(), role), ("a",), False)
        for id_, role in PEOPLE.items()
        if role is not Role.OWNER
    ]
    for event in (place, *people):
        await talk.database.journal.append(talk.business.id, [event], lambda _: None)
        rules.evolve(talk.business, event)
    assert isinstance(await talk.create("mary", "carla", author="mary"), Done)
    await talk(send("carla", "m1"), send("carla", "m2"))
    talk.new()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking("sqlite", tmp_path) as talk:
        await furnish(talk)
        yield talk


def cursor(talk: Talk, person: str) -> tuple[int, int]:
    """Delivered and read, as the actor knows it."""
    assert talk.actor._state is not None
    found = talk.actor._state.cursors.get(person, Cursor())
    return found.delivered_up_to, found.read_up_to


async def picture(talk: Talk, person: str) -> Conversation:
    """As it is stored."""
    viewer = Viewer(talk.business.no, person, PEOPLE[person])
    found = await talk.database.queries.view(viewer, "c1")
    assert found is not None
    return found


async def stored(talk: Talk, person: str) -> tuple[int, int, int]:
    """Delivered, read, and how much is unread."""
    found = await picture(talk, person)
    (member,) = [member for member in found.members if member.person == person]
    return member.delivered_up_to, member.read_up_to, found.unread


def receipts(shown: list[Shown]) -> list[Shown]:
    return [each for each in shown if isinstance(each.event, ReceiptsAdvanced)]


async def test_unread_is_nothing_right_after_and_after_a_restart(talk: Talk) -> None:
    assert (await picture(talk, "sam")).unread == 2
    answer = await talk.one(send("sam", "s1"))
    assert isinstance(answer, Accepted)
    assert answer.seq == 4, "behind the entry of the membership"
    for _ in range(2):
        assert cursor(talk, "sam") == (4, 4)
        assert await stored(talk, "sam") == (4, 4, 0)
        await talk.restart()
    await talk.one(send("carla", "m3"))
    assert await stored(talk, "sam") == (4, 4, 1)


async def test_it_is_told_as_any_receipt_after_the_message(talk: Talk) -> None:
    await talk.one(send("sam", "s1"))
    shown = talk.new()
    kinds = [type(each.event) for each in shown]
    assert (kinds[0], kinds[-2:]) == (MemberAdded, [MessageSent, ReceiptsAdvanced])
    (told,) = receipts(shown)
    assert {"carla"} <= told.audience, "whose messages were read"
    assert CONNECTIONS["sam"] not in told.origins, "no device has said so: each is told"
    assert isinstance(told.event, ReceiptsAdvanced)
    (step,) = told.event.advances
    assert (step.person, step.delivered, step.read, step.after) == ("sam", True, True, 0)
    assert step.cursor.read_at == shown[-2].event.at  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [0, 1])
async def test_ones_own_receipt_in_the_same_batch_keeps_nothing_from_ones_device(
    number: int, talk: Talk
) -> None:
    """The device knows what it said, which is less than what the answer says."""
    batch = [send("sam", "s1")]
    batch.insert(number, receipt("sam", 1, 1))  # type: ignore[arg-type]
    answers = await talk(*batch)
    assert {type(answer) for answer in answers} == {Accepted, Done}
    (told,) = receipts(talk.new())
    assert CONNECTIONS["sam"] not in told.origins
    assert cursor(talk, "sam") == (4, 4)
    assert await stored(talk, "sam") == (4, 4, 0)


async def test_what_was_read_before_is_told_again(talk: Talk) -> None:
    """On the list of members they begin at nothing, so the first message is concerned as well."""
    await talk.one(receipt("sam", 2, 2))
    talk.new()
    await talk.one(send("sam", "s1"))
    (told,) = receipts(talk.new())
    assert told.event.advances[0].after == 0  # type: ignore[union-attr]
    assert await stored(talk, "sam") == (4, 4, 0)


async def test_who_is_added_by_another_starts_over(talk: Talk) -> None:
    await talk.one(receipt("sam", 2, 2))
    assert await talk.one(add("mary", "sam")) == Done(await head(talk))
    assert (cursor(talk, "sam"), await stored(talk, "sam")) == ((0, 0), (0, 0, 2))
    await talk.one(send("sam", "s1"))
    assert cursor(talk, "sam") == (0, 0), "a member's own message moves no cursor"
    assert await stored(talk, "sam") == (0, 0, 2)


async def test_who_is_removed_and_answers_again_has_read(talk: Talk) -> None:
    await talk.one(send("sam", "s1"))
    await talk.one(remove("mary", "sam"))
    assert cursor(talk, "sam") == (0, 0)
    assert (await picture(talk, "sam")).unread == 2
    await talk.one(send("carla", "m3"))
    await talk.one(send("sam", "s2"))
    assert (cursor(talk, "sam"), await stored(talk, "sam")) == ((8, 8), (8, 8, 0))
    await talk(remove("mary", "sam"), add("mary", "sam"))
    assert (cursor(talk, "sam"), await stored(talk, "sam")) == ((0, 0), (0, 0, 3))


async def test_who_answers_and_is_removed_in_one_batch_leaves_no_cursor(talk: Talk) -> None:
    answers = await talk(send("sam", "s1"), remove("mary", "sam"))
    assert {type(answer) for answer in answers} == {Accepted, Done}
    assert not receipts(talk.new())
    assert cursor(talk, "sam") == (0, 0)
    await talk.restart()
    assert cursor(talk, "sam") == (0, 0)


async def test_the_same_answer_again_reads_nothing(talk: Talk) -> None:
    said = send("sam", "s1")
    first = await talk.one(said)
    await talk.one(send("carla", "m3"))
    talk.new()
    assert await talk.one(said) == first
    assert not talk.new()
    assert await stored(talk, "sam") == (4, 4, 1)


async def test_an_answer_that_cannot_be_stored_reads_nothing(tmp_path: Path) -> None:
    """As one: there is no member without the message, and neither without the reading."""
    async with talking("memory", tmp_path) as talk:
        await furnish(talk)
        assert isinstance(talk.database, MemoryDatabase)
        faults = iter([StorageFailed("the disk is full")])

        def fault() -> None:
            for error in faults:
                raise error

        talk.database.fault = fault
        assert await talk(send("sam", "s1"), receipt("sam", 1, 1)) == [NOT_STORED] * 2
        assert (talk.new(), cursor(talk, "sam")) == ([], (0, 0))
        await talk(send("sam", "s1"), receipt("sam", 1, 1))
        assert (cursor(talk, "sam"), len(receipts(talk.new()))) == ((4, 4), 1)


async def test_the_answer_of_an_owner_is_no_membership(talk: Talk) -> None:
    await talk.one(send("olivia", "o1"))
    assert not receipts(talk.new())
    assert cursor(talk, "olivia") == (0, 0)


async def test_ex24_the_team_has_read_up_to_the_answer(talk: Talk) -> None:
    assert talk.actor._state is not None
    await talk.one(send("mary", "y1"))
    assert talk.actor._state.team_read_up_to == 0, "what a member says reads nothing"
    await talk.one(send("sam", "s1"))
    for _ in range(2):
        assert talk.actor._state.team_read_up_to == 5
        await talk.restart()


async def head(talk: Talk) -> int:
    return max(message.revision for message in await talk.log())


class Expected:
    """What the rules say of members and cursors, in as few words as there are."""

    def __init__(self) -> None:
        self.last = 2
        self.members = {"mary", "carla"}
        self.read: dict[str, int] = {}
        self.team = 0

    def reads(self, person: str, up_to: int) -> None:
        self.read[person] = max(self.read.get(person, 0), min(up_to, self.last))
        if PEOPLE[person] is not Role.CUSTOMER:
            self.team = max(self.team, self.read[person])

    def says(self, person: str) -> None:
        joins = person not in self.members and person != "olivia"
        self.last += 1 + joins
        if joins:
            self.members.add(person)
            self.read.pop(person, None)
            self.reads(person, self.last)

    def adds(self, person: str) -> None:
        if person not in self.members:
            self.members.add(person)
            self._starts_over(person)

    def removes(self, person: str) -> None:
        if person in self.members:
            self.members.discard(person)
            self._starts_over(person)

    def _starts_over(self, person: str) -> None:
        self.last += 1
        self.read.pop(person, None)


steps = st.lists(
    st.tuples(
        st.sampled_from(["says", "reads", "adds", "removes"]),
        st.sampled_from(["sam", "zoe", "mary", "olivia"]),
        st.integers(1, 12),
    ),
    max_size=12,
)


@given(steps=steps)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_r42_whoever_comes_and_goes_cursors_are_what_the_rules_say(
    steps: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each by itself, live and as it is stored; what is unread follows from it."""
    async with talking("sqlite", tmp_path_factory.mktemp("talk")) as talk:
        await furnish(talk)
        expected = Expected()
        for number, (kind, person, up_to) in enumerate(steps):
            if kind == "says":
                await talk.one(send(person, f"x{number}"))
                expected.says(person)
            elif kind == "reads":
                await talk.one(receipt(person, up_to, up_to))
                expected.reads(person, up_to)
            elif person != "olivia":
                command = add if kind == "adds" else remove
                await talk.one(command("olivia", person))
                getattr(expected, kind)(person)
        for _ in range(2):
            state = talk.actor._state
            assert state is not None
            assert set(state.members) == expected.members
            read = {person: c.read_up_to for person, c in state.cursors.items() if c.read_up_to}
            assert read == {person: up_to for person, up_to in expected.read.items() if up_to}
            assert state.team_read_up_to == expected.team
            await talk.restart()
        log = await talk.log()
        for person in ("sam", "zoe", "mary", "olivia"):
            read_up_to = expected.read.get(person, 0)
            unread = [m for m in log if m.kind == "text" and m.author != person]
            assert (await picture(talk, person)).unread == sum(m.seq > read_up_to for m in unread)
        assert check_file(talk.database.path) == []
