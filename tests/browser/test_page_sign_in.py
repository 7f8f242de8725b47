"""The team signs in on the page of a real server: set-up, password, link, devices."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.stage import Errors, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PASSWORD, OTHER = "a walk in the rain", "two walks in the sun"
OLIVIA = "Olivia@fluffy.example"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NEW_CONVERSATION = "New conversation"

OpenAt = Callable[..., Page]


class Complaints(Errors):
    """A refusal of the server is no defect of the page, which says so in its own words."""

    def heard(self, message: ConsoleMessage) -> None:
        if "Failed to load resource" not in message.text:
            super().heard(message)


class Office:
    """A server that somebody has set up, and what its log says."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def log(self) -> str:
        return (self.server.data.parent / "server.log").read_text(errors="replace")

    def links(self, kind: str) -> list[str]:
        return re.findall(rf"http://[^'\s]*/#{kind}=[\w-]+", self.log)

    def link(self, before: int, kind: str = "link") -> str:
        """The next link that the log shows, after so many."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while len(self.links(kind)) <= before:
            assert time.monotonic() < deadline, self.log[-2_000:]
            time.sleep(0.05)
        return self.links(kind)[before]

    def token(self, email: str = OLIVIA, password: str = PASSWORD) -> str:
        """A token of somebody with an account, as any program gets it."""
        body = {"email": email, "password": password, "device": "A program"}
        return str(self.server.ask("POST", "/v1/sign-in", body)["token"])

    def invite(self, person: str, name: str) -> str:
        """A link for somebody new of the staff."""
        token = self.token()
        self.server.ask("POST", "/v1/people", {"id": person, "name": name, "role": "staff"}, token)
        account = f"/v1/people/{person}/account"
        made = self.server.ask("PUT", account, {"email": f"{person}@fluffy.example"}, token)
        return str(made["link"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    server = Server(tmp_path_factory.mktemp("office") / "data", "serve")
    server.start()
    yield Office(server)
    server.stop()


@pytest.fixture
def open_at(browser: Browser, office: Office) -> Iterator[OpenAt]:
    """Opens a page in a browser of its own; at the end none may have complained."""
    errors = Complaints()
    with ExitStack() as contexts:

        def open_at(url: str = "", **options: Any) -> Page:
            options.setdefault("viewport", {"width": 1280, "height": 800})
            context = browser.new_context(reduced_motion="reduce", **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("console", errors.heard)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url or office.server.url)
            return page

        yield open_at
    assert errors == []


@pytest.fixture(autouse=True)
def owned(office: Office, request: pytest.FixtureRequest) -> None:
    """There is an owner, but for the test that makes one on the page."""
    if "first_owner" in request.node.name:
        return
    body = {
        "setup_token": office.link(0, "set-up").partition("=")[2],
        "business": "Fluffy & Co",
        "name": "Olivia Marsh",
        "email": OLIVIA,
        "password": PASSWORD,
    }
    with suppress(HTTPError):  # it is set up already
        office.server.ask("POST", "/v1/setup", body)


def fill(page: Page, email: str = OLIVIA, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def expect_in(page: Page) -> None:
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")


def settings(page: Page) -> Locator:
    page.get_by_role("button", name="Settings", exact=True).click()
    return page.get_by_role("dialog", name="Settings")


def kept(page: Page) -> str:
    """All that scripts can read on the device."""
    return str(page.evaluate("JSON.stringify(localStorage) + document.cookie"))


def test_the_first_owner_sets_the_server_up(open_at: OpenAt, office: Office, shoot: Shoot) -> None:
    link = office.link(0, "set-up")
    page = open_at(link)
    assert page.url == f"{office.server.url}/"
    assert "set-up" not in page.evaluate("location.href + JSON.stringify(history.state)")
    expect(page.get_by_label("Name of the business")).to_be_focused()
    shoot(page, "set-up")
    page.get_by_label("Name of the business").fill("Fluffy & Co")
    page.get_by_label("Your name").fill("Olivia Marsh")
    page.get_by_label("E-mail").fill("olivia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("alert")).to_contain_text("not an e-mail address")
    expect(page.get_by_label("Your name")).to_have_value("Olivia Marsh")
    page.get_by_label("E-mail").fill(OLIVIA)
    page.get_by_role("button", name="Begin").click()
    expect_in(page)
    expect(settings(page).locator(".profile")).to_contain_text("Olivia MarshOwner of Fluffy & Co")
    page.reload()
    expect_in(page)
    again = open_at(link)
    again.get_by_label("Name of the business").fill("Mine")
    again.get_by_label("Your name").fill("Mallory")
    again.get_by_label("E-mail").fill("m@x.example")
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Begin").click()
    expect(again.get_by_role("alert")).not_to_be_empty()


def test_with_a_password_one_signs_in_stays_in_and_signs_out(
    open_at: OpenAt, office: Office, shoot: Shoot
) -> None:
    page = open_at()
    expect(page.get_by_label("E-mail")).to_be_focused()
    shoot(page, "sign-in-account")
    fill(page, password="not my password")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("not right")
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    shoot(page, "sign-in-refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect_in(page)
    assert "token" not in kept(page)
    assert "deskbell_sign_in" not in kept(page)
    (cookie,) = page.context.cookies(f"{office.server.url}/v1/sign-in")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        "Strict",
        "/v1/sign-in",
    )
    page.reload()
    expect_in(page)
    settings(page).get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    assert page.context.cookies(f"{office.server.url}/v1/sign-in") == []
    page.reload()
    expect(page.get_by_label("E-mail")).to_be_visible()


def test_who_signs_out_without_a_line_is_out_when_there_is_one(
    open_at: OpenAt, office: Office
) -> None:
    page = open_at()
    fill(page)
    expect_in(page)
    page.route("**/v1/sign-in", lambda route: route.abort())
    settings(page).get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    cookies = page.context.cookies(f"{office.server.url}/v1/sign-in")
    assert cookies
    page.unroute("**/v1/sign-in")
    page.reload()
    expect(page.get_by_label("E-mail")).to_be_visible()
    page.context.add_cookies([{**cookies[0]}])  # type: ignore[typeddict-item]
    renewed = page.evaluate(
        "fetch('/v1/sign-in/refresh', {method: 'POST', body: '{}',"
        " headers: {'content-type': 'application/json'}}).then(({ status }) => status)"
    )
    assert renewed == 401


def test_a_link_is_asked_for_and_leads_to_a_new_password(
    open_at: OpenAt, office: Office, shoot: Shoot
) -> None:
    invited = office.invite("sam", "Sam Rivers")
    page = open_at(invited)
    assert page.url == f"{office.server.url}/"
    field = page.get_by_label("New password")
    expect(field).to_be_focused()
    shoot(page, "link")
    field.fill("sam@fluffy.example")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("little more than your name")
    field.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect_in(page)
    used = open_at(invited)
    used.get_by_role("button", name="Sign in", exact=True).click()
    expect(used.get_by_role("alert")).to_contain_text("has been used or has expired")
    used.get_by_role("button", name="Sign in another way").click()
    used.get_by_role("button", name="Send me a link").click()
    expect(used.get_by_role("alert")).to_contain_text("Type your e-mail address")
    before = len(office.links("link"))
    for email in ("nobody@fluffy.example", "SAM@fluffy.example"):
        used.get_by_label("E-mail").fill(email)
        used.get_by_role("button", name="Send me a link").click()
        expect(used.get_by_role("status")).to_contain_text("If this address has an account")
    asked = office.link(before)
    used.goto(asked)  # the address alone changes, and the page begins anew
    used.get_by_label("New password").fill(OTHER)
    used.get_by_role("button", name="Sign in", exact=True).click()
    expect_in(used)
    # Where the old password was used one is out, and is told.
    expect(page.locator(".banner")).to_contain_text("Your session has ended")
    page.locator(".banner").get_by_role("button", name="Sign in").click()
    fill(page, "sam@fluffy.example", OTHER)
    expect_in(page)


def test_devices_are_listed_and_ended(open_at: OpenAt, office: Office, shoot: Shoot) -> None:
    laptop = open_at()
    fill(laptop)
    expect_in(laptop)
    phone = open_at(**PHONE, user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1")
    fill(phone)
    expect_in(phone)
    settings(laptop).get_by_role("button", name="Signed-in devices").click()
    sheet = laptop.get_by_role("dialog", name="Signed-in devices")
    row = sheet.get_by_role("listitem").filter(has_text="Safari on iPhone")
    expect(row).to_contain_text("connected")
    mine = sheet.get_by_role("listitem").filter(has_text="This device")
    expect(mine).to_have_count(1)
    expect(mine.get_by_role("button")).to_have_count(0)
    shoot(laptop, "devices")
    row.get_by_role("button", name="End Safari on iPhone").click()
    laptop.get_by_role("alertdialog").get_by_role("button", name="End").click()
    expect(row).to_have_count(0)
    expect(phone.locator(".banner")).to_contain_text("Your session has ended")
    expect(laptop.locator(".desk")).to_have_attribute("data-status", "online")


def test_two_windows_of_one_browser_stay_signed_in(open_at: OpenAt) -> None:
    page = open_at()
    fill(page)
    expect_in(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect_in(other)
    for _ in range(3):
        for each in (page, other):
            each.evaluate("setTimeout(() => location.reload())")  # both ask at the same time
        for each in (page, other):
            expect(each.locator(".desk")).to_be_visible()
            expect(each.get_by_label("E-mail")).to_have_count(0)
    other.close()  # of two windows one has the connection
    page.reload()
    expect_in(page)


def test_without_a_server_who_is_signed_in_waits_for_it(open_at: OpenAt, office: Office) -> None:
    page = open_at()
    fill(page)
    expect_in(page)
    office.server.kill()
    office.server.start()
    expect_in(page)
    page.reload()
    expect_in(page)


def test_guessing_is_slowed_down_and_said_so(open_at: OpenAt) -> None:
    page = open_at()
    said = page.get_by_role("alert")
    for _ in range(6):
        with page.expect_response("**/v1/sign-in"):
            fill(page, "guessed@fluffy.example", "not my password")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
    fill(page, "guessed@fluffy.example", "not my password")
    expect(said).to_contain_text(re.compile(r"Too many attempts.*Try again in 1 second\."))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_has_names_and_enough_contrast(
    open_at: OpenAt, office: Office, scheme: str
) -> None:
    url = office.server.url
    for fragment in ("", "#link=x", "#set-up=x"):
        page = open_at(f"{url}/{fragment}", color_scheme=scheme, **PHONE)
        fields = page.locator("input")
        expect(fields.first).to_be_focused()
        page.get_by_role("form").get_by_role("button").first.click()  # native checks, or a refusal
        assert page.evaluate(WIDER) <= 0
        assert page.evaluate(CONTRAST) == []
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input')].filter((each) => !each.labels.length).length"
        )
        assert unnamed == 0
    page = open_at(url, color_scheme=scheme)
    fill(page)
    expect_in(page)
    settings(page).get_by_role("button", name="Signed-in devices").click()
    expect(page.get_by_text("This device ·")).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_the_page_asks_nobody_else_to_sign_in(open_at: OpenAt, office: Office) -> None:
    page = open_at()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    fill(page)
    expect_in(page)
    page.reload()
    expect_in(page)
    assert [url for url in asked if not url.startswith(office.server.url)] == []
    assert not [url for url in asked if json.dumps(PASSWORD)[1:-1] in url]


def test_a_colleague_is_invited_and_a_password_changed_on_the_page(
    open_at: OpenAt, office: Office, shoot: Shoot
) -> None:
    page = open_at()
    fill(page)
    expect_in(page)
    settings(page).get_by_role("button", name="Invite somebody").click()
    form = page.get_by_role("dialog", name="Invite somebody")
    form.get_by_label("Name").fill("Zoe Brook")
    form.get_by_label("E-mail").fill("not an address")
    form.get_by_role("button", name="Make the link").click()
    expect(form.get_by_role("alert")).to_contain_text("not an e-mail address")
    people = office.server.ask("GET", "/v1/people?search=Zoe", None, office.token())
    assert people["people"] == [], "nobody is added who cannot sign in"
    form.get_by_label("E-mail").fill(OLIVIA)
    form.get_by_role("button", name="Make the link").click()
    expect(form.get_by_role("alert")).to_contain_text("Zoe Brook is in the team already")
    form.get_by_label("E-mail").fill("zoe@fluffy.example")
    shoot(page, "invite")
    form.get_by_role("button", name="Make the link").click()
    link = page.get_by_role("textbox", name="One-time link").input_value()
    zoe = open_at(link)
    zoe.get_by_label("New password").fill(PASSWORD)
    zoe.get_by_role("button", name="Sign in", exact=True).click()
    expect_in(zoe)
    sheet = settings(zoe)
    expect(sheet.get_by_role("button", name="Invite somebody")).to_have_count(0)
    sheet.get_by_role("button", name="Change password").click()
    form = zoe.get_by_role("dialog", name="Change password")
    form.get_by_label("Current password").fill("not my password")
    form.get_by_label("New password").fill(OTHER)
    form.get_by_role("button", name="Change password").click()
    expect(form.get_by_role("alert")).not_to_be_empty()
    expect(form.get_by_role("button", name="Change password")).to_be_focused()
    shoot(zoe, "change-password")
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_role("button", name="Change password").click()
    expect(zoe.locator(".toasts")).to_contain_text("Your password is changed")
    expect_in(zoe)
    assert office.token("zoe@fluffy.example", OTHER)
