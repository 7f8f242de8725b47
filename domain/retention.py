"""How long what was said is kept (EX-21).

Rules
1. A location keeps what is said there for ever, or for a number of days. It may say otherwise of
   what is said on a channel.
2. What is said in a conversation that is placed at several locations is kept for as long as any of
   them keeps it; in one that is placed nowhere, for ever.
3. What was said so long ago is erased; what is on hold is not.
4. What the team noted there goes by the same days as what is said in the app, each note by when it
   was written.
"""

from collections.abc import Collection

import msgspec

from domain.channels import Channel
from domain.refusal import Code, Refusal

RETENTION_DAYS_MOST = 36_500
DAY_MS = 86_400_000


class RetentionByChannel(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """For how many days what is said on a channel is kept: ``None`` is for ever, `UNSET` as all."""

    app: int | msgspec.UnsetType | None = msgspec.UNSET
    text: int | msgspec.UnsetType | None = msgspec.UNSET
    email: int | msgspec.UnsetType | None = msgspec.UNSET

    def days(self, channel: Channel, otherwise: int | None) -> int | None:
        """Of a channel; ``otherwise`` is of all of which nothing is said."""
        own: int | msgspec.UnsetType | None = getattr(self, channel)
        return otherwise if isinstance(own, msgspec.UnsetType) else own


AS_ALL = RetentionByChannel()


def refuse_retention(days: int | None, by_channel: RetentionByChannel = AS_ALL) -> Refusal | None:
    """Why a location cannot keep what is said there for so many days, or ``None``."""
    named = {f"retention_by_channel.{each}": by_channel.days(each, None) for each in Channel}
    for name, wanted in {"retention_days": days, **named}.items():
        if wanted is not None and not 1 <= wanted <= RETENTION_DAYS_MOST:
            most = f"'{name}': it is null (for ever) or 1 to {RETENTION_DAYS_MOST}."
            return Refusal(Code.BAD_REQUEST, most)
    return None


def expired_before(days: Collection[int | None], now: int) -> int | None:
    """What was said before this time (ms) is to be erased; ``None``: nothing ever is.

    ``days``: for how long each of the locations keeps it where the conversation is placed, all or
    what is said on one channel.
    """
    known = [each for each in days if each is not None]
    if not known or len(known) < len(days):
        return None
    return now - max(known) * DAY_MS
