"""What was written in a conversation that one is in no longer: told, copied or deleted."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.stage import Desk, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def _no_demo(route: Route) -> None:
    route.fulfill(status=204)


def test_it_is_shown_and_one_can_still_sign_out(
    open_page: Open, server: Server, shoot: Shoot
) -> None:
    group = {"kind": "group", "title": "Summer party", "people": ["sam", "carla"]}
    owner = server.token("olivia")
    party = server.ask("POST", "/v1/conversations", group, owner)["id"]
    page = open_page(path="/v1/docs")
    page.route("**/v1/demo", _no_demo)
    page.goto(f"{server.url}/#token={server.token('carla')}")
    carla = Desk(page.locator(".desk"))
    carla.open("Summer party")
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_text("Connected", exact=True).click()
    page.keyboard.press("Escape")
    carla.say("I bring the cake")
    carla.say("And the candles")
    server.ask("DELETE", f"/v1/conversations/{party}/members/carla", token=owner)
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_text("Connected", exact=True).click()
    stranded = page.get_by_role("dialog", name="Not sent")
    expect(stranded).to_contain_text("I bring the cake")
    expect(stranded).to_contain_text("And the candles")
    shoot(page, "not-sent")
    cake = stranded.get_by_role("listitem").filter(has_text="I bring the cake")
    cake.get_by_role("button", name="Delete").click()
    expect(stranded.get_by_role("listitem")).to_have_count(1)
    stranded.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Sign out").click()
    question = page.get_by_role("alertdialog", name="Sign out?")
    expect(question).to_contain_text("A message still waits.")
    question.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Use an access token")).to_be_visible()


def test_the_way_back_on_a_phone_leads_to_what_was_opened_last(open_page: Open) -> None:
    page = open_page("#person=sam", viewport={"width": 390, "height": 800})
    sam = Desk(page.locator(".desk"))
    conversations = sam.list.get_by_role("button")
    expect(conversations).not_to_have_count(0)
    conversations.first.click()
    expect(sam.text).to_be_visible()
    page.reload()
    expect(conversations.first).to_be_visible()
    conversations.first.click()
    expect(sam.text).to_be_visible()
    page.get_by_role("button", name="Back to the conversations").click()
    expect(sam.text).to_be_hidden()
    expect(conversations.first).to_be_visible()
    page.wait_for_timeout(300)
    expect(sam.text).to_be_hidden()


def test_going_back_on_a_phone_closes_what_lies_over_the_page(open_page: Open) -> None:
    page = open_page("#person=sam", viewport={"width": 390, "height": 800})
    sam = Desk(page.locator(".desk"))
    sam.list.get_by_role("button").first.click()
    page.get_by_role("button", name="Members", exact=True).click()
    expect(page.get_by_role("dialog", name="Members")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog", name="Members")).to_have_count(0)
    expect(sam.text).to_be_hidden()
