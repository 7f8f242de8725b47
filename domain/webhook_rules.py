"""Changing the webhooks and the send hook of a business: what is decided, and why not."""

from collections.abc import Mapping

import msgspec

from domain.events import SendHookChanged, WebhookChanged, WebhookRemoved
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.webhooks import (
    DEADLINE_MS_MOST,
    WEBHOOKS_MAX,
    EventType,
    OnFailure,
    Secrets,
    SendHook,
    Webhook,
)

TOO_MANY = Refusal(
    Code.TOO_LARGE, f"A business has at most {WEBHOOKS_MAX} webhooks. Remove one first."
)
NO_EVENTS = Refusal(Code.BAD_REQUEST, "'events': name at least one type of event, each once.")
WRONG_DEADLINE = Refusal(
    Code.BAD_REQUEST, f"'deadline_ms' is from 1 to {DEADLINE_MS_MOST} milliseconds."
)


class WebhookChange(msgspec.Struct, frozen=True):
    """What of a webhook is to be different; ``None`` stays. ``secret``: a new one, to be added.

    ``reason`` is the server's for disabling it.
    """

    webhook: str
    url: str | None = None
    events: tuple[EventType, ...] | None = None
    active: bool | None = None
    secret: str | None = None
    reason: str = ""


class SendHookChange(msgspec.Struct, frozen=True):
    """The send hook as it is to be, or without it (``url`` ``""``).

    ``secret`` is for one that is new, or in place of the present one if ``rotate``.
    """

    url: str
    deadline_ms: int
    on_failure: OnFailure
    secret: str
    rotate: bool = False


def decide_new_webhook(
    webhooks: Mapping[str, Webhook],
    author: str,
    wanted: Webhook,
    now: int,
) -> WebhookChanged | Refusal:
    """Add a webhook; it begins with what happens after it."""
    if len(webhooks) >= WEBHOOKS_MAX:
        return TOO_MANY
    if wanted.id in webhooks:
        return Refusal(Code.CONFLICT, "This id is taken. Choose another one.")
    return _changed(author, wanted, now)


def decide_webhook(
    webhooks: Mapping[str, Webhook], author: str, change: WebhookChange, now: int
) -> WebhookChanged | Refusal | None:
    """Change a webhook; ``None``: it is so already."""
    before = webhooks.get(change.webhook)
    if before is None:
        return NOT_FOUND
    secrets = (
        before.secrets if change.secret is None else before.secrets.rotated(change.secret, now)
    )
    active = before.active if change.active is None else change.active
    wanted = msgspec.structs.replace(
        before,
        url=before.url if change.url is None else change.url,
        events=before.events if change.events is None else change.events,
        secrets=secrets,
        active=active,
        reason="" if active else change.reason or before.reason,
    )
    return None if wanted == before else _changed(author, wanted, now)


def _changed(author: str, wanted: Webhook, now: int) -> WebhookChanged | Refusal:
    if not wanted.events or len(set(wanted.events)) < len(wanted.events):
        return NO_EVENTS
    return WebhookChanged(now, author, wanted)


def decide_webhook_removal(
    webhooks: Mapping[str, Webhook], author: str, webhook: str, now: int
) -> WebhookRemoved | Refusal:
    """Remove a webhook with all that waits for it."""
    return WebhookRemoved(now, author, webhook) if webhook in webhooks else NOT_FOUND


def decide_send_hook(
    before: SendHook | None, author: str, change: SendHookChange, now: int
) -> SendHookChanged | Refusal | None:
    """Set, change or remove the send hook; ``None``: it is so already."""
    if not change.url:
        return None if before is None else SendHookChanged(now, author, None)
    if not 1 <= change.deadline_ms <= DEADLINE_MS_MOST:
        return WRONG_DEADLINE
    if before is None:
        secrets = Secrets(change.secret)
    elif change.rotate:
        secrets = before.secrets.rotated(change.secret, now)
    else:
        secrets = before.secrets
    wanted = SendHook(change.url, secrets, change.deadline_ms, change.on_failure)
    return None if wanted == before else SendHookChanged(now, author, wanted)
