"""What people are shown of conversations: lists, history, receipts, versions, people."""

import pytest

from domain.events import MemberAdded
from domain.limits import UNREAD_MAX
from domain.roles import Role
from domain.views import Conversation, Message
from storage.pages import PAGE_BYTES, PAGE_CHARACTERS, encoded_size
from tests.contract.house import House

FAR = (2**32, 2**32 | 1, 2 << 32 | 1, 3 << 32 | 1, 2**53 - 1)
"""Numbers that a client may send as a seq and that no conversation reaches."""


async def view(house: House, person: str, conversation: str = "c1") -> Conversation:
    found = await house.database.queries.view(house.viewer(person), conversation)
    assert found is not None
    return found


async def listed(house: House, person: str, limit: int = 50) -> list[str]:
    """The ids of all conversations of ``person``, read page by page."""
    ids: list[str] = []
    before = None
    while True:
        page = await house.database.queries.conversations(house.viewer(person), before, limit)
        ids += [c.id for c in page.conversations]
        if page.next is None:
            return ids
        assert page.conversations
        before = page.next


async def history(house: House, person: str, **where: int | None) -> tuple[list[Message], bool]:
    found = await house.database.queries.history(
        house.viewer(person), "c1", where.get("before"), where.get("after"), where.get("limit", 50)
    )
    assert found is not None
    return found


async def chat(house: House) -> None:
    """c1: carla and sam talk, dave comes in at 3; carla edits 1, sam deletes 2."""
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "Is Rex ready?")
    await house.send("c1", "sam", "No")
    await house.add("c1", "dave")
    await house.send("c1", "dave", "Hi")
    await house.edit("c1", 1, "Is Rex ready now?", "carla")
    await house.delete("c1", 2, "sam")


# --- who may see what -----------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["zoe", "chris"])
async def test_who_is_not_in_it_sees_nothing_of_it(house: House, person: str) -> None:
    await house.person("zoe", Role.STAFF)
    await house.person("chris", Role.CUSTOMER)
    await chat(house)
    viewer, queries = house.viewer(person), house.database.queries
    assert await queries.view(viewer, "c1") is None
    assert await queries.history(viewer, "c1", None, None, 50) is None
    assert await queries.receipts(viewer, "c1", 1) is None
    assert await queries.versions(viewer, "c1", 1) is None
    assert await listed(house, person) == []


async def test_i7_another_business_sees_nothing_of_it(house: House) -> None:
    other = await House.founded(house.database, "meowsome")
    await chat(house)
    queries = house.database.queries
    for person in other.people:
        viewer = other.viewer(person)
        assert await queries.view(viewer, "c1") is None
        assert await queries.history(viewer, "c1", None, None, 50) is None
        assert await listed(other, person) == []
        assert await queries.search(viewer, "a", 50) == [
            p for p in await queries.search(viewer, "a", 50) if p.id in other.people
        ]


@pytest.mark.requirement("DT-10", "DT-22")
async def test_i8_the_owner_sees_every_conversation(house: House) -> None:
    await chat(house)
    await house.converse("c2", "sam", author="sam")
    assert await listed(house, "olivia") == ["c2", "c1"]
    assert [m.seq for m in (await history(house, "olivia"))[0]] == [1, 2, 3, 4]
    picture = await view(house, "olivia")
    assert [m.person for m in picture.members] == ["carla", "dave", "olivia", "sam"]


async def test_a_customer_sees_a_conversation_from_where_they_joined(house: House) -> None:
    await chat(house)
    messages, more = await history(house, "dave")
    assert ([m.seq for m in messages], more) == ([3, 4], False)
    assert [m.seq for m in (await history(house, "dave", after=0))[0]] == [3, 4]
    assert (await history(house, "dave", before=3)) == ([], False)
    assert await house.database.queries.receipts(house.viewer("dave"), "c1", 2) is None
    assert (await view(house, "dave")).unread == 0


async def test_staff_see_all_of_a_conversation(house: House) -> None:
    await house.person("zoe", Role.STAFF)
    await chat(house)
    await house.add("c1", "zoe")
    assert [m.seq for m in (await history(house, "zoe"))[0]] == [1, 2, 3, 4, 5]


async def test_i12_who_has_left_sees_nothing_more(house: House) -> None:
    await chat(house)
    await house.remove("c1", "carla", author="carla")
    viewer, queries = house.viewer("carla"), house.database.queries
    assert await queries.view(viewer, "c1") is None
    assert await listed(house, "carla") == []
    assert "carla" not in [m.person for m in (await view(house, "sam")).members]


@pytest.mark.parametrize("far", FAR)
async def test_i7_no_seq_reaches_into_another_conversation(house: House, far: int) -> None:
    """The owner may read every version: of the conversation that they name, and of no other."""
    other = await House.founded(house.database, "meowsome")
    await chat(house)
    for elsewhere in (house, other):
        await elsewhere.converse("c2", "sam", "carla")
        await elsewhere.send("c2", "carla", "a secret")
    queries, viewer = house.database.queries, house.viewer("olivia")
    assert await queries.versions(viewer, "c1", far) is None
    assert await queries.receipts(viewer, "c1", far) is None
    assert await history(house, "olivia", after=far) == ([], False)
    assert [m.seq for m in (await history(house, "olivia", before=far))[0]] == [1, 2, 3, 4]


# --- history --------------------------------------------------------------------------------------


async def test_messages_come_in_their_present_state(house: House) -> None:
    await chat(house)
    one, two, three, four = (await history(house, "sam"))[0]
    assert (one.text, one.edited_at > one.at, one.deleted_at) == ("Is Rex ready now?", True, 0)
    assert (two.text, two.deleted_at > two.at, two.seq) == ("", True, 2)
    assert (three.kind, three.person, three.role, three.text, three.author) == (
        "member_added",
        "dave",
        "customer",
        "Dave",
        "sam",
    )
    assert (four.kind, four.text, four.client_message_id) == ("text", "Hi", "c1-4")


async def test_who_leaves_and_who_is_removed_are_told_apart(house: House) -> None:
    await chat(house)
    await house.remove("c1", "carla", author="carla")
    await house.remove("c1", "dave", author="sam")
    left, removed = (await history(house, "sam"))[0][-2:]
    assert (left.kind, left.person, left.author) == ("member_left", "carla", "carla")
    assert (removed.kind, removed.person, removed.author) == ("member_removed", "dave", "sam")


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_meet_without_a_gap_in_both_directions(house: House, limit: int) -> None:
    await house.converse("c1", "sam", "carla")
    await house.append([house.message("c1", "carla", str(n)) for n in range(7)])
    backwards: list[int] = []
    before, more = None, True
    while more:
        messages, more = await history(house, "sam", before=before, limit=limit)
        backwards = [m.seq for m in messages] + backwards
        before = backwards[0]
    forwards: list[int] = []
    after, more = 0, True
    while more:
        messages, more = await history(house, "sam", after=after, limit=limit)
        forwards += [m.seq for m in messages]
        after = forwards[-1]
    assert backwards == forwards == [1, 2, 3, 4, 5, 6, 7]


async def test_a_page_of_long_texts_ends_early_but_never_empty(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    long = "x" * (PAGE_CHARACTERS - 10)
    for text in ("short", long, long, "short"):
        await house.send("c1", "carla", text)
    assert [m.seq for m in (await history(house, "sam"))[0]] == [3, 4]
    messages, more = await history(house, "sam", after=0)
    assert ([m.seq for m in messages], more) == ([1, 2], True)
    messages, more = await history(house, "sam", after=2, limit=1)
    assert ([m.seq for m in messages], more) == ([3], True)


# --- lists and pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["olivia", "sam", "carla"])
@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.requirement("DT-12")
async def test_conversations_come_latest_activity_first(
    house: House, person: str, limit: int
) -> None:
    for conversation in ("c1", "c2", "c3"):
        await house.converse(conversation, "sam", "carla")
    await house.send("c2", "carla")
    await house.send("c1", "sam")
    await house.receipt("c2", "sam", 1)  # no activity
    await house.edit("c2", 1, "Edited")  # neither
    assert await listed(house, person, limit) == ["c1", "c2", "c3"]


@pytest.mark.parametrize("before", ["", "x", "²", "٣", "-1", "9" * 5_000, str(2**63), "1e3"])
async def test_a_position_that_we_did_not_give_out_is_no_error(house: House, before: str) -> None:
    await house.converse("c1", "sam", "carla")
    page = await house.database.queries.conversations(house.viewer("sam"), before, 50)
    assert [c.id for c in page.conversations] in (["c1"], [])


async def test_a_list_of_long_texts_ends_early_and_goes_on(house: House) -> None:
    for n in range(4):
        await house.converse(f"c{n}", "sam", "carla")
        await house.send(f"c{n}", "carla", "x" * (PAGE_BYTES // 3))
    page = await house.database.queries.conversations(house.viewer("sam"), None, 50)
    assert [c.id for c in page.conversations] == ["c3", "c2"]
    assert await listed(house, "sam") == ["c3", "c2", "c1", "c0"]


async def test_the_picture_of_a_conversation(house: House) -> None:
    await chat(house)
    revision = await house.receipt("c1", "carla", 4, 2)
    picture = await view(house, "sam")
    assert (picture.id, picture.kind, picture.created_by) == ("c1", "group", "sam")
    assert (picture.last_seq, picture.revision) == (4, revision)
    assert picture.last_message is not None
    assert (picture.last_message.seq, picture.last_message.text) == (4, "Hi")
    carla, dave, olivia, sam = picture.members
    assert (carla.person, carla.name, carla.role) == ("carla", "Carla", "customer")
    assert (carla.delivered_up_to, carla.read_up_to) == (4, 2)
    assert carla.delivered_at == carla.read_at == house.now
    assert (dave.read_up_to, olivia.role, sam.delivered_at) == (0, "owner", 0)


async def test_an_empty_conversation_has_no_last_message(house: House) -> None:
    revision = await house.converse("c1", "sam", "carla")
    picture = await view(house, "carla")
    assert (picture.last_seq, picture.last_message, picture.unread) == (0, None, 0)
    assert picture.revision == revision


async def test_unread_are_messages_of_others_after_the_cursor_that_are_there(house: House) -> None:
    await chat(house)  # 1 carla, 2 deleted, 3 dave comes in, 4 dave
    assert (await view(house, "carla")).unread == 1
    assert (await view(house, "sam")).unread == 2
    assert (await view(house, "olivia")).unread == 2
    await house.receipt("c1", "sam", 4, 1)
    assert (await view(house, "sam")).unread == 1
    await house.receipt("c1", "sam", 4, 4)
    assert (await view(house, "sam")).unread == 0


async def test_unread_is_counted_up_to_a_bound(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.append([house.message("c1", "carla", "x") for _ in range(UNREAD_MAX + 5)])
    assert (await view(house, "sam")).unread == UNREAD_MAX
    await house.receipt("c1", "sam", 10, 10)
    assert (await view(house, "sam")).unread == UNREAD_MAX - 5


async def test_a_list_holds_the_same_pictures_as_opening_one_by_one(house: House) -> None:
    await chat(house)
    await house.converse("c2", "sam", "dave")
    await house.send("c2", "dave")
    await house.receipt("c2", "olivia", 1)
    for person in ("olivia", "sam", "carla", "dave"):
        page = await house.database.queries.conversations(house.viewer(person), None, 50)
        assert list(page.conversations) == [
            await view(house, person, c.id) for c in page.conversations
        ]


# --- receipts and versions ------------------------------------------------------------------------


@pytest.mark.requirement("DT-03", "DT-04", "C-25")
async def test_receipts_say_when_each_member_had_it_and_read_it(house: House) -> None:
    await chat(house)
    await house.receipt("c1", "sam", 1)
    sam_had = house.now
    await house.append([house.advanced("c1", [("sam", 4, 2), ("dave", 4, 0)])])
    sam_read = house.now
    found = await house.database.queries.receipts(house.viewer("carla"), "c1", 1)
    assert found is not None
    by_person = {r.person: (r.delivered_at, r.read_at) for r in found}
    assert list(by_person) == ["olivia", "sam"], "dave came later, carla wrote it"
    assert by_person["sam"][0] == sam_had
    assert by_person["sam"][1] in (sam_read, sam_read - 1)
    assert by_person["olivia"] == (0, 0)
    found = await house.database.queries.receipts(house.viewer("sam"), "c1", 4)
    assert found is not None
    assert [r.person for r in found] == ["carla", "olivia", "sam"]


async def test_the_receipts_of_who_has_left_are_not_shown(house: House) -> None:
    await chat(house)
    await house.receipt("c1", "sam", 4, 4)
    await house.remove("c1", "sam", author="sam")
    found = await house.database.queries.receipts(house.viewer("carla"), "c1", 1)
    assert found is not None
    assert [r.person for r in found] == ["olivia"]


async def test_the_receipts_of_who_came_back_are_those_of_their_cursor(house: House) -> None:
    await chat(house)
    await house.receipt("c1", "sam", 4, 4)
    await house.remove("c1", "sam", author="sam")
    await house.add("c1", "sam", author="olivia")

    async def sams() -> tuple[int, int]:
        found = await house.database.queries.receipts(house.viewer("carla"), "c1", 1)
        assert found is not None
        [sam] = [r for r in found if r.person == "sam"]
        return sam.delivered_at, sam.read_at

    assert await sams() == (0, 0)
    await house.receipt("c1", "sam", 2, 0)
    delivered_at, read_at = await sams()
    assert delivered_at > 0
    assert read_at == 0


@pytest.mark.requirement("EX-23", "EX-24")
async def test_who_comes_by_answering_has_read_up_to_it(house: House) -> None:
    """In one batch: they had read before, come in, answer, and their cursor is at the answer."""
    await chat(house)
    await house.receipt("c1", "sam", 1, 1)
    await house.remove("c1", "sam", author="olivia")
    house.seqs["c1"] += 1
    sam = house.people["sam"]
    joined = MemberAdded("c1", house.seqs["c1"], house.at(), "sam", sam)
    answer = house.message("c1", "sam", "Hello")
    steps = house.advanced("c1", [("sam", answer.seq, answer.seq)])
    await house.append([joined, answer, steps])
    assert (await view(house, "sam")).unread == 0
    for seq in (1, 4):
        found = await house.database.queries.receipts(house.viewer("carla"), "c1", seq)
        assert found is not None
        [read] = [r for r in found if r.person == "sam"]
        assert read.delivered_at == read.read_at > 0
    await house.send("c1", "carla")
    assert (await view(house, "sam")).unread == 1


@pytest.mark.requirement("EX-34")
async def test_versions_are_for_owners_and_for_authors_of_what_is_not_deleted(
    house: House,
) -> None:
    await chat(house)
    await house.edit("c1", 1, "Is Rex ready at last?", "carla")
    queries = house.database.queries
    for person in ("olivia", "carla"):
        found = await queries.versions(house.viewer(person), "c1", 1)
        assert found is not None
        assert [v.text for v in found.versions] == [
            "Is Rex ready?",
            "Is Rex ready now?",
            "Is Rex ready at last?",
        ]
        assert [v.at for v in found.versions] == sorted({v.at for v in found.versions})
    assert await queries.versions(house.viewer("sam"), "c1", 1) is None
    deleted = await queries.versions(house.viewer("olivia"), "c1", 2)
    assert deleted is not None
    assert [v.text for v in deleted.versions] == ["No"]
    assert await queries.versions(house.viewer("sam"), "c1", 2) is None, "the author, but deleted"
    assert await queries.versions(house.viewer("olivia"), "c1", 3) is None, "not a message"
    assert await queries.versions(house.viewer("olivia"), "c1", 99) is None


@pytest.mark.requirement("EX-34")
async def test_versions_for_which_there_is_no_room_are_the_oldest(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.send("c1", "carla", "0")
    for n in range(1, 100):
        await house.edit("c1", 1, str(n))

    async def told(room: int, skip: int = 0) -> list[str]:
        found = await house.database.queries.versions(house.viewer("olivia"), "c1", 1, skip, room)
        assert found is not None
        assert len(found.versions) == 1 or sum(map(encoded_size, found.versions)) <= room
        assert found.more is (skip + len(found.versions) < 100)
        return [version.text for version in found.versions]

    everything = [str(n) for n in range(100)]
    assert await told(100_000) == everything
    assert await told(0) == ["99"]
    some = await told(1_000)
    assert 20 < len(some) < 40
    assert some == everything[-len(some) :]
    pages: list[str] = []
    while len(pages) < 100:
        pages[:0] = await told(1_000, len(pages))
    assert pages == everything
    await house.delete("c1", 1)
    assert await told(0) == ["99"]


# --- people, keys, settings -----------------------------------------------------------------------


@pytest.mark.requirement("DT-13")
async def test_search_finds_whom_one_may_talk_to(house: House) -> None:
    await house.person("zoe", Role.STAFF, active=False)
    queries = house.database.queries

    async def found(person: str, text: str, limit: int = 50) -> list[str]:
        return [p.id for p in await queries.search(house.viewer(person), text, limit)]

    assert await found("sam", "") == ["carla", "dave", "olivia"]
    assert await found("carla", "") == ["olivia", "sam"]
    assert await found("sam", "AR") == ["carla"]
    assert await found("sam", "", 2) == ["carla", "dave"]
    await house.named("angel", "Ángel Núñez")
    for text in ("angel", "ÁNGEL", "nunez", "Núñ", "l n"):
        assert await found("sam", text) == ["angel"]
    for odd in ("%", "_", "\\", "%%%", "a%", "\0", "'", "x" * 100_000, "%" * 30_000):
        assert await found("sam", odd) == []


async def test_presence_may_be_watched_of_companions_alone(house: House) -> None:
    await house.person("chris", Role.CUSTOMER)
    await house.converse("c1", "sam", "carla")
    queries = house.database.queries
    everybody = [*house.people, "nobody", "sam"]
    assert (await queries.companions(house.viewer("carla"), everybody)).keys() == {
        "carla",
        "olivia",
        "sam",
    }
    assert (await queries.companions(house.viewer("chris"), everybody)).keys() == {"olivia"}
    assert (await queries.companions(house.viewer("sam"), everybody)).keys() == set(house.people)
    assert await queries.companions(house.viewer("sam"), []) == {}


async def test_people_are_listed_page_by_page(house: House) -> None:
    queries = house.database.queries
    first = await queries.everyone(house.business, "", 3)
    rest = await queries.everyone(house.business, first[-1].id, 3)
    assert [p.id for p in (*first, *rest)] == ["carla", "dave", "olivia", "sam"]
    assert await queries.person(house.business, "carla") == first[0]
    assert await queries.person(house.business, "nobody") is None


async def test_a_change_of_access_is_noted(house: House) -> None:
    person = await house.database.queries.person(house.business, "dave")
    assert person is not None
    assert person.access_revision == 1, "since when there is an owner"
    revision = await house.person("dave", Role.STAFF)
    person = await house.database.queries.person(house.business, "dave")
    assert person is not None
    assert (person.role, person.access_revision) == (Role.STAFF, revision)
