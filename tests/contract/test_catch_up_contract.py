"""What who was away is told: all of it, once, in order, and it makes their device whole again."""

import random

import pytest

from domain.roles import Role
from domain.views import Message
from storage.catch_up import CHANGED_MAX, CatchUpPage
from storage.missed import (
    Cursors,
    Deleted,
    Edited,
    Joined,
    OwnPrivacy,
    Settings,
    Somebody,
    Visibility,
)
from tests.contract.device import Device
from tests.contract.house import House


async def page(house: House, person: str, after: int, limit: int = 100) -> CatchUpPage:
    return await house.database.queries.catch_up(house.viewer(person), after, limit)


async def missed(house: House, person: str, after: int) -> list[tuple[int, str]]:
    found = await page(house, person, after)
    assert found.done
    return [(revision, type(item).__name__) for revision, item in found.items]


async def test_nothing_missed_is_an_empty_page_up_to_the_head(house: House) -> None:
    head = await house.converse("c1", "sam", "carla")
    assert await page(house, "carla", head) == CatchUpPage([], head, True)


async def test_each_kind_of_event_comes_at_its_revision(house: House) -> None:
    start = await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla")
    await house.send("c1", "carla")
    after = await house.send("c1", "sam")
    assert after == start + 3
    expected = [
        (await house.send("c1", "carla", "Hello"), Message),
        (await house.edit("c1", 1, "Edited"), Edited),
        (await house.delete("c1", 2), Deleted),
        (await house.add("c1", "dave"), Message),
        (await house.receipt("c1", "carla", 4, 4), Cursors),
        (await house.settings(read_receipts=False), Settings),
        (await house.privacy("sam", read_receipts=False, last_seen=True), OwnPrivacy),
        (await house.remove("c1", "dave"), Message),
        (await house.converse("c2", "sam", "dave"), Joined),
    ]
    expected += [
        (await house.privacy("carla", read_receipts=False, last_seen=True), Visibility),
        (await house.named("carla", "Carla the Second"), Somebody),
    ]
    assert await missed(house, "sam", after) == [(r, kind.__name__) for r, kind in expected]
    assert await missed(house, "dave", after) == [
        (expected[5][0], "Settings"),
        (expected[6][0], "Visibility"),  # sam's, with whom he is again
        (expected[7][0], "Removed"),
        (expected[8][0], "Joined"),
    ]


async def test_a_customer_hears_of_those_in_their_conversations_and_of_owners(
    house: House,
) -> None:
    """And of no stranger, of no one who has left, and of nothing that looks the same."""
    await house.converse("c1", "sam", "carla")
    await house.converse("c2", "sam", "dave")
    await house.named("zoe", "Zoe")
    after = await house.send("c1", "sam")
    renamed = [await house.named(p, f"{p} II") for p in ("olivia", "sam", "carla", "dave", "zoe")]
    hidden = [
        await house.privacy(person, read_receipts=False, last_seen=False)
        for person in ("sam", "dave")
    ]
    await house.named("sam", "sam II")
    told = (await page(house, "carla", after)).items
    assert told == [
        (renamed[0], Somebody("olivia", "olivia II", Role.OWNER, True)),
        (renamed[1], Somebody("sam", "sam II", Role.STAFF, True)),
        (renamed[2], Somebody("carla", "carla II", Role.CUSTOMER, True)),
        (hidden[0], Visibility("sam")),
    ]
    removed = await house.remove("c1", "sam", "olivia")
    assert [revision for revision, _ in (await page(house, "carla", after)).items] == [
        renamed[0],
        renamed[2],
        removed,
    ]
    told = (await page(house, "olivia", after)).items
    assert [item.person for _, item in told if isinstance(item, Somebody)] == [
        "olivia",
        "sam",
        "carla",
        "dave",
        "zoe",
    ]
    assert {item.person for _, item in told if isinstance(item, Visibility)} == {"sam", "dave"}


async def test_a_new_person_is_nothing_that_was_missed(house: House) -> None:
    after = await house.converse("c1", "sam", "carla")
    head = await house.named("zoe", "Zoe")
    assert await page(house, "olivia", after) == CatchUpPage([], head, True)


@pytest.mark.parametrize("change", ["role", "transfer", "another owner"])
async def test_nothing_is_told_beyond_a_change_of_what_one_may_see(
    house: House, change: str
) -> None:
    """Whoever was let in before it is about to be reset; they must not stand behind it."""
    after = await house.converse("c1", "sam", "carla")
    before = await house.send("c1", "sam")
    viewer = house.viewer("carla")
    if change == "role":
        revision = await house.person("carla", Role.STAFF)
    elif change == "transfer":
        revision = await house.transfer("olivia", "sam")
    else:
        revision = await house.person("otto", Role.OWNER)
    await house.send("c1", "sam")
    queries = house.database.queries
    found = await queries.catch_up(viewer, after, 100)
    assert ([at for at, _ in found.items], found.up_to, found.done) == ([before], before, False)
    assert (await queries.catch_up(viewer, revision, 100)).done
    record = await queries.person(house.business, "carla")
    assert record is not None
    assert record.access_revision == revision


async def test_i12_nothing_after_a_removal(house: House) -> None:
    after = await house.converse("c1", "sam", "carla")
    await house.send("c1", "sam", "before")
    revision = await house.remove("c1", "carla")
    await house.send("c1", "sam", "after")
    assert await missed(house, "carla", after) == [(revision, "Removed")]


async def test_who_was_taken_off_and_brought_back_gets_the_conversation_anew(house: House) -> None:
    after = await house.converse("c1", "sam", "carla")
    await house.send("c1", "sam")
    removed = await house.remove("c1", "carla")
    joined = await house.add("c1", "carla")
    await house.send("c1", "sam")
    assert await missed(house, "carla", after) == [(removed, "Removed"), (joined, "Joined")]


async def test_an_edited_message_comes_in_its_present_state_and_so_does_the_edit(
    house: House,
) -> None:
    """The device may hold the message, if it is its own: then only the edit tells it."""
    after = await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "first")
    await house.edit("c1", 1, "second")
    found = await page(house, "carla", after)
    (_, message), (_, edited) = found.items
    assert isinstance(message, Message)
    assert isinstance(edited, Edited)
    assert message.text == edited.text == "second"


async def test_what_was_edited_and_then_deleted_is_told_as_deleted_alone(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    after = await house.send("c1", "carla")
    await house.edit("c1", 1, "second")
    revision = await house.delete("c1", 1)
    assert await missed(house, "sam", after) == [(revision, "Deleted")]


async def test_cursors_that_moved_together_are_one_item(house: House) -> None:
    """No revision comes twice, so who takes half a page can go on after any item."""
    await house.converse("c1", "sam", "carla")
    after = await house.send("c1", "carla")
    revision = await house.append([house.advanced("c1", [("sam", 1, 0), ("olivia", 1, 1)])])
    found = await page(house, "carla", after)
    [(at, cursors)] = found.items
    assert at == revision
    assert isinstance(cursors, Cursors)
    assert [c.person for c in cursors.cursors] == ["olivia", "sam"]


async def test_ex24_how_far_the_team_has_read_comes_with_the_cursors_of_its_revision(
    house: House,
) -> None:
    await house.converse("c1", "sam", "carla")
    await house.converse("c2", "sam")  # among themselves
    for conversation in ("c1", "c2"):
        await house.send(conversation, "carla" if conversation == "c1" else "sam")
        await house.send(conversation, "sam")
    after = await house.receipt("c1", "carla", 1)
    read = await house.receipt("c1", "sam", 2, 1)
    inside = await house.receipt("c2", "sam", 2, 2)

    async def told(person: str, *, shares: bool) -> list[tuple[int, list[str], int]]:
        viewer = house.viewer(person, shares_unread=shares)
        found = await house.database.queries.catch_up(viewer, after, 100)
        return [
            (revision, [cursor.person for cursor in item.cursors], item.team_read_up_to)
            for revision, item in found.items
            if isinstance(item, Cursors)
        ]

    assert await told("olivia", shares=True) == [(read, ["sam"], 1), (inside, ["sam"], 0)]
    assert await told("olivia", shares=False) == [(read, ["sam"], 0), (inside, ["sam"], 0)]
    assert await told("carla", shares=False) == [(read, ["sam"], 0)]
    await house.privacy("sam", read_receipts=False, last_seen=True)
    again = await house.receipt("c1", "sam", 2, 2)
    assert (await told("olivia", shares=True))[-1] == (again, [], 2), "the cursor is hidden"
    later = await house.receipt("c1", "olivia", 1, 1)
    assert (await told("sam", shares=True))[-1] == (later, ["olivia"], 0), "the team was farther"


async def test_a_customer_hears_nothing_of_the_time_before_they_came(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla")
    await house.add("c1", "dave")
    after = await house.send("c1", "carla")
    await house.edit("c1", 1, "Edited")
    assert await missed(house, "dave", after) == []
    assert len(await missed(house, "sam", after)) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_meet_without_a_gap(house: House, limit: int) -> None:
    await house.converse("c1", "sam", "carla")
    after = await house.converse("c2", "sam", "carla")
    for n in range(5):
        await house.send("c1", "carla", str(n))
        await house.send("c2", "sam", str(n))
        await house.receipt("c1", "sam", n + 1, n + 1)
    await house.edit("c1", 1, "Edited")
    whole = (await page(house, "olivia", after)).items
    items = []
    done = False
    while not done:
        found = await page(house, "olivia", after, limit)
        assert len(found.items) <= limit
        items += found.items
        after, done = found.up_to, found.done
    assert items == whole


@pytest.mark.parametrize("person", ["olivia", "carla"])
async def test_too_far_behind_counts_what_one_may_see(house: House, person: str) -> None:
    after = await house.converse("c1", "sam", "carla")
    await house.append([house.message("c1", "carla", "x") for _ in range(10)])
    await house.converse("c2", "sam", "dave")
    await house.append([house.message("c2", "dave", "x") for _ in range(10)])
    queries, viewer = house.database.queries, house.viewer(person)
    assert await queries.too_far_behind(viewer, after, 9)
    assert not await queries.too_far_behind(viewer, after, 10)
    assert not await queries.too_far_behind(viewer, after + 5, 5)
    assert await queries.too_far_behind(viewer, after + 5, 4)


async def test_too_far_behind_counts_people(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    for person in ("dave", "eve", "finn"):
        await house.named(person, person)
    after = await house.send("c1", "sam")
    for person in ("carla", "dave", "eve", "finn"):
        await house.named(person, f"{person} II")
    queries = house.database.queries
    assert await queries.too_far_behind(house.viewer("sam"), after, 3)
    assert not await queries.too_far_behind(house.viewer("sam"), after, 4)
    assert not await queries.too_far_behind(house.viewer("carla"), after, 1)


async def test_too_many_conversations_are_too_far_behind(house: House) -> None:
    await house.converse("first", "sam", "carla")
    first = await house.append([house.created(f"c{n}", "sam") for n in range(CHANGED_MAX)])
    newest = first + CHANGED_MAX - 1
    queries = house.database.queries
    assert await queries.too_far_behind(house.viewer("olivia"), 0, 10**6)
    assert not await queries.too_far_behind(house.viewer("carla"), 0, 10**6)
    assert not await queries.too_far_behind(house.viewer("olivia"), newest - 1, 10**6)


# --- R42: what was held and what was missed make what is ------------------------------------------

PEOPLE = ["olivia", "sam", "zoe", "carla", "dave"]
CONVERSATIONS = ["c1", "c2", "c3"]


class Life:
    """A business in which anything may happen next."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self.house = house
        self.rng = rng
        self.head = 0
        self.inside: dict[str, set[str]] = {}
        self.texts: dict[tuple[str, int], str] = {}  # who wrote what is not deleted

    async def start(self) -> None:
        await self.house.person("zoe", Role.STAFF)
        for conversation in CONVERSATIONS[:2]:
            await self.create(conversation)

    async def create(self, conversation: str) -> None:
        people = set(self.rng.sample(PEOPLE[1:], 2))
        self.inside[conversation] = people
        self.head = await self.house.converse(conversation, *sorted(people))

    async def step(self) -> None:
        """One event."""
        rng, house = self.rng, self.house
        if len(self.inside) < len(CONVERSATIONS) and rng.random() < 0.05:
            await self.create(CONVERSATIONS[len(self.inside)])
            return
        conversation = rng.choice(list(self.inside))
        inside = self.inside[conversation]
        person = rng.choice(sorted(inside | {"olivia"}))
        last = house.seqs[conversation]
        mine = [s for (c, s), author in self.texts.items() if (c, author) == (conversation, person)]
        kind = rng.choices(
            ["send", "receipt", "edit", "delete", "add", "remove", "settings", "privacy", "name"],
            [8, 6, 2, 1, 1, 1, 0.3, 0.3, 1],
        )[0]
        if kind == "send":
            self.head = await house.send(conversation, person, f"text {self.head}")
            self.texts[conversation, last + 1] = person
        elif kind == "receipt":
            await self.receipts(conversation)
        elif kind == "edit" and mine:
            self.head = await house.edit(conversation, rng.choice(mine), "edited", person)
        elif kind == "delete" and mine:
            seq = rng.choice(mine)
            del self.texts[conversation, seq]
            self.head = await house.delete(conversation, seq, person)
        elif kind == "add" and (outside := sorted(set(PEOPLE[1:]) - inside)):
            joining = rng.choice(outside)
            inside.add(joining)
            self.head = await house.add(conversation, joining, "olivia")
        elif kind == "remove" and len(inside) > 1:
            leaving = rng.choice(sorted(inside))
            inside.discard(leaving)
            self.head = await house.remove(conversation, leaving, rng.choice([leaving, "olivia"]))
        elif kind == "settings":
            self.head = await house.settings(read_receipts=rng.random() < 0.5)
        elif kind == "privacy":
            self.head = await house.privacy(person, read_receipts=False, last_seen=True)
        elif kind == "name":
            somebody = rng.choice(PEOPLE)
            self.head = await house.named(somebody, f"{somebody} at {self.head}")

    async def receipts(self, conversation: str) -> None:
        last, steps = self.house.seqs[conversation], []
        for person in sorted(self.inside[conversation] | {"olivia"}):
            cursor = self.house.cursors.get((conversation, person))
            delivered = cursor.delivered_up_to if cursor is not None else 0
            if delivered < last and self.rng.random() < 0.5:
                steps.append((person, self.rng.randint(delivered + 1, last), 0))
        if steps:
            self.head = await self.house.append([self.house.advanced(conversation, steps)])


@pytest.mark.parametrize("seed", range(6))
async def test_r42_what_was_held_and_what_was_missed_make_what_is(house: House, seed: int) -> None:
    """Devices that come and go, and read pages while life goes on, end up like fresh ones."""
    rng = random.Random(seed)
    life, queries = Life(house, rng), house.database.queries
    await life.start()
    devices = {person: Device(house.viewer(person)) for person in PEOPLE}
    for device in devices.values():
        await device.load(queries, life.head)
    for _ in range(60):
        for _ in range(rng.randint(1, 5)):
            await life.step()
        device = devices[rng.choice(PEOPLE)]
        for _ in range(rng.randint(1, 8)):
            found = await queries.catch_up(device.viewer, device.revision, rng.randint(1, 6))
            await device.apply(queries, found)
            if found.done:
                break
            if rng.random() < 0.3:
                await life.step()
    for device in devices.values():
        done = False
        while not done:
            found = await queries.catch_up(device.viewer, device.revision, 4)
            await device.apply(queries, found)
            done = found.done
        assert device.revision == life.head
        fresh = Device(device.viewer, settings=device.settings, privacy=device.privacy)
        await fresh.load(queries, life.head)
        assert device == fresh
