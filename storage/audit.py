"""The audit log: its rows, and reading it."""

import json
import sqlite3

import msgspec

from domain.audit import AuditDetail, AuditKind
from storage.rows import Statements


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry; ``person``: whom it is about, if it is somebody."""

    revision: int
    at: int
    author: str
    kind: AuditKind
    person: str = ""
    detail: AuditDetail = msgspec.field(default_factory=dict)


def add_entry(statements: Statements, business_no: int, entry: AuditEntry) -> None:
    """Collect the row of ``entry``."""
    statements.add(
        "INSERT INTO audit (business_no, revision, at, author, kind, detail, person)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        business_no,
        entry.revision,
        entry.at,
        entry.author,
        entry.kind,
        json.dumps(entry.detail),
        entry.person,
    )


def add_audit(
    statements: Statements,
    business_no: int,
    revision: int,
    at: int,
    author: str,
    kind: AuditKind,
    person: str = "",
    **detail: str | int | bool,
) -> None:
    """Beside the rows of an event, under its revision."""
    add_entry(statements, business_no, AuditEntry(revision, at, author, kind, person, detail))


def page(
    connection: sqlite3.Connection,
    business_no: int,
    before: int | None,
    kind: AuditKind | None,
    author: str | None,
    person: str | None,
    limit: int,
) -> list[AuditEntry]:
    """Entries below the revision ``before``, newest first, with all that is given."""
    wanted = {"revision <": before, "kind =": kind, "author =": author, "person =": person}
    given = {name: value for name, value in wanted.items() if value is not None}
    conditions = "".join(f" AND {name} ?" for name in given)
    rows = connection.execute(
        "SELECT revision, at, author, kind, person, detail FROM audit"
        f" WHERE business_no = ?{conditions} ORDER BY revision DESC LIMIT ?",
        (business_no, *given.values(), limit),
    )
    return [
        AuditEntry(revision, at, by, AuditKind(of), about, json.loads(detail))
        for revision, at, by, of, about, detail in rows
    ]
