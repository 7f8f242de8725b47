"""The rows of what happens to a business: settings, people, ownership."""

import json
import sqlite3

import msgspec

from domain.audit import AuditKind
from domain.contact import Contact
from domain.events import (
    AccessRevoked,
    Audited,
    BusinessChanged,
    KeyMade,
    KeyRevoked,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    SavedReplyChanged,
    SavedReplyDeleted,
)
from domain.permissions import Permission, granted
from domain.record_events import ContactChanged, ImportFinished, ParentChanged
from domain.roles import Role
from storage import saved_replies
from storage.audit import add_audit
from storage.people import addresses_of, encoded_contact, folded
from storage.retention import add_told
from storage.rows import Statements


class BusinessRows:
    """One method per event; each leaves its statements, and a row in the audit."""

    def __init__(self) -> None:
        self.statements = Statements()

    def business_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: BusinessChanged
    ) -> None:
        self.statements.add(
            "UPDATE business SET name = ?, read_receipts = ?, last_seen = ?, policies = ?,"
            " revision = ? WHERE no = ?",
            event.name,
            event.read_receipts,
            event.last_seen,
            msgspec.json.encode(event.policies).decode(),
            revision,
            business_no,
        )
        if event.access:
            self.reset_everybody(business_no, revision)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.BUSINESS_CHANGED,
        )

    def parent_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: ParentChanged
    ) -> None:
        self.statements.add(
            "UPDATE business SET parent_no = (SELECT no FROM business WHERE id = ?) WHERE no = ?",
            event.parent,
            business_no,
        )
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.PARENT_CHANGED,
            parent=event.parent,
        )

    def person_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PersonChanged
    ) -> None:
        self.write_person(business_no, revision, event)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.PERSON_CHANGED,
            person=event.person.id,
            role=event.person.role,
            active=event.person.active,
            enrolled=event.profile.enrolled,
            blocked=event.profile.blocked,
        )

    def write_person(self, business_no: int, revision: int, event: PersonChanged) -> None:
        """Somebody is what the event says, and nothing else."""
        person, profile = event.person, event.profile
        self.statements.add(
            "INSERT INTO person (business_no, id, name, folded_name, role, active, locations,"
            " access_revision, revision, revoked_revision, permissions, contact, enrolled, blocked,"
            " household, reference, inbox)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (business_no, id) DO UPDATE SET name = excluded.name,"
            " folded_name = excluded.folded_name, role = excluded.role, active = excluded.active,"
            " locations = excluded.locations, permissions = excluded.permissions,"
            " contact = excluded.contact, enrolled = excluded.enrolled, blocked = excluded.blocked,"
            " household = excluded.household, reference = excluded.reference,"
            " inbox = excluded.inbox,"
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
            None if profile.permissions is None else json.dumps(sorted(profile.permissions)),
            encoded_contact(profile.contact),
            profile.enrolled,
            profile.blocked,
            profile.household,
            profile.reference,
            Permission.INBOX in granted(person.role, profile.permissions),
        )
        self._addresses(business_no, person.id, profile.contact)
        if event.ownership:
            self.reset_everybody(business_no, revision)

    def contact_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: ContactChanged
    ) -> None:
        consents: dict[str, bool] = msgspec.to_builtins(event.contact.consents)
        self.statements.add(
            "UPDATE person SET contact = ? WHERE business_no = ? AND id = ?",
            encoded_contact(event.contact),
            business_no,
            event.person,
        )
        self._addresses(business_no, event.person, event.contact)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.CONTACT_CHANGED,
            person=event.person,
            app_installed=event.contact.app_installed,
            consents=",".join(name for name, given in consents.items() if given),
        )

    def _addresses(self, business_no: int, person: str, contact: Contact) -> None:
        """What they are found by from now on."""
        self.statements.add(
            "DELETE FROM person_address WHERE business_no = ? AND person = ?", business_no, person
        )
        for address in addresses_of(contact):
            self.statements.add(
                "INSERT INTO person_address VALUES (?, ?, ?)", business_no, address, person
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
        add_audit(
            self.statements,
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
        for person, role in ((event.former, event.former_role), (event.owner, Role.OWNER)):
            self.statements.add(
                "UPDATE person SET role = ?, permissions = NULL, inbox = ?"
                " WHERE business_no = ? AND id = ?",
                role,
                Permission.INBOX in granted(role, None),
                business_no,
                person,
            )
        self.reset_everybody(business_no, revision)
        add_audit(
            self.statements,
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
        add_audit(
            self.statements,
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
        add_audit(
            self.statements,
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
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.KEY_REVOKED,
            key=event.key,
        )

    def audited(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: Audited
    ) -> None:
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            event.kind,
            event.person,
            **event.detail,
        )
        if event.kind is AuditKind.MESSAGES_EXPIRED:
            add_told(self.statements, business_no)

    def saved_reply_changed(
        self, db: sqlite3.Connection, business_no: int, revision: int, event: SavedReplyChanged
    ) -> None:
        saved_replies.store(db, business_no, event)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.SAVED_REPLY_CHANGED,
            reply=event.reply,
            location=event.location,
        )

    def saved_reply_deleted(
        self, db: sqlite3.Connection, business_no: int, revision: int, event: SavedReplyDeleted
    ) -> None:
        saved_replies.delete(db, business_no, event.reply)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.SAVED_REPLY_DELETED,
            reply=event.reply,
        )

    def import_finished(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: ImportFinished
    ) -> None:
        self.statements.add(
            "UPDATE import SET finished_at = ? WHERE business_no = ? AND id = ?",
            event.at,
            business_no,
            event.name,
        )
        self.reset_everybody(business_no, revision)
        add_audit(
            self.statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.IMPORT_FINISHED,
            name=event.name,
        )

    def reset_everybody(self, business_no: int, revision: int) -> None:
        """What everybody holds is void: who owns is in every conversation, for one."""
        self.statements.add(
            "UPDATE business SET access_revision = ? WHERE no = ?", revision, business_no
        )
