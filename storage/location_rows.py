"""The rows of what happens to the locations of a business."""

import sqlite3

import msgspec

from domain.audit import AuditKind
from domain.record_events import LocationChanged, LocationClosed, LocationMerged, LocationReopened
from storage.audit import AuditEntry, add_entry
from storage.rows import Statements


class LocationRows:
    """One method per event; each leaves its statements, and a row in the audit."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationChanged
    ) -> None:
        hours = None if event.hours is None else msgspec.json.encode(event.hours).decode()
        self._statements.add(
            "INSERT INTO location (business_no, id, name, time_zone, hours, away_text,"
            " alert_minutes, auto_close_days, retention_days, retention_by_channel)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (business_no, id)"
            " DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone,"
            " hours = excluded.hours, away_text = excluded.away_text,"
            " alert_minutes = excluded.alert_minutes, auto_close_days = excluded.auto_close_days,"
            " retention_days = excluded.retention_days,"
            " retention_by_channel = excluded.retention_by_channel",
            business_no,
            event.location,
            event.name,
            event.time_zone,
            hours,
            event.away_text,
            event.alert_minutes,
            event.auto_close_days,
            event.retention_days,
            msgspec.json.encode(event.retention_by_channel).decode(),
        )
        self._audit(business_no, revision, event, AuditKind.LOCATION_CHANGED)

    def closed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationClosed
    ) -> None:
        self._set_status(business_no, event.location, "closed")
        self._audit(business_no, revision, event, AuditKind.LOCATION_CLOSED)

    def reopened(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationReopened
    ) -> None:
        self._set_status(business_no, event.location, "open")
        self._audit(business_no, revision, event, AuditKind.LOCATION_REOPENED)

    def merged(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationMerged
    ) -> None:
        """Everybody moves with it, in the same transaction; who works there sees another queue."""
        self._set_status(business_no, event.location, "merged", event.into)
        self._statements.add(
            "UPDATE person SET locations = (SELECT json_group_array(place) FROM ("
            "  SELECT iif(value = ?1, ?2, value) AS place FROM json_each(person.locations)"
            "  GROUP BY place ORDER BY min(key))),"
            " access_revision = iif(role <> 'customer', ?4, access_revision)"
            # An id holds no quotes, so this is true of exactly those who have it.
            " WHERE business_no = ?3 AND instr(locations, char(34) || ?1 || char(34)) > 0",
            event.location,
            event.into,
            business_no,
            revision,
        )
        for table in ("appointment", "saved_reply"):
            self._statements.add(
                f"UPDATE {table} SET location = ? WHERE business_no = ? AND location = ?",
                event.into,
                business_no,
                event.location,
            )
        self._audit(business_no, revision, event, AuditKind.LOCATION_MERGED, into=event.into)

    def _set_status(self, business_no: int, location: str, status: str, into: str = "") -> None:
        self._statements.add(
            "UPDATE location SET status = ?, merged_into = ? WHERE business_no = ? AND id = ?",
            status,
            into,
            business_no,
            location,
        )

    def _audit(
        self,
        business_no: int,
        revision: int,
        event: LocationChanged | LocationClosed | LocationReopened | LocationMerged,
        kind: AuditKind,
        **detail: str | int | bool,
    ) -> None:
        told = {"location": event.location, **detail}
        entry = AuditEntry(revision, event.at, event.author, kind, "", told)
        add_entry(self._statements, business_no, entry)
