"""What somebody of the team can do with a conversation, beside talking in it."""

from enum import StrEnum


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
