"""Saved replies with pictures: kept by the business, copied for whoever takes one (EX-27)."""

import sys
from collections.abc import AsyncIterator, Awaitable
from itertools import count
from pathlib import Path

import msgspec
import pytest

from actors import conversation
from actors.ports import ConversationStore
from domain.business import Business
from domain.commands import Send
from domain.errors import StorageFailed
from domain.events import SavedReplyChanged
from domain.refusal import Refusal
from domain.views import Attachment
from server.settings import Settings
from storage.check import check_file
from tests.fixtures.api import ApiStage, Reply, running_api
from tests.fixtures.uploads import begin, look, picture, upload

pytestmark = pytest.mark.requirement("EX-27")

JPEG = picture("JPEG")
PATH = "/v1/saved-replies/map"


@pytest.fixture
async def rex(tmp_path: Path) -> AsyncIterator[ApiStage]:
    """With a conversation of carla, sam and the owner; nothing is amiss in its file at the end."""
    async with running_api(tmp_path, Settings(data_dir=str(tmp_path))) as api:
        await talk(api)
        yield api
        assert check_file(api.stage.node.database.path) == []


async def talk(api: ApiStage) -> None:
    body = {"kind": "group", "people": ["sam"], "id": "rex"}
    assert (await api.ask("POST", "/v1/conversations", api.token("carla"), body)).status == 201


async def save(api: ApiStage, *attachments: str, by: str = "max") -> Reply:
    body = {"id": "map", "title": "Where we are", "text": "Here, {customer.first_name}:"}
    return await api.ask(
        "POST", "/v1/saved-replies", api.token(by), {**body, "attachments": attachments}
    )


async def taken(api: ApiStage, person: str) -> Reply:
    body = {"saved_reply": "map"}
    return await api.ask("POST", "/v1/conversations/rex/render", api.token(person), body)


async def sent(api: ApiStage, person: str, name: str) -> str:
    """Taken and sent: the link to its picture, for the customer."""
    made = (await taken(api, person)).json
    ids = [each["id"] for each in made["attachments"]]
    body = {"client_message_id": name, "text": made["text"], "attachments": ids}
    path = "/v1/conversations/rex/messages"
    done = await api.ask("POST", path, api.token(person), {**body, "saved_reply": "map"})
    assert done.status == 201, done.body
    shown = await api.ask(
        "GET", f"{path}/{done.json['seq']}/attachments/{ids[0]}", api.token("carla")
    )
    url: str = shown.json["url"]
    return url


async def years_later(api: ApiStage) -> None:
    """What would be collected then is; and it is now again, for tokens last days."""
    api.stage.clock.now += 10 * 365 * 86_400_000
    await api.stage.node.keeper.expire()
    api.stage.clock.now -= 10 * 365 * 86_400_000
    await api.stage.node.keeper.walk()


def files(api: ApiStage) -> int:
    return len(list(api.stage.node.keeper.files.all()))


async def test_whoever_takes_one_sends_its_picture(rex: ApiStage) -> None:
    ready = (await upload(rex, "max", "map.jpg", JPEG))["attachment"]
    saved = await save(rex, ready["id"])
    assert (saved.status, saved.json["attachments"]) == (201, [ready])
    assert (await rex.ask("GET", PATH, rex.token("sam"))).json == saved.json
    listed = (await rex.ask("GET", "/v1/saved-replies", rex.token("sam"))).json
    assert listed == {"saved_replies": [saved.json]}
    urls = [await sent(rex, by, name) for by, name in (("sam", "1"), ("olivia", "2"), ("sam", "3"))]
    served = [await rex.ask("GET", url) for url in urls]
    assert {reply.status for reply in served} == {200}
    assert len({reply.body for reply in served}) == 1
    (said, *_) = (await rex.ask("GET", "/v1/conversations/rex/messages", rex.token("carla"))).json[
        "messages"
    ]
    assert said["text"] == "Here, Carla:"
    (shown,) = said["attachments"]
    assert shown == {**ready, "id": shown["id"]}
    assert shown["id"] != ready["id"]
    assert files(rex) == 2, "the picture and its thumbnail, once for all"


async def test_it_is_the_business_s_from_then_on(rex: ApiStage) -> None:
    id_ = (await upload(rex, "max", "map.jpg", JPEG))["id"]
    await save(rex, id_)
    assert (await look(rex, "max", id_)).status == 404
    assert (await rex.ask("DELETE", f"/v1/uploads/{id_}", rex.token("max"))).status == 404
    body = {"client_message_id": "m", "text": "", "attachments": [id_]}
    path = "/v1/conversations/rex/messages"
    assert (await rex.ask("POST", path, rex.token("olivia"), body)).status == 404
    await rex.stage.node.keeper.remove_person(1, "max")
    await years_later(rex)
    url = await sent(rex, "sam", "m1")
    assert (await rex.ask("GET", url)).status == 200


async def test_the_same_again_changes_nothing_and_another_is_taken(rex: ApiStage) -> None:
    one = (await upload(rex, "max", "map.jpg", JPEG))["id"]
    first = await save(rex, one)
    before = rex.stage.node.database.journal.released("pawsome")
    again = await save(rex, one)
    assert (again.status, again.json) == (201, first.json)
    two = (await upload(rex, "max", "other.jpg", picture("JPEG")))["id"]
    for others in ((), (two,), (one, two)):
        assert (await save(rex, *others)).status == 409
    assert rex.stage.node.database.journal.released("pawsome") == before
    assert (await look(rex, "max", two)).json["state"] == "ready"


async def test_what_is_taken_off_goes_and_what_was_sent_stays(rex: ApiStage) -> None:
    ids = [
        (await upload(rex, "max", f"{n}.txt", f"page {n}".encode()))["id"] for n in ("1", "2", "3")
    ]
    await save(rex, *ids[:2])
    url = await sent(rex, "sam", "m1")
    kept = await rex.ask("PATCH", PATH, rex.token("max"), {"title": "Our places"})
    assert [each["id"] for each in kept.json["attachments"]] == ids[:2]
    changed = await rex.ask("PATCH", PATH, rex.token("max"), {"attachments": [ids[2], ids[1]]})
    assert [each["id"] for each in changed.json["attachments"]] == [ids[2], ids[1]]
    keeper = rex.stage.node.keeper
    await keeper.expire()
    assert files(rex) == 3, "the first has been sent"
    assert (await rex.ask("GET", url)).body == b"page 1"
    assert (await rex.ask("DELETE", PATH, rex.token("max"))).status == 200
    await keeper.expire()
    assert files(rex) == 2, "what sam has sent"
    assert (await taken(rex, "sam")).status == 404


async def test_a_copy_that_is_not_sent_expires_and_its_reply_does_not(rex: ApiStage) -> None:
    await save(rex, (await upload(rex, "max", "map.txt", b"north"))["id"])
    (copy,) = (await taken(rex, "sam")).json["attachments"]
    assert (await look(rex, "sam", copy["id"])).json["state"] == "ready"
    assert (await look(rex, "olivia", copy["id"])).status == 404
    await years_later(rex)
    assert (await look(rex, "sam", copy["id"])).status == 404
    assert (await rex.ask("GET", await sent(rex, "sam", "m1"))).body == b"north"


async def test_what_cannot_be_attached_is_refused(rex: ApiStage) -> None:
    own = (await upload(rex, "max", "own.txt", b"own"))["id"]
    others = (await upload(rex, "olivia", "hers.txt", b"hers"))["id"]
    begun = (await begin(rex, "max", "begun.txt", 5)).json["id"]
    refused = (await upload(rex, "max", "bad.jpg", b"\xff\xd8\xff" + b"x"))["id"]
    used = (await upload(rex, "max", "used.txt", b"used"))["id"]
    await rex.ask(
        "POST",
        "/v1/saved-replies",
        rex.token("max"),
        {"id": "other", "title": "Other", "text": "Hi", "attachments": [used]},
    )
    for attachments, status in (
        ((others,), 404),
        (("nothing",), 404),
        ((used,), 404),
        ((begun,), 409),
        ((refused,), 409),
        ((own, own), 400),
        (tuple(f"a{n}" for n in range(11)), 413),
    ):
        assert (await save(rex, *attachments)).status == status, attachments
    by_key = {"id": "map", "title": "Map", "text": "Hi", "attachments": [own]}
    assert (await rex.ask("POST", "/v1/saved-replies", rex.key(), by_key)).status == 404
    assert (await rex.ask("GET", PATH, rex.token("sam"))).status == 404
    assert (await save(rex, own)).status == 201
    for wrong in ("not-a-list", ["a b"], [1], None):
        answer = await rex.ask("PATCH", PATH, rex.token("max"), {"attachments": wrong})
        assert (answer.status, answer.code) == (400, "bad_request")
    assert len((await rex.ask("GET", PATH, rex.token("sam"))).json["attachments"]) == 1


async def test_what_is_not_scanned_waits(tmp_path: Path) -> None:
    undecided = (sys.executable, "-c", "import sys; sys.exit(2)")
    settings = Settings(data_dir=str(tmp_path), attachment_scan_command=undecided)
    async with running_api(tmp_path, settings) as api:
        found = await upload(api, "max", "map.txt", b"north")
        assert found["state"] == "pending-scan"
        refused = await save(api, found["id"])
        assert (refused.status, refused.code) == (409, "conflict")
        assert "still being scanned" in refused.json["detail"]


@pytest.mark.parametrize(("uploads", "upload_bytes"), [(2, 1_000), (9, 83)])
async def test_who_has_no_room_is_told_so_and_gets_nothing(
    tmp_path: Path, uploads: int, upload_bytes: int
) -> None:
    settings = Settings(data_dir=str(tmp_path), uploads=uploads, upload_bytes=upload_bytes)
    async with running_api(tmp_path, settings) as api:
        await talk(api)
        ids = [(await upload(api, "max", f"{n}.txt", b"x" * 40))["id"] for n in "12"]
        await save(api, *ids)
        own = await upload(api, "sam", "own.txt", b"mine")
        refused = await taken(api, "sam")
        assert (refused.status, refused.code) == (429, "rate_limited")
        await api.ask("DELETE", f"/v1/uploads/{own['id']}", api.token("sam"))
        assert len((await taken(api, "sam")).json["attachments"]) == 2


@pytest.mark.parametrize(("uploads", "upload_bytes"), [(2, 1_000), (9, 83)])
async def test_a_reply_holds_no_more_than_one_can_take(
    tmp_path: Path, uploads: int, upload_bytes: int
) -> None:
    settings = Settings(data_dir=str(tmp_path), uploads=uploads, upload_bytes=upload_bytes)
    async with running_api(tmp_path, settings) as api:
        await talk(api)
        ids = [(await upload(api, "max", f"{n}.txt", b"x" * 40))["id"] for n in "12"]
        await save(api, *ids)
        ids.append((await upload(api, "max", "3.txt", b"x" * 40))["id"])
        refused = await api.ask("PATCH", PATH, api.token("max"), {"attachments": ids})
        assert (refused.status, refused.code) == (413, "too_large")
        assert len((await taken(api, "sam")).json["attachments"]) == 2
        changed = await api.ask("PATCH", PATH, api.token("max"), {"attachments": ids[1:]})
        assert changed.status == 200


async def test_what_is_no_reply_s_is_not_copied(rex: ApiStage) -> None:
    """Also what was taken off between the look at the reply and the copy."""
    own = (await upload(rex, "olivia", "hers.txt", b"hers"))["attachment"]
    held = (await upload(rex, "max", "map.txt", b"north"))["attachment"]
    await save(rex, held["id"])
    copies = rex.stage.node.keeper.copies
    of = [msgspec.convert(each, Attachment) for each in (own, held)]
    new_id = map(str, count()).__next__
    assert [each.name for each in await made(copies(1, "sam", of, new_id))] == ["map.txt"]
    await rex.ask("PATCH", PATH, rex.token("max"), {"attachments": []})
    assert await made(copies(1, "sam", of, new_id)) == ()


async def made(
    copies: Awaitable[tuple[Attachment, ...] | Refusal],
) -> tuple[Attachment, ...]:
    found = await copies
    assert not isinstance(found, Refusal)
    return found


async def test_what_went_meanwhile_stores_nothing(rex: ApiStage) -> None:
    gone = Attachment(id="gone", name="a", media_type="text/plain", kind="document", bytes=1)
    event = SavedReplyChanged(1, "max", "map", "Map", "Hi", "", (gone,))
    with pytest.raises(StorageFailed):
        await rex.stage.node.database.journal.append("pawsome", [event], lambda _: None)
    assert (await rex.ask("GET", PATH, rex.token("sam"))).status == 404


def saved_before(
    monkeypatch: pytest.MonkeyPatch, api: ApiStage, upload: str, ago: int = 0
) -> list[int]:
    """The upload is saved between a look at it and its deletion, ``ago`` ms back; how that went."""
    rows, went = api.stage.node.keeper.rows, list[int]()
    drop = rows.drop

    async def later(no: int) -> bool:
        if not went:
            api.stage.clock.now -= ago
            went.append((await save(api, upload)).status)
        return await drop(no)

    monkeypatch.setattr(rows, "drop", later)
    return went


async def test_what_is_saved_meanwhile_is_not_deleted(
    rex: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await upload(rex, "max", "map.txt", b"north"))["id"]
    went = saved_before(monkeypatch, rex, id_)
    gone = await rex.ask("DELETE", f"/v1/uploads/{id_}", rex.token("max"))
    assert (went, gone.status) == ([201], 404)
    assert (await rex.ask("GET", await sent(rex, "sam", "m1"))).body == b"north"


async def test_what_is_saved_as_it_expires_stays(
    rex: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await upload(rex, "max", "map.txt", b"north"))["id"]
    went = saved_before(monkeypatch, rex, id_, 86_400_000)
    rex.stage.clock.now += 86_400_000
    await rex.stage.node.keeper.expire()
    assert went == [201]
    assert (await rex.ask("GET", await sent(rex, "sam", "m1"))).body == b"north"


async def test_what_is_saved_meanwhile_is_not_sent(
    rex: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await upload(rex, "olivia", "map.txt", b"north"))["id"]
    went: list[int] = []
    with_attachments = conversation.with_attachments

    async def then_saved(store: ConversationStore, business: Business, command: Send) -> Send:
        found = await with_attachments(store, business, command)
        if not went:
            went.append((await save(rex, id_, by="olivia")).status)
        return found

    monkeypatch.setattr(conversation, "with_attachments", then_saved)
    body = {"client_message_id": "m", "text": "Here", "attachments": [id_]}
    path = "/v1/conversations/rex/messages"
    answers = [await rex.ask("POST", path, rex.token("olivia"), body) for _ in range(2)]
    assert [said.status for said in answers] == [507, 404]
    assert went == [201]
    assert (await rex.ask("GET", await sent(rex, "sam", "m1"))).body == b"north"
