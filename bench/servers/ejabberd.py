"""The ejabberd peer: Debian's package, started from a private folder, archive in SQLite."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.process import BENCH, WORK, Running, Unavailable, free_port, fresh_folder, running
from servers.roster import ARCHIVED, IDLE, MEMBERS, PAGE_CLIENTS, PAIRS, TEXT, Member

CONFIGURATION = BENCH / "peers" / "ejabberd" / "ejabberd.yml"
TEMPLATE = WORK / "ejabberd-data"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
PACKAGES = ("ejabberd", "erlang-p1-sqlite3")
NO_AUTOSTART = Path("/usr/sbin/policy-rc.d")
HOST = "localhost"


class Ejabberd:
    name = "ejabberd"
    protocol = "xmpp"
    connecting = 8  # more joins of one room at once only queue up in the room's process

    def prepare(self) -> None:
        """Installs the package, registers everybody and fills the long conversation, once."""
        _install()
        if TEMPLATE.exists():
            return
        folder = fresh_folder("ejabberd-template")
        with _server(folder, core=None) as (_, http_port):
            for name in _people():
                _register(http_port, name)
        with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executemany(
                "INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick)"
                f" VALUES ('reader', ?, 'partner@{HOST}', 'partner@{HOST}', ?, ?, 'chat', '')",
                (_archived(number) for number in range(ARCHIVED)),
            )
        shutil.move(folder, TEMPLATE)

    @contextlib.contextmanager
    def start(self) -> Iterator[Running]:
        with _server(fresh_folder(self.name, TEMPLATE)) as (server, _):
            yield server

    def roster(self, workload: str, sessions: int) -> Sequence[Member]:
        if workload == "w1":
            return [
                Member(f"{own}{pair}", "pw", f"{other}{pair}@{HOST}/x{2 * pair + offset}")
                for pair in range(PAIRS)
                for own, other, offset in (("author", "recipient", 1), ("recipient", "author", 0))
            ]
        if workload in ("w2", "w2r"):
            # A room of its own for each run: ejabberd dissolves a room when the last one leaves,
            # and loses a join that comes just then.
            room = f"bench-{time.time_ns()}@conference.{HOST}"
            return [Member(f"idle{n}", "pw", room) for n in range(MEMBERS)]
        if workload == "w3":
            return [Member(f"idle{n}", "pw", "nobody") for n in range(sessions)]
        readers = min(sessions, PAGE_CLIENTS)
        return [Member("reader", "pw", f"partner@{HOST}") for _ in range(readers)]


def _people() -> Iterator[str]:
    yield from ("reader", "partner")
    for pair in range(PAIRS):
        yield from (f"author{pair}", f"recipient{pair}")
    yield from (f"idle{n}" for n in range(IDLE))


def _archived(number: int) -> tuple[int, str, str]:
    sender = f"partner@{HOST}"
    stanza = (
        f"<message to='reader@{HOST}' from='{sender}/x' type='chat' id='a{number}'>"
        f"<body>{TEXT}</body></message>"
    )
    return 1_790_000_000_000_000 + number, stanza, TEXT


def _register(http_port: int, name: str) -> None:
    body = json.dumps({"user": name, "host": HOST, "password": "pw"}).encode()
    url = f"http://127.0.0.1:{http_port}/api/register"
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        answer.read()


def _install() -> None:
    """Installs Debian's packages without letting them start a service that the world can reach."""
    if shutil.which("dpkg-query") is None:
        raise Unavailable("ejabberd: measured on Debian 12 only, with its own package")
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ", *PACKAGES]
    states = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    if states.split() == ["installed"] * len(PACKAGES):
        return
    if os.geteuid() != 0:
        raise Unavailable(f"ejabberd: as root, apt-get install {' '.join(PACKAGES)} (Debian 12)")
    keep = NO_AUTOSTART.exists()
    if not keep:
        NO_AUTOSTART.write_text("#!/bin/sh\nexit 101\n")
        NO_AUTOSTART.chmod(0o755)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, check=False
        ).returncode
    finally:
        if not keep:
            NO_AUTOSTART.unlink()
    if shutil.which("systemctl") is not None:  # nor may it start with the machine
        subprocess.run(["systemctl", "disable", "--quiet", "ejabberd"], check=False)
    if done != 0:
        raise Unavailable(f"ejabberd: apt-get install {' '.join(PACKAGES)} failed")


@contextlib.contextmanager
def _server(folder: Path, core: int | None = 0) -> Iterator[tuple[Running, int]]:
    """Yields the server and the port of its HTTP API; no Erlang distribution, no epmd."""
    xmpp_port, http_port = free_port(), free_port()
    configuration = CONFIGURATION.read_text()
    configuration = configuration.replace("@XMPP_PORT@", str(xmpp_port))
    configuration = configuration.replace("@HTTP_PORT@", str(http_port))
    (folder / "ejabberd.yml").write_text(configuration)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ERL_LIBS": str(LIBRARIES),
        "EJABBERD_CONFIG_PATH": str(folder / "ejabberd.yml"),
        "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
    }
    # fmt: off
    command = [
        "erl", "-noinput",
        "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",  # no busy waiting
        "+K", "true", "+P", "250000", "+Q", "65536",
        "-mnesia", "dir", f'"{folder / "mnesia"}"',
        "-s", "ejabberd",
    ]
    # fmt: on
    with running(command, xmpp_port, folder, environment, core) as server:
        yield server, http_port
