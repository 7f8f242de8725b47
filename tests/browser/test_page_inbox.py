"""The page as the inbox of a business with two locations, as the team and a customer see it."""

import re
import time
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Shoot
from tests.fixtures.uploads import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PHONE: Final = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLACES: Final = {"downtown": "Downtown Pets", "uptown": "Uptown Pets"}
HOUR_MS: Final = 3_600_000


@pytest.fixture
def shop(business: Business) -> Business:
    """Sam works downtown, Zoe uptown, Mia at both; Carla's last visit was downtown."""
    for id_, name in PLACES.items():
        business.ask("POST", "/v1/locations", {"id": id_, "name": name, "time_zone": "UTC"})
    business.person("zoe", "staff")
    works = {"sam": ["downtown"], "zoe": ["uptown"], "mia": [*PLACES], "carla": [*PLACES]}
    for person, places in works.items():
        business.ask("PATCH", f"/v1/people/{person}", {"locations": places})
    book(business, "last-visit", "carla", -30)
    return business


def book(business: Business, id_: str, customer: str, days: int, title: str = "Wash") -> None:
    start = time.time_ns() // 1_000_000 + days * 24 * HOUR_MS
    times = {"start": start, "end": start + HOUR_MS}
    status = {"status": "completed" if days < 0 else "confirmed"}
    who = {"customer": customer, "staff": "sam", "location": "downtown", "title": title}
    business.ask("PUT", f"/v1/appointments/{id_}", {**who, **times, **status})


def written(business: Business, customer: str, text: str) -> str:
    """What a customer says in their own conversation with the business; its id."""
    made = business.ask("POST", f"/v1/people/{customer}/conversation", None, customer)
    business.say(str(made["id"]), customer, [text])
    return str(made["id"])


def customers(business: Business, count: int) -> None:
    """Customers of downtown who have all written."""
    for number in range(count):
        name = f"guest{number:02}"
        business.person(name, "customer")
        business.ask("PATCH", f"/v1/people/{name}", {"locations": ["downtown"]})
        written(business, name, f"Question {number}")


def signed_in(open_page: Open, business: Business, person: str, **options: object) -> Page:
    page = open_page(f"#token={business.token(person)}", **options)
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")
    return page


def go(page: Page, place: str) -> None:
    page.get_by_role("button", name=re.compile("Choose a location")).click()
    page.get_by_role("menuitem", name=place).click()


def handle(page: Page, entry: str) -> None:
    page.get_by_role("button", name="Handle this conversation").click()
    page.get_by_role("menuitem", name=entry).click()


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Handling")


@pytest.mark.requirement("MT-06")
@pytest.mark.requirement("EX-24")
def test_the_queue_of_a_location_shows_ten_and_who_waits(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    customers(shop, 11)
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "mia")
    desk = Desk(page.locator(".desk"))
    items = desk.list.get_by_role("button")
    expect(items).to_have_count(12)
    go(page, "Downtown Pets")
    expect(items).to_have_count(10)
    expect(items.first).to_contain_text("Waiting")
    expect(items.first).to_contain_text("1 unread")
    page.get_by_role("button", name="Show older conversations").click()
    expect(items).to_have_count(12)
    shoot(page, "inbox-queue")
    page.get_by_role("button", name="Waiting 12").click()
    expect(items).to_have_count(10)
    expect(items.first).to_contain_text("Question 0")  # who waits longest
    page.get_by_role("button", name="Mine", exact=True).click()
    expect(page.get_by_text("Nothing open is assigned to you.")).to_be_visible()
    page.get_by_role("button", name="Unread", exact=True).click()
    expect(items).to_have_count(10)
    desk.open("Carla")
    expect(items.filter(has_text="Carla")).to_have_count(0)  # it is read now
    handle(page, "Mark as unread")
    expect(items.first).to_contain_text("Marked as unread")
    desk.open("Carla")
    expect(items.filter(has_text="Carla")).to_have_count(0)
    go(page, "Uptown Pets")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("Nothing is open here.")).to_be_visible()
    go(page, "All messages")
    expect(items).to_have_count(12)


@pytest.mark.requirement("EX-23")
@pytest.mark.requirement("EX-28")
def test_a_conversation_is_taken_assigned_put_off_closed_and_transferred(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    written(shop, "carla", "Is Rex ready?")
    sam = signed_in(open_page, shop, "sam")
    Desk(sam.locator(".desk")).open("Carla")
    expect(bar(sam)).to_contain_text("Downtown Pets")
    expect(bar(sam)).to_contain_text("Waiting")
    expect(bar(sam)).to_contain_text("Unassigned")
    bar(sam).get_by_role("button", name="Take it").click()
    expect(bar(sam)).to_contain_text("Assigned to you")
    sam.get_by_role("button", name="Mine", exact=True).click()
    listed = Desk(sam.locator(".desk")).list.get_by_role("button")
    expect(listed).to_have_count(1)
    handle(sam, "Close")
    expect(listed).to_have_count(0)
    bar(sam).get_by_role("button", name="Reopen").click()
    expect(listed).to_have_count(1)
    handle(sam, "Waits for an answer")
    sam.get_by_role("button", name="All", exact=True).click()
    handle(sam, "Assign to…")
    picker = sam.get_by_role("dialog", name="Assign to")
    expect(picker.get_by_role("button", name="Mia Manager")).to_be_visible()
    for name in ("Carla", "Zoe"):  # who works elsewhere does not see it
        expect(picker.get_by_role("button", name=name)).to_have_count(0)
    picker.get_by_role("button", name="Mia Manager").click()
    expect(bar(sam)).to_contain_text("Assigned to Mia")
    handle(sam, "Needs no answer")
    expect(bar(sam)).not_to_contain_text("Waiting")
    handle(sam, "Waits for an answer")
    expect(bar(sam)).to_contain_text("Waiting")
    handle(sam, "Snooze…")
    sam.get_by_role("menuitem", name="For an hour").click()
    expect(bar(sam)).to_contain_text("Snoozed until")
    handle(sam, "Close")
    expect(bar(sam)).to_contain_text("Closed")
    shoot(sam, "inbox-closed")
    bar(sam).get_by_role("button", name="Reopen").click()
    expect(bar(sam)).not_to_contain_text("Closed")
    zoe = signed_in(open_page, shop, "zoe", **PHONE)
    expect(zoe.get_by_text("No conversations yet.")).to_be_visible()
    handle(sam, "Transfer to…")
    sam.get_by_role("menuitem", name="Uptown Pets").click()
    Desk(zoe.locator(".desk")).open("Carla")
    expect(bar(zoe)).to_contain_text("Uptown Pets")
    shoot(zoe, "inbox-phone-handling")


def test_what_is_chosen_is_done_with_the_conversation_whose_menu_it_was(
    open_page: Open, shop: Business
) -> None:
    """Another one is opened meanwhile, as by a click on what has just come in."""
    shop.person("dan", "customer")
    shop.ask("PATCH", "/v1/people/dan", {"locations": ["downtown"]})
    chosen, other = written(shop, "carla", "Is Rex ready?"), written(shop, "dan", "Is Bo ready?")
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Carla")
    page.get_by_role("button", name="Handle this conversation").click()
    desk.list.get_by_role("button").filter(has_text="Dan").dispatch_event("click")
    expect(page.get_by_role("button", name=re.compile("Dan.*Show the members"))).to_be_visible()
    page.get_by_role("menuitem", name="Close", exact=True).dispatch_event("click")
    deadline = time.monotonic() + 10
    while "status" not in shop.ask("GET", f"/v1/conversations/{chosen}", None, "mia")["handling"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "status" not in shop.ask("GET", f"/v1/conversations/{other}", None, "mia")["handling"]


def test_the_page_of_a_customer_stays_a_messenger(open_page: Open, shop: Business) -> None:
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "carla")
    Desk(page.locator(".desk")).list.get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()
    expect(bar(page)).to_be_hidden()
    expect(page.get_by_role("group", name="Which")).to_be_hidden()


@pytest.mark.requirement("MT-R1")
def test_why_a_message_is_here_is_said_in_words(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    said = {"client_message_id": "sure", "location": "uptown", "text": "Thursday at ten?"}
    shop.ask("POST", "/v1/people/carla/announcements", said)
    zoe = signed_in(open_page, shop, "zoe")
    written(shop, "carla", "Yes, **please**")
    desk = Desk(zoe.locator(".desk"))
    desk.open("Carla")
    desk.choose("Yes, please", "Why here?")
    why = zoe.get_by_role("dialog", name="Why here?")
    expect(why).to_contain_text("It answers a confirmation, so it is where that was sent from.")
    expect(why.locator(".place")).to_have_text("Uptown Pets")
    expect(why).to_contain_text("A confirmation, Uptown Pets, today")
    reached = why.get_by_role("list", name="Who it reached").get_by_role("listitem")
    expect(reached.filter(has_text="Zoe")).to_contain_text("Received it live")
    expect(reached.filter(has_text="Mia")).to_contain_text("Was not logged in")
    shoot(zoe, "inbox-why")
    carla = signed_in(open_page, shop, "carla")
    mine = Desk(carla.locator(".desk"))
    mine.list.get_by_role("button").first.click()
    mine.row("Yes, please").locator(".more").click()
    expect(carla.get_by_role("menuitem", name="Reply")).to_be_visible()
    expect(carla.get_by_role("menuitem", name="Why here?")).to_have_count(0)


def test_beside_a_conversation_is_who_the_customer_is(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    book(shop, "next-visit", "carla", 3, "Nails and ears")
    contact = {
        "phones": ["+12125550100"],
        "email": "carla@example.com",
        "consents": {"sms_transactional": True},
    }
    shop.ask("PATCH", "/v1/people/carla", {"contact": contact})
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "olivia")
    Desk(page.locator(".desk")).open("Carla")
    page.get_by_role("button", name="About Carla").click()
    panel = page.get_by_role("complementary", name="The customer")
    expect(panel.get_by_role("link", name="+12125550100")).to_be_visible()
    expect(panel.get_by_role("link", name="carla@example.com")).to_be_visible()
    consents = panel.get_by_role("region", name="Consents").get_by_role("listitem")
    expect(consents).to_have_text(
        [
            "SMS about appointmentsYes",
            "SMS with offersNo",
            "E-mail about appointmentsNo",
            "E-mail with offersNo",
        ]
    )
    expect(panel.get_by_role("region", name="Locations")).to_contain_text("Uptown Pets")
    coming = panel.get_by_role("region", name="Next appointments")
    expect(coming).to_contain_text("Nails and ears")
    expect(coming).to_contain_text("Downtown Pets · Sam")
    expect(panel.get_by_role("region", name="Before")).to_contain_text("Wash")
    shoot(page, "inbox-person")
    panel.get_by_role("button", name="All that was said").click()
    timeline = page.get_by_role("list", name="Timeline")
    timeline.get_by_role("button").filter(has_text="Is Rex ready?").click()
    expect(timeline).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(panel.get_by_role("link", name="+12125550100")).to_be_in_viewport()
    expect(Desk(page.locator(".desk")).text).to_be_hidden()  # it is covered
    shoot(page, "inbox-phone-person")
    panel.get_by_role("button", name="Hide the customer").press("Escape")
    expect(panel).to_be_hidden()
    expect(Desk(page.locator(".desk")).row("Is Rex ready?")).to_be_visible()


@pytest.mark.requirement("EX-27")
def test_a_saved_reply_is_taken_with_its_variables_or_says_what_is_missing(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    replies = {
        "ready": ("Ready", "Hi {customer.first_name}, see you at {location.name}!", "downtown"),
        "visit": ("Next visit", "{appointment.title} on {appointment.start}", ""),
        "up": ("Parking uptown", "Park behind the house", "uptown"),
    }
    for id_, (title, text, place) in replies.items():
        reply = {"id": id_, "title": title, "text": text, "location": place}
        shop.ask("POST", "/v1/saved-replies", reply)
    written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Carla")
    button = page.get_by_role("button", name="Saved replies")
    button.click()
    sheet = page.get_by_role("dialog", name="Saved replies")
    expect(sheet.get_by_role("listitem")).to_have_count(2)  # uptown's is not for here
    sheet.get_by_role("button", name="Next visit").click()
    expect(sheet.get_by_role("alert")).to_contain_text("appointment")
    shoot(page, "inbox-saved-replies")
    sheet.get_by_role("searchbox").fill("ready")
    sheet.get_by_role("searchbox").press("Enter")
    expect(desk.text).to_have_value("Hi Carla, see you at Downtown Pets!")
    expect(desk.text).to_be_focused()
    desk.text.press("Enter")
    desk.expect_tick("Hi Carla, see you at Downtown Pets!", "sent")
    expect(bar(page)).to_contain_text("Assigned to you")
    expect(bar(page)).not_to_contain_text("Waiting")
    expect(page.get_by_text("Sam joined")).to_be_visible()
    other = Desk(signed_in(open_page, shop, "sam").locator(".desk"))
    expect(other.list.get_by_role("button")).not_to_contain_text("unread")  # who answers has read


def is_given_up(response: Response) -> bool:
    return response.request.method == "DELETE" and "/v1/uploads/" in response.url and response.ok


@pytest.mark.requirement("EX-27")
def test_a_saved_reply_brings_its_picture(open_page: Open, shop: Business, shoot: Shoot) -> None:
    ids = [
        shop.upload("olivia", "way.png", picture("PNG")),
        shop.upload("olivia", "a.txt", b"Ring."),
    ]
    reply = {"id": "way", "title": "The way", "text": "We are here:", "attachments": ids}
    shop.ask("POST", "/v1/saved-replies", reply, "olivia")
    written(shop, "carla", "Where are you?")
    page = signed_in(open_page, shop, "sam")
    desk = Desk(page.locator(".desk"))
    desk.open("Carla")
    page.get_by_role("button", name="Saved replies").click()
    choice = page.get_by_role("dialog").get_by_role("button", name="The way")
    expect(choice).to_contain_text("With way.png, a.txt")
    choice.click()
    tray = page.get_by_role("list", name="Attached files")
    expect(tray.get_by_role("listitem")).to_have_count(2)
    shoot(page, "inbox-saved-reply-files")
    tray.get_by_role("button", name="Remove a.txt").click()
    expect(tray.get_by_role("listitem")).to_have_count(1)
    desk.text.press("Enter")
    desk.expect_tick("We are here:", "sent")
    expect(desk.row("We are here:").get_by_role("img", name="way.png")).to_be_visible()
    expect(tray).to_be_hidden()
    page.get_by_role("button", name="Write a note to the team").click()
    page.get_by_role("button", name="Saved replies").click()
    with page.expect_response(is_given_up), page.expect_response(is_given_up):
        choice.click()
    expect(tray).to_be_hidden()  # a note has no files, and they take no room


@pytest.mark.requirement("EX-23", "EX-24")
def test_who_answers_elsewhere_has_nothing_unread_here_now_and_after_loading_again(
    open_page: Open, shop: Business
) -> None:
    talk = written(shop, "carla", "Is Rex ready?")
    page = signed_in(open_page, shop, "sam")
    row = Desk(page.locator(".desk")).list.get_by_role("button")
    expect(row).to_contain_text("1 unread")
    shop.say(talk, "sam", ["He is waiting for you"])
    expect(row).to_contain_text("He is waiting for you")
    expect(row).not_to_contain_text("unread")
    page = signed_in(open_page, shop, "sam")
    row = Desk(page.locator(".desk")).list.get_by_role("button")
    expect(row).to_contain_text("He is waiting for you")
    expect(row).not_to_contain_text("unread")
    page.get_by_role("button", name="Unread", exact=True).click()
    expect(page.get_by_text("Everything is read.")).to_be_visible()


@pytest.mark.requirement("EX-24")
def test_where_the_team_shares_a_count_what_a_colleague_says_is_seen_all_the_same(
    open_page: Open, shop: Business
) -> None:
    """Nothing of it is unread, but its author is told who has seen it."""
    shop.ask("PATCH", "/v1/business", {"policies": {"unread": "team"}})
    talk = written(shop, "carla", "Is Rex ready?")
    for person in ("mia", "sam"):
        shop.say(talk, person, [f"{person} is here"])
    desk = Desk(signed_in(open_page, shop, "sam").locator(".desk"))
    desk.open("Carla")
    expect(desk.row("mia is here")).to_be_visible()
    shop.say(talk, "mia", ["He is waiting"])
    expect(desk.row("He is waiting")).to_be_visible()
    said = f"/v1/conversations/{talk}"
    for _ in range(50):
        shown = shop.ask("GET", said, None, "mia")
        if {m["person"]: m.get("read_up_to", 0) for m in shown["members"]}["sam"] == 6:
            return
        time.sleep(0.1)
    raise AssertionError(shown)


@pytest.mark.requirement("EX-25")
def test_a_note_is_the_teams_alone_in_its_own_colour_and_names_colleagues(
    open_page: Open, shop: Business, shoot: Shoot
) -> None:
    written(shop, "carla", "Is Rex ready?")
    pages = {name: signed_in(open_page, shop, name) for name in ("sam", "carla")}
    pages["mia"] = signed_in(open_page, shop, "mia", **PHONE)
    desks = {name: Desk(page.locator(".desk")) for name, page in pages.items()}
    for desk in desks.values():
        desk.list.get_by_role("button").first.click()
    sam = desks["sam"]
    sam.text.fill("A message that is begun")
    pages["sam"].get_by_role("button", name="Write a note to the team").click()
    note = pages["sam"].get_by_role("textbox", name="Note to the team")
    expect(note).to_have_value("")
    note.press_sequentially("He bit me again, @")
    picker = pages["sam"].get_by_role("dialog", name="Mention")
    expect(picker.get_by_role("button", name="Mia")).to_be_visible()
    for name in ("Carla", "Zoe"):  # who works elsewhere does not see it
        expect(picker.get_by_role("button", name=name)).to_have_count(0)
    picker.get_by_role("button", name="Mia").click()
    expect(note).to_have_value("He bit me again, @Mia ")
    note.press("Enter")
    slip = sam.root.locator(".row.note", has_text="He bit me again, @Mia")
    expect(slip).to_contain_text("You")
    expect(slip).to_contain_text("to Mia")
    expect(pages["mia"].locator(".toasts")).to_contain_text("Sam mentioned you in a note")
    seen = desks["mia"].root.locator(".row.note", has_text="He bit me again, @Mia")
    expect(seen).to_contain_text("to you")
    shoot(pages["mia"], "inbox-phone-note")
    shoot(pages["sam"], "inbox-note")
    note.press("Escape")
    expect(sam.text).to_have_value("A message that is begun")
    slip.hover()
    slip.get_by_role("button", name="What to do with this note").click()
    pages["sam"].get_by_role("menuitem", name="Edit").click()
    form = pages["sam"].get_by_role("dialog", name="Edit the note")
    form.get_by_role("textbox").fill("He is shy, @Mia")
    form.get_by_role("button", name="Save").click()
    expect(desks["mia"].root.locator(".row.note")).to_contain_text("edited")
    other = Desk(signed_in(open_page, shop, "mia").locator(".desk"))
    other.open("Carla")
    expect(other.root.locator(".row.note")).to_contain_text("He is shy, @Mia")
    sam.text.press("Enter")
    expect(desks["carla"].row("A message that is begun")).to_be_visible()
    expect(desks["carla"].root.locator(".row.note")).to_have_count(0)
    expect(pages["carla"].get_by_role("button", name="Write a note to the team")).to_be_hidden()
    assert "shy" not in str(pages["carla"].evaluate("JSON.stringify(localStorage)"))
