"""Notes of a conversation, which the team alone is shown (EX-25)."""

from domain.commands import AddNote, DeleteNote, EditNote
from domain.refusal import Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.views import Note
from server import notes as shown
from server.asking import ask_conversation
from server.http.conversations import ConversationPath
from server.http.desk import changed
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Position,
    Uint,
    Unset,
    set_or,
    set_or_none,
)
from server.http.route import PERSON, UNDONE, Call, Route

_TEXT = (Code.NOT_FOUND, Code.TOO_LARGE, *UNDONE)


class NotePath(ConversationPath, frozen=True, kw_only=True):
    note: Id


class NotesQuery(ConversationPath, frozen=True, kw_only=True):
    """``before``: ``next`` of the page before."""

    before: Position | Unset = UNSET
    limit: Uint = 50


class NewNote(Input, frozen=True, kw_only=True):
    """``mentions``: people of the team who see the conversation, at most 20."""

    id: Id | Unset = UNSET
    text: str
    mentions: tuple[Id, ...] = ()


class NoteChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    text: str | Unset = UNSET
    mentions: tuple[Id, ...] | Unset = UNSET


class NoteAdded(Output, frozen=True, kw_only=True):
    """``revision`` 0: there was this note already."""

    id: str
    revision: int


class NoteList(Output, frozen=True, kw_only=True):
    """Newest first; ``next`` goes into ``before``, left out at the end."""

    notes: tuple[Note, ...]
    next: str | Unset = UNSET


async def page(call: Call[NotesQuery, Nothing]) -> NoteList | Refusal:
    """What the team says to itself about a conversation, also what it said before and deleted.

    A deleted note keeps its place, without its text. A page holds what fits 131,072 bytes.
    """
    asked = call.parameters
    found = await shown.page(
        call.node,
        call.live,
        call.somebody.viewer,
        asked.conversation,
        set_or_none(asked.before),
        asked.limit,
    )
    if isinstance(found, Refusal):
        return found
    return NoteList(notes=found.notes, next=UNSET if found.next is None else found.next)


async def add(call: Call[ConversationPath, NewNote]) -> NoteAdded | Refusal:
    """Say something to the team. The same note again, under an ``id``, is the same note.

    No customer is shown a note, and no webhook: it is no message. Search does not find it.
    """
    body = call.body
    id_ = set_or(body.id, "") or call.new_id()
    command = AddNote(call.somebody.speaker, id_, body.text, body.mentions)
    answer = changed(await ask_conversation(call.live, call.parameters.conversation, command))
    return answer if isinstance(answer, Refusal) else NoteAdded(id=id_, revision=answer.revision)


async def edit(call: Call[NotePath, NoteChange]) -> Changed | Refusal:
    """Change what a note says, or whom it mentions: its author, or an owner."""
    asked, body = call.parameters, call.body
    command = EditNote(
        call.somebody.speaker, asked.note, set_or_none(body.text), set_or_none(body.mentions)
    )
    return changed(await ask_conversation(call.live, asked.conversation, command))


async def delete(call: Call[NotePath, Nothing]) -> Changed | Refusal:
    """Delete a note: its author, or an owner. Its text is gone, also from the database."""
    asked = call.parameters
    command = DeleteNote(call.somebody.speaker, asked.note)
    return changed(await ask_conversation(call.live, asked.conversation, command))


_EXAMPLE = Note(
    conversation="rex-grooming",
    note="n-1",
    revision=1083,
    seq=42,
    at=1_793_000_001_234,
    author="sam",
    text="Rex bites when his paws are touched. @Mo, please take him.",
    mentions=("mo",),
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/notes",
        summary="List the notes of a conversation",
        handler=page,
        callers=PERSON,
        operation=Operation.NOTES,
        scope=Scope.NOTES_READ,
        parameters=NotesQuery,
        body=Nothing,
        answer=NoteList,
        refusals=(Code.NOT_FOUND,),
        shows=NoteList(notes=(_EXAMPLE,)),
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/notes",
        summary="Add a note",
        handler=add,
        callers=PERSON,
        operation=Operation.NOTE,
        scope=Scope.NOTES_WRITE,
        parameters=ConversationPath,
        body=NewNote,
        answer=NoteAdded,
        status=201,
        refusals=(Code.CONFLICT, *_TEXT),
        asks=NewNote(id="n-1", text=_EXAMPLE.text, mentions=("mo",)),
        shows=NoteAdded(id="n-1", revision=1083),
    ),
    Route(
        method="PATCH",
        path="/v1/conversations/{conversation}/notes/{note}",
        summary="Change a note",
        handler=edit,
        callers=PERSON,
        operation=Operation.NOTE,
        scope=Scope.NOTES_WRITE,
        parameters=NotePath,
        body=NoteChange,
        answer=Changed,
        refusals=(Code.DELETED, *_TEXT),
        asks=NoteChange(text="Rex bites when his paws are touched."),
        shows=Changed(revision=1084),
    ),
    Route(
        method="DELETE",
        path="/v1/conversations/{conversation}/notes/{note}",
        summary="Delete a note",
        handler=delete,
        callers=PERSON,
        operation=Operation.NOTE,
        scope=Scope.NOTES_WRITE,
        parameters=NotePath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1085),
    ),
)
