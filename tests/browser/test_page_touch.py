"""The page under a finger: what can be tapped is large enough, and messages have room."""

from typing import Any, Final

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.stage import Desk, One, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

TOUCH: Final[dict[str, Any]] = {"has_touch": True, "is_mobile": True}

NARROW_TARGETS = """root => [...root.querySelectorAll('button.ticks, .round')]
  .filter((each) => each.getClientRects().length)
  .filter((each) => {
    each.scrollIntoView({ block: 'center' });
    const { left, right, top, bottom } = each.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [[-19, 0], [19, 0], [0, -19], [0, 19], [-19, -19], [19, 19]]
      .some(([dx, dy]) => !each.contains(document.elementFromPoint(x + dx, y + dy)));
  })
  .map((each) => each.outerHTML.slice(0, 120))"""

SIZES = """log => [...log.querySelectorAll('.row, .more, .ticks')]
  .map((each) => [each.offsetWidth, each.offsetHeight].join('x'))"""

WHOLE_MESSAGES = """log => {
  const frame = log.getBoundingClientRect();
  return [...log.querySelectorAll('.row .bubble')].filter((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return top >= frame.top && bottom <= frame.bottom;
  }).length;
}"""


def expect_no_narrow_targets(within: Locator) -> None:
    """Tried again for a while: a receipt that comes in moves what was just scrolled to."""
    found = ["not looked yet"]
    for _ in range(20):
        found = within.evaluate(NARROW_TARGETS)
        if not found:
            break
        within.page.wait_for_timeout(100)
    assert found == []


def test_what_a_finger_taps_is_forty_pixels_wide_and_high(one: One, shoot: Shoot) -> None:
    phone = {"width": 390, "height": 844}
    carla = one("carla", viewport=phone, **TOUCH)
    carla.say("Under a finger")
    carla.expect_tick("Under a finger", "sent")
    shoot(carla.root.page, "phone-touch")
    expect_no_narrow_targets(carla.root)
    mouse = one("carla", viewport=phone)
    expect(mouse.row("Under a finger")).to_be_visible()
    assert carla.log.evaluate(SIZES) == mouse.log.evaluate(SIZES)


def test_the_heads_of_the_three_are_tapped_as_easily(open_page: Open) -> None:
    page = open_page("", viewport={"width": 390, "height": 844}, **TOUCH)
    expect(page.locator(".pane:visible .text").first).to_be_visible()
    expect_no_narrow_targets(page.locator(".top-bar"))
    expect_no_narrow_targets(page.locator(".pane:visible"))


@pytest.mark.parametrize("fragment", ["", "#person=carla"], ids=["three", "one"])
def test_a_phone_on_its_side_shows_three_messages(
    open_page: Open, server: Server, fragment: str, shoot: Shoot
) -> None:
    long = "Rex has had his bath and his trim, and he was as good as gold all the way through: "
    server.say("sam", [long + end for end in ("he eats.", "he dozes.", "he sleeps.", "he snores.")])
    page = open_page(fragment, viewport={"width": 844, "height": 390}, **TOUCH)
    desk = Desk(page.locator(".desk:visible"))
    if fragment:
        desk.list.get_by_role("button").first.click()
    desk.say("Good boy!")  # whoever writes is at the end
    expect(desk.row("Good boy!").last).to_be_in_viewport()
    expect(desk.row("he snores.").last).to_be_in_viewport()
    shoot(page, f"phone-on-its-side-{'one' if fragment else 'three'}")
    assert desk.log.evaluate(WHOLE_MESSAGES) >= 3
    expect(desk.text).to_be_in_viewport(ratio=1)
