"""The page in a business of its own: who may see what changes while it is open."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def _signed_in(open_page: Open, business: Business, person: str, **options: object) -> Page:
    return open_page(f"#token={business.token(person)}", **options)


def _hand_over(business: Business, old: str, new: str) -> None:
    business.ask("POST", "/v1/ownership", {"from": old, "to": new, "new_role": "staff"})


def test_who_loses_the_open_conversation_gets_back_to_the_list(
    open_page: Open, business: Business, shoot: Shoot
) -> None:
    business.group("Rex", "sam", ["carla"], ["Hello"])
    page = _signed_in(open_page, business, "olivia", **PHONE)
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    _hand_over(business, "olivia", "mia")
    expect(page.locator(".toasts")).to_contain_text("not in that conversation any more")
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    expect(desk.text).to_be_hidden()
    shoot(page, "phone-conversation-lost")
    page.go_forward()
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()


def test_a_reset_leaves_the_rest_where_it_is(open_page: Open, business: Business) -> None:
    for number in range(55):
        business.group(f"Group {number:02}", "sam", ["carla"], ["Hello"])
    page = _signed_in(open_page, business, "sam")
    desk = Desk(page.locator(".desk"))
    items = desk.list.get_by_role("button")
    page.get_by_role("button", name="Show older conversations").click()
    expect(items).to_have_count(55)
    desk.open("Group 02")
    desk.text.fill("Half a sentence")
    with page.expect_websocket():  # it is let go, and comes back
        _hand_over(business, "olivia", "mia")
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")
    expect(desk.row("Hello")).to_be_visible()
    expect(desk.text).to_have_value("Half a sentence")
    expect(desk.text).to_be_focused()
    expect(items).to_have_count(55)


def test_after_a_revocation_nobody_else_reads_the_messages(
    open_page: Open, business: Business
) -> None:
    business.group("Rex", "sam", ["carla"], ["The key is under the mat"])
    page = _signed_in(open_page, business, "carla")
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    expect(desk.row("The key")).to_be_visible()
    business.ask("POST", "/v1/people/carla/revoke", {})
    expect(page.locator(".banner")).to_contain_text("Your session has ended")
    page.route("**/v1/demo", lambda route: route.fulfill(status=204))
    page.locator(".banner").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Use an access token").click()
    field = page.get_by_label("Access token")
    field.fill("rubbish")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This token is not valid")
    expect(page.get_by_text("Rex")).to_have_count(0)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "under the mat" not in kept
    assert "Rex" not in kept


def test_open_settings_follow_the_business(open_page: Open, business: Business) -> None:
    page = _signed_in(open_page, business, "mia")
    page.get_by_role("button", name="Settings", exact=True).click()
    sheet = page.get_by_role("dialog", name="Settings")
    receipts = sheet.get_by_role("switch", name="Read receipts")
    expect(receipts).to_be_enabled()
    expect(sheet.locator(".profile")).to_contain_text("Manager")
    business.ask("PATCH", "/v1/business", {"read_receipts": False})
    expect(receipts).to_be_disabled()
    expect(sheet).to_contain_text("Your business has switched this off")
    business.ask("PATCH", "/v1/business", {"read_receipts": True})
    expect(receipts).to_be_enabled()
    _hand_over(business, "olivia", "mia")
    expect(sheet.locator(".profile")).to_contain_text("Owner")


def test_a_search_leads_on_to_older_conversations(open_page: Open, business: Business) -> None:
    for number in range(52):
        business.group(f"Group {number:02}", "sam", ["carla"], [])
    page = _signed_in(open_page, business, "sam")
    desk = Desk(page.locator(".desk"))
    expect(desk.list.get_by_role("button")).to_have_count(50)
    page.get_by_label("Search conversations").fill("group 00")
    expect(page.get_by_text("None of the conversations shown so far matches.")).to_be_visible()
    page.get_by_role("button", name="Show older conversations").click()
    expect(desk.list.get_by_role("button")).to_have_count(1)
    expect(desk.list).to_contain_text("Group 00")
