"""What the desk is asked about webhooks and the send hook."""

import msgspec

from domain import webhook_rules as rules
from domain.business import Business
from domain.events import SendHookChanged, WebhookChanged, WebhookRemoved
from domain.refusal import Refusal
from domain.webhook_rules import SendHookChange, WebhookChange
from domain.webhooks import Webhook


class AddWebhook(msgspec.Struct, frozen=True):
    author: str
    webhook: Webhook


class ChangeWebhook(msgspec.Struct, frozen=True):
    author: str
    change: WebhookChange


class RemoveWebhook(msgspec.Struct, frozen=True):
    author: str
    webhook: str


class ChangeSendHook(msgspec.Struct, frozen=True):
    author: str
    change: SendHookChange


WebhookCommand = AddWebhook | ChangeWebhook | RemoveWebhook | ChangeSendHook


def decide(
    business: Business, command: WebhookCommand, now: int
) -> WebhookChanged | WebhookRemoved | SendHookChanged | Refusal | None:
    """The event, why not, or ``None``: it is so already."""
    author = command.author
    match command:
        case AddWebhook():
            return rules.decide_new_webhook(business.webhooks, author, command.webhook, now)
        case ChangeWebhook():
            return rules.decide_webhook(business.webhooks, author, command.change, now)
        case RemoveWebhook():
            return rules.decide_webhook_removal(business.webhooks, author, command.webhook, now)
        case ChangeSendHook():
            return rules.decide_send_hook(business.send_hook, author, command.change, now)
