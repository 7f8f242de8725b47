"""What happens to notes: events of a conversation that only its team is shown (EX-25)."""

import msgspec


class Note(msgspec.Struct, frozen=True):
    """What the team says to itself about a conversation; no customer is shown it (EX-25).

    ``seq``: the newest entry when it was written. ``digest`` is of what was first asked for.
    """

    id: str
    seq: int
    at: int
    author: str
    text: str
    mentions: tuple[str, ...] = ()
    edited_at: int = 0
    deleted_at: int = 0
    digest: bytes = b""


class NoteChanged(msgspec.Struct, frozen=True):
    """A note was added, edited or deleted (``kind``) by ``author``: as it is now, whole."""

    conversation: str
    at: int
    author: str
    kind: str
    note: Note
