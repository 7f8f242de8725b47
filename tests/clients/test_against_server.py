"""The Python SDK against the real server, over real sockets: the main paths, and restarts.

And a client that shares no code with either: the `websockets` package and JSON, written from
`docs/protocol.md`.
"""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

import deskbell_client
from deskbell_client import Desk, MemoryStorage, Message, Note, Refused, Stopped, events
from server.app import Running, open_sockets, run_server
from server.demo import prepare_demo
from server.settings import Settings

REX = "rex-grooming"
E = TypeVar("E")


class Deskbell:
    """A demo business that can be stopped, killed and started again at the same address."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._running: Running | None = None
        self.settings = Settings(
            port=_free_port(), data_dir=str(folder), hello_seconds=1.0, drain_seconds=2.0
        )

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.settings.port}/v1/ws"

    async def start(self) -> None:
        self._ended = trio.Event()
        self._running = await self._nursery.start(self._run)

    async def stop(self) -> None:
        """As on SIGTERM."""
        assert self._running is not None
        self._running.stop.set()
        await self._ended.wait()

    async def kill(self) -> None:
        """Cancel everything at once: nothing is drained."""
        self._scope.cancel()
        await self._ended.wait()

    async def _run(self, task_status: trio.TaskStatus[Running]) -> None:
        with trio.CancelScope() as self._scope:
            sockets = open_sockets(self.settings)
            await run_server(self.settings, prepare_demo, sockets=sockets, task_status=task_status)
        self._ended.set()

    async def token(self, person: str) -> str:
        base = f"http://127.0.0.1:{self.settings.port}"
        async with httpx2.AsyncClient(base_url=base) as http:
            answer = await http.post("/v1/demo/tokens", json={"person": person})
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    def connect(
        self, person: str, device: str = "", storage: deskbell_client.Storage | None = None
    ) -> Desk:
        """A client of ``person`` that fetches its tokens and does not wait long to reconnect."""
        return deskbell_client.connect(
            self.url,
            device=device or f"{person}-1",
            get_token=partial(self.token, person),
            storage=storage,
            options=deskbell_client.Options(random=lambda: 0.05),
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def deskbell(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Deskbell]:
    served = Deskbell(tmp_path / "data", nursery)
    await served.start()
    yield served
    await served.kill()


async def told(desk: Desk, kind: type[E], suits: Callable[[E], bool] = lambda _: True) -> E:
    """The next event of this kind; what comes before it is passed over."""
    with trio.fail_after(10):
        async for event in desk.events():
            if isinstance(event, kind) and suits(event):
                return event
    raise AssertionError("the events ended")


# --- The main paths -------------------------------------------------------------------------------


async def test_the_ten_lines_of_the_readme(deskbell: Deskbell) -> None:
    token = await deskbell.token("carla")
    async with deskbell_client.connect(deskbell.url, token=token, device="laptop-1") as desk:
        ack = await desk.send(REX, "Hello")
        async for event in desk.events():
            assert isinstance(event, events.Connected)
            break

    assert ack.seq == 5


async def test_a_message_reaches_everybody_and_the_sender_by_its_ack(deskbell: Deskbell) -> None:
    text = "**Rex** 🐕 <b>&amp;</b>\n\t[map](https://example.org)"
    async with (
        deskbell.connect("carla", "phone") as phone,
        deskbell.connect("carla", "laptop") as laptop,
        deskbell.connect("sam") as sam,
        deskbell.connect("olivia") as olivia,
    ):
        for desk in (phone, laptop, sam, olivia):
            await told(desk, events.Connected)
        ack = await phone.send(REX, text, reply_to=2)
        shown = [await told(desk, Message) for desk in (laptop, sam, olivia)]
        later = await sam.send(REX, "Yes")
        next_shown = await told(phone, Message)

    assert [message.text for message in shown] == [text] * 3
    assert len({(m.seq, m.revision, m.at, m.client_message_id) for m in shown}) == 1
    first = shown[0]
    assert (first.seq, first.revision, first.at) == (ack.seq, ack.revision, ack.at)
    assert (first.author, first.reply_to) == ("carla", 2)
    assert next_shown.seq == later.seq == ack.seq + 1


@pytest.mark.requirement("R05")
async def test_the_same_id_gets_the_same_ack_and_another_text_a_conflict(
    deskbell: Deskbell,
) -> None:
    async with deskbell.connect("carla") as carla:
        first = await carla.send(REX, "Hello", client_message_id="mine-1")
        again = await carla.send(REX, "Hello", client_message_id="mine-1")
        with pytest.raises(Refused) as refused:
            await carla.send(REX, "Something else", client_message_id="mine-1")
        page = await carla.history(REX)
    async with deskbell.connect("carla", "another-device") as carla:
        other = await carla.send(REX, "Something else", client_message_id="mine-1")

    assert again == first
    assert refused.value.code == "conflict"
    assert page.messages[-1].text == "Hello"
    assert other.seq == first.seq + 1


async def test_edits_deletions_and_versions(deskbell: Deskbell) -> None:
    async with deskbell.connect("carla") as carla, deskbell.connect("olivia") as olivia:
        await told(olivia, events.Connected)
        ack = await carla.send(REX, "Helo")
        await carla.edit(REX, ack.seq, "Hello")
        edited = await told(olivia, events.MessageEdited)
        versions = await olivia.versions(REX, ack.seq)
        await carla.delete(REX, ack.seq)
        deleted = await told(olivia, events.MessageDeleted)
        page = await carla.history(REX, before=ack.seq + 1, limit=1)
        with pytest.raises(Refused) as refused:
            await carla.edit(REX, ack.seq, "Hello again")

    assert (edited.seq, edited.text, edited.author) == (ack.seq, "Hello", "carla")
    assert [version.text for version in versions] == ["Helo", "Hello"]
    assert (deleted.seq, deleted.author) == (ack.seq, "carla")
    assert page.messages[0].text == ""
    assert page.messages[0].deleted_at == deleted.at
    assert refused.value.code == "deleted"


async def test_receipts_reach_the_author(deskbell: Deskbell) -> None:
    async with deskbell.connect("carla") as carla, deskbell.connect("sam") as sam:
        await told(sam, events.Connected)
        ack = await carla.send(REX, "Hello")
        message = await told(sam, Message)
        delivered = await told(carla, events.ReceiptsMoved)
        sam.read(REX, message.seq)
        read = await told(
            carla, events.ReceiptsMoved, lambda moved: moved.receipts[0].read_up_to > 0
        )
        detail = {receipt.person: receipt for receipt in await carla.receipts(REX, ack.seq)}

    assert delivered.receipts[0].person == "sam"
    assert delivered.receipts[0].delivered_up_to == ack.seq
    assert read.receipts[0].read_up_to == ack.seq
    assert detail["sam"].read_at >= detail["sam"].delivered_at > 0
    assert detail["olivia"].delivered_at == 0


@pytest.mark.requirement("EX-23", "EX-24")
async def test_who_answers_without_being_in_it_has_read_it(deskbell: Deskbell) -> None:
    """By the picture, live on each device, and for one that was away."""
    storage = MemoryStorage()
    async with (
        deskbell.connect("sam", "away", storage) as away,
        deskbell.connect("carla") as carla,
    ):
        await told(away, events.Connected)
        for text in ("one", "two"):
            await carla.send(REX, text)
            assert (await told(away, Message)).text == text
        found = (await away.conversations()).conversations
        talk = next(c.id for c in found if "sam" not in {m.person for m in c.members})
    async with deskbell.connect("sam") as sam, deskbell.connect("sam", "sam-2") as other:
        await told(other, events.Connected)
        ack = await sam.send(talk, "We are open")
        moved = [await told(desk, events.ReceiptsMoved, of("sam", talk)) for desk in (sam, other)]
        async with deskbell.connect("sam", "away", storage) as back:
            moved.append(await told(back, events.ReceiptsMoved, of("sam", talk)))
        (picture,) = [c for c in (await sam.conversations()).conversations if c.id == talk]

    for each in moved:
        assert [cursor.read_up_to for cursor in each.receipts] == [ack.seq]
    assert picture.unread == 0
    assert {m.person: m.read_up_to for m in picture.members}["sam"] == ack.seq


def of(person: str, conversation: str) -> Callable[[events.ReceiptsMoved], bool]:
    """Those of one person in one conversation."""
    return lambda moved: (
        moved.conversation == conversation and {c.person for c in moved.receipts} == {person}
    )


@pytest.mark.requirement("EX-25")
async def test_notes_and_marks(deskbell: Deskbell) -> None:
    async with deskbell.connect("sam") as sam, deskbell.connect("olivia") as olivia:
        await told(sam, events.Connected)
        await told(olivia, events.Connected)
        await sam.note(REX, "n-1", "add", "Mind his paws", ("olivia",))
        note = await told(olivia, Note)
        assert (note.author, note.text, note.mentions) == ("sam", "Mind his paws", ("olivia",))
        await olivia.note(REX, "n-1", "edit", "Mind his tail")
        assert (await told(sam, Note, lambda note: note.edited_at > 0)).text == "Mind his tail"
        await sam.note(REX, "n-1", "delete")
        (gone,) = (await olivia.notes(REX)).notes
        assert (gone.text, gone.mentions, gone.deleted_at > 0) == ("", (), True)
        await sam.mark(REX)
        assert (await told(sam, events.Marked)).unread
        assert {c.id: c.marked for c in (await sam.conversations()).conversations}[REX]
    async with deskbell.connect("carla") as carla:
        with pytest.raises(Refused, match="team"):
            await carla.notes(REX)


async def test_history_is_read_in_both_directions(deskbell: Deskbell) -> None:
    async with deskbell.connect("carla") as carla:
        for number in range(6):
            await carla.send(REX, f"{number}")
        newest = await carla.history(REX, limit=4)
        before = await carla.history(REX, before=newest.messages[0].seq, limit=4)
        first = await carla.history(REX, before=3)
        after = await carla.history(REX, after=8, limit=200)

    assert [message.seq for message in newest.messages] == [7, 8, 9, 10]
    assert [message.seq for message in before.messages] == [3, 4, 5, 6]
    assert [message.seq for message in first.messages] == [1, 2]
    assert [message.seq for message in after.messages] == [9, 10]
    assert (newest.more, before.more, first.more, after.more) == (True, True, False, False)


@pytest.mark.requirement("EX-30")
async def test_lists_and_searches_are_narrowed(deskbell: Deskbell) -> None:
    async with deskbell.connect("olivia") as olivia, deskbell.connect("carla") as carla:
        await told(carla, events.Connected)
        await carla.send(REX, "Is Rex ready?")
        waits = await olivia.conversations(waiting=True, unassigned=True, location="main")
        found = [each.handling for each in waits.conversations]
        assert found
        assert all(each and each.waiting_since and not each.assignee for each in found)
        await olivia.handle(REX, "assign", person="sam")
        for page in (
            await olivia.conversations(status="open", assignee="sam", channel="app"),
            await olivia.conversations(unread=True),
            await olivia.conversations(waiting=True, location="main"),
        ):
            assert REX in {each.id for each in page.conversations}
        closed = await olivia.conversations(status="closed")
        assert REX not in {each.id for each in closed.conversations}
        said = (await olivia.search("rex", location="main", status="open", person="carla")).found
        assert {each.conversation for each in said} == {REX}
        assert (await olivia.search("ready", attachments=True)).found == ()
        assert (await carla.search("ready", channel="email")).found == ()
        with pytest.raises(Refused, match="team's alone"):
            await carla.search("ready", status="open")
        with pytest.raises(Refused, match="team's alone"):
            await carla.conversations(waiting=True)
        with pytest.raises(Refused, match="not for both"):
            await olivia.conversations(assignee="sam", unassigned=True)


async def test_conversations_and_members(deskbell: Deskbell) -> None:
    async with deskbell.connect("olivia") as olivia, deskbell.connect("carla") as carla:
        await told(carla, events.Connected)
        direct = await olivia.create_direct("carla")
        added = await told(carla, events.ConversationAdded)
        again = await carla.create_direct("olivia")
        group = await olivia.create_group(["sam"], title="Thursday", conversation="thursday")
        same = await olivia.create_group(["sam"], title="Thursday", conversation="thursday")
        await olivia.add_member("thursday", "carla")
        joined = await told(carla, events.ConversationAdded)
        await olivia.remove_member("thursday", "carla")
        removed = await told(carla, events.ConversationRemoved)
        listed = await olivia.conversations()
        opened = await olivia.open("thursday")
        people = await carla.people("riv")
        with pytest.raises(Refused) as hidden:
            await carla.open("thursday")
        with pytest.raises(Refused) as needed:
            await olivia.leave("thursday")

    assert added.conversation.id == direct.id == again.id
    assert group == same
    assert joined.conversation.id == removed.conversation == "thursday"
    latest = [conversation.id for conversation in listed.conversations[:3]]
    assert latest == ["thursday", direct.id, REX]
    assert {member.person for member in opened.members} == {"olivia", "sam"}
    assert [person.id for person in people] == ["sam"]
    assert (hidden.value.code, needed.value.code) == ("not_found", "owner_required")


async def test_typing_and_presence(deskbell: Deskbell) -> None:
    async with deskbell.connect("olivia") as olivia:
        await olivia.watch(["carla", "sam", "nobody"])
        first = await told(olivia, events.PresenceChanged)
        async with deskbell.connect("carla") as carla:
            await told(carla, events.Connected)
            online = await told(olivia, events.PresenceChanged)
            carla.typing(REX)
            typing = await told(olivia, events.TypingChanged)
            carla.typing(REX, active=False)
            stopped = await told(olivia, events.TypingChanged)

    assert {(state.person, state.state) for state in first.people} == {
        ("carla", "offline"),
        ("sam", "offline"),
    }
    assert [(state.person, state.state) for state in online.people] == [("carla", "online")]
    assert (typing.conversation, typing.person, typing.active) == (REX, "carla", True)
    assert typing.for_ms == 6000
    assert not stopped.active


async def test_privacy_is_told_to_ones_other_devices(deskbell: Deskbell) -> None:
    async with (
        deskbell.connect("carla", "phone") as phone,
        deskbell.connect("carla", "laptop") as laptop,
    ):
        await told(laptop, events.Connected)
        await phone.privacy(read_receipts=False)
        changed = await told(laptop, events.PrivacyChanged)

    assert (changed.read_receipts, changed.last_seen) == (False, True)


# --- Connections that end -------------------------------------------------------------------------


async def test_a_killed_server_loses_nothing_and_says_nothing_twice(deskbell: Deskbell) -> None:
    """Sends go on while the server is killed and started again, and again."""
    total = 60
    async with deskbell.connect("carla") as carla, deskbell.connect("sam") as sam:
        seqs: list[int] = []

        async def talk() -> None:
            for number in range(total):
                seqs.append((await carla.send(REX, f"{number}")).seq)

        shown: list[str] = []
        resumed = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            async for event in sam.events():
                resumed += isinstance(event, events.Resumed)
                assert not isinstance(event, events.Reset)
                if isinstance(event, Message):
                    shown.append(event.text)
                    if event.text in ("15", "30", "45"):
                        nursery.start_soon(killed_and_started, deskbell)
                if len(shown) == total:
                    break

    assert shown == [f"{number}" for number in range(total)]
    assert seqs == list(range(5, 5 + total))
    assert resumed >= 3


async def killed_and_started(deskbell: Deskbell) -> None:
    await deskbell.kill()
    await deskbell.start()


async def test_a_stopping_server_sends_its_clients_away_and_they_come_back(
    deskbell: Deskbell,
) -> None:
    async with deskbell.connect("carla") as carla:
        await told(carla, events.Connected)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deskbell.stop)
            # Read now: of a connection that goes and tries again the last news is kept alone.
            gone = await told(carla, events.Disconnected)
        await deskbell.start()
        await told(carla, events.Resumed)
        ack = await carla.send(REX, "Still here")

    assert gone.code == 4012
    assert ack.seq == 5


async def test_pending_sends_and_position_survive_a_restart_of_the_program(
    deskbell: Deskbell,
) -> None:
    storage = await used_storage(deskbell)
    await deskbell.kill()
    async with deskbell.connect("carla", storage=storage) as carla:
        await carla.post(REX, "written while nobody listened")
    await deskbell.start()
    async with deskbell.connect("sam") as sam:
        await sam.send(REX, "meanwhile")
    async with deskbell.connect("carla", storage=storage) as carla:
        again = await told(carla, Message)
        missed = await told(carla, Message)
        sent = await told(carla, events.Sent)

    assert again.text == "two", "it was not known to be processed"
    assert missed.text == "meanwhile"
    assert sent.ack.seq == missed.seq + 1


async def used_storage(deskbell: Deskbell) -> MemoryStorage:
    """The storage of a device of carla's that has processed sam's "one", and seen his "two"."""
    storage = MemoryStorage()
    async with (
        deskbell.connect("carla", storage=storage) as carla,
        deskbell.connect("sam") as sam,
    ):
        await told(carla, events.Connected)
        for text in ("one", "two"):
            await sam.send(REX, text)
            assert (await told(carla, Message)).text == text
    return storage


async def test_another_log_is_a_reset(deskbell: Deskbell, tmp_path: Path) -> None:
    storage = await used_storage(deskbell)
    await deskbell.kill()
    (tmp_path / "data").rename(tmp_path / "lost")
    await deskbell.start()
    async with deskbell.connect("carla", storage=storage) as carla:
        reset = await told(carla, events.Reset)
        page = await carla.conversations()

    assert reset.reason == "epoch"
    latest = page.conversations[0]
    assert latest.id == REX
    assert latest.last_message is not None
    assert latest.last_message.text not in ("one", "two")


async def test_the_same_device_elsewhere_replaces_this_one(deskbell: Deskbell) -> None:
    async with deskbell.connect("carla", "phone") as first:
        await told(first, events.Connected)
        async with deskbell.connect("carla", "phone") as second:
            await told(second, events.Connected)
            with pytest.raises(Stopped) as stopped:
                await told(first, Message)

    assert stopped.value.code == 4509


async def test_a_token_that_is_none_stops(deskbell: Deskbell) -> None:
    async with deskbell_client.connect(deskbell.url, device="d1", token="nonsense") as desk:
        with pytest.raises(Stopped) as stopped:
            await desk.ping()

    assert stopped.value.code == 4501


# --- A client from the page alone -----------------------------------------------------------------


class PlainClient:
    """What `docs/protocol.md` says, in JSON, over the `websockets` package."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def say(self, **frame: object) -> None:
        await trio.to_thread.run_sync(self._websocket.send, json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        message = await trio.to_thread.run_sync(partial(self._websocket.recv, timeout=10))
        frame: dict[str, Any] = json.loads(message)
        return frame

    async def hear_until(self, kind: str) -> dict[str, Any]:
        while True:
            frame = await self.hear()
            if frame["type"] == kind:
                return frame

    async def closed(self) -> int:
        """The code with which the server closes."""
        with suppress(ConnectionClosed):
            while True:
                await self.hear()
        assert self._websocket.close_code is not None
        return self._websocket.close_code

    async def say_bytes(self, data: bytes | str) -> None:
        await trio.to_thread.run_sync(self._websocket.send, data)


def plainly(
    url: str, subprotocol: str | None = "deskbell.v1.json", **options: object
) -> AbstractAsyncContextManager[PlainClient]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[PlainClient]:
        offered = [subprotocol] if subprotocol else None
        call = partial(open_websocket, url, subprotocols=offered, **options)  # type: ignore[arg-type]
        manager = await trio.to_thread.run_sync(call)
        websocket = manager.__enter__()
        try:
            yield PlainClient(websocket)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(manager.__exit__, None, None, None)

    return opened()


async def test_the_worked_example_of_the_page(deskbell: Deskbell) -> None:
    token = await deskbell.token("olivia")
    async with plainly(deskbell.url) as olivia, deskbell.connect("carla") as carla:
        await olivia.say(type="hello", token=token, device="d1")
        welcome = await olivia.hear()
        await olivia.say(type="conversations", id=1)
        listed = await olivia.hear_until("conversation_list")
        said = await carla.send(REX, "Hi!", client_message_id="m1")
        message = await olivia.hear_until("message")
        await olivia.say(type="receipt", conversation=REX, delivered_up_to=message["seq"])
        await olivia.say(
            type="send", id=2, conversation=REX, client_message_id="m9", text="Hello **Carla**"
        )
        ack = await olivia.hear_until("ack")
        await told(carla, Message)
        receipt = await olivia.hear_until("receipt")

    assert (welcome["person"], welcome["role"], welcome["resume"]) == ("olivia", "owner", "fresh")
    assert (listed["id"], listed["conversations"][0]["id"]) == (1, REX)
    assert (message["text"], message["seq"]) == ("Hi!", said.seq)
    assert (ack["id"], ack["client_message_id"], ack["seq"]) == (2, "m9", said.seq + 1)
    assert receipt["receipts"][0]["person"] == "carla"
    assert receipt["receipts"][0]["delivered_up_to"] == ack["seq"]


async def test_a_plain_client_resumes(deskbell: Deskbell) -> None:
    token = await deskbell.token("carla")
    async with plainly(deskbell.url) as first:
        await first.say(type="hello", token=token, device="d1")
        welcome = await first.hear()
    async with deskbell.connect("sam") as sam:
        acks = [await sam.send(REX, f"{number}") for number in range(3)]
    cursor = {"epoch": welcome["epoch"], "revision": acks[0].revision}
    async with plainly(deskbell.url) as second:
        token = welcome["session_token"]
        await second.say(type="hello", token=token, device="d1", cursor=cursor)
        again = await second.hear()
        frames = []
        while (frame := await second.hear())["type"] != "resumed":
            frames.append(frame)

    assert again["resume"] == "complete"
    assert [f["seq"] for f in frames if f["type"] == "message"] == [acks[1].seq, acks[2].seq]
    assert frame["revision"] == again["revision"]
    assert [f["revision"] for f in frames] == sorted(f["revision"] for f in frames)


@pytest.mark.parametrize(
    ("first_frame", "code"),
    [
        ('{"type":"ping"}', 4500),
        ("nonsense", 4500),
        (b"\x81\xa4type\xa4ping", 1003),
        ('{"type":"hello","token":"nonsense","device":"d1"}', 4501),
        (None, 4004),
    ],
    ids=["not hello", "no frame", "wrong kind", "wrong token", "nothing"],
)
async def test_a_hello_that_fails(
    deskbell: Deskbell, first_frame: bytes | str | None, code: int
) -> None:
    async with plainly(deskbell.url) as client:
        if first_frame is not None:
            await client.say_bytes(first_frame)
        assert await client.closed() == code


@pytest.mark.parametrize(
    ("path", "subprotocol", "origin", "status"),
    [
        ("?token=secret", "deskbell.v1.json", None, 400),
        ("", None, None, 400),
        ("", "chat", None, 400),
        ("", "deskbell.v1.json", "https://elsewhere.example", 403),
    ],
    ids=["a query", "no subprotocol", "another subprotocol", "another origin"],
)
async def test_an_upgrade_that_is_refused(
    deskbell: Deskbell, path: str, subprotocol: str | None, origin: str | None, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with plainly(deskbell.url + path, subprotocol, origin=origin):
            pass
    assert refused.value.response.status_code == status


async def test_errors_echo_what_they_answer(deskbell: Deskbell) -> None:
    token = await deskbell.token("carla")
    async with plainly(deskbell.url) as client:
        await client.say(type="hello", token=token, device="d1")
        await client.hear()
        await client.say(type="dance", id=1)
        unknown = await client.hear_until("error")
        await client.say(type="edit", id=2, conversation=REX)
        malformed = await client.hear_until("error")
        await client.say(type="send", conversation="none", client_message_id="m1", text="Hello")
        foreign = await client.hear_until("error")
        long = "x" * 32769
        await client.say(type="send", id=3, conversation=REX, client_message_id="m2", text=long)
        large = await client.hear_until("error")
        await client.say(type="send", id=4, conversation=REX, client_message_id="m3", text=" \n")
        blank = await client.hear_until("error")
        await client.say_bytes("x" * 131073)
        code = await client.closed()

    assert (unknown["id"], unknown["code"]) == (1, "unknown_type")
    assert (malformed["id"], malformed["code"]) == (2, "bad_request")
    assert (foreign["client_message_id"], foreign["code"]) == ("m1", "not_found")
    assert "id" not in foreign
    assert (large["id"], large["client_message_id"], large["code"]) == (3, "m2", "too_large")
    assert (blank["id"], blank["code"]) == (4, "bad_request")
    assert code == 1009
