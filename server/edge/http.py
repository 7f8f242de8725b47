"""HTTP of one connection: Hypercorn's trio server on our stream, confined to it.

Against faults of Hypercorn 0.18: no HTTP/2 and no websocket on any path into it, an error ends one
connection, a send can be cancelled, a body has a deadline.
"""

import logging
from typing import Final

import h11
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, H11SendableEvent

from server.edge.head import Head, HTTPRefusal, parse_head
from server.edge.limits import EdgeLimits
from server.edge.stream import RECEIVE_BYTES, ConnectionStream

LINGER: Final = 2.0
"""How long a client may go on sending after its last answer."""

_log = logging.getLogger("deskbell.edge.http")


_MALFORMED: Final = HTTPRefusal(400, "The request is malformed.")
_OF_STATUS: Final = {
    431: HTTPRefusal(431, "The request's head is too long."),
    501: HTTPRefusal(501, "Send a body as it is, or chunked: no other transfer coding is known."),
}
_TWO_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
"""Two ways to say where a body ends: a proxy may have believed the other one."""
_TOO_SLOW: Final = HTTPRefusal(408, "The body did not come in time. Send it again.")


class HTTPServing:
    """What all HTTP connections share: the app, Hypercorn's settings, the sign to stop."""

    def __init__(self, app: ASGIFramework, limits: EdgeLimits) -> None:
        self.app = ASGIWrapper(app)
        self.limits = limits
        self.context = WorkerContext(None)
        self.config = Config()
        self.config.errorlog = _log
        self.config.accesslog = None
        self.config.include_server_header = False
        self.config.keep_alive_timeout = limits.keep_alive
        self.config.h11_max_incomplete_size = limits.head_bytes

    async def stop(self) -> None:
        """Answer what is being asked, then close: no connection is kept alive any more."""
        await self.context.terminated.set()


class _Requests(h11.Connection):
    """Passes over empty lines before a request, and what comes behind the last one (RFC 9112)."""

    def __init__(self, head_bytes: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=head_bytes)

    def receive_data(self, data: bytes) -> None:
        if self.their_state is not h11.MUST_CLOSE:
            super().receive_data(data)

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        if self.their_state is h11.MUST_CLOSE:
            return h11.NEED_DATA
        waiting = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        empty = len(waiting) - len(waiting.lstrip(b"\r\n"))
        if empty:
            self._receive_buffer.maybe_extract_at_most(empty)
        return super().next_event()


class HTTPProtocol(H11Protocol):
    """HTTP/1.1 and nothing that it can be upgraded to."""

    upgrade: tuple[Head, bytes] | None = None
    """A websocket's request that came on a kept-alive connection, and what came behind it."""
    _refused = False

    async def initiate(self) -> None:
        """Read requests as `_Requests` does; to be called before anything is handled."""
        self.connection = _Requests(self.config.h11_max_incomplete_size)

    async def refuse(self, refusal: HTTPRefusal) -> None:
        """Answer in the app's stead, if it has not begun to; what it says then goes nowhere."""
        if self.connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refused = True
            await self.send(RawData(data=refusal.encode()))

    async def _send_error_response(self, status_code: int) -> None:
        await self.refuse(_OF_STATUS.get(status_code, _MALFORMED))

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if not self._refused:
            await super()._send_h11_event(event)

    @property
    def awaits_body(self) -> bool:
        """Whether the client has begun a request and not yet finished its body."""
        return self.connection.their_state is h11.SEND_BODY

    async def _check_protocol(self, event: h11.Request) -> None:
        """Neither h2c nor HTTP/2 with prior knowledge."""

    async def _create_stream(self, request: h11.Request) -> None:
        if {name for name, _ in request.headers} >= _TWO_LENGTHS:
            await self.refuse(_MALFORMED)
            await self.send(Closed())
            return
        head = _head(request)
        if isinstance(head, Head) and head.wants_websocket:
            assert isinstance(self.connection, h11.Connection)
            self.upgrade = head, self.connection.trailing_data[0]
            return
        await super()._create_stream(_without_upgrade(request))


class HTTPConnection(TCPServer):
    """One connection's HTTP; ``upgrade`` is set if it ended by asking for a websocket."""

    protocol: HTTPProtocol  # type: ignore[assignment]
    stream: ConnectionStream  # type: ignore[assignment]

    def __init__(self, serving: HTTPServing, stream: ConnectionStream) -> None:
        super().__init__(serving.app, serving.config, serving.context, {}, stream)  # type: ignore[arg-type]
        self._limits = serving.limits
        self._waited = 0.0
        self._progress = 0
        self._ended = False
        self._reading = trio.CancelScope()

    @property
    def upgrade(self) -> tuple[Head, bytes] | None:
        """A websocket's request that came on this connection, and what came behind it."""
        return self.protocol.upgrade

    async def run(self) -> None:
        """Serve requests until the connection ends or asks for a websocket."""
        async with TaskGroup() as task_group:
            self._task_group = task_group
            self.protocol = HTTPProtocol(
                self.app,
                self.config,
                self.context,
                task_group,
                ConnectionState({}),
                False,
                self.stream.peer,
                self.stream.local,
                self.protocol_send,
            )
            await self.protocol.initiate()
            await self.idle_task.restart(task_group, self._idle_timeout)
            await self._read_data()
            self._ended = True
            await self.idle_task.stop()
        if self.upgrade is None:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        """Send without Hypercorn's shield: a client that does not read holds up nobody."""
        if isinstance(event, Updated) and self._ended:
            return  # nothing is to be kept alive: an answer ended after its client had gone
        if isinstance(event, Closed):
            self._reading.cancel()  # nothing more is read: `run` closes, and not the app's task
            return
        if not isinstance(event, RawData):
            await super().protocol_send(event)
            return
        try:
            await self.stream.send_all(event.data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.protocol.handle(Closed())

    async def _read_data(self) -> None:
        with self._reading:
            while True:
                try:
                    data = await self._receive()
                except trio.TooSlowError:
                    await self.protocol.refuse(_TOO_SLOW)
                    break
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    break
                await self.protocol.handle(RawData(data))
                if self.upgrade is not None:
                    return
                if not data:
                    break
        await self.protocol.handle(Closed())

    async def _receive(self) -> bytes:
        """What came; TooSlowError if a body that was begun makes too little progress.

        Only time spent here counts: an app that is slow to take a body is not the client's fault.
        """
        if not self.protocol.awaits_body:
            self._waited, self._progress = 0.0, 0
            return await self.stream.receive_some(RECEIVE_BYTES)
        started = trio.current_time()
        with trio.fail_after(max(0.0, self._limits.body_deadline - self._waited)):
            data = await self.stream.receive_some(RECEIVE_BYTES)
        self._waited += trio.current_time() - started
        self._progress += len(data)
        if self._progress >= self._limits.body_progress:
            self._waited, self._progress = 0.0, 0
        return data

    async def _close(self) -> None:
        await self.stream.linger(LINGER)
        await self.stream.aclose()


def _head(request: h11.Request) -> Head | HTTPRefusal:
    lines = [
        b"%s %s HTTP/%s" % (request.method, request.target, request.http_version),
        *(b"%s: %s" % header for header in request.headers),
    ]
    return parse_head(b"\r\n".join(lines))


def _without_upgrade(request: h11.Request) -> h11.Request:
    if all(name != b"upgrade" for name, _ in request.headers):
        return request
    return h11.Request(
        method=request.method,
        target=request.target,
        headers=[(name, value) for name, value in request.headers if name != b"upgrade"],
        http_version=request.http_version,
    )
