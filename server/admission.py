"""What the handshake found out about a connection, for its session."""

from dataclasses import dataclass

from domain.commands import Speaker


@dataclass(frozen=True, slots=True)
class Admission:
    """Who came in, by which token, and from which revision they read: ``behind`` from the log.

    At ``expires_at`` (ms) the connection ends: by then a newer token is needed.
    """

    speaker: Speaker
    token_id: str
    expires_at: int
    location: str
    revision: int
    behind: bool
