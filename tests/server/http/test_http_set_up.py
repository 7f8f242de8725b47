"""The first start over HTTP: one link, once, whole, also over a crash in the middle."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from domain.refusal import Code, Refusal
from domain.roles import Role
from server import set_up
from server.set_up import SetUp
from tests.fixtures.api import Reply
from tests.fixtures.entrance import (
    PAGE,
    PASSWORD,
    EntranceStage,
    running_entrance,
    secret_of,
    text_of,
)

KILLED = Refusal(Code.UNAVAILABLE, "killed")
OWNER = {
    "business": "Fluffy & Co",
    "name": "Olivia Marsh",
    "email": "olivia@x.example",
    "password": PASSWORD,
    "time_zone": "Europe/Rome",
}


async def opened(api: EntranceStage) -> str:
    """The text of the set-up link."""
    link = await api.set_up.open()
    assert link is not None
    assert link.startswith(f"{PAGE}/#set-up=")
    return text_of(link)


async def complete(api: EntranceStage, text: str, **more: str) -> Reply:
    return await api.page("POST", "/v1/setup", {"setup_token": text, **OWNER, **more})


async def test_the_first_owner_makes_the_business(tmp_path: Path) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        text = await opened(api)
        assert (await complete(api, f"x{text}")).status == 401
        made = await complete(api, text)
        assert (made.status, made.json["business"]) == (201, "fluffy-co")
        token = made.json["token"]
        me = (await api.ask("GET", "/v1/me", token)).json
        assert (me["name"], me["role"], me["locations"]) == ("Olivia Marsh", "owner", ["main"])
        shown = (await api.ask("GET", "/v1/locations/main", token)).json
        assert (shown["name"], shown["time_zone"]) == ("Fluffy & Co", "Europe/Rome")
        assert (await api.refresh(secret_of(made))).status == 200
        assert (await api.sign_in("olivia@x.example")).status == 200
        assert (await complete(api, text)).status == 404
        assert await SetUp(api.entrance).open() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"business": ""},
        {"name": "\x00"},
        {"email": "olivia"},
        {"password": "short"},
        {"password": "Olivia Marsh"},
        {"time_zone": "Mars/Olympus"},
    ],
)
async def test_a_mistake_can_be_corrected(tmp_path: Path, wrong: dict[str, str]) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        text = await opened(api)
        assert (await complete(api, text, **wrong)).status == 400
        assert (await complete(api, text)).status == 201
        assert api.rows("SELECT id, name FROM business") == [("fluffy-co", "Fluffy & Co")]


@pytest.mark.parametrize("name", ["犬の家", "🐕", "Ünï Café", "a" * 90])
async def test_a_name_in_any_script_makes_an_id(tmp_path: Path, name: str) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        made = await complete(api, await opened(api), business=name)
        assert made.status == 201
        known = {"犬の家": "business", "🐕": "business", "Ünï Café": "uni-cafe", "a" * 90: "a" * 40}
        assert made.json["business"] == known[name]


async def test_where_there_is_a_business_nothing_is_set_up(tmp_path: Path) -> None:
    async with running_entrance(tmp_path, people={"olivia": Role.OWNER}) as api:
        assert await api.set_up.open() is None
        assert (await complete(api, "anything")).status == 404
    async with running_entrance(tmp_path / "other", people=None) as api:
        text = await opened(api)
        await api.stage.add_business("pawsome", {"olivia": Role.OWNER})  # the operator was faster
        assert (await complete(api, text)).status == 404


async def test_two_at_once_make_one_owner(tmp_path: Path) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        text = await opened(api)
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await complete(api, text)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(one)
        assert sorted(statuses) == [201, 404, 404]
        assert api.rows("SELECT count(*) FROM person") == [(1,)]


@pytest.mark.parametrize("step", range(6))
async def test_what_a_crash_cut_short_the_next_start_completes(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        text, left = await opened(api), [step]

        async def dies(instead: Any, *arguments: object) -> object:
            left[0] -= 1
            return KILLED if left[0] < 0 else await instead(*arguments)

        asked, devices = set_up._ask, api.entrance.devices
        entered = devices.enter
        monkeypatch.setattr(set_up, "_ask", partial(dies, asked))
        monkeypatch.setattr(devices, "enter", partial(dies, entered))
        await complete(api, text, business="Half a business")
        monkeypatch.undo()
    async with running_entrance(tmp_path, people=None) as api:
        api.stage.node.new_id = (f"later-{number}" for number in range(9)).__next__
        if step < 5:
            assert (await complete(api, text)).status == 404  # each start has a link of its own
            made = await complete(api, await opened(api))
            assert made.status == 201
            assert api.rows("SELECT name FROM business") == [("Fluffy & Co",)]
            assert api.rows("SELECT id, name FROM person") == [("owner", "Olivia Marsh")]
        assert await api.set_up.open() is None
        assert (await api.sign_in("olivia@x.example")).status == 200


async def test_the_set_up_is_for_the_server_s_own_page(tmp_path: Path) -> None:
    async with running_entrance(tmp_path, people=None) as api:
        body = {"setup_token": await opened(api), **OWNER}
        foreign = await api.page("POST", "/v1/setup", body, Origin="https://evil.example")
        assert foreign.status == 403
        assert api.rows("SELECT count(*) FROM business") == [(0,)]
