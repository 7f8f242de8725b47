"""Search on the page: what was said, wherever, with what was found marked."""

import pytest
from playwright.sync_api import expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.requirement("EX-30")
def test_a_message_is_found_marked_and_opened_where_it_stands(
    open_page: Open, business: Business, shoot: Shoot
) -> None:
    business.group("Rex", "sam", ["carla"], ["He had a **hot spot** on his back, poor Ángel"])
    business.say("rex", "sam", ["All [our salves](https://pets.example/list) are on the shelf"])
    business.say("rex", "sam", [f"Line {number}" for number in range(60)])
    business.group("Max", "sam", ["carla"], ["Nothing of that"])
    page = open_page(f"#token={business.token('carla')}")
    desk = Desk(page.locator(".desk"))
    expect(desk.list.get_by_role("button")).to_have_count(2)
    search = page.get_by_role("searchbox", name="Search conversations and messages")
    search.fill('angel "hot spot"')
    found = page.get_by_role("list", name="Messages found").get_by_role("button")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("Rex")
    expect(found.locator("mark")).to_have_text(["hot spot", "Ángel"])
    shoot(page, "search")
    search.press("ArrowDown")
    expect(found).to_be_focused()
    found.press("Enter")
    expect(desk.row("poor Ángel")).to_be_in_viewport()
    search.fill("salves shelf")
    expect(found).to_contain_text("All our salves are on the shelf")
    expect(found.locator("mark")).to_have_text(["salves", "shelf"])
    search.fill("nobody ever said this")
    expect(page.get_by_text("No message says that.")).to_be_visible()
    search.fill("")
    expect(page.get_by_role("region", name="Messages")).to_be_hidden()


@pytest.mark.requirement("EX-30")
def test_what_is_looked_for_without_a_connection_is_found_once_there_is_one(
    open_page: Open, business: Business, server: Server
) -> None:
    business.group("Rex", "sam", ["carla"], ["He had a hot spot", "And a long nap"])
    page = open_page(f"#token={business.token('carla')}")
    search = page.get_by_role("searchbox", name="Search conversations and messages")
    search.fill("hot spot")
    found = page.get_by_role("list", name="Messages found").get_by_role("button")
    expect(found).to_contain_text("hot spot")
    server.kill()
    expect(page.locator(".banner")).to_be_visible()
    search.fill("long nap")
    expect(page.get_by_text("They are searched once you are connected.")).to_be_visible()
    expect(found).to_have_count(0)  # what was found before is of other words
    server.start()
    expect(found).to_contain_text("long nap", timeout=60_000)
    expect(page.get_by_text("once you are connected")).to_be_hidden()
