"""What a device keeps over restarts, and what a crash may do to it."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from deskbell_client import FileStorage, MemoryStorage, Message, Stopped, StorageError, events
from deskbell_client.commands import Send
from deskbell_client.records import Cursor
from deskbell_client.storage import Position, Storage, Stored
from tests.clients.conftest import Connect
from tests.clients.scripted import ScriptedServer, ack, message

HERE = Position("d1", "carla", Cursor("e1", 42), "session-1")


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return MemoryStorage() if request.param == "memory" else FileStorage(tmp_path / "d1")


def send(number: int) -> Send:
    return Send("c1", f"m{number}", f"text {number} 🐕", reply_to=number)


def files_in(folder: Path) -> list[Path]:
    """The pending sends, in order."""
    return sorted(folder.glob("pending-*"))


async def test_a_new_device_has_only_its_name(storage: Storage) -> None:
    assert await storage.load("d1") == Stored(Position("d1"))


async def test_what_was_kept_is_found(storage: Storage) -> None:
    await storage.load("d1")
    await storage.save(HERE)
    for number in (1, 2, 3):
        await storage.add(send(number))
    await storage.remove("m2")
    await storage.remove("unknown")

    assert await storage.load("d1") == Stored(HERE, (send(1), send(3)))


async def test_a_send_that_is_added_again_is_kept_once(storage: Storage) -> None:
    await storage.load("d1")
    for number in (1, 2, 1):
        await storage.add(send(number))
    assert (await storage.load("d1")).pending == (send(1), send(2))

    await storage.remove("m1")
    assert (await storage.load("d1")).pending == (send(2),)


async def test_what_an_earlier_version_kept_twice_is_one_send(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    await storage.load("d1")
    for number in (1, 2):
        await storage.add(send(number))
    first, _ = files_in(tmp_path)
    (tmp_path / "pending-000000000007.json").write_bytes(first.read_bytes())

    again = FileStorage(tmp_path)
    assert (await again.load("d1")).pending == (send(2), send(1))
    for number in (1, 2):
        await again.remove(f"m{number}")
    assert files_in(tmp_path) == []


async def test_a_removal_while_the_same_send_is_added_again_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FileStorage(tmp_path)
    await storage.load("d1")
    await storage.add(send(1))
    write, begun, go_on = FileStorage._write, trio.Event(), threading.Event()

    def slowly(self: FileStorage, path: Path, content: dict[str, Any]) -> None:
        trio.from_thread.run_sync(begun.set)
        assert go_on.wait(10)
        write(self, path, content)

    monkeypatch.setattr(FileStorage, "_write", slowly)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(storage.add, send(1))
        await begun.wait()
        nursery.start_soon(storage.remove, "m1")
        await trio.testing.wait_all_tasks_blocked()
        go_on.set()
    assert files_in(tmp_path) == []


async def test_the_state_of_another_device_is_not_taken(storage: Storage) -> None:
    await storage.load("d1")
    await storage.save(HERE)

    with pytest.raises(StorageError, match="d1"):
        await storage.load("d2")


async def test_a_folder_is_found_by_another_process(tmp_path: Path) -> None:
    first = FileStorage(tmp_path / "d1")
    await first.load("d1")
    await first.save(HERE)
    await first.add(send(1))
    await first.add(send(2))

    second = FileStorage(tmp_path / "d1")
    assert await second.load("d1") == Stored(HERE, (send(1), send(2)))
    await second.remove("m1")
    await second.add(send(3))

    third = FileStorage(tmp_path / "d1")
    assert (await third.load("d1")).pending == (send(2), send(3))


async def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "deep" / "d1")
    await storage.load("d1")
    await storage.save(HERE)
    await storage.add(send(1))

    assert (tmp_path / "deep" / "d1").stat().st_mode & 0o077 == 0
    for path in (tmp_path / "deep" / "d1").iterdir():
        assert path.stat().st_mode & 0o077 == 0


async def test_a_crash_in_the_middle_of_a_write_leaves_the_old_state(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "d1")
    await storage.load("d1")
    await storage.save(HERE)
    (tmp_path / "d1" / "position.new").write_text('{"device": "d')

    assert await FileStorage(tmp_path / "d1").load("d1") == Stored(HERE)


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"device": 7})])
async def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "position.json").write_text(content)

    with pytest.raises(StorageError, match="Move it away"):
        await FileStorage(tmp_path).load("d1")


def test_the_token_is_not_shown() -> None:
    assert "session-1" not in repr(HERE)
    assert "session-1" not in repr(Stored(HERE))


# --- Over restarts --------------------------------------------------------------------------------


async def test_a_restart_goes_on_where_the_application_was(
    server: ScriptedServer, connect: Connect
) -> None:
    storage = MemoryStorage()
    async with connect(storage=storage) as desk:
        first = await server.greet(revision=100)
        await first.send(message(1, 101), message(2, 102), message(3, 103))
        async for event in desk.events():
            if isinstance(event, Message) and event.seq == 2:
                break  # 1 is processed, 2 is not known to be, 3 was not even seen

    async with connect(storage=storage, token=None) as desk:
        second = await server.greet(resume="complete", revision=103)
        await second.send(message(2, 102), message(3, 103))
        await second.send({"type": "resumed", "revision": 103})
        shown = []
        async for event in desk.events():
            if isinstance(event, Message):
                shown.append(event.seq)
            if isinstance(event, events.Resumed):
                break

    assert second.hello["cursor"] == {"epoch": "e1", "revision": 101}
    assert second.hello["token"] == "session-1"
    assert shown == [2, 3]


@pytest.mark.requirement("R05")
async def test_pending_sends_go_out_after_a_restart_under_their_ids(
    server: ScriptedServer, connect: Connect
) -> None:
    storage = MemoryStorage()
    async with connect(storage=storage) as desk:
        await desk.post("c1", "first")
        await desk.post("c1", "second")
        await desk.post("c1", "third")
        first = await server.greet()
        sends = [await first.expect("send")]
        await first.send(ack(sends[0], 5, 101))
        sends.append(await first.expect("send"))

    async with connect(storage=storage) as desk:
        second = await server.greet()
        for seq in (6, 7):
            sends.append(await second.expect("send"))
            await second.send(ack(sends[-1], seq, 100 + seq))
        news = desk.events()
        told = [await anext(news) for _ in range(3)]
    async with connect(storage=storage):
        assert await (await server.greet()).silent(5)

    assert [(s["text"], s["client_message_id"]) for s in sends] == [
        ("first", "m1"),
        ("second", "m2"),
        ("second", "m2"),
        ("third", "m3"),
    ]
    assert [event.ack.seq for event in told if isinstance(event, events.Sent)] == [6, 7]


async def test_a_client_that_was_killed_repeats_what_may_not_have_arrived(
    server: ScriptedServer, connect: Connect
) -> None:
    """Killed between the ack and the removal: the send comes again, and gets the same ack."""
    storage = MemoryStorage()
    await storage.load("d1")
    await storage.save(Position("d1", "carla", None, "session-1"))
    await storage.add(Send("c1", "m1", "Hello"))
    async with connect(storage=storage):
        connection = await server.greet()
        await connection.send(ack(await connection.expect("send"), 5, 101))
        await trio.sleep(2)

    assert (await storage.load("d1")).pending == ()


async def test_the_state_of_one_person_is_not_sent_as_another(
    server: ScriptedServer, connect: Connect
) -> None:
    storage = MemoryStorage()
    await storage.load("d1")
    await storage.save(Position("d1", "carla"))
    await storage.add(Send("c1", "m1", "for carla's eyes"))
    async with connect(storage=storage) as desk:
        connection = await server.greet(person="sam")
        with pytest.raises(Stopped, match="carla"):
            await desk.ping()
        await connection.closed()

    assert (await storage.load("d1")).position.person == "carla"


async def test_the_position_is_saved_while_it_runs(
    server: ScriptedServer, connect: Connect, nursery: trio.Nursery
) -> None:
    storage = MemoryStorage()
    async with connect(storage=storage) as desk:

        async def read() -> None:
            async for _ in desk.events():
                pass

        nursery.start_soon(read)
        connection = await server.greet()
        await connection.send(message(1, 101))
        await trio.sleep(3)
        kept = (await storage.load("d1")).position

    assert kept == Position("d1", "carla", Cursor("e1", 101), "session-1")


async def test_a_store_that_fails_takes_nothing(server: ScriptedServer, connect: Connect) -> None:
    class Full(MemoryStorage):
        async def add(self, send: Send) -> None:
            raise OSError("no space left")

    async with connect(storage=Full()) as desk:
        connection = await server.greet()
        with pytest.raises(OSError, match="no space left"):
            await desk.send("c1", "Hello")
        assert await connection.silent(5)
