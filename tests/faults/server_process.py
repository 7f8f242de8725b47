"""The server as its own process, with a real port and a real file, that can be killed."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import trio

from domain.roles import Role
from server.app import now_ms
from tests.faults.premises import Premises

ROOT = Path(__file__).parents[2]
WARM = "import sys, server.cli; sys.stdin.readline(); server.cli.main()"
"""`deskbell`, with everything imported, waiting for a line before it begins: to start again fast.

What is measured from that line on is the start of the server without that of Python."""

READY_WITHIN = 20.0


def free_port() -> int:
    """A free port below those that the system gives to outgoing connections.

    A client that dials such a port of its own machine while nobody listens may meet itself.
    """
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class ServerProcess:
    """`deskbell serve` over ``folder`` on one port, started again and again."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.port = free_port()
        self.starts = 0
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Return when it listens."""
        process = self._spare or self._spawn()
        self._spare = None
        self._process = process
        self.starts += 1
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        with trio.fail_after(READY_WITHIN):
            line = await trio.to_thread.run_sync(self._first_line, abandon_on_cancel=True)
        assert b"listens on port" in line, line
        self._spare = self._spawn()

    def kill(self) -> None:
        """SIGKILL: not a word, and nothing is finished."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM: drain."""
        self._signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for the end; the exit status."""
        assert self._process is not None
        status = await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return status

    def clear(self) -> None:
        """End what still runs."""
        for process in (self._process, self._spare):
            if process is not None:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()
        self._process = self._spare = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _first_line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {f"DESKBELL_{k.upper()}": str(v) for k, v in self._settings.items()}
        command = [sys.executable, "-c", WARM, "serve", "--data", str(self.folder)]
        return subprocess.Popen(
            [*command, "--port", str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "DESKBELL_LOG_LEVEL": "error"} | environment,
        )


async def furnish(
    folder: Path, people: Mapping[str, Role], conversations: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Make a business in a folder that no server runs on; a token of a day for each person."""
    async with trio.open_nursery() as nursery:
        premises = Premises(nursery, folder, people=people, clock=now_ms)
        await premises.open()
        for conversation, members in conversations.items():
            await premises.group(conversation, *members)
        tokens = {person: premises.token(person) for person in people}
        await premises.close()
    return tokens
