"""What every new connection has to be told again, and what goes out at a measured pace.

Receipts (see `Receipting`), the people watched, whether the person is active; and typing, which is
told at most every three seconds and never repeated.
"""

from collections.abc import Iterator
from typing import Final

from deskbell_client.commands import Activity, Receipt, Typing, Watch
from deskbell_client.receipting import Receipting

TYPING_EVERY: Final = 3.0
MAX_TYPING: Final = 256
_NEVER: Final = float("inf")


class Upkeep:
    """The standing wishes of the application towards the server."""

    def __init__(self) -> None:
        self.receipts = Receipting()
        self.watching: Watch | None = None
        self.active: bool | None = None
        self._watch_at = _NEVER
        self._activity_at = _NEVER
        self._typing_at: dict[str, float] = {}
        self._waiting: dict[int, Receipt | Watch] = {}

    def connected(self, now: float) -> None:
        """A connection is live: tell it all that still holds."""
        self._watch_at = now if self.watching else _NEVER
        self._activity_at = now if self.active is not None else _NEVER

    def lost(self, now: float) -> None:
        """The connection ended, and with it what it was told."""
        self.receipts.lost(now)
        self._typing_at.clear()
        self._waiting.clear()
        self._watch_at = self._activity_at = _NEVER

    def next_time(self) -> float:
        """When something is due; infinity if nothing is."""
        return min(self.receipts.next_time(), self._watch_at, self._activity_at)

    def take(
        self, now: float, *, all_receipts: bool = False
    ) -> Iterator[Receipt | Watch | Activity]:
        """What is due now."""
        if now >= self._activity_at and self.active is not None:
            self._activity_at = _NEVER
            yield Activity(self.active)
        if now >= self._watch_at and self.watching is not None:
            self._watch_at = _NEVER
            yield self.watching
        yield from self.receipts.take(now, all_of_them=all_receipts)

    def sent(self, request_id: int, command: Receipt | Watch) -> None:
        """``command`` went out and is waited for."""
        self._waiting[request_id] = command

    def settle(self, request_id: int) -> Receipt | Watch | None:
        """The reply came; returns the command if it was one of these."""
        return self._waiting.pop(request_id, None)

    def refused(self, command: Receipt | Watch, until: float | None) -> None:
        """The server said no: try again at ``until``, or never."""
        if isinstance(command, Receipt):
            if until is None:
                self.receipts.drop(command.conversation)
            else:
                self.receipts.postpone(command.conversation, until)
        elif command == self.watching:
            if until is None:
                self.watching = None
                self._watch_at = _NEVER
            else:
                self._watch_at = until

    def told_active(self, active: bool, now: float) -> None:
        """The person came or went; only a change is told."""
        if active != self.active:
            self.active = active
            self._activity_at = now

    def typing(self, command: Typing, now: float) -> bool:
        """Whether ``command`` is to be sent: the first, a repetition after a while, or the end."""
        last = self._typing_at.pop(command.conversation, None)
        if not command.active:
            return last is not None
        if last is not None and now - last < TYPING_EVERY:
            self._typing_at[command.conversation] = last
            return False
        self._typing_at[command.conversation] = now
        if len(self._typing_at) > MAX_TYPING:
            del self._typing_at[next(iter(self._typing_at))]
        return True
