"""To which conversations a search is narrowed: where they are, their state, who is in them."""

import sqlite3
from dataclasses import dataclass

from domain.handling_action import Status
from domain.roles import TEAM, Role
from storage.access import WORKS_AT, Viewer, ever_in, readable, some_of_readable

Parameters = tuple[int, str | None, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """All that is said of it holds of a conversation; ``None`` says nothing.

    ``person`` is or was in it; an owner is in all of them. Customers are not told who was: that may
    have been before they came.
    """

    location: str | None = None
    status: Status | None = None
    person: str | None = None

    @property
    def of_team(self) -> bool:
        """Whether it asks how conversations are handled."""
        return (self.location, self.status) != (None, None)

    def parameters(self, viewer: Viewer) -> Parameters:
        """What the condition of `fits` asks for, in its order."""
        former = self.person if viewer.role in TEAM else None
        return viewer.business_no, self.location, self.status, self.person, former


EVERYWHERE = Narrowing()


def fits(no: str, first: int) -> str:
    """The condition that conversation ``no`` is among those; `Narrowing.parameters` are numbered
    from ``first`` on."""
    business, location, status, person, former = range(first, first + 5)
    return (
        f"(?{location} IS NULL OR EXISTS (SELECT 1 FROM placement np"
        f" WHERE np.conversation_no = {no} AND np.location = ?{location}))"
        f" AND (?{status} IS NULL OR ?{status} = coalesce("
        f"(SELECT nh.status FROM handling nh WHERE nh.conversation_no = {no}), 'open'))"
        f" AND (?{person} IS NULL OR EXISTS (SELECT 1 FROM member nm"
        f" WHERE nm.conversation_no = {no} AND nm.person = ?{person}) OR {no} IN"
        f" (SELECT nr.conversation_no FROM removal nr WHERE nr.business_no = ?{business}"
        f" AND nr.person = ?{former}))"
    )


def settled(connection: sqlite3.Connection, viewer: Viewer, asked: Narrowing) -> Narrowing:
    """The same, without a person who is in all there are."""
    (owns,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM person WHERE business_no = ? AND id = ? AND role = 'owner'"
        " AND active)",
        (viewer.business_no, asked.person),
    ).fetchone()
    return Narrowing(asked.location, asked.status) if owns else asked


def some(connection: sqlite3.Connection, viewer: Viewer, asked: Narrowing, most: int) -> list[int]:
    """The conversations that the viewer may read, if they are ``most`` at most; else some more."""
    if asked == EVERYWHERE:
        return some_of_readable(connection, viewer, most)
    rows = connection.execute(
        f"SELECT DISTINCT t.no FROM {_fewest(viewer, asked)} t"
        f" CROSS JOIN {readable(viewer, one_by_one=True)} r ON r.no = t.no"
        f" WHERE ?2 <> '' AND {fits('t.no', 3)} LIMIT ?8",
        (viewer.business_no, viewer.person, *asked.parameters(viewer), most + 1),
    )
    return [no for (no,) in rows]


def _fewest(viewer: Viewer, asked: Narrowing) -> str:
    """A table of conversations that holds all that are asked for, and few others if it can be."""
    if asked.person is not None:
        return ever_in("?6")
    if asked.status is Status.SNOOZED:
        return (
            "(SELECT conversation_no AS no FROM handling INDEXED BY handling_by_snooze"
            " WHERE status = 'snoozed')"
        )
    if asked.location is None:
        return "(SELECT conversation_no AS no FROM head WHERE business_no = ?1)"
    there = "SELECT conversation_no AS no FROM placement WHERE business_no = ?1 AND location = ?4"
    if viewer.role is Role.OWNER:
        return f"({there})"
    # Where somebody does not work they see what they are members of.
    return (
        f"({there} AND location IN {WORKS_AT} UNION ALL"
        " SELECT conversation_no FROM member WHERE business_no = ?1 AND person = ?2)"
    )
