"""Sends: stored first, tried until there is an answer, said once, in order."""

from itertools import pairwise

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

import deskbell_client
from deskbell_client import MemoryStorage, PendingFull, Refused, Stopped, WireError, events
from deskbell_client.commands import Send
from tests.clients.conftest import Connect
from tests.clients.scripted import Background, Connection, Frame, ScriptedServer, ack


def refusal(send: Frame, code: str, retry_after: float = 0.0) -> Frame:
    return {
        "type": "error",
        "code": code,
        "message": "No.",
        "retry_after": retry_after,
        "client_message_id": send["client_message_id"],
    }


async def test_an_ack_ends_a_send(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        sent = Background(nursery, desk.send, "c1", "Hello 🐕", reply_to=3)
        send = await connection.expect("send")
        assert not sent.done
        await connection.send(ack(send, 5, 101))
        result = await sent.result()

    assert send == {
        "type": "send",
        "conversation": "c1",
        "client_message_id": "m1",
        "text": "Hello 🐕",
        "reply_to": 3,
    }
    assert (result.seq, result.revision, result.client_message_id) == (5, 101, "m1")


@pytest.mark.requirement("R05")
async def test_a_send_keeps_its_id_over_every_retry(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    seen = []
    async with connect() as desk:
        sent = Background(nursery, desk.send, "c1", "Hello")
        for _ in range(5):
            connection = await server.greet()
            seen.append(await connection.expect("send"))
            await connection.cut()
        connection = await server.greet()
        send = await connection.expect("send")
        await connection.send(ack(send, 5, 101))
        await sent.result()
        assert await connection.silent(5)

    assert seen == [send] * 5


async def test_sends_of_a_conversation_keep_their_order_over_reconnects(
    server: ScriptedServer, connect: Connect
) -> None:
    committed: list[str] = []
    async with connect() as desk:
        for number in range(20):
            await desk.post("c1", f"{number}")
        number = 0
        while len(committed) < 20:
            connection = await server.greet()
            for _ in range(3):  # three acks a connection, and a fourth one that gets lost
                send = await connection.expect("send")
                if send["text"] not in committed:
                    committed.append(send["text"])
                await connection.send(ack(send, committed.index(send["text"]) + 1, 200))
                if len(committed) == 20:
                    break
            else:
                send = await connection.expect("send")
                committed.append(send["text"])
                await connection.cut()

    assert committed == [f"{number}" for number in range(20)]


async def test_the_window_bounds_what_is_in_flight(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(window=3) as desk:
        for number in range(5):
            await desk.post(f"c{number}", "Hello")
        connection = await server.greet()
        first = [await connection.expect("send") for _ in range(3)]
        assert await connection.silent(5)
        await connection.send(ack(first[1], 1, 101))
        fourth = await connection.expect("send")

    assert [send["conversation"] for send in [*first, fourth]] == ["c0", "c1", "c2", "c3"]


async def test_the_window_of_the_server_goes_before_ones_own(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect(window=50) as desk:
        for number in range(5):
            await desk.post(f"c{number}", "Hello")
        connection = await server.greet(limits={"sends_in_flight": 2})
        await connection.expect("send")
        await connection.expect("send")
        assert await connection.silent(5)


@pytest.mark.parametrize("code", ["overloaded", "unavailable", "rate_limited"])
async def test_what_is_turned_away_for_now_is_tried_again_when_the_server_says(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery, code: str
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        sent = Background(nursery, desk.send, "c1", "first")
        await wait_all_tasks_blocked()
        behind = Background(nursery, desk.send, "c1", "second")
        send = await connection.expect("send")
        await connection.send(refusal(send, code, retry_after=7.5))
        refused_at = trio.current_time()

        again = await connection.expect("send")
        assert trio.current_time() - refused_at == pytest.approx(7.5, abs=0.01)
        assert again == send
        await connection.send(ack(again, 5, 101))
        second = await connection.expect("send")
        await connection.send(ack(second, 6, 102))
        assert (await sent.result()).seq == 5
        assert (await behind.result()).seq == 6


async def test_without_a_retry_after_it_backs_off(server: ScriptedServer, connect: Connect) -> None:
    times = []
    async with connect() as desk:
        connection = await server.greet()
        await desk.post("c1", "Hello")
        for _ in range(6):
            send = await connection.expect("send")
            times.append(trio.current_time())
            await connection.send(refusal(send, "overloaded"))

    waits = [after - before for before, after in pairwise(times)]
    assert waits == pytest.approx([1, 2, 4, 8, 16], rel=0.01)


@pytest.mark.parametrize(
    "code",
    ["bad_request", "forbidden", "not_found", "conflict", "too_large", "storage_failed", "new"],
)
async def test_a_final_refusal_is_raised_and_lets_the_next_go(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery, code: str
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        sent = Background(nursery, desk.send, "c1", "first")
        await wait_all_tasks_blocked()
        behind = Background(nursery, desk.send, "c1", "second")
        send = await connection.expect("send")
        await connection.send(refusal(send, code))
        with pytest.raises(Refused) as refused:
            await sent.result()
        second = await connection.expect("send")
        await connection.send(ack(second, 5, 101))
        await behind.result()

    assert refused.value.code == code
    assert second["text"] == "second"


async def test_what_nobody_waits_for_is_told_as_an_event(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        said = await desk.post("c1", "first")
        refused = await desk.post("c2", "second")
        connection = await server.greet()
        await connection.send(ack(await connection.expect("send"), 5, 101))
        await connection.send(refusal(await connection.expect("send"), "forbidden"))
        news = desk.events()
        assert isinstance(await anext(news), events.Connected)
        sent, failed = await anext(news), await anext(news)

    assert isinstance(sent, events.Sent)
    assert sent.ack.client_message_id == said
    assert failed == events.SendFailed(refused, "c2", "forbidden", "No.")


async def test_a_caller_that_is_cancelled_leaves_the_send_pending(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        sent = Background(nursery, desk.send, "c1", "Hello")
        await trio.sleep(1)
        sent.scope.cancel()
        connection = await server.greet()
        await connection.send(ack(await connection.expect("send"), 5, 101))
        news = desk.events()
        assert isinstance(await anext(news), events.Connected)
        told = await anext(news)

    assert isinstance(told, events.Sent)


async def test_two_callers_with_one_id_share_the_ack(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        callers = [
            Background(nursery, desk.send, "c1", "Hello", client_message_id="mine")
            for _ in range(2)
        ]
        await connection.send(ack(await connection.expect("send"), 5, 101))
        acks = [await caller.result() for caller in callers]
        assert await connection.silent(5)

    assert acks[0] == acks[1]


async def test_the_bound_of_pending_sends(server: ScriptedServer, connect: Connect) -> None:
    async with connect(max_pending=2) as desk:
        await desk.post("c1", "first")
        await desk.post("c1", "second")
        with pytest.raises(PendingFull):
            await desk.post("c1", "third")
        connection = await server.greet()
        await connection.send(ack(await connection.expect("send"), 5, 101))
        await connection.expect("send")
        await desk.post("c1", "third")


@pytest.mark.parametrize(
    ("text", "error"), [("x" * 32769, Refused), ("€" * 10923, Refused), ("\ud83d", WireError)]
)
async def test_what_would_end_the_connection_is_refused_here(
    server: ScriptedServer, connect: Connect, text: str, error: type[Exception]
) -> None:
    storage = MemoryStorage()
    async with connect(storage=storage) as desk:
        connection = await server.greet()
        with pytest.raises(error):
            await desk.send("c1", text)
        assert await connection.silent(5)
    assert (await storage.load("d1")).pending == ()


async def test_a_pending_send_that_a_new_server_finds_too_large_does_not_go_out(
    server: ScriptedServer, connect: Connect
) -> None:
    """It would end every connection for ever: the answer to a frame over the limit is a close."""
    async with connect() as desk:
        await desk.post("c1", "x" * 1000)
        connection = await server.greet(limits={"frame_bytes": 500})
        news = desk.events()
        assert isinstance(await anext(news), events.Connected)
        failed = await anext(news)
        assert await connection.silent(5)

    assert isinstance(failed, events.SendFailed)
    assert failed.code == "too_large"


class Slow(MemoryStorage):
    """A store that takes a second to add something."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    async def add(self, send: Send) -> None:
        await trio.sleep(1)
        await super().add(send)
        self.log.append(send.text)


async def test_a_send_goes_out_only_when_it_is_stored(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    storage = Slow()
    async with connect(storage=storage) as desk:
        connection = await server.greet()
        Background(nursery, desk.send, "c1", "Hello")
        assert await connection.silent(0.99)
        await connection.expect("send")
        assert storage.log == ["Hello"]


async def test_what_is_stored_cannot_be_cancelled_half_way(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect(storage=Slow()) as desk:
        connection = await server.greet()
        sent = Background(nursery, desk.send, "c1", "Hello")
        await trio.sleep(0.5)
        sent.scope.cancel()
        await connection.expect("send")


async def test_who_is_cancelled_before_it_is_stored_has_sent_nothing(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    storage = Slow()
    async with connect(storage=storage) as desk:
        connection = await server.greet()
        with trio.move_on_after(0):
            await desk.send("c1", "cancelled at once")
        Background(nursery, desk.send, "c1", "stored first")
        await trio.sleep(0.1)
        waiting = Background(nursery, desk.send, "c1", "cancelled while it waits")
        await trio.sleep(0.1)
        waiting.scope.cancel()
        assert (await connection.expect("send"))["text"] == "stored first"
        assert await connection.silent(5)
    assert [send.text for send in (await storage.load("d1")).pending] == ["stored first"]


async def test_a_waiting_send_is_told_when_the_client_stops(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    storage = MemoryStorage()
    async with connect(storage=storage) as desk:
        connection = await server.greet()
        sent = Background(nursery, desk.send, "c1", "Hello")
        await connection.expect("send")
        await connection.close(4503, "deactivated")
        with pytest.raises(Stopped) as stopped:
            await sent.result()

    assert stopped.value.code == 4503
    assert [send.text for send in (await storage.load("d1")).pending] == ["Hello"]


# --- Other commands -------------------------------------------------------------------------------


async def answer(connection: Connection, **reply: object) -> Frame:
    """Answer the next command; returns it."""
    command = await connection.next()
    await connection.send({"id": command["id"]} | reply)
    return command


async def test_a_question_is_asked_again_after_a_reconnect(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        asking = Background(nursery, desk.history, "c1", before=9, limit=5)
        first = await server.greet()
        asked = await first.expect("history")
        await first.cut()
        second = await server.greet()
        again = await answer(second, type="page", conversation="c1", messages=[], more=False)
        page = await asking.result()

    assert asked == again
    assert asked == {
        "type": "history",
        "id": asked["id"],
        "conversation": "c1",
        "before": 9,
        "limit": 5,
    }
    assert page.messages == ()


@pytest.mark.parametrize(
    ("method", "arguments", "kind"),
    [
        ("edit", ("c1", 3, "new"), "edit"),
        ("delete", ("c1", 3), "delete"),
        ("add_member", ("c1", "sam"), "add_member"),
        ("remove_member", ("c1", "sam"), "remove_member"),
        ("leave", ("c1",), "leave"),
        ("handle", ("c1", "close"), "handle"),
    ],
)
async def test_what_must_not_be_repeated_blindly_is_not(
    server: ScriptedServer,
    connect: Connect,
    nursery: trio.Nursery,
    method: str,
    arguments: tuple[object, ...],
    kind: str,
) -> None:
    async with connect() as desk:
        first = await server.greet()
        doing = Background(nursery, getattr(desk, method), *arguments)
        await first.expect(kind)
        await first.cut()
        with pytest.raises(deskbell_client.OutcomeUnknown):
            await doing.result()
        second = await server.greet()
        assert await second.silent(5)


async def test_what_was_never_sent_is_not_unknown(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        doing = Background(nursery, desk.edit, "c1", 3, "new")
        await (await server.accept()).cut()
        connection = await server.greet()
        await answer(connection, type="ok", revision=105)
        await doing.result()


async def test_a_refused_command_is_raised(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        doing = Background(nursery, desk.edit, "c1", 3, "new")
        await answer(connection, type="error", code="deleted", message="It is gone.")
        with pytest.raises(Refused, match=r"It is gone\. \(deleted\)"):
            await doing.result()


async def test_an_answer_of_the_wrong_kind_is_an_error_and_not_an_answer(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        doing = Background(nursery, desk.ping)
        await answer(connection, type="ok")
        with pytest.raises(WireError):
            await doing.result()


async def test_a_group_has_an_id_from_here_so_that_it_is_made_once(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    picture = {
        "id": "m1",
        "kind": "group",
        "title": "Rex",
        "created_at": 1,
        "created_by": "carla",
        "members": [{"person": "olivia", "name": "Olivia", "role": "owner"}],
        "last_seq": 0,
        "unread": 0,
        "revision": 101,
    }
    async with connect() as desk:
        making = Background(nursery, desk.create_group, ["olivia"], title="Rex")
        first = await server.greet()
        asked = await first.expect("create")
        await first.cut()
        second = await server.greet()
        again = await answer(second, type="conversation", conversation=picture)
        made = await making.result()

    assert asked == again
    assert asked["conversation"] == "m1"
    assert (made.id, made.members[0].name) == ("m1", "Olivia")


async def test_every_method_asks_what_it_says(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()

        async def asked(call: object, reply: Frame) -> tuple[Frame, object]:
            doing: Background[object] = Background(nursery, call)  # type: ignore[arg-type]
            command = await answer(connection, **reply)
            return command, await doing.result()

        command, clock = await asked(desk.ping, {"type": "pong", "server_time": 7})
        assert (command["type"], clock) == ("ping", 7)
        command, people = await asked(
            lambda: desk.people("ol", 5),
            {"type": "person_list", "people": [{"id": "o", "name": "Olivia", "role": "owner"}]},
        )
        assert (command["search"], command["limit"]) == ("ol", 5)
        assert people == (deskbell_client.Person("o", "Olivia", "owner"),)
        command, versions = await asked(
            lambda: desk.versions("c1", 3),
            {"type": "version_list", "conversation": "c1", "seq": 3, "versions": []},
        )
        assert (command["type"], command["seq"], versions) == ("versions", 3, ())
        command, receipts = await asked(
            lambda: desk.receipts("c1", 3),
            {"type": "receipt_list", "conversation": "c1", "seq": 3, "receipts": []},
        )
        assert (command["type"], command["seq"], receipts) == ("receipts", 3, ())
        command, _ = await asked(
            lambda: desk.privacy(last_seen=False), {"type": "ok", "revision": 1}
        )
        assert command == {"type": "privacy", "id": command["id"], "last_seen": False}
        command, _ = await asked(
            lambda: desk.conversations("next-1", 7),
            {"type": "conversation_list", "conversations": [], "revision": 5},
        )
        assert (command["before"], command["limit"]) == ("next-1", 7)
        command, _ = await asked(
            lambda: desk.handle("c1", "snooze", until=7), {"type": "ok", "revision": 2}
        )
        wanted = {"conversation": "c1", "action": "snooze", "until": 7}
        assert command == {"type": "handle", "id": command["id"], **wanted}
