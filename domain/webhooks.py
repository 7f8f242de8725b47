"""Webhooks: what a business is told of, when it is tried again, and how it knows who calls.

Rules
1. Of one lane (a conversation, a person, a location) events are delivered in the log's order; what
   fails holds its own lane alone (`domain.webhook_order`).
2. An event is delivered at least once, always under the same id: `event_id`.
3. What still fails after the last step of `SCHEDULE` is a dead letter, and its lane goes on.
4. `DEAD_IN_ROW` dead letters without a success between them, or an answer 410, disable a webhook.
"""

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

SCHEDULE_SECONDS = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
"""How long to wait after the first failure, the second …: about 24 hours in all."""

JITTER = 0.2
"""Each wait is longer or shorter by up to this share, so that not all come back at once."""

DEAD_IN_ROW = 10
SECRET_OVERLAP_MS = 24 * 3_600_000
"""How long a secret signs beside the one that replaced it."""

WEBHOOKS_MAX = 10
"""Webhooks of one business."""

DEADLINE_MS_MOST = 3_000
URL_BYTES = 2_048

SENDING = "message.sending"
"""What the send hook is asked about; no event, for it has not happened."""


class EventType(StrEnum):
    """What a webhook can ask for; `webhooks` of the description says what each carries."""

    MESSAGE_SENT = "message.sent"
    MESSAGE_EDITED = "message.edited"
    MESSAGE_DELETED = "message.deleted"
    CONVERSATION_CREATED = "conversation.created"
    HANDLING_CHANGED = "handling.changed"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    RECEIPT_ADVANCED = "receipt.advanced"
    PERSON_CHANGED = "person.changed"
    LOCATION_CHANGED = "location.changed"


class Secrets(msgspec.Struct, frozen=True):
    """What requests are signed with; ``former`` counts until ``former_until``."""

    present: str
    former: str = ""
    former_until: int = 0

    def rotated(self, new: str, now: int) -> "Secrets":
        """With ``new`` from now on, and the present one beside it for a while."""
        return Secrets(new, self.present, now + SECRET_OVERLAP_MS)

    def valid(self, now: int) -> tuple[str, ...]:
        """Those that sign at ``now``, the newest first."""
        both = self.former and now < self.former_until
        return (self.present, self.former) if both else (self.present,)


class Webhook(msgspec.Struct, frozen=True):
    """A subscription; ``reason`` says why it was disabled, if the server did that."""

    id: str
    url: str
    events: tuple[EventType, ...]
    secrets: Secrets
    created_at: int
    active: bool = True
    reason: str = ""


OnFailure = Literal["allow", "refuse"]


class SendHook(msgspec.Struct, frozen=True):
    """Who is asked before a person's message is accepted, and what counts if they do not answer."""

    url: str
    secrets: Secrets
    deadline_ms: int
    on_failure: OnFailure


def event_id(business: str, revision: int) -> str:
    """The id of an event, the same however often it is delivered."""
    return f"{business}.{revision}"


def revision_of(event: str, business: str) -> int | None:
    """The revision that the id of an event names, or ``None``: it is none of ``business``."""
    owner, dot, digits = event.rpartition(".")
    if not dot or owner != business or not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits)


def signature(secrets: Sequence[str], seconds: int, body: bytes) -> str:
    """The header `Deskbell-Signature`: the time, and a signature with each valid secret.

    HMAC-SHA-256 over the time in decimal, a full stop and the body, as hexadecimal digits.
    """
    signed = b"%d." % seconds + body
    digests = (hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in secrets)
    return ",".join((f"t={seconds}", *(f"v1={digest}" for digest in digests)))


def wait_ms(schedule: Sequence[float], attempts: int, chance: float) -> int | None:
    """How long to wait after so many failed ``attempts``; ``None``: it was the last one.

    ``chance`` is from 0 to 1, another one each time.
    """
    if attempts > len(schedule):
        return None
    seconds = schedule[attempts - 1] * (1 - JITTER + 2 * JITTER * chance)
    return round(seconds * 1000)


def succeeded(status: int) -> bool:
    """Whether a receiver has taken an event; a redirect is not followed, and no success."""
    return 200 <= status < 300


GONE = 410
"""The receiver wants nothing more."""
