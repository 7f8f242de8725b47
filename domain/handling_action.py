"""What the team can do with a conversation, beside talking in it, and how it is then."""

from enum import StrEnum


class Status(StrEnum):
    """How a conversation is handled; one that nobody has handled is open."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Action(StrEnum):
    """``assign`` names a person, ``transfer`` a location, ``snooze`` a time in ms."""

    ASSIGN = "assign"
    UNASSIGN = "unassign"
    TRANSFER = "transfer"
    CLOSE = "close"
    REOPEN = "reopen"
    SNOOZE = "snooze"
    HANDLED = "handled"
    WAITING = "waiting"
