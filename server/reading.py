"""What people are shown: stored pictures, with presence added and what is hidden left out.

Websocket and HTTP read through the same functions.
"""

from collections.abc import Iterable

import msgspec

from domain.policies import UnreadBy
from domain.presence import State
from domain.roles import TEAM, Role
from domain.views import Conversation, Member, MessageReceipt, Presence
from server.live import LiveBusiness
from storage.access import Viewer


def viewer_of(live: LiveBusiness, person: str, role: Role) -> Viewer:
    """Who reads, for the queries."""
    shares = role in TEAM and live.state.policies.unread is UnreadBy.TEAM
    return Viewer(live.state.no, person, role, shares)


def conversation(live: LiveBusiness, viewer: str, stored: Conversation) -> Conversation:
    """The picture for ``viewer``: what members hide is left out, presence is added (C-26)."""
    members = tuple(_member(live, viewer, member) for member in stored.members)
    return msgspec.structs.replace(stored, members=members)


def _member(live: LiveBusiness, viewer: str, member: Member) -> Member:
    business = live.state
    shows_read = business.shows_read(member.person, viewer)
    state, last_seen_at = State.OFFLINE, 0
    if business.shows_seen(member.person, viewer):
        state, last_seen_at = live.board.shown.get(
            member.person, (State.OFFLINE, member.last_seen_at)
        )
    return msgspec.structs.replace(
        member,
        read_up_to=member.read_up_to if shows_read else 0,
        read_at=member.read_at if shows_read else 0,
        state=state.value,
        last_seen_at=last_seen_at,
    )


def receipts(
    live: LiveBusiness, viewer: str, stored: Iterable[MessageReceipt]
) -> tuple[MessageReceipt, ...]:
    """Receipts of one message for ``viewer``."""
    return tuple(
        receipt
        if live.state.shows_read(receipt.person, viewer)
        else msgspec.structs.replace(receipt, read_at=0)
        for receipt in stored
    )


def presence(live: LiveBusiness, viewer: str, stored: dict[str, int]) -> tuple[Presence, ...]:
    """The presence of people whom ``viewer`` may watch; ``stored``: their last-seen on disk."""
    shown = []
    for person, stored_at in stored.items():
        state, last_seen_at = live.board.shown.get(person, (State.OFFLINE, stored_at))
        if not live.state.shows_seen(person, viewer):
            state, last_seen_at = State.OFFLINE, 0
        shown.append(Presence(person=person, state=state, last_seen_at=last_seen_at))
    return tuple(shown)
