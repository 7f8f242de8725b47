"""What has changed of a message, as the event that tells of it."""

from domain.events import AttachmentSettled, MessageDeleted, MessageEdited
from domain.note_events import NoteChanged
from protocol import frames
from protocol.frames import Frame


def change_frame(event: MessageEdited | MessageDeleted | AttachmentSettled, revision: int) -> Frame:
    """The event that tells of a change of a message."""
    match event:
        case MessageEdited():
            return frames.MessageEdited(
                revision=revision,
                conversation=event.conversation,
                seq=event.seq,
                at=event.at,
                author=event.author,
                text=event.text,
            )
        case MessageDeleted():
            return frames.MessageDeleted(
                revision=revision,
                conversation=event.conversation,
                seq=event.seq,
                at=event.at,
                author=event.author,
            )
        case AttachmentSettled():
            return frames.AttachmentChanged(
                revision=revision,
                conversation=event.conversation,
                seq=event.seq,
                attachment=event.attachment,
                state=event.state,
            )


def note_frame(event: NoteChanged, revision: int) -> Frame:
    """A note as it is now."""
    note = event.note
    return frames.NoteEvent(
        conversation=event.conversation,
        note=note.id,
        revision=revision,
        seq=note.seq,
        at=note.at,
        author=note.author,
        text=note.text,
        mentions=note.mentions,
        edited_at=note.edited_at,
        deleted_at=note.deleted_at,
    )
