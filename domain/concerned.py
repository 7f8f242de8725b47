"""Whom a receipt concerns: the authors of what it is about."""

from collections.abc import Collection

from domain.business import Business
from domain.conversation import REMEMBERED, Conversation
from domain.events import Advance, ReceiptsAdvanced
from domain.policies import UnreadBy

AUTHORS_BACK = 5_000
"""Whose messages a receipt is about is looked up among so many of the newest entries."""


def concerned_authors(
    state: Conversation, event: ReceiptsAdvanced
) -> tuple[set[str], tuple[int, int] | None]:
    """Whose messages the advances are about, and the range of seqs that is no longer at hand.

    A receipt goes to the authors whom it concerns, not to every member: 100 members who each
    receive one message must not cause 10,000 events. How far authors are looked for is bounded by
    `AUTHORS_BACK`: who comes into a long conversation has all of it delivered at once.
    """
    recent = state.recent
    oldest = max(1, state.last_seq - REMEMBERED + 1)
    if len(event.advances) == 1:  # one person read the newest message: nearly all
        after, up_to = event.advances[0].after, _reach(event.advances[0])
        if up_to == after + 1 >= oldest:
            return {recent[up_to].author}, None
    authors: set[str] = set()
    unknown: tuple[int, int] | None = None
    looked_at = (0, 0)
    for advance in event.advances:
        after, up_to = advance.after, _reach(advance)
        if looked_at == (after, up_to):
            continue  # in a room most cursors make the same step
        looked_at = (after, up_to)
        if after + 1 < oldest and up_to > state.last_seq - AUTHORS_BACK:
            first = max(after + 1, state.last_seq - AUTHORS_BACK + 1)
            first = min(first, unknown[0]) if unknown is not None else first
            last = min(up_to, oldest - 1)
            unknown = (first, last if unknown is None else max(last, unknown[1]))
        for seq in range(max(after + 1, oldest), up_to + 1):
            authors.add(recent[seq].author)
    return authors, unknown


def still_here(state: Conversation, business: Business, authors: set[str]) -> Collection[str]:
    """Those of ``authors`` who see the conversation, by whatever."""
    members, owners = state.members, business.owners
    if authors <= members.keys():
        return authors
    there = business.staff_at(state.handling.locations)
    return [a for a in authors if a in members or a in owners or a in there]


def team_told(state: Conversation, event: ReceiptsAdvanced) -> tuple[str, ...]:
    """Who hears how far the team has read: those of it who see the conversation.

    Nobody, if it has read no farther, counts are personal, or all in it are of the team (EX-24).
    """
    business = state.business
    if not event.team_read_up_to or business is None:
        return ()
    team, members = business.team, state.members
    if business.policies.unread is not UnreadBy.TEAM or all(p in team for p in members):
        return ()
    sees = (*members, *business.owners, *business.staff_at(state.handling.locations))
    return tuple(person for person in dict.fromkeys(sees) if person in team)


def _reach(advance: Advance) -> int:
    """How far the cursor that moved went; delivered goes at least as far as read."""
    cursor = advance.cursor
    return cursor.delivered_up_to if advance.delivered else cursor.read_up_to
