"""What a conversation actor starts from: exactly what its journal has stored."""

from domain import conversation as rules
from domain.business import Seers
from domain.commands import Accepted
from domain.conversation import REMEMBERED, Conversation, Entry
from domain.events import (
    ConversationEvent,
    Cursor,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    Person,
)
from domain.roles import Role
from storage.database import Database
from tests.contract.house import House


async def state(house: House, conversation: str = "c1") -> Conversation:
    found = await house.database.queries.conversation(house.business, conversation)
    assert found is not None
    return found


async def test_what_does_not_exist_is_none(house: House) -> None:
    queries = house.database.queries
    assert await queries.conversation(house.business, "nowhere") is None
    assert await queries.entry(house.business, "nowhere", 1) is None
    assert await queries.authors(house.business, "nowhere", 1, 9) == set()
    assert await queries.business("nobody's") is None


async def test_a_conversation_of_another_business_is_none(house: House) -> None:
    other = await House.founded(house.database, "meowsome")
    await house.converse("c1", "sam", "carla")
    assert await other.database.queries.conversation(other.business, "c1") is None


async def test_a_new_conversation_is_what_evolving_gives(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    stored = await state(house)
    assert (stored.kind, stored.title, stored.last_seq) == ("group", "", 0)
    assert stored.members == {p: house.people[p] for p in ("carla", "sam")}
    assert stored.creation == b"asked for"
    assert stored.cursors == {}


async def test_the_stored_state_is_the_evolved_state(house: House) -> None:
    """Every event of a conversation, by both ways."""
    await house.converse("c1", "sam", "carla")
    evolved = await state(house)

    async def both(event: ConversationEvent) -> None:
        revision = await house.append([event])
        rules.evolve(evolved, event)
        if isinstance(event, MessageSent):
            rules.confirm(evolved, event, revision)

    await both(house.message("c1", "carla", "Hello"))
    await both(house.advanced("c1", [("sam", 1, 1)]))
    await both(house.advanced("c1", [("carla", 1, 0)]))
    house.seqs["c1"] += 1
    await both(MemberAdded("c1", 2, house.at(), "sam", house.people["dave"]))
    await both(house.message("c1", "dave", "Hi all", client_id="d1"))
    await both(house.advanced("c1", [("carla", 3, 3), ("sam", 3, 0)]))
    await both(MessageEdited("c1", 1, house.at(), "carla", "Hello!"))
    await both(MessageDeleted("c1", 3, house.at(), "dave"))
    house.seqs["c1"] += 1
    await both(MemberRemoved("c1", 4, house.at(), "sam", house.people["carla"]))
    stored = await state(house)
    assert stored.members == evolved.members
    assert stored.cursors == evolved.cursors
    assert stored.recent == evolved.recent
    assert dict(stored.sent) == dict(evolved.sent)
    assert stored.last_seq == evolved.last_seq == 4
    if isinstance(house.database, Database):  # the other one keeps the events themselves
        assert stored.team_read_up_to == evolved.team_read_up_to == 1


async def test_only_the_newest_entries_are_at_hand_and_all_can_be_looked_up(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    batch = [house.message("c1", "carla", str(n)) for n in range(REMEMBERED)]
    batch += [house.message("c1", "sam", "one more")]
    first = await house.append(batch)
    await house.delete("c1", 1)
    stored = await state(house)
    assert stored.last_seq == REMEMBERED + 1
    assert list(stored.recent) == list(range(2, REMEMBERED + 2))
    assert len(stored.sent) == REMEMBERED
    assert stored.sent["sam", "phone", f"c1-{REMEMBERED + 1}"].accepted == Accepted(
        REMEMBERED + 1, first + REMEMBERED, batch[-1].at
    )
    queries = house.database.queries
    assert await queries.entry(house.business, "c1", 1) == Entry("carla", True, True)
    assert await queries.entry(house.business, "c1", 2) == Entry("carla")
    assert await queries.authors(house.business, "c1", 1, 3) == {"carla"}
    assert await queries.authors(house.business, "c1", 1, REMEMBERED + 1) == {"carla", "sam"}


async def test_i7_no_seq_reaches_into_another_conversation(house: House) -> None:
    """A seq comes from outside; whatever it is, it stays in its conversation."""
    for conversation in ("c1", "c2", "c3"):
        await house.converse(conversation, "sam", "carla")
        await house.send(conversation, "carla")
    queries = house.database.queries
    for far in (0, 2, 2**32 + 1, (1 << 32 | 1), (2 << 32 | 1), (3 << 32 | 1), 2**53 - 1):
        assert await queries.entry(house.business, "c1", far) is None
        assert await queries.authors(house.business, "c1", far, far) == set()


async def test_people_who_exist(house: House) -> None:
    await house.person("zoe", Role.STAFF, active=False)
    found = await house.database.queries.people(house.business, ["zoe", "nobody", "sam", "zoe"])
    assert found == (
        Person("zoe", "Zoe", Role.STAFF, False),
        Person("sam", "Sam", Role.STAFF),
    )


async def test_r42_who_may_know_of_somebody(house: House) -> None:
    await house.converse("c1", "sam", "carla", "dave")
    await house.named("eve", "Eve")
    await house.converse("c2", "sam", "eve")
    head = await house.send("c2", "eve")
    seers = house.database.queries.seers
    team = {"olivia", "sam"}
    assert await seers(house.business, "carla") == Seers(frozenset({"carla", "dave", *team}), head)
    assert (await seers(house.business, "sam")).people == {"carla", "dave", "eve", *team}
    head = await house.remove("c1", "dave")
    assert await seers(house.business, "carla") == Seers(frozenset({"carla", *team}), head)
    assert (await seers(house.business, "dave")).people == team


async def test_a_business_with_its_owners_and_who_hides_what(house: House) -> None:
    await house.person("oscar", Role.OWNER)
    await house.person("otto", Role.OWNER, active=False)
    await house.settings(read_receipts=False)
    await house.privacy("carla", read_receipts=False, last_seen=True)
    await house.privacy("dave", read_receipts=True, last_seen=False)
    stored = await house.database.queries.business(house.business.id)
    assert stored is not None
    assert stored.owners == {"olivia", "oscar"}
    assert (stored.read_receipts, stored.last_seen) == (False, True)
    assert (stored.hidden_read, stored.hidden_seen) == ({"carla"}, {"dave"})
    await house.transfer("olivia", "sam")
    stored = await house.database.queries.business(house.business.id)
    assert stored is not None
    assert stored.owners == {"oscar", "sam"}


async def test_whoever_comes_back_starts_over(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "sam")
    await house.receipt("c1", "carla", 1, 1)
    assert (await state(house)).cursors["carla"].read_up_to == 1
    await house.remove("c1", "carla")
    assert (await state(house)).cursors == {}
    await house.add("c1", "carla")
    assert (await state(house)).cursors == {}


async def test_a_former_owner_who_comes_in_starts_over(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "sam")
    await house.receipt("c1", "olivia", 1, 1)
    await house.transfer("olivia", "sam")
    await house.add("c1", "olivia", author="sam")
    assert (await state(house)).cursors.get("olivia", Cursor()) == Cursor()


async def test_a_cursor_that_moves_after_its_owner_came_back_in_one_batch(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "sam")
    await house.receipt("c1", "carla", 1, 1)
    carla = house.people["carla"]
    house.seqs["c1"] = 3
    house.cursors.clear()
    await house.append(
        [
            MemberRemoved("c1", 2, house.at(), "sam", carla),
            MemberAdded("c1", 3, house.at(), "sam", carla),
            house.advanced("c1", [("carla", 2, 0)]),
        ]
    )
    cursor = (await state(house)).cursors["carla"]
    assert (cursor.delivered_up_to, cursor.read_up_to) == (2, 0)
