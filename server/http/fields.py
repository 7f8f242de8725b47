"""The fields that requests have in common: their types say what is accepted."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET as UNSET
from msgspec import UnsetType

from domain.appointments import FIRST_MS, LAST_MS
from domain.ids import ID_PATTERN
from domain.limits import LIST_MAX

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
Uint = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Moment = Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]
"""Milliseconds since 1970 UTC. Seconds are refused: they would be a moment of January 1970."""
Position = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,16}\Z")]
"""The ``next`` of the page before: a revision."""
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**32 - 1)]

Unset = UnsetType
"""The type of a field that may be left out; ``UNSET`` is its value then, and never ``null``."""

T = TypeVar("T")


def set_or(value: T | UnsetType, default: T) -> T:
    """``value``, or ``default`` if it was left out."""
    return default if isinstance(value, UnsetType) else value


def set_or_none(value: T | UnsetType) -> T | None:
    """``value``, or ``None`` if it was left out."""
    return None if isinstance(value, UnsetType) else value


def page_size(limit: int, most: int = LIST_MAX) -> int:
    """How many a page of a list holds where ``limit`` is asked for."""
    return max(1, min(limit, most))


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked: a body, or the parameters of an address. What is unknown is refused."""


class Nothing(Input, frozen=True, kw_only=True):
    """No parameters, or no body."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered, with every field, whether it has its default or not."""


class Changed(Output, frozen=True, kw_only=True):
    """It is stored; ``revision`` is its place in the business's log, 0 if nothing changed."""

    revision: int = 0
