"""People talk on the page: what one writes the others see, and the ticks tell how far it got."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Desk, One, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

Three = tuple[Page, dict[str, Desk]]

DRAWN = """ticks => [
  [...ticks.querySelectorAll('path')].filter((each) => getComputedStyle(each).display !== 'none')
    .length,
  getComputedStyle(ticks).color,
]"""

AFTER_THE_LINE = "log => log.querySelector('.separator.unread').nextElementSibling.innerText"


@pytest.mark.requirement("DT-03", "DT-05", "DT-11", "DT-20")
def test_three_people_side_by_side(three: Three, shoot: Shoot) -> None:
    page, desks = three
    olivia, sam, carla = desks["olivia"], desks["sam"], desks["carla"]
    carla.say("Is **Rex** ready?")
    for desk in desks.values():
        expect(desk.row("Is Rex ready?")).to_have_count(1)
        expect(desk.row("Is Rex ready?").locator("strong")).to_have_text("Rex")
    carla.expect_tick("Is Rex ready?", "delivered")
    sam.root.hover()
    seen = re.compile("read by 1 of 2")
    expect(carla.row("Is Rex ready?").locator(".ticks")).to_have_attribute("aria-label", seen)
    olivia.root.hover()
    carla.expect_tick("Is Rex ready?", "read")
    sam.text.press_sequentially("He is")
    expect(carla.root.locator(".typing")).to_be_visible()
    expect(carla.root.locator(".who")).to_contain_text("Sam is typing")
    shoot(page, "three-people")
    page.emulate_media(color_scheme="dark")
    shoot(page, "three-people-dark")
    sam.text.press("Enter")
    expect(carla.row("He is")).to_have_count(1)
    expect(carla.root.locator(".typing")).to_be_hidden()


@pytest.mark.requirement("DT-03", "DT-04")
def test_two_browsers_talk_and_the_receipts_have_times(one: One, shoot: Shoot) -> None:
    carla, sam = one("carla"), one("sam")
    carla.say("Two browsers")
    expect(sam.row("Two browsers")).to_have_count(1)
    ticks = carla.row("Two browsers").locator(".ticks")
    expect(ticks).to_have_attribute("aria-label", re.compile("read by 1 of 2", re.IGNORECASE))
    ticks.click()
    receipts = carla.root.get_by_role("dialog", name="Receipts")
    sams = receipts.get_by_role("listitem").filter(has_text="Sam")
    expect(sams).to_contain_text(re.compile(r"Read today, \d\d:\d\d:\d\d"))
    expect(sams).to_contain_text(re.compile(r"Delivered today, \d\d:\d\d:\d\d"))
    expect(receipts.get_by_role("listitem").filter(has_text="Olivia")).to_contain_text(
        "Not delivered yet"
    )
    shoot(carla.root.page, "receipts")
    carla.root.page.keyboard.press("Escape")
    expect(receipts).to_have_count(0)


def test_the_receipts_show_the_ticks_of_the_conversation(one: One, shoot: Shoot) -> None:
    """One for stored, two for delivered, two in another colour for read."""
    carla, sam, olivia = one("carla"), one("sam"), one("olivia")
    sam.root.get_by_label("Back to the conversations").dispatch_event("click")
    carla.say("Three ticks")
    expect(olivia.row("Three ticks")).to_be_visible()
    ticks = carla.row("Three ticks").locator(".ticks")
    words = re.compile("delivered to 2 of 2, read by 1 of 2", re.IGNORECASE)
    expect(ticks).to_have_attribute("aria-label", words)
    olivia.root.page.context.close()
    sam.root.page.context.close()
    ticks.click()
    receipts = carla.root.get_by_role("dialog", name="Receipts")
    colours = [_drawn(receipts, name) for name in ("Olivia", "Sam")]
    assert [count for count, _ in colours] == [2, 2]
    assert colours[0][1] != colours[1][1]
    shoot(carla.root.page, "receipts-ticks")
    carla.root.page.keyboard.press("Escape")
    carla.say("One tick")
    carla.expect_tick("One tick", "sent")
    carla.row("One tick").locator(".ticks").click()
    expect(receipts).to_contain_text("Not delivered yet")
    assert _drawn(receipts, "Sam")[0] == 1


def _drawn(receipts: Locator, name: str) -> tuple[int, str]:
    """How many ticks are drawn beside a name, and in which colour."""
    row = receipts.get_by_role("listitem").filter(has_text=name)
    count, colour = row.locator(".ticks").evaluate(DRAWN)
    return int(count), str(colour)


def test_reply_edit_and_delete(one: One, shoot: Shoot) -> None:
    carla, sam = one("carla"), one("sam")
    carla.say("Shall I bring his bed?")
    sam.choose("Shall I bring his bed?", "Reply")
    expect(sam.root.locator(".context")).to_contain_text("Reply to Carla")
    sam.say("Yes plaese")
    expect(carla.row("Yes plaese").locator(".quote")).to_contain_text("Shall I bring his bed?")
    sam.choose("Yes plaese", "Edit")
    expect(sam.text).to_have_value("Yes plaese")
    sam.say("Yes please")
    for desk in (carla, sam):
        expect(desk.row("Yes please")).to_contain_text("edited")
    shoot(carla.root.page, "conversation")
    carla.choose("Shall I bring his bed?", "Delete")
    carla.root.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    for desk in (carla, sam):
        expect(desk.row("This message was deleted").first).to_be_visible()
        expect(desk.row("Yes please").locator(".quote")).to_contain_text("was deleted")


def test_the_list_counts_what_is_unread(one: One, shoot: Shoot) -> None:
    carla = one("carla", viewport={"width": 390, "height": 844})
    sam = one("sam")
    page = carla.root.page
    carla.root.get_by_label("Back to the conversations").click()
    sam.say("First while away")
    sam.say("Second while away")
    item = carla.list.get_by_role("button").first
    expect(item).to_contain_text("Second while away")
    expect(item.locator(".badge")).to_contain_text("2")
    expect(page).to_have_title("(2) Deskbell")
    shoot(page, "phone-list")
    item.click()
    expect(carla.row("Second while away")).to_be_visible()
    expect(page).to_have_title("Deskbell")
    shoot(page, "phone-conversation")
    page.go_back()
    expect(item.locator(".badge")).to_have_count(0)
    expect(carla.text).to_be_hidden()


def test_the_line_of_new_messages_stands_before_the_first_of_somebody_else(
    one: One, server: Server, shoot: Shoot
) -> None:
    sam = one("sam", viewport={"width": 390, "height": 844})
    page = sam.root.page
    expect(page).to_have_title("Deskbell")
    sam.root.get_by_label("Back to the conversations").click()
    server.say("sam", ["Said from my other device"])
    server.say("carla", ["A question meanwhile"])
    server.say("sam", ["An answer from there"])
    item = sam.list.get_by_role("button").first
    expect(item).to_contain_text("An answer from there")
    item.click()
    expect(sam.root.locator(".separator.unread")).to_have_count(1)
    assert "A question meanwhile" in sam.log.evaluate(AFTER_THE_LINE)
    shoot(page, "phone-new-messages")
    expect(page).to_have_title("Deskbell")
    server.say("carla", ["Thank you"])
    expect(sam.row("Thank you")).to_be_visible()
    assert "A question meanwhile" in sam.log.evaluate(AFTER_THE_LINE)
    server.delete("carla", "A question meanwhile")
    expect(sam.row("A question meanwhile")).to_have_count(0)
    expect(sam.root.locator(".separator.unread")).to_have_count(0)


def test_earlier_versions_are_offered_where_there_are_some(one: One) -> None:
    """Of an edited message to its author and the owner; of a deleted one to the owner alone."""
    carla, olivia = one("carla"), one("olivia")

    def offered(desk: Desk, text: str) -> bool:
        desk.row(text).focus()
        desk.root.page.keyboard.press("Enter")
        expect(desk.root.get_by_role("menu")).to_be_visible()
        entries = desk.root.get_by_role("menuitem").all_inner_texts()
        desk.root.page.keyboard.press("Escape")
        return "Earlier versions" in entries

    carla.say("Never changed")
    expect(olivia.row("Never changed")).to_be_visible()
    assert not offered(olivia, "Never changed")
    assert not offered(carla, "Never changed")
    carla.choose("Never changed", "Edit")
    carla.say("Changed once")
    for desk in (carla, olivia):
        expect(desk.row("Changed once")).to_contain_text("edited")
        assert offered(desk, "Changed once")
    carla.choose("Changed once", "Delete")
    carla.root.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    for desk in (carla, olivia):
        expect(desk.row("This message was deleted")).not_to_have_count(0)
        expect(desk.row("Changed once")).to_have_count(0)
    olivia.row("This message was deleted").last.focus()
    olivia.root.page.keyboard.press("Enter")
    olivia.root.get_by_role("menuitem", name="Earlier versions").click()
    versions = olivia.root.get_by_role("dialog", name="Earlier versions")
    expect(versions).to_contain_text("Never changed")
    carla.row("This message was deleted").last.focus()
    carla.root.page.keyboard.press("Enter")
    expect(carla.root.get_by_role("menu")).to_be_visible()
    expect(carla.root.get_by_role("menuitem", name="Earlier versions")).to_have_count(0)


@pytest.mark.requirement("DT-13", "DT-19", "DT-20")
def test_a_new_conversation_is_found_by_searching_a_person(one: One, shoot: Shoot) -> None:
    carla, sam = one("carla"), one("sam")
    carla.root.get_by_label("New conversation").click()
    sheet = carla.root.get_by_role("dialog", name="New conversation")
    sheet.get_by_role("searchbox", name="Search people").fill("sam")
    people = sheet.get_by_role("list", name="People").get_by_role("button")
    expect(people).to_have_count(1)
    people.click()
    shoot(carla.root.page, "new-conversation")
    sheet.get_by_role("button", name="Start").click()
    expect(sheet).to_have_count(0)
    carla.say("Only about the invoice")
    expect(sam.list.get_by_role("button").filter(has_text="Only about the invoice")).to_be_visible()
    carla.root.get_by_role("button", name="Members", exact=True).click()
    members = carla.root.get_by_role("dialog", name="Members")
    expect(members.get_by_role("listitem").filter(has_text="Olivia")).to_contain_text("Owner")
    shoot(carla.root.page, "members")


@pytest.mark.requirement("DT-06", "DT-07")
def test_presence_and_last_seen(one: One) -> None:
    carla, sam = one("carla"), one("sam")
    carla.root.get_by_role("button", name="Members", exact=True).click()
    row = carla.root.get_by_role("dialog", name="Members").get_by_role("listitem")
    expect(row.filter(has_text="Sam")).to_contain_text("online")
    sam.root.page.context.close()
    offline = row.filter(has_text="Sam").filter(has_text="last seen")
    expect(offline).to_be_visible(timeout=30_000)


@pytest.mark.requirement("DT-05")
def test_privacy_hides_what_others_read(one: One, shoot: Shoot) -> None:
    carla, sam = one("carla"), one("sam")
    sam.root.get_by_role("button", name="Settings", exact=True).click()
    receipts = sam.root.get_by_role("switch", name="Read receipts")
    expect(receipts).to_be_checked()
    shoot(sam.root.page, "settings")
    sam.root.locator(".setting").filter(has_text="Read receipts").click()
    expect(receipts).not_to_be_checked()
    sam.root.get_by_label("Close").click()
    carla.say("Do you see this?")
    expect(sam.row("Do you see this?")).to_be_visible()
    ticks = carla.row("Do you see this?").locator(".ticks")
    expect(ticks).to_have_attribute("aria-label", re.compile("elivered to 1 of 2"))
    expect(ticks).not_to_have_attribute("aria-label", re.compile("read", re.IGNORECASE))
    sam.root.page.reload()
    sam.root.get_by_role("button", name="Settings", exact=True).click()
    expect(receipts).not_to_be_checked()
    sam.root.locator(".setting").filter(has_text="Read receipts").click()
    expect(receipts).to_be_checked()


def test_others_are_shown_as_they_are_now(one: One, server: Server) -> None:
    """A new name, and receipts that are shown no more and then again, without a reload."""
    carla, sam = one("carla"), one("sam")
    carla.say("Have you read this one?")
    ticks = carla.row("Have you read this one?").locator(".ticks")
    read = re.compile("read by 1 of 2", re.IGNORECASE)
    expect(ticks).to_have_attribute("aria-label", read)
    switch = sam.root.locator(".setting").filter(has_text="Read receipts")
    sam.root.get_by_role("button", name="Settings", exact=True).click()
    switch.click()
    expect(ticks).not_to_have_attribute("aria-label", read)
    switch.click()
    expect(ticks).to_have_attribute("aria-label", read)
    carla.root.get_by_role("button", name="Members", exact=True).click()
    members = carla.root.get_by_role("dialog", name="Members")
    for name in ("Sam Rivers-Vega", "Sam Rivers"):
        server.ask("PATCH", "/v1/people/sam", {"name": name}, server.token("olivia"))
        expect(members.get_by_text(name, exact=True)).to_be_visible()


def test_history_loads_on_the_way_up_and_the_latest_is_one_click_away(
    one: One, server: Server, shoot: Shoot
) -> None:
    server.say("sam", [f"Line {number} of many" for number in range(120)])
    server.say("sam", ["The very last line"])
    sam = one("sam")
    expect(sam.row("The very last line")).to_be_in_viewport()
    expect(sam.row("Line 80 of many")).to_have_count(1)
    sam.log.evaluate("log => { log.scrollTop = 0; }")
    expect(sam.row("Line 40 of many")).to_have_count(1)
    jump = sam.root.get_by_label("Jump to the latest message")
    expect(jump).to_be_visible()
    server.say("carla", ["While you read above"])
    expect(jump).to_contain_text("1")
    expect(sam.row("The very last line")).not_to_be_in_viewport()
    shoot(sam.root.page, "history")
    jump.click()
    expect(sam.row("While you read above")).to_be_in_viewport()
    expect(jump).to_be_hidden()
    for _ in range(6):
        sam.log.evaluate("log => { log.scrollTop = 0; }")
        sam.root.page.wait_for_timeout(100)
    expect(sam.root.locator(".log-head")).to_have_text("This is where the conversation begins")
    lines = [text for text in sam.texts() if text.endswith("of many")]
    assert lines == [f"Line {number} of many" for number in range(120)]
