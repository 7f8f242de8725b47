"""What `docs/webhooks.md` says is so: its verifiers verify, and it names every type of event."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from domain.webhooks import (
    DEAD_IN_ROW,
    SCHEDULE_SECONDS,
    WEBHOOKS_MAX,
    EventType,
    signature,
)
from server.webhooks import send_hooks
from tests.architecture.checkout import ROOT

pytestmark = [pytest.mark.requirement("EX-38")]

DOCUMENT = (ROOT / "docs" / "webhooks.md").read_text()
BODY = b'{"text": "\xc3\xa9"}'


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    return found[1]


def cases() -> list[tuple[str, bytes, bool]]:
    now = int(time.time())
    return [
        (signature(["whsec"], now, BODY), BODY, True),
        (signature(["new", "whsec"], now, BODY), BODY, True),
        (signature(["other"], now, BODY), BODY, False),
        (signature(["whsec"], now, BODY), BODY + b" ", False),
        (signature(["whsec"], now - 400, BODY), BODY, False),
    ]


def test_the_python_verifier() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    for header, body, genuine in cases():
        assert names["is_deskbell"](header, "whsec", body) is genuine


def test_the_javascript_verifier(tmp_path: Path) -> None:
    script = tmp_path / "verify.js"
    calls = "\n".join(
        f"console.log(isDeskbell({header!r}, 'whsec', Buffer.from({body.hex()!r}, 'hex')));"
        for header, body, _ in cases()
    )
    script.write_text(block("javascript") + calls)
    run = subprocess.run(["node", str(script)], capture_output=True, text=True, check=False)
    assert run.stdout.split() == [str(genuine).lower() for _, _, genuine in cases()], run.stderr


def test_every_type_is_there() -> None:
    assert not [type_ for type_ in EventType if f"`{type_}`" not in DOCUMENT]


def test_the_numbers_are_ours() -> None:
    assert SCHEDULE_SECONDS == (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
    assert f"after {DEAD_IN_ROW} dead letters" in DOCUMENT
    assert f"at most {WEBHOOKS_MAX}" in DOCUMENT
    assert f"{send_hooks.PARALLEL} calls" in DOCUMENT
    assert f"{send_hooks.WAITING_MAX:,} messages" in DOCUMENT
    assert f"{send_hooks.SENTENCE_BYTES} bytes" in DOCUMENT
