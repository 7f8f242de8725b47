"""Owners who read what they take no part in leave a trace in the audit log (C-07, DT-22).

The trace is stored before the answer is given. What has been looked at is remembered for an hour:
until then reading costs an owner one look into a dictionary, and everybody else nothing.
"""

from actors.business import Note
from domain.audit import AuditDetail, AuditKind
from domain.refusal import Refusal
from domain.roles import Role
from server.asking import ASK_SECONDS, answer_of
from server.live import BUSINESS, LiveBusiness
from server.node import Node
from storage.access import Viewer


def may_read_at_once(node: Node, live: LiveBusiness, viewer: Viewer, conversation: str) -> bool:
    """Whether nothing has to be noted before ``viewer`` is shown ``conversation``."""
    return viewer.role is not Role.OWNER or live.reads.covers(
        viewer.person, conversation, node.clock()
    )


async def note_read(
    node: Node, live: LiveBusiness, viewer: Viewer, conversation: str
) -> Refusal | None:
    """See to it that a read of ``conversation`` is in the audit log, if it has to be.

    A refusal: it could not be noted, so nothing may be shown.
    """
    if may_read_at_once(node, live, viewer, conversation):
        return None
    async with live.reads.noting:
        if may_read_at_once(node, live, viewer, conversation):
            return None
        takes_part = await node.queries.takes_part(viewer, conversation)
        if takes_part is None:
            return None
        if not takes_part:
            detail: AuditDetail = {"conversation": conversation}
            note = Note(viewer.person, AuditKind.CONVERSATION_READ, detail=detail)
            answer = answer_of(await live.desk.ask(BUSINESS, note, ASK_SECONDS))
            if isinstance(answer, Refusal):
                return answer
        live.reads.remember(viewer.person, conversation, node.clock())
    return None
