"""Cursors as events show them: to others what moved and may be seen, to oneself all."""

from collections.abc import Iterable

from domain.events import Advance, Cursor
from domain.views import MemberCursor


def moved_cursor(advance: Advance, *, read: bool) -> MemberCursor:
    """What moved and may be seen by others."""
    cursor = advance.cursor
    return MemberCursor(
        person=advance.person,
        delivered_up_to=cursor.delivered_up_to if advance.delivered else 0,
        delivered_at=cursor.delivered_at if advance.delivered else 0,
        read_up_to=cursor.read_up_to if read else 0,
        read_at=cursor.read_at if read else 0,
    )


def without_read(cursors: Iterable[MemberCursor]) -> tuple[MemberCursor, ...]:
    """What somebody who hides their own `read_up_to` is shown of others."""
    return tuple(
        MemberCursor(
            person=c.person, delivered_up_to=c.delivered_up_to, delivered_at=c.delivered_at
        )
        for c in cursors
        if c.delivered_up_to
    )


def own_cursor(person: str, cursor: Cursor) -> MemberCursor:
    """What somebody's own devices are shown: all of it."""
    return MemberCursor(
        person=person,
        delivered_up_to=cursor.delivered_up_to,
        delivered_at=cursor.delivered_at,
        read_up_to=cursor.read_up_to,
        read_at=cursor.read_at,
    )
