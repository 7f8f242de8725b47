"""The keeper of attachments: uploads as they come, their examination, what is collected.

The database is the queue: whatever waits for something is a row that says so, and a start goes on
where the last one ended. A file that is being kept and a file that is being collected never meet:
both happen while `_files_turn` is held.
"""

import itertools
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import structlog
import trio

from domain.attachments import (
    INFECTED,
    LOST,
    Policy,
    Rejection,
    State,
    clean_name,
    megabytes,
    refuse_announced,
)
from domain.errors import StorageFailed
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.views import Attachment
from server.attachments.examine import Result
from server.attachments.examiner import examine
from server.attachments.links import Links
from server.attachments.scanner import Verdict, scan
from server.settings import Settings
from storage.attachment_files import AttachmentFiles, WrongOffset
from storage.attachments import Attachments
from storage.uploads import Examined, NewCopy, NewUpload, Quota, Upload

CHUNK_BYTES: Final = 256 * 1024
"""A chunk of an upload at most: what any request may bring. Synced before it counts."""

THUMBNAIL_TYPE: Final = "image/webp"

EXAMINERS: Final = 2
"""Files that are examined or scanned at the same time."""

THREADS: Final = 8
"""Threads that work on files at the same time; who finds none free waits."""

LOOK_SECONDS: Final = 10.0
TIDY_SECONDS: Final = 60.0
WALK_TICKS: Final = 24 * 60
"""All files are looked at so many times more rarely than what has expired: once a day."""

AGAIN_MS: Final = 60_000
"""What could not be examined, scanned or told is tried again after this."""

Settle = Callable[[Upload, str, int, State], Awaitable[bool]]
"""Tells the conversation that an attachment of it is ``State`` now; ``False``: try again."""

T = TypeVar("T")

_AT_REST = frozenset({State.PENDING_SCAN, State.READY, State.REFUSED})

_PASSING = (OSError, StorageFailed, sqlite3.Error, trio.TooSlowError)
"""What says nothing of a file, and may be over in a while."""

log = structlog.get_logger(__name__)


class Keeper:
    """Everything about attachments before they are sent, and their files for as long as they are.

    A method that writes raises `domain.errors.StorageFailed`: nothing was accepted.
    """

    def __init__(
        self,
        settings: Settings,
        rows: Attachments,
        files: AttachmentFiles,
        clock: Callable[[], int],
        settle: Settle,
    ) -> None:
        self.policy: Policy = settings.attachment_policy()
        self.links = Links("")
        self.rows = rows
        self.files = files
        self._settings = settings
        self._clock = clock
        self._settle = settle
        self._files_turn = trio.Lock()
        self._threads = trio.CapacityLimiter(THREADS)
        self._uploads: WeakValueDictionary[int, trio.Lock] = WeakValueDictionary()
        self._at_work: set[int] = set()
        self._choosing = trio.Lock()
        self._idle = trio.lowlevel.ParkingLot()
        self._done = trio.lowlevel.ParkingLot()
        self._put = 0

    # --- life -------------------------------------------------------------------------------------

    async def recover(self, secret: str) -> None:
        """After a start, before anybody asks: links are made with ``secret``."""
        self.links = Links(secret)
        if self.files.exist():
            complete = {file_name(upload) for upload in await self.rows.complete()}
            await self._on_files(self.files.recover, CHUNK_BYTES, complete)

    async def run(self) -> None:
        """Examine, scan and collect until cancelled."""
        async with trio.open_nursery() as nursery:
            for _ in range(EXAMINERS):
                nursery.start_soon(self._work)
            nursery.start_soon(self._tidy)

    # --- uploads ----------------------------------------------------------------------------------

    async def begin(
        self, business_no: int, person: str, upload: str, name: str, size: int
    ) -> Refusal | None:
        """A new upload of ``size`` bytes, if the person may have one more."""
        refusal = refuse_announced(self.policy, name, size)
        if refusal is not None:
            return refusal
        now, expires_at = self._until()
        new = NewUpload(business_no, upload, person, clean_name(name), size, now, expires_at)
        left = await self.rows.begin(new, self._quota)
        return None if left is None else _no_room(left, 1)

    async def copies(
        self, business_no: int, person: str, of: Sequence[Attachment], new_id: Callable[[], str]
    ) -> tuple[Attachment, ...] | Refusal:
        """What a saved reply holds, as uploads of the person that are ready to be sent."""
        new = [NewCopy(new_id(), each.id) for each in of]
        if not new:
            return ()
        now, expires_at = self._until()
        made = await self.rows.copy(business_no, person, new, now, expires_at, self._quota)
        if isinstance(made, Quota):
            return _no_room(made, len(new))
        return tuple(upload.attachment for upload in made)

    @property
    def _quota(self) -> Quota:
        return Quota(self._settings.uploads, self._settings.upload_bytes)

    def _until(self) -> tuple[int, int]:
        now = self._clock()
        return now, now + self._settings.upload_seconds * 1000

    async def offset(self, upload: Upload) -> int:
        """How many bytes of an upload have come.

        If all have, and that could not be stored when the last one came, it is now.
        """
        if upload.state is not State.UPLOADING:
            return upload.bytes
        at = await self._on_files(self.files.offset, file_name(upload))
        if at < upload.bytes:
            return at
        async with self._turn_of(upload):  # its last chunk is on disk by then, or taken back
            at = await self._on_files(self.files.offset, file_name(upload))
            if at == upload.bytes:
                await self.rows.completed(upload.no)
                self._woken()
        return at

    async def append(self, upload: Upload, offset: int, chunk: bytes) -> int | Refusal:
        """Add a chunk; the new offset. With the last one the upload waits for its examination."""
        if not chunk:
            return Refusal(Code.BAD_REQUEST, "The chunk is empty.")
        async with self._turn_of(upload):
            now = await self.rows.by_no(upload.no)
            if now is None or now.id != upload.id:
                return NOT_FOUND
            if now.state is not State.UPLOADING:
                return Refusal(Code.CONFLICT, f"The upload is complete, at {upload.bytes}.")
            if offset + len(chunk) > upload.bytes:
                text = f"The chunk goes beyond the {upload.bytes} bytes that were announced."
                return Refusal(Code.BAD_REQUEST, text)
            try:
                at = await self._on_files(self.files.append, file_name(upload), offset, chunk)
            except WrongOffset as error:
                text = f"The upload is at {error.args[0]}. Continue from there."
                return Refusal(Code.CONFLICT, text)
            except OSError as error:
                raise StorageFailed(str(error)) from error
            if at == upload.bytes:
                await self.rows.completed(upload.no)
                self._woken()
        return at

    async def give_up(self, upload: Upload) -> Refusal | None:
        """Delete what is not sent."""
        async with self._turn_of(upload):
            if not await self.rows.drop(upload.no):
                sent = Refusal(Code.CONFLICT, "It is part of a message. Delete the message.")
                return sent if upload.message_id else NOT_FOUND
            await self._collect((upload,))
        return None

    async def remove_person(self, business_no: int, person: str) -> int:
        """Delete every file that ``person`` has uploaded, sent or not; how many they were.

        A file with the same content that somebody else has uploaded is theirs, and stays.
        """
        gone = await self.rows.erase(business_no, person)
        for upload in gone:
            async with self._turn_of(upload):
                pass  # a chunk that was on its way is in its file by now
        await self._collect(gone)
        return len(gone)

    def _turn_of(self, upload: Upload) -> trio.Lock:
        """One chunk at a time."""
        return self._uploads.setdefault(upload.no, trio.Lock())

    # --- examining --------------------------------------------------------------------------------

    def _woken(self) -> None:
        """There is something to do for one who is idle."""
        self._put += 1
        self._idle.unpark()

    async def _work(self) -> None:
        while True:
            put = self._put
            upload = await self._next()
            if upload is not None:
                try:
                    await self._do(upload)
                finally:
                    self._at_work.discard(upload.no)
                    self._done.unpark_all()
            elif put == self._put:  # nothing has come since the look began
                with trio.move_on_after(LOOK_SECONDS):
                    await self._idle.park()

    async def examined(self) -> None:
        """Return when all is done that is being examined or scanned now: no copy of it is left."""
        async with self._choosing:
            now = set(self._at_work)
        while now & self._at_work:
            await self._done.park()

    async def _next(self) -> Upload | None:
        async with self._choosing:
            try:
                upload = await self.rows.next_at_work(self._clock(), self._at_work)
            except _PASSING:
                return None
            if upload is not None:
                self._at_work.add(upload.no)
            return upload

    async def _do(self, upload: Upload) -> None:
        """Examine it or scan it; what cannot be done now is done again."""
        try:
            if upload.state is State.EXAMINING:
                await self._examine(upload)
            else:
                await self._scan(upload)
        except _PASSING as error:
            log.warning("attachment_put_off", reason=type(error).__name__)
            await self._again(upload)

    async def _again(self, upload: Upload) -> None:
        try:
            await self.rows.again(upload.no, self._clock() + AGAIN_MS)
        except StorageFailed:
            await trio.sleep(LOOK_SECONDS)  # nothing is stored now, so nothing is remembered

    async def _examine(self, upload: Upload) -> None:
        name = file_name(upload)
        if await self._on_files(self.files.offset, name) != upload.bytes:
            await self.rows.refused(upload.no, LOST)
            return
        folder = await self._on_files(self.files.scratch, name)
        try:
            source = self.files.uploading(name)
            result = await examine(source, folder, self.policy, self._settings.image_pixels)
            if result.rejection is not None:
                await self.rows.refused(upload.no, result.rejection)
            else:
                await self._accept(upload, source, folder, result)
            await self._on_files(self.files.drop, name)
        finally:
            with trio.CancelScope(shield=True):
                await self._on_files(self.files.sweep, name)

    async def _accept(self, upload: Upload, source: Path, folder: Path, result: Result) -> None:
        state = State.PENDING_SCAN if self._settings.attachment_scan_command else State.READY
        thumbnail, size = "", upload.bytes
        async with self._files_turn:
            if result.painted:
                thumbnail = await self._on_files(self.files.keep, folder / "thumbnail")
                source = folder / "image"
                size = (await trio.Path(source).stat()).st_size
            file = await self._on_files(self.files.keep, source)
            found = Examined(
                result.kind, result.media_type, size, result.width, result.height, file, thumbnail
            )
            accepted = await self.rows.accepted(upload.no, state, found)
        if not accepted:
            await self._remove((file, thumbnail))
        elif state is State.PENDING_SCAN:
            self._woken()

    # --- scanning ---------------------------------------------------------------------------------

    async def _scan(self, upload: Upload) -> None:
        """Nothing is settled on a doubt: it is scanned again."""
        command = self._settings.attachment_scan_command
        verdict = Verdict.CLEAN  # by now nobody scans
        if command:
            verdict = await scan(command, self.files.path(upload.file))
        if verdict is Verdict.UNKNOWN:
            await self._again(upload)
            return
        rejection = INFECTED if verdict is Verdict.INFECTED else None
        if not await self._tell(upload, rejection):
            await self._again(upload)
        elif rejection is not None:
            await self._remove((upload.file, upload.thumbnail))

    async def _tell(self, upload: Upload, rejection: Rejection | None) -> bool:
        """Whether the verdict is stored: by us, or by the conversation that it was sent in."""
        if await self.rows.scanned(upload.no, rejection):
            return True
        place = await self.rows.place(upload.no)
        if place is None:
            return True  # it has gone meanwhile
        state = State.READY if rejection is None else State.REFUSED
        return await self._settle(upload, *place, state)

    # --- collecting -------------------------------------------------------------------------------

    async def _tidy(self) -> None:
        for tick in itertools.count():
            try:
                if tick % WALK_TICKS == 0:
                    await self.walk()
                await self.expire()
            except _PASSING as error:
                log.warning("attachments_not_tidied", reason=type(error).__name__)
            await trio.sleep(TIDY_SECONDS)

    async def expire(self) -> None:
        """Delete what nobody sent in time, and what a deleted message had."""
        while expired := await self.rows.expired(self._clock()):
            gone = []
            for upload in expired:
                async with self._turn_of(upload):
                    if await self.rows.drop(upload.no):
                        gone.append(upload)
            await self._collect(gone)

    async def walk(self) -> None:
        """Delete every file that no attachment has: what a kill, or a lost disk, left behind."""
        if not self.files.exist():
            return
        for beginning in await self._on_files(self.files.beginnings):
            async with self._files_turn:
                found = await self._on_files(self.files.some, beginning)
                await self._on_files(self.files.remove, await self.rows.unused(found))
        for name in await self._on_files(self.files.on_their_way):
            upload = await self.rows.by_no(int(name.partition("-")[0]))
            if upload is None or file_name(upload) != name or upload.state in _AT_REST:
                await self._on_files(self.files.drop, name)

    async def _collect(self, uploads: Sequence[Upload]) -> None:
        """Delete the files of rows that are gone, but for those that others have too."""
        for upload in uploads:
            await self._on_files(self.files.drop, file_name(upload))
        await self._remove([each for u in uploads for each in (u.file, u.thumbnail)])

    async def _remove(self, files: Collection[str]) -> None:
        async with self._files_turn:
            unused = await self.rows.unused(filter(None, files))
            await self._on_files(self.files.remove, unused)

    async def _on_files(self, work: Callable[..., T], *arguments: object) -> T:
        """``work`` on a thread of a few; it ends, whatever happens to who waits for it."""
        return await trio.to_thread.run_sync(work, *arguments, limiter=self._threads)


def _no_room(left: Quota, files: int) -> Refusal:
    """Why ``files`` more do not fit what is left."""
    text = "Send or delete what you have uploaded before you upload more."
    if left.files >= files:
        most = megabytes(max(0, left.bytes))
        text = f"Send or delete what you have uploaded: there is room for {most} more."
    return Refusal(Code.RATE_LIMITED, text, 60.0)


def file_name(upload: Upload) -> str:
    """What the file of an upload is called until it is complete."""
    return f"{upload.no}-{upload.id}"
