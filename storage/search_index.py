"""The full-text index: what goes into it, in small steps, and how it comes out again.

It follows the log of each business. A step reads what is to be indexed as it stands now, so doing
it twice is as good as once, and stores with it how far the log has been followed. A message may be
indexed in a later state than the position says, never in an earlier one than it had there.

A round takes all that moved between two revisions, in the order of its keys: by conversation, not
by revision, for which messages have no index. The first one of a business is all that was ever
said.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from domain.search import spaced
from storage.access import snapshot
from storage.catch_up import FIRST_AFTER
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.rows import Insert
from storage.search_scope import scope
from storage.unread import LAST

REVISION_BITS = 40
BLOCK_BITS = 12
PLANNED_CONVERSATIONS = 200
PLANNED_KEYS = 2_000
STEP = 100
"""Texts in one transaction: some milliseconds of the writer."""

MERGED_PAGES = 64
"""Pages of the index that one transaction merges, and the rest of the word that it is at: mostly a
millisecond or two of the writer."""


class IndexDamaged(Exception):
    """The index does not fit what it was made from; the tables that it was made from are sound."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Keys to index next, ascending. Then the round has walked up to ``end``; or it is over."""

    business_no: int
    keys: Sequence[int]
    position: int
    target: int
    end: int
    last: bool


def entry_id(business_no: int, revision: int) -> int:
    """The id of what came into the log there: by it the index is sorted."""
    return business_no << REVISION_BITS | revision


def positions(connection: sqlite3.Connection) -> dict[str, int]:
    """Up to which revision each business is indexed."""
    return dict(
        connection.execute(
            "SELECT b.id, coalesce(p.revision, 0) FROM business b"
            " LEFT JOIN search_position p ON p.business_no = b.no"
        ).fetchall()
    )


def position(connection: sqlite3.Connection, business_no: int) -> int:
    """Up to which revision the business is indexed."""
    row = connection.execute(
        "SELECT revision FROM search_position WHERE business_no = ?", (business_no,)
    ).fetchone()
    return 0 if row is None else int(row[0])


def plan(connection: sqlite3.Connection, business: str) -> Plan | None:
    """What is to be done next for ``business``; ``None``: all is indexed."""
    with snapshot(connection):
        no, head, revision, target, walked = connection.execute(
            "SELECT b.no, coalesce(l.revision, 0), coalesce(p.revision, 0),"
            " coalesce(p.target, 0), coalesce(p.walked, 0) FROM business b"
            " LEFT JOIN log l ON l.business_no = b.no"
            " LEFT JOIN search_position p ON p.business_no = b.no WHERE b.id = ?",
            (business,),
        ).fetchone()
        if not target:
            target, walked = head, 0
        if revision == target:
            return None
        moved = connection.execute(
            "SELECT conversation_no FROM head WHERE business_no = ? AND conversation_no >= ?"
            " AND revision > ? ORDER BY conversation_no LIMIT ?",
            (no, walked >> SEQ_BITS, revision, PLANNED_CONVERSATIONS),
        ).fetchall()
        nos = [no for (no,) in moved]
        end = _enough(connection, nos, revision, walked)
        of = [no for no in nos if end is None or no <= end >> SEQ_BITS]
        reach = _ALL if end is None else end
        rows = connection.execute(_KEYS, (json.dumps(of), revision, walked, PLANNED_KEYS, reach))
        keys = [key for (key,) in rows]
    if len(keys) == PLANNED_KEYS:
        return Plan(no, keys, revision, target, keys[-1], False)
    last = end is None and len(nos) < PLANNED_CONVERSATIONS
    if end is None:
        end = nos[-1] << SEQ_BITS | SEQ_MASK if nos else walked
    return Plan(no, keys, revision, target, end, last)


def _enough(
    connection: sqlite3.Connection, nos: Sequence[int], revision: int, walked: int
) -> int | None:
    """Up to which key there are `PLANNED_KEYS` messages; ``None``: there are not so many.

    What is behind it is not read: of very much that waits, each round would sort all.
    """
    room = PLANNED_KEYS
    for first, last in connection.execute(_REACHES, (json.dumps(nos), revision)):
        messages = (last or 0) - max(first, walked + 1) + 1
        if messages > room:
            return int(last - messages + room)
        room -= max(messages, 0)
    return None


_ALL = 2**62


# In conversations ?1: their title, what was changed, and what was said, after revision ?2; of keys
# after ?3 and up to ?5 the first ?4.
_L = f"WITH l AS (SELECT value AS no, (value << {SEQ_BITS} | 1) AS first_key FROM json_each(?1))"
_KEYS = (
    f"{_L}, due AS ("
    f" SELECT l.no << {SEQ_BITS} AS key FROM l JOIN conversation c ON c.no = l.no"
    "  WHERE c.created_revision > ?2 AND c.title <> ''"
    f" UNION SELECT l.no << {SEQ_BITS} | ch.seq FROM l JOIN change ch"
    "  ON ch.conversation_no = l.no AND ch.revision > ?2"
    f" UNION SELECT m.id FROM l JOIN message m ON m.id BETWEEN max(?3 + 1, {FIRST_AFTER})"
    f"  AND min(l.no << {SEQ_BITS} | {SEQ_MASK}, ?5))"
    " SELECT key FROM due WHERE key > ?3 AND key <= ?5 ORDER BY key LIMIT ?4"
)

# Of conversations ?1 the keys of the first message after revision ?2 and of the last.
_REACHES = f"{_L} SELECT {FIRST_AFTER}, {LAST} FROM l"


def step(connection: sqlite3.Connection, plan: Plan, done: int, now: int) -> int:
    """Index the next keys of ``plan`` after its first ``done``; how many are done then.

    To be called in a transaction, which also stores how far the round has come.
    """
    keys = plan.keys[done : done + STEP]
    with _damage_is_ours():
        index(connection, keys, now)
    done += len(keys)
    if done < len(plan.keys):
        state = (plan.position, plan.target, keys[-1])
    elif plan.last:
        state = (plan.target, 0, 0)
    else:
        state = (plan.position, plan.target, plan.end)
    connection.execute(
        "INSERT INTO search_position VALUES (?, ?, ?, ?) ON CONFLICT (business_no) DO UPDATE"
        " SET revision = excluded.revision, target = excluded.target, walked = excluded.walked",
        (plan.business_no, *state),
    )
    return done


def index(connection: sqlite3.Connection, keys: Sequence[int], now: int) -> None:
    """Make the index hold what the messages and titles of ``keys`` say now, and nothing else."""
    if not keys:
        return
    # Ascending ids: the index collects what comes in order, and writes it at once.
    rows = connection.execute(_PRESENT, (json.dumps(keys),)).fetchall()
    ids = [row[0] for row in rows]
    earlier = dict(
        connection.execute(
            "SELECT id, text FROM search_text WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        ).fetchall()
    )
    # What has files and no text is found by no word, but is on timelines.
    says = {id_: spaced(text) for id_, _, _, _, text, _, with_files in rows if text or with_files}
    _take_out(connection, [id_ for id_, text in earlier.items() if says.get(id_) != text], now)
    entries = Insert("INSERT INTO search_entry (id, message_id, at)", 3)
    texts = Insert("INSERT INTO search_text (id, scope, text)", 3)
    added = []
    for id_, key, at, author, _, channel, with_files in rows:
        if id_ in says and earlier.get(id_) != says[id_]:
            entries.add(id_, key, at)
            texts.add(id_, scope(key, author, channel, with_files), says[id_])
            added.append(id_)
    entries.write(connection)
    texts.write(connection)
    listed = json.dumps(added)
    connection.execute(
        "INSERT INTO search (rowid, scope, text) SELECT id, scope, text FROM search_text"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (listed,),
    )
    connection.execute(
        f"INSERT INTO search_span SELECT id >> {BLOCK_BITS}, min(at), max(at) FROM search_entry"
        f" WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id >> {BLOCK_BITS}"
        " ON CONFLICT (block) DO UPDATE SET first_at = min(first_at, excluded.first_at),"
        " last_at = max(last_at, excluded.last_at)",
        (listed,),
    )


# (id, key, at, author, text, channel, whether with files) of messages and titles as they are; text
# "" where there is nothing to find. A title has no author.
_PRESENT = (
    f"SELECT m.business_no << {REVISION_BITS} | m.revision AS id, m.id, m.at, m.author,"
    " iif(m.kind = 'text' AND m.deleted_at = 0, m.text, ''), m.channel,"
    " m.attachments <> '' FROM json_each(?1) k JOIN message m ON m.id = k.value"
    f" UNION ALL SELECT c.business_no << {REVISION_BITS} | c.created_revision, k.value,"
    " c.created_at, NULL, c.title, '', 0"
    f" FROM json_each(?1) k JOIN conversation c ON c.no = k.value >> {SEQ_BITS}"
    f" WHERE k.value & {SEQ_MASK} = 0"
    " ORDER BY 1"
)


def _take_out(connection: sqlite3.Connection, ids: Sequence[int], since: int) -> None:
    """No search finds them any more; their words stay in the file until `scrub` is done."""
    if not ids:
        return
    listed = (json.dumps(ids),)
    connection.execute(
        "INSERT INTO search (search, rowid, scope, text) SELECT 'delete', id, scope, text"
        " FROM search_text WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        listed,
    )
    for table in ("search_entry", "search_text"):
        connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", listed
        )
    connection.execute(
        "INSERT INTO search_residue VALUES (1, ?)"
        " ON CONFLICT (one) DO UPDATE SET since = min(since, excluded.since)",
        (since,),
    )


def withdraw(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Take the messages of ``keys`` out, whatever they say, and have the index cleaned soon.

    In the transaction that erases them: a search that begins after it does not find them.
    """
    rows = connection.execute(_PRESENT, (json.dumps(keys),)).fetchall()
    with _damage_is_ours():
        _take_out(connection, [row[0] for row in rows], 0)


def forget(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Take the messages of ``keys`` out and leave no byte of them in the index's pages, at once.

    It holds up the writer as long as it takes to write the whole index anew: a server calls
    `withdraw`, after which its indexer cleans up in small steps. What the log (WAL) holds goes with
    a checkpoint that truncates it.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        withdraw(connection, keys)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    while not scrub(connection):
        pass


def residue_since(connection: sqlite3.Connection) -> int | None:
    """Since when (milliseconds) there are words in the file of what was taken out; 0: erased."""
    row = connection.execute("SELECT since FROM search_residue").fetchone()
    return None if row is None else int(row[0])


def clean_soon(connection: sqlite3.Connection) -> None:
    """What was taken out was erased: its words are cleaned away now, not in a day."""
    connection.execute("UPDATE search_residue SET since = 0")


def scrub(connection: sqlite3.Connection, pages: int = MERGED_PAGES) -> bool:
    """Merge a little more of the index into one piece; whether it is one, without residue.

    Merging drops what was taken out, and secure_delete overwrites the pages that fall free. Nothing
    may be indexed until it is done, for that would begin another piece.
    """
    if merge(connection, -pages):
        return False
    connection.execute("DELETE FROM search_residue")
    return True


def merge(connection: sqlite3.Connection, pages: int = MERGED_PAGES) -> bool:
    """Merge a little, so that a search looks into few pieces; whether there was something to do."""
    before = connection.total_changes
    with _damage_is_ours():
        connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
    return connection.total_changes - before >= 2


def start_over(connection: sqlite3.Connection) -> None:
    """Empty the index; in a transaction, after which all is to be indexed again."""
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")


_TABLES = ("search_entry", "search_text", "search_span", "search_position", "search_residue")


@contextmanager
def _damage_is_ours() -> Iterator[None]:
    """An index that does not fit must not be taken for a damaged file, which ends the server."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in _DAMAGED or isinstance(error, sqlite3.IntegrityError):
            raise IndexDamaged(str(error)) from error
        raise


_DAMAGED = (sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CORRUPT_INDEX)
