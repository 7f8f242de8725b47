"""Webhooks: who is told of what happens, what could not be told, and telling it again."""

from typing import Annotated, Any

import msgspec

from actors.webhook_commands import AddWebhook, ChangeWebhook, RemoveWebhook
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.webhook_rules import WebhookChange
from domain.webhooks import EventType, Secrets
from domain.webhooks import Webhook as Stored
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Unset,
    set_or_none,
)
from server.http.route import BUSINESS_OR_PERSON, UNDONE, AnyRoute, Call, Repeat, Route
from server.tokens import make_key

EventTypes = Annotated[tuple[EventType, ...], msgspec.Meta(min_length=1, max_length=50)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class Webhook(Output, frozen=True, kw_only=True):
    """``reason`` says why the server disabled it."""

    id: str
    url: str
    events: tuple[EventType, ...]
    active: bool
    reason: str
    created_at: int


class WebhookList(Output, frozen=True, kw_only=True):
    webhooks: tuple[Webhook, ...]


class WebhookSecret(Output, frozen=True, kw_only=True):
    """``secret`` signs what is sent; it is shown this once."""

    id: str
    secret: str


class NewWebhook(Input, frozen=True, kw_only=True):
    id: Id | Unset = UNSET
    url: Url
    events: EventTypes


class AddedWebhook(Webhook, frozen=True, kw_only=True):
    """``secret`` signs what is sent; it is shown this once."""

    secret: str


class WebhookUpdate(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. One that is active again goes on where it stood."""

    url: Url | Unset = UNSET
    events: EventTypes | Unset = UNSET
    active: bool | Unset = UNSET


class WebhookPath(Input, frozen=True, kw_only=True):
    webhook: Id


async def everyone(call: Call[Nothing, Nothing]) -> WebhookList:
    """All webhooks of the business, oldest first."""
    return WebhookList(webhooks=tuple(_shown(w) for w in call.live.state.webhooks.values()))


async def show(call: Call[WebhookPath, Nothing]) -> Webhook | Refusal:
    """One webhook."""
    found = call.live.state.webhooks.get(call.parameters.webhook)
    return NOT_FOUND if found is None else _shown(found)


async def add(call: Call[Nothing, NewWebhook]) -> AddedWebhook | Refusal:
    """Tell ``url`` of events of these types from now on, signed with the secret in the answer."""
    body, node = call.body, call.node
    endpoint = node.hooks.dispatcher.courier.endpoint(body.url)
    if isinstance(endpoint, Refusal):
        return endpoint
    secret = make_key("whsec")
    webhook = Stored(
        set_or_none(body.id) or call.new_id(), body.url, body.events, Secrets(secret), node.clock()
    )
    changed = await ask_desk(call.live, AddWebhook(call.insider.author, webhook))
    if isinstance(changed, Refusal):
        return changed
    return AddedWebhook(secret=secret, **msgspec.structs.asdict(_shown(webhook)))


async def change(call: Call[WebhookPath, WebhookUpdate]) -> Webhook | Refusal:
    """Change a webhook, switch it off, or on again."""
    body, id_ = call.body, call.parameters.webhook
    url = set_or_none(body.url)
    if url is not None:
        endpoint = call.node.hooks.dispatcher.courier.endpoint(url)
        if isinstance(endpoint, Refusal):
            return endpoint
    wanted = WebhookChange(id_, url, set_or_none(body.events), set_or_none(body.active))
    changed = await ask_desk(call.live, ChangeWebhook(call.insider.author, wanted))
    return changed if isinstance(changed, Refusal) else await _now(call, id_)


async def remove(call: Call[WebhookPath, Nothing]) -> Changed | Refusal:
    """Remove a webhook, its dead letters, and all that waits for it."""
    return await ask_desk(call.live, RemoveWebhook(call.insider.author, call.parameters.webhook))


async def rotate(call: Call[WebhookPath, Nothing]) -> WebhookSecret | Refusal:
    """Make a new secret. For 24 hours each event is signed with both, then with the new one."""
    id_, secret = call.parameters.webhook, make_key("whsec")
    change = WebhookChange(id_, secret=secret)
    changed = await ask_desk(call.live, ChangeWebhook(call.insider.author, change))
    return changed if isinstance(changed, Refusal) else WebhookSecret(id=id_, secret=secret)


async def _now(call: Call[WebhookPath, WebhookUpdate], webhook: str) -> Webhook | Refusal:
    found = call.live.state.webhooks.get(webhook)
    return NOT_FOUND if found is None else _shown(found)  # somebody may have removed it since


def _shown(stored: Stored) -> Webhook:
    return Webhook(
        id=stored.id,
        url=stored.url,
        events=stored.events,
        active=stored.active,
        reason=stored.reason,
        created_at=stored.created_at,
    )


_EXAMPLE = Webhook(
    id="crm",
    url="https://book.example.com/deskbell",
    events=(EventType.MESSAGE_SENT, EventType.CONVERSATION_CREATED),
    active=True,
    reason="",
    created_at=1_793_000_000_000,
)
_SECRET = "whsec_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEga2V5IQ"  # noqa: S105 - an example


def webhook_route(method: str, path: str, summary: str, **more: Any) -> AnyRoute:
    """A route for the business and its owners."""
    return Route(
        method=method,
        path=f"/v1/webhooks{path}",
        summary=summary,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.WEBHOOKS,
        scope=Scope.WEBHOOKS_READ if method == "GET" else Scope.WEBHOOKS_WRITE,
        **{"parameters": WebhookPath, "body": Nothing, **more},
    )


ROUTES = (
    webhook_route(
        "GET",
        "",
        "List webhooks",
        handler=everyone,
        parameters=Nothing,
        answer=WebhookList,
        shows=WebhookList(webhooks=(_EXAMPLE,)),
    ),
    webhook_route(
        "POST",
        "",
        "Add a webhook",
        handler=add,
        parameters=Nothing,
        body=NewWebhook,
        answer=AddedWebhook,
        repeat=Repeat.NOTHING,
        status=201,
        refusals=(Code.CONFLICT, Code.TOO_LARGE, *UNDONE),
        asks=NewWebhook(id="crm", url=_EXAMPLE.url, events=_EXAMPLE.events),
        shows=AddedWebhook(secret=_SECRET, **msgspec.structs.asdict(_EXAMPLE)),
    ),
    webhook_route(
        "GET",
        "/{webhook}",
        "Show a webhook",
        handler=show,
        answer=Webhook,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    webhook_route(
        "PATCH",
        "/{webhook}",
        "Change a webhook",
        handler=change,
        body=WebhookUpdate,
        answer=Webhook,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=WebhookUpdate(active=True),
        shows=_EXAMPLE,
    ),
    webhook_route(
        "DELETE",
        "/{webhook}",
        "Remove a webhook",
        handler=remove,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1086),
    ),
    webhook_route(
        "POST",
        "/{webhook}/secret",
        "Make a new secret for a webhook",
        handler=rotate,
        answer=WebhookSecret,
        repeat=Repeat.NOTHING,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=WebhookSecret(id="crm", secret=_SECRET),
    ),
)
