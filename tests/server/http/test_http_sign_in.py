"""Signing in over HTTP: what strangers learn (nothing), and what a device keeps."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from argon2 import PasswordHasher
from trio.testing import MockClock

from domain.roles import Role
from protocol.close_codes import CloseCode
from server import entrance as entrance_module
from server.guesses import FREE_OF_ADDRESS, FREE_OF_EMAIL
from server.settings import Settings
from storage.accounts import GRACE_MS
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


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are told at once, but where a test is about when they are."""
    monkeypatch.setattr(entrance_module, "ANSWER_SECONDS", 0.0)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[EntranceStage]:
    async with running_entrance(tmp_path) as stage:
        yield stage


def told(reply: Reply) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that an answer says."""
    return reply.status, reply.body, sorted(reply.headers.items())


# --- By password ----------------------------------------------------------------------------------


async def test_who_knows_the_password_is_in(api: EntranceStage) -> None:
    await api.with_password("sam")
    entered = await api.sign_in(" SAM@X.Example ")
    assert entered.status == 200
    assert (entered.json["person"], entered.json["business"]) == ("sam", "pawsome")
    me = await api.ask("GET", "/v1/me", entered.json["token"])
    assert (me.status, me.json["id"]) == (200, "sam")
    assert api.audit()[-2:] == ["password_changed", "signed_in"]


async def test_nothing_personal_is_in_the_audit_and_no_secret_is_stored(api: EntranceStage) -> None:
    await api.with_password("sam")
    secret = secret_of(await api.sign_in())
    await api.sign_in(password="wrong")
    details = " ".join(detail for (detail,) in api.rows("SELECT detail FROM audit"))
    assert "@" not in details
    stored = b"".join(path.read_bytes() for path in api.stage.node.database.path.parent.iterdir())
    assert PASSWORD.encode() not in stored
    assert secret.encode() not in stored
    assert secret.rpartition(".")[2].encode() not in stored


async def test_strangers_cannot_tell_who_has_an_account(api: EntranceStage) -> None:
    await api.with_password("sam")
    await api.invite("max")  # has no password yet
    await api.with_password("olivia")
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": False})
    answers, work = [], []
    for email in (
        "olivia@x.example",
        "max@x.example",
        "sam@x.example",
        "n@x.example",
        "no address",
    ):
        before = api.passwords.hashed
        answers.append(told(await api.sign_in(email, "some other password")))
        work.append(api.passwords.hashed - before)
    assert answers[0][0] == 401
    assert answers == [answers[0]] * len(answers)
    assert work == [1] * len(work)


async def test_strangers_are_answered_no_sooner_than_others(
    virtual_time: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance_module, "ANSWER_SECONDS", 0.3)
    async with running_entrance(tmp_path) as api:
        await api.with_password("sam")
        for email in ("sam@x.example", "nobody@x.example"):
            started = trio.current_time()
            assert (await api.sign_in(email, "wrong password")).status == 401
            assert trio.current_time() - started == pytest.approx(0.3)
            asked = await api.page("POST", "/v1/sign-in/link", {"email": email})
            assert asked.status == 202
            assert trio.current_time() - started == pytest.approx(0.6)
        assert (await api.sign_in()).status == 200


@pytest.mark.parametrize(
    "password", ["", "x" * 201, "\x00", "a walk in the rain\x00", "🐕" * 300, "x" * 200_000]
)
async def test_whatever_is_typed_as_a_password_is_wrong(api: EntranceStage, password: str) -> None:
    await api.with_password("sam")
    known = await api.sign_in(password=password)
    assert known.status == (400 if len(password) > 1_000 else 401)
    assert told(known) == told(await api.sign_in("nobody@x.example", password))
    assert (await api.sign_in()).status == 200


@pytest.mark.parametrize("email", ["", "\x00", "sam@x.example\x00", "@", "a" * 255, "' OR 1=1 --"])
async def test_whatever_is_typed_as_an_address_is_nobodys(api: EntranceStage, email: str) -> None:
    await api.with_password("sam")
    assert (await api.sign_in(email)).status == (400 if len(email) > 254 else 401)


async def test_a_body_that_is_no_text_is_refused(api: EntranceStage) -> None:
    raw = b'{"email":"sam@x.example","password":"\\ud800"}'
    assert (await api.ask("POST", "/v1/sign-in", raw=raw)).status == 400
    plain = await api.ask("POST", "/v1/sign-in", raw=b"email=sam", Content_Type="text/plain")
    assert plain.status == 415


async def test_one_address_in_several_businesses(api: EntranceStage) -> None:
    await api.stage.add_business("barkley", {"olivia": Role.OWNER})
    await api.with_password("olivia", "pawsome", "o@x.example", PASSWORD)
    await api.with_password("olivia", "barkley", "o@x.example", OTHER)
    for business, password in (("pawsome", PASSWORD), ("barkley", OTHER)):
        assert (await api.sign_in("o@x.example", password)).json["business"] == business
    await api.ask("DELETE", "/v1/people/olivia/account", api.key("barkley"))
    await api.with_password("olivia", "barkley", "o@x.example", PASSWORD)
    which = await api.sign_in("o@x.example")
    assert which.json == {
        "businesses": [
            {"id": "pawsome", "name": "Pawsome"},
            {"id": "barkley", "name": "Barkley"},
        ]
    }
    assert "Set-Cookie" not in which.headers
    chosen = await api.sign_in("o@x.example", business="barkley")
    assert chosen.json["business"] == "barkley"
    assert (await api.sign_in("o@x.example", business="nowhere")).status == 401


async def test_an_address_is_one_person_s_in_a_business(api: EntranceStage) -> None:
    await api.invite("sam", email="same@x.example")
    body = {"email": "SAME@x.example"}
    taken = await api.ask("PUT", "/v1/people/max/account", api.key(), body)
    assert (taken.status, taken.code) == (409, "conflict")


async def test_a_hash_of_old_parameters_is_made_anew(api: EntranceStage) -> None:
    await api.with_password("sam")
    ((before,),) = api.rows("SELECT password_hash FROM account")
    api.passwords._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    assert (await api.sign_in()).status == 200
    ((after,),) = api.rows("SELECT password_hash FROM account")
    assert "m=16,t=2,p=1" in after != before
    assert (await api.sign_in()).status == 200
    assert api.rows("SELECT password_hash FROM account") == [(after,)]


# --- How often ------------------------------------------------------------------------------------


async def fail(api: EntranceStage, count: int, email: str = "sam@x.example") -> None:
    for _ in range(count):
        assert (await api.sign_in(email, "wrong password")).status == 401


async def test_who_guesses_waits_longer_each_time(virtual_time: MockClock, tmp_path: Path) -> None:
    async with running_entrance(tmp_path) as api:
        session = secret_of(await api.with_password("sam"))
        await fail(api, FREE_OF_EMAIL)
        waits = []
        for _ in range(6):
            await fail(api, 1)
            refused = await api.sign_in()
            assert (refused.status, refused.code) == (429, "rate_limited")
            waits.append(refused.json["retry_after"])
            assert int(refused.headers["Retry-After"]) >= waits[-1]
            await trio.sleep(waits[-1])
        assert waits == pytest.approx([1, 2, 4, 8, 16, 32])
        await fail(api, 1)
        # Who is signed in goes on, whatever strangers do; and so does everybody else.
        assert (await api.refresh(session)).status == 200
        await api.with_password("max")
        assert (await api.sign_in("max@x.example")).status == 200
        await trio.sleep(64)
        assert (await api.sign_in()).status == 200
        await fail(api, FREE_OF_EMAIL)
        assert (await api.sign_in()).status == 200


async def test_an_address_that_does_not_exist_makes_one_wait_as_well(api: EntranceStage) -> None:
    for email in ("nobody@x.example", "no address"):
        await fail(api, FREE_OF_EMAIL + 1, email)
        assert (await api.sign_in(email)).status == 429


async def test_who_tries_many_addresses_waits_and_others_do_not(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), proxies=1)
    async with running_entrance(tmp_path, settings) as api:
        await api.with_password("sam")

        async def try_from(client: str, email: str) -> int:
            body = {"email": email, "password": PASSWORD}
            return (await api.page("POST", "/v1/sign-in", body, X_Forwarded_For=client)).status

        for number in range(FREE_OF_ADDRESS + 1):
            # What a client claims itself stands further left than what our proxy has seen.
            status = await try_from(
                f"203.0.113.{number}, 2001:db8::{number}", f"n{number}@x.example"
            )
            assert status == 401
        assert await try_from("203.0.113.1, 2001:db8::99", "sam@x.example") == 429
        assert await try_from("2001:db8::99, 192.0.2.1", "sam@x.example") == 200


async def test_many_at_once_are_no_way_round(api: EntranceStage) -> None:
    statuses: list[int] = []

    async def guess() -> None:
        statuses.append((await api.sign_in(password="wrong password")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(guess)
    assert statuses.count(401) <= FREE_OF_EMAIL + 1
    assert set(statuses) == {401, 429}


async def test_failures_are_told_to_the_audit_once_in_a_while(
    virtual_time: MockClock, tmp_path: Path
) -> None:
    async with running_entrance(tmp_path) as api:
        await api.with_password("sam")
        await fail(api, 4)
        assert api.audit().count("sign_in_failed") == 1
        await trio.sleep(601)
        await fail(api, 1)
        told_of = api.rows("SELECT author, detail FROM audit WHERE kind = 'sign_in_failed'")
        assert [author for author, _ in told_of] == ["@nobody"] * 2
        assert [json.loads(detail)["count"] for _, detail in told_of] == [1, 4]


# --- The cookie -----------------------------------------------------------------------------------


async def test_the_cookie_is_for_the_server_s_own_page_alone(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    flags = cookie_of(entered)
    flags.pop("value")
    assert flags == {
        "secure": "",
        "httponly": "",
        "samesite": "Strict",
        "path": "/v1/sign-in",
        "max-age": "2592000",
        "expires": flags["expires"],
    }
    assert entered.headers["Cache-Control"] == "no-store"


async def test_without_https_the_cookie_is_not_secure(
    api: EntranceStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.with_password("sam")
    local = "http://127.0.0.1:8000"
    api.entrance.origin_allowed = {local, PAGE}.__contains__
    body = {"email": "sam@x.example", "password": PASSWORD}
    assert "secure" not in cookie_of(await api.page("POST", "/v1/sign-in", body, Origin=local))
    assert "secure" in cookie_of(await api.ask("POST", "/v1/sign-in", "", body))


FOREIGN = [
    "https://evil.example",
    "null",
    "",
    f"{PAGE}.evil.example",
    PAGE.replace("https", "http"),
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_pages_of_others_sign_nobody_in_or_out(api: EntranceStage, origin: str) -> None:
    secret = secret_of(await api.with_password("sam"))
    link = await api.invite("max")
    asked = [
        ("POST", "/v1/sign-in", {"email": "sam@x.example", "password": PASSWORD}),
        ("POST", "/v1/sign-in/refresh", {}),
        ("DELETE", "/v1/sign-in", None),
        ("POST", "/v1/sign-in/link", {"email": "sam@x.example"}),
        ("POST", "/v1/sign-in/link/redeem", {"link": link}),
    ]
    for method, path, body in asked:
        reply = await api.page(method, path, body, secret, Origin=origin)
        assert (reply.status, reply.code) == (403, "forbidden"), path
        assert "Set-Cookie" not in reply.headers
    assert api.caught.sent == []
    assert (await api.refresh(secret)).status == 200


async def test_a_cookie_alone_is_not_enough(api: EntranceStage) -> None:
    """Without the page's origin, or as a form would send it, nothing is renewed or ended."""
    secret = secret_of(await api.with_password("sam"))
    cookie = f"deskbell_sign_in={secret}"
    assert (await api.ask("POST", "/v1/sign-in/refresh", "", {}, Cookie=cookie)).status == 403
    assert (await api.ask("DELETE", "/v1/sign-in", Cookie=cookie)).status == 403
    form = await api.ask(
        "POST",
        "/v1/sign-in/refresh",
        raw=b"{}",
        Cookie=cookie,
        Origin=PAGE,
        Content_Type="text/plain",
    )
    assert form.status == 415
    assert (await api.refresh(secret)).status == 200


# --- Renewing -------------------------------------------------------------------------------------


async def test_a_device_stays_signed_in_and_its_secret_changes(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    secrets = [secret_of(entered)]
    for _ in range(3):
        renewed = await api.refresh(secrets[-1])
        assert renewed.status == 200
        assert renewed.json["token_id"] == entered.json["token_id"]
        assert (await api.ask("GET", "/v1/me", renewed.json["token"])).status == 200
        secrets.append(secret_of(renewed))
    assert len(set(secrets)) == 4


async def test_an_answer_that_was_lost_is_given_again(api: EntranceStage) -> None:
    """Two windows of one browser, or a line that broke: the same secret leads to the same one."""
    first = secret_of(await api.with_password("sam"))
    second = {secret_of(await api.refresh(first)) for _ in range(3)}
    assert len(second) == 1
    assert (await api.refresh(second.pop())).status == 200


@pytest.mark.parametrize("when", ["after the next", "after a minute"])
async def test_a_secret_of_before_ends_the_session(api: EntranceStage, when: str) -> None:
    entered = await api.with_password("sam")
    stolen = secret_of(entered)
    mine = secret_of(await api.refresh(stolen))
    if when == "after the next":
        mine = secret_of(await api.refresh(mine))
    else:
        api.stage.clock.now += GRACE_MS + 1
    replayed = await api.refresh(stolen)
    assert replayed.status == 401
    assert cookie_of(replayed)["max-age"] == "0"
    assert (await api.refresh(mine)).status == 401
    assert (await api.ask("GET", "/v1/me", entered.json["token"])).status == 401


@pytest.mark.parametrize(
    "spoil",
    [
        lambda secret: "",
        lambda secret: "rubbish",
        lambda secret: secret[:-1],
        lambda secret: secret.replace(".0.", ".1."),
        lambda secret: "id-0000" + secret[secret.index(".") :],
        lambda secret: secret + "\xff",
        lambda secret: "x" * 3_000,
    ],
)
async def test_a_forged_secret_is_nothing_and_harms_nobody(
    api: EntranceStage, spoil: object
) -> None:
    secret = secret_of(await api.with_password("sam"))
    forged = await api.refresh(spoil(secret))  # type: ignore[operator]
    assert forged.status == 401
    assert (await api.refresh(secret)).status == 200


async def test_a_token_is_no_secret_and_a_secret_is_no_token(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    assert (await api.refresh(entered.json["token"])).status == 401
    assert (await api.ask("GET", "/v1/me", secret_of(entered))).status == 401


async def test_a_device_that_was_not_used_for_long_is_signed_out(api: EntranceStage) -> None:
    secret = secret_of(await api.with_password("sam"))
    api.stage.clock.now += 2_592_000_000 - 60_000
    secret = secret_of(await api.refresh(secret))
    api.stage.clock.now += 2_592_000_000 + 60_000
    assert (await api.refresh(secret)).status == 401


async def test_who_loses_access_is_signed_out_for_good(api: EntranceStage) -> None:
    secret = secret_of(await api.with_password("sam"))
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": False})
    assert (await api.refresh(secret)).status == 401
    assert (await api.sign_in()).status == 401
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": True})
    assert (await api.refresh(secret)).status == 401
    assert (await api.sign_in()).status == 200


async def test_another_role_holds_at_once(api: EntranceStage) -> None:
    entered = await api.with_password("sam")
    token, body = entered.json["token"], {"name": "New", "role": "customer"}
    assert (await api.ask("POST", "/v1/people", token, body)).status == 403
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"role": "manager"})
    assert (await api.ask("POST", "/v1/people", token, body)).status == 201
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"role": "customer"})
    assert (await api.ask("POST", "/v1/people", token, body)).status == 403
    assert (await api.refresh(secret_of(entered))).status == 401
    assert (await api.sign_in()).status == 401


async def test_all_tokens_revoked_is_all_devices_signed_out(api: EntranceStage) -> None:
    secret = secret_of(await api.with_password("sam"))
    await api.ask("POST", "/v1/people/sam/revoke", api.key())
    assert (await api.refresh(secret)).status == 401
    assert (await api.sign_in()).status == 200


async def test_signing_out_ends_this_device_alone(api: EntranceStage) -> None:
    here = await api.with_password("sam")
    there = await api.sign_in()
    out = await api.page("DELETE", "/v1/sign-in", None, secret_of(here))
    assert out.status == 200
    assert cookie_of(out)["max-age"] == "0"
    assert cookie_of(out)["path"] == "/v1/sign-in"
    assert (await api.refresh(secret_of(here))).status == 401
    assert (await api.ask("GET", "/v1/me", here.json["token"])).status == 401
    assert (await api.refresh(secret_of(there))).status == 200
    assert (await api.page("DELETE", "/v1/sign-in", None, secret_of(here))).status == 200
    assert (await api.page("DELETE", "/v1/sign-in")).status == 200


# --- Links ----------------------------------------------------------------------------------------


async def asked_for(api: EntranceStage, email: str = "sam@x.example") -> Reply:
    return await api.page("POST", "/v1/sign-in/link", {"email": email})


async def redeem(api: EntranceStage, link: str, **more: str) -> Reply:
    return await api.page("POST", "/v1/sign-in/link/redeem", {"link": link, **more})


async def test_a_link_signs_in_once(api: EntranceStage) -> None:
    await api.with_password("sam")
    known, unknown = await asked_for(api), await asked_for(api, "nobody@x.example")
    assert told(known) == told(unknown)
    (link,) = api.caught.sent
    assert re.fullmatch(re.escape(PAGE) + r"/#link=[\w-]{43}", link.url)
    assert (link.email, link.person) == ("sam@x.example", "sam")
    entered = await redeem(api, text_of(link.url))
    assert (entered.status, entered.json["person"]) == (200, "sam")
    again = await redeem(api, text_of(link.url))
    assert (again.status, again.code) == (401, "unauthenticated")
    assert told(again) == told(await redeem(api, "never-was-one"))
    assert (await api.sign_in()).status == 200  # the password is what it was


async def test_two_who_use_a_link_at_once_are_one(api: EntranceStage) -> None:
    link = await api.invite("sam")
    statuses: list[int] = []

    async def use() -> None:
        statuses.append((await redeem(api, link)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(use)
    assert sorted(statuses) == [200, 401, 401, 401, 401]


async def test_a_link_is_valid_for_a_quarter_of_an_hour_and_an_invitation_for_days(
    api: EntranceStage,
) -> None:
    invitation = await api.invite("sam")
    await asked_for(api)
    api.stage.clock.now += 900_000
    assert (await redeem(api, text_of(api.caught.sent[0].url))).status == 401
    assert (await redeem(api, invitation)).status == 200
    late = await api.invite("max")
    api.stage.clock.now += 259_200_000
    assert (await redeem(api, late)).status == 401


async def test_a_link_of_before_a_change_is_void(api: EntranceStage) -> None:
    await api.with_password("sam")
    await asked_for(api)
    body = {"email": "rivers@x.example"}
    await api.ask("PUT", "/v1/people/sam/account", api.key(), body)
    assert (await redeem(api, text_of(api.caught.sent[0].url))).status == 401
    await asked_for(api, "rivers@x.example")
    link = text_of(api.caught.sent[1].url)
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"active": False})
    assert (await redeem(api, link)).status == 401


async def test_links_to_one_address_are_few(virtual_time: MockClock, tmp_path: Path) -> None:
    async with running_entrance(tmp_path) as api:
        await api.with_password("sam")
        for email in ("sam@x.example", "nobody@x.example"):
            statuses = [(await asked_for(api, email)).status for _ in range(6)]
            assert statuses == [202] * 4 + [429] * 2
        assert len(api.caught.sent) == 4
        assert (await api.sign_in()).status == 200
        await trio.sleep(1.1)
        assert (await asked_for(api)).status == 202


async def test_only_the_last_links_of_a_person_are_kept(api: EntranceStage) -> None:
    links = [await api.invite("sam") for _ in range(8)]
    assert api.rows("SELECT count(*) FROM sign_in_link") == [(5,)]
    assert (await redeem(api, links[0])).status == 401
    assert (await redeem(api, links[-1])).status == 200


async def test_a_refused_password_leaves_the_link_good(api: EntranceStage) -> None:
    link = await api.invite("sam")
    for password in ("short", "sam@x.example", "deskbell1", "x" * 201):
        assert (await redeem(api, link, password=password)).status == 400
    assert (await redeem(api, link, password=PASSWORD)).status == 200
    assert (await api.sign_in()).status == 200


async def test_a_lost_password_is_replaced_and_all_else_is_signed_out(api: EntranceStage) -> None:
    before = await api.with_password("sam")
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(before.json["token"])
        await asked_for(api)
        entered = await redeem(api, text_of(api.caught.sent[0].url), password=OTHER)
        assert entered.status == 200
        assert (await socket.closed()).code == CloseCode.UNAUTHENTICATED
        assert (await edge.welcomed(entered.json["token"])).connection
    assert (await api.refresh(secret_of(before))).status == 401
    assert (await api.refresh(secret_of(entered))).status == 200
    assert (await api.sign_in()).status == 401
    assert (await api.sign_in(password=OTHER)).status == 200


# --- A restart ------------------------------------------------------------------------------------


async def test_whoever_is_signed_in_is_so_after_a_restart(tmp_path: Path) -> None:
    async with running_entrance(tmp_path) as api:
        entered = await api.with_password("sam")
        ended = await api.sign_in()
        await api.page("DELETE", "/v1/sign-in", None, secret_of(ended))
    async with running_entrance(tmp_path, people=None) as api:
        assert (await api.refresh(secret_of(entered))).status == 200
        assert (await api.refresh(secret_of(ended))).status == 401
        api.stage.node.new_id = lambda: "after-the-restart"
        assert (await api.sign_in()).status == 200
