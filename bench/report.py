"""The medians of a run: one table for people, one JSON file for programs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

Figures = Mapping[str, float]  # one window, or the medians of several
Results = Mapping[str, Mapping[str, Figures]]  # workload, then server

COLUMNS = {
    "workload": 22,
    "server": 10,
    "µs CPU/unit": 12,
    "units/s": 10,
    "p50 ms": 9,
    "p99 ms": 9,
    "ratio": 7,
    "cores": 11,  # used by the server, and by the generator
    "memory": 17,
}


def medians(windows: Iterable[Figures]) -> Figures:
    """The median of each figure by itself."""
    rows = list(windows)
    return {name: median(row[name] for row in rows) for name in rows[0]}


def table(results: Results, titles: Mapping[str, str]) -> str:
    """One line for each workload and server; ratio is Deskbell's CPU per unit over the server's."""
    lines = [_line(COLUMNS), _line("-" * (width - 1) for width in COLUMNS.values())]
    for workload, servers in results.items():
        for position, (server, figures) in enumerate(servers.items()):
            title = titles[workload] if position == 0 else ""
            lines.append(_line((title, server, *_cells(figures, servers.get("deskbell")))))
    return "\n".join(lines)


def _cells(figures: Figures, deskbell: Figures | None) -> Iterable[str]:
    ratio = deskbell["us_per_unit"] / figures["us_per_unit"] if deskbell else None
    memory = figures.get("kib_per_session")
    return (
        f"{figures['us_per_unit']:,.2f}",
        f"{figures['per_s']:,.0f}",
        f"{figures['p50_ms']:.2f}",
        f"{figures['p99_ms']:.2f}",
        "" if ratio is None else f"{ratio:.3f}",
        f"{figures['server_share']:.2f} {figures['generator_share']:.2f}",
        "" if memory is None else f"{memory:.1f} KiB/session",
    )


def _line(cells: Iterable[str]) -> str:
    padded = (
        cell.ljust(width) if column < 2 else cell.rjust(width - 1) + " "
        for column, (cell, width) in enumerate(zip(cells, COLUMNS.values(), strict=True))
    )
    return "".join(padded).rstrip()


def write_json(results: Results, path: Path) -> None:
    """Writes {workload: {server: {us_per_unit, per_s, p99_ms}}}.

    w3 has kib_per_session too, and w4 the figures of eight clients with the suffix _8.
    """
    kept = ("us_per_unit", "per_s", "p99_ms", "kib_per_session")
    document: dict[str, dict[str, dict[str, float]]] = {}
    for workload, servers in results.items():
        base, _, clients = workload.partition("_clients")
        for server, figures in servers.items():
            target = document.setdefault(base, {}).setdefault(server, {})
            suffix = f"_{clients}" if clients else ""
            target.update({key + suffix: figures[key] for key in kept if key in figures})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
