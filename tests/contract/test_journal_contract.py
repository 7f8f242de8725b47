"""What every journal keeps: order, all or nothing, one place for each message for ever."""

import msgspec
import pytest
import trio

from domain.commands import Accepted
from domain.conversation import Sent, digest
from domain.errors import AlreadySent, StorageFailed
from domain.events import ConversationCreated, MessageEdited
from tests.contract.house import House, Opened


def append(house: House, nursery: trio.Nursery, events: list, log: list) -> None:
    """Append in a task of its own; ``log`` gets the first revision, then that it returned."""

    async def one() -> None:
        await house.database.journal.append(house.business.id, events, log.append)
        log.append("returned")

    nursery.start_soon(one)


async def test_revisions_count_on_without_gaps(house: House) -> None:
    before = await house.converse("c1", "sam", "carla")
    batch = [house.message("c1", "carla", f"message {n}") for n in range(3)]
    assert await house.append(batch) == before + 1
    assert await house.send("c1", "sam") == before + 4
    assert [m.revision for m in (await read_all(house, "c1"))] == [before + n for n in (1, 2, 3, 4)]


async def read_all(house: House, conversation: str) -> list:
    found = await house.database.queries.history(
        house.viewer("olivia"), conversation, None, None, 200
    )
    assert found is not None
    messages, more = found
    assert not more
    return messages


async def test_batches_are_released_in_the_order_they_were_appended(house: House) -> None:
    """Also those that share a commit, and each before its append returns."""
    await house.converse("c1", "sam", "carla")
    log: list[object] = []
    first = await house.send("c1", "carla")
    async with trio.open_nursery() as nursery:
        for n in range(300):  # more than one group holds
            append(house, nursery, [house.message("c1", "carla", str(n))], log)
            await trio.lowlevel.checkpoint()
    released = [entry for entry in log if entry != "returned"]
    assert released == list(range(first + 1, first + 301))
    for n, revision in enumerate(released):
        assert log[: log.index(revision)].count("returned") <= n


async def test_what_has_been_appended_can_be_read_at_once(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    for n in range(1, 20):
        await house.send("c1", "carla", f"message {n}")
        assert (await read_all(house, "c1"))[-1].seq == n


@pytest.mark.requirement("EX-1")
async def test_r05_the_same_id_again_is_told_with_its_first_answer(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    sent = house.message("c1", "carla", "Hello", client_id="m1")
    revision = await house.append([sent])
    again = house.message("c1", "carla", "Hello", client_id="m1")
    other = house.message("c1", "carla", "Something else", client_id="m2")
    with pytest.raises(AlreadySent):
        await house.append([other, again])
    keys = [("carla", "phone", "m1"), ("carla", "phone", "m2")]
    assert await house.database.queries.sent(house.business, keys) == {
        keys[0]: Sent(digest("c1", "Hello", 0), Accepted(sent.seq, revision, sent.at))
    }
    assert len(await read_all(house, "c1")) == 1, "all or nothing: the other one is not stored"


async def test_r05_an_id_is_taken_per_person_and_device(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    await house.append([house.message("c1", "carla", "Hello", client_id="m1")])
    await house.append([house.message("c1", "carla", "Hello", client_id="m1", device="tablet")])
    await house.append([house.message("c1", "sam", "Hello", client_id="m1")])
    assert len(await read_all(house, "c1")) == 3


async def test_r05_an_id_is_taken_in_all_conversations_of_a_business_and_in_no_other(
    house: House,
) -> None:
    other = await House.founded(house.database, "meowsome")
    await house.converse("c1", "sam", "carla")
    await house.converse("c2", "sam", "carla")
    await other.converse("c1", "sam", "carla")
    await house.append([house.message("c1", "carla", "Hello", client_id="m1")])
    await other.append([other.message("c1", "carla", "Hello", client_id="m1")])
    with pytest.raises(AlreadySent):
        await house.append([house.message("c2", "carla", "Hello", client_id="m1")])
    [known] = (
        await house.database.queries.sent(house.business, [("carla", "phone", "m1")])
    ).values()
    assert known.digest == digest("c1", "Hello", 0)
    assert await other.database.queries.sent(other.business, [("carla", "tablet", "m1")]) == {}


async def test_r05_two_in_one_commit(house: House) -> None:
    """The first of them is stored, the other one learns of it."""
    for conversation in ("c1", "c2"):
        await house.converse(conversation, "sam", "carla")
    answers: dict[str, int | None] = {}

    async def send(conversation: str) -> None:
        try:
            answers[conversation] = await house.append(
                [house.message(conversation, "carla", "Hello", client_id="m1")]
            )
        except AlreadySent:
            answers[conversation] = None

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, "c1")
        nursery.start_soon(send, "c2")
    [stored] = [c for c in answers if answers[c] is not None]
    [known] = (
        await house.database.queries.sent(house.business, [("carla", "phone", "m1")])
    ).values()
    assert known.accepted.revision == answers[stored]
    assert len(await read_all(house, stored)) == 1
    assert len(await read_all(house, "c1")) + len(await read_all(house, "c2")) == 1


async def test_a_batch_at_fault_fails_alone(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    before = await house.send("c1", "carla", "first")
    good = [house.message("c1", "carla", f"good {n}") for n in range(2)]
    taken = msgspec.structs.replace(good[0], seq=1, client_message_id="another")
    log: list[object] = []

    async def bad() -> None:
        with pytest.raises(StorageFailed):
            await house.append([taken])
        log.append("refused")

    async with trio.open_nursery() as nursery:
        append(house, nursery, [good[0]], log)
        await trio.lowlevel.checkpoint()  # so that they come in this order
        nursery.start_soon(bad)
        await trio.lowlevel.checkpoint()
        append(house, nursery, [good[1]], log)
    assert log.count("refused") == 1
    assert sorted(entry for entry in log if isinstance(entry, int)) == [before + 1, before + 2]
    assert [m.text for m in await read_all(house, "c1")] == ["first", "good 0", "good 1"]


async def test_a_conversation_can_only_be_created_once(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    again = ConversationCreated("c1", "group", "", house.at(), "sam", (), b"")
    with pytest.raises(StorageFailed):
        await house.append([again])
    await house.send("c1", "carla")


async def test_a_conversation_that_does_not_exist_cannot_be_written_to(house: House) -> None:
    house.seqs["nowhere"] = 0
    with pytest.raises(StorageFailed):
        await house.send("nowhere", "carla")
    await house.converse("c1", "sam", "carla")


async def test_cancelling_who_waits_does_not_undo_an_append(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    released: list[int] = []
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await house.database.journal.append(
                house.business.id, [house.message("c1", "carla", "Hello")], released.append
            )
            assert released, "append returns; the next checkpoint is cancelled"

        nursery.start_soon(send)
        await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert [m.revision for m in await read_all(house, "c1")] == released


async def test_who_is_cancelled_before_appends_nothing(house: House) -> None:
    await house.converse("c1", "sam", "carla")
    event = house.message("c1", "carla", "Hello")
    with trio.CancelScope() as scope:
        scope.cancel()
        await house.append([event])
    assert scope.cancelled_caught
    assert await read_all(house, "c1") == []


async def test_a_business_that_does_not_exist_is_the_callers_mistake(house: House) -> None:
    with pytest.raises(KeyError):
        await house.database.journal.append("nobody's", [], lambda _: None)


async def test_one_batch_may_create_and_fill_a_conversation(house: House) -> None:
    house.seqs["c1"] = 0
    created = ConversationCreated(
        "c1", "direct", "", house.at(), "carla", (house.people["carla"],), b""
    )
    events = [
        created,
        house.message("c1", "carla", "Is Rex ready?"),
        MessageEdited("c1", 1, house.at(), "carla", "Is Rex ready now?"),
        house.advanced("c1", [("carla", 1, 1)]),
    ]
    first = await house.append(events)
    [message] = await read_all(house, "c1")
    assert (message.revision, message.text) == (first + 1, "Is Rex ready now?")


async def test_businesses_count_apart(opened: Opened) -> None:
    one, two = await House.founded(opened, "one"), await House.founded(opened, "two")
    assert await one.converse("c1", "sam", "carla") == await two.converse("c1", "sam", "carla")
    await one.send("c1", "carla", "in one")
    assert await read_all(two, "c1") == []
