"""How a connection ended and what follows: close codes and jitter (protocol, section 10)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

NORMAL: Final = 1000
WRONG_KIND: Final = 1003
LOST: Final = 4000
"""A connection that ended without a close code counts as timed out."""
UNAUTHENTICATED: Final = 4501

GOODBYE_WITHIN: Final = 2.0
"""Seconds for what is still to be said and for the other side's answer to a close."""

MAY_PASS: Final = frozenset({408, 425, 429})
"""HTTP statuses of the fours that are no verdict on the request."""

BACKOFF_BASE: Final = 1.0
BACKOFF_CAP: Final = 60.0
RETRY_AFTER_CAP: Final = 3600.0
"""Seconds: a server that asks for more patience is asked again after an hour."""


class Next(Enum):
    """What a client does after its connection ended."""

    RECONNECT = auto()
    NEW_TOKEN = auto()
    STOP = auto()


CLOSE_CODES: Final[dict[int, Next]] = {
    1000: Next.STOP,
    1001: Next.STOP,
    1002: Next.STOP,
    1003: Next.STOP,
    1007: Next.STOP,
    1008: Next.STOP,
    1009: Next.STOP,
    1011: Next.RECONNECT,
    4000: Next.RECONNECT,
    4004: Next.RECONNECT,
    4008: Next.RECONNECT,
    4010: Next.RECONNECT,
    4012: Next.RECONNECT,
    4013: Next.RECONNECT,
    4500: Next.STOP,
    4501: Next.NEW_TOKEN,
    4503: Next.STOP,
    4509: Next.STOP,
}


def after(code: int) -> Next:
    """What follows ``code``; one below 1000 is the HTTP status of a server that did not upgrade.

    Of close codes that the page does not name, 4500 to 4999 stop. Of HTTP statuses those stop that
    say the request is wrong: it stays so.
    """
    if code in CLOSE_CODES:
        return CLOSE_CODES[code]
    wrong_request = 400 <= code < 500 and code not in MAY_PASS
    return Next.STOP if wrong_request or 4500 <= code < 5000 else Next.RECONNECT


@dataclass(frozen=True)
class Ended:
    """The end of a connection, or of the attempt to make one.

    ``code`` is the websocket close code (`LOST` without one) or the HTTP status of a refused
    upgrade; ``retry_after`` is what the server asked for, in seconds.
    """

    code: int = LOST
    reason: str = ""
    retry_after: float | None = None


def asked_by_reason(reason: str) -> float | None:
    """The seconds in ``retry_after=<seconds>`` of a close reason, or ``None``."""
    found = re.search(r"\bretry_after=(\d{1,9}(?:\.\d{1,9})?)", reason)
    return float(found[1]) if found else None


def asked_by_header(value: str) -> float | None:
    """The seconds of a Retry-After header; a date is not understood."""
    return float(value) if re.fullmatch(r"\s*\d{1,9}\s*", value) else None


def patience(tries: int, asked: float | None, random: Callable[[], float]) -> float:
    """Seconds to wait: what the server asked for, or full jitter after ``tries`` earlier tries.

    Full jitter is a random time between 0 and min(60 s, 1 s · 2ⁿ); ``random`` gives [0, 1).
    """
    if asked is not None:
        return min(asked, RETRY_AFTER_CAP)
    return random() * min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(tries, 16))
