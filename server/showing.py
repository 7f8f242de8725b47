"""Showing a frame to connections: encoded once per codec, framed once, queued on each."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from protocol.codec import Codec
from protocol.frames import Frame
from server.live import Connection, LiveBusiness
from server.tokens import Tokens


@dataclass(slots=True)
class Showing:
    """Queues frames on the connections of live businesses; ``flush`` writes what was queued."""

    businesses: dict[str, LiveBusiness]
    tokens: Tokens
    typing_ms: int
    flush: Callable[[], None]
    deliveries: int = 0
    events: int = 0

    def _show(
        self,
        live: LiveBusiness,
        revision: int,
        frame: Frame,
        people: Iterable[str],
        origins: Collection[int],
    ) -> None:
        """The hot loop: one look-up a person, one append a connection, one encoding a codec."""
        connections = live.connections
        framed: dict[Codec, bytes] = {}
        shown = 0
        for person in people:
            for connection in connections.get(person, ()):
                if (
                    connection.behind
                    or connection.revision >= revision
                    or connection.number in origins
                ):
                    continue
                codec = connection.codec
                data = framed.get(codec)
                if data is None:
                    data = framed[codec] = codec.framed(frame)
                if connection.queue(data):
                    connection.revision = revision
                    shown += 1
                else:
                    connection.fall_behind()
        self.deliveries += shown

    def _read_on(self, live: LiveBusiness, people: Iterable[str]) -> None:
        """What these people now see needs more than an event: their connections read the log."""
        for person in people:
            for connection in live.connections_of(person):
                connection.fall_behind()

    def _shed(self, frame: Frame, connections: Iterable[Connection]) -> list[Connection]:
        """Show what nobody waits for; answers who did not take it."""
        framed: dict[Codec, bytes] = {}
        shed = []
        for connection in connections:
            if connection.behind or not connection.has_room():
                shed.append(connection)
                continue
            codec = connection.codec
            data = framed.get(codec)
            if data is None:
                data = framed[codec] = codec.framed(frame)
            if not connection.queue(data):
                shed.append(connection)
        self.flush()
        return shed
