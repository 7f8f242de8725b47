"""The stream between a transport and the libraries: one ordered outbound buffer, framed input."""


class Flusher:
    """The streams on which something is queued; shared by all streams of a listener."""

    def flush(self) -> None:
        """Write to each of them what is queued, in one send each.

        Call it after a batch of ``queue``; the poller does so after the callbacks of each turn.
        """
        raise NotImplementedError
