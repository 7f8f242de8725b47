"""Connections in memory, with the faults of a network: for tests and simulations.

The server's end goes to ``Listener.serve``; the client's end, wrapped in a ``ConnectionStream``, is
a trio stream for any client library. Nothing here waits for real time.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from server.edge.poller import Pollable, guarded
from server.edge.transport import Address


@dataclass(slots=True, eq=False)
class Pipe:
    """One direction of a connection. Its faults may be set at any time."""

    capacity: int = 65_536
    """Bytes in flight before a send would block."""
    cut_after: int | None = None
    """The connection is reset, for both ends, when ``carried`` reaches this."""
    black_hole: bool = False
    """What is sent from now on vanishes, and so does its end; neither side is told."""
    slices: Callable[[], int] | None = None
    """Asked at each receive for the most bytes that it gives (at least 1)."""
    carried: int = 0
    """Bytes that were taken from the sender so far."""
    flying: bytearray = field(default_factory=bytearray)
    swallowed: int = 0
    finished: bool = False
    reset: bool = False

    @property
    def room(self) -> int:
        """How many bytes a send would take now."""
        return self.capacity - len(self.flying) - self.swallowed

    def put(self, data: bytes | bytearray) -> int:
        """Take what fits; raises as a socket's send does."""
        if self.reset:
            raise ConnectionResetError(errno.ECONNRESET, "connection reset")
        if data and self.room <= 0:
            raise BlockingIOError(errno.EAGAIN, "the pipe is full")
        taken = data[: self.room]
        if self.cut_after is not None:
            taken = taken[: max(0, self.cut_after - self.carried)]
        self.carried += len(taken)
        if self.black_hole:
            self.swallowed += len(taken)
        else:
            self.flying += taken
        return len(taken)

    def get(self, most: int) -> bytes:
        """Give what came; raises as a socket's recv does."""
        if self.flying:
            if self.slices is not None:
                most = min(most, max(1, self.slices()))
            data = bytes(self.flying[:most])
            del self.flying[:most]
            return data
        if self.reset:
            raise ConnectionResetError(errno.ECONNRESET, "connection reset")
        if self.finished:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing came")


class MemoryTransport:
    """One end of a connection in memory; ``memory_pair`` makes two."""

    def __init__(self, outgoing: Pipe, incoming: Pipe, local: Address, peer: Address) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        self.local = local
        self.peer = peer
        self.closed = False
        self.other: MemoryTransport | None = None
        self._handler: Pollable | None = None
        self._after_turn: Callable[[], None] = lambda: None
        self._token: trio.lowlevel.TrioToken | None = None
        self._read = False
        self._write = False

    def attach(self, handler: Pollable, after_turn: Callable[[], None]) -> None:
        """Whom to call when ready, and what to call after its callbacks; once, before ``want``."""
        self._handler = handler
        self._after_turn = after_turn
        self._token = trio.lowlevel.current_trio_token()

    def want(self, *, read: bool, write: bool) -> None:
        """Call the handler when ready for this, as long as it is."""
        self._read, self._write = read, write
        self.wake()

    def send(self, data: bytes | bytearray) -> int:
        """Take what fits; raises as a socket's send does."""
        self._check_open()
        taken = self.outgoing.put(data)
        if self.outgoing.cut_after is not None and self.outgoing.carried >= self.outgoing.cut_after:
            self.cut()
        self._wake_other()
        return taken

    def recv(self, most: int) -> bytes:
        """Give what came; raises as a socket's recv does."""
        self._check_open()
        data = self.incoming.get(most)
        self._wake_other()
        return data

    def shutdown_write(self) -> None:
        """Nothing more comes from this end."""
        self._check_open()
        if not self.outgoing.black_hole:
            self.outgoing.finished = True
            self._wake_other()

    def close(self, *, reset: bool) -> None:
        """Let go; the other end finds the end, or with ``reset`` an error. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self.outgoing.black_hole:
            return
        self.outgoing.finished = True
        self.incoming.reset = True  # who still sends here learns that nobody reads
        if reset:
            self.outgoing.flying.clear()
            self.outgoing.reset = True
        self._wake_other()

    def cut(self) -> None:
        """Reset the connection for both ends; what is in flight still arrives."""
        self.outgoing.reset = self.incoming.reset = True
        self.wake()
        self._wake_other()

    def wake(self) -> None:
        """Call the handler soon, if there is something that it wants."""
        if self._token is not None and self._ready():
            self._token.run_sync_soon(self._turn, idempotent=True)

    def _ready(self) -> bool:
        if self.closed:
            return False
        incoming, outgoing = self.incoming, self.outgoing
        readable = bool(incoming.flying) or incoming.finished or incoming.reset
        writable = outgoing.room > 0 or outgoing.reset
        return (self._read and readable) or (self._write and writable)

    def _turn(self) -> None:
        handler = self._handler
        if handler is None or not self._ready():
            return
        if self._read:
            guarded(handler, handler.on_readable)
        if self._write and not self.closed:
            guarded(handler, handler.on_writable)
        self._after_turn()
        self.wake()

    def _wake_other(self) -> None:
        if self.other is not None:
            self.other.wake()

    def _check_open(self) -> None:
        if self.closed:
            raise OSError(errno.EBADF, "this end is closed")


def memory_pair(
    capacity: int = 65_536, client: Address = ("192.0.2.1", 50_000)
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two connected ends: the client's, which has the address ``client``, and the server's."""
    server: Address = ("192.0.2.2", 443)
    up, down = Pipe(capacity), Pipe(capacity)
    one = MemoryTransport(up, down, client, server)
    two = MemoryTransport(down, up, server, client)
    one.other, two.other = two, one
    return one, two
