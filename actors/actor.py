"""What an actor is to its supervisor."""

from collections.abc import Callable, Sequence
from typing import Protocol

from actors.envelope import Envelope, M


class Storing(Protocol):
    """What an actor has handed over to be stored."""

    def then(self, done: Callable[[Exception | None], None]) -> None:
        """Call ``done`` once, at once if it is over: with ``None`` when stored, or with why not.

        ``done`` is called without a checkpoint and must not raise.
        """
        ...


class Actor(Protocol[M]):
    """State that one task owns, fed by batches of messages."""

    async def receive(self, batch: Sequence[Envelope[M]]) -> Storing | None:
        """Handle the batch in order and answer every envelope.

        The batch is over when this returns ``None``; or, without waking the actor for it, when
        what this returns has been stored. What is unanswered then is answered for it: with
        `Unavailable`. What is unanswered when it raises is tried again, once, alone, after a
        restart; so a message whose effect is stored before it is answered must be idempotent.
        Nothing it raises may be meant for its caller: a refusal is an answer.
        """

    async def not_stored(self, batch: Sequence[Envelope[M]], error: Exception) -> Storing | None:
        """Go on with a batch when what `receive` returned was not stored. Returns as it does.

        By default that is a crash: the actor starts again from what is stored.
        """
        raise error
