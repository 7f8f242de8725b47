"""Lists of conversations: the same for websocket and HTTP."""

from dataclasses import replace

from domain.refusal import OF_THE_TEAM, Code, Refusal
from domain.roles import TEAM
from server.node import Node
from storage.access import Viewer
from storage.lists import ListFilter, ListPage

_BOTH = Refusal(Code.BAD_REQUEST, "Ask for an assignee or for what has none, not for both.")


async def find(
    node: Node, viewer: Viewer, asked: ListFilter, unassigned: bool, before: str | None, limit: int
) -> ListPage | Refusal:
    """A page of the conversations that fit; ``unassigned``: of these what is nobody's."""
    if unassigned:
        if asked.assignee is not None:
            return _BOTH
        asked = replace(asked, assignee="")
    if asked.of_team and viewer.role not in TEAM:
        return OF_THE_TEAM
    return await node.queries.conversations(viewer, before, limit, asked)
