"""Webhooks as they are stored: the subscriptions, how far each has come, and what failed."""

import json
import sqlite3
from collections.abc import Mapping

import msgspec

from domain.webhook_order import Held
from domain.webhooks import EventType, Secrets, SendHook, Webhook
from storage.access import snapshot

DEAD_LETTERS_MAX = 1_000
"""Dead letters of one webhook that are kept; the oldest go."""

_events = msgspec.json.Decoder(tuple[EventType, ...]).decode


class Attempt(msgspec.Struct, frozen=True):
    """A delivery that failed; ``status`` is HTTP's, 0 where there was no answer."""

    revision: int
    at: int
    status: int
    reason: str


class DeadLetter(msgspec.Struct, frozen=True):
    revision: int
    lane: str
    type: EventType


class Undelivered(msgspec.Struct, frozen=True):
    """What was tried in vain: a dead letter, or (``due_at`` not 0) to be tried again then."""

    revision: int
    lane: str
    type: EventType
    due_at: int
    attempts: tuple[Attempt, ...]


class Standing(msgspec.Struct, frozen=True):
    """Where a webhook stands; ``dead_in_row`` counts dead letters since the last success."""

    position: int
    dead_in_row: int
    held: dict[str, Held]


class Progress(msgspec.Struct, frozen=True):
    """What has become of deliveries. A lane without `Held` is no longer held.

    ``settled`` were delivered after they had failed.
    """

    position: int
    dead_in_row: int
    lanes: Mapping[str, Held | None] = {}
    failures: tuple[Attempt, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    settled: tuple[int, ...] = ()


def webhooks(connection: sqlite3.Connection, business_no: int) -> dict[str, Webhook]:
    """The webhooks of a business, by their ids, oldest first."""
    rows = connection.execute(
        "SELECT id, url, events, secret, former_secret, former_until, created_at, active, reason"
        " FROM webhook WHERE business_no = ? ORDER BY no",
        (business_no,),
    )
    return {
        id_: Webhook(id_, url, _events(events), Secrets(*secrets), created_at, bool(active), reason)
        for id_, url, events, *secrets, created_at, active, reason in rows
    }


def send_hook(connection: sqlite3.Connection, business_no: int) -> SendHook | None:
    """Who is asked before messages of the business are accepted."""
    row = connection.execute(
        "SELECT url, secret, former_secret, former_until, deadline_ms, on_failure"
        " FROM send_hook WHERE business_no = ?",
        (business_no,),
    ).fetchone()
    if row is None:
        return None
    url, *secrets, deadline_ms, on_failure = row
    return SendHook(url, Secrets(*secrets), deadline_ms, on_failure)


def with_webhooks(connection: sqlite3.Connection) -> list[str]:
    """The businesses that have an active webhook."""
    rows = connection.execute(
        "SELECT DISTINCT b.id FROM webhook w JOIN business b ON b.no = w.business_no"
        " WHERE w.active = 1 ORDER BY b.no"
    )
    return [id_ for (id_,) in rows]


def _no(connection: sqlite3.Connection, business_no: int, webhook: str) -> int | None:
    row = connection.execute(
        "SELECT no FROM webhook WHERE business_no = ? AND id = ?", (business_no, webhook)
    ).fetchone()
    return None if row is None else int(row[0])


def standing(connection: sqlite3.Connection, business_no: int, webhook: str) -> Standing | None:
    """Where the webhook stands, or ``None``: there is no such."""
    with snapshot(connection):
        row = connection.execute(
            "SELECT no, position, dead_in_row FROM webhook WHERE business_no = ? AND id = ?",
            (business_no, webhook),
        ).fetchone()
        if row is None:
            return None
        no, position, dead_in_row = row
        lanes = connection.execute(
            "SELECT lane, after, due_at, head, type, attempts FROM webhook_lane"
            " WHERE webhook_no = ?",
            (no,),
        ).fetchall()
    held = {
        lane: Held(after, due_at, head, EventType(type_) if head else None, attempts)
        for lane, after, due_at, head, type_, attempts in lanes
    }
    return Standing(position, dead_in_row, held)


def undelivered(
    connection: sqlite3.Connection,
    business_no: int,
    webhook: str,
    pending: bool,
    after: int,
    limit: int,
) -> list[Undelivered]:
    """What is ``pending``, or else dead letters, after revision ``after`` in the log's order."""
    table = (
        "(SELECT webhook_no, head AS revision, lane, type, due_at FROM webhook_lane"
        " WHERE head <> 0)"
        if pending
        else "(SELECT webhook_no, revision, lane, type, 0 AS due_at FROM webhook_dead_letter)"
    )
    with snapshot(connection):
        no = _no(connection, business_no, webhook)
        rows = connection.execute(
            "SELECT u.revision, u.lane, u.type, u.due_at,"
            " (SELECT json_group_array(json_array(a.revision, a.at, a.status, a.reason))"
            "  FROM webhook_attempt a"
            "  WHERE a.webhook_no = u.webhook_no AND a.revision = u.revision)"
            f" FROM {table} u WHERE u.webhook_no = ? AND u.revision > ?"
            " ORDER BY u.revision LIMIT ?",
            (no, after, limit),
        ).fetchall()
    return [
        Undelivered(
            revision,
            lane,
            EventType(type_),
            due_at,
            tuple(sorted((Attempt(*a) for a in json.loads(attempts)), key=lambda a: a.at)),
        )
        for revision, lane, type_, due_at, attempts in rows
    ]


def record(
    connection: sqlite3.Connection, business_no: int, webhook: str, progress: Progress
) -> None:
    """Note what has become of deliveries; nothing if the webhook is gone."""
    no = _no(connection, business_no, webhook)
    if no is None:
        return
    connection.execute(
        "UPDATE webhook SET position = ?, dead_in_row = ? WHERE no = ?",
        (progress.position, progress.dead_in_row, no),
    )
    connection.executemany(
        "DELETE FROM webhook_attempt WHERE webhook_no = ? AND revision = ?",
        [(no, revision) for revision in progress.settled],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO webhook_attempt VALUES (?, ?, ?, ?, ?)",
        [(no, a.revision, a.at, a.status, a.reason) for a in progress.failures],
    )
    connection.executemany(
        "DELETE FROM webhook_lane WHERE webhook_no = ? AND lane = ?",
        [(no, lane) for lane, held in progress.lanes.items() if held is None],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO webhook_lane VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (no, lane, held.after, held.due_at, held.head, held.type or "", held.attempts)
            for lane, held in progress.lanes.items()
            if held is not None
        ],
    )
    if progress.dead:
        connection.executemany(
            "INSERT OR REPLACE INTO webhook_dead_letter VALUES (?, ?, ?, ?)",
            [(no, letter.revision, letter.lane, letter.type) for letter in progress.dead],
        )
        _forget_oldest(connection, no)


def _forget_oldest(connection: sqlite3.Connection, no: int) -> None:
    row = connection.execute(
        "SELECT revision FROM webhook_dead_letter WHERE webhook_no = ?"
        " ORDER BY revision DESC LIMIT 1 OFFSET ?",
        (no, DEAD_LETTERS_MAX),
    ).fetchone()
    if row is not None:
        connection.execute(
            "DELETE FROM webhook_attempt WHERE webhook_no = ?1 AND revision IN (SELECT revision"
            " FROM webhook_dead_letter WHERE webhook_no = ?1 AND revision <= ?2)",
            (no, row[0]),
        )
        connection.execute(
            "DELETE FROM webhook_dead_letter WHERE webhook_no = ? AND revision <= ?", (no, row[0])
        )


def replay(connection: sqlite3.Connection, business_no: int, webhook: str, after: int) -> None:
    """Deliver anew everything after revision ``after``; what failed or waits is forgotten."""
    no = _no(connection, business_no, webhook)
    for table in ("webhook_attempt", "webhook_dead_letter"):
        connection.execute(
            f"DELETE FROM {table} WHERE webhook_no = ? AND revision > ?", (no, after)
        )
    # A lane that waits for something older goes on from there; its later events come with it.
    connection.execute("DELETE FROM webhook_lane WHERE webhook_no = ? AND after >= ?", (no, after))
    connection.execute("UPDATE webhook SET position = ?, dead_in_row = 0 WHERE no = ?", (after, no))


def retry_now(
    connection: sqlite3.Connection, business_no: int, webhook: str, revision: int, now: int
) -> bool:
    """Have a pending event tried at once; ``False``: it is not pending."""
    changed = connection.execute(
        "UPDATE webhook_lane SET due_at = ? WHERE webhook_no = ? AND head = ?",
        (now, _no(connection, business_no, webhook), revision),
    )
    return changed.rowcount > 0


def bury(connection: sqlite3.Connection, business_no: int, webhook: str, failure: Attempt) -> None:
    """Note that a dead letter was tried once more in vain."""
    connection.execute(
        "INSERT OR REPLACE INTO webhook_attempt VALUES (?, ?, ?, ?, ?)",
        (
            _no(connection, business_no, webhook),
            failure.revision,
            failure.at,
            failure.status,
            failure.reason,
        ),
    )


def settle(connection: sqlite3.Connection, business_no: int, webhook: str, revision: int) -> None:
    """A dead letter has been delivered after all."""
    no = _no(connection, business_no, webhook)
    for table in ("webhook_attempt", "webhook_dead_letter"):
        connection.execute(
            f"DELETE FROM {table} WHERE webhook_no = ? AND revision = ?", (no, revision)
        )
