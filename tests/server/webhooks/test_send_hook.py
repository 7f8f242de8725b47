"""The send hook: a business may refuse or edit a message before it is accepted (EX-38)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from actors.business import ChangePerson
from domain.events import Person
from domain.roles import Role
from server.webhooks import send_hooks
from tests.fixtures.api import Reply
from tests.fixtures.receiver import Answer, Received, Receiver, answer_of, running_receiver
from tests.fixtures.websockets import Socket, running_edge
from tests.server.webhooks.stage import Shop, running_shop
from tests.server.webhooks.test_webhook_subscriptions import is_ours

pytestmark = [pytest.mark.requirement("EX-38")]

Decide = Callable[[str], object]
"""What the hook answers to a text: a JSON value, bytes, a status, or ``None``: nothing at all."""


def hook(decide: Decide) -> Callable[[Received, trio.abc.Stream], Any]:
    async def behave(request: Received, _: trio.abc.Stream) -> Answer:
        verdict = decide(request.json["text"])
        if verdict is None:
            await trio.sleep_forever()
        if isinstance(verdict, int):
            return verdict
        body = verdict if isinstance(verdict, bytes) else json.dumps(verdict).encode()
        return answer_of(200, body)

    return behave


def usual(text: str) -> object:
    if "card" in text:
        return {"action": "refuse", "message": "Never send card numbers."}
    if "damn" in text:
        return {"action": "edit", "text": text.replace("damn", "****")}
    return {"action": "allow"}


@asynccontextmanager
async def hooked(
    folder: Path, decide: Decide = usual, deadline_ms: int = 2000, on_failure: str = "refuse"
) -> AsyncIterator[tuple[Shop, Receiver, str]]:
    """The shop with a conversation `rex` and a hook; the hook's secret."""
    async with running_receiver(hook(decide)) as receiver, running_shop(folder) as shop:
        await shop.converse("rex")
        body = {"url": receiver.url(), "deadline_ms": deadline_ms, "on_failure": on_failure}
        put = await shop.ask("PUT", "/v1/send-hook", body)
        assert put.status == 200, put.body
        yield shop, receiver, put.json["secret"]


async def post(shop: Shop, client_id: str, text: str, person: str = "carla") -> Reply:
    body = {"client_message_id": client_id, "text": text}
    path = "/v1/conversations/rex/messages"
    return await shop.api.ask("POST", path, shop.api.token(person), body)


async def said(shop: Shop) -> list[str]:
    path = "/v1/conversations/rex/messages"
    found = await shop.api.ask("GET", path, shop.api.token("carla"))
    return [m.get("text", "") for m in found.json["messages"]]


async def test_allow_refuse_and_edit(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (shop, receiver, secret):
        assert (await post(shop, "m1", "Hello")).status == 201
        refused = await post(shop, "m2", "My card is 4111")
        assert (refused.status, refused.code) == (422, "refused_by_hook")
        assert refused.json["detail"] == "Never send card numbers."
        assert (await post(shop, "m3", "damn dog")).status == 201
        assert await said(shop) == ["Hello", "**** dog"]
        first = receiver.received[0]
        asked = first.json
        assert asked.pop("at") > 0
        assert asked == {
            "type": "message.sending",
            "business": "pawsome",
            "conversation": "rex",
            "author": "carla",
            "role": "customer",
            "device": "http",
            "client_message_id": "m1",
            "text": "Hello",
            "reply_to": 0,
        }
        assert first.event == "message.sending"
        assert is_ours(first.headers["deskbell-signature"], secret, first.body)


async def test_a_repeat_gets_the_first_answer_for_ever(tmp_path: Path) -> None:
    """Whatever the hook would say now; and what was asked counts, not what the hook made of it."""
    verdicts: list[object] = [{"action": "edit", "text": "edited"}]
    async with hooked(tmp_path, lambda _: verdicts[0]) as (shop, receiver, _):
        first = await post(shop, "m1", "original")
        assert first.status == 201
        for later in ({"action": "refuse"}, {"action": "edit", "text": "otherwise"}, 500):
            verdicts[0] = later
            assert (await post(shop, "m1", "original")).json == first.json
        assert len(receiver.received) == 1
        for other in ("edited", "another"):
            assert (await post(shop, "m1", other)).code == "conflict"
        assert len(receiver.received) == 1
        assert (await shop.ask("DELETE", "/v1/send-hook")).status == 200
        assert (await post(shop, "m1", "original")).json == first.json
        assert (await post(shop, "m1", "edited")).code == "conflict"
        assert await said(shop) == ["edited"]


async def test_the_same_send_at_the_same_time_is_asked_about_once(tmp_path: Path) -> None:
    answers: list[Reply] = []
    verdicts = iter([{"action": "allow"}, {"action": "refuse"}])
    async with hooked(tmp_path, lambda _: next(verdicts)) as (shop, receiver, _):

        async def send() -> None:
            answers.append(await post(shop, "m1", "Hi"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(send)
        assert [answer.status for answer in answers] == [201, 201]
        assert answers[0].json == answers[1].json
        assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "verdict",
    [
        500,
        302,
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        {},
        {"action": "burn"},
        {"action": "edit"},
        {"action": "edit", "text": ""},
        {"action": "edit", "text": "\x00"},
        {"action": "edit", "text": "x" * 40_000},
        {"action": "edit", "text": 7},
        b'{"action": "allow", "x": "' + b"x" * 300_000 + b'"}',
        None,
    ],
    ids=repr,
)
@pytest.mark.parametrize("on_failure", ["allow", "refuse"])
async def test_an_answer_that_is_none(tmp_path: Path, verdict: object, on_failure: str) -> None:
    """Late, malformed, too large, or nothing that can be said: then the setting counts."""
    deadline = 100 if verdict is None else 2000
    async with hooked(tmp_path, lambda _: verdict, deadline, on_failure) as (shop, _, _):
        answer = await post(shop, "m1", "Hello")
        if on_failure == "allow":
            assert answer.status == 201
            assert await said(shop) == ["Hello"]
        else:
            assert (answer.status, answer.code) == (503, "unavailable")
            assert answer.json["retry_after"] > 0
            assert await said(shop) == []


async def test_a_refusal_without_a_proper_sentence_gets_one(tmp_path: Path) -> None:
    for number, sentence in enumerate(("", " ", "\x00", "x" * 1000)):
        verdict = {"action": "refuse", "message": sentence}
        async with hooked(tmp_path / str(number), lambda _, v=verdict: v) as (shop, _, _):
            refused = await post(shop, "m1", "Hello")
            assert refused.code == "refused_by_hook"
            assert refused.json["detail"] == "The business does not accept this message."


@pytest.mark.parametrize(
    ("verdict", "status", "unknown"),
    [
        ({"action": "refuse", "message": "No.", "reason": "card"}, 422, ["reason"]),
        ({"action": "refuse", "message": "No."}, 422, None),
        ({"action": "allow", "text": "Ho", "by": {"deep": [1]}}, 201, ["by", "text"]),
        ({"action": "edit", "text": "Hello", "message": ""}, 201, ["message"]),
        ({"action": "allow", **{f"{n:02}" * 99: n for n in range(99)}}, 201, 32),
        (b'{"action": "allow", "\xff": 1}', 503, None),
    ],
)
async def test_fields_that_are_not_known_are_passed_over_and_noted(
    tmp_path: Path, verdict: object, status: int, unknown: object
) -> None:
    """A refusal stays one, whatever else it says; and the log says by which name it was said."""
    with capture_logs() as logs:
        async with hooked(tmp_path, lambda _: verdict) as (shop, _, _):
            answer = await post(shop, "m1", "Hello")
    assert answer.status == status
    if status == 422:
        assert answer.json["detail"] == "No."
    noted = [each for each in logs if each["event"] == "send hook answered with unknown fields"]
    if unknown is None:
        assert noted == []
        return
    (line,) = noted
    assert (line["log_level"], line["business"]) == ("warning", "pawsome")
    if isinstance(unknown, int):
        assert [len(name) for name in line["fields"]] == [send_hooks.UNKNOWN_SHOWN] * unknown
    else:
        assert line["fields"] == unknown


async def test_strangers_and_nonsense_are_not_asked_about(tmp_path: Path) -> None:
    async with hooked(tmp_path, lambda _: {"action": "refuse"}) as (shop, receiver, _):
        assert (await post(shop, "m1", "Hello", "mia")).code == "not_found"
        assert (await post(shop, "m2", " ")).code == "bad_request"
        assert (await post(shop, "m3", "x" * 40_000)).code == "too_large"
        assert receiver.received == []


async def test_a_websocket_hears_why(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (shop, _, _), running_edge(shop.api.stage, shop.api.app) as edge:
        socket = await edge.welcomed(shop.api.token("carla"))
        refused = await send(socket, "m1", "card")
        assert (refused["code"], refused["message"]) == (
            "refused_by_hook",
            "Never send card numbers.",
        )
        assert refused["client_message_id"] == "m1"
        accepted = await send(socket, "m2", "damn")
        assert (accepted["type"], accepted["seq"]) == ("ack", 1)
        assert await said(shop) == ["****"]


async def send(socket: Socket, client_id: str, text: str) -> dict[str, Any]:
    return await socket.ask(type="send", conversation="rex", client_message_id=client_id, text=text)


async def test_what_one_connection_sends_stays_in_its_order(tmp_path: Path) -> None:
    """Also when the hook answers the later ones first, and what is asked of it is no message."""
    first_may_go, last_came = trio.Event(), trio.Event()

    async def late_first(request: Received, _: trio.abc.Stream) -> Answer:
        number = int(request.json["text"])
        if number == 9:
            last_came.set()
        if number == 0:
            await first_may_go.wait()
        verdict = {"action": "refuse"} if number == 5 else {"action": "allow"}
        return answer_of(200, json.dumps(verdict).encode())

    async with hooked(tmp_path) as (shop, receiver, _):
        receiver.behave = late_first
        async with running_edge(shop.api.stage, shop.api.app) as edge:
            socket = await edge.welcomed(shop.api.token("carla"))
            for number in range(10):
                await socket.send(
                    {
                        "type": "send",
                        "id": 100 + number,
                        "conversation": "rex",
                        "client_message_id": f"m{number}",
                        "text": str(number),
                    }
                )
            await socket.send({"type": "leave", "id": 200, "conversation": "rex"})
            with trio.fail_after(10):
                await last_came.wait()
            history = await shop.api.ask(
                "GET", "/v1/conversations/rex/messages", shop.api.token("olivia")
            )
            assert history.json["messages"] == []
            first_may_go.set()
            replies = []
            while len(replies) < 11:
                frame = await socket.receive()
                if frame.get("id", 0) >= 100:
                    replies.append((frame["id"], frame["type"], frame.get("seq", 0)))
        history = await shop.api.ask(
            "GET", "/v1/conversations/rex/messages", shop.api.token("olivia")
        )
        told = [m["text"] for m in history.json["messages"] if m.get("kind", "text") == "text"]
    assert told == [str(number) for number in range(10) if number != 5]
    assert [id_ for id_, _, _ in replies if id_ != 105] == [
        *(100 + number for number in range(10) if number != 5),
        200,
    ]
    assert (105, "error", 0) in replies


async def test_without_a_hook_nothing_passes_by_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_hooks.SendHooks, "tell", None)
    async with running_shop(tmp_path) as shop:
        await shop.converse("rex")
        async with running_edge(shop.api.stage, shop.api.app) as edge:
            socket = await edge.welcomed(shop.api.token("carla"))
            assert (await send(socket, "m1", "Hi"))["type"] == "ack"
        assert (await post(shop, "m2", "Ho")).status == 201


async def test_too_many_that_wait_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_hooks, "WAITING_MAX", 2)
    codes: list[str] = []
    async with hooked(tmp_path, lambda _: None, 300) as (shop, _, _):

        async def one(number: int) -> None:
            codes.append((await post(shop, f"m{number}", "Hi")).code)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(one, number)
        assert sorted(codes) == ["overloaded"] * 3 + ["unavailable"] * 2
        codes.clear()
        await one(9)
        assert codes == ["unavailable"]


async def test_who_is_let_go_meanwhile_says_nothing_more(tmp_path: Path) -> None:
    asked, go_on = trio.Event(), trio.Event()

    async def slowly(_: Received, __: trio.abc.Stream) -> Answer:
        asked.set()
        await go_on.wait()
        return answer_of(200, b'{"action": "allow"}')

    answers: list[Reply] = []
    async with hooked(tmp_path) as (shop, receiver, _):
        receiver.behave = slowly

        async def send_one() -> None:
            answers.append(await post(shop, "m1", "Hi", "sam"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_one)
            await asked.wait()
            gone = Person("sam", "Sam", Role.STAFF, active=False)
            await shop.api.stage.change("pawsome", ChangePerson("test", None, gone, ()))
            go_on.set()
        assert answers[0].code == "unavailable"
        assert await said(shop) == []


async def test_set_changed_shown_and_removed(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (shop, receiver, secret):
        body = {"url": receiver.url("/other"), "deadline_ms": 500, "on_failure": "allow"}
        changed = await shop.ask("PUT", "/v1/send-hook", body)
        assert changed.json == {**body, "secret": ""}
        shown = await shop.ask("GET", "/v1/send-hook")
        assert shown.json == body
        new = (await shop.ask("POST", "/v1/send-hook/secret")).json["secret"]
        await post(shop, "m1", "Hi")
        (request,) = receiver.received
        assert request.target == "/other"
        for each in (secret, new):
            assert is_ours(request.headers["deskbell-signature"], each, request.body)
        assert (await shop.ask("DELETE", "/v1/send-hook")).json["revision"] > 0
        assert (await shop.ask("DELETE", "/v1/send-hook")).json["revision"] == 0
        assert (await shop.ask("GET", "/v1/send-hook")).code == "not_found"
        assert (await shop.ask("POST", "/v1/send-hook/secret")).code == "not_found"
        for wrong in (
            {**body, "deadline_ms": 0},
            {**body, "deadline_ms": 3001},
            {**body, "on_failure": "maybe"},
            {**body, "url": "http://203.0.113.1/"},
            {"url": receiver.url()},
        ):
            assert (await shop.ask("PUT", "/v1/send-hook", wrong)).code == "bad_request"


async def test_a_new_secret_is_shown_once_under_an_idempotency_key_too(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (shop, _, _secret):
        api, path = shop.api, "/v1/send-hook/secret"
        first = await api.ask("POST", path, api.key(), Idempotency_Key="once")
        assert first.json["secret"]
        again = await api.ask("POST", path, api.key(), Idempotency_Key="once")
        assert (again.status, again.code) == (409, "conflict")


async def test_the_hook_survives_a_restart(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (shop, _, _):
        before = (await shop.ask("GET", "/v1/send-hook")).json
    async with running_shop(tmp_path, after=shop) as shop:
        assert (await shop.ask("GET", "/v1/send-hook")).json == before
