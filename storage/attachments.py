"""Attachments as rows: begun, examined, settled, expired; each method is one hop.

What people see of a message changes with the journal (`storage.attachment_rows`); the rest, which
is only the uploader's, is written here.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from domain.attachments import Rejection, State
from storage import uploads
from storage.access import Viewer
from storage.readers import Readers
from storage.uploads import Examined, NewCopy, NewUpload, Quota, Upload
from storage.writer import Writer


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

    async def copy(
        self,
        business_no: int,
        person: str,
        copies: Sequence[NewCopy],
        now: int,
        expires_at: int,
        quota: Quota,
    ) -> Sequence[Upload] | Quota:
        """What a saved reply holds, as ready uploads of ``person``; they share its files.

        Those that the reply does not hold any more are left out. A `Quota`: nothing was done, and
        this is what is left.
        """
        return await self._transact(_copy, business_no, person, copies, now, expires_at, quota)

    async def own(self, business_no: int, person: str, upload: str) -> Upload | None:
        """An upload of ``person``, wherever it stands."""
        return await self._read(uploads.own, business_no, person, upload)

    async def by_no(self, no: int) -> Upload | None:
        """An upload, wherever it stands; not what a deleted message had."""
        return await self._read(uploads.by_no, no)

    async def completed(self, no: int) -> None:
        """All bytes are there: it waits for its examination."""
        await self._transact(_completed, no)

    async def complete(self) -> list[Upload]:
        """What waits for its examination."""
        return await self._read(uploads.complete)

    async def next_at_work(self, now: int, but: Iterable[int]) -> Upload | None:
        """What is to be examined or scanned next, without those that somebody works on."""
        return await self._read(uploads.next_at_work, now, tuple(but))

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
        """Delete what is not sent; ``False``: it is sent, a saved reply's, or gone already."""
        return await self._transact(_drop, no)

    async def expired(self, now: int) -> list[Upload]:
        """Some of what is not sent, and whose time is over."""
        return await self._read(uploads.expired, now)

    async def unused(self, files: Iterable[str]) -> set[str]:
        """Those of ``files`` (SHA-256 in hex) that no attachment has."""
        return await self._read(uploads.unused, tuple(files))

    async def place(self, no: int) -> tuple[str, int] | None:
        """The conversation and seq of the message that has the attachment."""
        return await self._read(uploads.place, no)

    async def in_message(
        self, viewer: Viewer, conversation: str, seq: int, attachment: str
    ) -> Upload | None:
        """An attachment of a message that the viewer may see."""
        return await self._read(uploads.in_message, viewer, conversation, seq, attachment)

    async def linked(self, business: str, attachment: str) -> Upload | None:
        """An attachment of a message, for who has a link to it."""
        return await self._read(uploads.linked, business, attachment)

    async def erase(self, business_no: int, person: str) -> list[Upload]:
        """Delete all that ``person`` has uploaded, also from their messages; answers what it was.

        It is one transaction beside the journal: whoever erases a person sees to it that clients
        load afresh.
        """
        return await self._transact(_erase, business_no, person)


def _begin(connection: sqlite3.Connection, new: NewUpload, quota: Quota) -> Quota | None:
    left = _left(connection, new.business_no, new.person, quota)
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


def _copy(
    connection: sqlite3.Connection,
    business_no: int,
    person: str,
    copies: Sequence[NewCopy],
    now: int,
    expires_at: int,
    quota: Quota,
) -> Sequence[Upload] | Quota:
    left = _left(connection, business_no, person, quota)
    (size,) = connection.execute(
        "SELECT total(bytes) FROM attachment WHERE business_no = ? AND id IN"
        " (SELECT value FROM json_each(?))",
        (business_no, json.dumps([each.of for each in copies])),
    ).fetchone()
    if left.files < len(copies) or left.bytes < size:
        return left
    connection.executemany(
        "INSERT INTO attachment (business_no, id, person, name, bytes, state, kind, media_type,"
        " width, height, file, thumbnail, created_at, expires_at)"
        " SELECT business_no, ?2, ?3, name, bytes, state, kind, media_type, width, height, file,"
        " thumbnail, ?4, ?5 FROM attachment WHERE business_no = ?1 AND id = ?6 AND person = ''"
        " AND message_id IS NULL AND state = 'ready' AND expires_at > ?4",
        [(business_no, each.id, person, now, expires_at, each.of) for each in copies],
    )
    made = (uploads.own(connection, business_no, person, each.id) for each in copies)
    return [each for each in made if each is not None]


def _left(connection: sqlite3.Connection, business_no: int, person: str, quota: Quota) -> Quota:
    files, size = connection.execute(
        f"SELECT count(*), total(bytes) FROM attachment WHERE {_OPEN} AND state <> 'refused'",
        (business_no, person),
    ).fetchone()
    return Quota(quota.files - files, quota.bytes - int(size))


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
    # It may have been saved in a reply since it was looked up.
    gone = connection.execute(
        "DELETE FROM attachment WHERE no = ? AND message_id IS NULL"
        " AND (person <> '' OR expires_at = 0)",
        (no,),
    )
    return gone.rowcount == 1


def _erase(connection: sqlite3.Connection, business_no: int, person: str) -> list[Upload]:
    gone = uploads.all_of(connection, business_no, person)
    connection.execute(
        "UPDATE message SET attachments = '' WHERE id IN (SELECT message_id FROM attachment"
        " WHERE business_no = ? AND person = ? AND message_id IS NOT NULL)",
        (business_no, person),
    )
    connection.execute(
        "DELETE FROM attachment WHERE business_no = ? AND person = ?", (business_no, person)
    )
    return gone
