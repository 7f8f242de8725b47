"""How each event becomes rows: collected for one commit, written together."""

import sqlite3
from collections.abc import Callable
from typing import Any

from domain.events import (
    AccessRevoked,
    AttachmentSettled,
    BusinessChanged,
    ConversationCreated,
    Event,
    LocationChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    ReceiptsAdvanced,
)
from storage.business_rows import BusinessRows
from storage.conversation_rows import ConversationRows

_Write = Callable[[sqlite3.Connection, int, int, Any], None]


class EventRows:
    """Collects the rows of one transaction: on the writer's thread, by one caller."""

    def __init__(self) -> None:
        self._conversations = ConversationRows()
        self._businesses = BusinessRows()
        talk, desk = self._conversations, self._businesses
        self._writers: dict[type, _Write] = {
            MessageSent: talk.message_sent,
            MessageEdited: talk.message_edited,
            MessageDeleted: talk.message_deleted,
            AttachmentSettled: talk.attachment_settled,
            ConversationCreated: talk.conversation_created,
            MemberAdded: talk.member_added,
            MemberRemoved: talk.member_removed,
            ReceiptsAdvanced: talk.receipts_advanced,
            BusinessChanged: desk.business_changed,
            LocationChanged: desk.location_changed,
            PersonChanged: desk.person_changed,
            PrivacyChanged: desk.privacy_changed,
            OwnershipTransferred: desk.ownership_transferred,
            AccessRevoked: desk.access_revoked,
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
