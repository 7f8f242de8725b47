"""The JavaScript SDK's own tests, under node."""

import subprocess

from tests.browser.stage import ROOT


def test_the_sdk_under_node() -> None:
    folder = ROOT / "clients" / "js-demo"
    done = subprocess.run(
        ["node", "--test", "test/"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:]
