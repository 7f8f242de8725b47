"""One delivery of one event: what it was about, signed, and what came of the call."""

from collections.abc import Callable

import msgspec

from adapters.webhooks.address import Endpoint, endpoint_of
from adapters.webhooks.calling import Caller, NotReached
from domain.business import Business
from domain.refusal import Refusal
from domain.webhook_events import body_of
from domain.webhook_order import LogEntry
from domain.webhooks import GONE, Secrets, Webhook, event_id, signature, succeeded
from storage.webhook_store import WebhookStore


class Delivered(msgspec.Struct, frozen=True):
    """The receiver has taken it, or there is nothing (any more) to be told."""

    status: int = 0


class Failed(msgspec.Struct, frozen=True):
    """``status`` is HTTP's, 0 where there was no answer; ``reason`` in a few words."""

    status: int
    reason: str

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more."""
        return self.status == GONE


Outcome = Delivered | Failed

EVENT_HEADER = "Deskbell-Event"
DELIVERY_HEADER = "Deskbell-Delivery"
SIGNATURE_HEADER = "Deskbell-Signature"


def headers_of(
    secrets: Secrets, now: int, event: str, delivery: str, body: bytes
) -> dict[str, str]:
    """The headers of a call to a business, with its signature."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Deskbell",
        EVENT_HEADER: event,
        DELIVERY_HEADER: delivery,
        SIGNATURE_HEADER: signature(secrets.valid(now), now // 1000, body),
    }


class Courier:
    """Delivers; it remembers nothing."""

    def __init__(
        self,
        store: WebhookStore,
        caller: Caller,
        clock: Callable[[], int],
        seconds: float,
        *,
        allow_private: bool,
    ) -> None:
        """``seconds``: how long a call may take, in all."""
        self._store = store
        self._caller = caller
        self._clock = clock
        self._seconds = seconds
        self._allow_private = allow_private

    def endpoint(self, url: str) -> Endpoint | Refusal:
        """Where ``url`` leads, or why it may not be called."""
        return endpoint_of(url, allow_private=self._allow_private)

    async def deliver(self, business: Business, webhook: Webhook, entry: LogEntry) -> Outcome:
        """One attempt. Raises what the store raises: `trio.TooSlowError`, `sqlite3.Error`."""
        happened = await self._store.happened(business, entry)
        if happened is None:
            return Delivered()
        endpoint = self.endpoint(webhook.url)
        if isinstance(endpoint, Refusal):  # the setting has changed since
            return Failed(0, "the url may not be called")
        body = body_of(business.id, entry, happened)
        delivery = event_id(business.id, entry.revision)
        headers = headers_of(webhook.secrets, self._clock(), entry.type, delivery, body)
        try:
            answer = await self._caller.post(endpoint, headers, body, self._seconds)
        except NotReached as error:
            return Failed(0, str(error))
        if succeeded(answer.status):
            return Delivered(answer.status)
        return Failed(answer.status, _said(answer.status))


def _said(status: int) -> str:
    if 300 <= status < 400:
        return "redirects are not followed"
    return f"the answer was {status}"
