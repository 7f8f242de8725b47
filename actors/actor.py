"""What an actor is to its supervisor."""

from collections.abc import Sequence
from typing import Protocol

from actors.envelope import Envelope, M


class Actor(Protocol[M]):
    """State that one task owns, fed by batches of messages."""

    async def receive(self, batch: Sequence[Envelope[M]]) -> None:
        """Handle the batch in order and answer every envelope.

        What is unanswered when this returns is answered for it: with `Unavailable`. What is
        unanswered when it raises is tried again, once, alone, after a restart; so a message whose
        effect is stored before it is answered must be idempotent. Nothing it raises may be
        meant for its caller: a refusal is an answer.
        """
