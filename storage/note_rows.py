"""The rows of notes: each note as it is, and what happened to it, without a text."""

import json

from domain.audit import AuditKind
from domain.note_action import NoteAction
from domain.note_events import NoteChanged
from storage.audit import AuditEntry, add_entry
from storage.rows import Statements


def add_note(
    statements: Statements, no: int, business_no: int, revision: int, event: NoteChanged
) -> None:
    """The note as it is now, and its change; a deletion is audited beside it."""
    note = event.note
    statements.add(
        "INSERT INTO note (conversation_no, id, created_revision, revision, seq, at, author, text,"
        " mentions, edited_at, deleted_at, digest) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " ?10, ?11) ON CONFLICT (conversation_no, id) DO UPDATE SET revision = excluded.revision,"
        " text = excluded.text, mentions = excluded.mentions, edited_at = excluded.edited_at,"
        " deleted_at = excluded.deleted_at",
        no,
        note.id,
        revision,
        note.seq,
        note.at,
        note.author,
        note.text,
        json.dumps(note.mentions),
        note.edited_at,
        note.deleted_at,
        note.digest,
    )
    statements.add(
        "INSERT INTO note_change VALUES (?, ?, ?, ?, ?, ?)",
        no,
        revision,
        note.id,
        event.at,
        event.author,
        event.kind,
    )
    if event.kind == NoteAction.DELETE:
        detail: dict[str, str | int | bool] = {"conversation": event.conversation, "note": note.id}
        entry = AuditEntry(revision, event.at, event.author, AuditKind.NOTE_DELETED, "", detail)
        add_entry(statements, business_no, entry)
