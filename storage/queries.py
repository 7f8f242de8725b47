"""Everything that is read, as one object over the readers; another database answers the same."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from outcome import Outcome

from domain.attachments import Uploaded
from domain.business import Business, Seers
from domain.conversation import Conversation, Entry, Sent, SentKey
from domain.events import Person
from domain.views import Conversation as ConversationView
from domain.views import Message, MessageReceipt, PersonName
from storage import catch_up, conversations, history, people, snapshots, uploads
from storage.access import Viewer
from storage.catch_up import CatchUpPage
from storage.conversations import ListPage
from storage.history import Versions
from storage.pages import PAGE_BYTES
from storage.people import BusinessRecord, KeyHolder, Location, PersonRecord
from storage.readers import Readers


class Queries:
    """Each method is one hop to a reader; ``None`` says: no such thing, or not yours to see."""

    def __init__(self, readers: Readers) -> None:
        self._run = readers.run
        self._start = readers.start

    async def business(self, business: str) -> Business | None:
        return await self._run(snapshots.business, business)

    async def conversation(self, business: Business, conversation: str) -> Conversation | None:
        return await self._run(snapshots.conversation, business.no, conversation)

    async def entry(self, business: Business, conversation: str, seq: int) -> Entry | None:
        return await self._run(snapshots.entry, business.no, conversation, seq)

    async def authors(
        self, business: Business, conversation: str, first: int, last: int
    ) -> set[str]:
        return await self._run(snapshots.authors, business.no, conversation, first, last)

    async def sent(self, business: Business, keys: Sequence[SentKey]) -> dict[SentKey, Sent]:
        return await self._run(snapshots.sent, business.no, keys)

    async def uploaded(
        self, business: Business, person: str, ids: Sequence[str]
    ) -> tuple[Uploaded, ...]:
        return await self._run(uploads.uploaded, business.no, person, ids)

    async def people(self, business: Business, people_ids: Iterable[str]) -> tuple[Person, ...]:
        return await self._run(people.some, business.no, tuple(people_ids))

    async def seers(self, business: Business, person: str) -> Seers:
        return await self._run(people.seers, business.no, person)

    async def person(self, business: Business, person: str) -> PersonRecord | None:
        return await self._run(people.one, business.no, person)

    async def everyone(self, business: Business, after: str, limit: int) -> list[PersonRecord]:
        return await self._run(people.everyone, business.no, after, limit)

    async def search(self, viewer: Viewer, text: str, limit: int) -> list[PersonName]:
        return await self._run(people.search, viewer, text, limit)

    async def companions(self, viewer: Viewer, people_ids: Iterable[str]) -> dict[str, int]:
        return await self._run(people.companions, viewer, tuple(people_ids))

    async def locations(self, business: Business) -> list[Location]:
        return await self._run(people.locations, business.no)

    async def businesses(self) -> list[BusinessRecord]:
        return await self._run(people.businesses)

    async def key_holder(self, key_hash: bytes) -> KeyHolder | None:
        return await self._run(people.key_holder, key_hash)

    async def revoked_tokens(self, now: int) -> dict[str, int]:
        return await self._run(people.revoked_tokens, now)

    async def view(self, viewer: Viewer, conversation: str) -> ConversationView | None:
        return await self._run(conversations.view, viewer, conversation)

    async def conversations(self, viewer: Viewer, before: str | None, limit: int) -> ListPage:
        return await self._run(conversations.page, viewer, before, limit)

    async def history(
        self, viewer: Viewer, conversation: str, before: int | None, after: int | None, limit: int
    ) -> tuple[list[Message], bool] | None:
        return await self._run(history.page, viewer, conversation, before, after, limit)

    def start_history(
        self,
        then: Callable[[Outcome[tuple[list[Message], bool] | None]], None],
        viewer: Viewer,
        conversation: str,
        before: int | None,
        after: int | None,
        limit: int,
    ) -> None:
        """As `history`, and ``then`` is called with the outcome: see `Readers.start`."""
        self._start(then, history.page, viewer, conversation, before, after, limit)

    async def receipts(
        self, viewer: Viewer, conversation: str, seq: int
    ) -> list[MessageReceipt] | None:
        return await self._run(history.receipts, viewer, conversation, seq)

    async def versions(
        self, viewer: Viewer, conversation: str, seq: int, skip: int = 0, room: int = PAGE_BYTES
    ) -> Versions | None:
        return await self._run(history.versions, viewer, conversation, seq, skip, room)

    async def catch_up(self, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
        return await self._run(catch_up.page, viewer, after, limit)

    async def too_far_behind(self, viewer: Viewer, after: int, limit: int) -> bool:
        return await self._run(catch_up.too_far_behind, viewer, after, limit)

    async def setting(self, name: str) -> str | None:
        return await self._run(_setting, name)


def _setting(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
