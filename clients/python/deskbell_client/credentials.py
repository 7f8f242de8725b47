"""Which token opens the next connection: the server's own first, then one of the integrator's."""


class Credentials:
    """The session token of the last `welcome`, the token given at first, or one fetched anew."""

    def __init__(self, token: str | None, session_token: str | None, *, can_fetch: bool) -> None:
        self.session_token = session_token
        self._token = token
        self._can_fetch = can_fetch
        self._used: str | None = None
        self._fetched: str | None = None

    def token(self) -> str | None:
        """The token for the next `hello`; ``None``: fetch one, or stop if that is impossible."""
        self._fetched = None
        self._used = self.session_token or self._token
        return self._used

    def fetched(self, token: str) -> None:
        """A new token for this attempt alone: by the next one it may have expired."""
        self._used = self._fetched = token

    def welcomed(self, session_token: str) -> None:
        """The token was good; the next connection opens with ``session_token``."""
        self.session_token = session_token
        if self._can_fetch:
            self._token = None  # by the time it were needed a fetched one is the better
        self._used = session_token

    def refused(self) -> bool:
        """The token was refused (4501): whether there is another to try."""
        used, self._used = self._used, None
        if used is not None and used == self._fetched:
            return False  # as fresh as they come: another would be refused too
        if used == self.session_token:
            self.session_token = None
        else:
            self._token = None
        return self._can_fetch or self._token is not None
