"""The conversation actor: batches, order, repetition, audiences, failing storage, crashes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.batch_work import NOT_STORED
from actors.envelope import Envelope
from domain.commands import Accepted, Command, Done, Send
from domain.conversation import CONFLICTING_ID, REMEMBERED
from domain.errors import StorageFailed
from domain.events import (
    ConversationCreated,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    ReceiptsAdvanced,
)
from domain.refusal import NOT_FOUND, Code, Refusal
from tests.actors.talk import (
    CONNECTIONS,
    Talk,
    add,
    delete,
    edit,
    receipt,
    remove,
    send,
    seq,
    talking,
    typing,
)
from tests.contract.memory import MemoryDatabase
from tests.fixtures.actors import handle


@pytest.fixture(params=["memory", "sqlite"])
async def talk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talk]:
    """c1 with sam, carla and, as always, olivia."""
    async with talking(request.param, tmp_path) as talk:
        assert isinstance(await talk.create("carla"), Done)
        talk.new()
        talk.order.clear()
        talk.flushes = 0
        yield talk


def code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Refusal) else None


# --- batches and order ----------------------------------------------------------------------------


async def test_a_batch_is_stored_once_and_answered_and_shown_in_order(talk: Talk) -> None:
    commands = [
        send("carla", "m1", "one"),
        send("sam", "m1", "two"),
        edit("carla", 1, "one!"),
        delete("sam", 2),
        send("carla", "m2", "three"),
    ]
    one, two, edited, deleted, three = await talk(*commands)
    assert talk.order == commands
    assert isinstance(one, Accepted)
    first = one.revision
    assert [seq(one), seq(two), seq(three)] == [1, 2, 3]
    assert (edited, deleted) == (Done(first + 2), Done(first + 3))
    shown = talk.new()
    assert [s.revision for s in shown] == list(range(first, first + 5))
    assert [type(s.event) for s in shown] == [
        MessageSent,
        MessageSent,
        MessageEdited,
        MessageDeleted,
        MessageSent,
    ]
    assert {s.audience for s in shown} == {frozenset({"sam", "carla"})}
    asked_by = [CONNECTIONS[command.speaker.person] for command in commands]
    assert [s.origins for s in shown] == [{connection} for connection in asked_by]


async def test_who_sends_is_answered_before_others_are_shown_it(talk: Talk) -> None:
    happened: list[str] = []
    publish = talk.publish

    def noted(*args: Any) -> None:
        happened.append("shown")
        publish(*args)

    talk.publish = noted  # type: ignore[method-assign]
    envelope = Envelope[Command](send("carla", "m1"), lambda _: happened.append("answered"))
    await handle(talk.actor, [envelope])
    assert happened == ["answered", "shown"]


async def test_who_is_refused_changes_nothing_for_the_others(talk: Talk) -> None:
    answers = await talk(
        send("carla", "m1"),
        send("dave", "m1"),
        send("carla", "m2", " "),
        edit("sam", 1),
        edit("carla", 99),
        send("sam", "m2"),
    )
    assert [seq(answers[0]), seq(answers[5])] == [1, 2]
    assert answers[1] == NOT_FOUND
    assert [code(a) for a in answers[2:5]] == [
        Code.BAD_REQUEST,
        Code.FORBIDDEN,
        Code.NOT_FOUND,
    ]
    assert [s.event.seq for s in talk.new()] == [1, 2]  # type: ignore[union-attr]


async def test_what_needs_no_storing_is_answered_and_flushed_at_once(talk: Talk) -> None:
    await talk(send("carla", "m1"))
    talk.flushes = 0
    assert await talk(delete("dave", 1), receipt("carla", 0)) == [NOT_FOUND, Done()]
    assert talk.flushes == 1


async def test_a_conversation_that_does_not_exist(talk: Talk) -> None:
    await talk.restart("nowhere")
    assert await talk(send("carla", "m1"), receipt("carla", 1), typing("carla")) == [NOT_FOUND] * 3


# --- creating -------------------------------------------------------------------------------------


async def test_a_conversation_is_created_and_filled_in_one_batch(talk: Talk) -> None:
    await talk.restart("c2")
    created, sent = await talk(talk.creation("dave", author="zoe"), send("dave", "m1"))
    assert isinstance(created, Done)
    assert seq(sent) == 1
    first, second = talk.new()
    assert isinstance(first.event, ConversationCreated)
    assert first.audience == second.audience == {"zoe", "dave"}


async def test_creating_the_same_again_changes_nothing(talk: Talk) -> None:
    again = talk.creation("carla")
    assert await talk(again, again) == [Done(), Done()]
    await talk(add("sam", "dave"), remove("carla", "carla"))
    await talk.restart()
    talk.new()
    assert await talk(again) == [Done()]
    assert code(await talk.create("dave")) is Code.CONFLICT
    assert await talk.create("dave", author="zoe") == NOT_FOUND, "foreign and taken look alike"
    assert talk.new() == []


# --- repetition: R05 ------------------------------------------------------------------------------


@pytest.mark.requirement("EX-1")
async def test_r05_the_same_id_gets_the_same_answer(talk: Talk) -> None:
    command = send("carla", "m1")
    first = await talk.one(command)
    talk.new()
    assert [await talk.one(command) for _ in range(5)] == [first] * 5
    await talk.restart()
    assert await talk.one(command) == first
    assert talk.new() == [], "and nobody is shown it again"
    assert len(await talk.log()) == 1


async def test_r05_two_in_one_batch(talk: Talk) -> None:
    command, other = send("carla", "m1"), send("carla", "m1", "Something else")
    first, same, conflict, next_ = await talk(command, command, other, send("carla", "m2"))
    assert first == same
    assert isinstance(same, Accepted)
    assert same.revision > 0, "the answer is whole, though its message was of this very batch"
    assert conflict == CONFLICTING_ID
    assert seq(next_) == 2


async def test_r05_the_same_id_with_another_body_is_a_conflict(talk: Talk) -> None:
    await talk(send("sam", "s1"), send("carla", "m1"))
    for other in (
        send("carla", "m1", "Something else"),
        send("carla", "m1", reply_to=1),
    ):
        assert await talk.one(other) == CONFLICTING_ID
        await talk.restart()
        assert await talk.one(other) == CONFLICTING_ID
    assert len(await talk.log()) == 2


async def test_r05_the_same_id_in_another_conversation_is_a_conflict(talk: Talk) -> None:
    await talk(send("carla", "m1"))
    await talk.restart("c2")
    await talk.create("carla", author="zoe")
    conflict, stored = await talk(send("carla", "m1"), send("carla", "m2"))
    assert conflict == CONFLICTING_ID
    assert seq(stored) == 1, "the rest of the batch is stored"
    assert await talk.one(send("carla", "m1")) == CONFLICTING_ID


async def test_r05_another_device_or_person_has_ids_of_its_own(talk: Talk) -> None:
    answers = await talk(
        send("carla", "m1"), send("carla", "m1", device="tablet"), send("sam", "m1")
    )
    assert [seq(a) for a in answers] == [1, 2, 3]


async def test_r05_an_id_of_long_ago(talk: Talk) -> None:
    """It is no longer at hand: the journal knows it, and the rest of the batch is stored."""
    first = await talk.one(send("carla", "m1"))
    for n in range(0, REMEMBERED + 20, 100):
        await talk(*[send("sam", f"s{n + k}") for k in range(100)])
    talk.new()
    before = len(talk.shown)
    again, new, conflict = await talk(
        send("carla", "m1"), send("carla", "m2"), send("carla", "m1", "Something else")
    )
    assert again == first
    assert seq(new) == 2 + 100 * ((REMEMBERED + 20 + 99) // 100)
    assert conflict == CONFLICTING_ID
    assert len(talk.new()) == before + 1


async def test_r05_retries_of_what_is_at_hand_and_of_what_is_not_in_one_batch(talk: Talk) -> None:
    """What the journal tells must not drive what is at hand out again, over and over."""
    first = [await talk.one(send("carla", f"m{n}")) for n in range(3)]
    for n in range(0, REMEMBERED, 64):
        await talk(*[send("sam", f"s{n + k}") for k in range(64)])
    at_hand = await talk(*[send("sam", f"s{k}") for k in range(64)])
    new = [send("zoe", f"z{n}") for n in range(100)]
    await talk(add("sam", "zoe"))
    with trio.fail_after(20):
        answers = await talk(
            *[send("carla", f"m{n}") for n in range(3)],
            *new,
            *[send("sam", f"s{k}") for k in range(64)],
        )
    assert answers[:3] == first
    assert answers[103:] == at_hand
    assert len({seq(answer) for answer in answers[3:103]}) == 100


async def test_r05_whatever_happened_in_between(talk: Talk) -> None:
    first = await talk.one(send("carla", "m1"))
    await talk(edit("carla", 1), delete("carla", 1), remove("sam", "carla"))
    assert await talk.one(send("carla", "m1")) == first
    await talk.restart()
    assert await talk.one(send("carla", "m1")) == first
    assert await talk.one(send("carla", "m2")) == NOT_FOUND


# --- receipts -------------------------------------------------------------------------------------


@pytest.mark.requirement("EX-6")
async def test_receipts_of_a_batch_are_one_event_and_one_revision(talk: Talk) -> None:
    await talk(*[send("carla", f"m{n}") for n in range(5)])
    before = talk.new()[-1].revision
    answers = await talk(
        receipt("sam", 1),
        receipt("olivia", 5),
        receipt("sam", 3, 2),
        receipt("sam", 2, 1),  # moves nothing, and is true only once the others are stored
        receipt("sam", 5),
    )
    moved = Done(before + 1)
    assert answers == [moved] * 5
    [shown] = talk.new()
    assert shown.revision == before + 1
    assert isinstance(shown.event, ReceiptsAdvanced)
    by_person = {a.person: a for a in shown.event.advances}
    assert by_person.keys() == {"sam", "olivia"}
    cursor = by_person["sam"].cursor
    assert (cursor.delivered_up_to, cursor.read_up_to, by_person["sam"].after) == (5, 2, 0)
    await talk.restart()
    assert await talk(receipt("sam", 5, 2)) == [Done()], "stored: the same again moves nothing"


async def test_a_receipt_goes_to_the_authors_concerned_alone(talk: Talk) -> None:
    await talk(add("sam", "dave"), add("sam", "zoe"))
    await talk(send("carla", "m1"), send("dave", "m1"), send("sam", "m1"))  # seq 3, 4, 5
    talk.new()

    async def told(*receipts: object) -> frozenset[str]:
        await talk(*receipts)  # type: ignore[arg-type]
        [shown] = talk.new()
        return shown.audience

    assert await told(receipt("zoe", 3)) == {"sam", "carla"}, "sam brought people in: 1 and 2"
    assert await told(receipt("zoe", 4)) == {"dave"}
    assert await told(receipt("zoe", 4, 3)) == {"sam", "carla"}
    assert await told(receipt("olivia", 5), receipt("zoe", 5)) == {"sam", "carla", "dave"}


async def test_receipts_for_what_is_no_longer_at_hand_go_to_its_authors(talk: Talk) -> None:
    await talk(send("carla", "m1"))
    for n in range(0, REMEMBERED + 100, 100):
        await talk(*[send("sam", f"s{n + k}") for k in range(100)])
    talk.new()
    await talk(receipt("olivia", 1))
    await talk(receipt("olivia", 3))
    await talk(receipt("olivia", REMEMBERED + 50))
    assert [s.audience for s in talk.new()] == [{"carla"}, {"sam"}, {"sam"}]


async def test_i12_a_receipt_does_not_reach_an_author_who_has_left(talk: Talk) -> None:
    await talk(send("carla", "m1"), send("sam", "m1"))
    await talk(remove("sam", "carla"))
    talk.new()
    await talk(receipt("olivia", 2))
    [shown] = talk.new()
    assert shown.audience == {"sam"}


async def test_an_owner_is_told_of_receipts_for_what_they_said(talk: Talk) -> None:
    await talk(send("olivia", "m1"))
    talk.new()
    await talk(receipt("carla", 1))
    [shown] = talk.new()
    assert shown.audience == {"olivia"}


async def test_a_receipt_in_the_batch_of_the_removal_is_not_stored_after_it(talk: Talk) -> None:
    await talk(send("sam", "m1"))
    talk.new()
    answers = await talk(receipt("carla", 1), remove("sam", "carla"), receipt("carla", 1, 1))
    assert [type(s.event) for s in talk.new()] == [MemberRemoved]
    assert answers[0] == Done()
    assert answers[2] == NOT_FOUND
    await talk(add("sam", "carla"))
    await talk.restart()
    [answer] = await talk(receipt("carla", 1))
    assert answer != Done(), "who comes back starts over"


async def test_a_receipt_never_goes_beyond_the_last_message(talk: Talk) -> None:
    await talk(send("carla", "m1"))
    talk.new()
    await talk(receipt("sam", 2**53 - 1, 2**53 - 1))
    [shown] = talk.new()
    assert isinstance(shown.event, ReceiptsAdvanced)
    [step] = shown.event.advances
    assert (step.cursor.delivered_up_to, step.cursor.read_up_to) == (1, 1)


# --- members --------------------------------------------------------------------------------------


async def test_i12_a_removal_and_what_is_said_after_it_in_one_batch(talk: Talk) -> None:
    """Who is removed hears what came before, the removal, and nothing more."""
    before, removed, after, refused = await talk(
        send("sam", "m1", "before"),
        remove("sam", "carla"),
        send("sam", "m2", "after"),
        send("carla", "m1"),
    )
    assert [seq(before), seq(after)] == [1, 3]
    assert isinstance(removed, Done)
    assert refused == NOT_FOUND
    first, second, third = talk.new()
    assert first.audience == {"sam", "carla"}
    assert isinstance(second.event, MemberRemoved)
    assert second.event.member.id == "carla"
    assert third.audience == {"sam"}


async def test_who_joins_hears_what_comes_after(talk: Talk) -> None:
    await talk(send("sam", "m1"), add("sam", "dave"), send("dave", "m1"), send("sam", "m2"))
    audiences = [s.audience for s in talk.new()]
    assert audiences == [{"sam", "carla"}] + [{"sam", "carla", "dave"}] * 3


@pytest.mark.requirement("DT-08", "DT-09")
async def test_i8_the_owner_is_in_it_and_cannot_be_removed(talk: Talk) -> None:
    assert seq(await talk.one(send("olivia", "m1"))) == 1
    for person in ("sam", "olivia"):
        assert code(await talk.one(remove(person, "olivia"))) is Code.OWNER_REQUIRED
    assert await talk.one(add("sam", "olivia")) == Done()


@pytest.mark.requirement("DT-24")
async def test_i8_a_transfer_moves_the_place_at_once(talk: Talk) -> None:
    talk.business.owners = frozenset({"mary"})
    assert code(await talk.one(remove("sam", "mary"))) is Code.OWNER_REQUIRED
    assert await talk.one(remove("sam", "olivia")) == Done(), "she is no member"


async def test_coming_and_going_in_one_batch(talk: Talk) -> None:
    answers = await talk(
        add("sam", "dave"), add("sam", "dave"), remove("dave", "dave"), remove("sam", "dave")
    )
    assert [isinstance(a, Done) and a.revision > 0 for a in answers] == [True, False, True, False]
    added, left = talk.new()
    assert isinstance(added.event, MemberAdded)
    assert isinstance(left.event, MemberRemoved)
    assert left.event.left


# --- replies, edits, deletions --------------------------------------------------------------------


async def test_a_reply_names_a_message_that_is_there(talk: Talk) -> None:
    one, reply, wrong = await talk(
        send("carla", "m1"), send("sam", "m1", reply_to=1), send("sam", "m2", reply_to=9)
    )
    assert [seq(one), seq(reply)] == [1, 2]
    assert code(wrong) is Code.NOT_FOUND
    event = talk.new()[-1].event
    assert isinstance(event, MessageSent)
    assert event.reply_to == 1


async def test_what_is_no_longer_at_hand_can_still_be_edited_and_deleted_once(talk: Talk) -> None:
    await talk(send("carla", "m1"), add("sam", "dave"))
    for n in range(0, REMEMBERED + 100, 100):
        await talk(*[send("sam", f"s{n + k}") for k in range(100)])
    talk.new()
    answers = await talk(
        edit("carla", 1),
        delete("carla", 1),
        delete("carla", 1),
        edit("carla", 1),
        edit("sam", 2),
        delete("dave", 3),
    )
    assert [isinstance(a, Done) and a.revision > 0 for a in answers[:3]] == [True, True, False]
    assert [code(a) for a in answers[3:]] == [Code.DELETED, Code.NOT_FOUND, Code.FORBIDDEN]
    assert len(talk.new()) == 2


# --- typing ---------------------------------------------------------------------------------------


async def test_typing_is_shown_and_not_stored(talk: Talk) -> None:
    before = len(await talk.log())
    assert await talk(typing("carla"), typing("dave"), typing("carla", active=False)) == [
        Done(),
        NOT_FOUND,
        Done(),
    ]
    audience = frozenset({"sam", "carla"})
    assert talk.typings == [
        ("carla", True, audience, CONNECTIONS["carla"]),
        ("carla", False, audience, CONNECTIONS["carla"]),
    ]
    assert talk.new() == []
    assert len(await talk.log()) == before


# --- when it cannot be stored ---------------------------------------------------------------------


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[tuple[Talk, MemoryDatabase]]:
    async with talking("memory", tmp_path) as talk:
        await talk.create("carla")
        await talk(send("carla", "m0"))
        talk.new()
        talk.flushes = 0
        assert isinstance(talk.database, MemoryDatabase)
        yield talk, talk.database


class Fails:
    """Fails so many times."""

    def __init__(self, error: Exception, times: int = 1) -> None:
        self.error, self.left = error, times

    def __call__(self) -> None:
        if self.left:
            self.left -= 1
            raise self.error


async def test_what_cannot_be_stored_is_refused_and_leaves_no_trace(
    memory: tuple[Talk, MemoryDatabase],
) -> None:
    talk, database = memory
    database.fault = Fails(StorageFailed("the disk is full"))
    commands = [
        send("carla", "m1"),
        receipt("sam", 1, 1),
        add("sam", "dave"),
        delete("carla", 1),
    ]
    assert await talk(*commands, typing("carla")) == [NOT_STORED] * 4 + [Done()]
    assert talk.new() == []
    assert talk.flushes == 1
    one, received, added, deleted = await talk(*commands)
    assert seq(one) == 2, "the seq was not used up"
    assert isinstance(received, Done)
    assert received.revision > 0
    assert len(talk.new()) == 4
    assert added != deleted


@pytest.mark.requirement("EX-1")
async def test_r05_a_repeat_is_answered_as_at_first_even_while_nothing_can_be_stored(
    memory: tuple[Talk, MemoryDatabase],
) -> None:
    talk, database = memory
    first = await talk.one(send("carla", "m1"))
    for n in range(REMEMBERED):
        await talk.one(send("sam", f"later {n}"))
    await talk.restart()
    database.fault = Fails(StorageFailed("the disk is full"))
    answers = await talk(send("carla", "m1"), send("carla", "m2"), send("carla", "m1", "other"))
    assert answers == [first, NOT_STORED, NOT_STORED]


@pytest.mark.requirement("EX-1")
async def test_r05_a_repeat_is_answered_as_at_first_though_its_author_is_gone(talk: Talk) -> None:
    first = await talk.one(send("carla", "m1"))
    for n in range(REMEMBERED):
        await talk.one(send("sam", f"later {n}"))
    await talk.one(remove("sam", "carla"))
    await talk.restart()
    again, other, new = await talk(
        send("carla", "m1"), send("carla", "m1", "other"), send("carla", "m2")
    )
    assert again == first
    assert other == new == NOT_FOUND


async def test_nothing_user_visible_says_locked(memory: tuple[Talk, MemoryDatabase]) -> None:
    """R22: whatever the database says, people are told what to do."""
    talk, database = memory
    database.fault = Fails(StorageFailed("database is locked"))
    answer = await talk.one(send("carla", "m1"))
    assert answer == NOT_STORED
    assert isinstance(answer, Refusal)
    assert answer.code is Code.STORAGE_FAILED
    assert answer.retry_after > 0
    assert "locked" not in answer.message


# --- crashes --------------------------------------------------------------------------------------


async def test_a_crash_before_storing_leaves_nothing_and_the_retry_stores_it(
    memory: tuple[Talk, MemoryDatabase],
) -> None:
    talk, database = memory
    database.fault = Fails(RuntimeError("a defect"))
    commands = [send("carla", "m1"), receipt("sam", 1)]
    with pytest.raises(RuntimeError):
        await talk(*commands)
    assert talk.order[-2:] != commands
    await talk.restart()
    stored, _ = await talk(*commands)
    assert seq(stored) == 2


async def test_a_crash_after_storing_gives_the_same_answers_and_shows_nothing_twice(
    talk: Talk,
) -> None:
    """The messages were shown, or are read from the log: the retry only answers."""
    commands = [send("carla", "m1"), send("sam", "m1"), receipt("sam", 1, 1), send("carla", "m2")]

    await talk(*[command for command in commands if isinstance(command, Send)])
    assert len(talk.new()) == 3
    await talk.restart()
    again = await talk(*commands)
    assert [seq(a) for a in again if isinstance(a, Accepted)] == [1, 2, 3]
    assert [type(s.event) for s in talk.new()] == [ReceiptsAdvanced]
    assert len(await talk.log()) == 3


async def test_a_cancelled_actor_has_stored_all_of_its_batch_or_nothing(talk: Talk) -> None:
    """R21: cancelled at the k-th step, for every k; then the same batch again."""
    for k in range(12):
        command = send("carla", f"k{k}")
        answers: list[object] = []
        with trio.CancelScope() as scope:
            steps = _CancelAt(scope, k)
            trio.lowlevel.add_instrument(steps)
            try:
                await handle(talk.actor, [Envelope(command, answers.append)])
            finally:
                trio.lowlevel.remove_instrument(steps)
        await talk.restart()
        answer = await talk.one(command)
        assert seq(answer) == k + 1
        assert answers in ([], [answer])
    assert [m.seq for m in await talk.log()] == list(range(1, 13))


class _CancelAt(trio.abc.Instrument):
    """Cancels before the k-th step of any task."""

    def __init__(self, scope: trio.CancelScope, k: int) -> None:
        self._scope, self._left = scope, k

    def before_task_step(self, _: trio.lowlevel.Task) -> None:
        if self._left == 0:
            self._scope.cancel()
        self._left -= 1


async def test_a_receipt_is_done_when_it_is_stored_however_often_it_comes(
    memory: tuple[Talk, MemoryDatabase],
) -> None:
    talk, database = memory
    await talk.one(send("carla", "m1"))
    database.fault = Fails(StorageFailed("the disk is full"))
    assert await talk(receipt("sam", 1, 1), receipt("sam", 1, 1)) == [NOT_STORED, NOT_STORED]
    answers = await talk(receipt("sam", 1, 1), receipt("sam", 1, 1))
    assert answers[0] == answers[1] == Done(talk.new()[-1].revision)


async def test_a_batch_that_makes_a_message_old_can_still_change_it(talk: Talk) -> None:
    first = seq(await talk.one(send("sam", "first")))
    for n in range(0, REMEMBERED - 1, 64):
        await talk(*[send("carla", f"m{n + i}") for i in range(min(64, REMEMBERED - 1 - n))])
    answers = await talk(send("carla", "one more"), edit("sam", first))
    assert isinstance(answers[1], Done)
    answers = await talk(delete("sam", first + 1), send("carla", "another"), edit("sam", first))
    assert isinstance(answers[2], Done)
