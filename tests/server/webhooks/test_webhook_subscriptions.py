"""Adding, changing, signing, replaying; and what survives a restart (EX-38)."""

import hashlib
import hmac
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import trio

from domain.errors import StorageFailed
from domain.webhooks import SECRET_OVERLAP_MS, WEBHOOKS_MAX
from server.live import LiveBusiness
from server.webhooks import dispatcher, sender
from server.webhooks.courier import Courier
from server.webhooks.dispatcher import Dispatcher, Live
from storage.webhook_store import WebhookStore
from storage.webhooks import Standing
from tests.fixtures.receiver import Answer, Received, running_receiver
from tests.server.webhooks.stage import Shop, running_shop
from tests.server.webhooks.test_webhook_delivery import accept_all, texts

pytestmark = [pytest.mark.requirement("EX-38")]


def is_ours(header: str, secret: str, body: bytes) -> bool:
    """The verifier of `docs/webhooks.md`, without its look at the time."""
    parts = [part.partition("=") for part in header.split(",")]
    time = next(value for name, _, value in parts if name == "t")
    wanted = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(value, wanted) for name, _, value in parts if name == "v1")


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        old = await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "1")
        await receiver.count(1)
        rotated = await shop.ask("POST", "/v1/webhooks/crm/secret")
        new = rotated.json["secret"]
        await shop.say("rex", "2")
        await receiver.count(2)
        shop.api.stage.clock.now += SECRET_OVERLAP_MS
        await shop.say("rex", "3")
        first, both, last = await receiver.count(3)
    verdicts = [
        [is_ours(r.headers["deskbell-signature"], secret, r.body) for secret in (old, new)]
        for r in (first, both, last)
    ]
    assert verdicts == [[True, False], [True, True], [False, True]]
    assert not is_ours(first.headers["deskbell-signature"], old, first.body + b" ")


async def test_the_secret_is_shown_once(tmp_path: Path) -> None:
    async with running_shop(tmp_path) as shop:
        secret = await shop.add("https://hook.invalid/")
        for path in ("/v1/webhooks", "/v1/webhooks/crm"):
            assert secret.encode() not in (await shop.ask("GET", path)).body


async def test_nothing_is_lost_when_the_server_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice is allowed, missing is not, and the ids are the same."""
    monkeypatch.setattr(sender, "KEEP_SECONDS", 1000.0)  # it dies before it has written more
    folder = tmp_path / "after"
    folder.mkdir()

    async def refuse_two(request: Received, _: trio.abc.Stream) -> Answer:
        return 503 if request.json["data"]["text"] == "2" else 200

    async with running_receiver(refuse_two) as receiver:
        async with running_shop(tmp_path / "before", (0.02,) * 1000) as shop:
            await shop.add(receiver.url())
            await shop.converse("rex")
            await shop.converse("bella", "max")
            for number in range(5):
                await shop.say("rex", str(number))
                await shop.say("bella", f"b{number}")
            await receiver.until(lambda got: {"2", "b4"} <= set(texts(got)))
            await shop.api.stage.node.database.backup(folder / "deskbell.db")
            receiver.received.clear()
        receiver.received.clear()
        receiver.behave = accept_all
        async with running_shop(folder, after=shop) as shop:
            await receiver.until(lambda got: {"4", "b4"} <= set(texts(got)))
            position = await shop.api.stage.node.database.webhooks.standing(shop.live.state, "crm")
    assert position is not None
    assert {"2", "3", "4"} <= set(texts(receiver.received))
    for conversation in ("rex", "bella"):
        numbers = [r for r in receiver.received if r.json["data"]["conversation"] == conversation]
        assert texts(numbers) == sorted(set(texts(numbers)))
    assert len({r.delivery for r in receiver.received}) == len(receiver.received)


async def test_a_stop_in_order_leaves_nothing_to_be_sent_twice(tmp_path: Path) -> None:
    async def refuse_two(request: Received, _: trio.abc.Stream) -> Answer:
        return 503 if request.json["data"]["text"] == "2" else 200

    async with running_receiver(refuse_two) as receiver:
        async with running_shop(tmp_path, (0.02,) * 1000) as shop:
            await shop.add(receiver.url())
            await shop.converse("rex")
            for number in range(5):
                await shop.say("rex", str(number))
            await receiver.until(lambda got: "2" in texts(got))
            await shop.until_deliveries("pending", 1)
        receiver.received.clear()
        receiver.behave = accept_all
        async with running_shop(tmp_path, after=shop):
            await receiver.count(3)
        assert texts(receiver.received) == ["2", "3", "4"]


async def test_replay_sends_again_from_a_revision_or_a_time(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        said = [await shop.say("rex", str(number)) for number in range(4)]
        await receiver.count(4)
        ids = [r.delivery for r in receiver.received]
        path = "/v1/webhooks/crm/replay"
        again = await shop.ask("POST", path, {"from_revision": said[2].revision})
        assert again.json == {"from_revision": said[2].revision}
        await receiver.count(6)
        assert [r.delivery for r in receiver.received[4:]] == ids[2:]
        again = await shop.ask("POST", path, {"from_time": said[1].at})
        assert again.json["from_revision"] <= said[1].revision
        await receiver.count(9)
        assert [r.delivery for r in receiver.received[6:]] == ids[1:]
        for wrong in ({}, {"from_revision": 1, "from_time": 1}):
            assert (await shop.ask("POST", path, wrong)).code == "bad_request"


@pytest.mark.requirement("EX-41")
@pytest.mark.parametrize("own", [False, True])
async def test_what_was_imported_since_leaves_nothing_out_of_a_replay(
    tmp_path: Path, own: bool
) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        said = [await shop.say("rex", str(number)) for number in range(2)]
        await receiver.count(2)
        talk = {"customer": "mia"} if own else {"id": "old", "people": ["mia", "sam"]}
        old = [{"id": "o1", "author": "mia", "text": "Hello", "at": said[0].at - 86_400_000}]
        await shop.ask("POST", "/v1/imports", {"id": "crm"})
        records = [{"type": "conversation", **talk, "messages": old}]
        taken = await shop.ask("POST", "/v1/imports/crm/records", {"first": 1, "records": records})
        assert taken.json["stored"] == 1
        path = "/v1/webhooks/crm/replay"
        again = await shop.ask("POST", path, {"from_time": said[0].at})
        assert again.json["from_revision"] <= said[0].revision
        await receiver.count(4)
    assert texts(receiver.received) == ["0", "1", "0", "1"]


async def test_a_new_webhook_begins_with_what_happens_after_it(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.converse("rex")
        await shop.say("rex", "before")
        await shop.add(receiver.url())
        await shop.say("rex", "after")
        await receiver.count(1)
    assert texts(receiver.received) == ["after"]


async def test_changed_removed_switched_off(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url("/old"))
        await shop.converse("rex")
        changed = await shop.ask("PATCH", "/v1/webhooks/crm", {"url": receiver.url("/new")})
        assert changed.json["url"] == receiver.url("/new")
        await shop.say("rex", "1")
        await receiver.count(1)
        await shop.ask("PATCH", "/v1/webhooks/crm", {"active": False})
        await shop.say("rex", "2")
        await shop.ask("PATCH", "/v1/webhooks/crm", {"active": True})
        await receiver.count(2)
        assert (await shop.ask("DELETE", "/v1/webhooks/crm")).status == 200
        assert (await shop.ask("GET", "/v1/webhooks/crm")).code == "not_found"
        await shop.add(receiver.url("/next"), id="next")
        await shop.say("rex", "3")
        await receiver.count(3)
    assert [(r.target, r.json["data"]["text"]) for r in receiver.received] == [
        ("/new", "1"),
        ("/new", "2"),
        ("/next", "3"),
    ]


async def test_a_webhook_survives_a_restart_and_a_removed_one_does_not(tmp_path: Path) -> None:
    async with running_shop(tmp_path) as shop:
        await shop.add("https://hook.invalid/a", id="a")
        await shop.add("https://hook.invalid/b", id="b")
        await shop.ask("DELETE", "/v1/webhooks/a")
        before = (await shop.ask("GET", "/v1/webhooks")).json
    async with running_shop(tmp_path, after=shop) as shop:
        assert (await shop.ask("GET", "/v1/webhooks")).json == before
        assert [w["id"] for w in before["webhooks"]] == ["b"]


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://a.example/", "events": []},
        {"url": "https://a.example/", "events": ["message.sent", "message.sent"]},
        {"url": "https://a.example/", "events": ["message.burnt"]},
        {"url": "http://a.example/", "events": ["message.sent"]},
        {"url": "https://user:word@a.example/", "events": ["message.sent"]},
        {"url": "ftp://a.example/", "events": ["message.sent"]},
        {"url": "", "events": ["message.sent"]},
        {"url": "https://a.example/" + "x" * 3000, "events": ["message.sent"]},
        {"url": 7, "events": ["message.sent"]},
        {"events": ["message.sent"]},
    ],
)
async def test_what_makes_no_sense_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async with running_shop(tmp_path) as shop:
        assert (await shop.ask("POST", "/v1/webhooks", body)).code == "bad_request"
        assert (await shop.ask("GET", "/v1/webhooks")).json == {"webhooks": []}


async def test_there_is_a_most_of_webhooks(tmp_path: Path) -> None:
    async with running_shop(tmp_path) as shop:
        for number in range(WEBHOOKS_MAX):
            await shop.add("https://hook.invalid/", id=f"w{number}")
        body = {"url": "https://hook.invalid/", "events": ["message.sent"]}
        assert (await shop.ask("POST", "/v1/webhooks", body)).code == "too_large"


async def test_private_addresses_are_not_called(tmp_path: Path) -> None:
    """Neither by number nor by a name that leads there, unless the operator allows it."""
    async with running_receiver() as receiver, running_shop(tmp_path, (0.0,)) as shop:
        await shop.add(receiver.url("/before"), id="before")
        await shop.add(f"https://localhost:{receiver.port}/", id="name")
    again = running_shop(tmp_path, (0.0,), after=shop, webhook_private_addresses=False)
    async with running_receiver() as receiver, again as shop:
        body = {"url": receiver.url(), "events": ["message.sent"]}
        assert (await shop.ask("POST", "/v1/webhooks", body)).code == "bad_request"
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        for webhook, reason in (
            ("before", "the url may not be called"),
            ("name", "the address is not public"),
        ):
            with trio.fail_after(10):
                while not (letters := await shop.deliveries("failed", webhook)):
                    await trio.lowlevel.checkpoint()
            assert {a["reason"] for a in letters[0]["attempts"]} == {reason}
        assert not receiver.connections


async def test_who_has_no_webhook_pays_nothing(tmp_path: Path) -> None:
    """No commit wakes anybody, before the first webhook and after the last one."""
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        journal = shop.api.stage.node.database.journal
        await shop.converse("rex")
        await shop.say("rex", "1")
        assert journal.after_group is None
        await shop.add(receiver.url())
        await shop.say("rex", "2")
        await receiver.count(1)
        assert journal.after_group is not None
        await shop.ask("DELETE", "/v1/webhooks/crm")
        with trio.fail_after(10):
            while journal.after_group is not None:
                await trio.lowlevel.checkpoint()


async def test_a_defect_ends_one_sender_for_a_while_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "RESTART_SECONDS", 0.01)
    deliver, defects = Courier.deliver, iter(range(3))

    async def defective(*args: object) -> object:
        for number in defects:
            raise ZeroDivisionError(number)
        return await deliver(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Courier, "deliver", defective)
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "1")
        await receiver.count(1)
        await shop.say("rex", "2")
        await receiver.count(2)
    assert texts(receiver.received) == ["1", "2"]


async def test_a_business_that_cannot_be_started_yet_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is slow after a start ends nothing: what happened is told when it can be."""
    monkeypatch.setattr(dispatcher, "RESTART_SECONDS", 0.01)
    run, failures = Dispatcher.run, iter((trio.TooSlowError, sqlite3.OperationalError))

    async def slow_at_first(self: Dispatcher, live: Live, **more: Any) -> None:
        async def slow(business: str) -> LiveBusiness | None:
            for failure in failures:
                raise failure
            return await live(business)

        await run(self, slow, **more)

    monkeypatch.setattr(Dispatcher, "run", slow_at_first)
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "1")
        await receiver.count(1)
    assert texts(receiver.received) == ["1"]


async def test_what_cannot_be_kept_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: deliveries go on, and where the webhook stands is written when there is room."""
    monkeypatch.setattr(sender, "TROUBLE_SECONDS", 0.01)
    record, failures = WebhookStore.record, iter(range(3))

    async def full(*args: object) -> None:
        for _ in failures:
            raise StorageFailed("the disk is full")
        await record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(WebhookStore, "record", full)
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        said = await shop.say("rex", "1")
        store = shop.api.stage.node.database.webhooks
        with trio.fail_after(10):
            while (await standing(store, shop)).position < said.revision:
                await trio.lowlevel.checkpoint()


async def standing(store: WebhookStore, shop: Shop) -> Standing:
    found = await store.standing(shop.live.state, "crm")
    assert found is not None
    return found
