"""Events: in order, once each, over resumes; resets that are told; a queue that does not grow."""

from contextlib import suppress

import pytest
import trio
from trio_websocket import ConnectionClosed

import deskbell_client
from deskbell_client import Message, events
from deskbell_client.events import Connected, Reset, Resumed
from deskbell_client.records import Cursor
from tests.clients.conftest import Connect
from tests.clients.scripted import Background, Frame, ScriptedServer, ack, message


class Application:
    """Reads all events of a desk into a list."""

    def __init__(self, desk: deskbell_client.Desk, nursery: trio.Nursery) -> None:
        self.events: list[events.Event] = []
        nursery.start_soon(self._read, desk)

    @property
    def seqs(self) -> list[int]:
        return [event.seq for event in self.events if isinstance(event, Message)]

    def of(self, kind: type) -> list[events.Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def _read(self, desk: deskbell_client.Desk) -> None:
        async for event in desk.events():
            self.events.append(event)


def resumed(revision: int) -> Frame:
    return {"type": "resumed", "revision": revision}


def picture(conversation: str, last_seq: int) -> Frame:
    return {
        "id": conversation,
        "kind": "group",
        "created_at": 1,
        "created_by": "olivia",
        "members": [{"person": "carla", "name": "Carla", "role": "customer"}],
        "last_seq": last_seq,
        "unread": 0,
        "revision": 90,
    }


@pytest.mark.requirement("I4")
async def test_a_resume_goes_on_from_the_last_event(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet(epoch="e1", revision=100)
        await first.send(message(1, 101), message(2, 105))
        await first.cut()
        second = await server.greet(resume="complete", revision=110)
        await second.send(message(3, 107), resumed(110))
        await second.cut()
        third = await server.greet(resume="complete", revision=110)
        await third.send(resumed(110), message(4, 111))
        await trio.sleep(1)

    assert "cursor" not in first.hello
    assert second.hello["cursor"] == {"epoch": "e1", "revision": 105}
    assert third.hello["cursor"] == {"epoch": "e1", "revision": 110}
    assert application.seqs == [1, 2, 3, 4]
    assert application.of(Resumed) == [Resumed(110), Resumed(110)]
    assert not application.of(Reset)


async def test_a_fresh_start_resumes_from_its_welcome(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        first = await server.greet(revision=100)
        await first.cut()
        second = await server.greet(resume="complete")

    assert second.hello["cursor"] == {"epoch": "e1", "revision": 100}


async def test_an_ack_does_not_carry_the_position_over_events_that_are_still_to_come(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet(revision=100)
        sent = Background(nursery, desk.send, "c1", "Hello")
        await first.send(ack(await first.expect("send"), 5, 120))
        await sent.result()
        await first.cut()
        second = await server.greet(resume="complete", revision=120)
        own = message(5, 120, author="carla", client_message_id="m1")
        await second.send(message(4, 110), own)
        await trio.sleep(1)
        await second.cut()
        third = await server.greet(resume="complete", revision=120)

    assert second.hello["cursor"]["revision"] == 100
    assert third.hello["cursor"]["revision"] == 120, "its event does"
    assert application.seqs == [4], "the own message is known by its ack"


async def test_what_is_asked_waits_until_the_resume_is_complete(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        await (await server.greet()).cut()
        await desk.post("c1", "Hello")
        connection = await server.greet(resume="complete", revision=110)
        await trio.testing.wait_all_tasks_blocked()
        await desk.post("c2", "Hello")
        assert await connection.silent(5)
        await connection.send(resumed(110))
        await connection.expect("send")
        await connection.expect("send")


async def test_a_message_that_comes_twice_is_shown_once(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet()
        await first.send(message(1, 101), message(2, 102), message(2, 102), message(1, 101))
        await first.cut()
        second = await server.greet(resume="complete", revision=103)
        await second.send(message(2, 102), message(3, 103), resumed(103))
        await trio.sleep(1)

    assert application.seqs == [1, 2, 3]


async def test_edits_receipts_and_deletions_are_shown_as_they_come(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    edited = {"revision": 102, "conversation": "c1", "seq": 1, "at": 5, "author": "o", "text": "x"}
    deleted = {"revision": 103, "conversation": "c1", "seq": 1, "at": 6, "author": "o"}
    cursors = [{"person": "olivia", "read_up_to": 4, "read_at": 9}]
    async with connect() as desk:
        application = Application(desk, nursery)
        connection = await server.greet()
        await connection.send(
            {"type": "message_edited"} | edited,
            {"type": "message_deleted"} | deleted,
            {"type": "receipt", "revision": 104, "conversation": "c1", "receipts": cursors},
            {"type": "business_changed", "revision": 105, "read_receipts": True, "last_seen": True},
        )
        await trio.sleep(1)

    assert [type(event).__name__ for event in application.events] == [
        "Connected",
        "MessageEdited",
        "MessageDeleted",
        "ReceiptsMoved",
        "BusinessChanged",
    ]


@pytest.mark.parametrize("reason", ["epoch", "too_far_behind", "access_changed", "ahead"])
async def test_a_reset_is_told_and_begins_anew(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery, reason: str
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet()
        await first.send(message(7, 101))
        await first.cut()
        second = await server.greet(resume="reset", reset_reason=reason, epoch="e2", revision=50)
        await second.send(message(3, 51))
        await second.cut()
        third = await server.greet(resume="complete", epoch="e2", revision=51)

    assert application.of(Reset) == [Reset(reason, Cursor("e2", 50))]
    assert application.seqs == [7, 3]
    assert third.hello["cursor"] == {"epoch": "e2", "revision": 51}


@pytest.mark.parametrize("resume", ["partial", "fresh"])
async def test_an_answer_to_a_cursor_that_is_not_complete_is_a_reset(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery, resume: str
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        await (await server.greet()).cut()
        await server.greet(resume=resume)
        await trio.sleep(1)

    assert [event.reason for event in application.of(Reset)] == [resume]  # type: ignore[union-attr]


async def test_a_hole_is_closed_by_a_resume(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet()
        await first.send(message(1, 101), message(3, 103))
        assert await first.closed() == 1000
        second = await server.greet(resume="complete", revision=103)
        await second.send(message(2, 102), message(3, 103), resumed(103))
        await trio.sleep(1)

    assert second.hello["cursor"]["revision"] == 101
    assert application.seqs == [1, 2, 3]


async def test_a_hole_that_a_resume_does_not_close_is_a_reset(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        first = await server.greet()
        await first.send(message(1, 101), message(3, 103))
        await first.closed()
        second = await server.greet(resume="complete", revision=103)
        await second.send(message(3, 103))
        await second.closed()
        third = await server.greet(resume="fresh", revision=103)
        await trio.sleep(1)

    assert "cursor" not in third.hello
    assert application.of(Reset) == [Reset("gap", Cursor("e1", 103))]


REMOVED = {
    "type": "conversation_removed",
    "revision": 102,
    "conversation": "c1",
    "seq": 2,
    "at": 1,
    "author": "olivia",
}


@pytest.mark.parametrize("before", [[REMOVED], []], ids=["removed before", "not removed"])
async def test_a_conversation_that_one_is_added_to_begins_anywhere(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery, before: list[Frame]
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        connection = await server.greet()
        await connection.send(
            message(1, 101),
            *before,
            {"type": "conversation_added", "revision": 110, "conversation": picture("c1", 8)},
            message(9, 111),
        )
        await trio.sleep(1)

    assert application.seqs == [1, 9]


# --- The queue ------------------------------------------------------------------------------------


async def test_beyond_the_bound_the_rest_is_asked_for_when_the_application_has_caught_up(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    shown: list[int] = []
    async with connect(queue=5, auto_delivered=False) as desk:
        first = await server.greet()
        await first.send(*(message(seq, 100 + seq) for seq in range(1, 21)))
        sent = Background(nursery, desk.send, "c2", "Hello")
        await first.send(ack(await first.expect("send"), 1, 121))
        await sent.result()

        async for event in desk.events():
            if isinstance(event, Message):
                shown.append(event.seq)
            if shown == [1, 2, 3, 4]:
                break
        await trio.sleep(1)
        assert len(server.dials) == 1, "it hangs up only when all that fitted is processed"
        application = Application(desk, nursery)
        resumes = []
        while shown + application.seqs != list(range(1, 21)):
            await trio.testing.wait_all_tasks_blocked()
            connection = await server.greet(resume="complete", revision=121)
            resumes.append(connection.hello["cursor"]["revision"])
            missing = range(resumes[-1] - 99, 21)
            with suppress(ConnectionClosed):  # it may have had enough already
                await connection.send(*(message(seq, 100 + seq) for seq in missing), resumed(121))
            await trio.testing.wait_all_tasks_blocked()

    assert resumes[0] == 104, "four found room beside the news of the connection"
    assert len(resumes) <= 5
    assert not application.of(Reset)


async def test_typing_and_presence_do_not_fill_the_queue(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(queue=2) as desk:
        connection = await server.greet()
        typing = {"type": "typing", "conversation": "c1", "person": "sam", "for_ms": 6000}
        for active in (True, False) * 50:
            await connection.send(typing | {"active": active})
        await connection.send(message(1, 101))
        await trio.sleep(1)
        news = desk.events()
        told = [await anext(news) for _ in range(3)]

    assert [type(event) for event in told] == [Connected, Message, events.TypingChanged]
    assert told[2] == events.TypingChanged("c1", "sam", False, 6000)


async def test_unknown_events_are_ignored(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        application = Application(desk, nursery)
        connection = await server.greet()
        await connection.send({"type": "reaction", "revision": 101}, message(1, 102))
        await trio.sleep(1)

    assert application.seqs == [1]
