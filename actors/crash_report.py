"""Describes an error without its text, which may quote what a person wrote."""

import traceback
from typing import Any

import structlog

from actors.roster import Cell

FRAMES = 12
LEAVES = 5

log = structlog.get_logger(__name__)


def log_crash(cell: Cell[Any], error: BaseException) -> None:
    """Write one line about the crash of an actor."""
    log.error(
        "actor_crashed",
        actor_id=cell.actor_id,
        error=error_name(error),
        frames=error_frames(error),
        in_hand=[type(envelope.message).__qualname__ for envelope in cell.batch[:5]],
        waiting=len(cell.mailbox),
    )


def error_name(error: BaseException) -> str:
    """Name the type, what a group holds, and the causes: ``StoreError < OSError``."""
    names: list[str] = []
    link: BaseException | None = error
    while link is not None and len(names) < LEAVES:
        names.append(_type_name(link))
        link = link.__cause__
    return " < ".join(names)


def error_frames(error: BaseException) -> list[str]:
    """Where it happened, innermost last: ``file:line function``. For a group, its first error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _type_name(error: BaseException) -> str:
    name = type(error).__qualname__
    if isinstance(error, BaseExceptionGroup):
        leaves = [_type_name(leaf) for leaf in error.exceptions[:LEAVES]]
        return f"{name}[{', '.join(leaves)}]"
    return name
