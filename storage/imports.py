"""How far imports are, and what was refused of them."""

import sqlite3
from collections.abc import Sequence

import msgspec


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """``records`` have been taken so far: ``stored``, ``known`` before, or ``refused``."""

    id: str
    created_at: int
    finished_at: int = 0
    records: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0


class RefusedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``number``: which record, counted from 1 over the whole import."""

    number: int
    kind: str
    record: str
    code: str
    reason: str


_COLUMNS = "id, created_at, finished_at, records, stored, known, refused"


def one(connection: sqlite3.Connection, business_no: int, name: str) -> Import | None:
    """One import, or ``None``."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM import WHERE business_no = ? AND id = ?", (business_no, name)
    ).fetchone()
    if row is None:
        return None
    id_, created_at, finished_at, records, stored, known, refused = row
    return Import(
        id=id_,
        created_at=created_at,
        finished_at=finished_at,
        records=records,
        stored=stored,
        known=known,
        refused=refused,
    )


def refused(
    connection: sqlite3.Connection, business_no: int, name: str, after: int, limit: int
) -> list[RefusedRecord]:
    """What was refused of an import, in order, behind record ``after``."""
    rows = connection.execute(
        "SELECT number, kind, record, code, reason FROM import_refusal"
        " WHERE business_no = ? AND import = ? AND number > ? ORDER BY number LIMIT ?",
        (business_no, name, after, limit),
    )
    return [
        RefusedRecord(number=number, kind=kind, record=record, code=code, reason=reason)
        for number, kind, record, code, reason in rows
    ]


def create(connection: sqlite3.Connection, business_no: int, name: str, now: int) -> None:
    """Begin an import, unless there is one of that name."""
    connection.execute(
        "INSERT OR IGNORE INTO import (business_no, id, created_at) VALUES (?, ?, ?)",
        (business_no, name, now),
    )


def note(
    connection: sqlite3.Connection,
    business_no: int,
    progress: Import,
    refusals: Sequence[RefusedRecord],
) -> None:
    """How far an import is, and what was refused since the last time."""
    connection.execute(
        "UPDATE import SET records = ?, stored = ?, known = ?, refused = ?"
        " WHERE business_no = ? AND id = ?",
        (
            progress.records,
            progress.stored,
            progress.known,
            progress.refused,
            business_no,
            progress.id,
        ),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO import_refusal VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (business_no, progress.id, r.number, r.kind, r.record, r.code, r.reason)
            for r in refusals
        ],
    )
