"""What each event of a webhook carries, and the body that it travels in.

A new event type is a member of `domain.webhooks.EventType`, a struct here, a place in
`storage.webhook_log`, a reading in `storage.webhook_data`, and an example in `server.http.told`.
"""

from typing import Generic, TypeVar

import msgspec

from domain.webhook_order import LogEntry
from domain.webhooks import EventType, event_id


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is about. The HTTP API shows the docstrings of what follows."""


class MessageData(Data, frozen=True, kw_only=True):
    """Of `message.sent` and `message.edited`: the text as it was then, empty once it is deleted.

    ``author`` is who sent, or edited, it; ``role`` theirs by now, "" of the business itself.
    ``locations``: where the conversation is placed by now.
    """

    conversation: str
    locations: tuple[str, ...]
    seq: int
    author: str
    role: str
    text: str
    reply_to: int
    client_message_id: str
    deleted_at: int


class DeletedData(Data, frozen=True, kw_only=True):
    """Of `message.deleted`; ``author`` is who deleted it."""

    conversation: str
    seq: int
    author: str


class ConversationData(Data, frozen=True, kw_only=True):
    """Of `conversation.created`; ``members`` are those who are in it by now, with every owner."""

    conversation: str
    kind: str
    title: str
    author: str
    members: tuple[str, ...]


class HandlingData(Data, frozen=True, kw_only=True):
    """Of `handling.changed`: how the team deals with a conversation from then on.

    ``kind`` is what happened, as the changes of a conversation's handling have it: so `unanswered`
    where a customer has waited too long, since ``alerted``. ``author`` is `@business` of what the
    business does by itself.
    """

    conversation: str
    kind: str
    author: str
    locations: tuple[str, ...]
    status: str
    snoozed_until: int
    assignee: str
    alerted: int


class MemberData(Data, frozen=True, kw_only=True):
    """Of `member.added` and `member.removed`; who removes themselves (``author``) has left."""

    conversation: str
    seq: int
    author: str
    person: str
    name: str
    role: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody got; 0: that cursor did not move."""

    person: str
    delivered_up_to: int
    read_up_to: int


class ReceiptData(Data, frozen=True, kw_only=True):
    """Of `receipt.advanced`, without what people hide of what they read."""

    conversation: str
    receipts: tuple[Reached, ...]


class PersonData(Data, frozen=True, kw_only=True):
    """Of `person.changed`: somebody as they are by now."""

    person: str
    name: str
    role: str
    active: bool
    locations: tuple[str, ...]


class LocationData(Data, frozen=True, kw_only=True):
    """Of `location.changed`: a location as it is by now."""

    location: str
    name: str
    time_zone: str


AnyData = (
    MessageData
    | DeletedData
    | ConversationData
    | HandlingData
    | MemberData
    | ReceiptData
    | PersonData
    | LocationData
)


class Happened(msgspec.Struct, frozen=True):
    """What an entry of the log is about, and when it was."""

    at: int
    data: AnyData


D = TypeVar("D", bound=Data)


class Event(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """What is delivered; ``data`` is what the event is about.

    ``id`` is the same however often it comes, ``revision`` its place in the log of ``business``.
    ``at`` is when it was. Times are milliseconds since 1970 UTC, 0 and `""` stand for none.
    """

    id: str
    type: EventType
    business: str
    revision: int
    at: int
    data: D


_encode = msgspec.json.Encoder().encode


def body_of(business: str, entry: LogEntry, happened: Happened) -> bytes:
    """The body of a delivery: JSON, with every field."""
    return _encode(
        Event(
            id=event_id(business, entry.revision),
            type=entry.type,
            business=business,
            revision=entry.revision,
            at=happened.at,
            data=happened.data,
        )
    )
