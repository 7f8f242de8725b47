"""What goes on without being asked: heartbeats, receipts, watching, activity, typing."""

import pytest
import trio
import trio.testing

from deskbell_client import Message, Refused, events
from tests.clients.conftest import Connect
from tests.clients.scripted import Background, Frame, ScriptedServer, message

# --- Heartbeat ------------------------------------------------------------------------------------


async def test_silence_is_asked_about_and_then_taken_for_the_end(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet(heartbeat={"ping_after_ms": 4000, "timeout_ms": 10000})
        welcomed_at = trio.current_time()
        await connection.expect("ping")
        assert trio.current_time() - welcomed_at == pytest.approx(4, abs=0.01)
        await server.greet(resume="complete")
        assert server.dials[-1] - welcomed_at == pytest.approx(10.5, abs=0.01)
        await trio.testing.wait_all_tasks_blocked()
        news = desk.events()
        told = [await anext(news) for _ in range(2)]

    assert [type(event) for event in told] == [events.Connected, events.Connected]


async def test_one_silence_is_asked_about_once(server: ScriptedServer, connect: Connect) -> None:
    async with connect() as desk:
        connection = await server.greet()
        await connection.expect("ping")
        desk.read("c1", 5)
        await connection.expect("receipt")
        desk.read("c1", 6)
        await connection.expect("receipt")


async def test_an_answer_to_the_ping_keeps_the_connection(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect():
        connection = await server.greet()
        for _ in range(10):
            ping = await connection.expect("ping")
            await connection.send({"type": "pong", "id": ping["id"], "server_time": 1})
    assert len(server.dials) == 1
    assert trio.current_time() == pytest.approx(200, abs=1)


async def test_a_websocket_ping_is_a_sign_of_life(server: ScriptedServer, connect: Connect) -> None:
    async with connect():
        connection = await server.greet()
        for _ in range(10):
            assert await connection.silent(19)
            await connection.ping()
    assert len(server.dials) == 1


async def test_a_connection_that_only_takes_is_dead(
    server: ScriptedServer, connect: Connect
) -> None:
    """What goes out is no sign that anything arrives."""
    async with connect() as desk:
        await server.greet()
        for _ in range(40):
            await trio.sleep(1)
            await desk.post("c1", "Is anybody there?")
    assert len(server.dials) == 2


# --- Receipts -------------------------------------------------------------------------------------


async def test_a_message_that_the_application_took_is_receipted_as_delivered(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        await connection.send(*(message(seq, 100 + seq) for seq in range(1, 6)))
        assert await connection.silent(5), "nothing has reached the application"
        await take(desk.events(), 4)
        receipt = await connection.expect("receipt")
        assert await connection.silent(5)

    assert receipt == {
        "type": "receipt",
        "id": receipt["id"],
        "conversation": "c1",
        "delivered_up_to": 4,
    }


async def take(news: object, seq: int) -> None:
    """Take events up to the message ``seq``."""
    while True:
        event = await anext(news)  # type: ignore[call-overload]
        if isinstance(event, Message) and event.seq == seq:
            return


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"auto_delivered": False}, {}),
        ({}, {"author": "carla"}),
        ({}, {"kind": "member_added", "person": "sam"}),
    ],
    ids=["switched off", "one's own", "an entry of the member list"],
)
async def test_what_is_not_receipted(
    server: ScriptedServer, connect: Connect, options: Frame, fields: Frame
) -> None:
    async with connect(**options) as desk:
        connection = await server.greet()
        await connection.send(message(1, 101, **fields))
        await take(desk.events(), 1)
        assert await connection.silent(5)


async def test_history_is_not_receipted(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        asking = Background(nursery, desk.history, "c1")
        asked = await connection.expect("history")
        page = {"type": "page", "conversation": "c1", "messages": [message(1, 50)], "more": False}
        del page["messages"][0]["type"]  # type: ignore[index]
        await connection.send(page | {"id": asked["id"]})
        await asking.result()
        assert await connection.silent(5)


async def test_the_highest_of_a_burst_is_sent(server: ScriptedServer, connect: Connect) -> None:
    async with connect() as desk:
        connection = await server.greet()
        for seq in (3, 9, 4):
            desk.read("c1", seq)
        desk.delivered("c1", 12)
        receipt = await connection.expect("receipt")
        assert await connection.silent(5)

    assert (receipt["delivered_up_to"], receipt["read_up_to"]) == (12, 9)


async def test_after_a_reconnect_the_highest_receipts_are_repeated(
    server: ScriptedServer, connect: Connect
) -> None:
    """Also those that were answered: the page asks for all that went over the lost connection."""
    async with connect() as desk:
        first = await server.greet()
        desk.read("c1", 5)
        desk.read("c2", 7)
        for _ in range(2):
            receipt = await first.expect("receipt")
            await first.send({"type": "ok", "id": receipt["id"], "revision": 101})
        await first.cut()
        second = await server.greet()
        repeated = [await second.expect("receipt") for _ in range(2)]

    assert [(r["conversation"], r["read_up_to"]) for r in repeated] == [("c1", 5), ("c2", 7)]


async def test_a_receipt_that_is_turned_away_is_sent_later(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        desk.read("c1", 5)
        receipt = await connection.expect("receipt")
        refusal = {"type": "error", "id": receipt["id"], "message": "Later."}
        await connection.send(refusal | {"code": "rate_limited", "retry_after": 6.0})
        refused_at = trio.current_time()
        again = await connection.expect("receipt")
        assert trio.current_time() - refused_at == pytest.approx(6, abs=0.01)
        await connection.send(refusal | {"id": again["id"], "code": "not_found"})
        assert await connection.silent(15)
        await connection.cut()
        assert await (await server.greet()).silent(15)


async def test_what_still_gathers_goes_out_when_the_block_is_left(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        await anext(desk.events())
        desk.read("c1", 5)

    assert (await connection.expect("receipt"))["read_up_to"] == 5
    assert await connection.closed() == 1000


# --- Watching, activity, typing -------------------------------------------------------------------


async def test_people_are_watched_over_reconnects(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        watching = Background(nursery, desk.watch, ["sam", "olivia"])
        first = await server.greet()
        asked = await first.expect("watch")
        await first.send({"type": "ok", "id": asked["id"]})
        present = [{"person": "sam", "state": "online"}]
        await first.send({"type": "presence", "people": present})
        await watching.result()
        await first.cut()
        second = await server.greet()
        again = await second.expect("watch")
        news = desk.events()
        told = [await anext(news) for _ in range(4)]

    assert asked["people"] == again["people"] == ["sam", "olivia"]
    assert [type(event) for event in told] == [
        events.Connected,
        events.Connected,
        events.Resumed,
        events.PresenceChanged,
    ]


async def test_a_watch_before_the_connection_is_sent_once(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        Background(nursery, desk.watch, ["sam"])
        await trio.testing.wait_all_tasks_blocked()
        connection = await server.greet()
        await connection.expect("watch")
        assert await connection.silent(5)


async def test_after_a_reconnect_the_new_watch_goes_behind_the_old_one(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        watching = Background(nursery, desk.watch, ["sam"])
        first = await server.greet()
        asked = await first.expect("watch")
        await first.send({"type": "ok", "id": asked["id"]})
        await watching.result()
        await first.cut()
        Background(nursery, desk.watch, ["olivia"])
        second = await server.greet()
        told = [(await second.expect("watch"))["people"] for _ in range(2)]

    assert told == [["sam"], ["olivia"]]


async def test_a_watch_that_is_refused_is_not_repeated(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    async with connect() as desk:
        watching = Background(nursery, desk.watch, ["sam"] * 201)
        first = await server.greet()
        asked = await first.expect("watch")
        refusal = {"type": "error", "code": "too_large", "message": "Too many."}
        await first.send(refusal | {"id": asked["id"]})
        with pytest.raises(Refused):
            await watching.result()
        await first.cut()
        assert await (await server.greet()).silent(5)


async def test_being_away_is_told_again_after_a_reconnect(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        first = await server.greet()
        await anext(desk.events())
        desk.activity(False)
        desk.activity(False)
        assert (await first.expect("activity"))["active"] is False
        assert await first.silent(5)
        await first.cut()
        second = await server.greet()
        assert (await second.expect("activity"))["active"] is False


async def test_typing_is_told_at_most_every_three_seconds_and_its_end_at_once(
    server: ScriptedServer, connect: Connect
) -> None:
    async with connect() as desk:
        connection = await server.greet()
        await anext(desk.events())
        for _ in range(70):
            desk.typing("c1")
            await trio.sleep(0.1)
        desk.typing("c1", active=False)
        desk.typing("c1", active=False)
        told = [await connection.expect("typing") for _ in range(4)]
        assert await connection.silent(5)

    assert [frame.get("active", True) for frame in told] == [True, True, True, False]


async def test_typing_is_not_told_later(server: ScriptedServer, connect: Connect) -> None:
    async with connect() as desk:
        desk.typing("c1")
        assert await (await server.greet()).silent(5)
