"""What can go wrong, as exceptions: a refusal, a lost answer, a client that has stopped."""


class DeskbellError(Exception):
    """Anything this package raises on purpose."""


class Refused(DeskbellError):
    """The server said no: ``code`` is stable, ``message`` is a sentence for a person.

    ``retry_after`` is in seconds; 0 means that the server did not ask for patience.
    """

    def __init__(self, code: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(code, message, retry_after)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class OutcomeUnknown(DeskbellError):
    """The connection ended between a command and its reply: it may have been carried out or not.

    Raised only for commands that cannot simply be repeated; look at the conversation, then decide.
    """


class Stopped(DeskbellError):
    """This client has stopped and does not reconnect: ``code`` is the websocket close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} ({self.code})"


class PendingFull(DeskbellError):
    """Too many sends wait for their ack; nothing was taken. Try again when some have been acked."""


class TokenUnavailable(DeskbellError):
    """For a ``get_token`` to raise when it has no token now but may have one later."""


class WireError(DeskbellError, ValueError):
    """Bytes that are no Deskbell frame, or a value that cannot become one.

    ``id`` is that of the command to which the bytes were the reply, if that much could be read.
    """

    def __init__(self, message: str, id: int | None = None) -> None:  # noqa: A002 - the wire's word
        super().__init__(message)
        self.id = id
