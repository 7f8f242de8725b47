"""The rows of what happens to appointments."""

import sqlite3

from domain.audit import AuditDetail, AuditKind
from domain.record_events import AppointmentChanged, AppointmentDeleted
from storage.audit import AuditEntry, add_entry
from storage.rows import Statements


class AppointmentRows:
    """One method per event; each leaves its statements, and a row in the audit."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AppointmentChanged
    ) -> None:
        one = event.appointment
        self._statements.add(
            "INSERT OR REPLACE INTO appointment (business_no, id, customer, staff, location,"
            " starts_at, ends_at, status, title) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            business_no,
            one.id,
            one.customer,
            one.staff,
            one.location,
            one.start,
            one.end,
            one.status,
            one.title,
        )
        told: AuditDetail = {"appointment": one.id, "status": one.status.value, "start": one.start}
        kind = AuditKind.APPOINTMENT_CHANGED
        entry = AuditEntry(revision, event.at, event.author, kind, one.customer, told)
        add_entry(self._statements, business_no, entry)

    def deleted(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AppointmentDeleted
    ) -> None:
        self._statements.add(
            "DELETE FROM appointment WHERE business_no = ? AND id = ?",
            business_no,
            event.appointment,
        )
        kind = AuditKind.APPOINTMENT_DELETED
        told: AuditDetail = {"appointment": event.appointment}
        entry = AuditEntry(revision, event.at, event.author, kind, event.customer, told)
        add_entry(self._statements, business_no, entry)
