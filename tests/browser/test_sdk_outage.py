"""The JavaScript SDK against the real server, which dies again and again."""

from pathlib import Path

import pytest

from tests.browser.stage import Open, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

STORM = (Path(__file__).parent / "storm.js").read_text()


@pytest.mark.requirement("EX-1", "EX-2", "EX-8")
def test_six_devices_agree_after_the_server_was_killed_under_them(
    open_page: Open, server: Server
) -> None:
    page = open_page(path="/v1/docs")
    page.set_default_timeout(120_000)
    page.evaluate(STORM)
    page.evaluate("where => begin(where, 60)", server.conversation)
    for _ in range(2):
        page.wait_for_timeout(1_000)
        server.kill()
        server.start()
    assert page.evaluate("end()") == []
