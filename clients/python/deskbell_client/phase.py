"""Where a session stands."""

from enum import Enum, auto


class Phase(Enum):
    """From one connection to the next, until it stops for good."""

    OFFLINE = auto()
    GREETING = auto()
    RESUMING = auto()
    LIVE = auto()
    HANGING_UP = auto()
    STOPPED = auto()

    @property
    def connected(self) -> bool:
        """Whether frames may come and go."""
        return self in (Phase.GREETING, Phase.RESUMING, Phase.LIVE)
