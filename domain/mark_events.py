"""What happens to marks: events of a conversation that only their owner is shown (EX-24)."""

import msgspec


class Marked(msgspec.Struct, frozen=True):
    """``person`` wants to come back to it (``unread``), or does not any more."""

    conversation: str
    at: int
    person: str
    unread: bool
