"""API keys: looking up whose one is, and what a business is shown of its own."""

import json
import secrets
import sqlite3
from dataclasses import dataclass

import msgspec

from domain.scopes import Scope, Scopes


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose API key it is, and what for; ``business`` is ``None`` for the operator's."""

    business: str | None
    key: str
    scopes: Scopes
    last_used_at: int


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its business sees it; times of 0: never. ``last_used_at`` is coarse."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int
    last_used_at: int
    revoked_at: int


def holder(connection: sqlite3.Connection, key_hash: bytes, now: int) -> KeyHolder | None:
    """Whose key hashes to ``key_hash``, or ``None``: unknown, revoked or expired."""
    row = connection.execute(
        "SELECT b.id, k.id, k.scopes, k.last_used_at FROM api_key k"
        " LEFT JOIN business b ON b.no = k.business_no"
        " WHERE k.hash = ? AND k.revoked_at = 0 AND (k.expires_at = 0 OR k.expires_at > ?)",
        (key_hash, now),
    ).fetchone()
    if row is None:
        return None
    business, key, scopes, last_used_at = row
    return KeyHolder(business, key, frozenset(_scopes(scopes)), last_used_at)


_RECORD = (
    "SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at FROM api_key"
    " WHERE business_no = ?"
)


def page(
    connection: sqlite3.Connection, business_no: int, after: str, limit: int
) -> list[KeyRecord]:
    """Keys of a business in the order of their ids, after ``after``."""
    rows = connection.execute(
        _RECORD + " AND id > ? ORDER BY id LIMIT ?", (business_no, after, limit)
    )
    return [_record(row) for row in rows]


def one(connection: sqlite3.Connection, business_no: int, key: str) -> KeyRecord | None:
    """One key by its id."""
    row = connection.execute(_RECORD + " AND id = ?", (business_no, key)).fetchone()
    return None if row is None else _record(row)


def count_valid(connection: sqlite3.Connection, business_no: int, now: int) -> int:
    """How many keys of a business are neither revoked nor expired."""
    (count,) = connection.execute(
        "SELECT count(*) FROM api_key WHERE business_no = ? AND revoked_at = 0"
        " AND (expires_at = 0 OR expires_at > ?)",
        (business_no, now),
    ).fetchone()
    return int(count)


def add_first(
    connection: sqlite3.Connection, business_no: int | None, name: str, key_hash: bytes, now: int
) -> None:
    """A key for everything, of a business that is just being made; ``None``: an operator's."""
    connection.execute(
        "INSERT INTO api_key (hash, business_no, id, name, created_at) VALUES (?, ?, ?, ?, ?)",
        (key_hash, business_no, secrets.token_hex(12), name, now),
    )


def record_use(connection: sqlite3.Connection, business_no: int, key: str, at: int) -> None:
    """Note when a key was used; it never moves back."""
    connection.execute(
        "UPDATE api_key SET last_used_at = ? WHERE business_no = ? AND id = ? AND last_used_at < ?",
        (at, business_no, key, at),
    )


def _record(row: tuple[str, str, str, int, int, int, int]) -> KeyRecord:
    id_, name, scopes, created_at, expires_at, last_used_at, revoked_at = row
    return KeyRecord(
        id=id_,
        name=name,
        scopes=_scopes(scopes),
        created_at=created_at,
        expires_at=expires_at,
        last_used_at=last_used_at,
        revoked_at=revoked_at,
    )


def _scopes(stored: str) -> tuple[Scope, ...]:
    return tuple(Scope(scope) for scope in json.loads(stored))
