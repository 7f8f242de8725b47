"""The messages of a conversation: where it opens, how one gets about in it, what counts as seen."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LONG = "\n".join(f"line {number}" for number in range(60))


def _opened(open_page: Open, business: Business, person: str, title: str) -> tuple[Page, Desk]:
    page = open_page(f"#token={business.token(person)}", viewport={"width": 390, "height": 844})
    desk = Desk(page.locator(".desk"))
    desk.open(title)
    return page, desk


def _read_at(business: Business, conversation: str, seq: int) -> int:
    """When carla read a message of sam's; 0: not yet."""
    path = f"/v1/conversations/{conversation}/messages/{seq}/receipts"
    receipts: list[dict[str, Any]] = business.ask("GET", path, person="sam")["receipts"]
    return next(int(each.get("read_at", 0)) for each in receipts if each["person"] == "carla")


def _wait_until_read(page: Page, business: Business, conversation: str, seq: int) -> None:
    for _ in range(50):
        if _read_at(business, conversation, seq):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"message {seq} is not read")


@pytest.mark.requirement("DT-03")
def test_much_that_is_new_is_opened_at_its_line_and_read_as_it_is_shown(
    open_page: Open, business: Business, shoot: Shoot
) -> None:
    texts = [f"Old {number}" for number in range(30)]
    group = business.group("Rex", "sam", ["carla"], texts)
    page, carla = _opened(open_page, business, "carla", "Rex")
    carla.log.evaluate("log => log.scrollTo(0, log.scrollHeight)")
    _wait_until_read(page, business, group, 30)
    page.close()
    business.say(group, "sam", [f"New {number} " + "words " * 20 for number in range(70)])
    page, carla = _opened(open_page, business, "carla", "Rex")  # a device that holds none of them
    expect(carla.row("New 0 ")).to_be_in_viewport()
    expect(carla.root.locator(".separator.unread")).to_be_in_viewport()
    expect(carla.row("New 69")).not_to_be_in_viewport()
    shoot(page, "phone-much-unread")
    _wait_until_read(page, business, group, 31)
    assert not _read_at(business, group, 100)
    carla.root.get_by_label("Jump to the latest message").click()
    expect(carla.row("New 69")).to_be_in_viewport()
    expect(page).to_have_title("Deskbell")


def test_a_quote_leads_to_a_message_far_up_and_stays_there(
    open_page: Open, business: Business
) -> None:
    group = business.group("Rex", "sam", ["carla"], [f"Message {n}." for n in range(120)])
    asked = {"client_message_id": "reply", "text": "About the first", "reply_to": 1}
    business.ask("POST", f"/v1/conversations/{group}/messages", asked, "sam")
    page, sam = _opened(open_page, business, "sam", "Rex")
    sam.row("About the first").locator(".quote").click()
    expect(sam.row("Message 0.")).to_be_focused()
    page.wait_for_timeout(500)
    expect(sam.row("Message 0.")).to_be_in_viewport()
    page.get_by_label("Jump to the latest message").click()
    row = sam.row("About the first")
    row.press("Enter")
    page.get_by_role("menuitem", name="Go to the quoted message").press("Enter")
    expect(sam.row("Message 0.")).to_be_focused()
    expect(sam.row("Message 0.")).to_be_in_viewport()


def test_a_long_text_that_was_unfolded_stays_so(open_page: Open, business: Business) -> None:
    group = business.group("Rex", "sam", ["carla"], [LONG])
    page, carla = _opened(open_page, business, "carla", "Rex")
    row = carla.row("line 59")
    row.press("Enter")
    page.get_by_role("menuitem", name="Show all").press("Enter")
    expect(row.locator(".unfold")).to_have_count(0)
    expect(row).to_be_focused()
    expect(row.get_by_text("line 0")).to_be_in_viewport()
    business.say(group, "sam", ["And one more thing"])
    expect(carla.row("And one more thing")).to_have_count(1)
    expect(row.locator(".unfold")).to_have_count(0)
    row.press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Show all")).to_have_count(0)


def test_what_is_written_of_a_message_that_gets_deleted_is_not_lost(
    open_page: Open, business: Business
) -> None:
    group = business.group("Rex", "sam", ["carla"], ["A first thought"])
    page, sam = _opened(open_page, business, "sam", "Rex")
    sam.text.fill("A draft")
    sam.choose("A first thought", "Edit")
    sam.text.fill("A second thought")
    said = business.ask("GET", f"/v1/conversations/{group}/messages", person="sam")["messages"]
    business.ask("DELETE", f"/v1/conversations/{group}/messages/{said[-1]['seq']}", person="sam")
    expect(page.locator(".toasts")).to_contain_text("The message was deleted")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(sam.text).to_have_value("A draft\nA second thought")
    expect(page.get_by_text("Edit message")).to_be_hidden()
