"""What one does while answers are on their way: nothing typed is lost or lands elsewhere."""

import pytest
from playwright.sync_api import expect

from tests.browser.stage import One, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SEE_ALL_AND_SWITCH = """async button => {
  const log = document.querySelector('.log');
  log.scrollTop = log.scrollHeight;
  for (let turns = 0; turns < 3; turns++) await new Promise(requestAnimationFrame);
  button.click();
}"""


def test_what_is_typed_while_an_edit_is_saved_stays(one: One, server: Server) -> None:
    carla = one("carla")
    carla.say("Rex is redy")
    carla.expect_tick("Rex is redy", "sent")
    carla.choose("Rex is redy", "Edit")
    server.freeze()
    carla.say("Rex is ready")
    carla.text.press_sequentially("See you")
    server.thaw()
    expect(carla.row("Rex is ready")).to_have_count(1)
    expect(carla.text).to_have_value("See you")


def test_an_edit_that_was_not_saved_comes_back(one: One, server: Server) -> None:
    carla = one("carla")
    carla.say("Rex is redy")
    carla.expect_tick("Rex is redy", "sent")
    carla.text.fill("begun")
    carla.choose("Rex is redy", "Edit")
    server.freeze()
    carla.say("Rex is ready")
    expect(carla.text).to_have_value("begun")
    server.kill()
    expect(carla.text).to_have_value("Rex is ready")
    expect(carla.root.get_by_text("Edit message")).to_be_visible()
    carla.text.press("Escape")
    expect(carla.text).to_have_value("begun")
    server.start()


def test_receipts_that_come_late_do_not_interrupt_who_writes(one: One, server: Server) -> None:
    sam = one("sam")
    sam.say("Who comes?")
    sam.expect_tick("Who comes?", "sent")
    server.freeze()
    sam.row("Who comes?").locator(".ticks").click()
    sam.text.press_sequentially("hello ")
    server.thaw()
    sam.text.press_sequentially("world", delay=150)
    expect(sam.text).to_have_value("hello world")
    expect(sam.root.get_by_role("dialog", name="Receipts")).to_have_count(0)


def test_a_quoted_text_that_is_deleted_is_quoted_no_more(one: One, server: Server) -> None:
    carla = one("carla")
    server.say("sam", ["The code is 4711"])
    carla.choose("The code is 4711", "Reply")
    quoted = carla.root.locator(".composer .context")
    expect(quoted).to_contain_text("The code is 4711")
    server.delete("sam", "The code is 4711")
    expect(quoted).to_be_hidden()
    expect(quoted).to_be_empty()


def test_only_what_is_shown_counts_as_read_also_after_a_quick_switch(
    one: One, server: Server
) -> None:
    group = {"kind": "group", "title": "Cake club", "people": ["sam", "carla"]}
    club = server.ask("POST", "/v1/conversations", group, server.token("olivia"))["id"]
    carla = one("carla", viewport={"width": 1280, "height": 400})
    token = server.token("sam")
    for number in range(60):
        message = {"client_message_id": f"cake-{number}", "text": f"Cake {number}"}
        server.ask("POST", f"/v1/conversations/{club}/messages", message, token)
    cakes = carla.list.get_by_role("button").filter(has_text="Cake club")
    cakes.click()
    expect(carla.row("Cake 0")).to_have_count(1)
    server.say("sam", [f"Rex {number}" for number in range(30)])
    other = carla.list.get_by_role("button").filter(has_text="Rex 29")
    expect(other.locator(".badge")).to_contain_text("3")
    other.evaluate(SEE_ALL_AND_SWITCH)
    carla.root.page.wait_for_timeout(1_500)
    expect(other.locator(".badge")).to_be_visible()
    carla.log.evaluate("log => { log.scrollTop = log.scrollHeight; }")
    expect(other.locator(".badge")).to_be_hidden()
