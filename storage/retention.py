"""What was said or noted so long ago that it is to be erased, a few at a time (EX-21)."""

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from domain.channels import APP, Channel
from domain.retention import RetentionByChannel, expired_before
from storage import notes
from storage.access import snapshot
from storage.channel_rows import column
from storage.due import START, Position
from storage.erasure import COVERED, LEFT
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.rows import Statements


class Expired(msgspec.Struct, frozen=True):
    """Of a conversation what is to be erased: ``seqs``, all up to ``up_to``, and ``notes``."""

    business: str
    business_no: int
    conversation: str
    seqs: tuple[int, ...]
    up_to: int
    notes: tuple[str, ...] = ()


class ExpiredPage(msgspec.Struct, frozen=True):
    """``next`` is where the next page begins, `storage.due.START` at the end."""

    found: tuple[Expired, ...]
    next: Position


def expired(
    connection: sqlite3.Connection, now: int, after: Position, conversations: int, messages: int
) -> ExpiredPage:
    """Of the next ``conversations`` that are placed where not all is kept for ever.

    Of each at most ``messages``, as many on other channels than the app, and as many notes: what is
    left is found again, once these are noted.
    """
    with snapshot(connection):
        rows = connection.execute(
            "SELECT p.business_no, p.location, p.conversation_no, b.id, c.id, c.expired_up_to"
            " FROM location l CROSS JOIN placement p ON p.business_no = l.business_no"
            "  AND p.location = l.id JOIN conversation c ON c.no = p.conversation_no"
            " JOIN business b ON b.no = p.business_no"
            " WHERE (l.retention_days IS NOT NULL OR l.retention_by_channel <> '{}')"
            " AND (p.business_no, p.location, p.conversation_no) > (?, ?, ?)"
            " ORDER BY p.business_no, p.location, p.conversation_no LIMIT ?",
            (*(after or (0, "", 0)), conversations),
        ).fetchall()
        found: dict[int, Expired] = {}
        for business_no, _, no, business, conversation, done in rows:
            if no in found:
                continue
            ends = _ends(connection, business_no, no, now)
            in_app = _said_in_app(connection, no, done, ends[APP], messages)
            elsewhere = _said_elsewhere(connection, no, ends, messages)
            noted = _noted(connection, no, ends[APP], messages)
            authors = [one.author for one in (*in_app, *elsewhere) if one.left]
            authors += [who for _, who in noted]
            some = in_app or elsewhere or noted
            if some and not _is_covered(connection, business_no, no, authors):
                seqs = tuple(sorted(one.seq for one in (*in_app, *elsewhere) if one.left))
                up_to = in_app[-1].seq if in_app else done
                ids = tuple(id_ for id_, _ in noted)
                found[no] = Expired(business, business_no, conversation, seqs, up_to, ids)
    last = tuple(rows[-1][:3]) if len(rows) == conversations else START
    return ExpiredPage(tuple(found.values()), last)


class _Said(NamedTuple):
    """``left``: there is something to erase."""

    seq: int
    author: str
    left: bool


def _ends(
    connection: sqlite3.Connection, business_no: int, no: int, now: int
) -> dict[Channel, int | None]:
    """Before which time what was said on each channel is to be erased; ``None``: nothing is."""
    rows = connection.execute(
        "SELECT l.retention_days, l.retention_by_channel FROM placement p JOIN location l"
        " ON l.business_no = ? AND l.id = p.location WHERE p.conversation_no = ?",
        (business_no, no),
    ).fetchall()
    kept = [(days, _decode_by_channel(own)) for days, own in rows]
    return {
        channel: expired_before([own.days(channel, days) for days, own in kept], now)
        for channel in Channel
    }


_decode_by_channel = msgspec.json.Decoder(RetentionByChannel).decode


def _said_in_app(
    connection: sqlite3.Connection, no: int, done: int, before: int | None, limit: int
) -> list[_Said]:
    """What follows, up to the first that is younger; what was said elsewhere is passed over, with
    nothing to erase."""
    if before is None:
        return []
    rows = connection.execute(
        f"SELECT m.id & {SEQ_MASK}, m.author, {LEFT}, m.at, m.channel FROM message m"
        f" WHERE m.id > (?1 << {SEQ_BITS} | ?2) AND m.id <= (?1 << {SEQ_BITS} | {SEQ_MASK})"
        " AND m.kind = 'text' ORDER BY m.id LIMIT ?3",
        (no, done, limit),
    ).fetchall()
    said = []
    for seq, author, left, at, on in rows:
        if at >= before:
            break
        said.append(_Said(seq, author, bool(left) and not on))
    return said


def _said_elsewhere(
    connection: sqlite3.Connection, no: int, ends: Mapping[Channel, int | None], limit: int
) -> list[_Said]:
    """What is left of what was said on other channels, and is so old."""
    others = ((each, end) for each, end in ends.items() if each is not APP)
    before = {column(each): end for each, end in others if end is not None}
    if not before:
        return []
    rows = connection.execute(
        f"SELECT m.id & {SEQ_MASK}, m.author, 1 FROM message m INDEXED BY message_by_channel"
        f" WHERE m.id BETWEEN ?1 << {SEQ_BITS} AND ?1 << {SEQ_BITS} | {SEQ_MASK}"
        " AND m.channel <> '' AND m.digest IS NOT NULL AND m.at < ?2 ->> m.channel"
        " ORDER BY m.id LIMIT ?3",
        (no, json.dumps(before), limit),
    )
    return [_Said(seq, author, bool(left)) for seq, author, left in rows]


def _noted(
    connection: sqlite3.Connection, no: int, before: int | None, limit: int
) -> list[tuple[str, str]]:
    """(id, author) of notes of which something is left, and that are so old."""
    return [] if before is None else notes.left_before(connection, no, before, limit)


def _is_covered(
    connection: sqlite3.Connection, business_no: int, no: int, authors: list[str]
) -> bool:
    """Whether a hold covers the conversation, or who said or noted something of it."""
    (found,) = connection.execute(
        f"WITH {COVERED} SELECT EXISTS (SELECT 1 FROM covered WHERE no = ?2) OR EXISTS ("
        " SELECT 1 FROM hold WHERE business_no = ?1 AND kind = 'person'"
        "  AND id IN (SELECT value FROM json_each(?3)))",
        (business_no, no, json.dumps(authors)),
    ).fetchone()
    return bool(found)


class Owed(NamedTuple):
    """Some of what ``business`` erased is still in the file; the audit log has not been told of so
    many ``messages`` and ``notes``."""

    business: str
    messages: int
    notes: int


def note(connection: sqlite3.Connection, expired: Expired) -> None:
    """It has been erased: the next time begins behind it, and the file is to be written anew."""
    notes.forget(connection, expired.business_no, expired.conversation, expired.notes)
    connection.execute(
        "UPDATE conversation SET expired_up_to = max(expired_up_to, ?)"
        " WHERE business_no = ? AND id = ?",
        (expired.up_to, expired.business_no, expired.conversation),
    )
    connection.execute(
        "INSERT INTO setting VALUES (?1, json_array(?2, ?3)) ON CONFLICT (name) DO UPDATE SET"
        f" value = json_array({_COUNTED.format(0)} + ?2, {_COUNTED.format(1)} + ?3)",
        (OWED + expired.business, len(expired.seqs), len(expired.notes)),
    )


OWED = "wash:"
"""With a business's id the name of a setting, which counts what the audit log is to be told of."""

_COUNTED = "coalesce(nullif(value, '') ->> {}, 0)"


def owed(connection: sqlite3.Connection) -> list[Owed]:
    """The businesses for which the file is to be written anew."""
    rows = connection.execute(
        f"SELECT substr(name, length(?1) + 1), {_COUNTED.format(0)}, {_COUNTED.format(1)}"
        " FROM setting WHERE substr(name, 1, length(?1)) = ?1",
        (OWED,),
    )
    return [Owed(*row) for row in rows]


def add_told(statements: Statements, business_no: int) -> None:
    """The audit log is told: collected beside its row, so that it is told once."""
    statements.add(
        "UPDATE setting SET value = '' WHERE name = ? || (SELECT id FROM business WHERE no = ?)",
        OWED,
        business_no,
    )


def paid(connection: sqlite3.Connection, business: str) -> None:
    """It has been written anew for ``business``."""
    connection.execute("DELETE FROM setting WHERE name = ?", (OWED + business,))
