"""R05: one client_message_id is one message, over retries, reconnects and restarts."""

import random
from pathlib import Path

import pytest
from trio.testing import MockClock

from server.edge.memory import MemoryTransport
from tests.faults.invariants import Acked, History, entry_of
from tests.faults.premises import Premises, Wire, everything, freely, opened
from tests.faults.raw_client import Frame, RawClient

ROUNDS = 5
SENDS = 2_000
"""Logical sends of a round; all of the last round is asked for again after a restart."""

Ledger = dict[str, Acked]


def send(client: RawClient, id_: str, text: str | None = None, conversation: str = "c1") -> None:
    client.send("send", conversation=conversation, client_message_id=id_, text=text or f"t {id_}")


def _answers(client: RawClient) -> list[Frame]:
    """What answers sends, as it comes; messages of before may come as events beside it."""
    answers: list[Frame] = []

    def take(frame: Frame) -> None:
        if frame["type"] in ("ack", "error"):
            answers.append(frame)

    client.on_frame = take
    return answers


def note(history: History, frame: Frame) -> None:
    assert frame["type"] == "ack", frame
    acked = Acked(frame["seq"], frame["revision"], frame["at"])
    history.ok(frame["client_message_id"], acked)


async def sent_again_and_again(
    premises: Premises, history: History, ids: list[str], chance: random.Random
) -> None:
    """Each id up to six times, in any order, over connections that break at random."""
    tries = {id_: chance.randint(1, 6) for id_ in ids}
    while any(not history.sends[id_].answers for id_ in ids) or any(tries.values()):
        awaited: list[str] = []
        for id_ in ids:
            if tries[id_] or not history.sends[id_].answers:
                now = chance.randint(1, max(1, tries[id_]))
                awaited += [id_] * now
                tries[id_] -= min(now, tries[id_])
        await one_connection(premises, history, chance.sample(awaited, len(awaited)), chance)


async def one_connection(
    premises: Premises, history: History, ids: list[str], chance: random.Random
) -> None:
    """Send all of these at once and note the answers that come before the connection breaks."""
    client = await premises.enter("sam", "phone", wire=_breaks(chance))
    answers = _answers(client)
    for id_ in ids:
        send(client, id_)
    await client.until(lambda: len(answers) >= len(ids))
    for frame in answers:
        note(history, frame)
    client.drop()


def _breaks(chance: random.Random) -> Wire:
    def wire(client: MemoryTransport) -> None:
        pipe = chance.choice((client.outgoing, client.incoming))
        pipe.cut_after = chance.randint(2_000, 200_000)

    return wire


@pytest.mark.timeout(120)
async def test_r05_a_send_is_one_message_whatever_is_repeated(
    virtual_time: MockClock, folder: Path
) -> None:
    history, chance = History(), random.Random(5)
    async with opened(folder, freely(mailbox_size=10_000)) as premises:
        await premises.group("c1", "olivia", "sam")
        for number in range(ROUNDS):
            ids = [f"m{number}.{k}" for k in range(SENDS // ROUNDS)]
            for id_ in ids:
                history.invoke("sam", "c1", id_, f"t {id_}")
            await sent_again_and_again(premises, history, ids, chance)
            await (premises.crash() if number % 2 else premises.close())
            await premises.open()
        await all_of_them_once_more(premises, history)
        reader = await premises.enter("olivia")
        await reader.next("welcome")
        history.log("c1", [entry_of(m) for m in await everything(reader, "c1")])
    assert len(history.logs["c1"]) == SENDS
    assert history.acked == SENDS
    assert not history.check(complete=False, fifo=False)


async def all_of_them_once_more(premises: Premises, history: History) -> None:
    """After a restart, far more than an actor has at hand: looked up, and the same."""
    client = await premises.enter("sam", "phone")
    client.frames.clear()
    for id_ in list(history.sends):
        send(client, id_)
        note(history, await client.next())
    client.drop()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("between", [0, 600])
async def test_r05_the_same_id_for_something_else_is_a_conflict_and_changes_nothing(
    restarted: bool, between: int, virtual_time: MockClock, folder: Path
) -> None:
    """``between``: so many other messages follow, more than an actor has at hand or fewer."""
    async with opened(folder) as premises:
        await premises.group("c1", "olivia", "sam")
        await premises.group("c2", "olivia", "sam")
        client = await premises.enter("sam")
        await client.next("welcome")
        send(client, "m1", "first")
        first = await client.next("ack")
        for number in range(between):
            await premises.say("c1", "olivia", "hm", f"o{number}")
        if restarted:
            await premises.close()
            await premises.open()
            client = await premises.enter("sam")
        same = {"conversation": "c1", "client_message_id": "m1", "text": "first"}
        for other in ({"text": "another"}, {"conversation": "c2"}, {"reply_to": 1}):
            error = await client.ask("send", **same | other)
            assert (error["type"], error["code"]) == ("error", "conflict")
            assert error["client_message_id"] == "m1"
        again = await client.ask("send", **same)
        del again["id"]
        assert again == first
        said = await everything(client, "c1")
        assert [m["text"] for m in said if m["author"] == "sam"] == ["first"]
        assert await everything(client, "c2") == []


async def test_r05_two_devices_may_use_the_same_id(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder) as premises:
        await premises.group("c1", "olivia", "sam")
        for number, device in enumerate(("phone", "desk"), 1):
            client = await premises.enter("sam", device)
            await client.next("welcome")
            send(client, "m1")
            assert (await client.skip_to("ack"))["seq"] == number


async def test_r05_who_has_left_still_gets_the_answer_to_what_they_had_said(
    virtual_time: MockClock, folder: Path
) -> None:
    """3.1: the same id again gets the same ack, whatever happened in between."""
    async with opened(folder) as premises:
        await premises.group("c1", "olivia", "sam", "carla")
        client = await premises.enter("sam")
        await client.next("welcome")
        send(client, "m1")
        first = await client.next("ack")
        assert (await client.ask("leave", conversation="c1"))["type"] == "ok"
        client.frames.clear()
        send(client, "m1")
        assert await client.next("ack", "error") == first
