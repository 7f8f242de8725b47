"""What somebody of the team can do with a note."""

from enum import StrEnum


class NoteAction(StrEnum):
    """`add` makes it, `edit` changes text or mentions, `delete` leaves nothing but its place."""

    ADD = "add"
    EDIT = "edit"
    DELETE = "delete"
