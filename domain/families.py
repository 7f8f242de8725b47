"""Which business belongs to which: a parent account and its children (MT-09)."""

from collections.abc import Iterator, Mapping

from domain.refusal import Code, Refusal

LEVELS_MAX = 8
"""From the topmost business to the last child of a child."""


def refuse_parent(parents: Mapping[str, str], business: str, parent: str) -> Refusal | None:
    """Why ``parent`` cannot be that of ``business``, or ``None``; ``""`` is none.

    ``parents``: of every business that has one.
    """
    if not parent:
        return None
    above = list(_line(parents, parent))
    if business in above:
        message = f"'parent': {business} would be above itself. Take it out of that line first."
        return Refusal(Code.CONFLICT, message)
    below = max(
        (steps for child in parents if (steps := _steps(parents, child, business)) is not None),
        default=0,
    )
    if len(above) + 1 + below > LEVELS_MAX:
        message = f"'parent': there would be more than {LEVELS_MAX} businesses above each other."
        return Refusal(Code.CONFLICT, message)
    return None


def _line(parents: Mapping[str, str], business: str) -> Iterator[str]:
    """``business`` and all above it."""
    while business:
        yield business
        business = parents.get(business, "")


def _steps(parents: Mapping[str, str], child: str, business: str) -> int | None:
    """How far ``child`` is below ``business``, if it is."""
    for steps, above in enumerate(_line(parents, child)):
        if above == business:
            return steps
    return None
