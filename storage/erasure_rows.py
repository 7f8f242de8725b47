"""The rows of erasing: what an event removes by itself, in its own transaction.

What else there is of a person is removed afterwards, table by table: see `storage.erasure`.
"""

import sqlite3

from domain.audit import AuditKind
from domain.erasure_events import MessageErased, PersonErased
from domain.imports import DEVICE
from domain.record_events import HoldChanged
from storage.attachment_rows import AttachmentRows
from storage.audit import AuditEntry, add_entry
from storage.business_rows import BusinessRows
from storage.keys import SEQ_BITS
from storage.rows import Statements

ACCOUNT_TABLES = ("account", "sign_in", "sign_in_link")
"""How somebody signs in, each by business and person."""


class ErasureRows:
    """One method per event; each leaves its statements among those of the desk."""

    def __init__(self, desk: BusinessRows) -> None:
        self._desk = desk
        self._statements = desk.statements

    def person_erased(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PersonErased
    ) -> None:
        person = event.person.id
        self._desk.write_person(business_no, revision, event)
        self._statements.add(
            "UPDATE person SET last_seen_at = 0 WHERE business_no = ? AND id = ?",
            business_no,
            person,
        )
        for table in ACCOUNT_TABLES:
            self._statements.add(
                f"DELETE FROM {table} WHERE business_no = ? AND person = ?", business_no, person
            )
        for conversation in event.titled:
            # How its creation begins says whether it was imported; the rest is a digest.
            self._statements.add(
                "UPDATE conversation SET title = '', creation = iif(substr(creation, 1, 7) ="
                " CAST('import:' AS BLOB), substr(creation, 1, 7), x'')"
                " WHERE business_no = ? AND id = ?",
                business_no,
                conversation,
            )
        if event.titled:
            self._desk.reset_everybody(business_no, revision)
        self._statements.add(
            "INSERT INTO erasure (business_no, person, at) VALUES (?, ?, ?)",
            business_no,
            person,
            event.at,
        )
        entry = AuditEntry(revision, event.at, event.author, AuditKind.PERSON_ERASED, person)
        add_entry(self._statements, business_no, entry)

    def hold_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: HoldChanged
    ) -> None:
        if event.placed:
            self._statements.add(
                "INSERT OR IGNORE INTO hold VALUES (?, ?, ?, ?)",
                business_no,
                event.kind,
                event.id,
                event.at,
            )
        else:
            self._statements.add(
                "DELETE FROM hold WHERE business_no = ? AND kind = ? AND id = ?",
                business_no,
                event.kind,
                event.id,
            )
        kind = AuditKind.HOLD_PLACED if event.placed else AuditKind.HOLD_LIFTED
        person = event.id if event.kind == "person" else ""
        entry = AuditEntry(
            revision, event.at, event.author, kind, person, {event.kind.value: event.id}
        )
        add_entry(self._statements, business_no, entry)


def erase_message(
    statements: Statements,
    attachments: AttachmentRows,
    no: int,
    revision: int,
    event: MessageErased,
) -> None:
    """Nothing is left of a message but its place, and that it was imported, if it was.

    A message without a digest is one that was erased: `storage.check` holds it to that.
    """
    key = no << SEQ_BITS | event.seq
    attachments.deleted(key)
    statements.add("DELETE FROM version WHERE message_id = ?", key)
    statements.add(
        "UPDATE message SET text = '', edited_at = 0, deleted_at = max(deleted_at, ?),"
        f" device = iif(device = '{DEVICE}', device, NULL), client_message_id = NULL,"
        " digest = NULL WHERE id = ?",
        event.at,
        key,
    )
    statements.add(
        "INSERT INTO change VALUES (?, ?, ?, ?, ?, 1, '')",
        no,
        revision,
        event.seq,
        event.at,
        event.author,
    )
