"""Searching messages: the same for websocket and HTTP."""

from domain.refusal import NOT_FOUND, OF_THE_TEAM, Refusal
from domain.roles import TEAM
from server.node import Node
from storage.access import Viewer
from storage.search import FoundPage, Search

INDEXED_SECONDS = 0.5
"""So long a search waits for the index where what it does not hold yet is too much to look at."""


async def find(node: Node, business: str, viewer: Viewer, asked: Search) -> FoundPage | Refusal:
    """A page of what was asked for; it may be `FoundPage.behind` after all."""
    if asked.among.of_team and viewer.role not in TEAM:
        return OF_THE_TEAM
    found = await node.queries.find(viewer, asked)
    if found is not None and found.behind:
        head = node.database.journal.released(business)
        await node.database.indexer.reached(business, head, INDEXED_SECONDS)
        found = await node.queries.find(viewer, asked)
    return NOT_FOUND if found is None else found
