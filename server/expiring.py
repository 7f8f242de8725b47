"""Erasing what was said so long ago that its location keeps it no longer (EX-21).

Asked of the database, as what falls due in `server.tending`: a restart forgets nothing. It is done
once a day, for leaving no byte of what was erased means to write the whole file anew.
"""

import sqlite3
from collections import Counter

import structlog
import trio

from actors.business import Note
from actors.crash_report import error_name
from domain.audit import AuditDetail, AuditKind
from domain.commands import Done
from domain.errors import StorageFailed
from domain.ids import BUSINESS_VOICE
from server.asking import ASK_SECONDS
from server.erasing import AT_ONCE, NotNow
from server.live import BUSINESS
from server.node import Node
from storage.due import START, Position
from storage.retention import Expired, Owed

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
        except (StorageFailed, sqlite3.Error, OSError, trio.TooSlowError, NotNow) as error:
            log.warning("not_expired", error=error_name(error))
        await trio.sleep(EVERY_SECONDS)


async def expire(node: Node) -> Counter[str]:
    """Erase all that is no longer kept by now; of which business how many messages and notes.

    Raises `NotNow`, once all else is done: something could not be erased, or noted in the audit
    log, for now.
    """
    done, put_off = Counter[str](), set[str]()
    position, before = START, node.clock()
    while True:
        position = await _page(node, before, position, done, put_off)
        if position == START:
            break
    for owed in await node.database.erasures.owed():
        noted = await _note(node, owed)
        await node.eraser.wash(owed.business)
        if noted:
            await node.database.erasures.paid(owed.business)
        else:
            put_off.add(owed.business)
    if put_off:
        raise NotNow
    return done


async def _note(node: Node, owed: Owed) -> bool:
    """Tell the audit log what has been erased of a business since it was told last."""
    if not (owed.messages or owed.notes):
        return True
    live = await node.live(owed.business)
    if live is None:
        return False
    detail: AuditDetail = {"messages": owed.messages}
    if owed.notes:
        detail["notes"] = owed.notes
    note = Note(BUSINESS_VOICE, AuditKind.MESSAGES_EXPIRED, detail=detail)
    return isinstance(await live.desk.ask(BUSINESS, note, ASK_SECONDS), Done)


async def _page(
    node: Node, now: int, after: Position, done: Counter[str], put_off: set[str]
) -> Position:
    """Erase what is due in the next conversations, a batch of each until none has any.

    How much it was is counted in ``done``; what cannot be asked for now is left, in ``put_off``.
    """
    store = node.database.erasures
    while True:
        page = await store.expired(now, after, CONVERSATIONS, AT_ONCE)
        found = [each for each in page.found if _name(each) not in put_off]
        for each in found:
            try:
                await _erase(node, each)
            except NotNow:
                put_off.add(_name(each))
                continue
            await store.note_expired(each)
            done[each.business] += len(each.seqs) + len(each.notes)
        if not found:
            return page.next


def _name(expired: Expired) -> str:
    return f"{expired.business}/{expired.conversation}"


async def _erase(node: Node, expired: Expired) -> None:
    live = await node.live(expired.business)
    if live is None:
        raise NotNow
    await node.eraser.erase_messages(live, expired.conversation, expired.seqs)
    for note in expired.notes:
        await node.eraser.delete_note(live, expired.conversation, note)
