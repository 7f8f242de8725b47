"""The rows of accounts: who signs in with what, and on which devices they are signed in."""

import sqlite3

from domain.account_events import AccountChanged, AccountRemoved, SignedIn, SignInFailed
from domain.audit import AuditKind
from storage.audit import add_audit
from storage.rows import Statements

NOBODY = "@nobody"
"""The author of what was done by who could not say who they are; no valid id."""


class AccountRows:
    """One method per event; each leaves its statements among those of the desk."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def account_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AccountChanged
    ) -> None:
        self._statements.add(
            "INSERT INTO account (business_no, person, email, email_key, revision)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (business_no, person) DO UPDATE SET"
            " email = excluded.email, email_key = excluded.email_key, revision = excluded.revision",
            business_no,
            event.person,
            event.email,
            event.email_key,
            revision,
        )
        self._forget("sign_in_link", business_no, event.person)
        if event.anew:
            self._void(business_no, revision, event.person)
            self._statements.add(
                "UPDATE account SET password_hash = '' WHERE business_no = ? AND person = ?",
                business_no,
                event.person,
            )
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.ACCOUNT_CHANGED,
            person=event.person,
        )

    def account_removed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AccountRemoved
    ) -> None:
        for table in ("account", "sign_in_link"):
            self._forget(table, business_no, event.person)
        self._void(business_no, revision, event.person)
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            event.author,
            AuditKind.ACCOUNT_REMOVED,
            person=event.person,
        )

    def signed_in(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: SignedIn
    ) -> None:
        kind = AuditKind.SIGNED_IN
        if event.password_hash:
            kind = AuditKind.PASSWORD_CHANGED
            self._void(business_no, revision, event.person)
            self._forget("sign_in_link", business_no, event.person)
            self._statements.add(
                "UPDATE account SET password_hash = ?, revision = ?"
                " WHERE business_no = ? AND person = ?",
                event.password_hash,
                revision,
                business_no,
                event.person,
            )
        if event.link:
            self._statements.add("DELETE FROM sign_in_link WHERE hash = ?", event.link)
        self._statements.add(
            "INSERT INTO sign_in (id, business_no, person, device, revoked_revision, created_at,"
            " last_used_at) SELECT ?, business_no, id, ?, revoked_revision, ?, ? FROM person"
            " WHERE business_no = ? AND id = ?",
            event.sign_in,
            event.device,
            event.at,
            event.at,
            business_no,
            event.person,
        )
        # Those of before that a revocation has made void are of no use to anybody.
        self._statements.add(
            "DELETE FROM sign_in WHERE business_no = ?1 AND person = ?2 AND revoked_revision <>"
            " (SELECT revoked_revision FROM person WHERE business_no = ?1 AND id = ?2)",
            business_no,
            event.person,
        )
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            event.person,
            kind,
            person=event.person,
            session=event.sign_in,
            how=event.how,
        )

    def sign_in_failed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: SignInFailed
    ) -> None:
        add_audit(
            self._statements,
            business_no,
            revision,
            event.at,
            NOBODY,
            AuditKind.SIGN_IN_FAILED,
            person=event.person,
            count=event.count,
        )

    def _void(self, business_no: int, revision: int, person: str) -> None:
        """Every token and every sign-in of ``person`` of before ``revision``."""
        self._statements.add(
            "UPDATE person SET revoked_revision = ? WHERE business_no = ? AND id = ?",
            revision,
            business_no,
            person,
        )
        self._forget("sign_in", business_no, person)

    def _forget(self, table: str, business_no: int, person: str) -> None:
        self._statements.add(
            f"DELETE FROM {table} WHERE business_no = ? AND person = ?", business_no, person
        )
