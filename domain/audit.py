"""What the audit log tells of: the closed list of its kinds.

An entry holds ids, roles, scopes and numbers, never a name or a text: so it can stay for ever.
"""

from enum import StrEnum


class AuditKind(StrEnum):
    """Of changes of the business and its conversations; the last ones were only noted."""

    BUSINESS_CHANGED = "business_changed"
    PARENT_CHANGED = "parent_changed"
    LOCATION_CHANGED = "location_changed"
    LOCATION_CLOSED = "location_closed"
    LOCATION_REOPENED = "location_reopened"
    LOCATION_MERGED = "location_merged"
    PERSON_CHANGED = "person_changed"
    PERSON_ERASED = "person_erased"
    HOLD_PLACED = "hold_placed"
    HOLD_LIFTED = "hold_lifted"
    CONTACT_CHANGED = "contact_changed"
    PRIVACY_CHANGED = "privacy_changed"
    OWNERSHIP_TRANSFERRED = "ownership_transferred"
    ACCESS_REVOKED = "access_revoked"
    APPOINTMENT_CHANGED = "appointment_changed"
    APPOINTMENT_DELETED = "appointment_deleted"
    IMPORT_FINISHED = "import_finished"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_REMOVED = "account_removed"
    SIGN_IN_FAILED = "sign_in_failed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of entry
    SAVED_REPLY_CHANGED = "saved_reply_changed"
    SAVED_REPLY_DELETED = "saved_reply_deleted"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_REMOVED = "webhook_removed"
    SEND_HOOK_CHANGED = "send_hook_changed"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    MESSAGE_DELETED = "message_deleted"
    NOTE_DELETED = "note_deleted"
    CONVERSATION_READ = "conversation_read"
    PERSON_EXPORTED = "person_exported"
    MESSAGES_EXPIRED = "messages_expired"
    SIGNED_IN = "signed_in"


OF_CONVERSATIONS = frozenset(
    {
        AuditKind.MEMBER_ADDED,
        AuditKind.MEMBER_REMOVED,
        AuditKind.MESSAGE_DELETED,
        AuditKind.NOTE_DELETED,
    }
)
"""Kinds whose entry stands beside a conversation's own event, under the same revision."""

NOTED = frozenset(
    {
        AuditKind.CONVERSATION_READ,
        AuditKind.PERSON_EXPORTED,
        AuditKind.MESSAGES_EXPIRED,
        AuditKind.SIGNED_IN,
    }
)
"""Kinds that changed nothing by themselves: they are in the log for the audit alone."""

AuditDetail = dict[str, str | int | bool]
"""What an entry tells beside author and kind, by name."""
