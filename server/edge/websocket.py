"""One websocket as its handler sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from protocol.framing import Opcode

MessagesCallback = Callable[[list[bytes]], None]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a websocket ended; 1006 stands for a connection lost without a close frame."""

    code: int
    reason: str


class WebSocket(Protocol):
    """An open websocket, given to ``async def handler(websocket) -> None``.

    The handler sets ``on_messages`` first (nothing is read before), then typically awaits
    ``wait_closed()``. When it returns, the websocket is closed with 1000; when it raises, with 1011.
    A handler still running ``close_deadline`` seconds after its websocket ended is cancelled.
    """

    subprotocol: str | None
    opcode: Opcode | None
    """The kind of data frame this subprotocol uses: the other kind is closed with 1003."""
    remote: str
    """The client's IP address as the socket has it."""
    path: str
    headers: Mapping[str, str]
    """Of the upgrade request: names in lower case, repeated values joined by ", "."""

    on_messages: MessagesCallback | None
    """Called synchronously with the payloads of all messages of one read, in order.

    Raising ends this websocket alone with 1011. ``kind`` says whether they were TEXT or BINARY,
    where the subprotocol leaves it open.
    """
    kind: Opcode
    on_drained: Callable[[], None] | None
    """Called when all that waited for this client has gone, after some of it had to wait."""
    on_stalled: Callable[[], None] | None
    """Called once before the websocket is closed with 4008 because the client does not read."""
    on_stopping: Callable[[], None] | None
    """Called when the server stops; by default ``close_soon(4012, "restart")``."""

    @property
    def closed(self) -> Closed | None:
        """None until the connection is over."""

    @property
    def pending_bytes(self) -> int:
        """Bytes accepted for this client that its kernel buffer has not taken yet."""

    def send_nowait(self, framed: bytes) -> bool:
        """Send whole frames now, in order with all other sends.

        What the kernel does not take waits in the bounded buffer. False, and nothing is
        sent, if it would exceed its bound or the websocket is closing or closed.
        """

    def queue(self, framed: bytes) -> bool:
        """As ``send_nowait``, but written by the next ``Flusher.flush()``, all queued in one send."""

    def pause_reading(self) -> None:
        """Stop calling ``on_messages`` and reading from the socket, so that TCP pushes back.

        Messages already handed over in the current list stay the handler's. Idempotent.
        """

    def resume_reading(self) -> None:
        """Go on; what was held back is handed over before this returns. Idempotent."""

    def close_soon(self, code: int = 1000, reason: str = "") -> None:
        """Ask for a close; the connection's own tasks perform it. The first request counts."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Flush, perform the close handshake, and drop the connection at ``close_deadline``."""

    async def wait_closed(self) -> Closed:
        """Wait until the connection is over."""
