"""What the HTTP API stands on: the node, the demo, and the process's signs of life."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import trio

from domain.views import PersonName
from server.edge.limits import EdgeStatistics
from server.entrance import Entrance
from server.http.throttle import Throttle
from server.node import Node
from server.set_up import SetUp


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's business: who can be signed in as, without a password, and what they talk in."""

    business: str
    people: tuple[PersonName, ...]
    conversation: str


@dataclass(frozen=True, slots=True)
class Site:
    """Passed to every handler. What nobody counts is ``None``."""

    node: Node
    demo: Demo | None
    ready: Callable[[], bool]
    version: str
    throttle: Throttle
    edge_statistics: Callable[[], EdgeStatistics] | None = None
    lag_seconds: Callable[[], float] | None = None
    entrance: Entrance = field(init=False)
    set_up: SetUp | None = None
    _desks: WeakValueDictionary[str, trio.Lock] = field(default_factory=WeakValueDictionary)

    def __post_init__(self) -> None:
        entrance = Entrance(self.node, "") if self.set_up is None else self.set_up.entrance
        object.__setattr__(self, "entrance", entrance)

    @asynccontextmanager
    async def changing(self, business: str) -> AsyncIterator[None]:
        """Held from reading what is to be changed until it is changed, so that nothing is lost.

        The desk decides one change at a time, but a `PATCH` names only a part of a record: the
        rest is what was read just before. A client that goes away does not let go half-way.
        """
        async with self._desks.setdefault(business, trio.Lock()):
            with trio.CancelScope(shield=True):
                yield
