"""A message on its way to an actor, and the answers that the runtime itself gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

M = TypeVar("M")

Reply = Callable[[object], None]
"""Receives the answer: synchronous, called exactly once, and never raises."""

UnavailableReason = Literal[
    "crashed",  # the message was in hand when the actor crashed, and will not be tried again
    "quarantined",  # the actor crashed too often
    "stopping",  # the supervisor is not running, or is about to stop
    "timed_out",  # the asker's deadline passed; the message may still be handled
    "unanswered",  # the actor handled the message without answering
]


@dataclass(frozen=True, slots=True)
class Overloaded:
    """The message was not accepted: a bound is reached. Try again after `retry_after` seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer from the actor; what became of the message is unknown, see `reason`.

    Trying again after `retry_after` seconds is safe only for messages that are idempotent.
    """

    retry_after: float
    reason: UnavailableReason


Failure = Overloaded | Unavailable


class Envelope(msgspec.Struct, Generic[M], eq=False):
    """One message, the way back to whoever sent it, and how often it has crashed its actor.

    The first answer wins and later ones are ignored, so a cleanup path may always answer too.
    An actor that crashes is given its unanswered envelopes again: answering is also how an actor
    says that a message is done, whether or not anyone waits for the answer.
    """

    message: M
    reply: Reply | None = None
    ephemeral: bool = False
    crashes: int = 0
    answered: bool = False

    def answer(self, value: object = None) -> None:
        """Hand `value` to the sender, if this is the first answer; otherwise do nothing."""
        if self.answered:
            return
        self.answered = True
        if self.reply is not None:
            self.reply(value)
