"""The rows of what happens in conversations: entries, heads, members, cursors, receipts."""

import json
import sqlite3

import msgspec

from domain.audit import AuditDetail, AuditKind
from domain.erasure_events import MessageErased
from domain.events import (
    AttachmentSettled,
    ConversationCreated,
    HandlingChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    ReceiptsAdvanced,
)
from domain.mark_events import Marked
from domain.note_events import NoteChanged
from storage.attachment_rows import AttachmentRows
from storage.audit import AuditEntry, add_entry
from storage.channel_rows import ChannelRows
from storage.erasure_rows import erase_message
from storage.handling_rows import add_change, add_reasons
from storage.head_rows import AS_BEFORE, cursors, heads
from storage.keys import SEQ_BITS
from storage.marks import add_mark
from storage.note_rows import add_note
from storage.rows import Insert, Statements

_encode = msgspec.msgpack.Encoder().encode
_KNOWN_CONVERSATIONS = 100_000
_NOT_READ = (0, 0)


class ConversationRows:
    """One method per event; `flush` writes what they left, each table's rows together: the newest
    entries first, for changes refer to them; then single statements in their order; then cursors,
    of which only the last of each person is left.
    """

    def __init__(self) -> None:
        self.created: list[tuple[int, str]] = []
        self._messages = Insert(
            "INSERT INTO message (id, business_no, revision, at, author, text, reply_to, device,"
            " client_message_id, digest, location)",
            11,
        )
        self._entries = Insert(
            "INSERT INTO message (id, business_no, revision, kind, at, author, text, person, role)",
            9,
        )
        self._heads = heads()
        self._receipts = Insert("INSERT INTO receipt (conversation_no, revision, at, steps)", 4)
        self._cursors = cursors()
        self._inserts = (
            self._messages,
            self._entries,
            self._heads,
            self._receipts,
            self._cursors,
        )
        self._statements = Statements()
        self._attachments = AttachmentRows()
        self._channels = ChannelRows()
        self._head: dict[int, tuple[int, int, int, int, int]] = {}
        self._cursor: dict[tuple[int, str], tuple[int, ...]] = {}
        self._team_read: dict[int, tuple[int, int]] = {}
        self._nos: dict[tuple[int, str], int] = {}

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was collected."""
        for no, (business_no, revision, activity, waiting_since, heard_at) in self._head.items():
            read = self._team_read.get(no, _NOT_READ)
            self._heads.add(business_no, no, revision, activity, waiting_since, heard_at, *read)
        for (no, person), cursor in self._cursor.items():
            self._cursors.add(no, person, *cursor)
        self._head.clear()
        self._cursor.clear()
        self._team_read.clear()
        self._messages.write(connection)
        self._entries.write(connection)
        self._heads.write(connection)
        self._receipts.write(connection)
        self._attachments.write(connection)
        self._channels.write(connection)
        self._statements.write(connection)
        self._cursors.write(connection)

    def clear(self) -> None:
        """Forget what was collected, and the numbers of conversations that are not stored yet."""
        for insert in self._inserts:
            insert.rows.clear()
        self._statements.clear()
        self._attachments.clear()
        self._channels.clear()
        self._head.clear()
        self._cursor.clear()
        self._team_read.clear()
        for key in self.created:
            self._nos.pop(key, None)
        self.created.clear()

    def message_sent(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageSent
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        self._messages.add(
            no << SEQ_BITS | event.seq,
            business_no,
            revision,
            event.at,
            event.author,
            event.text,
            event.reply_to,
            event.device,
            event.client_message_id,
            event.digest,
            event.location,
        )
        if event.channels is not None:
            self._channels.sent(business_no, no, event.seq, event.channels)
        if event.attachments:
            self._attachments.sent(business_no, no << SEQ_BITS | event.seq, event.attachments)
        self._head[no] = (business_no, revision, revision, event.waiting_since, event.heard_at)
        if event.handling is not None or event.routed is not None:
            add_reasons(self._statements, no, event)

    def handling_changed(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: HandlingChanged,
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        add_change(self._statements, no, business_no, revision, event)
        self._touch(no, business_no, revision)
        self._head[no] = (*self._head[no][:3], event.waiting_since, self._head[no][4])

    def note_changed(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: NoteChanged
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        add_note(self._statements, no, business_no, revision, event)
        self._touch(no, business_no, revision)

    def marked(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: Marked
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        add_mark(self._statements, no, revision, event)
        self._touch(no, business_no, revision)

    def message_edited(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageEdited
    ) -> None:
        self._replace(connection, business_no, revision, event, event.text)

    def message_deleted(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageDeleted
    ) -> None:
        self._replace(connection, business_no, revision, event, None)
        self._audit(business_no, revision, event, AuditKind.MESSAGE_DELETED, seq=event.seq)
        key = self._no(connection, business_no, event.conversation) << SEQ_BITS | event.seq
        self._attachments.deleted(key)

    def message_erased(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageErased
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        erase_message(self._statements, self._attachments, no, revision, event)
        self._touch(no, business_no, revision)

    def attachment_settled(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: AttachmentSettled,
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        key = no << SEQ_BITS | event.seq
        self._attachments.settled(business_no, key, event.attachment, event.state)
        self._statements.add(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?, 0, ?)",
            no,
            revision,
            event.seq,
            event.at,
            event.author,
            event.attachment,
        )
        self._touch(no, business_no, revision)

    def conversation_created(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: ConversationCreated,
    ) -> None:
        no = connection.execute(
            "INSERT INTO conversation (business_no, id, kind, title, created_at, created_by,"
            " created_revision, creation, owners) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                business_no,
                event.conversation,
                event.kind,
                event.title,
                event.at,
                event.author,
                revision,
                event.digest,
                json.dumps(event.owners),
            ),
        ).lastrowid
        assert no is not None
        self._nos[business_no, event.conversation] = no
        self.created.append((business_no, event.conversation))
        for member in event.members:
            self._join(no, member.id, business_no, 1, revision)
        self._head[no] = (business_no, revision, revision, 0, 0)

    def member_added(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MemberAdded
    ) -> None:
        no = self._entry(connection, business_no, revision, event, "member_added")
        self._start_over(no, event.member.id)  # a former owner has a cursor without having a row
        self._join(no, event.member.id, business_no, event.seq, revision)
        self._audit(business_no, revision, event, AuditKind.MEMBER_ADDED, person=event.member.id)

    def member_removed(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MemberRemoved
    ) -> None:
        kind = "member_left" if event.left else "member_removed"
        no, person = self._entry(connection, business_no, revision, event, kind), event.member.id
        self._start_over(no, person)
        self._statements.add(
            "DELETE FROM member WHERE conversation_no = ? AND person = ?", no, person
        )
        self._statements.add(
            "INSERT INTO removal VALUES (?, ?, ?, ?, ?, ?, ?)",
            business_no,
            person,
            revision,
            no,
            event.seq,
            event.at,
            event.author,
        )
        self._audit(business_no, revision, event, AuditKind.MEMBER_REMOVED, person=person)

    def receipts_advanced(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: ReceiptsAdvanced,
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        steps = []
        for advance in event.advances:
            cursor = advance.cursor
            steps.append(
                (
                    advance.person,
                    cursor.delivered_up_to if advance.delivered else 0,
                    cursor.read_up_to if advance.read else 0,
                )
            )
            key = (no, advance.person)
            before = self._cursor.get(key)
            delivered = revision if advance.delivered else before[5] if before else 0
            self._cursor[key] = (
                cursor.delivered_up_to,
                cursor.delivered_at,
                cursor.read_up_to,
                cursor.read_at,
                revision,
                delivered,
            )
        if event.team_read_up_to:
            self._team_read[no] = (event.team_read_up_to, revision)
        self._receipts.add(no, revision, event.at, _encode(steps))
        self._touch(no, business_no, revision)

    def _no(self, connection: sqlite3.Connection, business_no: int, conversation: str) -> int:
        """The number of a conversation that exists."""
        key = (business_no, conversation)
        no = self._nos.get(key)
        if no is None:
            row = connection.execute(
                "SELECT no FROM conversation WHERE business_no = ? AND id = ?", key
            ).fetchone()
            if row is None:
                raise sqlite3.IntegrityError(f"there is no conversation {conversation}")
            no = int(row[0])
            if len(self._nos) >= _KNOWN_CONVERSATIONS:
                self._nos.clear()
            self._nos[key] = no
        return no

    def _touch(self, no: int, business_no: int, revision: int) -> None:
        """The conversation has changed, without a new entry."""
        earlier = self._head.get(no, (business_no, revision, 0, AS_BEFORE, 0))
        self._head[no] = (business_no, revision, *earlier[2:])

    def _entry(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: MemberAdded | MemberRemoved,
        kind: str,
    ) -> int:
        no = self._no(connection, business_no, event.conversation)
        self._entries.add(
            no << SEQ_BITS | event.seq,
            business_no,
            revision,
            kind,
            event.at,
            event.author,
            event.member.name,
            event.member.id,
            event.member.role,
        )
        earlier = self._head.get(no, (0, 0, 0, AS_BEFORE, 0))
        self._head[no] = (business_no, revision, revision, *earlier[3:])
        return no

    def _replace(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: MessageEdited | MessageDeleted,
        text: str | None,
    ) -> None:
        """What the message said becomes a version of it; ``None`` deletes it."""
        no = self._no(connection, business_no, event.conversation)
        key = no << SEQ_BITS | event.seq
        self._statements.add(
            "INSERT INTO version SELECT id, ?, max(at, edited_at), text FROM message WHERE id = ?",
            revision,
            key,
        )
        changed = "deleted_at" if text is None else "edited_at"
        self._statements.add(
            f"UPDATE message SET text = ?, {changed} = ? WHERE id = ?", text or "", event.at, key
        )
        self._statements.add(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, '')",
            no,
            revision,
            event.seq,
            event.at,
            event.author,
            text is None,
        )
        self._touch(no, business_no, revision)

    def _join(self, no: int, person: str, business_no: int, since_seq: int, revision: int) -> None:
        self._statements.add(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?)",
            no,
            person,
            business_no,
            since_seq,
            revision,
        )

    def _start_over(self, no: int, person: str) -> None:
        """Whoever comes in, again or for the first time, has nothing delivered and nothing read."""
        self._cursor.pop((no, person), None)
        self._statements.add(
            "DELETE FROM cursor WHERE conversation_no = ? AND person = ?", no, person
        )

    def _audit(
        self,
        business_no: int,
        revision: int,
        event: MessageDeleted | MemberAdded | MemberRemoved,
        kind: AuditKind,
        person: str = "",
        **detail: int,
    ) -> None:
        """Beside the event's own rows, under its revision."""
        whole: AuditDetail = {"conversation": event.conversation, **detail}
        entry = AuditEntry(revision, event.at, event.author, kind, person, whole)
        add_entry(self._statements, business_no, entry)
