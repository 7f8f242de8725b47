"""Finding messages: the index for most, and for what it does not hold yet the log itself.

Whatever the index finds is looked at as it is now, together with what was said or changed since the
index was written: a small index in memory holds these few texts, asks them the same question, and
marks the words. So a search sees all that was stored before it began, and nothing that has been
deleted since.

What the viewer may not read is left out by the query itself (`storage.access.readable`). Who is in
few conversations is asked about by their words, so that what others say costs nothing.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from domain.channels import APP, Channel
from domain.search import END, HIT, Term, excerpt, may_hold, needles, spaced
from domain.views import Found
from storage import narrowing
from storage.access import Granted, Viewer, grant, readable, snapshot
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.narrowing import EVERYWHERE, Narrowing, fits
from storage.pages import PAGE_BYTES, encoded_size, fitting
from storage.search_index import BLOCK_BITS, REVISION_BITS, entry_id
from storage.search_scope import (
    NOT_IN_APP,
    WITH_FILES,
    author_word,
    channel_word,
    conversation_word,
    scope,
)
from storage.unindexed import unindexed

FEW = 500
"""Conversations of a viewer up to which the index is asked for theirs alone: 10 us for each.

Who is in more finds enough among all that match, unless theirs have been silent for long.
"""

REVISION_DIGITS = 12
"""A cursor has no more: `REVISION_BITS`."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked. ``since`` and ``until`` are times, inclusive; ``limit`` is at least 1.

    ``channel``: on which it was said; ``attachments``: alone what has some.
    """

    terms: tuple[Term, ...]
    conversation: str | None = None
    author: str | None = None
    channel: Channel | None = None
    attachments: bool = False
    among: Narrowing = EVERYWHERE
    since: int | None = None
    until: int | None = None
    before: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Newest first. ``next`` goes into the next request; ``None``: that is all.

    ``behind``: what came last is not indexed yet, and too much to have been looked at.
    """

    found: tuple[Found, ...]
    next: str | None
    behind: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """A message or a title as it is now."""

    id: int
    key: int
    conversation: str
    at: int
    author: str | None
    text: str
    channel: str
    with_files: bool


def find(connection: sqlite3.Connection, viewer: Viewer, asked: Search) -> FoundPage | None:
    """A page of what was asked for and the viewer may read; ``None``: not that conversation."""
    business_no = viewer.business_no
    before = entry_id(business_no, _revision(asked.before))
    with snapshot(connection):
        only = None
        if asked.conversation is not None:
            only = grant(connection, viewer, asked.conversation)
            if only is None:
                return None
        among = narrowing.settled(connection, viewer, asked.among)
        ids = _indexed(connection, viewer, asked, only, among, before)
        full = len(ids) > asked.limit
        floor = ids[-1] if full else entry_id(business_no, 0)
        keys = unindexed(connection, viewer, only)
        texts = _of_entries(connection, viewer, ids)
        texts += _of_keys(connection, viewer, keys or (), among)
    words = needles(asked.terms)
    wanted = {
        text.id: text
        for text in texts
        if floor <= text.id < before and _in_time(text, asked) and may_hold(text.text, words)
    }
    marked = _matching(question_of(asked, () if only is None else (only.no,)), wanted.values())
    rows = [_found(wanted[id_], said) for id_, said in marked[: asked.limit]]
    kept = fitting(map(encoded_size, rows), PAGE_BYTES)
    if len(marked) > kept:
        following: int | None = marked[kept - 1][0]
    else:
        following = floor if full else None
    mask = (1 << REVISION_BITS) - 1
    return FoundPage(
        tuple(rows[:kept]),
        None if following is None else str(following & mask),
        keys is None,
    )


def _revision(before: str | None) -> int:
    if before is None or not (before.isdecimal() and len(before) <= REVISION_DIGITS):
        return (1 << REVISION_BITS) - 1
    return min(int(before), (1 << REVISION_BITS) - 1)


def _in_time(text: _Text, asked: Search) -> bool:
    late = asked.since is None or text.at >= asked.since
    return late and (asked.until is None or text.at <= asked.until)


def question_of(asked: Search, nos: Sequence[int]) -> str:
    """What is asked in the index's language, of conversations ``nos`` alone if there are any.

    It is made of letters, digits and signs in quotation marks, so it is never malformed.
    """
    said = " AND ".join(
        f'"{" ".join(term.words)}"{" *" if term.prefix else ""}' for term in asked.terms
    )
    question = f"{{text}} : ({said})"
    if nos:
        question = f"{{scope}} : ({_any_of(map(conversation_word, nos))}) AND {question}"
    words = [] if asked.author is None else [author_word(asked.author)]
    if asked.channel not in (None, APP):
        words.append(channel_word(asked.channel))
    if asked.attachments:
        words.append(WITH_FILES)
    for word in words:
        question = f'{{scope}} : "{word}" AND {question}'
    if asked.channel is APP:
        question = f"({question}) NOT {{scope}} : ({_any_of(NOT_IN_APP)})"
    return question


def _any_of(words: Iterable[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


# CROSS JOIN keeps the order: the index is walked once, newest first, until the page is full.
def _indexed(
    connection: sqlite3.Connection,
    viewer: Viewer,
    asked: Search,
    only: Granted | None,
    among: Narrowing,
    before: int,
) -> list[int]:
    """Ids of the newest entries that match, one more than asked for."""
    parameters = (viewer.business_no, viewer.person)
    few: Sequence[int] = ()
    if only is not None:
        few = (only.no,)
    else:
        nos = narrowing.some(connection, viewer, among, FEW)
        if not nos:
            return []
        if len(nos) <= FEW:
            few = nos
    low, high = _reach(connection, viewer, asked)
    rows = connection.execute(
        "SELECT e.id FROM search s CROSS JOIN search_entry e ON e.id = s.rowid"
        f" CROSS JOIN {readable(viewer, one_by_one=True)} r ON r.no = e.message_id >> {SEQ_BITS}"
        " WHERE search MATCH ?3 AND s.rowid >= ?4 AND s.rowid < ?5"
        f" AND (e.message_id >= r.first_key OR e.message_id & {SEQ_MASK} = 0)"
        f" AND e.at BETWEEN ?6 AND ?7 AND {fits('r.no', 9)} ORDER BY s.rowid DESC LIMIT ?8",
        (
            *parameters,
            question_of(asked, few),
            low,
            min(high, before),
            0 if asked.since is None else asked.since,
            2**62 if asked.until is None else asked.until,
            asked.limit + 1,
            *among.parameters(viewer),
        ),
    )
    return [id_ for (id_,) in rows]


def _reach(connection: sqlite3.Connection, viewer: Viewer, asked: Search) -> tuple[int, int]:
    """Between which ids (the second exclusive) the times that are asked for lie."""
    low, high = entry_id(viewer.business_no, 0), entry_id(viewer.business_no + 1, 0)
    if asked.since is None and asked.until is None:
        return low, high
    first, last = connection.execute(
        "SELECT min(block), max(block) FROM search_span WHERE block BETWEEN ? AND ?"
        " AND last_at >= ? AND first_at <= ?",
        (
            low >> BLOCK_BITS,
            (high - 1) >> BLOCK_BITS,
            0 if asked.since is None else asked.since,
            2**62 if asked.until is None else asked.until,
        ),
    ).fetchone()
    if first is None:
        return low, low
    return max(low, first << BLOCK_BITS), min(high, last + 1 << BLOCK_BITS)


def _of_entries(connection: sqlite3.Connection, viewer: Viewer, ids: Sequence[int]) -> list[_Text]:
    rows = connection.execute(
        "SELECT message_id FROM search_entry WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    return _of_keys(connection, viewer, [key for (key,) in rows], EVERYWHERE)


def _of_keys(
    connection: sqlite3.Connection, viewer: Viewer, keys: Sequence[int], among: Narrowing
) -> list[_Text]:
    """What these messages and titles say now, without those that say nothing."""
    rows = connection.execute(
        "SELECT m.revision, m.id, c.id, m.at, m.author, m.text, m.channel, m.attachments <> ''"
        " FROM json_each(?1) k"
        f" JOIN message m ON m.id = k.value JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
        f" WHERE m.kind = 'text' AND m.deleted_at = 0 AND {fits('c.no', 2)}"
        " UNION ALL SELECT c.created_revision, k.value, c.id, c.created_at, NULL, c.title, '', 0"
        f" FROM json_each(?1) k JOIN conversation c ON c.no = k.value >> {SEQ_BITS}"
        f" WHERE k.value & {SEQ_MASK} = 0 AND c.title <> '' AND {fits('c.no', 2)}",
        (json.dumps(keys), *among.parameters(viewer)),
    )
    return [_Text(entry_id(viewer.business_no, revision), *rest) for revision, *rest in rows]


def _matching(question: str, texts: Iterable[_Text]) -> list[tuple[int, str]]:
    """(id, text with marks) of those of ``texts`` that match, newest first."""
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(
            "CREATE VIRTUAL TABLE found USING fts5 (scope, text, columnsize = 0,"
            " tokenize = \"unicode61 remove_diacritics 2 categories 'L* M* N* Co So'\")"
        )
        memory.executemany(
            "INSERT INTO found (rowid, scope, text) VALUES (?, ?, ?)",
            (
                (
                    text.id,
                    scope(text.key, text.author, text.channel, text.with_files),
                    spaced(text.text),
                )
                for text in texts
            ),
        )
        return memory.execute(
            "SELECT rowid, highlight(found, 1, ?, ?) FROM found WHERE found MATCH ?"
            " ORDER BY rowid DESC",
            (HIT, END, question),
        ).fetchall()


def _found(text: _Text, marked: str) -> Found:
    shown = excerpt(marked)
    return Found(
        conversation=text.conversation,
        seq=text.key & SEQ_MASK,
        revision=text.id & ((1 << REVISION_BITS) - 1),
        at=text.at,
        author=text.author or "",
        parts=shown.parts,
        more_before=shown.more_before,
        more_after=shown.more_after,
    )
