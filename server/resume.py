"""What a connection missed, as frames: at a resume, and after it fell behind."""

import msgspec

from domain.views import MemberCursor, Message, Note
from protocol import frames
from protocol.frames import Frame
from server import reading
from server.live import LiveBusiness
from storage.missed import (
    Cursors,
    Deleted,
    Edited,
    Handled,
    Joined,
    Marked,
    Missed,
    OwnPrivacy,
    Removed,
    Settings,
    Settled,
    Somebody,
    Visibility,
)


def frame(live: LiveBusiness, viewer: str, revision: int, missed: Missed) -> Frame | None:
    """The event that tells ``viewer`` of it; ``None`` if all of it is hidden from them."""
    match missed:
        case Edited(conversation, seq, at, author, text):
            return frames.MessageEdited(
                revision=revision,
                conversation=conversation,
                seq=seq,
                at=at,
                author=author,
                text=text,
            )
        case Deleted(conversation, seq, at, author):
            return frames.MessageDeleted(
                revision=revision, conversation=conversation, seq=seq, at=at, author=author
            )
        case Settled(conversation, seq, attachment, state):
            return frames.AttachmentChanged(
                revision=revision,
                conversation=conversation,
                seq=seq,
                attachment=attachment,
                state=state,
            )
        case Removed(conversation, seq, at, author):
            return frames.ConversationRemoved(
                revision=revision, conversation=conversation, seq=seq, at=at, author=author
            )
        case Joined(conversation):
            return frames.ConversationAdded(
                revision=revision, conversation=reading.conversation(live, viewer, conversation)
            )
        case Cursors(conversation, cursors, team_read_up_to):
            return frames.ReceiptEvent(
                revision=revision,
                conversation=conversation,
                receipts=tuple(_cursor(live, viewer, cursor) for cursor in cursors),
                team_read_up_to=team_read_up_to,
            )
        case Handled(conversation, handling):
            return frames.HandlingChanged(
                revision=revision, conversation=conversation, handling=handling
            )
        case Somebody(person, name, role, active):
            return frames.PersonChanged(
                revision=revision, person=person, name=name, role=role, active=active
            )
        case Visibility(person):
            return frames.VisibilityChanged(revision=revision, person=person)
        case Settings(read_receipts, last_seen):
            return frames.BusinessChanged(
                revision=revision, read_receipts=read_receipts, last_seen=last_seen
            )
        case OwnPrivacy(read_receipts, last_seen):
            return frames.PrivacyChanged(
                revision=revision, read_receipts=read_receipts, last_seen=last_seen
            )
        case _:
            return _said(revision, missed)


def _cursor(live: LiveBusiness, viewer: str, cursor: MemberCursor) -> MemberCursor:
    if live.state.shows_read(cursor.person, viewer):
        return cursor
    return MemberCursor(
        person=cursor.person,
        delivered_up_to=cursor.delivered_up_to,
        delivered_at=cursor.delivered_at,
    )


def _said(revision: int, missed: Message | Note | Marked) -> Frame:
    if isinstance(missed, Marked):
        return frames.Marked(
            revision=revision, conversation=missed.conversation, unread=missed.unread
        )
    if isinstance(missed, Note):
        return frames.NoteEvent(**msgspec.structs.asdict(missed))
    return frames.MessageEvent(
        conversation=missed.conversation,
        seq=missed.seq,
        revision=revision,
        at=missed.at,
        author=missed.author,
        kind=missed.kind,
        text=missed.text,
        person=missed.person,
        role=missed.role,
        reply_to=missed.reply_to,
        client_message_id=missed.client_message_id,
        edited_at=missed.edited_at,
        deleted_at=missed.deleted_at,
        location=missed.location,
        attachments=missed.attachments,
        channel=missed.channel,
    )
