"""The page for those who use no mouse, cannot see it, or see it on a small screen."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Desk, One, Open, Server, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

Three = tuple[Page, dict[str, Desk]]

UNNAMED = """() => [...document.querySelectorAll('button, a, input, textarea, [role=dialog]')]
  .filter((each) => each.getClientRects().length)
  .filter((each) => !(each.ariaLabel || each.labels?.length || each.innerText?.trim()
    || each.getAttribute('aria-labelledby')))
  .map((each) => each.outerHTML.slice(0, 200))"""

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_enough_contrast(three: Three, scheme: str) -> None:
    page, desks = three
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    olivia, sam, carla = desks["olivia"], desks["sam"], desks["carla"]
    carla.say(f"Contrast in the {scheme} with a [link](https://example.org)")
    expect(olivia.row(f"Contrast in the {scheme}")).to_have_count(1)
    sam.root.get_by_label("Back to the conversations").click()
    olivia.root.get_by_role("button", name="Members", exact=True).click()
    sam.root.get_by_role("button", name="Settings", exact=True).click()
    expect(sam.root.get_by_role("dialog", name="Settings")).to_be_visible()
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_conversation_by_keyboard_alone(open_page: Open, one: One) -> None:
    page = open_page("#person=carla")
    carla, sam = Desk(page.locator(".desk")), one("sam")
    expect(carla.list.get_by_role("button").first).to_be_visible()
    press = page.keyboard.press
    focused = page.locator(":focus")
    for _ in range(6):
        press("Tab")
        if focused.get_attribute("type") == "search":
            break
    press("ArrowDown")
    press("Enter")
    expect(carla.text).to_be_focused()
    page.keyboard.type("First line")
    press("Shift+Enter")
    page.keyboard.type("second line")
    press("Enter")
    expect(sam.row("second line").locator(".text")).to_have_text("First line\nsecond line")
    expect(carla.row("second line").locator("[data-state=waiting]")).to_have_count(0)
    press("ArrowUp")
    expect(carla.text).to_have_value("First line\nsecond line")
    press("Escape")
    expect(carla.text).to_have_value("")
    press("Shift+Tab")
    expect(focused).to_contain_text("second line")
    press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(focused).to_contain_text("second line")
    press("ArrowUp")
    expect(focused).not_to_contain_text("second line")
    press("End")
    press("Enter")
    press("End")
    press("Enter")
    press("Tab")
    press("Enter")
    expect(carla.row("This message was deleted").last).to_be_visible()
    press("Escape")
    expect(carla.list.locator(":focus")).to_have_count(1)


def test_sheets_keep_the_focus_and_obey_escape(open_page: Open) -> None:
    page = open_page("#person=sam")
    focused, press = page.locator(":focus"), page.keyboard.press
    expect(page.locator(".desk")).to_have_attribute("data-status", "online")
    page.get_by_role("button", name="New conversation").press("Enter")
    sheet = page.get_by_role("dialog", name="New conversation")
    expect(sheet.locator(".person").nth(1)).to_be_visible()
    for _ in range(2):
        press("ArrowDown")
        press("Enter")
    chips = sheet.locator(".chip")
    chips.last.press("Enter")
    expect(chips).to_have_count(1)
    expect(chips).to_be_focused()
    press("Enter")
    search = page.get_by_label("Search people")
    expect(search).to_be_focused()
    for name in ("Carla", "Olivia"):
        search.fill(name)
        expect(sheet.locator(".person")).to_have_count(1)
        expect(sheet.locator(".person")).to_contain_text(name)
        press("ArrowDown")
        press("Enter")
    sheet.get_by_role("button", name="Start a group").press("Enter")
    page.get_by_role("button", name="Members", exact=True).press("Enter")
    sheet = page.get_by_role("dialog", name="Members")
    sheet.get_by_role("button", name="Remove Carla").press("Enter")
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    expect(sheet.get_by_text("Carla")).to_have_count(0)
    sheet.get_by_role("button", name="Add somebody").press("Enter")
    search.fill("Carla")
    expect(sheet.locator(".person")).to_have_count(1)
    press("ArrowDown")
    press("Enter")
    expect(sheet.get_by_role("button", name="Remove Carla")).to_be_visible()
    expect(focused).to_have_text("Add somebody")
    page.evaluate("document.activeElement.blur()")
    press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.get_by_role("button", name="Members", exact=True)).to_be_focused()


def test_new_messages_are_read_out_and_ticks_are_words(one: One) -> None:
    carla, sam = one("carla"), one("sam")
    sam.say("Spoken **aloud**")
    said = carla.root.get_by_role("log", name="New messages")
    expect(said).to_contain_text("Sam: Spoken aloud")
    expect(sam.row("Spoken aloud").get_by_role("button", name="Show who and when")).to_have_count(1)
    expect(carla.row("Spoken aloud")).to_contain_text("Sam Rivers:")


def test_nothing_breaks_the_layout(one: One, server: Server, shoot: Shoot) -> None:
    texts = [
        "https://example.org/" + "a" * 500,
        "שלום! האם אפשר להזיז את התור? 10:00",
        "🐕🎉",
        "<img src=x onerror=alert(1)><script>alert(2)</script> & [x](javascript:alert(3))",
        "word " * 6_500,
    ]
    server.say("sam", texts)
    carla = one("carla", viewport={"width": 360, "height": 740})
    page = carla.root.page
    last = carla.row("word word")
    expect(last.get_by_role("button", name="Show all")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    assert carla.log.evaluate("log => log.scrollWidth - log.clientWidth") <= 0
    expect(carla.row("<img src=x")).to_contain_text("[x](javascript:alert(3))")
    assert carla.row("<img src=x").locator("img, script, a").count() == 0
    carla.row("שלום").scroll_into_view_if_needed()
    shoot(page, "phone-long-words")
    assert (
        carla.row("שלום").locator(".body").evaluate("e => getComputedStyle(e).direction") == "rtl"
    )
    last.get_by_role("button", name="Show all").click()
    assert int(last.bounding_box()["height"]) > 5_000  # type: ignore[index]


def test_a_text_over_the_limit_says_by_how_much(one: One) -> None:
    carla = one("carla")
    carla.text.fill("ü" * 16_385)
    send = carla.root.get_by_role("button", name="Send")
    expect(carla.root.locator(".count")).to_have_text("2 bytes too long")
    expect(send).to_be_disabled()
    carla.text.fill("ü" * 16_384 + "x")
    expect(carla.root.locator(".count")).to_have_text("1 byte too long")
    carla.text.fill("ü" * 16_384)
    expect(carla.root.locator(".count")).to_have_text("0 bytes left")
    expect(send).to_be_enabled()


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
        {"viewport": {"width": 820, "height": 1100}},
    ],
    ids=["phone", "tablet"],
)
def test_the_three_fit_a_small_screen(
    open_page: Open, options: dict[str, Any], shoot: Shoot
) -> None:
    page = open_page("", **options)
    for person in ("Sam", "Carla", "Olivia"):
        page.get_by_role("group", name="Whose messages").get_by_role("button", name=person).click()
        visible = page.locator(".pane:visible")
        expect(visible).to_have_count(1)
        expect(visible.get_by_role("textbox", name="Message")).to_be_in_viewport()
    assert page.evaluate(WIDER) <= 0
    shoot(page, f"three-people-{options['viewport']['width']}")
