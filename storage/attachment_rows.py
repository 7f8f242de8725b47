"""The rows of attachments in what happens in conversations: sent, settled, deleted with theirs.

Few messages have some, so each is a statement of its own, in the order of events.
"""

import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from domain.attachments import State
from domain.views import Attachment

_encode = msgspec.json.Encoder().encode
decode_attachments = msgspec.json.Decoder(tuple[Attachment, ...]).decode
"""The attachments in the column of a message that has some."""

_Write = Callable[[sqlite3.Connection], None]


class AttachmentRows:
    """Collects what one transaction does to attachments; messages are written before it."""

    def __init__(self) -> None:
        self._writes: list[_Write] = []

    def sent(self, business_no: int, message: int, attachments: Sequence[Attachment]) -> None:
        """They belong to a message now.

        If one of them cannot any more, because another message or a saved reply was quicker, it has
        expired or a scanner has just settled it, the batch is at fault: `sqlite3.IntegrityError`.
        """

        def write(connection: sqlite3.Connection) -> None:
            for each in attachments:
                claimed = connection.execute(
                    "UPDATE attachment SET message_id = ? WHERE business_no = ? AND id = ?"
                    " AND state = ? AND message_id IS NULL AND person <> ''",
                    (message, business_no, each.id, each.state),
                )
                if claimed.rowcount != 1:
                    raise sqlite3.IntegrityError("an attachment cannot be sent any more")
            _show(connection, message, attachments)

        self._writes.append(write)

    def settled(self, business_no: int, message: int, attachment: str, state: str) -> None:
        """The scanner has said what an attachment of a message is; a refused one has no file."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE attachment SET state = ?1, file = iif(?1 = ?4, '', file),"
                " thumbnail = iif(?1 = ?4, '', thumbnail) WHERE business_no = ?2 AND id = ?3",
                (state, business_no, attachment, State.REFUSED),
            )
            (column,) = connection.execute(
                "SELECT attachments FROM message WHERE id = ?", (message,)
            ).fetchone()
            _show(connection, message, _with_state(column, attachment, state))

        self._writes.append(write)

    def deleted(self, message: int) -> None:
        """The message says nothing any more: nobody reaches what it had, and it is collected."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE attachment SET state = 'gone', name = '', message_id = NULL, expires_at = 0"
                " WHERE message_id = ?",
                (message,),
            )
            connection.execute("UPDATE message SET attachments = '' WHERE id = ?", (message,))

        self._writes.append(write)

    def write(self, connection: sqlite3.Connection) -> None:
        """Do what was collected, and forget it."""
        writes, self._writes = self._writes, []
        for write in writes:
            write(connection)

    def clear(self) -> None:
        self._writes.clear()


def _with_state(column: str, attachment: str, state: str) -> list[Attachment]:
    return [
        msgspec.structs.replace(each, state=state, thumbnail=each.thumbnail and state == "ready")
        if each.id == attachment
        else each
        for each in decode_attachments(column or "[]")
    ]


def _show(connection: sqlite3.Connection, message: int, attachments: Sequence[Attachment]) -> None:
    """Let the message show them."""
    connection.execute(
        "UPDATE message SET attachments = ? WHERE id = ?",
        (_encode(attachments).decode() if attachments else "", message),
    )
