"""The socket.io + better-sqlite3 peer."""

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.process import BENCH, WORK, Running, Unavailable, free_port, fresh_folder, running
from servers.roster import ARCHIVED, MEMBERS, PAGE_CLIENTS, PAIRS, TEXT, Member

SOURCE = BENCH / "peers" / "socketio"
INSTALLED = WORK / "socketio"
TEMPLATE = WORK / "socketio-data"


class Socketio:
    name = "socketio"
    protocol = "socketio"
    connecting = 64

    def prepare(self) -> None:
        """Installs the pinned packages and makes the database with the long conversation, once."""
        self._install()
        if TEMPLATE.exists():
            return
        folder = fresh_folder("socketio-template")
        with self._server(folder, core=None):
            pass  # its first start makes the tables
        with contextlib.closing(sqlite3.connect(folder / "peer.db")) as database, database:
            database.executemany(
                "INSERT INTO message (conversation, sender, number, at, body)"
                " VALUES ('archive', 'partner', ?, ?, ?)",
                ((n, 1_790_000_000_000 + n, TEXT) for n in range(ARCHIVED)),
            )
        shutil.move(folder, TEMPLATE)

    def start(self) -> contextlib.AbstractContextManager[Running]:
        return self._server(fresh_folder(self.name, TEMPLATE))

    def roster(self, workload: str, sessions: int) -> Sequence[Member]:
        if workload == "w1":
            return [
                Member(f"{role}{pair}", "pw", f"pair-{pair}")
                for pair in range(PAIRS)
                for role in ("author", "recipient")
            ]
        if workload in ("w2", "w2r"):
            return [Member(f"member{n}", "pw", "room") for n in range(MEMBERS)]
        if workload == "w3":
            return [Member(f"idle{n}", "pw", f"idle-{n}") for n in range(sessions)]
        return [Member("reader", "pw", "archive") for _ in range(min(sessions, PAGE_CLIENTS))]

    def _install(self) -> None:
        if (INSTALLED / "node_modules" / "better-sqlite3" / "build").exists():
            return
        if shutil.which("npm") is None:
            raise Unavailable("socketio: install Node.js 20 with npm")
        INSTALLED.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "package.json", INSTALLED)
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=INSTALLED, check=False).returncode != 0:
            raise Unavailable(f"socketio: npm install failed in {INSTALLED}")

    @contextlib.contextmanager
    def _server(self, folder: Path, core: int | None = 0) -> Iterator[Running]:
        port = free_port()
        # Node looks for packages beside the script.
        shutil.copy(SOURCE / "server.js", INSTALLED)
        command: list[str | Path] = ["node", INSTALLED / "server.js", str(port), folder / "peer.db"]
        with running(command, port, folder, core=core) as server:
            yield server
