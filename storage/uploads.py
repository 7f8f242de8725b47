"""Uploads and attachments as they are stored, and the questions about them."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from domain.attachments import State, Uploaded
from domain.views import Attachment
from storage.access import Viewer, grant, snapshot
from storage.keys import SEQ_BITS, SEQ_MASK, message_key


class Upload(msgspec.Struct, frozen=True):
    """A row, as those who work on it know it. ``message_id`` is 0 until it is sent."""

    no: int
    business: str
    id: str
    person: str
    name: str
    bytes: int
    state: State
    reason: str
    said: str
    kind: str
    media_type: str
    width: int
    height: int
    file: str
    thumbnail: str
    message_id: int
    expires_at: int

    @property
    def attachment(self) -> Attachment:
        """What a message shows of it."""
        return Attachment(
            id=self.id,
            name=self.name,
            media_type=self.media_type,
            kind=self.kind,
            bytes=self.bytes,
            width=self.width,
            height=self.height,
            state=self.state.value,
            thumbnail=bool(self.thumbnail),
        )


class NewUpload(msgspec.Struct, frozen=True):
    business_no: int
    id: str
    person: str
    name: str
    bytes: int
    created_at: int
    expires_at: int


class NewCopy(msgspec.Struct, frozen=True):
    """Of an attachment of a saved reply, for ``person`` to send."""

    id: str
    of: str


class Quota(msgspec.Struct, frozen=True):
    """What one person may have that is not sent yet: so many files, so many bytes."""

    files: int
    bytes: int


class Examined(msgspec.Struct, frozen=True):
    """What an examination found, and the files it made."""

    kind: str
    media_type: str
    bytes: int
    width: int
    height: int
    file: str
    thumbnail: str


_COLUMNS = (
    "a.no, b.id, a.id, a.person, a.name, a.bytes, a.state, a.reason, a.said, a.kind,"
    " a.media_type, a.width, a.height, a.file, a.thumbnail, coalesce(a.message_id, 0), a.expires_at"
)
_FROM = "FROM attachment a JOIN business b ON b.no = a.business_no"
_EXPIRED_AT_ONCE = 100


def uploaded(
    connection: sqlite3.Connection, business_no: int, person: str, ids: Sequence[str]
) -> tuple[Uploaded, ...]:
    """Those of ``ids`` that ``person`` has uploaded, for the rules of sending."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.business_no = ? AND a.person = ?"
        f" AND a.state <> 'gone' AND a.id IN ({','.join('?' * len(ids))})",
        (business_no, person, *ids),
    )
    found = map(_upload, rows)
    return tuple(Uploaded(each.attachment, bool(each.message_id)) for each in found)


def own(
    connection: sqlite3.Connection, business_no: int, person: str, upload: str
) -> Upload | None:
    """An upload of ``person``, wherever it stands."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.business_no = ? AND a.id = ? AND a.person = ?"
        " AND a.state <> 'gone'",
        (business_no, upload, person),
    ).fetchone()
    return None if row is None else _upload(row)


def by_no(connection: sqlite3.Connection, no: int) -> Upload | None:
    """An upload, wherever it stands; not what a deleted message had."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.no = ? AND a.state <> 'gone'", (no,)
    ).fetchone()
    return None if row is None else _upload(row)


def in_message(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, seq: int, attachment: str
) -> Upload | None:
    """An attachment of a message that the viewer may see."""
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        row = connection.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE a.business_no = ? AND a.id = ?"
            " AND a.message_id = ? AND a.message_id >= ?",
            (viewer.business_no, attachment, message_key(granted.no, seq), granted.first_key),
        ).fetchone()
    return None if row is None else _upload(row)


def linked(connection: sqlite3.Connection, business: str, attachment: str) -> Upload | None:
    """An attachment of a message, for who has a link to it."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE b.id = ? AND a.id = ? AND a.message_id IS NOT NULL",
        (business, attachment),
    ).fetchone()
    return None if row is None else _upload(row)


def unused(connection: sqlite3.Connection, files: Sequence[str]) -> set[str]:
    """Those of ``files`` that no attachment has."""
    used = (
        "SELECT 1 FROM attachment WHERE file = ?1 AND file <> ''"
        " UNION ALL SELECT 1 FROM attachment WHERE thumbnail = ?1 AND thumbnail <> '' LIMIT 1"
    )
    return {file for file in files if connection.execute(used, (file,)).fetchone() is None}


def named_files(connection: sqlite3.Connection) -> list[str]:
    """Every file that an attachment names which is not gone."""
    rows = connection.execute(
        "SELECT file FROM attachment WHERE file <> '' AND state <> 'gone'"
        " UNION SELECT thumbnail FROM attachment WHERE thumbnail <> '' AND state <> 'gone'"
    )
    return [file for (file,) in rows]


def _upload(row: Sequence[Any]) -> Upload:
    fields = *row[:6], State(row[6]), *row[7:]
    return Upload(*fields)


def next_at_work(connection: sqlite3.Connection, now: int, but: Sequence[int]) -> Upload | None:
    """What is to be examined or scanned next, without those that somebody works on."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.state IN ('examining', 'pending-scan')"
        f" AND a.due_at <= ? AND a.no NOT IN ({','.join('?' * len(but))})"
        " ORDER BY a.due_at LIMIT 1",
        (now, *but),
    ).fetchone()
    return None if row is None else _upload(row)


def complete(connection: sqlite3.Connection) -> list[Upload]:
    """What waits for its examination."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.state IN ('examining', 'pending-scan')"
        " AND a.state = 'examining'"  # the index knows both
    )
    return [_upload(row) for row in rows]


def expired(connection: sqlite3.Connection, now: int) -> list[Upload]:
    """Some of what is not sent, and whose time is over; also what a deleted message had."""
    rows = connection.execute(
        f"SELECT {_OF_ALL} {_FROM} WHERE a.expires_at <= ?"
        " AND a.message_id IS NULL ORDER BY a.expires_at LIMIT ?",
        (now, _EXPIRED_AT_ONCE),
    )
    return [_upload(row) for row in rows]


def all_of(connection: sqlite3.Connection, business_no: int, person: str) -> list[Upload]:
    """Everything that ``person`` has uploaded, wherever it is by now."""
    rows = connection.execute(
        f"SELECT {_OF_ALL} {_FROM} WHERE a.business_no = ? AND a.person = ?", (business_no, person)
    )
    return [_upload(row) for row in rows]


_OF_ALL = _COLUMNS.replace("a.state", "iif(a.state = 'gone', 'refused', a.state)")
"""What a deleted message had counts as refused: nobody gets it."""


def place(connection: sqlite3.Connection, no: int) -> tuple[str, int] | None:
    """The conversation and seq of the message that has the attachment."""
    row = connection.execute(
        f"SELECT c.id, a.message_id & {SEQ_MASK} FROM attachment a"
        f" JOIN conversation c ON c.no = a.message_id >> {SEQ_BITS} WHERE a.no = ?",
        (no,),
    ).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))
