"""What webhooks read and write of the database: beside the journal, for nobody else sees it."""

from domain.business import Business
from domain.conversation import SentKey
from domain.webhook_events import Happened
from domain.webhook_order import LogEntry
from storage import snapshots, webhook_data, webhook_log, webhooks
from storage.access import Viewer
from storage.readers import Readers
from storage.webhook_log import Stretch
from storage.webhooks import Attempt, Progress, Standing, Undelivered
from storage.writer import Writer


class WebhookStore:
    """Each method is one hop. A write raises `domain.errors.StorageFailed`: nothing was stored."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._write = writer.transact
        self._read = readers.run

    async def businesses(self) -> list[str]:
        """Those that have an active webhook."""
        return await self._read(webhooks.with_webhooks)

    async def entries(self, business: Business, after: int) -> tuple[list[LogEntry], int]:
        """The next stretch of the log after ``after``, ascending, and the revision it ends at."""
        stretch = Stretch(after)
        while not stretch.whole:
            stretch = await self._read(webhook_log.read, business.no, stretch)
        return stretch.entries, stretch.up_to

    async def of_lane(
        self, business: Business, lane: str, after: int, up_to: int
    ) -> tuple[list[LogEntry], int]:
        return await self._read(webhook_log.of_lane, business.no, lane, after, up_to)

    async def happened(self, business: Business, entry: LogEntry) -> Happened | None:
        return await self._read(webhook_data.happened, business.no, entry)

    async def before(self, business: Business, at: int) -> int:
        return await self._read(webhook_log.before, business.no, at)

    async def standing(self, business: Business, webhook: str) -> Standing | None:
        return await self._read(webhooks.standing, business.no, webhook)

    async def undelivered(
        self, business: Business, webhook: str, pending: bool, after: int, limit: int
    ) -> list[Undelivered]:
        return await self._read(webhooks.undelivered, business.no, webhook, pending, after, limit)

    async def would_be_new(self, viewer: Viewer, conversation: str, key: SentKey) -> bool:
        """Whether a message of ``viewer`` would be a new one, in a conversation they are in."""
        return await self._read(snapshots.would_be_new, viewer, conversation, key)

    async def record(self, business: Business, webhook: str, progress: Progress) -> None:
        await self._write(webhooks.record, business.no, webhook, progress)

    async def replay(self, business: Business, webhook: str, after: int) -> None:
        await self._write(webhooks.replay, business.no, webhook, after)

    async def retry_now(self, business: Business, webhook: str, revision: int, now: int) -> bool:
        return await self._write(webhooks.retry_now, business.no, webhook, revision, now)

    async def bury(self, business: Business, webhook: str, failure: Attempt) -> None:
        await self._write(webhooks.bury, business.no, webhook, failure)

    async def settle(self, business: Business, webhook: str, revision: int) -> None:
        await self._write(webhooks.settle, business.no, webhook, revision)
