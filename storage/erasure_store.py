"""Removing what is left of whoever was erased: each method is one step, which may be repeated."""

import trio

from storage import erasure, export, notes, retention, search_index
from storage.due import Position
from storage.erasure import Said, Unfinished
from storage.export import OwnPage, OwnRecord
from storage.indexer import Indexer
from storage.notes import OwnNote, Written
from storage.readers import Readers
from storage.retention import Expired, ExpiredPage, Owed
from storage.search_index import IndexDamaged
from storage.writer import Writer

INDEX_SECONDS = 0.1
LOG_SECONDS = 1.0
"""How often it is looked whether the index is clean, and whether nobody reads in the log."""


class ErasureStore:
    """A write raises `domain.errors.StorageFailed`: nothing was changed."""

    def __init__(self, writer: Writer, readers: Readers, indexer: Indexer) -> None:
        self._writer = writer
        self._read = readers.run
        self._indexer = indexer

    async def unfinished(self) -> list[Unfinished]:
        """Who was erased, and of whom something may be left."""
        return await self._read(erasure.unfinished)

    async def finished(self, business_no: int, person: str) -> bool | None:
        """Whether nothing is left of somebody; ``None``: they were not erased."""
        return await self._read(erasure.finished, business_no, person)

    async def said(self, business_no: int, person: str, after: int) -> Said:
        """What ``person`` said, a part of the business's conversations at a time."""
        return await self._read(erasure.said, business_no, person, after)

    async def conversations(self, business_no: int, person: str) -> list[str]:
        """The conversations that know ``person`` by name."""
        return await self._read(erasure.conversations, business_no, person)

    async def own_notes(
        self, business_no: int, person: str, after: tuple[int, str]
    ) -> list[OwnNote]:
        """Notes that ``person`` wrote, a page at a time; none: there are no more."""
        return await self._read(notes.written_by, business_no, person, after)

    async def notes(self, business_no: int, person: str) -> list[Written]:
        """The notes that go with ``person``."""
        return await self._read(notes.of_person, business_no, person)

    async def remove(self, business_no: int, person: str) -> None:
        """Remove what there is of ``person`` but what they said, table by table."""
        for remove in erasure.removals():
            try:
                await self._writer.transact(remove, business_no, person)
            except IndexDamaged:
                await self._writer.transact(search_index.start_over)
                self._indexer.notice()

    async def record(self, business_no: int, person: str) -> OwnRecord:
        """All that is stored of ``person`` but what they said."""
        return await self._read(export.record, business_no, person)

    async def own_messages(self, business_no: int, person: str, after: int) -> OwnPage:
        """What ``person`` said, a page at a time."""
        return await self._read(export.own_messages, business_no, person, after)

    async def finish(self, business_no: int, person: str, now: int) -> None:
        """Nothing is left of ``person``."""
        await self._writer.transact(erasure.finish, business_no, person, now)

    async def expired(
        self, now: int, after: Position, conversations: int, messages: int
    ) -> ExpiredPage:
        """What is to be erased because its time is over."""
        return await self._read(retention.expired, now, after, conversations, messages)

    async def note_expired(self, expired: Expired) -> None:
        """It has been erased."""
        await self._writer.transact(retention.note, expired)

    async def owed(self) -> list[Owed]:
        """The businesses that had something expired since `wash` for them, also before a kill."""
        return await self._read(retention.owed)

    async def paid(self, business: str) -> None:
        """`wash` has returned for ``business``."""
        await self._writer.transact(retention.paid, business)

    async def wash(self, business: str, revision: int) -> None:
        """Return when no byte is left in the file, the log or the index of what was removed.

        ``revision`` of ``business``: up to there the index has to follow first. Others may write in
        between, but for the time that it takes to write the file anew; a reader that goes on and on
        holds it up, a backup for one.
        """
        while self._indexer.position(business) < revision:
            self._indexer.notice()
            await self._indexer.reached(business, revision, INDEX_SECONDS)
        while (since := await self._read(search_index.residue_since)) is not None:
            if since:  # or what was edited since would wait for its day, and we with it
                await self._writer.transact(search_index.clean_soon)
            self._indexer.notice()
            await trio.sleep(INDEX_SECONDS)
        await self._writer.wash()
        while True:
            if await self._writer.truncate_log():
                return
            await trio.sleep(LOG_SECONDS)
