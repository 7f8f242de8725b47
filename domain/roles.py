"""Who may do what: one table, asked by websocket and HTTP alike."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in a business."""

    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"
    CUSTOMER = "customer"


TEAM = frozenset({Role.OWNER, Role.MANAGER, Role.STAFF})
EVERYBODY = frozenset(Role)
OWNERS = frozenset({Role.OWNER})
LEADERS = frozenset({Role.OWNER, Role.MANAGER})


class Operation(StrEnum):
    """Everything a person can ask for; being a member of the conversation is checked beside it."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"
    RECEIPT = "receipt"
    TYPING = "typing"
    HISTORY = "history"
    CONVERSATIONS = "conversations"
    OPEN = "open"
    CREATE = "create"
    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"
    LEAVE = "leave"
    HANDLE = "handle"
    MARK = "mark"
    NOTE = "note"
    NOTES = "notes"
    RECEIPTS = "receipts"
    VERSIONS = "versions"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    PEOPLE = "people"
    SEARCH = "search"
    TIMELINE = "timeline"
    WATCH = "watch"
    ACTIVITY = "activity"
    PRIVACY = "privacy"
    PING = "ping"
    BUSINESS_READ = "business_read"
    BUSINESS_CHANGE = "business_change"
    LOCATIONS_READ = "locations_read"
    LOCATIONS_CHANGE = "locations_change"
    PEOPLE_CHANGE = "people_change"
    OWNERSHIP_TRANSFER = "ownership_transfer"
    PERSON_EXPORT = "person_export"
    PERSON_ERASE = "person_erase"
    HOLDS = "holds"
    ACCOUNTS = "accounts"
    SESSIONS_OF_OTHERS = "sessions_of_others"
    SAVED_REPLIES = "saved_replies"
    SAVED_REPLIES_CHANGE = "saved_replies_change"
    WEBHOOKS = "webhooks"
    KEYS = "keys"
    AUDIT = "audit"
    APPOINTMENTS = "appointments"


POLICY: dict[Operation, frozenset[Role]] = {
    Operation.SEND: EVERYBODY,
    Operation.EDIT: EVERYBODY,
    Operation.DELETE: EVERYBODY,
    Operation.RECEIPT: EVERYBODY,
    Operation.TYPING: EVERYBODY,
    Operation.HISTORY: EVERYBODY,
    Operation.CONVERSATIONS: EVERYBODY,
    Operation.OPEN: EVERYBODY,
    Operation.CREATE: EVERYBODY,
    Operation.ADD_MEMBER: TEAM,
    Operation.REMOVE_MEMBER: TEAM,
    Operation.LEAVE: EVERYBODY,
    Operation.HANDLE: TEAM,
    Operation.MARK: EVERYBODY,
    Operation.NOTE: TEAM,
    Operation.NOTES: TEAM,
    Operation.RECEIPTS: EVERYBODY,
    Operation.VERSIONS: EVERYBODY,
    Operation.UPLOAD: EVERYBODY,
    Operation.DOWNLOAD: EVERYBODY,
    Operation.PEOPLE: EVERYBODY,
    Operation.SEARCH: EVERYBODY,
    Operation.TIMELINE: EVERYBODY,  # a customer: their own
    Operation.WATCH: EVERYBODY,
    Operation.ACTIVITY: EVERYBODY,
    Operation.PRIVACY: EVERYBODY,
    Operation.PING: EVERYBODY,
    Operation.BUSINESS_READ: EVERYBODY,
    Operation.BUSINESS_CHANGE: OWNERS,
    Operation.LOCATIONS_READ: EVERYBODY,
    Operation.LOCATIONS_CHANGE: OWNERS,
    Operation.PEOPLE_CHANGE: LEADERS,
    Operation.OWNERSHIP_TRANSFER: OWNERS,
    Operation.PERSON_EXPORT: OWNERS,
    Operation.PERSON_ERASE: OWNERS,
    Operation.HOLDS: OWNERS,
    Operation.ACCOUNTS: LEADERS,
    Operation.SESSIONS_OF_OTHERS: OWNERS,
    Operation.SAVED_REPLIES: TEAM,
    Operation.SAVED_REPLIES_CHANGE: LEADERS,
    Operation.WEBHOOKS: OWNERS,
    Operation.KEYS: OWNERS,
    Operation.AUDIT: OWNERS,
    Operation.APPOINTMENTS: EVERYBODY,
}


def may(role: Role, operation: Operation) -> bool:
    """Whether ``role`` may ask for ``operation`` at all."""
    return role in POLICY[operation]


def may_touch(role: Role | None, *touched: Role) -> bool:
    """Whether ``role`` may change somebody, or end their access, who is or becomes ``touched``.

    Managers touch neither owners nor managers. ``None`` is the business's own backend.
    """
    if role is None or role is Role.OWNER:
        return True
    return may(role, Operation.PEOPLE_CHANGE) and not LEADERS.intersection(touched)


def sees_all_history(role: Role) -> bool:
    """Customers see a conversation from where they joined; the team sees all of it."""
    return role in TEAM
