"""What was answered under idempotency keys: kept for a time, the oldest of a business go first."""

import sqlite3
from dataclasses import dataclass

OPERATORS = 0
"""Stands where a business's number would: for requests of the operator."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was given. ``asked`` is a digest of what for; ``body`` ``None``: not kept."""

    asked: bytes
    status: int
    media_type: str
    body: bytes | None


def find(
    connection: sqlite3.Connection, business_no: int, request: bytes, since: int
) -> Answered | None:
    """What was answered to ``request``, not longer ago than ``since``."""
    row = connection.execute(
        "SELECT asked, status, media_type, body FROM answered"
        " WHERE business_no = ? AND request = ? AND at >= ?",
        (business_no, request, since),
    ).fetchone()
    return None if row is None else Answered(*row)


def keep(
    connection: sqlite3.Connection,
    business_no: int,
    request: bytes,
    at: int,
    answered: Answered,
    most: int,
) -> None:
    """Keep an answer, and of its business only the latest ``most``."""
    (last,) = connection.execute(
        "SELECT coalesce(max(place), 0) FROM answered WHERE business_no = ?", (business_no,)
    ).fetchone()
    connection.execute(
        "INSERT OR REPLACE INTO answered"
        " (business_no, request, place, at, asked, status, media_type, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            business_no,
            request,
            last + 1,
            at,
            answered.asked,
            answered.status,
            answered.media_type,
            answered.body,
        ),
    )
    connection.execute(
        "DELETE FROM answered WHERE business_no = ? AND place <= ?", (business_no, last + 1 - most)
    )


def forget(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Remove at most ``limit`` answers from before ``before``; how many it were."""
    return connection.execute(
        "DELETE FROM answered WHERE no IN (SELECT no FROM answered WHERE at < ? LIMIT ?)",
        (before, limit),
    ).rowcount


def forget_all(connection: sqlite3.Connection, business_no: int) -> None:
    """Remove every answer of a business: they may hold what somebody wants erased."""
    connection.execute("DELETE FROM answered WHERE business_no = ?", (business_no,))
