"""Starting a server on core 0, waiting until it listens, and stopping it whatever happens."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
WORK = BENCH / ".work"
SERVER_CORE = 0
GENERATOR_CORE = 1


class Unavailable(Exception):
    """A server cannot be measured here; the text says in one line what to do about it."""


@dataclass(frozen=True)
class Running:
    """A server that listens on 127.0.0.1:port."""

    pid: int
    port: int


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fresh_folder(name: str, template: Path | None = None) -> Path:
    """An empty working folder for one start of a server, or a copy of its template."""
    folder = WORK / "run" / name
    shutil.rmtree(folder, ignore_errors=True)
    if template is None:
        folder.mkdir(parents=True)
    else:
        shutil.copytree(template, folder)
    return folder


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    core: int | None = SERVER_CORE,
) -> Iterator[Running]:
    """Runs a server until the block ends; it dies with this process, even by SIGKILL.

    Its output goes to server.log in the folder. Raises RuntimeError when it does not listen within
    30 s.
    """
    prefix = ["setpriv", "--pdeathsig", "KILL"]
    if core is not None:
        prefix += ["taskset", "-c", str(core)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_listening(process, port, folder)
        yield Running(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{folder.name} does not listen; see {folder / 'server.log'}")
