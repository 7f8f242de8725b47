"""The rows of how conversations are handled: the handling, its changes, placements, reasons."""

import msgspec

from domain.events import Handling, HandlingChanged, MessageSent
from domain.routing import Trigger
from storage.rows import Statements

_encode = msgspec.json.Encoder().encode


class Hidden(msgspec.Struct, frozen=True):
    """What of a handling nobody is shown."""

    trigger: Trigger
    away: str


def add_handling(statements: Statements, no: int, handling: Handling) -> None:
    """The handling as it is now, without a change that anybody is shown."""
    hidden = _encode(Hidden(handling.trigger, handling.away)).decode()
    statements.add(
        "INSERT INTO handling (conversation_no, status, snoozed_until, assignee, locations, hidden,"
        " alerted) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (conversation_no) DO UPDATE SET"
        " status = excluded.status, snoozed_until = excluded.snoozed_until,"
        " assignee = excluded.assignee, locations = excluded.locations, hidden = excluded.hidden,"
        " alerted = excluded.alerted",
        no,
        handling.status,
        handling.snoozed_until,
        handling.assignee,
        _encode(handling.locations).decode(),
        hidden,
        handling.alerted,
    )


def add_change(
    statements: Statements, no: int, business_no: int, revision: int, event: HandlingChanged
) -> None:
    """What the team is shown: the change, and where the conversation is shown from now on."""
    add_handling(statements, no, event.handling)
    statements.add("UPDATE handling SET revision = ? WHERE conversation_no = ?", revision, no)
    statements.add(
        "INSERT INTO handling_change VALUES (?, ?, ?, ?, ?, ?)",
        no,
        revision,
        event.at,
        event.author,
        event.kind,
        _encode(event.handling).decode(),
    )
    for location in event.left:
        statements.add(
            "DELETE FROM placement WHERE business_no = ? AND location = ? AND conversation_no = ?",
            business_no,
            location,
            no,
        )
        statements.add(
            "INSERT INTO displacement VALUES (?, ?, ?, ?, ?, ?, ?)",
            business_no,
            location,
            revision,
            no,
            event.seq,
            event.at,
            event.author,
        )
    for location in event.came:
        statements.add(
            "INSERT INTO placement VALUES (?, ?, ?, ?)", business_no, location, no, revision
        )


def add_reasons(statements: Statements, no: int, event: MessageSent) -> None:
    """What a message changes beside itself, if it does."""
    if event.handling is not None:
        add_handling(statements, no, event.handling)
    if event.routed is not None:
        why = _encode(event.routed).decode()
        statements.add("INSERT INTO routing VALUES (?, ?, ?)", no, event.seq, why)
