"""Erasing what was said so long ago that its location keeps it no longer (EX-21).

Asked of the database, as what falls due in `server.tending`: a restart forgets nothing. It is done
once a day, for leaving no byte of what was erased means to write the whole file anew.
"""

from collections import Counter

import structlog
import trio

from actors.business import Note
from actors.crash_report import error_name
from domain.audit import AuditDetail, AuditKind
from domain.errors import StorageFailed
from domain.ids import BUSINESS_VOICE
from server.asking import ASK_SECONDS
from server.erasing import AT_ONCE, NotNow
from server.live import BUSINESS
from server.node import Node
from storage.due import START, Position

FIRST_SECONDS = 60.0
EVERY_SECONDS = 86_400.0
"""After the start; and after it has been done."""

CONVERSATIONS = 200
"""Conversations that are looked at in one reading."""

log = structlog.get_logger(__name__)


async def expire_messages(node: Node) -> None:
    """Erase what is no longer kept, once a day, until cancelled."""
    await trio.sleep(FIRST_SECONDS)
    while True:
        try:
            await expire(node)
        except (StorageFailed, OSError, trio.TooSlowError, NotNow) as error:
            log.warning("not_expired", error=error_name(error))
        await trio.sleep(EVERY_SECONDS)


async def expire(node: Node) -> Counter[str]:
    """Erase all that is no longer kept by now; of which business how many messages and notes."""
    erased, noted = Counter[str](), Counter[str]()
    position, before = START, node.clock()
    while True:
        position = await _page(node, before, position, erased, noted)
        if position == START:
            break
    for business, messages in erased.items():
        live = await node.live(business)
        if live is not None:
            detail: AuditDetail = {"messages": messages}
            if noted[business]:
                detail["notes"] = noted[business]
            note = Note(BUSINESS_VOICE, AuditKind.MESSAGES_EXPIRED, detail=detail)
            await live.desk.ask(BUSINESS, note, ASK_SECONDS)
    for business in await node.database.erasures.owed():
        await node.eraser.wash(business)
        await node.database.erasures.paid(business)
    return erased + noted


async def _page(
    node: Node, now: int, after: Position, erased: Counter[str], noted: Counter[str]
) -> Position:
    """Erase what is due in the next conversations, a batch of each until none has any.

    How much it was is counted in ``erased`` (messages) and ``noted``: each business is in both.
    """
    store = node.database.erasures
    while True:
        page = await store.expired(now, after, CONVERSATIONS, AT_ONCE)
        for each in page.found:
            live = await node.live(each.business)
            if live is None:
                raise NotNow
            await node.eraser.erase_messages(live, each.conversation, each.seqs)
            for note in each.notes:
                await node.eraser.delete_note(live, each.conversation, note)
            await store.note_expired(each)
            erased[each.business] += len(each.seqs)
            noted[each.business] += len(each.notes)
        if not page.found:
            return page.next
