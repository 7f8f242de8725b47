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
    RECEIPTS = "receipts"
    VERSIONS = "versions"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    PEOPLE = "people"
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
    Operation.RECEIPTS: EVERYBODY,
    Operation.VERSIONS: EVERYBODY,
    Operation.UPLOAD: EVERYBODY,
    Operation.DOWNLOAD: EVERYBODY,
    Operation.PEOPLE: EVERYBODY,
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
