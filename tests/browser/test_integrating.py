"""docs/integrating.md does what it says: every file and command of it, in its order."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.stage import ROOT, Errors, free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

GUIDE = ROOT / "docs" / "integrating.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w.]+\.(?:html|py|mjs))`")
DONE = "every command was run"


def script(guide: str) -> str:
    """The commands of the guide; its files are written where they stand."""
    lines, read = ["set -euo pipefail"], 0
    for block in BLOCK.finditer(guide):
        language, text = block.groups()
        if language == "sh":
            lines.append(text)
        else:
            name = NAMED.findall(guide[read : block.start()])[-1]
            lines.append(f"cat > {name} <<'END_OF_FILE'\n{text}END_OF_FILE")
        read = block.end()
    return "\n".join([*lines, f"echo {DONE}", 'while read -r more; do eval "$more"; done'])


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The guide at work in an empty folder, on ports of its own; the address of its page."""
    desk, booking = free_port(), free_port()
    text = GUIDE.read_text().replace(":8000", f":{desk}").replace("--port 8000", f"--port {desk}")
    text = text.replace(":9000", f":{booking}")
    programs = tmp_path / "bin"
    programs.mkdir()
    deskbell = programs / "deskbell"
    deskbell.write_text(f'#!/bin/sh\nexec {sys.executable} -m server.cli "$@"\n')
    deskbell.chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(
            ["bash", "-c", script(text)],
            cwd=folder,
            env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            yield process, f"http://127.0.0.1:{booking}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_the_guide_leads_to_a_widget_in_a_booking_page(
    guide: tuple["subprocess.Popen[str]", str], browser: Browser, tmp_path: Path
) -> None:
    process, booking = guide
    assert process.stdout is not None
    said = list[str]()
    for line in process.stdout:
        said.append(line.strip())
        if said[-1] == DONE:
            break
    assert said[-1:] == [DONE], "\n".join(said) + (tmp_path / "errors").read_text()
    answers = [json.loads(line) for line in said if line.startswith("{")]
    sent = [each["seq"] for each in answers if "seq" in each and "at" in each]
    assert sent == [1, 1, 3, 4], "once though sent twice; who answers joins; below what was before"
    (why,) = [each for each in answers if "rule" in each]
    assert why["rule"] == "last_appointment"
    (found,) = [each["people"] for each in answers if "people" in each]
    assert [(person["id"], person["reference"]) for person in found] == [("carla", "crm-1742")]
    (booked,) = [each["appointments"] for each in answers if "appointments" in each]
    assert [(one["id"], one["status"]) for one in booked] == [("booking-7041", "confirmed")]
    *_, changed, shown = [each for each in answers if each.get("id") == "lakeside"]
    assert changed == shown
    spans = [[(span["opens"], span["closes"]) for span in day] for day in shown["hours"]["week"]]
    whole = (540, 1080)
    assert spans == [[], *[[whole]] * 4, [(540, 720), (780, 960)], []], "closed on Mondays"
    assert [each["date"] for each in shown["hours"]["holidays"]] == ["2026-12-25", "2026-12-24"]
    assert (shown["alert_minutes"], shown["away_text"][:13]) == (30, "We are closed")
    *_, page_of_nina = [each["messages"] for each in answers if "messages" in each]
    assert [(m["author"], m["client_message_id"]) for m in page_of_nina][-1] == ("nina", "web-1")
    assert [m["text"] for m in page_of_nina][:3] == [
        "Running late, sorry!",
        "No worries, we wait.",
        "Thanks, Sam.",
    ]
    (report,) = [each for each in answers if "refused" in each and "id" not in each]
    assert [each["number"] for each in report["refused"]] == [4]
    assert {"person": "nina", "state": "erased"} in answers
    assert [line for line in said if line.startswith("said.json")]
    assert "genuine message.sent" in said
    assert "FORGED" not in "\n".join(said)

    errors, page = Errors(), browser.new_page()
    page.on("console", errors.heard)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(booking)
    log = page.get_by_role("log", name="Messages")
    expect(log).to_contain_text("Can Rex stay until five?")
    expect(log.locator("strong")).to_have_text("five")
    message = page.get_by_role("textbox", name="Message")
    message.fill("Thank you **both**!")
    message.press("Enter")
    expect(log.locator(".row").last).to_contain_text("Thank you both!")
    expect(log.locator(".row").last.locator(".ticks")).to_have_attribute("data-state", "sent")
    assert process.stdin is not None
    process.stdin.write("KEY=$FIRST ask PATCH /v1/people/carla -d '{\"active\":false}' >&2\n")
    process.stdin.flush()
    expect(page.get_by_role("status")).to_contain_text("Please reach us another way.")
    expect(message).to_be_disabled()
    page.close()
    assert errors == []
