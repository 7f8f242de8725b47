"""What a connection's bytes go through: a non-blocking socket, or its double in memory."""

import socket
import struct
from collections.abc import Callable
from typing import Final, Protocol

from server.edge.poller import Pollable, Poller

Address = tuple[str, int]

UNSENT_BYTES: Final = 131_072
"""What the kernel takes for a peer beyond what is on its way: its own limit may be megabytes."""

_RESET: Final = struct.pack("ii", 1, 0)


class Transport(Protocol):
    """A connected byte stream with the manners of a non-blocking socket.

    ``send`` and ``recv`` raise BlockingIOError when they would block and another OSError when
    the connection is lost; ``recv`` gives no bytes at the end.
    """

    @property
    def send(self) -> Callable[[bytes | bytearray], int]:
        """Take what fits now of the bytes; how many were taken."""

    @property
    def recv(self) -> Callable[[int], bytes]:
        """At most so many bytes of those that came."""

    @property
    def peer(self) -> Address:
        """The other end."""

    @property
    def local(self) -> Address:
        """This end."""

    def attach(self, handler: Pollable, after_turn: Callable[[], None]) -> None:
        """Whom to call when ready, and what to call after its callbacks; once, before ``want``."""

    def want(self, *, read: bool, write: bool) -> None:
        """Call the handler when ready for this, as long as it is."""

    def shutdown_write(self) -> None:
        """Tell the peer that nothing more comes; raises OSError when the connection is lost."""

    def close(self, *, reset: bool) -> None:
        """Let go of the connection, what is unsent with it if ``reset``. Idempotent."""


class SocketTransport:
    """A connected TCP socket, told of its readiness by a poller."""

    __slots__ = ("_poller", "_socket", "local", "peer", "recv", "send")

    def __init__(self, sock: socket.socket, poller: Poller) -> None:
        """Takes ``sock`` over; raises OSError if it is no longer connected."""
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self.peer: Address = _address(sock.getpeername())
        self.local: Address = _address(sock.getsockname())
        self.send: Callable[[bytes | bytearray], int] = sock.send
        self.recv: Callable[[int], bytes] = sock.recv
        self._socket = sock
        self._poller = poller

    def attach(self, handler: Pollable, after_turn: Callable[[], None]) -> None:
        """Whom to call when ready; ``after_turn`` is the poller's, once for all its sockets."""
        self._poller.register(self._socket.fileno(), handler)

    def want(self, *, read: bool, write: bool) -> None:
        """Call the handler when ready for this, as long as it is."""
        self._poller.want(self._socket.fileno(), read=read, write=write)

    def shutdown_write(self) -> None:
        """Tell the peer that nothing more comes; raises OSError when the connection is lost."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool) -> None:
        """Let go of the connection, what is unsent with it if ``reset``. Idempotent."""
        if self._socket.fileno() < 0:
            return
        self._poller.unregister(self._socket.fileno())
        if reset:
            # A peer that does not read must not keep what it never reads in our kernel's memory.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()


def _address(name: object) -> Address:
    """IP address and port; an IPv4 address that came in over IPv6 is shown as what it is."""
    match name:
        case (str(host), int(port), *_):
            return host.removeprefix("::ffff:") if "." in host else host, port
        case _:
            return "", 0
