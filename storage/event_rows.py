"""How each event becomes rows: collected for one commit, written together."""

import sqlite3
from collections.abc import Callable
from typing import Any

from domain.account_events import AccountChanged, AccountRemoved, SignedIn, SignInFailed
from domain.erasure_events import MessageErased, PersonErased
from domain.events import (
    AccessRevoked,
    AttachmentSettled,
    Audited,
    BusinessChanged,
    ConversationCreated,
    Event,
    HandlingChanged,
    KeyMade,
    KeyRevoked,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    ReceiptsAdvanced,
    SavedReplyChanged,
    SavedReplyDeleted,
    SendHookChanged,
    WebhookChanged,
    WebhookRemoved,
)
from domain.mark_events import Marked
from domain.note_events import NoteChanged
from domain.record_events import (
    AppointmentChanged,
    AppointmentDeleted,
    ContactChanged,
    HoldChanged,
    ImportFinished,
    LocationChanged,
    LocationClosed,
    LocationMerged,
    LocationReopened,
    ParentChanged,
)
from storage.account_rows import AccountRows
from storage.appointment_rows import AppointmentRows
from storage.business_rows import BusinessRows
from storage.conversation_rows import ConversationRows
from storage.erasure_rows import ErasureRows
from storage.location_rows import LocationRows
from storage.webhook_rows import WebhookRows

_Write = Callable[[sqlite3.Connection, int, int, Any], None]


class EventRows:
    """Collects the rows of one transaction: on the writer's thread, by one caller."""

    def __init__(self) -> None:
        self._conversations = ConversationRows()
        self._businesses = BusinessRows()
        talk, desk = self._conversations, self._businesses
        accounts = AccountRows(desk.statements)
        places = LocationRows(desk.statements)
        calendar = AppointmentRows(desk.statements)
        erasures = ErasureRows(desk)
        hooks = WebhookRows(desk.statements)
        self._writers: dict[type, _Write] = {
            MessageSent: talk.message_sent,
            MessageEdited: talk.message_edited,
            MessageDeleted: talk.message_deleted,
            MessageErased: talk.message_erased,
            AttachmentSettled: talk.attachment_settled,
            ConversationCreated: talk.conversation_created,
            MemberAdded: talk.member_added,
            MemberRemoved: talk.member_removed,
            ReceiptsAdvanced: talk.receipts_advanced,
            HandlingChanged: talk.handling_changed,
            NoteChanged: talk.note_changed,
            Marked: talk.marked,
            BusinessChanged: desk.business_changed,
            ParentChanged: desk.parent_changed,
            LocationChanged: places.changed,
            LocationClosed: places.closed,
            LocationReopened: places.reopened,
            LocationMerged: places.merged,
            PersonChanged: desk.person_changed,
            PersonErased: erasures.person_erased,
            HoldChanged: erasures.hold_changed,
            ContactChanged: desk.contact_changed,
            PrivacyChanged: desk.privacy_changed,
            OwnershipTransferred: desk.ownership_transferred,
            AccessRevoked: desk.access_revoked,
            AccountChanged: accounts.account_changed,
            AccountRemoved: accounts.account_removed,
            SignedIn: accounts.signed_in,
            SignInFailed: accounts.sign_in_failed,
            AppointmentChanged: calendar.changed,
            AppointmentDeleted: calendar.deleted,
            ImportFinished: desk.import_finished,
            SavedReplyChanged: desk.saved_reply_changed,
            SavedReplyDeleted: desk.saved_reply_deleted,
            WebhookChanged: hooks.webhook_changed,
            WebhookRemoved: hooks.webhook_removed,
            SendHookChanged: hooks.send_hook_changed,
            KeyMade: desk.key_made,
            KeyRevoked: desk.key_revoked,
            Audited: desk.audited,
        }

    def add(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: Event
    ) -> None:
        """Collect the rows of ``event``; a new conversation is written at once, for its number."""
        self._writers[type(event)](connection, business_no, revision, event)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was collected."""
        self._conversations.flush(connection)
        self._businesses.statements.write(connection)

    def clear(self) -> None:
        """Forget what was collected, and whatever this transaction has written."""
        self._conversations.clear()
        self._businesses.statements.clear()

    def committed(self) -> None:
        """What has been written is stored."""
        self._conversations.created.clear()
