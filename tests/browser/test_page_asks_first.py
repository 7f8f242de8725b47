"""What cannot be taken back is asked about first: Escape and Cancel leave everything as it was."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.stage import Desk, One, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def _asked(desk: Desk, name: str) -> Locator:
    question = desk.root.get_by_role("alertdialog", name=name)
    expect(question).to_be_visible()
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    return question


def test_a_message_is_deleted_only_after_a_yes(one: One, shoot: Shoot) -> None:
    carla, sam = one("carla"), one("sam")
    carla.say("Think twice about me")
    row = carla.row("Think twice about me")
    expect(sam.row("Think twice about me")).to_be_visible()
    carla.choose("Think twice about me", "Delete")
    question = _asked(carla, "Delete this message?")
    expect(question).to_contain_text("Think twice about me")
    shoot(carla.root.page, "delete-question")
    carla.root.page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(row.locator(":focus")).to_have_count(1)
    carla.choose("Think twice about me", "Delete")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    expect(row.locator(":focus")).to_have_count(1)
    expect(row).to_be_visible()
    carla.choose("Think twice about me", "Delete")
    carla.root.page.keyboard.press("Tab")
    expect(question.get_by_role("button", name="Delete")).to_be_focused()
    carla.root.page.keyboard.press("Enter")
    for desk in (carla, sam):
        expect(desk.row("Think twice about me")).to_have_count(0)
        expect(desk.row("This message was deleted")).to_have_count(1)
    assert carla.log.evaluate("log => log.contains(document.activeElement)")


def test_a_member_is_removed_only_after_a_yes(one: One, server: Server, shoot: Shoot) -> None:
    group = {"kind": "group", "title": "Summer party", "people": ["sam", "carla"]}
    server.ask("POST", "/v1/conversations", group, server.token("olivia"))
    sam = one("sam")
    sam.open("Summer party")
    page = sam.root.page
    sam.root.get_by_role("button", name="Members", exact=True).click()
    members = sam.root.get_by_role("dialog", name="Members")
    remove = members.get_by_role("button", name="Remove Carla Vega")
    remove.click()
    question = _asked(sam, "Remove Carla Vega?")
    shoot(page, "remove-question")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(remove).to_be_focused()
    expect(members.get_by_role("listitem")).to_have_count(3)
    assert sam.log.evaluate("log => log.closest('[inert]') !== null")
    remove.click()
    question.get_by_role("button", name="Remove").click()
    expect(members.get_by_role("listitem")).to_have_count(2)
    expect(question).to_have_count(0)
    assert members.evaluate("sheet => sheet.contains(document.activeElement)")
    leave = members.get_by_role("button", name="Leave this conversation")
    leave.click()
    question = _asked(sam, "Leave this conversation?")
    page.keyboard.press("Escape")
    expect(leave).to_be_focused()
    leave.click()
    question.get_by_role("button", name="Leave").click()
    expect(sam.list.get_by_role("button").filter(has_text="Summer party")).to_have_count(0)
    expect(question).to_have_count(0)
