"""The websocket's requests about notes; the team's alone, as `domain.roles.POLICY` says."""

from domain.commands import AddNote, Answer, ChangeNote, DeleteNote, EditNote, Speaker
from domain.limits import LIST_MAX
from domain.note_action import NoteAction
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, may
from protocol import commands, frames
from server.asking import ask_conversation
from server.live import LiveBusiness
from server.monitoring import note_read
from server.node import Node
from storage.access import Viewer
from storage.notes import NotePage

_NEWEST = 2**63 - 1
_POSITION_DIGITS = 18
_TEAM_ALONE = Refusal(Code.FORBIDDEN, "Notes are the team's alone.")
_NO_TEXT = Refusal(Code.BAD_REQUEST, "'text': write what the note says.")


async def change(live: LiveBusiness, speaker: Speaker, command: commands.Note) -> Answer:
    """Add, edit or delete a note."""
    if not may(speaker.role, Operation.NOTE):
        return _TEAM_ALONE
    asked = _asked(speaker, command)
    if isinstance(asked, Refusal):
        return asked
    return await ask_conversation(live, command.conversation, asked)


def _asked(speaker: Speaker, command: commands.Note) -> ChangeNote | Refusal:
    match command.action:
        case NoteAction.ADD:
            if command.text is None:
                return _NO_TEXT
            return AddNote(speaker, command.note, command.text, command.mentions or ())
        case NoteAction.EDIT:
            return EditNote(speaker, command.note, command.text, command.mentions)
        case NoteAction.DELETE:
            return DeleteNote(speaker, command.note)


async def show(
    node: Node, live: LiveBusiness, viewer: Viewer, command: commands.Notes
) -> frames.NoteList | Refusal:
    """A page of notes."""
    if not may(viewer.role, Operation.NOTES):
        return _TEAM_ALONE
    found = await page(node, live, viewer, command.conversation, command.before, command.limit)
    if isinstance(found, Refusal):
        return found
    return frames.NoteList(
        id=command.id, conversation=command.conversation, notes=found.notes, next=found.next
    )


async def page(
    node: Node,
    live: LiveBusiness,
    viewer: Viewer,
    conversation: str,
    before: str | None,
    limit: int,
) -> NotePage | Refusal:
    """Notes of a conversation, newest first; what an owner reads is noted before.

    ``before`` is a `next` of ours; anything else begins at the newest.
    """
    refusal = await note_read(node, live, viewer, conversation)
    if refusal is not None:
        return refusal
    found = await node.queries.notes(
        viewer, conversation, _position(before), max(1, min(limit, LIST_MAX))
    )
    return NOT_FOUND if found is None else found


def _position(before: str | None) -> int:
    if before is None or not (before.isdecimal() and len(before) <= _POSITION_DIGITS):
        return _NEWEST
    return int(before)
