"""Examining a file in a process of its own, with little memory, little time, and no environment.

Whatever a file does to the libraries that read it, it does there: the process is killed when it
takes too long, and a file whose examination does not end well is refused.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import structlog
import trio

from domain.attachments import DAMAGED, Policy
from server.attachments.examine import Request, Result

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 30
WALL_SECONDS = 60.0
FILE_BYTES = 64 * 2**20
RESULT_BYTES = 65_536

log = structlog.get_logger(__name__)


async def examine(file: Path, folder: Path, policy: Policy, pixels: int) -> Result:
    """What ``file`` is; what is made of it is in ``folder``. Both are absolute.

    Raises `OSError`: no process could be started, which says nothing of the file.
    """
    request = Request(
        str(file),
        str(folder),
        policy,
        pixels,
        MEMORY_BYTES,
        CPU_SECONDS,
        FILE_BYTES,
    )
    with trio.move_on_after(WALL_SECONDS):
        ended = await trio.run_process(
            [sys.executable, "-s", "-B", "-P", "-m", "server.attachments.examine"],
            stdin=msgspec.json.encode(request),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd=folder,
            env=_environment(),
            deliver_cancel=_kill,
        )
        if ended.returncode == 0:
            return await trio.to_thread.run_sync(_result, folder)
        log.warning("examination_failed", status=ended.returncode)
        return Result(rejection=DAMAGED)
    log.warning("examination_too_slow", seconds=WALL_SECONDS)
    return Result(rejection=DAMAGED)


def _environment() -> dict[str, str]:
    """Where the modules are, and nothing else of ours."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"}


async def _kill(process: trio.Process) -> None:
    process.kill()


def _result(folder: Path) -> Result:
    try:
        with (folder / "result").open("rb") as file:
            return msgspec.json.decode(file.read(RESULT_BYTES), type=Result)
    except (OSError, msgspec.DecodeError):
        return Result(rejection=DAMAGED)
