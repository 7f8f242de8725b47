"""Whether a database file is whole: SQLite's own checks, and the invariants of what we store.

The file is only read; it may be in use, and it may be a backup.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from domain.audit import OF_CONVERSATIONS
from storage.attachment_files import AttachmentFiles
from storage.backup import files_of
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.migrations import migrate, migrations, open_read_only, require_database
from storage.uploads import named_files, unused

FINDINGS_MAX = 20
"""Findings of one kind that are told; the rest of that kind says nothing new."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: which rule is broken, and where."""

    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


def check_file(path: Path) -> list[Finding]:
    """Everything that is wrong with the database file ``path``; empty: it is fine.

    Each file that an attachment names must be there, and whole: see `storage.backup.files_of`.
    Raises `UnusableDatabase`: it is no Deskbell database, an empty one, or of a newer program;
    `sqlite3.Error` or `OSError`: it cannot be read at all.
    """
    require_database(path)
    with closing(open_read_only(path)) as connection:
        try:
            if _is_older(connection):
                return _check_migrated(connection)
            damaged = _damaged_files(connection, files_of(path))
            return _check(connection) or list(islice(damaged, FINDINGS_MAX))
        except sqlite3.DatabaseError as error:
            return [Finding("a whole file", str(error))]


def _is_older(connection: sqlite3.Connection) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(version < migrations()[-1][0])


def _check_migrated(connection: sqlite3.Connection) -> list[Finding]:
    """Of a file that an older program wrote: as it will be when this one opens it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        connection.execute("VACUUM INTO ?", (str(copy),))
        with closing(sqlite3.connect(copy, isolation_level=None)) as migrated:
            migrate(migrated)
            return _check(migrated)


def _check(connection: sqlite3.Connection) -> list[Finding]:
    connection.execute("BEGIN")  # one moment, also while a server writes
    damage = connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})").fetchall()
    if damage != [("ok",)]:  # what a damaged file answers to the rest means nothing
        return [Finding("a whole file", detail) for (detail,) in damage]
    findings = list(_dangling(connection))
    for rule, sql in _RULES.items():
        details = connection.execute(sql).fetchmany(FINDINGS_MAX)
        findings += [Finding(rule, detail) for (detail,) in details]
    steps = islice(_inconsistent_steps(connection), FINDINGS_MAX)
    return findings + [Finding("a cursor is the sum of its steps", detail) for detail in steps]


def stray_files(path: Path) -> int:
    """How many files belong to no attachment; a server deletes them when it starts."""
    with closing(open_read_only(path)) as connection:
        if _is_older(connection):
            return 0
        return len(unused(connection, list(files_of(path).all())))


def _damaged_files(connection: sqlite3.Connection, files: AttachmentFiles) -> Iterator[Finding]:
    for file in named_files(connection):
        fault = files.fault(file)
        if fault:
            yield Finding("an attachment has its file", f"{file} {fault}")


def _dangling(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table, row, parent, _ in islice(
        connection.execute("PRAGMA foreign_key_check"), FINDINGS_MAX
    ):
        yield Finding("references lead somewhere", f"{table}, row {row}, refers to a {parent}")


_SEQ = f"m.id & {SEQ_MASK}"
_NO = f"m.id >> {SEQ_BITS}"

# Every event is one revision: of an entry, a change, a creation, a receipt or the business itself.
# What is audited of conversations stands beside their own events.
_BESIDE = ", ".join(f"'{kind}'" for kind in sorted(OF_CONVERSATIONS))
_EVENTS = f"""
    SELECT business_no, revision, {_NO} AS no, 1 AS is_entry FROM message m
    UNION ALL SELECT business_no, created_revision, no, 1 FROM conversation
    UNION ALL SELECT c.business_no, ch.revision, c.no, 0
        FROM change ch JOIN conversation c ON c.no = ch.conversation_no
    UNION ALL SELECT c.business_no, r.revision, c.no, 0
        FROM receipt r JOIN conversation c ON c.no = r.conversation_no
    UNION ALL SELECT c.business_no, g.revision, c.no, 0
        FROM handling_change g JOIN conversation c ON c.no = g.conversation_no
    UNION ALL SELECT c.business_no, n.revision, c.no, 0
        FROM note_change n JOIN conversation c ON c.no = n.conversation_no
    UNION ALL SELECT c.business_no, k.revision, c.no, 0
        FROM mark k JOIN conversation c ON c.no = k.conversation_no
    UNION ALL SELECT business_no, revision, NULL, 0 FROM audit WHERE kind NOT IN ({_BESIDE})
"""

# Each selects one column: a sentence for every place where its rule is broken. Who was a customer
# when they wrote is not stored, but when one last did is; where a clock went back after that, what
# was said then may be what counts.
_RULES = {
    "a message belongs to a conversation of its business": f"""
        SELECT printf('message %d of conversation %d of business %d', {_SEQ}, {_NO}, m.business_no)
        FROM message m LEFT JOIN conversation c ON c.no = {_NO} AND c.business_no = m.business_no
        WHERE c.no IS NULL""",
    "seq counts 1, 2, 3": f"""
        SELECT printf('conversation %d has %d entries from %d to %d',
            {_NO}, count(*), min({_SEQ}), max({_SEQ}))
        FROM message m GROUP BY {_NO} HAVING min({_SEQ}) <> 1 OR max({_SEQ}) <> count(*)""",
    "revisions rise with seq": f"""
        SELECT printf('conversation %d, message %d', no, seq) FROM (
            SELECT {_NO} AS no, {_SEQ} AS seq, m.revision,
                lag(m.revision) OVER (PARTITION BY {_NO} ORDER BY m.id) AS before
            FROM message m)
        WHERE revision <= before""",
    "each revision is of one event, without gaps": f"""
        SELECT printf('business %d has %d events up to revision %d, its log says %d',
            b.no, count(e.revision), coalesce(max(e.revision), 0), coalesce(l.revision, 0))
        FROM business b LEFT JOIN ({_EVENTS}) e ON e.business_no = b.no
        LEFT JOIN log l ON l.business_no = b.no GROUP BY b.no
        HAVING count(e.revision) <> coalesce(l.revision, 0)
            OR count(DISTINCT e.revision) <> count(e.revision)
            OR coalesce(max(e.revision), 0) <> coalesce(l.revision, 0)
            OR coalesce(min(e.revision), 1) <> 1""",
    "a head says where its conversation stands": f"""
        SELECT printf('conversation %d is at revision %d and activity %d, its head says %d and %d',
            c.no, max(e.revision), max(iif(e.is_entry, e.revision, 0)),
            coalesce(h.revision, 0), coalesce(h.activity, 0))
        FROM conversation c JOIN ({_EVENTS}) e ON e.no = c.no
        LEFT JOIN head h ON h.conversation_no = c.no AND h.business_no = c.business_no
        GROUP BY c.no
        HAVING h.revision IS NOT max(e.revision)
            OR h.activity IS NOT max(iif(e.is_entry, e.revision, 0))""",
    "a member is a person of the business, from an entry on": """
        SELECT printf('%s in conversation %d since message %d',
            m.person, m.conversation_no, m.since_seq)
        FROM member m JOIN conversation c ON c.no = m.conversation_no
        LEFT JOIN person p ON p.business_no = m.business_no AND p.id = m.person
        WHERE p.id IS NULL OR m.business_no <> c.business_no
            OR (m.since_seq, m.since_revision) <> (1, c.created_revision) AND NOT EXISTS (
                SELECT 1 FROM message e WHERE e.id = c.no << 32 | m.since_seq
                    AND e.kind = 'member_added' AND e.person = m.person
                    AND e.revision = m.since_revision)""",
    "membership is what its newest entry says": f"""
        SELECT printf('%s in conversation %d: %s', last.person, last.no, last.kind) FROM (
            SELECT {_NO} AS no, m.person, m.kind, max(m.id) FROM message m
            WHERE m.kind <> 'text' GROUP BY {_NO}, m.person) last
        LEFT JOIN member me ON me.conversation_no = last.no AND me.person = last.person
        WHERE (last.kind = 'member_added') <> (me.person IS NOT NULL)""",
    "a removal is an entry": f"""
        SELECT printf('%s from conversation %d at message %d', r.person, r.conversation_no, r.seq)
        FROM removal r LEFT JOIN message m ON m.id = r.conversation_no << {SEQ_BITS} | r.seq
        WHERE (m.kind IN ('member_removed', 'member_left') AND m.person = r.person
            AND m.revision = r.revision AND m.business_no = r.business_no) IS NOT 1""",
    "a cursor is within its conversation, and read implies delivered": f"""
        SELECT printf('%s in conversation %d: delivered %d, read %d',
            u.person, u.conversation_no, u.delivered_up_to, u.read_up_to)
        FROM cursor u LEFT JOIN receipt r
            ON r.conversation_no = u.conversation_no AND r.revision = u.revision
        WHERE r.revision IS NULL OR u.read_up_to > u.delivered_up_to
            OR (u.delivered_up_to > 0) <> (u.delivered_at > 0)
            OR (u.read_up_to > 0) <> (u.read_at > 0)
            OR u.delivered_up_to > coalesce((SELECT max(id) & {SEQ_MASK} FROM message WHERE id
                BETWEEN u.conversation_no << {SEQ_BITS}
                AND u.conversation_no << {SEQ_BITS} | {SEQ_MASK}), 0)""",
    "how far the team has read is within its conversation, and a receipt": f"""
        SELECT printf('conversation %d: read %d at revision %d',
            h.conversation_no, h.team_read_up_to, h.team_read_revision)
        FROM head h LEFT JOIN receipt r
            ON r.conversation_no = h.conversation_no AND r.revision = h.team_read_revision
        WHERE (h.team_read_revision > 0 AND (r.revision IS NULL OR h.team_read_up_to = 0))
            OR h.team_read_up_to > coalesce((SELECT max(id) & {SEQ_MASK} FROM message WHERE id
                BETWEEN h.conversation_no << {SEQ_BITS}
                AND h.conversation_no << {SEQ_BITS} | {SEQ_MASK}), 0)""",
    "a head is on the channel on which a customer wrote last": f"""
        WITH heard AS MATERIALIZED (SELECT h.conversation_no AS no, h.channel, h.heard_at,
            (SELECT m.id FROM message m WHERE m.at = h.heard_at AND m.id
                BETWEEN h.conversation_no << {SEQ_BITS}
                AND h.conversation_no << {SEQ_BITS} | {SEQ_MASK} ORDER BY m.id LIMIT 1) AS id
            FROM head h)
        SELECT printf('conversation %d, channel %s', h.no, iif(h.channel = '', 'app', h.channel))
        FROM heard h WHERE (h.heard_at OR h.channel <> '') AND NOT EXISTS (
            SELECT 1 FROM message m WHERE m.id BETWEEN h.id AND h.no << {SEQ_BITS} | {SEQ_MASK}
                AND m.kind = 'text'
                AND (m.at = h.heard_at AND m.channel = h.channel OR m.at < h.heard_at))""",
    "each change has left a version": f"""
        SELECT printf('message %d of conversation %d, revision %d',
            ch.seq, ch.conversation_no, ch.revision)
        FROM change ch
        LEFT JOIN message m ON m.id = ch.conversation_no << {SEQ_BITS} | ch.seq
        LEFT JOIN version v ON v.message_id = m.id AND v.revision = ch.revision
        WHERE ch.attachment = '' AND v.revision IS NULL AND NOT (m.deleted_at AND m.digest IS NULL)
            OR m.kind IS NOT 'text'
            OR ch.revision <= m.revision OR ch.deleted AND m.deleted_at = 0""",
    "nothing is left of an erased message": f"""
        SELECT printf('message %d of conversation %d', {_SEQ}, {_NO}) FROM message m
        WHERE m.kind = 'text' AND m.deleted_at > 0 AND m.digest IS NULL
            AND (m.client_message_id IS NOT NULL OR m.text <> '' OR m.attachments <> ''
                OR EXISTS (SELECT 1 FROM version v WHERE v.message_id = m.id))""",
    "a deleted message says nothing": f"""
        SELECT printf('message %d of conversation %d', {_SEQ}, {_NO}) FROM message m
        WHERE m.deleted_at > 0 AND (m.text <> '' OR m.attachments <> ''
            OR NOT EXISTS (SELECT 1 FROM change ch
                WHERE ch.conversation_no = {_NO} AND ch.seq = {_SEQ} AND ch.deleted))""",
    "a message shows the attachments that are its own": """
        SELECT printf('message %d of conversation %d, attachment %s',
            s.message_id & 4294967295, s.message_id >> 32, s.id)
        FROM (SELECT m.id AS message_id, m.business_no, each.value ->> 'id' AS id,
                coalesce(each.value ->> 'state', 'ready') AS state
            FROM message m JOIN json_each(iif(m.attachments = '', '[]', m.attachments)) each
            WHERE m.attachments <> '') s
        LEFT JOIN attachment a ON a.business_no = s.business_no AND a.id = s.id
        WHERE a.message_id IS NOT s.message_id OR a.state <> s.state
        UNION ALL
        SELECT printf('message %d of conversation %d does not show attachment %s',
            a.message_id & 4294967295, a.message_id >> 32, a.id)
        FROM attachment a JOIN message m ON m.id = a.message_id
        WHERE m.business_no <> a.business_no OR NOT EXISTS (SELECT 1
            FROM json_each(iif(m.attachments = '', '[]', m.attachments)) each
            WHERE each.value ->> 'id' = a.id)""",
    "a saved reply holds the attachments that it shows": """
        SELECT printf('saved reply %s, attachment %s', r.id, each.value ->> 'id')
        FROM saved_reply r JOIN json_each(iif(r.attachments = '', '[]', r.attachments)) each
        LEFT JOIN attachment a ON a.business_no = r.business_no AND a.id = each.value ->> 'id'
        WHERE a.person IS NOT '' OR a.message_id OR a.state <> 'ready' OR a.file = ''
            OR a.expires_at < 1 << 60
        UNION ALL
        SELECT printf('attachment %s is of no saved reply', a.id)
        FROM attachment a WHERE a.person = '' AND a.expires_at > 0 AND NOT EXISTS (SELECT 1
            FROM saved_reply r JOIN json_each(iif(r.attachments = '', '[]', r.attachments)) each
            WHERE r.business_no = a.business_no AND each.value ->> 'id' = a.id)""",
    "a note is as its newest change left it": """
        SELECT printf('note %s of conversation %d', n.id, n.conversation_no)
        FROM note n LEFT JOIN note_change c
            ON c.conversation_no = n.conversation_no AND c.note = n.id
        GROUP BY n.conversation_no, n.id
        HAVING n.revision IS NOT max(c.revision) OR n.created_revision IS NOT min(c.revision)
            OR n.deleted_at > 0 AND n.text || n.mentions <> '[]'""",
    "a reply is to an earlier entry": f"""
        SELECT printf('message %d of conversation %d replies to %d', {_SEQ}, {_NO}, m.reply_to)
        FROM message m WHERE m.reply_to >= {_SEQ}""",
}

_decode_steps = msgspec.msgpack.Decoder(list[tuple[str, int, int]]).decode
_Steps = dict[str, tuple[int, int]]


def _inconsistent_steps(connection: sqlite3.Connection) -> Iterator[str]:
    """Places where a cursor is not the sum of its steps, or a step does not go forward."""
    for (no,) in connection.execute("SELECT no FROM conversation ORDER BY no").fetchall():
        summed, back = _summed_steps(connection, no)
        yield from back
        stored: _Steps = {
            person: (delivered, read)
            for person, delivered, read in connection.execute(
                "SELECT person, delivered_up_to, read_up_to FROM cursor WHERE conversation_no = ?",
                (no,),
            )
        }
        for person in sorted(summed.keys() | stored.keys()):
            if summed.get(person) != stored.get(person):
                yield (
                    f"{person} in conversation {no} is at {stored.get(person)},"
                    f" the steps lead to {summed.get(person)}"
                )


def _summed_steps(connection: sqlite3.Connection, no: int) -> tuple[_Steps, list[str]]:
    """Where the steps lead, and which of them go back."""
    began = dict(  # whoever comes in, or goes, starts over
        connection.execute(
            "SELECT person, max(revision) FROM message"
            f" WHERE id BETWEEN ?1 << {SEQ_BITS} AND ?1 << {SEQ_BITS} | {SEQ_MASK}"
            " AND kind <> 'text' GROUP BY person",
            (no,),
        ).fetchall()
    )
    summed: _Steps = {}
    back = []
    rows = connection.execute(
        "SELECT revision, steps FROM receipt WHERE conversation_no = ? ORDER BY revision", (no,)
    )
    for revision, encoded in rows:
        for person, delivered, read in _decode_steps(encoded):
            if revision < began.get(person, 0):
                continue
            before = summed.get(person, (0, 0))
            if (delivered and delivered <= before[0]) or (read and read <= before[1]):
                back.append(f"{person} in conversation {no} steps back at revision {revision}")
            summed[person] = (max(delivered, before[0]), max(read, before[1]))
    return summed, back
