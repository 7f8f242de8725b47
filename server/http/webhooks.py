"""Webhooks: who is told of what happens, what could not be told, and telling it again."""

from typing import Annotated, Any, Literal

import msgspec

from actors.webhook_commands import AddWebhook, ChangeWebhook, RemoveWebhook
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.webhook_order import LOCATION, PERSON
from domain.webhook_rules import WebhookChange
from domain.webhooks import EventType, Secrets, event_id, revision_of
from domain.webhooks import Webhook as Stored
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Uint,
    Unset,
    set_or_none,
)
from server.http.route import BUSINESS_OR_PERSON, UNDONE, AnyRoute, Call, Route
from server.tokens import make_key
from server.webhooks.redelivery import replay_from, retry
from storage.webhooks import Undelivered

DELIVERIES_MAX = 200

EventId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._:-]{1,64}\.[0-9]{1,15}\Z")]
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


class DeliveriesQuery(WebhookPath, frozen=True, kw_only=True):
    """``after``: the ``next`` of the page before."""

    state: Literal["pending", "failed"]
    after: Uint = 0
    limit: Uint = 50


class AttemptShown(Output, frozen=True, kw_only=True):
    """``status``: HTTP's, 0 where there was no answer."""

    at: int
    status: int
    reason: str


class Delivery(Output, frozen=True, kw_only=True):
    """An event that could not be delivered; ``next_attempt_at`` 0: it is a dead letter.

    ``conversation`` is empty for what happened in none. While it is pending, what came after it in
    its conversation waits too.
    """

    event: str
    type: EventType
    revision: int
    conversation: str
    next_attempt_at: int
    attempts: tuple[AttemptShown, ...]


class DeliveryList(Output, frozen=True, kw_only=True):
    """In the log's order; ``next`` is to be given as ``after`` for more, 0: there is no more."""

    deliveries: tuple[Delivery, ...]
    next: int


class DeliveryPath(WebhookPath, frozen=True, kw_only=True):
    event: EventId


class Retried(Output, frozen=True, kw_only=True):
    """``delivered``: the receiver has taken it by now; else ``reason``, or it is tried at once."""

    delivered: bool
    status: int
    reason: str


class ReplayStart(Input, frozen=True, kw_only=True):
    """Where to begin anew: at a revision, or at a time. Exactly one of the two."""

    from_revision: Uint | Unset = UNSET
    from_time: Uint | Unset = UNSET


class Replaying(Output, frozen=True, kw_only=True):
    """``from_revision``: the first event that is sent (again), if it is of a type asked for."""

    from_revision: int


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
        set_or_none(body.id) or node.new_id(), body.url, body.events, Secrets(secret), node.clock()
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


async def deliveries(call: Call[DeliveriesQuery, Nothing]) -> DeliveryList | Refusal:
    """What could not be delivered: `pending`, to be tried again, or `failed`, the dead letters."""
    asked, live = call.parameters, call.live
    if asked.webhook not in live.state.webhooks:
        return NOT_FOUND
    limit = max(1, min(asked.limit, DELIVERIES_MAX))
    found = await call.node.database.webhooks.undelivered(
        live.state, asked.webhook, asked.state == "pending", asked.after, limit + 1
    )
    return DeliveryList(
        deliveries=tuple(_delivery(live.id, each) for each in found[:limit]),
        next=found[limit - 1].revision if len(found) > limit else 0,
    )


async def retry_delivery(call: Call[DeliveryPath, Nothing]) -> Retried | Refusal:
    """Try an event at once: a dead letter before this answers; what is pending right after."""
    asked, live = call.parameters, call.live
    webhook = live.state.webhooks.get(asked.webhook)
    revision = revision_of(asked.event, live.id)
    if webhook is None or revision is None:
        return NOT_FOUND
    outcome = await retry(call.node, live, webhook, revision)
    if isinstance(outcome, Refusal):
        return outcome
    return Retried(delivered=outcome.delivered, status=outcome.status, reason=outcome.reason)


async def replay(call: Call[WebhookPath, ReplayStart]) -> Replaying | Refusal:
    """Send everything from a point of the log on, again or (later than it stands) leaving out.

    What had failed or waited from there on is forgotten: it comes again.
    """
    asked, live = call.body, call.live
    webhook = live.state.webhooks.get(call.parameters.webhook)
    if webhook is None:
        return NOT_FOUND
    revision, time = set_or_none(asked.from_revision), set_or_none(asked.from_time)
    if (revision is None) == (time is None):
        return Refusal(Code.BAD_REQUEST, "Give 'from_revision' or 'from_time', one of them.")
    begins = await replay_from(call.node, live, webhook, revision, time)
    return begins if isinstance(begins, Refusal) else Replaying(from_revision=begins)


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


def _delivery(business: str, stored: Undelivered) -> Delivery:
    return Delivery(
        event=event_id(business, stored.revision),
        type=stored.type,
        revision=stored.revision,
        conversation="" if stored.lane.startswith((PERSON, LOCATION)) else stored.lane,
        next_attempt_at=stored.due_at,
        attempts=tuple(
            AttemptShown(at=a.at, status=a.status, reason=a.reason) for a in stored.attempts
        ),
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


def _route(method: str, path: str, summary: str, **more: Any) -> AnyRoute:
    """A route for the business and its owners."""
    return Route(
        method=method,
        path=f"/v1/webhooks{path}",
        summary=summary,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.WEBHOOKS,
        **{"parameters": WebhookPath, "body": Nothing, **more},
    )


ROUTES = (
    _route(
        "GET",
        "",
        "List webhooks",
        handler=everyone,
        parameters=Nothing,
        answer=WebhookList,
        shows=WebhookList(webhooks=(_EXAMPLE,)),
    ),
    _route(
        "POST",
        "",
        "Add a webhook",
        handler=add,
        parameters=Nothing,
        body=NewWebhook,
        answer=AddedWebhook,
        status=201,
        refusals=(Code.CONFLICT, Code.TOO_LARGE, *UNDONE),
        asks=NewWebhook(id="crm", url=_EXAMPLE.url, events=_EXAMPLE.events),
        shows=AddedWebhook(secret=_SECRET, **msgspec.structs.asdict(_EXAMPLE)),
    ),
    _route(
        "GET",
        "/{webhook}",
        "Show a webhook",
        handler=show,
        answer=Webhook,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    _route(
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
    _route(
        "DELETE",
        "/{webhook}",
        "Remove a webhook",
        handler=remove,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1086),
    ),
    _route(
        "POST",
        "/{webhook}/secret",
        "Make a new secret for a webhook",
        handler=rotate,
        answer=WebhookSecret,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=WebhookSecret(id="crm", secret=_SECRET),
    ),
    _route(
        "GET",
        "/{webhook}/deliveries",
        "List what could not be delivered",
        handler=deliveries,
        parameters=DeliveriesQuery,
        answer=DeliveryList,
        refusals=(Code.NOT_FOUND,),
        shows=DeliveryList(
            deliveries=(
                Delivery(
                    event="pawsome.1078",
                    type=EventType.MESSAGE_SENT,
                    revision=1078,
                    conversation="rex-grooming",
                    next_attempt_at=1_793_000_035_000,
                    attempts=(
                        AttemptShown(at=1_793_000_030_000, status=503, reason="the answer was 503"),
                    ),
                ),
            ),
            next=0,
        ),
    ),
    _route(
        "POST",
        "/{webhook}/deliveries/{event}/retry",
        "Deliver an event again",
        handler=retry_delivery,
        parameters=DeliveryPath,
        answer=Retried,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        shows=Retried(delivered=True, status=200, reason=""),
    ),
    _route(
        "POST",
        "/{webhook}/replay",
        "Deliver everything from a point on again",
        handler=replay,
        body=ReplayStart,
        answer=Replaying,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=ReplayStart(from_time=1_793_000_000_000),
        shows=Replaying(from_revision=1042),
    ),
)
