"""A day at the counter: many who wait, the keyboard and the thumb, what must not move or be cut."""

import time
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PHONE: Final = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
HOUR_MS: Final = 3_600_000
FRAME: Final = "desk => [desk.scrollTop, desk.querySelector('.talk').getBoundingClientRect().top]"


@pytest.fixture
def shop(business: Business) -> Business:
    """The team works at the one location."""
    for person in ("sam", "mia", "carla"):
        business.ask("PATCH", f"/v1/people/{person}", {"locations": ["main"]})
    return business


def written(business: Business, customer: str, *texts: str) -> str:
    """What a customer says in their own conversation with the business; its id."""
    made = business.ask("POST", f"/v1/people/{customer}/conversation", None, customer)
    business.say(str(made["id"]), customer, list(texts))
    return str(made["id"])


def guests(business: Business, count: int) -> None:
    """Customers who have all written."""
    for number in range(count):
        guest = f"guest{number:03}"
        business.person(guest, "customer")
        business.ask("PATCH", f"/v1/people/{guest}", {"locations": ["main"]})
        written(business, guest, f"Question {number}")


def signed_in(open_page: Open, business: Business, person: str, **options: object) -> Page:
    page = open_page(f"#token={business.token(person)}", **options)
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")
    return page


def test_the_frame_stays_where_it_is_when_a_message_is_shown(
    open_page: Open, shop: Business
) -> None:
    """More conversations than fit, each with words for screen readers alone."""
    texts = ["Where do I park?", *(f"Line {number}" for number in range(40))]
    guests(shop, 14)
    written(shop, "carla", *texts)
    page = signed_in(open_page, shop, "olivia")
    desk = Desk(page.locator(".desk"))
    expect(desk.list.get_by_role("button")).to_have_count(15)
    desk.open("Carla")
    page.get_by_role("button", name="About Carla").click()
    page.get_by_role("button", name="All that was said").click()
    timeline = page.get_by_role("list", name="Timeline")
    timeline.get_by_role("button").filter(has_text="Line 20").click()
    expect(desk.row("Line 20")).to_be_in_viewport()
    assert desk.root.evaluate(FRAME) == [0, 0]
    desk.row("Where do I park?").evaluate("row => row.scrollIntoView()")
    assert desk.root.evaluate(FRAME) == [0, 0]


@pytest.mark.requirement("EX-24")
def test_all_who_wait_are_counted_and_who_waits_longest_is_first(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    guests(shop, 103)
    page = signed_in(open_page, shop, "mia")
    desk = Desk(page.locator(".desk"))
    waiting = page.get_by_role("group", name="Which").get_by_role("button").nth(1)
    expect(waiting).to_have_text("Waiting 103")
    tops = page.locator(".filters button").evaluate_all("all => all.map(each => each.offsetTop)")
    assert len(set(tops)) == 1  # beside each other
    waiting.click()
    expect(desk.list.get_by_role("button").first).to_contain_text("Question 0")
    shoot(page, "inbox-many-wait")


@pytest.mark.requirement("EX-24")
def test_the_list_goes_on_where_the_keyboard_is(open_page: Open, shop: Business) -> None:
    guests(shop, 51)
    page = signed_in(open_page, shop, "mia")
    items = Desk(page.locator(".desk")).list.get_by_role("button")
    unread = page.get_by_role("button", name="Unread", exact=True)
    unread.click()
    older = page.get_by_role("button", name="Show older conversations")
    expect(older).to_be_visible()
    older.press("Enter")
    expect(items).to_have_count(51)
    expect(page.get_by_role("searchbox")).to_be_focused()  # there is no more of it


def test_who_sends_goes_on_writing(open_page: Open, shop: Business) -> None:
    shop.group("Rex", "sam", ["carla"], ["Hello"])
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    send = desk.root.get_by_role("button", name="Send")
    desk.text.fill("By mouse")
    send.click()
    desk.expect_tick("By mouse", "sent")
    expect(desk.text).to_be_focused()
    desk.text.fill("By keyboard")
    send.press("Enter")
    desk.expect_tick("By keyboard", "sent")
    expect(desk.text).to_be_focused()
    phone = signed_in(open_page, shop, "carla", **PHONE)
    carla = Desk(phone.locator(".desk"))
    carla.open("Rex")
    carla.text.tap()
    carla.text.fill("By thumb")
    carla.root.get_by_role("button", name="Send").tap()
    expect(desk.row("By thumb")).to_be_visible()
    expect(carla.text).to_be_focused()


@pytest.mark.requirement("EX-25")
def test_a_colleague_is_mentioned_by_the_keyboard_alone(open_page: Open, shop: Business) -> None:
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Carla")
    page.get_by_role("button", name="Write a note to the team").press("Enter")
    note = page.get_by_role("textbox", name="Note to the team")
    page.keyboard.type("Ask @")
    search = page.get_by_role("dialog", name="Mention").get_by_role("searchbox")
    expect(search).to_be_focused()
    search.press("Enter")  # nobody is named yet
    page.keyboard.type("oliv")
    page.keyboard.press("Enter")  # before the list has followed
    expect(note).to_have_value("Ask @Olivia ")
    expect(note).to_be_focused()


def test_who_is_in_no_conversation_yet_has_a_name_all_the_same(
    open_page: Open, shop: Business
) -> None:
    shop.ask("PATCH", "/v1/people/sam", {"name": "Sam Rivers"})
    page = signed_in(open_page, shop, "sam")
    expect(page.get_by_role("button", name="Sam Rivers: settings")).to_be_visible()


def test_when_an_appointment_is_can_be_read(open_page: Open, shop: Business, shoot: Shoot) -> None:
    start = time.time_ns() // 1_000_000 + 72 * HOUR_MS
    title = "Nails and ears, and the whole coat of Rex the third"
    who = {"customer": "carla", "staff": "sam", "location": "main", "title": title}
    times = {"start": start, "end": start + HOUR_MS, "status": "confirmed"}
    shop.ask("PUT", "/v1/appointments/next-visit", {**who, **times})
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "olivia")
    Desk(page.locator(".desk")).open("Carla")
    page.get_by_role("button", name="About Carla").click()
    words = page.get_by_role("region", name="Next appointments").locator(".words > *")
    expect(words).to_have_count(3)
    shoot(page, "inbox-appointment")
    cut = words.evaluate_all("all => all.filter(each => each.scrollWidth > each.clientWidth)")
    assert cut == []


@pytest.mark.requirement("EX-28")
def test_who_hands_over_is_told_where_it_went_and_who_has_it_by_name(
    open_page: Open, shop: Business
) -> None:
    place = {"id": "uptown", "name": "Uptown Pets", "time_zone": "UTC"}
    shop.ask("POST", "/v1/locations", place)
    shop.ask("POST", "/v1/people", {"id": "p-1", "name": "Zoe Brook", "role": "staff"})
    shop.ask("PATCH", "/v1/people/p-1", {"locations": ["main", "uptown"]})
    id_ = written(shop, "carla", "Is Rex ready?")
    taken = {"action": "assign", "person": "p-1"}
    shop.ask("POST", f"/v1/conversations/{id_}/handling", taken, "olivia")
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    expect(desk.list.get_by_role("button")).to_contain_text("Assigned to Zoe Brook")
    desk.open("Carla")
    page.get_by_role("button", name="Handle this conversation").click()
    page.get_by_role("menuitem", name="Transfer to").click()
    page.get_by_role("menuitem", name="Uptown Pets").click()
    expect(page.locator(".toasts")).to_contain_text("It is at Uptown Pets now.")
    expect(desk.list.get_by_role("button")).to_have_count(0)


def test_what_was_begun_outlives_a_reload_and_nobody_else_finds_it(
    open_page: Open, server: Server
) -> None:
    page = open_page("#person=sam")
    desk = Desk(page.locator(".desk"))
    desk.list.get_by_role("button").first.click()
    desk.text.fill("Half of an answer")
    page.get_by_role("button", name="Write a note to the team").click()
    page.get_by_role("textbox", name="Note to the team").fill("Half of a note")
    page.reload()
    expect(desk.list.get_by_role("button").first).to_contain_text("Draft: Half of an answer")
    desk.list.get_by_role("button").first.click()
    expect(desk.text).to_have_value("Half of an answer")
    page.get_by_role("button", name="Write a note to the team").click()
    expect(page.get_by_role("textbox", name="Note to the team")).to_have_value("Half of a note")
    page.get_by_role("textbox", name="Note to the team").press("Escape")
    desk.text.press("Enter")
    desk.expect_tick("Half of an answer", "sent")
    assert "Half of an answer" not in page.evaluate("JSON.stringify(sessionStorage)")
    page.goto(f"{server.url}/#person=olivia")  # in the same tab
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")
    desk.list.get_by_role("button").first.click()
    page.get_by_role("button", name="Write a note to the team").click()
    expect(page.get_by_role("textbox", name="Note to the team")).to_have_value("")


def test_who_signs_out_leaves_nothing_that_was_begun(open_page: Open, shop: Business) -> None:
    shop.group("Rex", "sam", ["carla"], ["Hello"])
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    desk.text.fill("Not for everybody")
    page.reload()  # it is the demo without the token, which nobody signed out of
    assert "Not for everybody" in page.evaluate("JSON.stringify(sessionStorage)")
    page.goto(f"{page.url}#token={shop.token('sam')}")
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".desk[data-status=online]").first).to_be_visible()  # the demo again
    assert "Not for everybody" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_colleagues_are_found_however_many_customers_there_are(
    open_page: Open, shop: Business
) -> None:
    for number in range(55):
        shop.ask("POST", "/v1/people", {"name": f"A guest {number}", "role": "customer"})
    shop.person("zoe", "staff")  # works nowhere, so does not see it
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "sam")
    Desk(page.locator(".desk")).open("Carla")
    page.get_by_role("button", name="Handle this conversation").click()
    page.get_by_role("menuitem", name="Assign to").click()
    people = page.get_by_role("dialog", name="Assign to").get_by_role("list", name="People")
    expect(people.get_by_role("listitem")).to_have_text(["MMiaManager", "OOliviaOwner"])
    page.get_by_label("Search people").fill("zoe")
    expect(people).to_have_text(
        "Nobody else by that name sees this conversation. Add them to it first."
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Members", exact=True).click()
    members = page.get_by_role("dialog", name="Members")
    expect(members.get_by_role("button", name="Add somebody")).to_be_visible()
    leave = members.get_by_role("button", name="Leave this conversation")
    expect(leave).to_have_count(0)  # who works there sees it, and is no member
    page.keyboard.press("Escape")
    Desk(page.locator(".desk")).say("He is")
    expect(page.get_by_text("Sam joined")).to_be_visible()
    page.get_by_role("button", name="Members", exact=True).click()
    expect(leave).to_be_visible()
