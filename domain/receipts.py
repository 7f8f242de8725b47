"""Receipts: cursors that only rise, and what is derived from them (DT-03 to DT-05, EX-6, C-25).

Rules
1. A cursor moves forward only, and never past the last seq of the conversation.
2. Read implies delivered.
3. What does not move a cursor is accepted and changes nothing.
4. The team has read as far as anybody of it ever did. That outlives their cursors: who goes, or
   starts over, makes nothing unread for the others (EX-24).
"""

from collections.abc import Collection, Iterable

from domain.events import Advance, Cursor

START = Cursor()


def advance(
    person: str, cursor: Cursor, delivered_up_to: int, read_up_to: int, last_seq: int, now: int
) -> Advance | None:
    """The step from ``cursor``, or ``None`` if nothing moves."""
    read = min(read_up_to, last_seq)
    delivered = max(min(delivered_up_to, last_seq), read)
    moved_delivered = delivered > cursor.delivered_up_to
    moved_read = read > cursor.read_up_to
    if not (moved_delivered or moved_read):
        return None
    after = min(
        cursor.delivered_up_to if moved_delivered else delivered,
        cursor.read_up_to if moved_read else delivered,
    )
    moved = Cursor(
        delivered if moved_delivered else cursor.delivered_up_to,
        now if moved_delivered else cursor.delivered_at,
        read if moved_read else cursor.read_up_to,
        now if moved_read else cursor.read_at,
    )
    return Advance(person, moved, moved_delivered, moved_read, after)


def merged(first: Advance, then: Advance) -> Advance:
    """Two steps of one person as one (a cursor that moved five times is one event and one row)."""
    return Advance(
        then.person,
        then.cursor,
        first.delivered or then.delivered,
        first.read or then.read,
        min(first.after, then.after),
    )


def team_reach(before: int, advances: Iterable[Advance], team: Collection[str]) -> int:
    """How far the team has read after ``advances``; 0: no farther than ``before``."""
    reach = before
    for step in advances:
        if step.read and step.cursor.read_up_to > reach and step.person in team:
            reach = step.cursor.read_up_to
    return reach if reach > before else 0
