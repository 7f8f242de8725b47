"""What a session wants done: to be carried out in order by whoever drives it."""

from dataclasses import dataclass

from deskbell_client.closing import Ended
from deskbell_client.commands import Send
from deskbell_client.errors import DeskbellError, Refused
from deskbell_client.replies import Ack, Reply


@dataclass(frozen=True)
class Transmit:
    """Send these bytes as one binary message."""

    data: bytes


@dataclass(frozen=True)
class Answered:
    """The command ``id`` has its reply, or never will."""

    id: int
    outcome: Reply | DeskbellError


@dataclass(frozen=True)
class Settled:
    """A pending send is pending no more: acked, or refused for good."""

    send: Send
    outcome: Ack | Refused


@dataclass(frozen=True)
class HangUp:
    """End the connection, with a closing handshake if ``politely``; then call `Session.ended`."""

    why: Ended
    politely: bool


Output = Transmit | Answered | Settled | HangUp
