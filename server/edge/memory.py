"""Transports in memory, with the faults of a network: for tests and simulations."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pipe:
    """One direction of a pair; its faults may be changed at any time."""

    capacity: int = 65536
    """Bytes in flight before a send would block."""
    cut_after: int | None = None
    """The connection is reset for both ends when this many bytes have gone through."""
    black_hole: bool = False
    """Bytes vanish, neither end is told."""
    slice_to: int | None = None
    """The most bytes that one receive gives."""


class MemoryTransport:
    """One end of a connection in memory."""

    outgoing: Pipe
    incoming: Pipe


def memory_pair(capacity: int = 65536) -> tuple[MemoryTransport, MemoryTransport]:
    """Two connected ends; wrap the client's in a ``ConnectionStream`` to use it as a trio stream."""
    raise NotImplementedError
