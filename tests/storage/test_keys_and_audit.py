"""What the seventh migration makes of a file that was lived in, and what it forbids since."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import storage.migrations as migrations_module
from domain.audit import AuditKind
from domain.scopes import EVERY_SCOPE
from storage import answers, api_keys, audit
from storage.answers import Answered
from storage.migrations import migrate, migrations

MESSAGE = "INSERT INTO message (id, business_no, revision, kind, at, author, text, person)"
BEFORE = f"""
    INSERT INTO business (no, id, name, created_at) VALUES (1, 'b', 'B', 0);
    INSERT INTO api_key VALUES (x'01', 1, 'first', 5, 0), (x'02', NULL, 'operator', 5, 0),
        (x'03', 1, 'old', 5, 6);
    INSERT INTO conversation VALUES (7, 1, 'c1', 'group', '', 5, 'sam', 3, x'00');
    {MESSAGE} VALUES ((7 << 32) | 1, 1, 4, 'member_added', 50, 'sam', 'Mia', 'mia'),
        ((7 << 32) | 2, 1, 5, 'text', 51, 'mia', '', ''),
        ((7 << 32) | 3, 1, 6, 'member_left', 52, 'mia', 'Mia', 'mia'),
        ((7 << 32) | 4, 1, 7, 'text', 53, 'sam', 'edited', '');
    INSERT INTO change (conversation_no, revision, seq, at, author, deleted)
        VALUES (7, 8, 2, 54, 'olivia', 1), (7, 9, 4, 55, 'sam', 0);
    INSERT INTO audit VALUES (1, 1, 10, 'olivia', 'person_changed', '{{"person": "mia"}}'),
        (1, 2, 11, 'x', 'access_revoked', '{{"person": ""}}'),
        (1, 10, 60, 'olivia', 'ownership_transferred', '{{"former": "olivia", "owner": "max"}}'),
        (1, 11, 61, 'sam', 'privacy_changed', '{{}}');
"""


def connected(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "file.db", isolation_level=None)
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    connection = connected(tmp_path)
    earlier = [(number, sql) for number, sql in migrations() if number < 7]
    with monkeypatch.context() as patched:
        patched.setattr(migrations_module, "migrations", lambda: earlier)
        migrate(connection)
    connection.executescript(BEFORE)
    migrate(connection)
    return connection


def test_keys_from_before_may_do_everything(upgraded: sqlite3.Connection) -> None:
    with closing(upgraded):
        holder = api_keys.holder(upgraded, b"\x01", 10)
        assert holder is not None
        assert (holder.business, holder.scopes) == ("b", EVERY_SCOPE)
        operator = api_keys.holder(upgraded, b"\x02", 10)
        assert operator is not None
        assert operator.business is None
        assert api_keys.holder(upgraded, b"\x03", 10) is None
        first, second = api_keys.page(upgraded, 1, "", 10)
        assert first.id != second.id
        assert {first.name, second.name} == {"first", "old"}


@pytest.mark.requirement("EX-22")
def test_the_audit_tells_of_what_was_before_too(upgraded: sqlite3.Connection) -> None:
    with closing(upgraded):
        told = [
            (entry.revision, entry.kind.value, entry.author, entry.person)
            for entry in audit.page(upgraded, 1, None, None, None, None, 100)
        ]
        (deleted,) = audit.page(upgraded, 1, None, AuditKind.MESSAGE_DELETED, None, None, 9)
    assert told == [
        (11, "privacy_changed", "sam", "sam"),
        (10, "ownership_transferred", "olivia", "max"),
        (8, "message_deleted", "olivia", ""),
        (6, "member_removed", "mia", "mia"),
        (4, "member_added", "sam", "mia"),
        (2, "access_revoked", "x", ""),
        (1, "person_changed", "olivia", "mia"),
    ]
    assert deleted.detail == {"conversation": "c1", "seq": 2}


@pytest.mark.parametrize("most", [1, 3])
def test_the_oldest_answers_of_a_business_go_first(upgraded: sqlite3.Connection, most: int) -> None:
    kept = Answered(b"asked", 201, "application/json", None)
    with closing(upgraded):
        answers.keep(upgraded, 2, b"other", 5, kept, most)
        for number in range(5):
            answers.keep(upgraded, 1, b"%d" % number, 5, kept, most)
            answers.keep(upgraded, 1, b"%d" % number, 5, kept, most)  # the same one again
        found = [answers.find(upgraded, 1, b"%d" % number, 0) for number in range(5)]
        assert [each is not None for each in found][-1]
        assert sum(each is not None for each in found) <= most
        assert answers.find(upgraded, 2, b"other", 0) == kept
        answers.forget_all(upgraded, 1)
        assert answers.find(upgraded, 1, b"4", 0) is None
        assert answers.find(upgraded, 2, b"other", 0) == kept
