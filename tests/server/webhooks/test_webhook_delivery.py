"""Webhooks deliver what happened: signed, in order, again after a failure (EX-38)."""

from pathlib import Path

import pytest
import trio

from domain import commands
from tests.fixtures.receiver import Answer, Received, running_receiver
from tests.server.webhooks.stage import Shop, running_shop

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
        "members": ["carla", "sam"],
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
            "seq": 1,
            "author": "carla",
            "text": "Is Rex ready?",
            "reply_to": 0,
            "client_message_id": "m1",
            "deleted_at": 0,
        },
    }
    assert edited.json["data"]["text"] == "Is Rex ready now?"
    assert deleted.json["data"] == {"conversation": "rex", "seq": 1, "author": "carla"}
