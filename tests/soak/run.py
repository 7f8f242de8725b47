"""The long runs: thousands of kills, and millions of messages over connections that break.

`run.py [R01] [R03]`: one of them, or both. The environment says how much: `KILLS` (2,000) and
`MESSAGES` (10,000,000). Exit status 1 if anything was lost, doubled or out of order.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "clients/python")]

from tests.faults import disconnect_storm  # noqa: E402
from tests.faults.disconnect_storm import Storm, storm  # noqa: E402
from tests.faults.folder import SHARED_MEMORY  # noqa: E402
from tests.faults.killing import Killings, kill_again_and_again  # noqa: E402
from tests.faults.premises import freely, opened  # noqa: E402
from tests.faults.virtual_time import virtual_clock  # noqa: E402

KILLS = int(os.environ.get("KILLS", "2000"))
MESSAGES = int(os.environ.get("MESSAGES", "10000000"))
ROUND_KILLS = 50
ROUND_MESSAGES = 20_000
"""A round has a folder of its own: the last one is read and checked as fast as the first."""

Step = Callable[[int], None]
Row = tuple[str, str]


def in_a_folder(work: Callable[[Path], None]) -> None:
    """Run with a folder that needs no disk, where there is such a place; then take it away."""
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="deskbell-soak-", dir=place))
    try:
        work(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def killed(step: Step) -> tuple[list[Row], list[str]]:
    """R01: rounds of kills, each checked by itself."""
    rounds: list[Killings] = []

    def one_round(folder: Path) -> None:
        kills = min(ROUND_KILLS, KILLS - sum(result.kills for result in rounds))
        done = 0

        def progress(result: Killings) -> None:
            nonlocal done
            step(result.kills - done)
            done = result.kills

        rounds.append(trio.run(kill_again_and_again, folder, kills, len(rounds), progress))

    while sum(result.kills for result in rounds) < KILLS and not _problems(rounds):
        in_a_folder(one_round)
    waits = sorted(wait for result in rounds for wait in result.first_acks)
    rows = [
        ("kills", f"{sum(result.kills for result in rounds):,}"),
        ("messages acked", f"{sum(result.acked for result in rounds):,}"),
        ("start to first ack, p50", f"{waits[len(waits) // 2]:.2f} s"),
        ("start to first ack, p99", f"{waits[len(waits) * 99 // 100]:.2f} s"),
        ("integrity", ", ".join(sorted({result.integrity for result in rounds}))),
    ]
    return rows, _problems(rounds)


def disconnected(step: Step) -> tuple[list[Row], list[str]]:
    """R03: rounds of storms in virtual time."""
    rounds: list[Storm] = []

    def one_round(folder: Path) -> None:
        messages = min(ROUND_MESSAGES, MESSAGES - sum(result.messages for result in rounds))

        async def main() -> Storm:
            async with opened(folder, freely(devices=1000), disconnect_storm.PEOPLE) as premises:
                return await storm(premises, messages, len(rounds), "soak", step)

        with pytest.MonkeyPatch.context() as monkeypatch:
            rounds.append(trio.run(main, clock=virtual_clock(monkeypatch)))

    while sum(result.messages for result in rounds) < MESSAGES and not _problems(rounds):
        in_a_folder(one_round)
    rows = [
        ("messages", f"{sum(result.messages for result in rounds):,}"),
        ("connections", f"{sum(result.connections for result in rounds):,}"),
        ("broken at a random byte", f"{sum(result.cuts for result in rounds):,}"),
        ("entries delivered again", f"{sum(result.repeated for result in rounds):,}"),
    ]
    return rows, _problems(rounds)


def _problems(rounds: list[Killings] | list[Storm]) -> list[str]:
    return [problem for result in rounds for problem in result.problems]


RUNS = {"R01": (killed, KILLS, "kills"), "R03": (disconnected, MESSAGES, "messages")}


def main(words: list[str]) -> int:
    """Run what was asked for; print a table; 1 if anything was wrong."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    console = Console()
    table = Table("run", "", "", title="Soak")
    wrong: list[str] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for name, (run, total, what) in RUNS.items():
            if words and name not in words:
                continue
            bar = progress.add_task(f"{name} {what}", total=total)
            rows, problems = run(lambda count, bar=bar: progress.advance(bar, count))  # type: ignore[misc]
            for label, value in [*rows, ("problems", str(len(problems)))]:
                table.add_row(name, label, value)
            table.add_section()
            wrong += problems
    console.print(table)
    for problem in wrong[:20]:
        console.print(f"  {problem}", markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
