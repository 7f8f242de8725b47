"""The rows of what happens to a business: settings, people, locations, ownership."""

import json
import sqlite3

from domain.audit import AuditKind
from domain.events import (
    AccessRevoked,
    Audited,
    BusinessChanged,
    KeyMade,
    KeyRevoked,
    LocationChanged,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    SavedReplyChanged,
    SavedReplyDeleted,
)
from storage.audit import AuditEntry, add_entry
from storage.people import folded
from storage.rows import Statements


class BusinessRows:
    """One method per event; each leaves its statements, and a row in the audit."""

    def __init__(self) -> None:
        self.statements = Statements()

    def business_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: BusinessChanged
    ) -> None:
        self.statements.add(
            "UPDATE business SET name = ?, read_receipts = ?, last_seen = ?, revision = ?"
            " WHERE no = ?",
            event.name,
            event.read_receipts,
            event.last_seen,
            revision,
            business_no,
        )
        self._audit(business_no, revision, event.at, event.author, AuditKind.BUSINESS_CHANGED)

    def location_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationChanged
    ) -> None:
        self.statements.add(
            "INSERT INTO location VALUES (?, ?, ?, ?) ON CONFLICT (business_no, id)"
            " DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone",
            business_no,
            event.location,
            event.name,
            event.time_zone,
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.LOCATION_CHANGED,
            location=event.location,
        )

    def person_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PersonChanged
    ) -> None:
        person = event.person
        self.statements.add(
            "INSERT INTO person (business_no, id, name, folded_name, role, active, locations,"
            " access_revision, revision, revoked_revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (business_no, id) DO UPDATE SET name = excluded.name,"
            " folded_name = excluded.folded_name, role = excluded.role, active = excluded.active,"
            " locations = excluded.locations,"
            " access_revision = max(access_revision, excluded.access_revision),"
            " revision = max(revision, excluded.revision),"
            " revoked_revision = iif(excluded.revoked_revision, excluded.revoked_revision,"
            " revoked_revision)",  # of files made before there were revisions it is a larger number
            business_no,
            person.id,
            person.name,
            folded(person.name),
            person.role,
            person.active,
            json.dumps(event.locations),
            revision if event.access else 0,
            revision if event.shown else 0,
            revision if event.access and not person.active else 0,
        )
        if event.ownership:
            self._reset_everybody(business_no, revision)
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.PERSON_CHANGED,
            person=person.id,
            role=person.role,
            active=person.active,
        )

    def privacy_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PrivacyChanged
    ) -> None:
        self.statements.add(
            "UPDATE person SET read_receipts = ?, last_seen = ?, privacy_revision = ?"
            " WHERE business_no = ? AND id = ?",
            event.read_receipts,
            event.last_seen,
            revision,
            business_no,
            event.person,
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.person,
            AuditKind.PRIVACY_CHANGED,
            person=event.person,
        )

    def ownership_transferred(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: OwnershipTransferred
    ) -> None:
        for person, role in ((event.former, event.former_role), (event.owner, "owner")):
            self.statements.add(
                "UPDATE person SET role = ? WHERE business_no = ? AND id = ?",
                role,
                business_no,
                person,
            )
        self._reset_everybody(business_no, revision)
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.OWNERSHIP_TRANSFERRED,
            person=event.owner,
            former=event.former,
        )

    def access_revoked(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AccessRevoked
    ) -> None:
        if event.token:
            self.statements.add(
                "INSERT OR REPLACE INTO revoked_token VALUES (?, ?)", event.token, event.expires_at
            )
            self.statements.add("DELETE FROM revoked_token WHERE expires_at <= ?", event.at)
            # The tokens of a sign-in have its id behind that of their business.
            self.statements.add(
                "DELETE FROM sign_in WHERE id = ? AND business_no = ?",
                event.token.partition("/")[2],
                business_no,
            )
        else:
            self.statements.add(
                "UPDATE person SET revoked_revision = ? WHERE business_no = ? AND id = ?",
                revision,
                business_no,
                event.person,
            )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.ACCESS_REVOKED,
            person=event.person,
        )

    def key_made(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: KeyMade
    ) -> None:
        self.statements.add(
            "INSERT INTO api_key (hash, business_no, id, name, created_at, scopes, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            event.key_hash,
            business_no,
            event.key,
            event.name,
            event.at,
            json.dumps(event.scopes),
            event.expires_at,
        )
        scopes = " ".join(event.scopes)
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.KEY_MADE,
            key=event.key,
            scopes=scopes,
        )

    def key_revoked(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: KeyRevoked
    ) -> None:
        self.statements.add(
            "UPDATE api_key SET revoked_at = ? WHERE business_no = ? AND id = ?",
            event.at,
            business_no,
            event.key,
        )
        self._audit(
            business_no, revision, event.at, event.author, AuditKind.KEY_REVOKED, key=event.key
        )

    def audited(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: Audited
    ) -> None:
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            event.kind,
            event.person,
            **event.detail,
        )

    def saved_reply_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: SavedReplyChanged
    ) -> None:
        self.statements.add(
            "INSERT OR REPLACE INTO saved_reply VALUES (?, ?, ?, ?, ?)",
            business_no,
            event.reply,
            event.location,
            event.title,
            event.text,
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.SAVED_REPLY_CHANGED,
            reply=event.reply,
            location=event.location,
        )

    def saved_reply_deleted(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: SavedReplyDeleted
    ) -> None:
        self.statements.add(
            "DELETE FROM saved_reply WHERE business_no = ? AND id = ?", business_no, event.reply
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.SAVED_REPLY_DELETED,
            reply=event.reply,
        )

    def _reset_everybody(self, business_no: int, revision: int) -> None:
        """Who owns is in every conversation, so the member lists that everybody holds are void."""
        self.statements.add(
            "UPDATE business SET access_revision = ? WHERE no = ?", revision, business_no
        )

    def _audit(
        self,
        business_no: int,
        revision: int,
        at: int,
        author: str,
        kind: AuditKind,
        person: str = "",
        **detail: str | int | bool,
    ) -> None:
        entry = AuditEntry(revision, at, author, kind, person, detail)
        add_entry(self.statements, business_no, entry)
