"""Everything that is read, as one object over the readers; another database answers the same."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from outcome import Outcome

from domain.accounts import Account, Link
from domain.appointments import Appointment
from domain.attachments import Uploaded
from domain.audit import AuditKind
from domain.business import Business, Seers
from domain.conversation import Conversation, Entry, Sent, SentKey
from domain.erasure import Titled
from domain.events import Person
from domain.locations import Location
from domain.note_events import Note
from domain.record_events import HoldKind
from domain.roles import EVERYBODY, Role
from domain.routing import CustomerFacts
from domain.saved_replies import SavedReply
from domain.views import Conversation as ConversationView
from domain.views import Message, MessageReceipt, PersonName
from storage import (
    accounts,
    answers,
    api_keys,
    appointments,
    audit,
    catch_up,
    conversations,
    due,
    erasure,
    explaining,
    history,
    imports,
    lists,
    marks,
    notes,
    people,
    saved_replies,
    search,
    snapshots,
    taking_part,
    timeline,
    uploads,
)
from storage.access import Viewer
from storage.accounts import AccountOfEmail, SignInRecord
from storage.answers import Answered
from storage.api_keys import KeyHolder, KeyRecord
from storage.appointments import Filter, Reader
from storage.audit import AuditEntry
from storage.catch_up import CatchUpPage
from storage.due import DuePage, Position
from storage.explaining import Explained, HandlingRecord
from storage.history import Versions
from storage.imports import Import, RefusedRecord
from storage.lists import EVERYTHING, ListFilter, ListPage
from storage.notes import NotePage
from storage.pages import PAGE_BYTES
from storage.people import BusinessRecord, PersonRecord
from storage.readers import Readers
from storage.search import FoundPage, Search
from storage.timeline import TimelinePage


class Queries:
    """Each method is one hop to a reader; ``None`` says: no such thing, or not yours to see."""

    def __init__(self, readers: Readers) -> None:
        self._run = readers.run
        self._start = readers.start

    async def business(self, business: str) -> Business | None:
        return await self._run(snapshots.business, business)

    async def conversation(self, business: Business, conversation: str) -> Conversation | None:
        return await self._run(snapshots.conversation, business.no, conversation)

    async def entry(self, business: Business, conversation: str, seq: int) -> Entry | None:
        return await self._run(snapshots.entry, business.no, conversation, seq)

    async def authors(
        self, business: Business, conversation: str, first: int, last: int
    ) -> set[str]:
        return await self._run(snapshots.authors, business.no, conversation, first, last)

    async def sent(self, business: Business, keys: Sequence[SentKey]) -> dict[SentKey, Sent]:
        return await self._run(snapshots.sent, business.no, keys)

    async def uploaded(
        self, business: Business, person: str, ids: Sequence[str]
    ) -> tuple[Uploaded, ...]:
        return await self._run(uploads.uploaded, business.no, person, ids)

    async def people(self, business: Business, people_ids: Iterable[str]) -> tuple[Person, ...]:
        return await self._run(people.some, business.no, tuple(people_ids))

    async def customer_facts(
        self, business: Business, customer: str, now: int
    ) -> tuple[CustomerFacts, int]:
        return await self._run(snapshots.customer_facts, business.no, customer, now)

    async def explain(self, viewer: Viewer, conversation: str, seq: int) -> Explained | None:
        return await self._run(explaining.message, viewer, conversation, seq)

    async def handling_changes(
        self, viewer: Viewer, conversation: str, before: int, limit: int
    ) -> list[HandlingRecord] | None:
        return await self._run(explaining.changes, viewer, conversation, before, limit)

    async def marked(self, business: Business, conversation: str, person: str) -> bool:
        return await self._run(marks.marked, business.no, conversation, person)

    async def note(self, business: Business, conversation: str, note: str) -> Note | None:
        return await self._run(notes.one, business.no, conversation, note)

    async def notes(
        self, viewer: Viewer, conversation: str, before: int, limit: int
    ) -> NotePage | None:
        return await self._run(notes.page, viewer, conversation, before, limit)

    async def due_snoozes(self, now: int, after: Position, limit: int) -> DuePage:
        return await self._run(due.snoozes, now, after, limit)

    async def due_moves(self, after: Position, limit: int) -> DuePage:
        return await self._run(due.displaced, after, limit)

    async def due_closings(self, now: int, after: Position, limit: int) -> DuePage:
        return await self._run(due.quiet, now, after, limit)

    async def due_unassigned(self, after: Position, limit: int) -> DuePage:
        return await self._run(due.without_assignee, after, limit)

    async def due_left(self, after: Position, limit: int) -> DuePage:
        return await self._run(due.left, after, limit)

    async def due_places(self, after: Position, limit: int) -> DuePage:
        return await self._run(due.unplaced, after, limit)

    async def due_alerts(self, now: int, after: Position, businesses: int, limit: int) -> DuePage:
        return await self._run(due.unanswered, now, after, businesses, limit)

    async def hold(self, business: Business, kind: HoldKind, id_: str) -> tuple[bool, bool]:
        return await self._run(erasure.hold, business.no, kind, id_)

    async def covered(self, business: Business, person: str) -> bool:
        return await self._run(erasure.covered, business.no, person)

    async def titled(self, business: Business, person: str) -> tuple[Titled, ...]:
        return await self._run(erasure.titled, business.no, person)

    async def takes_part(self, owner: Viewer, conversation: str) -> bool | None:
        return await self._run(taking_part.takes_part, owner, conversation)

    async def seers(self, business: Business, person: str) -> Seers:
        return await self._run(people.seers, business.no, person)

    async def person(self, business: Business, person: str) -> PersonRecord | None:
        return await self._run(people.one, business.no, person)

    async def everyone(self, business: Business, after: str, limit: int) -> list[PersonRecord]:
        return await self._run(people.everyone, business.no, after, limit)

    async def people_at(self, business: Business, address: str) -> list[PersonRecord]:
        return await self._run(people.by_address, business.no, address)

    async def people_called(self, business: Business, reference: str) -> list[PersonRecord]:
        return await self._run(people.by_reference, business.no, reference)

    async def search(
        self,
        viewer: Viewer,
        text: str,
        limit: int,
        roles: frozenset[Role] = EVERYBODY,
        among: Iterable[str] | None = None,
        skip: int = 0,
    ) -> list[PersonName]:
        return await self._run(people.search, viewer, text, limit, roles, among, skip)

    async def companions(self, viewer: Viewer, people_ids: Iterable[str]) -> dict[str, int]:
        return await self._run(people.companions, viewer, tuple(people_ids))

    async def locations(self, business: Business) -> list[Location]:
        return await self._run(people.locations, business.no)

    async def appointment(self, business: Business, appointment: str) -> Appointment | None:
        return await self._run(appointments.one, business.no, appointment)

    async def appointment_seen(self, reader: Reader, appointment: str) -> Appointment | None:
        return await self._run(appointments.seen, reader, appointment)

    async def appointments(
        self, reader: Reader, wanted: Filter, after: tuple[int, str], limit: int
    ) -> list[Appointment]:
        return await self._run(appointments.page, reader, wanted, after, limit)

    async def last_location(self, business: Business, customer: str, now: int) -> str | None:
        return await self._run(appointments.last_location, business.no, customer, now)

    async def assigned_staff(self, business: Business, customer: str, now: int) -> str | None:
        return await self._run(appointments.assigned_staff, business.no, customer, now)

    async def next_appointment(
        self, business: Business, customer: str, now: int
    ) -> Appointment | None:
        return await self._run(appointments.next_of, business.no, customer, now)

    async def import_named(self, business: Business, name: str) -> Import | None:
        return await self._run(imports.one, business.no, name)

    async def import_refused(
        self, business: Business, name: str, after: int, limit: int
    ) -> list[RefusedRecord]:
        return await self._run(imports.refused, business.no, name, after, limit)

    async def would_be_new(self, viewer: Viewer, conversation: str, key: SentKey) -> bool:
        return await self._run(snapshots.would_be_new, viewer, conversation, key)

    async def saved_reply(self, business: Business, reply: str) -> SavedReply | None:
        return await self._run(saved_replies.one, business.no, reply)

    async def saved_replies(
        self, business: Business, location: str | None, after: str, limit: int
    ) -> list[SavedReply]:
        return await self._run(saved_replies.page, business.no, location, after, limit)

    async def saved_reply_count(self, business: Business) -> int:
        return await self._run(saved_replies.count, business.no)

    async def businesses(
        self, after: str = "", limit: int = -1, parent: str | None = None
    ) -> list[BusinessRecord]:
        return await self._run(people.businesses, after, limit, parent)

    async def key_holder(self, key_hash: bytes, now: int) -> KeyHolder | None:
        return await self._run(api_keys.holder, key_hash, now)

    async def keys(self, business: Business, after: str, limit: int) -> list[KeyRecord]:
        return await self._run(api_keys.page, business.no, after, limit)

    async def key(self, business: Business, key: str) -> KeyRecord | None:
        return await self._run(api_keys.one, business.no, key)

    async def valid_keys(self, business: Business, now: int) -> int:
        return await self._run(api_keys.count_valid, business.no, now)

    async def audit(
        self,
        business: Business,
        before: int | None,
        kind: AuditKind | None,
        author: str | None,
        person: str | None,
        limit: int,
    ) -> list[AuditEntry]:
        return await self._run(audit.page, business.no, before, kind, author, person, limit)

    async def answered(self, business_no: int, request: bytes, since: int) -> Answered | None:
        return await self._run(answers.find, business_no, request, since)

    async def revoked_tokens(self, now: int) -> dict[str, int]:
        return await self._run(people.revoked_tokens, now)

    async def view(self, viewer: Viewer, conversation: str) -> ConversationView | None:
        return await self._run(conversations.view, viewer, conversation)

    async def conversations(
        self, viewer: Viewer, before: str | None, limit: int, wanted: ListFilter = EVERYTHING
    ) -> ListPage:
        return await self._run(lists.page, viewer, before, limit, wanted)

    async def queue(
        self, viewer: Viewer, location: str, before: str | None, limit: int, waiting: bool
    ) -> ListPage | None:
        return await self._run(lists.queue, viewer, location, before, limit, waiting=waiting)

    async def history(
        self, viewer: Viewer, conversation: str, before: int | None, after: int | None, limit: int
    ) -> tuple[list[Message], bool] | None:
        return await self._run(history.page, viewer, conversation, before, after, limit)

    def start_history(
        self,
        then: Callable[[Outcome[tuple[list[Message], bool] | None]], None],
        viewer: Viewer,
        conversation: str,
        before: int | None,
        after: int | None,
        limit: int,
    ) -> None:
        """As `history`, and ``then`` is called with the outcome: see `Readers.start`."""
        self._start(then, history.page, viewer, conversation, before, after, limit)

    async def receipts(
        self, viewer: Viewer, conversation: str, seq: int
    ) -> list[MessageReceipt] | None:
        return await self._run(history.receipts, viewer, conversation, seq)

    async def versions(
        self, viewer: Viewer, conversation: str, seq: int, skip: int = 0, room: int = PAGE_BYTES
    ) -> Versions | None:
        return await self._run(history.versions, viewer, conversation, seq, skip, room)

    async def catch_up(self, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
        return await self._run(catch_up.page, viewer, after, limit)

    async def too_far_behind(self, viewer: Viewer, after: int, limit: int) -> bool:
        return await self._run(catch_up.too_far_behind, viewer, after, limit)

    async def find(self, viewer: Viewer, asked: Search) -> FoundPage | None:
        return await self._run(search.find, viewer, asked)

    async def timeline(
        self, viewer: Viewer, person: str, before: str | None, limit: int
    ) -> TimelinePage | None:
        return await self._run(timeline.page, viewer, person, before, limit)

    async def account(self, business: Business, person: str) -> Account | None:
        return await self._run(accounts.one, business.no, person)

    async def email_taken(self, business: Business, email_key: str, person: str) -> bool:
        return await self._run(accounts.email_taken, business.no, email_key, person)

    async def accounts_of_email(
        self, email_key: str, business: str | None, limit: int
    ) -> list[AccountOfEmail]:
        return await self._run(accounts.of_email, email_key, business, limit)

    async def sign_in_link(self, link_hash: bytes) -> Link | None:
        return await self._run(accounts.link, link_hash)

    async def sign_in(self, id_: str) -> SignInRecord | None:
        return await self._run(accounts.sign_in, id_)

    async def sign_ins(self, business: Business, person: str, since: int) -> list[SignInRecord]:
        return await self._run(accounts.sign_ins, business.no, person, since)

    async def first_start(self) -> accounts.FirstStart | None:
        return await self._run(accounts.first_start)

    async def setting(self, name: str) -> str | None:
        return await self._run(_setting, name)


def _setting(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
