"""The section `webhooks` of the API's description: what is really sent is what it says."""

import copy
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import trio

from domain import commands
from domain.webhooks import SENDING, EventType
from server.settings import Settings
from tests.architecture.checkout import ROOT
from tests.fixtures.api import running_api
from tests.fixtures.receiver import Answer, Received, answer_of, running_receiver
from tests.server.webhooks.stage import Shop, running_shop

pytestmark = [pytest.mark.requirement("EX-38")]

HEADERS = ["Deskbell-Event", "Deskbell-Delivery", "Deskbell-Signature"]


class Description:
    """The document, and its schemas without room for fields that it does not name."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if schema.get("type") == "object":
                schema["additionalProperties"] = False

    def call(self, name: str) -> Any:
        return self.document["webhooks"][name]["post"]

    def content(self, name: str) -> Any:
        """What the body of such a call is said to be."""
        return self.call(name)["requestBody"]["content"]["application/json"]

    def answers(self) -> Any:
        """What the send hook's answer is said to be."""
        return self.call(SENDING)["responses"]["2XX"]["content"]["application/json"]

    def of(self, schema: Any) -> jsonschema_rs.Validator:
        return jsonschema_rs.Draft202012Validator({**schema, "components": self._components})

    def holds(self, request: Received) -> bool:
        """Whether the request is as it is described, and all that is described is in it."""
        body = request.json
        name = request.event
        self.of(self.content(name)["schema"]).validate(body)
        for each in self.call(name)["parameters"]:
            parameter = self.document["components"]["parameters"][each["$ref"].rpartition("/")[2]]
            assert parameter["in"] == "header"
            assert parameter["required"]
            validator = jsonschema_rs.Draft202012Validator(parameter["schema"])
            validator.validate(request.headers[parameter["name"].lower()])
        assert request.event == body["type"]
        assert list(self.content(name)["example"]) == list(body)
        if name != SENDING:
            assert list(self.content(name)["example"]["data"]) == list(body["data"])
        return True


@pytest.fixture
async def description(tmp_path: Path) -> AsyncIterator[Description]:
    async with running_api(tmp_path / "described") as api:
        yield Description((await api.ask("GET", "/v1/openapi.json")).json)


async def everything_happens(shop: Shop) -> None:
    """Each type of event once at least."""
    await shop.converse("rex")
    first = await shop.say("rex", "Is Rex ready?")
    carla, sam = shop.speaker("carla"), shop.speaker("sam")
    await shop.do("rex", commands.Edit(carla, first.seq, "Is Rex ready now?"))
    await shop.do("rex", commands.AdvanceReceipt(sam, 1, 1))
    await shop.do("rex", commands.Delete(carla, first.seq))
    (mia,) = await shop.api.stage.node.queries.people(shop.live.state, ["mia"])
    await shop.do("rex", commands.AddMember(sam, mia))
    await shop.do("rex", commands.RemoveMember(sam, "mia"))
    await shop.ask("PATCH", "/v1/people/mia", {"name": "Maria"})
    await shop.ask("PATCH", "/v1/locations/main", {"name": "Downtown"})


async def test_every_event_is_described_and_nothing_else(description: Description) -> None:
    assert set(description.document["webhooks"]) == {*EventType, SENDING}
    names = set()
    for name in description.document["webhooks"]:
        call = description.call(name)
        names.add(call["operationId"])
        assert call["summary"], name
        assert call["description"], name
        assert call["security"] == []
        referred = [each["$ref"].rpartition("/")[2] for each in call["parameters"]]
        assert referred == HEADERS
        assert set(call["responses"]) >= {"default"}
    paths = description.document["paths"].values()
    others = {operation["operationId"] for item in paths for operation in item.values()}
    assert len(names) == len(EventType) + 1
    assert not names & others


async def test_examples_are_of_their_own_type_alone(description: Description) -> None:
    for name in description.document["webhooks"]:
        validator = description.of(description.content(name)["schema"])
        for other in description.document["webhooks"]:
            example = description.content(other)["example"]
            assert example["type"] == other
            assert validator.is_valid(example) == (name == other), (name, other)


async def test_what_is_delivered_is_what_is_described(
    description: Description, tmp_path: Path
) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path / "shop") as shop:
        await shop.add(receiver.url(), *EventType)
        await everything_happens(shop)
        await receiver.until(lambda got: {each.event for each in got} == set(EventType))
        assert all(description.holds(request) for request in receiver.received)


async def test_with_a_second_secret_it_is_so_too(description: Description, tmp_path: Path) -> None:
    async with running_receiver() as receiver, running_shop(tmp_path / "shop") as shop:
        await shop.add(receiver.url())
        await shop.ask("POST", "/v1/webhooks/crm/secret")
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        (request,) = await receiver.count(1)
    assert request.headers["deskbell-signature"].count("v1=") == 2
    assert description.holds(request)


async def test_a_delivery_that_is_not_described_is_found(
    description: Description, tmp_path: Path
) -> None:
    """A field more, a field less, another type: the check above sees each."""
    async with running_receiver() as receiver, running_shop(tmp_path / "shop") as shop:
        await shop.add(receiver.url())
        await shop.converse("rex")
        await shop.say("rex", "Hi")
        (request,) = await receiver.count(1)
    body = request.json
    less = {name: each for name, each in body["data"].items() if name != "seq"}
    for wrong in (
        {**body, "more": 1},
        {**body, "data": {**body["data"], "more": 1}},
        {**body, "data": less},
        {**body, "revision": "1"},
        {**body, "type": EventType.MESSAGE_EDITED},
    ):
        forged = Received(request.target, request.headers, json.dumps(wrong).encode())
        with pytest.raises(jsonschema_rs.ValidationError):
            description.holds(forged)


async def test_the_hook_is_asked_and_understood_as_described(
    description: Description, tmp_path: Path
) -> None:
    """Each answer that stands there as an example does what it says."""
    content = description.answers()
    answers = {name: each["value"] for name, each in content["examples"].items()}
    assert set(answers) == {"allow", "refuse", "edit"}
    validator = description.of(content["schema"])
    assert all(validator.is_valid(answer) for answer in answers.values())
    assert not validator.is_valid({"action": "edit"})
    assert not validator.is_valid({"action": "reject"})

    async def behave(request: Received, _: trio.abc.Stream) -> Answer:
        return answer_of(200, json.dumps(answers[request.json["text"]]).encode())

    got = {}
    async with running_receiver(behave) as receiver, running_shop(tmp_path / "shop") as shop:
        await shop.converse("rex")
        hook = {"url": receiver.url(), "deadline_ms": 2000, "on_failure": "refuse"}
        assert (await shop.ask("PUT", "/v1/send-hook", hook)).status == 200
        for name in answers:
            sent = {"client_message_id": name, "text": name}
            path = "/v1/conversations/rex/messages"
            got[name] = await shop.api.ask("POST", path, shop.api.token("carla"), sent)
        found = await shop.api.ask("GET", path, shop.api.token("carla"))
        assert len(receiver.received) == 3
        assert all(description.holds(request) for request in receiver.received)
    assert {name: reply.status for name, reply in got.items()} == {
        "allow": 201,
        "refuse": 422,
        "edit": 201,
    }
    assert got["refuse"].json["detail"] == answers["refuse"]["message"]
    texts = [message["text"] for message in found.json["messages"]]
    assert texts == ["allow", answers["edit"]["text"]]


async def test_the_examples_of_our_document_are_such(description: Description) -> None:
    found = re.findall(r"^{.*}$", (ROOT / "docs" / "webhooks.md").read_text(), re.MULTILINE)
    examples = [json.loads(each) for each in found]
    told = [each for each in examples if "type" in each]
    assert [each["type"] for each in told] == [EventType.MESSAGE_SENT, SENDING]
    for each in told:
        description.of(description.content(each["type"])["schema"]).validate(each)
    answers = [each for each in examples if "action" in each]
    assert [each["action"] for each in answers] == ["allow", "refuse", "edit"]
    for each in answers:
        description.of(description.answers()["schema"]).validate(each)


async def test_the_time_to_answer_is_what_is_said(description: Description) -> None:
    for type_ in EventType:
        text = description.call(type_)["responses"]["default"]["description"]
        seconds = re.search(r"(\d+) seconds", text)
        assert seconds is not None
        assert float(seconds[1]) == Settings().webhook_seconds
