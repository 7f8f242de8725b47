"""Uploads and attachments as rows: begun, examined, settled, expired; who may have which file.

What people see of a message changes with the journal (`storage.attachment_rows`); the rest, which
is only the uploader's, is written here.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from domain.attachments import Rejection, State, Uploaded
from domain.views import Attachment
from storage.access import Viewer, grant, snapshot
from storage.keys import SEQ_BITS, SEQ_MASK, message_key
from storage.readers import Readers
from storage.writer import Writer


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


class Attachments:
    """Each method is one hop. A write raises `domain.errors.StorageFailed`: nothing was stored."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._transact = writer.transact
        self._read = readers.run

    async def begin(self, new: NewUpload, quota: Quota) -> Quota | None:
        """A new upload; ``None``: it has begun, else what of ``quota`` is left.

        What was refused counts no more; of those the latest are kept for their uploader to read.
        """
        return await self._transact(_begin, new, quota)

    async def own(self, business_no: int, person: str, upload: str) -> Upload | None:
        """An upload of ``person``, wherever it stands."""
        return await self._read(own, business_no, person, upload)

    async def by_no(self, no: int) -> Upload | None:
        """An upload, wherever it stands; not what a deleted message had."""
        return await self._read(by_no, no)

    async def completed(self, no: int) -> None:
        """All bytes are there: it waits for its examination."""
        await self._transact(_completed, no)

    async def complete(self) -> list[Upload]:
        """What waits for its examination."""
        return await self._read(_complete)

    async def next_at_work(self, now: int, but: Iterable[int]) -> Upload | None:
        """What is to be examined or scanned next, without those that somebody works on."""
        return await self._read(_next_at_work, now, tuple(but))

    async def accepted(self, no: int, state: State, found: Examined) -> bool:
        """It has been examined; ``False``: it was given up meanwhile."""
        return await self._transact(_accepted, no, state, found)

    async def refused(self, no: int, rejection: Rejection) -> None:
        """It has been examined, and is not taken."""
        await self._transact(_refused, no, rejection)

    async def scanned(self, no: int, rejection: Rejection | None) -> bool:
        """The scanner's word on what is not sent yet; ``False``: it is sent by now, or gone."""
        return await self._transact(_scanned, no, rejection)

    async def again(self, no: int, due_at: int) -> None:
        """Work on it again, not before ``due_at``."""
        await self._transact(_again, no, due_at)

    async def drop(self, no: int) -> bool:
        """Delete what is not sent; ``False``: it is sent, or gone already."""
        return await self._transact(_drop, no)

    async def expired(self, now: int) -> list[Upload]:
        """Some of what is not sent, and whose time is over."""
        return await self._read(_expired, now)

    async def unused(self, files: Iterable[str]) -> set[str]:
        """Those of ``files`` (SHA-256 in hex) that no attachment has."""
        return await self._read(unused, tuple(files))

    async def place(self, no: int) -> tuple[str, int] | None:
        """The conversation and seq of the message that has the attachment."""
        return await self._read(_place, no)

    async def in_message(
        self, viewer: Viewer, conversation: str, seq: int, attachment: str
    ) -> Upload | None:
        """An attachment of a message that the viewer may see."""
        return await self._read(in_message, viewer, conversation, seq, attachment)

    async def linked(self, business: str, attachment: str) -> Upload | None:
        """An attachment of a message, for who has a link to it."""
        return await self._read(linked, business, attachment)

    async def erase(self, business_no: int, person: str) -> list[Upload]:
        """Delete all that ``person`` has uploaded, also from their messages; answers what it was.

        It is one transaction beside the journal: whoever erases a person sees to it that clients
        load afresh.
        """
        return await self._transact(_erase, business_no, person)


# --- What is asked --------------------------------------------------------------------------------


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


def _next_at_work(connection: sqlite3.Connection, now: int, but: Sequence[int]) -> Upload | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.state IN ('examining', 'pending-scan')"
        f" AND a.due_at <= ? AND a.no NOT IN ({','.join('?' * len(but))})"
        " ORDER BY a.due_at LIMIT 1",
        (now, *but),
    ).fetchone()
    return None if row is None else _upload(row)


def _complete(connection: sqlite3.Connection) -> list[Upload]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE a.state IN ('examining', 'pending-scan')"
        " AND a.state = 'examining'"  # the index knows both
    )
    return [_upload(row) for row in rows]


def _expired(connection: sqlite3.Connection, now: int) -> list[Upload]:
    rows = connection.execute(
        f"SELECT {_COLUMNS.replace('a.state', _STATE)} {_FROM} WHERE a.expires_at <= ?"
        " AND a.message_id IS NULL ORDER BY a.expires_at LIMIT ?",
        (now, _EXPIRED_AT_ONCE),
    )
    return [_upload(row) for row in rows]


_STATE = "iif(a.state = 'gone', 'refused', a.state)"


def _place(connection: sqlite3.Connection, no: int) -> tuple[str, int] | None:
    row = connection.execute(
        f"SELECT c.id, a.message_id & {SEQ_MASK} FROM attachment a"
        f" JOIN conversation c ON c.no = a.message_id >> {SEQ_BITS} WHERE a.no = ?",
        (no,),
    ).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


# --- What is written ------------------------------------------------------------------------------


def _begin(connection: sqlite3.Connection, new: NewUpload, quota: Quota) -> Quota | None:
    files, size = connection.execute(
        f"SELECT count(*), total(bytes) FROM attachment WHERE {_OPEN} AND state <> 'refused'",
        (new.business_no, new.person),
    ).fetchone()
    left = Quota(quota.files - files, quota.bytes - int(size))
    if left.files < 1 or left.bytes < new.bytes:
        return left
    connection.execute(
        f"DELETE FROM attachment WHERE no IN (SELECT no FROM attachment WHERE {_OPEN}"
        " AND state = 'refused' ORDER BY no DESC LIMIT -1 OFFSET ?3)",
        (new.business_no, new.person, quota.files),
    )
    connection.execute(
        "INSERT INTO attachment (business_no, id, person, name, bytes, state, created_at,"
        " expires_at) VALUES (?, ?, ?, ?, ?, 'uploading', ?, ?)",
        (
            new.business_no,
            new.id,
            new.person,
            new.name,
            new.bytes,
            new.created_at,
            new.expires_at,
        ),
    )
    return None


_OPEN = "business_no = ?1 AND person = ?2 AND message_id IS NULL AND state <> 'gone'"


def _completed(connection: sqlite3.Connection, no: int) -> None:
    connection.execute(
        "UPDATE attachment SET state = 'examining' WHERE no = ? AND state = 'uploading'", (no,)
    )


def _accepted(connection: sqlite3.Connection, no: int, state: State, found: Examined) -> bool:
    changed = connection.execute(
        "UPDATE attachment SET state = ?, kind = ?, media_type = ?, bytes = ?, width = ?,"
        " height = ?, file = ?, thumbnail = ?, due_at = 0 WHERE no = ? AND state = 'examining'",
        (
            state,
            found.kind,
            found.media_type,
            found.bytes,
            found.width,
            found.height,
            found.file,
            found.thumbnail,
            no,
        ),
    )
    return changed.rowcount == 1


def _refused(connection: sqlite3.Connection, no: int, rejection: Rejection) -> None:
    connection.execute(
        "UPDATE attachment SET state = 'refused', reason = ?, said = ?"
        " WHERE no = ? AND state = 'examining'",
        (rejection.reason, rejection.text, no),
    )


def _scanned(connection: sqlite3.Connection, no: int, rejection: Rejection | None) -> bool:
    state = State.READY if rejection is None else State.REFUSED
    changed = connection.execute(
        "UPDATE attachment SET state = ?1, reason = ?2, said = ?3,"
        " file = iif(?1 = 'refused', '', file), thumbnail = iif(?1 = 'refused', '', thumbnail)"
        " WHERE no = ?4 AND state = 'pending-scan' AND message_id IS NULL",
        (
            state,
            "" if rejection is None else rejection.reason,
            "" if rejection is None else rejection.text,
            no,
        ),
    )
    return changed.rowcount == 1


def _again(connection: sqlite3.Connection, no: int, due_at: int) -> None:
    connection.execute("UPDATE attachment SET due_at = ? WHERE no = ?", (due_at, no))


def _drop(connection: sqlite3.Connection, no: int) -> bool:
    gone = connection.execute("DELETE FROM attachment WHERE no = ? AND message_id IS NULL", (no,))
    return gone.rowcount == 1


def _erase(connection: sqlite3.Connection, business_no: int, person: str) -> list[Upload]:
    rows = connection.execute(
        f"SELECT {_COLUMNS.replace('a.state', _STATE)} {_FROM}"
        " WHERE a.business_no = ? AND a.person = ?",
        (business_no, person),
    ).fetchall()
    connection.execute(
        "UPDATE message SET attachments = '' WHERE id IN (SELECT message_id FROM attachment"
        " WHERE business_no = ? AND person = ? AND message_id IS NOT NULL)",
        (business_no, person),
    )
    connection.execute(
        "DELETE FROM attachment WHERE business_no = ? AND person = ?", (business_no, person)
    )
    return [_upload(row) for row in rows]
