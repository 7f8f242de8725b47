"""Describes an error without its text, which may quote what a person wrote."""

import traceback

FRAMES = 12
LEAVES = 5


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
