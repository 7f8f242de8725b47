"""The order of entries in each conversation: what is new, what is known, what is missing.

An entry becomes known by its event or, if this connection sent it, by its `ack` alone. Both fill
the same row of seqs 1, 2, 3 … without gaps.
"""

from enum import Enum, auto
from typing import Final

MAX_AHEAD: Final = 64
"""Acks kept for a conversation of which no event has come yet; the row begins after the highest."""


class Place(Enum):
    """Where an entry stands relative to what is known."""

    NEW = auto()
    KNOWN = auto()
    GAP = auto()


class _Row:
    """One conversation: all up to ``last`` is known, and single seqs beyond it by their acks."""

    __slots__ = ("acked", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        self.acked: set[int] = set()

    def absorb(self) -> None:
        while self.last is not None and self.last + 1 in self.acked:
            self.last += 1
        self.acked = {seq for seq in self.acked if self.last is None or seq > self.last}


class Ordering:
    """How far each conversation is known: one integer each, kept as long as the client runs."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def entry(self, conversation: str, seq: int) -> Place:
        """An entry's event came: where it stands. A `Place.NEW` one is known from now on."""
        row = self._rows.setdefault(conversation, _Row())
        if row.last is not None and (seq <= row.last or seq in row.acked):
            return Place.KNOWN
        if row.last is not None and seq > row.last + 1:
            return Place.GAP
        if seq in row.acked:
            return Place.KNOWN
        row.last = seq
        row.absorb()
        return Place.NEW

    def acked(self, conversation: str, seq: int) -> None:
        """An entry of one's own is known by its ack."""
        row = self._rows.setdefault(conversation, _Row())
        if row.last is not None and seq <= row.last:
            return
        row.acked.add(seq)
        if len(row.acked) > MAX_AHEAD:
            row.last = max(row.acked)
        row.absorb()

    def forget(self, conversation: str) -> None:
        """Nothing is known of the conversation any more; its next entry may be any."""
        self._rows.pop(conversation, None)

    def clear(self) -> None:
        """Nothing is known of any conversation."""
        self._rows.clear()
