"""Deskbell itself, as it is in this checkout; data made through its own doors."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.process import BENCH, WORK, Running, Unavailable, free_port, fresh_folder, running
from servers.roster import MEMBERS, PAGE_CLIENTS, PAIRS, Member

REPOSITORY = BENCH.parent
COMMAND = REPOSITORY / ".venv" / "bin" / "deskbell"
PYTHON = REPOSITORY / ".venv" / "bin" / "python"
PREPARE = BENCH / "prepare_deskbell.py"
SDK = REPOSITORY / "clients" / "python"
TEMPLATE = WORK / "deskbell-data"
STAMP = "bench-stamp"
TOKENS = "bench-tokens.json"
TOKENS_LAST_SECONDS = 20 * 3600  # they are valid for a day
READER = "author0"


class Deskbell:
    name = "deskbell"
    protocol = "deskbell"
    connecting = 64

    def prepare(self) -> None:
        """Makes data and tokens, unless what is kept fits this schema and is fresh."""
        if not COMMAND.exists():
            raise Unavailable("deskbell: run make bench, which makes .venv first")
        stamp = TEMPLATE / STAMP
        if not stamp.exists() or stamp.read_text() != _fingerprint():
            shutil.rmtree(TEMPLATE, ignore_errors=True)
            folder = fresh_folder("deskbell-template")
            _prepare("fill", folder)
            (folder / STAMP).write_text(_fingerprint())
            shutil.move(folder, TEMPLATE)
        tokens = TEMPLATE / TOKENS
        if not tokens.exists() or time.time() - tokens.stat().st_mtime > TOKENS_LAST_SECONDS:
            _prepare("tokens", TEMPLATE)

    def start(self) -> contextlib.AbstractContextManager[Running]:
        return _server(fresh_folder(self.name, TEMPLATE))

    def roster(self, workload: str, sessions: int) -> Sequence[Member]:
        tokens: dict[str, str] = json.loads((TEMPLATE / TOKENS).read_text())

        def member(name: str, conversation: str) -> Member:
            return Member(name, tokens[name], conversation)

        if workload == "w1":
            return [
                member(f"{role}{pair}", f"pair-{pair}")
                for pair in range(PAIRS)
                for role in ("author", "recipient")
            ]
        if workload in ("w2", "w2r"):
            others = (member(f"member{n}", "room") for n in range(1, MEMBERS))
            return [member(READER, "room"), *others]
        if workload == "w3":
            return [member(f"idle{n}", "none") for n in range(sessions)]
        return [member(READER, "archive") for _ in range(min(sessions, PAGE_CLIENTS))]


def _fingerprint() -> str:
    """Changes with the schema and with what prepare_deskbell.py makes."""
    digest = hashlib.sha256()
    for path in sorted((*(REPOSITORY / "storage" / "migrations").glob("*.sql"), PREPARE)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _prepare(step: str, folder: Path) -> None:
    with _server(folder, core=None, sends_in_flight=500) as server:
        command: list[str | Path] = [
            PYTHON,
            PREPARE,
            step,
            f"http://127.0.0.1:{server.port}",
            folder,
        ]
        environment = {**os.environ, "PYTHONPATH": str(SDK)}
        done = subprocess.run(command, env=environment, stdout=sys.stderr, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"deskbell: {PREPARE.name} {step} failed; see {folder / 'server.log'}")


@contextlib.contextmanager
def _server(folder: Path, core: int | None = 0, sends_in_flight: int = 64) -> Iterator[Running]:
    """The server with its defaults, but for the limit of commands that a connection may send."""
    port = free_port()
    command: list[str | Path] = [COMMAND, "serve", "--data", folder, "--port", str(port)]
    environment = {
        **os.environ,
        "DESKBELL_COMMANDS_PER_SECOND": "0",
        "DESKBELL_SENDS_IN_FLIGHT": str(sends_in_flight),
    }
    with running(command, port, folder, environment, core) as server:
        # It listens before it has opened its database; the answer comes when it serves.
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/ready", timeout=30).close()
        yield server
