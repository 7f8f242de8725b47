"""The one port: accepts connections, tells websockets from HTTP, and keeps them within limits."""

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence

import trio
from hypercorn.typing import ASGIFramework

from protocol.framing import Opcode
from server.edge.limits import EdgeLimits, EdgeStatistics
from server.edge.memory import MemoryTransport
from server.edge.stream import Flusher
from server.edge.websocket import WebSocket

WebSocketHandler = Callable[[WebSocket], Awaitable[None]]


class Listener:
    """Serves websockets on one path with a handler and everything else with an ASGI app."""

    flusher: Flusher

    def __init__(
        self,
        *,
        handler: WebSocketHandler,
        http_app: ASGIFramework,
        origin_allowed: Callable[[str], bool],
        subprotocols: Mapping[str, Opcode] | None,
        path: str = "/v1/ws",
        limits: EdgeLimits | None = None,
    ) -> None:
        """``origin_allowed``: an exact test such as ``frozenset(origins).__contains__``.

        ``subprotocols``: each with the kind of data frame it uses; a client must offer one of
        them. None accepts any or none, with both kinds.
        """
        raise NotImplementedError

    async def run(
        self,
        listening: Sequence[socket.socket] = (),
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept from bound sockets and serve, until ``stop`` has finished or cancelled."""
        raise NotImplementedError

    def serve(self, transport: MemoryTransport) -> None:
        """Serve one connection over a transport that is connected already, as in a test."""
        raise NotImplementedError

    def stop_accepting(self) -> None:
        """Close the listening sockets; what is connected goes on."""
        raise NotImplementedError

    async def stop(self, drain: float = 10.0) -> None:
        """Stop accepting, ask every websocket to close, wait up to ``drain`` seconds, cancel."""
        raise NotImplementedError

    def sweep(self, now: float) -> None:
        """Ping the silent, drop the dead and the stalled; ``run`` calls it once a second."""
        raise NotImplementedError

    def statistics(self) -> EdgeStatistics:
        """What is open now, and totals since the start."""
        raise NotImplementedError
