"""What an application may decide about its client, and what it gets if it does not."""

import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Options:
    """The defaults suit one person at one device.

    - ``location``: where the person logs in, an open one; ``None`` is their first that is open.
    - ``window``: sends in flight over all conversations (never more than the server allows);
      ``window_per_conversation``: 1 keeps the order of a conversation even if the server turns one
      of them away for a while, more is faster where that does not matter.
    - ``max_pending``: sends without an ack; beyond it `PendingFull` is raised.
    - ``queue``: events that wait for the application; beyond it the client stops queueing and asks
      the server for the rest when the application has caught up.
    - ``auto_delivered``: a message that the application takes from the events is receipted as
      delivered.
    - ``ssl_context``: for `wss:`; ``None`` is the default of the platform.
    - ``random``: numbers in [0, 1) for the backoff; ``new_id``: a new client_message_id, or the id
      of a new conversation.
    """

    location: str | None = None
    window: int = 32
    window_per_conversation: int = 1
    max_pending: int = 1000
    queue: int = 1000
    auto_delivered: bool = True
    ssl_context: ssl.SSLContext | None = None
    random: Callable[[], float] = field(default_factory=lambda: SystemRandom().random)
    new_id: Callable[[], str] = _new_id
