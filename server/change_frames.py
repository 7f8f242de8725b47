"""What has changed of a message, as the event that tells of it."""

from domain.events import AttachmentSettled, MessageDeleted, MessageEdited
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
