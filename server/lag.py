"""How late the event loop is: the operator's first sign that the process has too much to do."""

import trio

PERIOD_SECONDS = 0.5


class LagMeter:
    """Sleeps, and notes by how much it woke too late."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.seconds_max = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = trio.current_time() + PERIOD_SECONDS
            await trio.sleep_until(due)
            self.seconds = trio.current_time() - due
            self.seconds_max = max(self.seconds_max, self.seconds)
