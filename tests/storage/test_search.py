"""Searching finds all that one may read and nothing else, whatever the index holds by then."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.channels import Channel
from domain.events import Handling
from domain.handling_action import Status
from domain.refusal import Refusal
from domain.roles import Role
from domain.search import parse
from storage import access, search, search_index, timeline, unindexed
from storage.access import Viewer
from storage.database import Database
from storage.narrowing import Narrowing
from storage.search import FoundPage, Search
from tests.contract.house import House, running_database
from tests.storage.search_world import LOCATIONS, PEOPLE, WORDS, Line, World, index_all, spelt, step

Place = tuple[str, int]


async def find(house: House, person: str, q: str, **more: object) -> FoundPage | None:
    terms = parse(q)
    assert not isinstance(terms, Refusal)
    asked = Search(terms, **more)  # type: ignore[arg-type]
    return await house.database.queries.find(house.viewer(person), asked)


async def places(house: House, person: str, q: str, limit: int = 50, **more: object) -> list[Place]:
    """Everything that is found, page by page."""
    found: list[Place] = []
    before: str | None = None
    while True:
        page = await find(house, person, q, before=before, limit=limit, **more)
        assert page is not None
        assert len(page.found) <= limit
        assert not page.behind
        found += [(each.conversation, each.seq) for each in page.found]
        if page.next is None:
            return found
        before = page.next


def holds(line: Line, words: list[str], last_begins: bool, phrase: bool) -> bool:
    said = spelt(line.text)

    def at(place: int, word: str, begins: bool) -> bool:
        return said[place].startswith(word) if begins else said[place] == word

    if phrase:
        return any(
            all(at(place + n, word, False) for n, word in enumerate(words))
            for place in range(len(said) - len(words) + 1)
        )
    return all(
        any(at(place, word, last_begins and n == len(words) - 1) for place in range(len(said)))
        for n, word in enumerate(words)
    )


def expected(world: World, person: str, q: str, **more: object) -> list[Place]:
    """What ``q`` of one or two words, or a phrase of them, should find."""
    phrase = q.startswith('"')
    words = spelt(q)
    begins = not phrase and not q.endswith(" ") and len(words[-1]) >= 3
    return [
        (line.conversation, line.seq)
        for line in world.visible(person)
        if line.text
        and holds(line, words, begins, phrase)
        and more.get("conversation") in (None, line.conversation)
        and more.get("author") in (None, line.author)
        and more.get("channel") in (None, line.channel)
        and line.attachments >= bool(more.get("attachments", False))
        and fits(world, person, line.conversation, more.get("among"))
        and line.at >= int(str(more.get("since", 0)))
        and line.at <= int(str(more.get("until", 2**60)))
    ]


def fits(world: World, person: str, room: str, among: object) -> bool:
    """Whether a conversation is among those a search is narrowed to."""
    if not isinstance(among, Narrowing):
        return True
    handling = world.handling.get(room, Handling())
    among_whom = world.inside if PEOPLE[person] is Role.CUSTOMER else world.ever
    return (
        among.location in (None, *handling.locations)
        and among.status in (None, handling.status)
        and (among.person in (None, "olivia") or (room, among.person) in among_whom)
    )


def questions(pick: random.Random, world: World) -> list[tuple[str, dict[str, object]]]:
    """Questions of every kind."""
    asked: list[tuple[str, dict[str, object]]] = []
    times = sorted(line.at for line in world.lines.values())
    for _ in range(14):
        one, other = (pick.choice([w for w in WORDS if "-" not in w]) for _ in range(2))
        q = pick.choice(
            (f"{one} ", f"{one} {other} ", f'"{one} {other}"', f"{one} {other[:3]}", one[:3])
        )
        filters: dict[str, object] = {}
        if pick.random() < 0.2:
            filters["author"] = pick.choice(list(PEOPLE))
        if pick.random() < 0.2:
            filters["since"] = pick.choice(times)
        if pick.random() < 0.2:
            filters["until"] = pick.choice(times)
        if pick.random() < 0.2:
            filters["channel"] = pick.choice(list(Channel))
        if pick.random() < 0.2:
            filters["attachments"] = True
        if pick.random() < 0.4:
            filters["among"] = Narrowing(
                pick.choice((None, None, *LOCATIONS, "nowhere")),
                pick.choice((None, None, *Status)),
                pick.choice((None, None, "nobody", *PEOPLE)),
            )
        asked.append((q, filters))
    return asked


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An empty business; nothing is indexed unless a test says so."""
    async with running_database(tmp_path) as database:
        yield await House.founded(database)


@pytest.fixture
def few_by_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small numbers, so that a small world passes all of the limits."""
    monkeypatch.setattr(search_index, "STEP", 3)
    monkeypatch.setattr(search_index, "PLANNED_KEYS", 5)
    monkeypatch.setattr(search_index, "PLANNED_CONVERSATIONS", 2)
    monkeypatch.setattr(search_index, "BLOCK_BITS", 3)
    monkeypatch.setattr(search, "BLOCK_BITS", 3)
    monkeypatch.setattr(search, "FEW", 2)
    monkeypatch.setattr(timeline, "FEW", 2)
    monkeypatch.setattr(timeline, "SPAN", 12)


@pytest.mark.requirement("R26", "EX-30")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("few_by_few")
async def test_a_search_finds_what_a_reader_of_everything_would(tmp_path: Path, seed: int) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        # From never indexed to nearly always.
        world = await World.talked(house, seed, 120, steps=(0, 0.05, 0.3)[seed % 3])
        pick = random.Random(seed)
        for indexed in (False, True):
            if indexed:
                await index_all(house)
            for q, filters in questions(pick, world):
                for person in PEOPLE:
                    found = await places(house, person, q, pick.randint(1, 5), **filters)
                    assert found == expected(world, person, q, **filters), (q, filters, person)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("few_by_few")
async def test_a_search_of_one_conversation(tmp_path: Path, seed: int) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        world = await World.talked(house, seed, 80)
        for person in PEOPLE:
            for room in world.rooms:
                filters = {"conversation": room}
                if world.since(person, room) is None:
                    assert await find(house, person, "rex ", **filters) is None
                else:
                    found = await places(house, person, "rex ", 2, **filters)
                    assert found == expected(world, person, "rex ", **filters)
            assert await find(house, person, "rex", conversation="nowhere") is None


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seed", range(4))
async def test_readable_is_what_grant_gives(tmp_path: Path, seed: int) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        world = await World.talked(house, seed, 80, steps=0)
        other = await House.founded(database, "other")
        await other.converse("c0", "sam", "carla")
        if seed == 3:
            await house.transfer("olivia", "max")
        writer = database._writer
        for person in [*PEOPLE, "nobody"]:
            if person in house.people:
                viewer = house.viewer(person)
            else:
                viewer = Viewer(house.business.no, person, Role.CUSTOMER)
            granted = {}
            for room in [*world.rooms, "nowhere"]:
                one = await writer.run(access.grant, viewer, room)
                if one is not None:
                    granted[one.no] = one.first_key
            rows = await writer.run(
                lambda db, v: db.execute(
                    f"SELECT r.no, r.first_key FROM {access.readable(v)} r WHERE ?2 <> ''",
                    (v.business_no, v.person),
                ).fetchall(),
                viewer,
            )
            assert len(rows) == len(granted)
            assert dict(rows) == granted


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.usefixtures("few_by_few")
async def test_a_timeline_is_what_was_said_around_a_person(tmp_path: Path, seed: int) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        world = await World.talked(house, seed, 100, steps=(0, 0.1, 0.5)[seed % 3])
        for person in PEOPLE:
            for subject in PEOPLE:
                theirs = [
                    (line.conversation, line.seq)
                    for line in world.visible(person)
                    if line.seq
                    and line.text
                    and (
                        PEOPLE[subject] is Role.OWNER or (line.conversation, subject) in world.ever
                    )
                ]
                found: list[Place] = []
                before = None
                while True:
                    page = await database.queries.timeline(
                        house.viewer(person), subject, before, 1 + seed
                    )
                    if page is None:
                        # A customer knows the owners, and whom they share a conversation with.
                        assert PEOPLE[person] is Role.CUSTOMER
                        break
                    found += [(message.conversation, message.seq) for message in page.messages]
                    if page.next is None:
                        assert found == theirs, (person, subject)
                        break
                    before = page.next
        assert await database.queries.timeline(house.viewer("sam"), "nobody", None, 5) is None


async def test_who_joins_later_does_not_find_what_was_said_before(house: House) -> None:
    await house.converse("c1", "sam")
    await house.send("c1", "sam", "secret rex")
    await house.add("c1", "carla")
    await house.send("c1", "sam", "open rex")
    for _ in range(2):
        assert await places(house, "carla", "rex ") == [("c1", 3)]
        assert await places(house, "sam", "rex ") == [("c1", 3), ("c1", 1)]
        await index_all(house)
    await house.remove("c1", "carla")
    await house.remove("c1", "sam")
    assert await places(house, "carla", "rex ") == []
    assert await places(house, "sam", "rex ") == []
    assert await places(house, "olivia", "rex ") == [("c1", 3), ("c1", 1)]


async def test_an_edit_and_a_deletion_are_seen_at_once(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "alpha")
    await house.send("c1", "carla", "alpha")
    await index_all(house)
    await house.edit("c1", 1, "beta")
    await house.delete("c1", 2)
    for _ in range(2):
        assert await places(house, "sam", "alpha ") == []
        assert await places(house, "sam", "beta ") == [("c1", 1)]
        await index_all(house)


async def test_what_is_too_much_to_look_at_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "alpha one")
    await index_all(house)
    monkeypatch.setattr(unindexed, "UNINDEXED", 3)
    await house.edit("c1", 1, "beta one")
    await house.append([house.message("c1", "carla", "alpha") for _ in range(4)])
    page = await find(house, "sam", "alpha ")
    assert page is not None
    assert page.behind
    assert page.found == ()  # the index says alpha of the first, which says so no longer
    await index_all(house)
    page = await find(house, "sam", "alpha ")
    assert page is not None
    assert (len(page.found), page.behind) == (4, False)


async def test_what_is_found_is_marked_and_named(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    revision = await house.send("c1", "carla", "Is Ángel's hot spot better?")
    page = await find(house, "sam", '"hot spot" angel')
    assert page is not None
    (found,) = page.found
    assert (found.conversation, found.seq, found.revision) == ("c1", 1, revision)
    assert (found.author, found.at) == ("carla", house.now)
    assert [(part.text, part.hit) for part in found.parts] == [
        ("Is ", False),
        ("Ángel", True),
        ("'s ", False),
        ("hot spot", True),
        (" better?", False),
    ]


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "0", "1:2"])
async def test_any_cursor_gives_a_page(house: House, before: str) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "alpha")
    page = await find(house, "sam", "alpha ", before=before)
    assert page is not None
    assert len(page.found) == (0 if before == "0" else 1)
    around = await house.database.queries.timeline(house.viewer("sam"), "carla", before, 5)
    assert around is not None
    assert len(around.messages) == (0 if before == "0" else 1)


async def test_another_business_is_another_world(house: House) -> None:
    database = house.database
    assert isinstance(database, Database)
    other = await House.founded(database, "other")
    for each in (house, other):
        await each.converse("c1", "sam", "carla")
        await each.send("c1", "carla", f"alpha of {each.business.id}")
    for _ in range(2):
        for each in (house, other):
            for person in ("olivia", "sam", "carla"):
                page = await find(each, person, "alpha of ")
                assert page is not None
                assert ["".join(part.text for part in f.parts) for f in page.found] == [
                    f"alpha of {each.business.id}"
                ]
            await step(each)
