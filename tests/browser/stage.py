"""What the tests of the page play on: a server that may be killed, and one person's Deskbell."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 30


class Server:
    """`deskbell demo` on one port and one folder of data, over as many processes as are killed.

    Or ``command``: another one that serves.
    """

    def __init__(self, data: Path, command: str = "demo") -> None:
        self.data = data
        self._command = command
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "server.cli", self._command]
        options = ["--data", str(self.data), "--port", str(self.port)]
        with (self.data.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command + options, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail((self.data.parent / "server.log").read_text(errors="replace")[-4000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v1/ready", timeout=1) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """As a power cut does: `kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def freeze(self) -> None:
        """It answers nobody, as over a line that stands still, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """One request of the HTTP API."""
        raw = isinstance(body, bytes)
        data = body if raw else None if body is None else json.dumps(body).encode()
        content = "application/octet-stream" if raw else "application/json"
        headers = {"Content-Type": content} if data else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read() or b"null")

    def token(self, person: str) -> str:
        return str(self.ask("POST", "/v1/demo/tokens", {"person": person})["token"])

    @property
    def conversation(self) -> str:
        return str(self.ask("GET", "/v1/demo")["conversation"])

    def say(self, person: str, texts: list[str]) -> None:
        """Messages that come by the HTTP API, in this order."""
        token, conversation = self.token(person), self.conversation
        for number, text in enumerate(texts):
            message = {"client_message_id": f"api-{time.time_ns()}-{number}", "text": text}
            self.ask("POST", f"/v1/conversations/{conversation}/messages", message, token)

    def delete(self, person: str, text: str) -> None:
        """Delete a message of this text by the HTTP API."""
        token, messages = self.token(person), f"/v1/conversations/{self.conversation}/messages"
        held = self.ask("GET", messages, token=token)["messages"]
        seq = next(each["seq"] for each in held if each.get("text") == text)
        self.ask("DELETE", f"{messages}/{seq}", token=token)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Errors(list[str]):
    """What a page complained of. A lost connection is no defect of it, nor is a conflict or a file
    that is not taken, which it tells of in its own words."""

    def heard(self, message: ConsoleMessage) -> None:
        passing = ["net::ERR_", "a status of 409"]
        if message.location["url"].endswith("/v1/uploads"):
            passing.append("a status of 400")
        if message.type == "error" and not any(each in message.text for each in passing):
            self.append(message.text)


Open = Callable[..., Page]
One = Callable[..., "Desk"]
Shoot = Callable[[Page, str], None]


class Desk:
    """One person's Deskbell on a page: what somebody who uses it does and sees."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.text = root.get_by_role("textbox", name="Message")
        self.log = root.locator(".log")
        self.list = root.get_by_role("list", name="Conversations")

    def open(self, title: str) -> None:
        self.list.get_by_role("button").filter(has_text=title).click()
        expect(self.text).to_be_visible()

    def say(self, text: str) -> None:
        self.text.fill(text)
        self.text.press("Enter")

    def row(self, text: str) -> Locator:
        said = self.root.page.locator(".text").filter(has_text=text)
        return self.root.locator(".rows .row").filter(has=said)

    def expect_tick(self, text: str, state: str) -> None:
        ticks = self.row(text).locator(".ticks")
        expect(ticks).to_have_attribute("data-state", state)

    def choose(self, text: str, entry: str) -> None:
        """Open the menu of a message and take an entry."""
        self.row(text).hover()
        self.row(text).locator(".more").click()
        self.root.get_by_role("menuitem", name=entry).click()

    def texts(self) -> list[str]:
        return self.root.locator(".rows .row .text").all_inner_texts()
