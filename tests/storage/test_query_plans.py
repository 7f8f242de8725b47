"""No question that people ask reads a whole table, whatever has been stored."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from domain.audit import AuditKind
from domain.channels import Channel
from domain.roles import Role
from storage import (
    accounts,
    answers,
    api_keys,
    appointments,
    audit,
    catch_up,
    conversations,
    due,
    history,
    lists,
    marks,
    notes,
    people,
    saved_replies,
    snapshots,
    taking_part,
)
from storage.access import Viewer
from storage.appointments import Filter, Reader
from storage.database import FILE_NAME
from storage.lists import ListFilter
from tests.contract.house import House, running_database

Query = Callable[[sqlite3.Connection, Viewer], object]

QUERIES: dict[str, Query] = {
    "view": lambda db, v: conversations.view(db, v, "c1"),
    "conversations": lambda db, v: lists.page(db, v, None, 50),
    "unread": lambda db, v: lists.page(db, v, None, 50, ListFilter(unread=True)),
    "open here": lambda db, v: lists.page(db, v, None, 50, ListFilter("main", "open")),
    "mine": lambda db, v: lists.page(db, v, None, 50, ListFilter(assignee="sam")),
    "nobody's": lambda db, v: lists.page(db, v, None, 50, ListFilter(assignee="")),
    "waiting for us": lambda db, v: lists.page(db, v, None, 50, ListFilter(waiting=True)),
    "by text": lambda db, v: lists.page(db, v, None, 50, ListFilter(channel=Channel.TEXT)),
    "in the app": lambda db, v: lists.page(db, v, None, 50, ListFilter(channel=Channel.APP)),
    "waiting by text": lambda db, v: lists.page(
        db, v, None, 50, ListFilter(waiting=True, channel=Channel.TEXT)
    ),
    "mine by text": lambda db, v: lists.page(
        db, v, None, 50, ListFilter(assignee="sam", channel=Channel.TEXT)
    ),
    "history": lambda db, v: history.page(db, v, "c1", None, None, 50),
    "history before": lambda db, v: history.page(db, v, "c1", 5, None, 50),
    "receipts": lambda db, v: history.receipts(db, v, "c1", 1),
    "versions": lambda db, v: history.versions(db, v, "c1", 1),
    "takes part": lambda db, v: taking_part.takes_part(db, v, "c1"),
    "catch up": lambda db, v: catch_up.page(db, v, 3, 50),
    "too far behind": lambda db, v: catch_up.too_far_behind(db, v, 3, 50),
    "conversation": lambda db, v: snapshots.conversation(db, v.business_no, "c1"),
    "entry": lambda db, v: snapshots.entry(db, v.business_no, "c1", 1),
    "authors": lambda db, v: snapshots.authors(db, v.business_no, "c1", 1, 3),
    "business": lambda db, _: snapshots.business(db, "pawsome"),
    "person": lambda db, v: people.one(db, v.business_no, "carla"),
    "everyone": lambda db, v: people.everyone(db, v.business_no, "", 50),
    "search": lambda db, v: people.search(db, v, "a", 50),
    "seers": lambda db, v: people.seers(db, v.business_no, "carla"),
    "companions": lambda db, v: people.companions(db, v, ["carla", "sam"]),
    "locations": lambda db, v: people.locations(db, v.business_no),
    "account": lambda db, v: accounts.one(db, v.business_no, "sam"),
    "email taken": lambda db, v: accounts.email_taken(db, v.business_no, "s@x.example", "sam"),
    "accounts of an address": lambda db, _: accounts.of_email(db, "s@x.example", None, 4),
    "sign-in link": lambda db, _: accounts.link(db, b"hash"),
    "sign-in": lambda db, _: accounts.sign_in(db, "s1"),
    "sign-ins": lambda db, v: accounts.sign_ins(db, v.business_no, "sam", 0),
    "by address": lambda db, v: people.by_address(db, v.business_no, "+12125550100"),
    "by reference": lambda db, v: people.by_reference(db, v.business_no, "crm-1"),
    "queue": lambda db, v: lists.queue(db, v, "main", None, 10, waiting=False),
    "waiting": lambda db, v: lists.queue(db, v, "main", None, 10, waiting=True),
    "marked": lambda db, v: marks.marked(db, v.business_no, "c1", "sam"),
    "note": lambda db, v: notes.one(db, v.business_no, "c1", "n1"),
    "notes": lambda db, _: notes.page(db, Viewer(1, "olivia", Role.OWNER), "c1", 99, 50),
    "due snoozes": lambda db, _: due.snoozes(db, 5, due.START, 50),
    "due moves": lambda db, _: due.displaced(db, due.START, 50),
    "due unassigned": lambda db, _: due.without_assignee(db, due.START, 50),
    "due left": lambda db, _: due.left(db, due.START, 50),
    "due places": lambda db, _: due.unplaced(db, due.START, 50),
    "due closings": lambda db, _: due.quiet(db, 5, due.START, 50),
    "due alerts": lambda db, _: due.unanswered(db, 5, due.START, 5, 50),
    "appointment": lambda db, v: appointments.seen(db, Reader(v), "a1"),
    "appointments": lambda db, v: appointments.page(db, Reader(v), Filter(), (0, ""), 50),
    "last location": lambda db, v: appointments.last_location(db, v.business_no, "carla", 5),
    "next appointment": lambda db, v: appointments.next_of(db, v.business_no, "carla", 5),
    "assigned staff": lambda db, v: appointments.assigned_staff(db, v.business_no, "carla", 5),
    "saved reply": lambda db, v: saved_replies.one(db, v.business_no, "ready"),
    "saved replies": lambda db, v: saved_replies.page(db, v.business_no, "main", "", 50),
    "saved reply count": lambda db, v: saved_replies.count(db, v.business_no),
    "key": lambda db, _: api_keys.holder(db, b"hash", 5),
    "keys": lambda db, v: api_keys.page(db, v.business_no, "a", 50),
    "valid keys": lambda db, v: api_keys.count_valid(db, v.business_no, 5),
    "audit": lambda db, v: audit.page(db, v.business_no, 9, None, None, None, 50),
    "audit of a kind": lambda db, v: audit.page(
        db, v.business_no, 9, AuditKind.PERSON_CHANGED, None, None, 50
    ),
    "audit of an author": lambda db, v: audit.page(db, v.business_no, 9, None, "sam", None, 50),
    "audit about somebody": lambda db, v: audit.page(db, v.business_no, 9, None, None, "sam", 50),
    "answered": lambda db, v: answers.find(db, v.business_no, b"request", 5),
}


async def busy(folder: Path) -> Path:
    async with running_database(folder) as database:
        house = await House.founded(database)
        for n in range(3):
            await house.converse(f"c{n}", "sam", "carla")
            await house.append([house.message(f"c{n}", "carla", "x") for _ in range(10)])
            await house.receipt(f"c{n}", "sam", 3)
            await house.edit(f"c{n}", 1, "edited")
    return folder / FILE_NAME


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trio.run(busy, tmp_path_factory.mktemp("plans"))


VIEWERS = {
    "owner": Viewer(1, "olivia", Role.OWNER),
    "owner who shares": Viewer(1, "olivia", Role.OWNER, shares_unread=True),
    "customer": Viewer(1, "carla", Role.CUSTOMER),
}


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("query", QUERIES)
def test_tables_are_searched_and_not_scanned(path: Path, query: str, who: str) -> None:
    viewer = VIEWERS[who]
    asked: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(asked.append)
        QUERIES[query](connection, viewer)
        connection.set_trace_callback(None)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        plans = [
            (line[-1], sql)
            for sql in asked
            if sql.startswith(("SELECT", "WITH"))
            for line in connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
    assert plans
    for step, sql in plans:
        words = step.split()
        assert not (words[0] == "SCAN" and words[1] in tables), f"{step}: {sql}"
        # aliases of tables are one or two letters; l, n and the like are lists and counters
        assert not (words[0] == "SCAN" and words[1] in {"m", "c", "h", "p", "cu", "ch", "me"}), sql


@pytest.mark.parametrize("role", [Role.OWNER, Role.CUSTOMER])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_few_statements_whatever_it_finds(path: Path, query: str, role: Role) -> None:
    """Each hands the interpreter lock to and fro."""
    viewer = Viewer(1, "olivia" if role is Role.OWNER else "carla", role)
    asked: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(asked.append)
        QUERIES[query](connection, viewer)
    assert len(asked) <= 18


ON_A_CHANNEL = {
    "by text": ListFilter(channel=Channel.TEXT),
    "waiting by text": ListFilter(waiting=True, channel=Channel.TEXT),
    "by text here": ListFilter("main", "open", channel=Channel.EMAIL),
    "nobody's by text": ListFilter(assignee="", channel=Channel.TEXT),
}


@pytest.mark.requirement("EX-30")
@pytest.mark.parametrize("wanted", ON_A_CHANNEL)
@pytest.mark.parametrize("role", [Role.OWNER, Role.STAFF])
def test_where_nothing_is_on_a_channel_no_conversation_is_looked_at(
    path: Path, wanted: str, role: Role
) -> None:
    """Every head is read through the index that holds those on a channel."""
    asked: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        viewer = Viewer(1, "olivia" if role is Role.OWNER else "sam", role)
        connection.set_trace_callback(asked.append)
        lists.page(connection, viewer, None, 50, ON_A_CHANNEL[wanted])
        connection.set_trace_callback(None)
        of_heads = [sql for sql in asked if "FROM head h INDEXED BY" in sql]
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchone()[-1] for sql in of_heads]
    assert len(of_heads) == 2
    for plan in plans:
        assert "head_by_channel (business_no=? AND channel=?" in plan, plan
