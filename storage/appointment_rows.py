"""The rows of what happens to appointments."""

import sqlite3

from domain.events import AppointmentChanged, AppointmentDeleted
from storage.business_rows import add_audit
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
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            event.author,
            "appointment_changed",
            appointment=one.id,
            customer=one.customer,
            status=one.status,
            start=one.start,
        )

    def deleted(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AppointmentDeleted
    ) -> None:
        self._statements.add(
            "DELETE FROM appointment WHERE business_no = ? AND id = ?",
            business_no,
            event.appointment,
        )
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            event.author,
            "appointment_deleted",
            appointment=event.appointment,
            customer=event.customer,
        )
