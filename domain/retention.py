"""How long what was said is kept (EX-21).

Rules
1. A location keeps what is said there for ever, or for a number of days.
2. A conversation that is placed at several locations is kept for as long as any of them keeps it;
   one that is placed nowhere, for ever.
3. What was said so long ago is erased; what is on hold is not.
4. What the team noted there goes by the same days, each note by when it was written.
"""

from collections.abc import Collection

from domain.refusal import Code, Refusal

RETENTION_DAYS_MOST = 36_500
DAY_MS = 86_400_000


def refuse_retention(days: int | None) -> Refusal | None:
    """Why a location cannot keep what is said there for so many days, or ``None``."""
    if days is None or 1 <= days <= RETENTION_DAYS_MOST:
        return None
    most = f"'retention_days': it is null (for ever) or 1 to {RETENTION_DAYS_MOST}."
    return Refusal(Code.BAD_REQUEST, most)


def expired_before(days: Collection[int | None], now: int) -> int | None:
    """What was said before this time (ms) is to be erased; ``None``: nothing ever is.

    ``days``: for how long each of the locations keeps it where the conversation is placed.
    """
    known = [each for each in days if each is not None]
    if not known or len(known) < len(days):
        return None
    return now - max(known) * DAY_MS
