"""Deskbell itself."""

import contextlib
from collections.abc import Sequence

from servers.process import Running, Unavailable
from servers.roster import Member


class Deskbell:
    name = "deskbell"
    protocol = "deskbell"
    connecting = 64

    def prepare(self) -> None:
        raise Unavailable("deskbell: not runnable yet")

    def start(self) -> contextlib.AbstractContextManager[Running]:
        raise Unavailable("deskbell: not runnable yet")

    def roster(self, workload: str, sessions: int) -> Sequence[Member]:
        raise Unavailable("deskbell: not runnable yet")
