"""Files on the page: chosen, dropped, pasted, refused with the exact words, seen, downloaded."""

import io
import random
from typing import Final

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.business import Business
from tests.browser.stage import Desk, Open, Shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PHONE: Final = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
REFUSED: Final = (
    "Not a recognized image file\n"
    "Supported image types are 'jpeg', 'jpg', 'png', 'gif', 'pjpeg', and 'x-png'"
)
FIVE_MIB: Final = 5_242_880
CHUNK: Final = "**/v1/uploads/*?offset=0"
DROP: Final = """([name, type, text, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  const target = document.querySelector(kind === 'paste' ? 'textarea' : '.talk-body');
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""


def picture(kind: str = "PNG") -> bytes:
    """A meadow under a sky, with a dog in it."""
    image = Image.new("RGB", (640, 400), "#9cc4e8")
    image.paste("#6f9f58", (0, 230, 640, 400))
    image.paste("#8a5a33", (250, 190, 400, 280))
    image.paste("#8a5a33", (370, 150, 430, 210))
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def attach(page: Page, name: str, data: bytes, media_type: str = "image/png") -> None:
    file = FilePayload(name=name, mimeType=media_type, buffer=data)
    page.get_by_label("Files to attach").set_input_files(file)


@pytest.mark.requirement("DT-16", "DT-17")
def test_files_are_uploaded_with_progress_seen_and_downloaded(
    open_page: Open, business: Business, shoot: Shoot
) -> None:
    business.group("Rex", "sam", ["carla"], ["Hello"])
    pages = {
        "carla": open_page(f"#token={business.token('carla')}", **PHONE),
        "sam": open_page(f"#token={business.token('sam')}"),
    }
    desks = {name: Desk(page.locator(".desk")) for name, page in pages.items()}
    for desk in desks.values():
        desk.open("Rex")
    carla, sam = desks["carla"], desks["sam"]
    send = carla.root.get_by_role("button", name="Send")
    carla.text.fill("This is how he looks")
    tray = carla.root.get_by_role("list", name="Attached files")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    pages["carla"].route(CHUNK, hold)
    with pages["carla"].expect_request(CHUNK):
        attach(pages["carla"], "Rex.png", picture())
    expect(tray.get_by_role("progressbar", name="Uploading Rex.png")).to_be_visible()
    expect(send).to_be_disabled()
    carla.text.press("Enter")
    expect(pages["carla"].locator(".toasts")).to_contain_text("A file is still on its way")
    expect(carla.text).to_have_value("This is how he looks")
    held[0].continue_()
    pages["carla"].unroute(CHUNK)
    expect(tray.locator("canvas")).to_be_visible()
    expect(tray.get_by_role("progressbar")).to_have_count(0)
    pages["carla"].evaluate(DROP, ["diet.txt", "text/plain", "Two bowls a day", "drop"])
    pages["carla"].evaluate(DROP, ["clip.txt", "text/plain", "Pasted", "paste"])
    expect(tray.get_by_role("listitem")).to_have_count(3)
    tray.get_by_role("button", name="Remove clip.txt").click()
    expect(send).to_be_enabled()
    shoot(pages["carla"], "attachments-phone-tray")
    send.click()
    expect(tray).to_be_hidden()
    carla.expect_tick("This is how he looks", "sent")
    row = sam.row("This is how he looks")
    seen = row.get_by_role("button", name="Picture Rex.png. Show it")
    expect(seen.locator("img")).not_to_have_js_property("naturalWidth", 0)
    with pages["sam"].expect_download() as download:
        row.get_by_role("button", name="Download diet.txt").click()
    assert download.value.path().read_text() == "Two bowls a day"
    assert download.value.suggested_filename == "diet.txt"
    shoot(pages["sam"], "attachments-log")
    seen.click()
    whole = pages["sam"].get_by_role("dialog", name="Rex.png")
    expect(whole.locator("img")).not_to_have_js_property("naturalWidth", 0)
    with pages["sam"].expect_download():
        whole.get_by_role("link", name="Download").click()
    shoot(pages["sam"], "attachments-picture")
    shoot(pages["carla"], "attachments-phone-log")
    attach(pages["carla"], "Max.JPG", picture("JPEG"))
    expect(send).to_be_enabled()
    send.click()  # without a text
    expect(sam.list.get_by_role("button").first).to_contain_text("Carla: Picture")


def test_a_strip_is_as_high_as_other_pictures_and_can_be_hit(
    open_page: Open, business: Business
) -> None:
    business.group("Rex", "sam", ["carla"], ["Hello"])
    page = open_page(f"#token={business.token('carla')}")
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    for name, size in {"high.png": (60, 1800), "wide.png": (1800, 60)}.items():
        data = io.BytesIO()
        Image.new("RGB", size, "#8a5a33").save(data, "PNG")
        attach(page, name, data.getvalue())
        send = desk.root.get_by_role("button", name="Send")
        expect(send).to_be_enabled()
        send.click()
        box = desk.root.get_by_role("button", name=f"Picture {name}").bounding_box()
        assert box is not None
        assert 64 <= box["width"] <= 260
        assert 64 <= box["height"] <= 260


@pytest.mark.requirement("MT-19", "MT-20", "MT-21", "MT-22", "MT-23")
def test_what_is_no_picture_is_refused_in_exact_words_and_the_text_stays(
    open_page: Open, business: Business, shoot: Shoot
) -> None:
    business.group("Rex", "sam", ["carla"], ["Hello"])
    page = open_page(f"#token={business.token('sam')}")
    desk = Desk(page.locator(".desk"))
    desk.open("Rex")
    desk.text.fill("Look at this")
    tray = desk.root.get_by_role("list", name="Attached files")
    large = picture() + random.Random(5).randbytes(FIVE_MIB - len(picture()))
    refused = {
        "large.png": large,
        "broken.png": picture()[:200],
        "photo.webp": picture("WEBP"),
        "empty.png": b"",
    }
    for name, data in refused.items():
        attach(page, name, data)
        file = tray.get_by_role("listitem").filter(has_text=name)
        expect(file.get_by_role("alert")).to_have_text(REFUSED, use_inner_text=True)
    attach(page, "notes.txt", b"", "text/plain")
    file = tray.get_by_role("listitem").filter(has_text="notes.txt")
    expect(file.get_by_role("alert")).to_have_text("The file is empty: there is nothing to send.")
    for _ in range(6):
        attach(page, "again.png", b"")
    expect(tray.get_by_role("alert")).to_have_count(11)  # which are none of the ten that may go
    shoot(page, "attachments-refused")
    attach(page, "SHOUT.PNG", picture("GIF"))  # it is a GIF, whatever it is called
    expect(desk.root.get_by_role("button", name="Send")).to_be_enabled()
    expect(desk.text).to_have_value("Look at this")
    desk.root.get_by_role("button", name="Send").click()
    row = desk.row("Look at this")
    expect(row.get_by_role("button", name="Picture")).to_have_count(1)
    expect(tray).to_be_hidden()
