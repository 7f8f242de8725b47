"""The edge's limits, and the figures it reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimits:
    """Every bound and deadline of the edge: bytes, counts, seconds.

    Beyond a count: HTTP 503 with ``Retry-After``. Beyond a deadline or a size: the connection ends
    alone, with the close code of `docs/protocol.md` section 10 where it is a websocket.
    """

    connections: int = 20_000
    connections_per_address: int | None = None
    """None for no cap, as behind a reverse proxy; an IPv6 address counts as its /64."""
    retry_after: int = 5
    """What ``Retry-After`` says."""

    head_bytes: int = 16_384
    head_deadline: float = 10.0
    """From accept to a complete request head; a trickle does not extend it."""
    keep_alive: float = 5.0
    """From the end of one HTTP response to the head of the next request."""
    body_deadline: float = 10.0
    body_progress: int = 1024
    """An HTTP body must bring ``body_progress`` bytes (or its end) in each ``body_deadline``."""
    http_stall: float = 20.0
    """How long an HTTP client may take nothing of a response."""

    message_bytes: int = 131_072
    message_fragments: int = 1024
    outbound_bytes: int = 262_144
    """What may wait for one connection after the kernel's own buffer is full."""
    ping_after: float = 20.0
    silence: float = 30.0
    """A websocket is pinged when nothing came for ``ping_after``, dropped after ``silence``."""
    stall: float = 10.0
    """How long a websocket's client may take nothing while bytes wait for it: 4008."""
    close_deadline: float = 3.0
    """For a close handshake, and for a handler to return after its connection ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeStatistics:
    """What is open now, and totals since the start."""

    open: int
    websockets: int
    http: int
    accepted: int
    refused: int
    failed: int
    """Connections that an unexpected error ended."""
    bytes_received: int
    bytes_sent: int
