"""What webhooks could not deliver, and delivering it again."""

from typing import Annotated, Literal

import msgspec

from domain.refusal import NOT_FOUND, Code, Refusal
from domain.webhook_order import LOCATION, PERSON
from domain.webhooks import EventType, event_id, revision_of
from server.http.fields import UNSET, Input, Nothing, Output, Uint, Unset, set_or_none
from server.http.route import UNDONE, Call
from server.http.webhooks import WebhookPath, webhook_route
from server.webhooks.redelivery import replay_from, retry
from storage.webhooks import Undelivered

DELIVERIES_MAX = 200

EventId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._:-]{1,64}\.[0-9]{1,15}\Z")]


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
    """In the log's order; ``next`` goes into ``after`` for the next page; left out at the end."""

    deliveries: tuple[Delivery, ...]
    next: str | Unset = UNSET


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
        next=str(found[limit - 1].revision) if len(found) > limit else UNSET,
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


ROUTES = (
    webhook_route(
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
        ),
    ),
    webhook_route(
        "POST",
        "/{webhook}/deliveries/{event}/retry",
        "Deliver an event again",
        handler=retry_delivery,
        parameters=DeliveryPath,
        answer=Retried,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        shows=Retried(delivered=True, status=200, reason=""),
    ),
    webhook_route(
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
