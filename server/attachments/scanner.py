"""The operator's own scanner: a command that is given a file, and says by its status what it is."""

import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import structlog
import trio

SCAN_SECONDS = 120.0
_INFECTED = 1

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What a scanner says."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNKNOWN = "unknown"


async def scan(command: Sequence[str], file: Path) -> Verdict:
    """Run ``command`` with the absolute path ``file``: 0 is clean, 1 infected, all else unknown.

    As for ``clamdscan``. Unknown is also what takes longer than `SCAN_SECONDS`, or cannot be run.
    ``command`` is not empty: else the file itself would be run.
    """
    if not command:
        raise ValueError("there is no command")
    with trio.move_on_after(SCAN_SECONDS):
        try:
            ended = await trio.run_process(
                [*command, str(file)],
                stdin=b"",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                deliver_cancel=_kill,
            )
        except OSError as error:
            log.error("scanner_not_run", reason=error.strerror)
            return Verdict.UNKNOWN
        if ended.returncode == 0:
            return Verdict.CLEAN
        if ended.returncode == _INFECTED:
            return Verdict.INFECTED
        log.warning("scanner_failed", status=ended.returncode)
        return Verdict.UNKNOWN
    log.warning("scanner_too_slow", seconds=SCAN_SECONDS)
    return Verdict.UNKNOWN


async def _kill(process: trio.Process) -> None:
    process.kill()
