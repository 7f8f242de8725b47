"""Who takes part in a workload: one line of name, secret and conversation for each session."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAIRS = 50
MEMBERS = 100
ARCHIVED = 100_000
PAGE_CLIENTS = 8
IDLE = 5_000
TEXT = "x" * 100


@dataclass(frozen=True)
class Member:
    """One session: for a workload of pairs, authors and recipients alternate."""

    name: str
    secret: str
    conversation: str


def write_roster(path: Path, members: Iterable[Member]) -> None:
    """Writes the file that the generator's --roster reads."""
    lines = (f"{member.name} {member.secret} {member.conversation}\n" for member in members)
    path.write_text("".join(lines))
