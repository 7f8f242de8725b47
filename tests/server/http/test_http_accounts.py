"""Accounts over HTTP: who gives them to whom, passwords, and the list of one's devices."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from domain.accounts import SESSIONS_MAX
from protocol.close_codes import CloseCode
from server import entrance as entrance_module
from server.http.visitor import COOKIE
from tests.fixtures.api import Reply
from tests.fixtures.entrance import (
    OTHER,
    PAGE,
    PASSWORD,
    EntranceStage,
    cookie_of,
    running_entrance,
    secret_of,
    text_of,
)
from tests.fixtures.websockets import running_edge

WITHIN_SECONDS = 1.0


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance_module, "ANSWER_SECONDS", 0.0)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[EntranceStage]:
    async with running_entrance(tmp_path) as stage:
        yield stage


# --- Accounts -------------------------------------------------------------------------------------


async def test_an_invitation_leads_to_a_password(api: EntranceStage) -> None:
    path, olivia = "/v1/people/sam/account", api.token("olivia")
    made = await api.ask("PUT", path, olivia, {"email": "Sam@X.example"})
    assert (made.status, made.json["has_password"]) == (200, False)
    assert made.json["link"].startswith(f"{PAGE}/#link=")
    again = await api.ask("POST", f"{path}/link", olivia)
    assert (again.status, again.json["link"] != made.json["link"]) == (201, True)
    body = {"link": text_of(again.json["link"]), "password": PASSWORD}
    assert (await api.page("POST", "/v1/sign-in/link/redeem", body)).status == 200
    shown = await api.ask("GET", path, olivia)
    assert shown.json == {"person": "sam", "email": "Sam@X.example", "has_password": True}
    assert (await api.sign_in()).status == 200
    assert api.caught.sent == []  # whoever invites hands the link over


async def test_who_has_a_password_is_not_let_in_by_others(api: EntranceStage) -> None:
    """Whoever gives them another address signs them out, and so is seen; there is no other way."""
    entered = await api.with_password("sam")
    path = "/v1/people/sam/account"
    same = await api.ask("PUT", path, api.token("max"), {"email": "sam@x.example"})
    assert (same.status, "link" in same.json) == (200, False)
    assert (await api.ask("POST", f"{path}/link", api.token("max"))).status == 409
    assert (await api.refresh(secret := secret_of(entered))).status == 200
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(entered.json["token"])
        moved = await api.ask("PUT", path, api.token("max"), {"email": "max2@x.example"})
        assert (moved.status, moved.json["has_password"]) == (200, False)
        with trio.fail_after(WITHIN_SECONDS):
            assert (await socket.closed()).code == CloseCode.UNAUTHENTICATED
    assert (await api.refresh(secret)).status == 401
    for email in ("sam@x.example", "max2@x.example"):
        assert (await api.sign_in(email)).status == 401


async def test_who_changes_their_own_address_stays_in(api: EntranceStage) -> None:
    entered = await api.with_password("olivia")
    body = {"email": "marsh@x.example"}
    moved = await api.ask("PUT", "/v1/people/olivia/account", entered.json["token"], body)
    assert (moved.status, moved.json["has_password"], "link" in moved.json) == (200, True, False)
    assert (await api.refresh(secret_of(entered))).status == 200
    assert (await api.sign_in("marsh@x.example")).status == 200
    assert (await api.sign_in("olivia@x.example")).status == 401


async def test_an_account_that_is_taken_away_ends_all_of_it(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    invitation = await api.invite("max")
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(entered.json["token"])
        removed = await api.ask("DELETE", "/v1/people/sam/account", api.token("olivia"))
        assert removed.json["revision"] > 0
        with trio.fail_after(WITHIN_SECONDS):
            assert (await socket.closed()).code == CloseCode.UNAUTHENTICATED
    assert (await api.refresh(secret_of(entered))).status == 401
    assert (await api.sign_in()).status == 401
    assert (await api.ask("GET", "/v1/people/sam/account", api.key())).status == 404
    again = await api.ask("DELETE", "/v1/people/sam/account", api.key())
    assert (again.status, again.json["revision"]) == (200, 0)
    await api.ask("DELETE", "/v1/people/max/account", api.key())
    used = await api.page("POST", "/v1/sign-in/link/redeem", {"link": invitation})
    assert used.status == 401


@pytest.mark.parametrize(
    "email", ["", "sam", "sam\x00@x.example", "sam@x.example\n", "sam@x\u200b.example", "é" * 300]
)
async def test_what_is_no_address_gives_no_account(api: EntranceStage, email: str) -> None:
    made = await api.ask("PUT", "/v1/people/sam/account", api.key(), {"email": email})
    assert made.status == (200 if email.strip() == "sam@x.example" else 400)
    if made.status == 200:
        assert made.json["email"] == "sam@x.example"


async def test_an_address_in_any_script_signs_in(api: EntranceStage) -> None:
    await api.with_password("sam", email="Ángel.Σ@bücher.example")
    for email in ("a\u0301ngel.\u03c3@BÜCHER.example", "ángel.Σ@xn--bcher-kva.example"):
        assert (await api.sign_in(email)).status == 200


async def test_the_operator_lets_in_who_locked_themselves_out(api: EntranceStage) -> None:
    await api.with_password("olivia")
    body = {"business": "pawsome", "person": "olivia"}
    path, key = "/v1/operator/accounts", api.stage.operator_key
    made = await api.ask("POST", path, key, body)
    assert (made.status, made.json["has_password"]) == (201, True)
    chosen = {"link": text_of(made.json["link"]), "password": OTHER}
    assert (await api.page("POST", "/v1/sign-in/link/redeem", chosen)).status == 200
    assert (await api.sign_in("olivia@x.example", OTHER)).status == 200
    for wrong in ({"person": "nobody"}, {"business": "nowhere"}, {"person": "max"}):
        assert (await api.ask("POST", path, key, body | wrong)).status == 404
    customer = body | {"person": "carla", "email": "carla@x.example"}
    assert (await api.ask("POST", path, key, customer)).status == 409


# --- Passwords ------------------------------------------------------------------------------------


async def change(api: EntranceStage, token: str, **body: str) -> Reply:
    return await api.ask("POST", "/v1/me/password", token, body, Origin=PAGE)


async def test_another_password_signs_all_other_devices_out(api: EntranceStage) -> None:
    await api.with_password("sam")
    here, there = await api.sign_in(), await api.sign_in()
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(there.json["token"])
        changed = await change(api, here.json["token"], current=PASSWORD, new=OTHER)
        assert changed.status == 200
        with trio.fail_after(WITHIN_SECONDS):
            assert (await socket.closed()).code == CloseCode.UNAUTHENTICATED
    assert (await api.refresh(secret_of(there))).status == 401
    assert (await api.ask("GET", "/v1/me", here.json["token"])).status == 401
    assert (await api.ask("GET", "/v1/me", changed.json["token"])).status == 200
    assert (await api.refresh(secret_of(changed))).status == 200
    assert cookie_of(changed)["path"] == "/v1/sign-in"
    assert (await api.sign_in()).status == 401
    assert (await api.sign_in(password=OTHER)).status == 200


async def test_who_does_not_know_the_password_does_not_change_it(
    virtual_time: MockClock, tmp_path: Path
) -> None:
    async with running_entrance(tmp_path) as api:
        token = (await api.with_password("sam")).json["token"]
        wrong = await change(api, token, current="wrong password", new=OTHER)
        assert (wrong.status, wrong.code) == (403, "forbidden")
        assert (await change(api, token, new=OTHER)).status == 403
        for _ in range(4):
            await change(api, token, current="wrong password", new=OTHER)
        limited = await change(api, token, current=PASSWORD, new=OTHER)
        assert (limited.status, limited.code) == (429, "rate_limited")
        await trio.sleep(limited.json["retry_after"])
        assert (await change(api, token, current=PASSWORD, new=OTHER)).status == 200


@pytest.mark.parametrize("new", ["short", "sam@x.example", "Deskbell 1", "x" * 201, "x" * 200_000])
async def test_a_bad_password_changes_nothing(api: EntranceStage, new: str) -> None:
    entered = await api.with_password("sam")
    assert (await change(api, entered.json["token"], current=PASSWORD, new=new)).status == 400
    assert (await api.refresh(secret_of(entered))).status == 200
    assert (await api.sign_in()).status == 200


async def test_who_came_by_a_link_chooses_a_password_later(api: EntranceStage) -> None:
    link = await api.invite("sam")
    entered = await api.page("POST", "/v1/sign-in/link/redeem", {"link": link})
    assert (await api.sign_in()).status == 401
    assert (await change(api, entered.json["token"], new=PASSWORD)).status == 200
    assert (await api.sign_in()).status == 200


async def test_without_an_account_there_is_no_password(api: EntranceStage) -> None:
    assert (await change(api, api.token("carla"), new=PASSWORD)).status == 404


async def test_a_password_that_changes_meanwhile_wins(api: EntranceStage) -> None:
    """Who proved the old one while the new one was stored is not in."""
    token = (await api.with_password("sam")).json["token"]
    statuses: dict[str, int] = {}
    matches = api.passwords.matches

    async def slowly(password: str, password_hash: str) -> object:
        found = await matches(password, password_hash)
        if "changed" not in statuses:
            statuses["changed"] = 0
            statuses["changed"] = (await change(api, token, current=PASSWORD, new=OTHER)).status
        return found

    api.passwords.matches = slowly  # type: ignore[method-assign,assignment]
    statuses["late"] = (await api.sign_in()).status
    assert statuses == {"changed": 200, "late": 401}


# --- Devices --------------------------------------------------------------------------------------


async def test_devices_are_listed_and_ended(api: EntranceStage) -> None:
    await api.with_password("sam")
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    credentials = {"email": "sam@x.example", "password": PASSWORD}
    here = await api.page("POST", "/v1/sign-in", credentials, User_Agent=firefox)
    there = await api.sign_in(device="The till")
    token = here.json["token"]
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(there.json["token"], "till")
        mine = await edge.welcomed(token, "laptop")
        listed = (await api.ask("GET", "/v1/me/sessions", token)).json["sessions"]
        shown = {each["id"]: each for each in listed}
        assert len(shown) == 3
        till, browser = shown[there.json["session"]], shown[here.json["session"]]
        assert (till["device"], till["connected"], till["current"]) == ("The till", True, False)
        assert (browser["device"], browser["connected"]) == ("Firefox on Linux", True)
        assert [each["id"] for each in listed if each["current"]] == [here.json["session"]]
        path = f"/v1/me/sessions/{till['id']}"
        assert (await api.ask("DELETE", path, token)).status == 200
        with trio.fail_after(WITHIN_SECONDS):
            assert (await socket.closed()).code == CloseCode.UNAUTHENTICATED
        assert (await mine.ask(type="ping"))["type"] == "pong"
    assert (await api.refresh(secret_of(there))).status == 401
    assert (await api.refresh(secret_of(here))).status == 200
    assert (await api.ask("DELETE", path, token)).status == 404
    listed = (await api.ask("GET", "/v1/me/sessions", token)).json["sessions"]
    assert till["id"] not in {each["id"] for each in listed}


async def test_a_device_is_ended_by_its_owner_or_the_business_s(api: EntranceStage) -> None:
    sam, max_ = await api.with_password("sam"), await api.with_password("max")
    session = sam.json["session"]
    for token in (max_.json["token"], api.token("carla")):
        assert (await api.ask("DELETE", f"/v1/me/sessions/{session}", token)).status == 404
        path = f"/v1/people/sam/sessions/{session}"
        assert (await api.ask("DELETE", path, token)).status == 403
        assert (await api.ask("GET", "/v1/people/sam/sessions", token)).status == 403
    olivia = api.token("olivia")
    other = f"/v1/people/max/sessions/{session}"
    assert (await api.ask("DELETE", other, olivia)).status == 404
    listed = (await api.ask("GET", "/v1/people/sam/sessions", olivia)).json["sessions"]
    assert [each["id"] for each in listed] == [session]
    assert not listed[0]["current"]
    assert (await api.ask("DELETE", f"/v1/people/sam/sessions/{session}", olivia)).status == 200
    assert (await api.refresh(secret_of(sam))).status == 401


async def test_revoking_a_token_by_its_id_ends_its_session(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    body = {"token_id": entered.json["token_id"]}
    assert (await api.ask("POST", "/v1/tokens/revoke", api.key(), body)).status == 200
    assert (await api.refresh(secret_of(entered))).status == 401
    assert api.rows("SELECT count(*) FROM sign_in") == [(0,)]


async def test_a_key_that_may_not_touch_leaders_does_not_reach_how_they_sign_in(
    api: EntranceStage,
) -> None:
    scopes = ["accounts:read", "accounts:write", "tokens:write"]
    made = await api.ask("POST", "/v1/keys", api.key(), {"name": "Limited", "scopes": scopes})
    key = made.json["api_key"]
    for person, status in (("olivia", 403), ("sam", 200)):
        entered = await api.with_password(person, email=f"{person}@x.example")
        path, session = f"/v1/people/{person}", entered.json["session"]
        for shown in (f"{path}/account", f"{path}/sessions"):
            assert (await api.ask("GET", shown, key)).status == status
        token = {"token_id": entered.json["token_id"]}
        assert (await api.ask("POST", "/v1/tokens/revoke", key, token)).status == status
        me = await api.ask("GET", "/v1/me", entered.json["token"])
        assert me.status == (200 if status == 403 else 401)
        ended = await api.ask("DELETE", f"{path}/sessions/{session}", key)
        assert ended.status == (403 if status == 403 else 404)
    for path in ("account", "sessions"):
        assert (await api.ask("GET", f"/v1/people/nobody/{path}", key)).status == 404


@pytest.mark.parametrize("person", ["olivia", "max", "sam"])
async def test_nor_does_it_by_speaking_for_them(api: EntranceStage, person: str) -> None:
    scopes = ["accounts:read", "accounts:write", "tokens:write"]
    named = {"name": "Limited", "scopes": scopes}
    limited = (await api.ask("POST", "/v1/keys", api.key(), named)).json["api_key"]
    email = {"email": f"{person}@x.example"}
    await api.ask("PUT", f"/v1/people/{person}/account", api.key(), email)
    body, own = {"new": PASSWORD}, {"Deskbell_Person": person}
    status = 200 if person == "sam" else 403
    chosen = await api.ask("POST", "/v1/me/password", limited, body, **own)
    assert chosen.status == status
    if status == 403:
        chosen = await api.ask("POST", "/v1/me/password", api.key(), body, **own)
    session = f"/v1/me/sessions/{chosen.json['session']}"
    assert (await api.ask("GET", "/v1/me/sessions", limited, **own)).status == status
    assert (await api.ask("DELETE", session, limited, **own)).status == status
    revoked = await api.ask("POST", f"/v1/people/{person}/revoke", limited, **own)
    assert revoked.status == status


async def test_bounds_of_sessions(api: EntranceStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many the one that was used longest ago is signed out."""
    monkeypatch.setattr("server.devices.SESSIONS_MAX", 3)
    await api.with_password("sam")
    entered = []
    for _ in range(5):
        api.stage.clock.now += 1_000
        entered.append(await api.sign_in())
    assert api.rows("SELECT count(*) FROM sign_in") == [(3,)]
    statuses = [(await api.refresh(secret_of(each))).status for each in entered]
    assert statuses == [401, 401, 200, 200, 200]
    assert SESSIONS_MAX == 32


async def test_when_a_device_was_used_is_told_coarsely(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    api.stage.clock.now += 3_600_000
    renewed = await api.refresh(secret_of(entered))
    listed = await api.ask("GET", "/v1/me/sessions", renewed.json["token"])
    (session,) = listed.json["sessions"]
    assert session["last_used_at"] % 900_000 == 0
    assert 0 <= api.stage.clock.now - session["last_used_at"] < 900_000


async def test_a_session_of_another_business_is_no_session(api: EntranceStage) -> None:
    await api.stage.add_business("barkley", {"sam": "staff"})  # type: ignore[dict-item]
    entered = await api.with_password("sam", "barkley", "other@x.example")
    path = f"/v1/me/sessions/{entered.json['session']}"
    assert (await api.ask("DELETE", path, api.token("sam"))).status == 404
    assert (await api.refresh(secret_of(entered))).status == 200


async def test_the_cookie_is_no_token(api: EntranceStage) -> None:
    cookie = f"{COOKIE}={secret_of(await api.with_password('sam'))}"
    assert (await api.ask("GET", "/v1/me", Cookie=cookie, Origin=PAGE)).status == 401
