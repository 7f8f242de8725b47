"""Ways in: a token in the address, the sign-in screen, and the reader of the API."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.stage import Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_token_in_the_fragment_is_used_and_taken_out(open_page: Open, server: Server) -> None:
    page = open_page(f"#token={server.token('sam')}")
    expect(page.get_by_role("list", name="Conversations").get_by_role("button")).not_to_have_count(
        0
    )
    assert page.url == f"{server.url}/"
    assert page.evaluate("history.length") <= 2


def test_a_person_whom_nobody_knows_is_said_to_be_unknown(open_page: Open, shoot: Shoot) -> None:
    page = open_page("#person=bob")
    expect(page.get_by_role("main")).to_contain_text("There is no “bob” here")
    expect(page.get_by_role("textbox", name="Message")).to_have_count(0)
    shoot(page, "no-such-person")
    page.get_by_role("link", name="Sam Rivers").click()
    expect(page.get_by_role("button", name="Sam Rivers: settings")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="All three").click()
    expect(page.get_by_role("textbox", name="Message")).to_have_count(3)


def test_without_a_demo_one_signs_in_and_out(open_page: Open, server: Server, shoot: Shoot) -> None:
    page = open_page(path="/v1/docs")
    page.route("**/v1/demo", _no_demo)
    page.goto(server.url)
    email = page.get_by_label("E-mail")
    expect(email).to_be_focused()
    shoot(page, "sign-in")
    page.get_by_role("button", name="Use an access token").click()
    field = page.get_by_label("Access token")
    expect(field).to_be_focused()
    field.fill("no such token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This token is not valid")
    expect(field).to_be_focused()
    shoot(page, "token-refused")
    field.fill(server.token("sam"))
    page.keyboard.press("Enter")
    conversations = page.get_by_role("list", name="Conversations").get_by_role("button")
    expect(conversations).not_to_have_count(0)
    page.reload()
    expect(conversations).not_to_have_count(0)
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(email).to_be_visible()
    page.reload()
    expect(email).to_be_visible()


def _no_demo(route: Route) -> None:
    # 204 stands for "not here": a 404 would count as an error of the page's console
    route.fulfill(status=204)


def test_the_reader_shows_every_route(open_page: Open, server: Server, shoot: Shoot) -> None:
    page = open_page(path="/v1/docs")
    routes = page.get_by_role("article")
    document = server.ask("GET", "/v1/openapi.json")
    described = [*document["paths"].values(), *document["webhooks"].values()]
    methods = {"get", "post", "put", "patch", "delete"}
    expect(routes).to_have_count(sum(len(methods & set(item)) for item in described))
    shoot(page, "api")
    page.get_by_role("searchbox", name="Search routes").fill("messages")
    expect(page.locator("article:visible").first).to_contain_text("messages")
    assert page.locator("article:visible").count() < page.locator("article").count()
    send = page.locator("article:visible").filter(has_text=re.compile("POST.*messages")).first
    expect(send).to_contain_text("client_message_id")
    expect(send).to_contain_text("curl")
    page.get_by_role("searchbox", name="Search routes").fill("message.deleted")
    told = page.locator("article:visible")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("data.author")
    expect(told).to_contain_text("What your server answers")
    expect(told).not_to_contain_text("curl")
    shoot(page, "webhook")


def test_the_page_asks_nobody_else(open_page: Open, server: Server) -> None:
    page = open_page(path="/v1/docs")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    expect(page.get_by_role("textbox", name="Message").first).to_be_visible()
    assert [url for url in asked if not url.startswith(server.url)] == []
