"""Delivering again: one event that failed, or all from a point of the log on."""

import msgspec
import trio

from domain.refusal import NOT_FOUND, Code, Refusal
from domain.webhooks import Webhook
from server.live import LiveBusiness
from server.node import Node
from server.webhooks.courier import Delivered
from storage.webhooks import Attempt

_IS_OFF = Refusal(Code.CONFLICT, "The webhook is not active. Switch it on first.")


class Retry(msgspec.Struct, frozen=True):
    """What came of it; a ``reason`` without a status says what happens next."""

    delivered: bool
    status: int = 0
    reason: str = ""


async def retry(node: Node, live: LiveBusiness, webhook: Webhook, revision: int) -> Retry | Refusal:
    """Try an event now: a dead letter here, out of its order; what is pending by its sender."""
    store, business = node.database.webhooks, live.state
    if not webhook.active:
        return _IS_OFF
    with trio.CancelScope(shield=True):  # a sender that was stopped is started again
        async with node.hooks.dispatcher.paused(live.id, webhook.id):
            if await store.retry_now(business, webhook.id, revision, node.clock()):
                return Retry(delivered=False, reason="it is tried at once")
    letters = await store.undelivered(business, webhook.id, False, revision - 1, 1)
    if not letters or letters[0].revision != revision:
        return NOT_FOUND
    entries, _ = await store.of_lane(business, letters[0].lane, revision - 1, revision)
    if not entries:
        await store.settle(business, webhook.id, revision)
        return Retry(delivered=True, reason="there is nothing to be told any more")
    outcome = await node.hooks.dispatcher.courier.deliver(business, webhook, entries[0])
    if isinstance(outcome, Delivered):
        await store.settle(business, webhook.id, revision)
        return Retry(delivered=True, status=outcome.status)
    failure = Attempt(revision, node.clock(), outcome.status, outcome.reason)
    await store.bury(business, webhook.id, failure)
    return Retry(delivered=False, status=outcome.status, reason=outcome.reason)


async def replay_from(
    node: Node, live: LiveBusiness, webhook: Webhook, revision: int | None, time: int | None
) -> int | Refusal:
    """Have a webhook begin anew at a revision or a time; the revision that it begins at."""
    store, business = node.database.webhooks, live.state
    if revision is not None:
        begins = min(max(1, revision), node.database.journal.released(live.id) + 1)
    else:
        assert time is not None
        begins = await store.before(business, time) + 1
    with trio.CancelScope(shield=True):
        async with node.hooks.dispatcher.paused(live.id, webhook.id):
            await store.replay(business, webhook.id, begins - 1)
    return begins
