"""Webhooks deliver what happened: signed, in order, again after a failure (EX-38)."""

from pathlib import Path

import pytest
import trio

from domain import commands
from domain.roles import Role
from server.tending import sweeps
from tests.fixtures.receiver import Answer, Received, running_receiver
from tests.server.webhooks.stage import running_shop

pytestmark = [pytest.mark.requirement("EX-38")]


async def test_what_happens_is_told(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(
            receiver.url("/a?b=c"),
            "conversation.created",
            "message.sent",
            "message.edited",
            "message.deleted",
        )
        await shop.converse("rex")
        first = await shop.say("rex", "Is Rex ready?")
        carla = shop.speaker("carla")
        await receiver.count(2)
        await shop.do("rex", commands.Edit(carla, first.seq, "Is Rex ready now?"))
        await receiver.count(3)
        await shop.do("rex", commands.Delete(carla, first.seq))
        created, sent, edited, deleted = await receiver.count(4)
    assert created.json["data"] == {
        "conversation": "rex",
        "kind": "group",
        "title": "Talk",
        "author": "carla",
        "members": ["carla", "olivia", "sam"],
    }
    assert sent.target == "/a?b=c"
    assert sent.headers["content-type"] == "application/json"
    assert sent.event == "message.sent"
    assert sent.delivery == f"pawsome.{first.revision}"
    assert sent.json == {
        "id": sent.delivery,
        "type": "message.sent",
        "business": "pawsome",
        "revision": first.revision,
        "at": first.at,
        "data": {
            "conversation": "rex",
            "locations": ["main"],
            "seq": 1,
            "author": "carla",
            "role": "customer",
            "text": "Is Rex ready?",
            "reply_to": 0,
            "client_message_id": "m1",
            "deleted_at": 0,
        },
    }
    assert edited.json["data"]["text"] == "Is Rex ready now?"
    assert deleted.json["data"] == {"conversation": "rex", "seq": 1, "author": "carla"}


@pytest.mark.requirement("DT-08")
async def test_every_owner_of_now_is_told_as_a_member(tmp_path: Path) -> None:
    """Who has left is none, who was handed the business is one, each once."""
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        for id_, role in (("otto", "owner"), ("oscar", "owner"), ("anna", "customer")):
            await shop.ask("POST", "/v1/people", {"id": id_, "name": id_, "role": role})
        await shop.converse("rex", "sam", "otto")
        (mia,) = await shop.api.stage.node.queries.people(shop.live.state, ["mia"])
        await shop.do("rex", commands.AddMember(shop.speaker("sam"), mia))
        await shop.ask("PATCH", "/v1/people/oscar", {"active": False})
        handed = {"from": "olivia", "to": "sam", "new_role": "manager"}
        assert (await shop.ask("POST", "/v1/ownership", handed)).status == 200
        await shop.api.stage.add_business("barkley", {"bob": Role.OWNER})
        await shop.add(receiver.url(), "conversation.created")
        assert (
            await shop.ask("POST", "/v1/webhooks/crm/replay", {"from_revision": 1})
        ).status < 300
        (created,) = await receiver.count(1)
    assert created.json["data"]["members"] == ["carla", "mia", "otto", "sam"]


async def test_a_message_says_where_it_is_and_what_its_author_is(tmp_path: Path) -> None:
    """Both as they are by now; nothing where it is placed nowhere, and of the business itself."""
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url(), "message.sent", "message.edited")
        await shop.converse("rex", "sam")
        first = await shop.say("rex", "We are here", "sam")
        await shop.do("rex", commands.Edit(shop.speaker("sam"), first.seq, "We are there"))
        said = {"client_message_id": "a1", "location": "main", "text": "See you tomorrow"}
        announced = await shop.ask("POST", "/v1/people/mia/announcements", said)
        assert announced.status == 201
        team = {"kind": "group", "people": ["max"], "id": "team"}
        begun = await shop.api.ask("POST", "/v1/conversations", shop.api.token("sam"), team)
        assert begun.status == 201
        await shop.say("team", "Lunch?", "max")
        told = [request.json["data"] for request in await receiver.count(4)]
    assert {(one["text"], one["role"], *one["locations"]) for one in told} == {
        ("We are here", "staff"),
        ("We are there", "staff"),
        ("See you tomorrow", ""),
        ("Lunch?", "manager"),
    }


@pytest.mark.requirement("EX-23", "EX-28")
async def test_how_conversations_are_handled_is_told(tmp_path: Path) -> None:
    """Also what the business does by itself: a customer has waited for too long."""
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.ask("PATCH", "/v1/locations/main", {"alert_minutes": 5})
        await shop.add(receiver.url(), "handling.changed", "message.sent")
        await shop.converse("rex")
        asked = await shop.say("rex", "Is Rex ready?")
        await receiver.count(2)
        shop.api.stage.clock.now += 6 * 60_000
        for sweep in sweeps(shop.api.stage.node):
            await sweep.run(shop.api.stage.node)
        await receiver.count(3)
        await shop.say("rex", "He is", "sam")
        told = [request.json["data"] for request in await receiver.count(5)]
    handled = [data for data in told if "kind" in data]
    assert [(data["kind"], data["author"]) for data in handled] == [
        ("routed", "carla"),
        ("unanswered", "@business"),
        ("claimed", "sam"),
    ]
    assert handled[1] == {
        "conversation": "rex",
        "kind": "unanswered",
        "author": "@business",
        "locations": ["main"],
        "status": "open",
        "snoozed_until": 0,
        "assignee": "",
        "alerted": asked.at,
    }
    assert [handled[n]["assignee"] for n in (0, 2)] == ["", "sam"]
    assert told.index(handled[0]) == 0  # it is placed before the message comes


async def test_members_people_places_and_receipts_are_told(tmp_path: Path) -> None:
    types = ("member.added", "member.removed", "receipt.advanced")
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url(), *types, "person.changed", "location.changed")
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        sam = shop.speaker("sam")
        found = await shop.api.stage.node.queries.people(shop.live.state, ["mia"])
        await shop.do("rex", commands.AddMember(sam, found[0]))
        await shop.do("rex", commands.RemoveMember(sam, "mia"))
        await shop.do("rex", commands.AdvanceReceipt(sam, 0, 1))
        await shop.ask("PATCH", "/v1/people/mia", {"name": "Maria"})
        await shop.ask("PATCH", "/v1/locations/main", {"name": "Downtown"})
        told = {request.event: request.json["data"] for request in await receiver.count(5)}
    assert told["member.added"] == {
        "conversation": "rex",
        "seq": 2,
        "author": "sam",
        "person": "mia",
        "name": "Mia",
        "role": "customer",
    }
    assert (told["member.removed"]["seq"], told["member.removed"]["person"]) == (3, "mia")
    assert told["receipt.advanced"]["receipts"] == [
        {"person": "sam", "delivered_up_to": 1, "read_up_to": 1}
    ]
    assert (told["person.changed"]["person"], told["person.changed"]["name"]) == ("mia", "Maria")
    assert told["location.changed"] == {
        "location": "main",
        "name": "Downtown",
        "time_zone": "Europe/Rome",
    }


async def test_what_people_hide_of_their_reading_is_not_told(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url(), "receipt.advanced")
        hidden = {"read_receipts": False}
        await shop.api.ask("PATCH", "/v1/me", shop.api.token("sam"), hidden)
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        sam = shop.speaker("sam")
        await shop.do("rex", commands.AdvanceReceipt(sam, 1, 0))
        await shop.do("rex", commands.AdvanceReceipt(sam, 1, 1))
        await receiver.count(1)
        await shop.say("rex", "more")
        await shop.do("rex", commands.AdvanceReceipt(sam, 2, 2))
        await receiver.count(2)
        receipts = [r for r in receiver.received if r.event == "receipt.advanced"]
    assert [each.json["data"]["receipts"] for each in receipts] == [
        [{"person": "sam", "delivered_up_to": number, "read_up_to": 0}] for number in (1, 2)
    ]


async def test_a_failing_conversation_holds_itself_alone(tmp_path: Path) -> None:
    """Each conversation in its order, whatever fails; the others do not wait."""
    released = trio.Event()

    async def refuse_rex(request: Received, _: trio.abc.Stream) -> Answer:
        in_rex = request.json["data"]["conversation"] == "rex"
        return 503 if in_rex and not released.is_set() else 200

    async with (
        running_receiver(refuse_rex) as receiver,
        running_shop(tmp_path, (0.02,) * 1000) as shop,
    ):
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.converse("bella", "max")
        for number in range(10):
            await shop.say("rex", f"rex {number}")
            await shop.say("bella", f"bella {number}")
        bella = [f"bella {number}" for number in range(10)]
        await receiver.until(lambda got: [t for t in texts(got) if t in bella] == bella)
        assert {text for text in texts(receiver.received) if text not in bella} == {"rex 0"}
        (pending,) = await shop.until_deliveries("pending", 1)
        assert (pending["conversation"], pending["type"]) == ("rex", "message.sent")
        assert {(a["status"], a["reason"]) for a in pending["attempts"]} == {
            (503, "the answer was 503")
        }
        released.set()
        await receiver.until(lambda got: "rex 9" in texts(got))
        assert await shop.until_deliveries("pending", 0) == []
        await shop.say("rex", "and on")
        await receiver.until(lambda got: "and on" in texts(got))
    rex = list(dict.fromkeys(t for t in texts(receiver.received) if t.startswith("rex")))
    assert rex == [f"rex {number}" for number in range(10)]


def texts(received: list[Received]) -> list[str]:
    return [str(request.json["data"]["text"]) for request in received]


async def test_after_the_last_attempt_it_is_a_dead_letter_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    async def refuse_poison(request: Received, _: trio.abc.Stream) -> Answer:
        return 500 if request.json["data"]["text"] == "poison" else 200

    async with running_receiver(refuse_poison) as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        poison = await shop.say("rex", "poison")
        await shop.say("rex", "after")
        await receiver.until(lambda got: "after" in texts(got))
        assert texts(receiver.received) == ["poison"] * 4 + ["after"]
        (letter,) = await shop.until_deliveries("failed", 1)
        assert letter["event"] == f"pawsome.{poison.revision}"
        assert letter["next_attempt_at"] == 0
        assert [a["status"] for a in letter["attempts"]] == [500] * 4

        path = f"/v1/webhooks/crm/deliveries/{letter['event']}/retry"
        again = await shop.ask("POST", path)
        assert again.json == {"delivered": False, "status": 500, "reason": "the answer was 500"}
        (letter,) = await shop.deliveries("failed")
        assert len(letter["attempts"]) == 5
        receiver.behave = accept_all
        assert (await shop.ask("POST", path)).json["delivered"] is True
        assert await shop.deliveries("failed") == []
        assert (await shop.ask("POST", path)).code == "not_found"


async def accept_all(_: Received, __: trio.abc.Stream) -> Answer:
    return 204


async def test_what_is_pending_is_tried_at_once_when_asked(tmp_path: Path) -> None:
    async def refuse(_: Received, __: trio.abc.Stream) -> Answer:
        return 502

    async with running_receiver(refuse) as receiver, running_shop(tmp_path, (3600.0,)) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "now")
        (pending,) = await shop.until_deliveries("pending", 1)
        receiver.behave = accept_all
        path = f"/v1/webhooks/crm/deliveries/{pending['event']}/retry"
        assert (await shop.ask("POST", path)).json["delivered"] is False
        await receiver.count(2)
        await shop.until_deliveries("pending", 0)


async def test_410_disables(tmp_path: Path) -> None:
    async def gone(_: Received, __: trio.abc.Stream) -> Answer:
        return 410

    async with running_receiver(gone) as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "1")
        assert "410" in await shop.until_reason()
        await shop.say("rex", "2")
        receiver.behave = accept_all
        assert (await shop.ask("POST", "/v1/webhooks/crm/replay", {"from_revision": 1})).status
        on = await shop.ask("PATCH", "/v1/webhooks/crm", {"active": True})
        assert (on.json["active"], on.json["reason"]) == (True, "")
        await receiver.until(lambda got: texts(got)[-2:] == ["1", "2"])


async def test_too_many_dead_letters_in_a_row_disable(tmp_path: Path) -> None:
    async def refuse(_: Received, __: trio.abc.Stream) -> Answer:
        return 500

    async with running_receiver(refuse) as receiver, running_shop(tmp_path, (0.0,)) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        for number in range(12):
            await shop.say("rex", str(number))
        assert "10 events in a row" in await shop.until_reason()
        assert len(await shop.deliveries("failed")) == 10
        receiver.behave = accept_all
        await shop.ask("PATCH", "/v1/webhooks/crm", {"active": True})
        await receiver.until(lambda got: texts(got)[-2:] == ["10", "11"])


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async def elsewhere(request: Received, _: trio.abc.Stream) -> Answer:
        return b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"

    async with running_receiver(elsewhere) as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        (letter,) = await shop.until_deliveries("failed", 1)
    assert {request.target for request in receiver.received} == {"/hook"}
    assert {(a["status"], a["reason"]) for a in letter["attempts"]} == {
        (302, "redirects are not followed")
    }


async def test_who_does_not_answer_in_time_has_not_taken_it(tmp_path: Path) -> None:
    """Neither at all, nor byte by byte; others are served meanwhile."""

    async def drip(request: Received, stream: trio.abc.Stream) -> Answer:
        if request.target == "/silent":
            await trio.sleep_forever()
        while True:
            await stream.send_all(b"H" if request.target == "/never" else b"")
            await trio.sleep(0.01)

    async with (
        running_receiver(drip) as receiver,
        running_shop(tmp_path, (0.0,), webhook_seconds=0.2) as shop,
    ):
        await shop.add(receiver.url("/silent"), id="silent")
        await shop.add(receiver.url("/never"), id="never")
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        for webhook, reason in (
            ("silent", "no answer within 0.2 s"),
            ("never", None),
        ):
            with trio.fail_after(10):
                while not (letters := await shop.deliveries("failed", webhook)):
                    await trio.lowlevel.checkpoint()
            for attempt in letters[0]["attempts"]:
                assert attempt["status"] == 0
                assert reason in (None, attempt["reason"])


@pytest.mark.parametrize("size", [100, 10_000_000])
async def test_the_body_of_an_answer_is_of_no_account(tmp_path: Path, size: int) -> None:
    """A status counts when it comes; a huge or dripping body delays nothing for long."""

    async def huge(_: Received, stream: trio.abc.Stream) -> Answer:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        if size == 100:
            await trio.sleep_forever()
        await stream.send_all(b"x" * size)
        return None

    async with running_receiver(huge) as receiver, running_shop(tmp_path) as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "1")
        await shop.say("rex", "2")
        await receiver.count(2)
        assert await shop.deliveries("failed") == []
    assert texts(receiver.received) == ["1", "2"]


async def test_no_server_there_is_a_failure(tmp_path: Path) -> None:
    async with running_receiver() as receiver:
        nowhere = receiver.url()
    async with running_shop(tmp_path, (0.0,)) as shop:
        await shop.add(nowhere)
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        (letter,) = await shop.until_deliveries("failed", 1)
    assert {(a["status"], a["reason"]) for a in letter["attempts"]} == {
        (0, "it cannot be connected to")
    }


async def test_a_business_is_told_of_its_own_alone(tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path) as shop:
        await shop.api.stage.add_business("barkley", {})
        body = {"url": receiver.url("/barkley"), "events": ["location.changed"]}
        key = shop.api.key("barkley")
        assert (await shop.api.ask("POST", "/v1/webhooks", key, body)).status == 201
        await shop.add(receiver.url("/pawsome"), "location.changed")
        await shop.ask("PATCH", "/v1/locations/main", {"name": "Ours"})
        await shop.api.ask("PATCH", "/v1/locations/main", key, {"name": "Theirs"})
        told = {(r.target, r.json["data"]["name"]) for r in await receiver.count(2)}
    assert told == {("/pawsome", "Ours"), ("/barkley", "Theirs")}
