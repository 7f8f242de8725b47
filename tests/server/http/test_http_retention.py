"""What a location keeps no longer is erased, and what a hold covers is kept (EX-21)."""

from collections import Counter
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from domain.errors import StorageFailed
from domain.ids import customer_conversation_id
from domain.retention import DAY_MS
from server.erasing import Eraser, NotNow
from server.expiring import FIRST_SECONDS, expire, expire_messages
from server.live import LiveBusiness
from storage.backup import FILE_NAME
from storage.check import check_file
from storage.erasure_store import ErasureStore
from storage.retention import Expired
from tests.fixtures.api import ApiStage, reopened_api, running_api
from tests.fixtures.node import EPOCH_MS
from tests.fixtures.websockets import running_edge

pytestmark = pytest.mark.requirement("EX-21")

MARK = "Xylophonquartz"


class Desk:
    """Carla writes to the shop, at `main`."""

    def __init__(self, api: ApiStage) -> None:
        self.api, self.talk = api, ""

    async def done(self, method: str, path: str, person: str = "", body: object = None) -> object:
        key = self.api.token(person) if person else self.api.key()
        reply = await self.api.ask(method, path, key, body)
        assert reply.status < 300, reply.body
        return reply.json

    async def begin(self, person: str = "carla") -> None:
        path = f"/v1/people/{person}/conversation"
        found = await self.api.ask("POST", path, self.api.token(person))
        self.talk = f"/v1/conversations/{found.json['id']}"

    async def say(self, person: str, id_: str) -> None:
        body = {"client_message_id": id_, "text": f"{MARK} {id_}"}
        await self.done("POST", f"{self.talk}/messages", person, body)

    async def keep(self, location: str, days: int | None) -> None:
        await self.done("PATCH", f"/v1/locations/{location}", "", {"retention_days": days})

    async def keep_by(self, days: dict[str, int | None], location: str = "main") -> None:
        body = {"retention_by_channel": days}
        shown = await self.done("PATCH", f"/v1/locations/{location}", "", body)
        assert isinstance(shown, dict)
        assert shown.get("retention_by_channel", {}) == days

    async def texts(self) -> list[str]:
        key = self.api.token("olivia")
        found = await self.api.ask("GET", f"{self.talk}/messages", key)
        return [message.get("text", "") for message in found.json["messages"]]

    def later(self, days: float) -> None:
        self.api.stage.clock.now += round(days * DAY_MS)
        self.api.tokens.clear()


def traces(folder: Path, what: str) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and what.encode() in path.read_bytes().lower()
    ]


async def test_what_is_too_old_goes_to_the_last_byte_and_the_rest_stays(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        await desk.begin()
        for number in range(120):  # more than a batch
            await desk.say("sam" if number % 2 else "carla", f"zebra{number}")
        desk.later(20)
        await desk.say("carla", "young")
        assert await expire(node) == Counter()
        await desk.keep("main", 30)
        assert await expire(node) == Counter()
        desk.later(11)
        assert await expire(node) == Counter({"pawsome": 120})
        assert await expire(node) == Counter()

        assert (await desk.texts())[-1] == f"{MARK} young"
        assert traces(tmp_path, "zebra") == []
        assert traces(tmp_path, "young")
        audit = await api.ask("GET", "/v1/audit?kind=messages_expired", api.key())
        assert [(e["author"], e["detail"]) for e in audit.json["entries"]] == [
            ("@business", {"messages": 120})
        ]
    assert check_file(tmp_path / FILE_NAME) == []


@pytest.mark.requirement("R38")
async def test_the_bytes_go_after_a_kill_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_api(tmp_path) as api:
        desk, node, key = Desk(api), api.stage.node, api.key()
        await desk.begin()
        await desk.say("carla", "zebra")
        await node.database.indexer.reached("pawsome", 2**40, 0.6)
        await desk.keep("main", 30)
        desk.later(31)
        with monkeypatch.context() as patched:
            patched.setattr(Eraser, "wash", fails)
            with pytest.raises(NotNow):
                await expire(node)
        assert await desk.texts() == [""]
    assert traces(tmp_path, "zebra")
    async with reopened_api(tmp_path, key, clock=api.stage.clock) as api:
        assert await expire(api.stage.node) == Counter()
        assert traces(tmp_path, "zebra") == []
        monkeypatch.setattr(Eraser, "wash", fails)
        assert await expire(api.stage.node) == Counter()  # once is enough


async def fails(*_: object) -> None:
    raise NotNow


async def test_what_is_as_old_as_it_may_be_is_kept_a_moment_longer(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, clock = Desk(api), api.stage.clock
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.keep("main", 1)
        said = await api.ask("GET", f"{desk.talk}/messages", api.token("olivia"))
        clock.now = said.json["messages"][-1]["at"] + DAY_MS - 1  # it moves when it is looked at
        assert await expire(api.stage.node) == Counter()
        assert await expire(api.stage.node) == Counter({"pawsome": 1})


async def test_the_location_that_keeps_it_longest_decides(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
        await desk.done("PATCH", "/v1/people/carla", "", {"locations": ["main", "b"]})
        await desk.begin()
        await desk.say("carla", "both")
        await desk.keep("main", 1)
        desk.later(5)
        assert await expire(node) == Counter()  # `b` keeps it for ever
        await desk.keep("b", 10)
        assert await expire(node) == Counter()
        desk.later(6)
        assert await expire(node) == Counter({"pawsome": 1})
        assert await desk.texts() == [""]


def imported(*channels: str, days: int, first: int = 1) -> dict[str, object]:
    """What Carla said elsewhere, and in the app, so many days ago."""
    said = [
        {"id": f"old{n}", "author": "carla", "text": f"{MARK} {n} {on}", "at": at, "channel": on}
        for n, on in enumerate(channels, start=first)
        for at in (EPOCH_MS - days * DAY_MS,)
    ]
    return {"type": "messages", "customer": "carla", "messages": said}


async def taken(desk: Desk, *records: dict[str, object]) -> None:
    await desk.done("POST", "/v1/imports", "", {"id": "old"})
    body = {"first": 1, "records": records}
    done = await desk.done("POST", "/v1/imports/old/records", "", body)
    assert isinstance(done, dict)
    assert done["stored"] == len(records), done


def kept(texts: list[str]) -> list[str]:
    return [text.removeprefix(f"{MARK} ") for text in texts if text]


async def test_a_channel_has_a_period_of_its_own(tmp_path: Path) -> None:
    """Whichever comes first, and however often the other is kept between."""
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        first = imported("app", "text", "email", "text", "app", days=40)
        last = imported("text", "email", "app", days=5, first=6)
        await taken(desk, {**first, "type": "conversation", "location": "main"}, last)
        await desk.begin()
        assert await expire(node) == Counter()
        await desk.keep_by({"text": 30})
        assert await expire(node) == Counter({"pawsome": 2})
        shown = await desk.done("GET", "/v1/locations/main", "carla")
        assert isinstance(shown, dict)
        assert "retention_by_channel" not in shown  # the team's to know
        everything = ["1 app", "3 email", "5 app", "6 text", "7 email", "8 app"]
        assert kept(await desk.texts()) == everything
        await desk.keep_by({"text": 1, "email": None})
        await desk.keep("main", 30)
        assert await expire(node) == Counter({"pawsome": 3})
        assert kept(await desk.texts()) == ["3 email", "7 email", "8 app"]
        await desk.keep_by({})  # and the app is past what it passed over
        assert await expire(node) == Counter({"pawsome": 1})
        assert kept(await desk.texts()) == ["7 email", "8 app"]
        await desk.keep_by({"app": None, "email": 3})
        assert await expire(node) == Counter({"pawsome": 1})
        desk.later(100)
        assert await expire(node) == Counter()
        assert kept(await desk.texts()) == ["8 app"]
        await desk.keep_by({})
        assert await expire(node) == Counter({"pawsome": 1})
        assert traces(tmp_path, MARK.lower()) == []
    assert check_file(tmp_path / FILE_NAME) == []


async def test_more_than_a_batch_of_texts_goes_and_what_stands_between_stays(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        mixed = imported(*("text", "text", "app") * 100, days=40)
        await taken(desk, {**mixed, "type": "conversation", "location": "main"})
        await desk.begin()
        await desk.keep_by({"text": 30})
        assert await expire(node) == Counter({"pawsome": 200})
        assert {text.rpartition(" ")[2] for text in kept(await desk.texts())} == {"app"}
        await desk.keep("main", 30)
        assert await expire(node) == Counter({"pawsome": 100})


async def test_the_location_that_keeps_a_channel_longest_decides(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        await taken(desk, {**imported("text", "app", days=40), "type": "conversation"})
        await desk.begin()
        await desk.done("POST", "/v1/locations", "", {"id": "b", "name": "B", "time_zone": "UTC"})
        await desk.done("PATCH", "/v1/people/carla", "", {"locations": ["main", "b"]})
        await desk.say("carla", "both")
        await desk.keep_by({"text": 1})
        assert await expire(node) == Counter()
        await desk.keep_by({"text": 30}, "b")
        assert await expire(node) == Counter({"pawsome": 1})


@pytest.mark.parametrize("days", [{"text": 0}, {"email": 36_501}, {"fax": 3}, {"app": "x"}, 3])
async def test_what_cannot_be_a_period_of_a_channel_is_refused(api: ApiStage, days: object) -> None:
    body = {"retention_by_channel": days}
    reply = await api.ask("PATCH", "/v1/locations/main", api.key(), body)
    assert (reply.status, reply.code) == (400, "bad_request")
    shown = await api.ask("GET", "/v1/locations/main", api.key())
    assert "retention_by_channel" not in shown.json


@pytest.mark.parametrize("held", [True, False])
async def test_who_is_on_hold_keeps_what_they_texted(tmp_path: Path, held: bool) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        await taken(desk, {**imported("text", days=40), "type": "conversation", "location": "main"})
        await desk.begin()
        await desk.keep_by({"text": 1})
        if held:
            await desk.done("PUT", "/v1/people/carla/hold", "olivia")
        assert await expire(node) == (Counter() if held else Counter({"pawsome": 1}))


@pytest.mark.parametrize("held", ["carla", "sam", "it"])
async def test_what_is_on_hold_is_kept_until_it_is_lifted(tmp_path: Path, held: str) -> None:
    async with running_api(tmp_path) as api:
        desk, node = Desk(api), api.stage.node
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.say("sam", "m2")  # who works there, and is no member
        await desk.keep("main", 1)
        desk.later(2)
        path = f"{desk.talk}/hold" if held == "it" else f"/v1/people/{held}/hold"
        await desk.done("PUT", path, "olivia")
        assert await expire(node) == Counter()
        await desk.done("DELETE", path, "olivia")
        assert await expire(node) == Counter({"pawsome": 2})


async def test_the_server_looks_by_itself(tmp_path: Path, mock_clock: MockClock) -> None:
    async with running_api(tmp_path) as api, trio.open_nursery() as nursery:
        desk = Desk(api)
        await desk.begin()
        await desk.say("carla", "m1")
        await desk.keep("main", 1)
        desk.later(2)
        nursery.start_soon(expire_messages, api.stage.node)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(FIRST_SECONDS)
        for _ in range(500):
            mock_clock.jump(0.1)
            if await desk.texts() == [""]:
                break
        assert await desk.texts() == [""]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("days", [0, -1, 36_501, "30", 1.5])
async def test_what_cannot_be_a_number_of_days_is_refused(api: ApiStage, days: object) -> None:
    body = {"retention_days": days}
    reply = await api.ask("PATCH", "/v1/locations/main", api.key(), body)
    assert (reply.status, reply.code) == (400, "bad_request")
    shown = await api.ask("GET", "/v1/locations/main", api.key())
    assert shown.json["retention_days"] is None


@pytest.mark.requirement("R42")
async def test_who_was_away_is_told_that_it_was_erased(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, running_edge(api.stage, api.app) as edge:
        desk = Desk(api)
        await desk.begin()
        for number in range(3):
            await desk.say("carla", f"m{number}")
        hello = {"type": "hello", "token": api.token("carla"), "device": "phone"}
        first = await edge.connect()
        await first.send(hello)
        welcome = await first.receive()
        await first.connection.aclose()
        await desk.keep("main", 30)
        await desk.done("PATCH", f"{desk.talk}/messages/1", "carla", {"text": "other words"})
        desk.later(31)
        assert await expire(api.stage.node) == Counter({"pawsome": 3})

        again = await edge.connect()
        cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
        await again.send({**hello, "token": api.token("carla"), "cursor": cursor})
        assert (await again.receive())["resume"] == "complete"
        told = [await again.receive()]
        while told[-1]["type"] != "resumed":
            told.append(await again.receive())
        changes = [(each["type"], each["seq"]) for each in told if "seq" in each]
        assert changes == [("message_deleted", seq) for seq in (1, 2, 3)]


async def expired_audit(api: ApiStage) -> list[object]:
    found = await api.ask("GET", "/v1/audit?kind=messages_expired", api.key())
    return [entry["detail"] for entry in found.json["entries"]]


async def test_what_cannot_be_erased_for_now_holds_up_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = Eraser.erase_messages
    stuck = customer_conversation_id("carla")

    async def fails_for_one(
        self: Eraser, live: LiveBusiness, talk: str, seqs: tuple[int, ...]
    ) -> None:
        if talk == stuck:
            raise NotNow
        await erase(self, live, talk, seqs)

    async with running_api(tmp_path) as api:
        desk = Desk(api)
        for person in ("carla", "mia"):
            await desk.begin(person)
            await desk.say(person, "zebra" if person == "mia" else "lion")
        await desk.keep("main", 30)
        desk.later(31)
        with monkeypatch.context() as patched:
            patched.setattr(Eraser, "erase_messages", fails_for_one)
            with pytest.raises(NotNow):
                await expire(api.stage.node)
        assert traces(tmp_path, "zebra") == []
        assert traces(tmp_path, "lion")
        assert await expired_audit(api) == [{"messages": 1}]
        assert await expire(api.stage.node) == Counter({"pawsome": 1})
        assert traces(tmp_path, "lion") == []
        assert await expired_audit(api) == [{"messages": 1}, {"messages": 1}]


@pytest.mark.requirement("R38")
async def test_the_audit_log_is_told_after_a_kill_too_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = ErasureStore.note_expired

    async def dies(self: ErasureStore, expired: Expired) -> None:
        await noted(self, expired)
        raise StorageFailed("killed")

    async with running_api(tmp_path) as api:
        desk, key = Desk(api), api.key()
        await desk.begin()
        for number in range(3):
            await desk.say("carla", f"m{number}")
        await desk.keep("main", 30)
        desk.later(31)
        with monkeypatch.context() as patched:
            patched.setattr(ErasureStore, "note_expired", dies)
            with pytest.raises(StorageFailed):
                await expire(api.stage.node)
    async with reopened_api(tmp_path, key, clock=api.stage.clock) as api:
        with monkeypatch.context() as patched:
            patched.setattr(Eraser, "wash", fails)
            with pytest.raises(NotNow):
                await expire(api.stage.node)
        assert await expired_audit(api) == [{"messages": 3}]
        await expire(api.stage.node)
        assert await expired_audit(api) == [{"messages": 3}]
