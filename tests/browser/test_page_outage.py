"""The server dies under an open page: nothing that was typed is lost, doubled or disordered."""

from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.browser.stage import Desk, One, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

COMEBACK_MS = 60_000

COVERED = """root => {
  const banner = root.querySelector('.banner').getBoundingClientRect();
  return [...root.querySelectorAll('.bar, .search, .list, .log, .composer')]
    .filter((each) => each.getClientRects().length)
    .filter((each) => {
      const { left, right, top, bottom } = each.getBoundingClientRect();
      return left < banner.right && right > banner.left && top < banner.bottom
        && bottom > banner.top;
    })
    .map((each) => each.className);
}"""


@pytest.mark.requirement("EX-1", "EX-2")
def test_messages_typed_while_the_server_is_dead_arrive_once_and_in_order(
    one: One, server: Server, shoot: Shoot
) -> None:
    carla, sam = one("carla"), one("sam")
    carla.say("Before the crash")
    expect(sam.row("Before the crash")).to_be_visible()
    for desk, other, name in ((carla, sam, "Carla"), (sam, carla, "Sam")):
        desk.say(f"{name} 0")
        server.kill()
        desk.say(f"{name} 1")
        desk.say(f"{name} 2")
        desk.expect_tick(f"{name} 2", "waiting")
        expect(desk.root.locator(".banner")).to_be_visible()
        shoot(desk.root.page, "waiting")
        server.start()
        with suppress(PlaywrightTimeout):  # it may be back by itself, and the button gone
            desk.root.locator(".banner").get_by_role("button").click(timeout=1_000)
        expect(desk.root.locator(".banner")).to_be_hidden(timeout=COMEBACK_MS)
        # What is still on its way when the server dies again may come after what others say then.
        expect(other.row(f"{name} 2")).to_be_visible(timeout=COMEBACK_MS)
    said = [f"{name} {number}" for name in ("Carla", "Sam") for number in range(3)]
    for desk in (carla, sam):
        for text in said:
            expect(desk.row(text)).to_have_count(1)
    orders = [[text for text in desk.texts() if text in said] for desk in (carla, sam)]
    assert orders == [said, said]
    sam.root.page.reload()
    expect(sam.list.get_by_role("button").first).to_contain_text("Sam 2")


def test_what_waits_survives_a_reload_of_the_page(one: One, server: Server) -> None:
    carla, sam = one("carla"), one("sam")
    page = carla.root.page
    carla.root.get_by_role("button", name="Settings", exact=True).click()
    carla.root.locator(".setting").filter(has_text="Connected").click()
    carla.root.get_by_label("Close").click()
    expect(carla.root.locator(".banner")).to_contain_text("You are offline")
    carla.say("Typed in a tunnel")
    carla.expect_tick("Typed in a tunnel", "waiting")
    page.reload()
    expect(sam.row("Typed in a tunnel")).to_have_count(1)
    carla.list.get_by_role("button").first.click()
    expect(carla.row("Typed in a tunnel")).to_have_count(1)
    carla.expect_tick("Typed in a tunnel", "sent")


@pytest.mark.parametrize(
    "size", [{"width": 390, "height": 844}, {"width": 1280, "height": 800}], ids=["phone", "desk"]
)
def test_the_banner_lies_over_nothing(open_page: Open, size: dict[str, int], shoot: Shoot) -> None:
    page = open_page("#person=carla", viewport=size)
    carla = Desk(page.locator(".desk"))
    first = carla.list.get_by_role("button").first
    expect(first).to_be_visible()
    carla.root.get_by_role("button", name="Settings", exact=True).click()
    carla.root.locator(".setting").filter(has_text="Connected").click()
    carla.root.get_by_label("Close").click()
    expect(carla.root.locator(".banner")).to_contain_text("You are offline")
    shoot(page, f"offline-list-{size['width']}")
    assert carla.root.evaluate(COVERED) == []
    first.click()
    expect(carla.text).to_be_visible()
    shoot(page, f"offline-conversation-{size['width']}")
    assert carla.root.evaluate(COVERED) == []
    expect(carla.text).to_be_in_viewport(ratio=1)
    carla.root.get_by_role("button", name="Go online").click()
    expect(carla.root.locator(".banner")).to_be_hidden()
    assert carla.root.evaluate("root => root.querySelector('.talk').offsetTop") == 0


def test_a_second_window_takes_over_and_the_first_one_says_so(one: One) -> None:
    first = one("carla")
    page = first.root.page.context.new_page()
    page.goto(first.root.page.url)
    expect(first.root.locator(".banner")).to_contain_text("open in another window")
    first.root.page.bring_to_front()
    first.root.get_by_role("button", name="Use it here").click()
    expect(first.root.locator(".banner")).to_be_hidden()
