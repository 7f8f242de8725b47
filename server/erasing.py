"""Removing what is left of whoever was erased, until not a byte is (EX-21, R38).

The desk has decided, and stored that somebody is erased: from then on nothing is taken from them.
What they said and sent before is removed here, step by step; a row says who is not done yet, so
that a start goes on where the last one ended.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
import trio

from actors.crash_report import error_name
from domain.commands import DeleteNote, Done, Erase, Speaker
from domain.errors import StorageFailed
from domain.ids import BUSINESS_VOICE
from domain.roles import Role
from server.asking import ask_conversation
from server.attachments.keeper import Keeper
from server.live import LiveBusiness
from storage.database import Database
from storage.erasure import Unfinished

AT_ONCE = 100
"""Messages of a conversation that are erased in one batch."""

AGAIN_SECONDS = 5.0
"""Before what could not be done is tried again."""

VOICE = Speaker(BUSINESS_VOICE, "", Role.OWNER, BUSINESS_VOICE)

log = structlog.get_logger(__name__)


class NotNow(Exception):
    """A conversation, or its business, cannot be asked for now."""


@dataclass
class Eraser:
    """`run` erases; `ask` wakes it, and waits for it for a while."""

    database: Database
    keeper: Keeper
    clock: Callable[[], int]
    live: Callable[[str], Awaitable[LiveBusiness | None]]
    _asked: trio.Event = field(default_factory=trio.Event)
    _moved: trio.Condition = field(default_factory=trio.Condition)
    _washing: trio.Lock = field(default_factory=trio.Lock)

    async def run(self) -> None:
        """Erase who is to be erased, until cancelled. What fails is tried again."""
        while True:
            self._asked = trio.Event()
            try:
                done = await self._erase_all()
            except (StorageFailed, OSError, trio.TooSlowError, NotNow) as error:
                log.warning("erasure_put_off", error=error_name(error))
                await trio.sleep(AGAIN_SECONDS)
                continue
            if not done:
                await self._asked.wait()

    async def ask(self, business_no: int, person: str, seconds: float) -> bool:
        """Whether nothing is left of ``person``, who was erased; waits for it so long."""
        self._asked.set()
        with trio.move_on_after(seconds):
            async with self._moved:
                while not await self.database.erasures.finished(business_no, person):
                    await self._moved.wait()
        return bool(await self.database.erasures.finished(business_no, person))

    async def erase_messages(
        self, live: LiveBusiness, conversation: str, seqs: tuple[int, ...]
    ) -> None:
        """Have a conversation erase what is at ``seqs``. Raises `NotNow`."""
        for first in range(0, max(1, len(seqs)), AT_ONCE):
            answer = await ask_conversation(
                live, conversation, Erase(seqs[first : first + AT_ONCE])
            )
            if not isinstance(answer, Done):
                raise NotNow

    async def delete_note(self, live: LiveBusiness, conversation: str, note: str) -> None:
        """Have a conversation delete a note, as an owner would. Raises `NotNow`."""
        deleted = await ask_conversation(live, conversation, DeleteNote(VOICE, note))
        if not isinstance(deleted, Done):
            raise NotNow

    async def wash(self, business: str) -> None:
        """Return when no byte is left anywhere of what was erased of ``business`` by now."""
        revision = self.database.journal.released(business)
        async with self._washing:
            await self.keeper.expire()
            await self.keeper.examined()
            await self.keeper.walk()  # files whose rows went just before a kill, or a failing disk
            await self.database.erasures.wash(business, revision)

    async def _erase_all(self) -> bool:
        """Whether there was anybody. Raises `NotNow`: of somebody something is left for now, of
        nobody else.
        """
        store = self.database.erasures
        people = await store.unfinished()
        gone = [each for each in people if await self._can_erase(each)]
        for business in {each.business for each in gone}:
            await self.wash(business)
        for each in gone:
            await store.finish(each.business_no, each.person, self.clock())
        async with self._moved:
            self._moved.notify_all()
        if len(gone) < len(people):
            raise NotNow
        return bool(people)

    async def _can_erase(self, erased: Unfinished) -> bool:
        """Erase somebody; ``False``: a conversation of theirs cannot be asked, or read, for now."""
        try:
            await self._erase(erased)
        except (NotNow, trio.TooSlowError):
            return False
        return True

    async def _erase(self, erased: Unfinished) -> None:
        store, no, person = self.database.erasures, erased.business_no, erased.person
        live = await self.live(erased.business)
        if live is None:
            raise NotNow
        while await self._erase_said(live, person):
            pass  # what was on its way when they were erased is there by now
        for written in await store.notes(no, person):
            await self.delete_note(live, written.conversation, written.note)
        await store.remove(no, person)
        await self.keeper.remove_person(no, person)
        for conversation in await store.conversations(no, person):
            await self.erase_messages(live, conversation, ())

    async def _erase_said(self, live: LiveBusiness, person: str) -> bool:
        """Erase what somebody said; whether there was something."""
        after: int | None = 0
        found = False
        while after is not None:
            said = await self.database.erasures.said(live.state.no, person, after)
            for conversation, seqs in said.found:
                found = True
                await self.erase_messages(live, conversation, seqs)
            after = said.next
        return found
