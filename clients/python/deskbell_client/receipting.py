"""Receipts on their way out: the highest of a burst, at a steady pace, again after a reconnect."""

from typing import Final

from deskbell_client.commands import Receipt

FLUSH_AFTER: Final = 0.1
"""Seconds that a burst has to gather."""
BATCH: Final = 10
BATCH_EVERY: Final = 0.5
"""At most ``BATCH`` conversations each ``BATCH_EVERY`` seconds: well below what a server allows."""


class Receipting:
    """How far one got in each conversation that the application spoke of: two integers each."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[int, int]] = {}
        self._dirty: dict[str, None] = {}
        self._sent: dict[str, None] = {}
        self._due = float("inf")

    def note(self, conversation: str, delivered: int, read: int, now: float) -> None:
        """Cursors moved forward; what does not move forward is not sent."""
        had_delivered, had_read = self._wanted.get(conversation, (0, 0))
        wanted = max(had_delivered, delivered, read), max(had_read, read)
        if wanted != (had_delivered, had_read):
            self._wanted[conversation] = wanted
            self._mark(conversation, now + FLUSH_AFTER)

    def next_time(self) -> float:
        """When the next receipts are due; infinity if there are none."""
        return self._due

    def take(self, now: float, *, all_of_them: bool = False) -> list[Receipt]:
        """The receipts that are due; with ``all_of_them`` also those still gathering."""
        if not all_of_them and now < self._due:
            return []
        taken = list(self._dirty)[: None if all_of_them else BATCH]
        for conversation in taken:
            del self._dirty[conversation]
            self._sent[conversation] = None
        self._due = now + BATCH_EVERY if self._dirty else float("inf")
        return [self._receipt(conversation) for conversation in taken]

    def postpone(self, conversation: str, until: float) -> None:
        """The server turned a receipt away for now."""
        if conversation in self._wanted:
            self._mark(conversation, until)
            self._due = max(self._due, until)

    def drop(self, conversation: str) -> None:
        """The server does not take receipts for it, or one is no longer in it."""
        self._wanted.pop(conversation, None)
        self._dirty.pop(conversation, None)
        self._sent.pop(conversation, None)

    def lost(self, now: float) -> None:
        """The connection ended: what it carried may not have arrived, so it is sent again."""
        self._dirty = self._sent | self._dirty
        self._sent = {}
        self._due = now if self._dirty else float("inf")

    def _mark(self, conversation: str, due: float) -> None:
        self._dirty[conversation] = None
        self._due = min(self._due, due)

    def _receipt(self, conversation: str) -> Receipt:
        delivered, read = self._wanted[conversation]
        # What is read is delivered, so the higher of two equal cursors says it all.
        return Receipt(conversation, delivered if delivered > read else 0, read)
