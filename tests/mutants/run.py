"""Plant known bugs one by one, each in a copy of the tree: the tests must find every one (R43).

`run.py [--jobs N] [word …]`: the bugs whose name or file holds a word, or all. First the same tests
run on an unchanged copy, where all must pass. Exit status 1 if a bug survives.
"""

import argparse
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.catalogue import MUTANTS, Mutant  # noqa: E402

SECONDS = 300
"""For the tests of one bug; who takes longer has noticed it, too."""

CODE = ["actors", "adapters", "clients", "domain", "protocol", "server", "storage"]
TESTS_FAILED = 1
NO_TESTS = 5


@dataclass(frozen=True)
class Verdict:
    """What became of a bug: ``found``, or how it got away."""

    mutant: Mutant
    found: bool
    how: str
    seconds: float


def main() -> int:
    """Run, print the table, return the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*", metavar="word")
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    mutants = [m for m in MUTANTS if _is_chosen(m, chosen.words)]
    console = Console()
    with tempfile.TemporaryDirectory(prefix="deskbell-mutants-") as folder:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(chosen.jobs):
            copies.put(_copy(Path(folder) / str(number)))

        def judged(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                verdict = _judge(copy, mutant)
            finally:
                copies.put(copy)
            console.print(("found    " if verdict.found else "SURVIVED ") + mutant.name)
            return verdict

        with ThreadPoolExecutor(chosen.jobs) as pool:
            verdicts = list(pool.map(judged, mutants))
    console.print(_table(verdicts))
    survived = sum(not verdict.found for verdict in verdicts)
    console.print(f"{len(verdicts) - survived} of {len(verdicts)} found")
    return 1 if survived else 0


def _is_chosen(mutant: Mutant, words: Sequence[str]) -> bool:
    return not words or any(word in mutant.name or word in mutant.file for word in words)


def _copy(folder: Path) -> Path:
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", ".*", "node_modules")
    for part in (*CODE, "docs", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _judge(copy: Path, mutant: Mutant) -> Verdict:
    """Run the tests without the bug, then with it."""
    began = time.monotonic()
    path = copy / mutant.file
    right = path.read_text("utf-8")
    if right.count(mutant.old) != 1:
        return Verdict(mutant, False, "the change does not fit the file any more", 0.0)
    status, told = _run_tests(copy, mutant.tests)
    if status != 0:
        why = "no such tests" if status == NO_TESTS else "the tests fail without it"
        return Verdict(mutant, False, f"{why}: {told}", time.monotonic() - began)
    try:
        path.write_text(right.replace(mutant.old, mutant.new), "utf-8")
        status, told = _run_tests(copy, mutant.tests)
    finally:
        path.write_text(right, "utf-8")
    found = status in (TESTS_FAILED, None)
    return Verdict(mutant, found, told, time.monotonic() - began)


def _run_tests(copy: Path, tests: Sequence[str]) -> tuple[int | None, str]:
    """pytest's exit status (``None``: out of time) and what it said last or first."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'clients' / 'python'}"}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [*command, *tests],
            cwd=copy,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None, f"not done after {SECONDS} s"
        finally:
            _end(process)
        output.seek(0)
        lines = output.read().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return status, (failed or lines or ["no output"])[-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table("bug", "", "found by, or how it got away", "s", box=None)
    for verdict in verdicts:
        mark = "found" if verdict.found else "SURVIVED"
        told = verdict.how.split(" - ")[0].rpartition("::")[2] if verdict.found else verdict.how
        table.add_row(verdict.mutant.name, mark, escape(told), f"{verdict.seconds:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
