"""What servers of businesses are told and asked, as the section `webhooks` of the description.

The schemas are those of the structs that are sent. An example is such a struct.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import new_class
from typing import Any

import msgspec

from domain.send_hook import HookAllows, HookAnswer, HookEdits, HookQuestion, HookRefuses
from domain.webhook_events import (
    AnyData,
    ConversationData,
    DeletedData,
    Event,
    HandlingData,
    LocationData,
    MemberData,
    MessageData,
    PersonData,
    Reached,
    ReceiptData,
)
from domain.webhooks import SENDING, EventType, event_id
from server.webhooks.courier import DELIVERY_HEADER, EVENT_HEADER, SIGNATURE_HEADER

Json = dict[str, Any]

_AT = 1_793_000_000_000
_REVISION = 1_086
_MESSAGE = MessageData(
    conversation="rex-grooming",
    locations=("downtown",),
    seq=42,
    author="carla",
    role="customer",
    text="Is Rex ready?",
    reply_to=0,
    client_message_id="01932f",
    deleted_at=0,
)
_MEMBER = MemberData(
    conversation="rex-grooming", seq=43, author="sam", person="mia", name="Mia", role="customer"
)


@dataclass(frozen=True, slots=True)
class _Told:
    """An event; what it is about is of the type of its ``example``."""

    type: EventType
    summary: str
    example: AnyData

    @property
    def carries(self) -> Any:
        return _CARRIED[type(self.example)]


_EVENTS = (
    _Told(EventType.MESSAGE_SENT, "A message was sent", _MESSAGE),
    _Told(
        EventType.MESSAGE_EDITED,
        "A message was edited",
        msgspec.structs.replace(_MESSAGE, text="Is Rex ready now?"),
    ),
    _Told(
        EventType.MESSAGE_DELETED,
        "A message was deleted",
        DeletedData(conversation="rex-grooming", seq=42, author="carla"),
    ),
    _Told(
        EventType.CONVERSATION_CREATED,
        "A conversation was started",
        ConversationData(
            conversation="rex-grooming",
            kind="group",
            title="Rex, grooming",
            author="carla",
            members=("carla", "olivia", "sam"),
        ),
    ),
    _Told(
        EventType.HANDLING_CHANGED,
        "A conversation is handled otherwise: claimed, closed, unanswered for too long",
        HandlingData(
            conversation="rex-grooming",
            kind="unanswered",
            author="@business",
            locations=("downtown",),
            status="open",
            snoozed_until=0,
            assignee="sam",
            alerted=_AT - 900_000,
        ),
    ),
    _Told(EventType.MEMBER_ADDED, "Somebody came into a conversation", _MEMBER),
    _Told(EventType.MEMBER_REMOVED, "Somebody left a conversation, or was removed", _MEMBER),
    _Told(
        EventType.RECEIPT_ADVANCED,
        "Somebody got, or read, more of a conversation",
        ReceiptData(
            conversation="rex-grooming",
            receipts=(Reached(person="sam", delivered_up_to=42, read_up_to=0),),
        ),
    ),
    _Told(
        EventType.PERSON_CHANGED,
        "A person was added or changed",
        PersonData(
            person="sam", name="Sam Ortiz", role="staff", active=True, locations=("downtown",)
        ),
    ),
    _Told(
        EventType.LOCATION_CHANGED,
        "A location was added or changed",
        LocationData(location="downtown", name="Downtown", time_zone="America/New_York"),
    ),
)
_QUESTION = HookQuestion(
    business="pawsome",
    conversation="rex-grooming",
    author="carla",
    role="customer",
    device="d1",
    client_message_id="01932f",
    text="Is Rex ready?",
    reply_to=0,
    at=_AT,
)
_ANSWERS = (
    HookAllows(),
    HookRefuses("Please do not send card numbers."),
    HookEdits("Is Rex ready, please?"),
)
_HOOK_ANSWER: Any = HookAnswer


def _named(data: type[AnyData]) -> Any:
    """`Event` with such ``data``, under a name that reads well in a generated client."""
    generic: Any = Event
    name = data.__name__.replace("Data", "Event")
    about = {"__doc__": Event.__doc__, "__module__": __name__}
    return new_class(name, (generic[data],), {"frozen": True}, lambda body: body.update(about))


_CARRIED = {data: _named(data) for data in dict.fromkeys(type(told.example) for told in _EVENTS)}
SENT: tuple[Any, ...] = (*(told.carries for told in _EVENTS), HookQuestion, _HOOK_ANSWER)
"""The types of all that is sent, and of what is answered."""

_HEADERS = {
    EVENT_HEADER: ("The `type` of the body.", None),
    DELIVERY_HEADER: ("Names what is sent; of an event its `id`.", None),
    SIGNATURE_HEADER: (
        "Whose request it is. `t` is the time in seconds since 1970 UTC; each `v1` is the "
        "HMAC-SHA-256, in hexadecimal digits, with the secret as the key, of the digits of `t`, a "
        "full stop and the body as it came. One `v1` must be right; for 24 hours after a new "
        "secret there are two. Refuse what is older than some minutes.",
        r"\At=[0-9]+(,v1=[0-9a-f]{64}){1,2}\Z",
    ),
}
_EVENT_ANSWERS: Json = {
    "2XX": {"description": "Taken. The body is of no account."},
    "410": {"description": "Nothing more is wanted: the webhook is disabled."},
    "default": {
        "description": "Not taken. So is a redirect, and no answer in time: 5 seconds, unless the "
        "operator says otherwise. The event comes again, for about a day; until then what follows "
        "in the same conversation waits."
    },
}


def headers() -> Json:
    """The headers of every call, to refer to."""
    return {
        name: {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string"} | ({} if pattern is None else {"pattern": pattern}),
        }
        for name, (text, pattern) in _HEADERS.items()
    }


def webhooks(schemas: Mapping[Any, Json]) -> Json:
    """The section. ``schemas``: how each type of `SENT` is referred to."""
    return {
        **{told.type.value: {"post": _event(told, schemas[told.carries])} for told in _EVENTS},
        SENDING: {"post": _question(schemas[HookQuestion], schemas[_HOOK_ANSWER])},
    }


def _event(told: _Told, schema: Json) -> Json:
    event = Event(
        id=event_id(_QUESTION.business, _REVISION),
        type=told.type,
        business=_QUESTION.business,
        revision=_REVISION,
        at=_AT,
        data=told.example,
    )
    this_type = {"properties": {"type": {"const": told.type.value}}}
    about = f"{inspect.getdoc(type(told.example))}\n\nSent to each webhook that asks for it."
    body = {"schema": {"allOf": [schema, this_type]}, "example": msgspec.to_builtins(event)}
    return _call(told.type, "webhooks", told.summary, about, body, _EVENT_ANSWERS)


def _question(schema: Json, answer: Json) -> Json:
    examples = {
        example["action"]: {"value": example} for example in map(msgspec.to_builtins, _ANSWERS)
    }
    answers = {
        "2XX": {
            "description": "What becomes of the message.",
            "content": {"application/json": {"schema": answer, "examples": examples}},
        },
        "default": {
            "description": "No answer that counts; nor is one that comes after `deadline_ms`. "
            "`on_failure` says what becomes of the message."
        },
    }
    about = f"{inspect.getdoc(HookQuestion)}\n\nAsked of the send hook, where there is one."
    body = {"schema": schema, "example": msgspec.to_builtins(_QUESTION)}
    return _call(SENDING, "send-hook", "May this message be accepted?", about, body, answers)


def _call(name: str, tag: str, summary: str, about: str, body: Json, answers: Json) -> Json:
    return {
        "operationId": "_".join(("told", *name.split("."))),
        "tags": [tag],
        "summary": summary,
        "description": about,
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": answers,
    }
