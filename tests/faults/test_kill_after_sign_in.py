"""The first start and signing in, with a real server that is killed in between."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.faults.server_process import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 50
OWNER = {
    "business": "Fluffy & Co",
    "name": "Olivia Marsh",
    "email": "olivia@x.example",
    "password": "a walk in the rain",
}


class Serving:
    """`deskbell serve` on one port and folder, killed and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cookie = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str | None:
        """The set-up link, if there is one."""
        self._process = subprocess.Popen(
            [*self._command("serve"), "--port", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "listens on port" in line, line
        if not self.open():
            return None
        while line and "#set-up=" not in line:
            line = self._process.stdout.readline()
        return line.strip()

    def open(self) -> bool:
        """Whether the server waits for its first owner."""
        body = {"setup_token": "nothing", **OWNER}
        return self.ask("POST", "/v1/setup", body)[0] == 401

    def kill(self, how: signal.Signals = signal.SIGKILL) -> str:
        """End it; what it wrote to its log."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(how)
        return process.communicate(timeout=PATIENCE)[1]

    def clear(self) -> None:
        if self._process is not None:
            self.kill()

    def account(self, *more: str) -> str:
        """What `deskbell account` prints."""
        command = [*self._command("account"), "--url", self.url, *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """One request of the page, which keeps the cookie."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Origin": self.url, "Content-Type": "application/json", "Cookie": self.cookie}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                self._keep(reply.headers)
                return reply.status, json.loads(reply.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def _keep(self, headers: HTTPMessage) -> None:
        if headers["Set-Cookie"]:
            self.cookie = headers["Set-Cookie"].partition(";")[0]

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "server.cli", name, "--data", str(self.data)]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(tmp_path / "data")
    yield serving
    serving.clear()


def text_of(link: str) -> str:
    return re.split("#[a-z-]+=", link)[1]


@pytest.mark.timeout(180)
def test_whoever_was_let_in_is_in_after_a_kill(serving: Serving) -> None:
    first = serving.start()
    assert first is not None
    assert first in serving.kill(), "the link is in the log, too"
    link = serving.start()
    assert link is not None
    assert link != first, "each start has a link of its own"
    status, made = serving.ask("POST", "/v1/setup", {"setup_token": text_of(link), **OWNER})
    assert (status, made["person"]) == (201, "owner")
    lost = serving.cookie
    status, _ = serving.ask("POST", "/v1/sign-in/refresh", {})
    assert status == 200
    serving.kill()

    assert serving.start() is None, "there is an owner"
    serving.cookie = lost  # as if the answer to the refresh had not come through
    status, renewed = serving.ask("POST", "/v1/sign-in/refresh", {})
    assert (status, renewed["session"]) == (200, made["session"])
    assert serving.ask("GET", "/v1/me", token=made["token"])[0] == 200
    ended = serving.cookie
    assert serving.ask("DELETE", "/v1/sign-in")[0] == 200
    serving.kill()

    assert serving.start() is None
    serving.cookie = ended
    assert serving.ask("POST", "/v1/sign-in/refresh", {})[0] == 401
    assert serving.ask("GET", "/v1/me", token=made["token"])[0] == 401
    asked = serving.ask("POST", "/v1/sign-in/link", {"email": "Olivia@X.example"})
    assert asked == (202, {})
    by_operator = serving.account("--business", "fluffy-co", "--person", "owner")
    body = {"link": text_of(by_operator), "password": "two walks in the sun"}
    assert serving.ask("POST", "/v1/sign-in/link/redeem", body)[0] == 200
    assert serving.ask("POST", "/v1/sign-in/link/redeem", body)[0] == 401
    log = serving.kill(signal.SIGTERM)
    assert "one_time_link" in log
    assert f"{serving.url}/#link=" in log
    assert "olivia" not in log.lower()
