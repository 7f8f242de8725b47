"""Hashing passwords: argon2id, in a few threads, so that nobody's messages wait for it."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.passwords import MOST, normalized
from domain.refusal import Code, Refusal

T = TypeVar("T")

THREADS: Final = 2
"""Hashes at the same time; each takes 19 MiB and some tens of milliseconds."""

WAITING: Final = 32
"""Who waits for a thread, at most."""

# OWASP, Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$YiaaPHdnk3ULF1405PmBig"
    "$tg6TZI/EJkzJdsTnki2KR8HJH/jHhXJFnOXhXy+ESuE"
)
"""Checked where there is no account, so that it takes as long as where there is one."""

_CROWDED = Refusal(
    Code.OVERLOADED, "Too many sign in at this moment. Try again in a few seconds.", 2.0
)


class Passwords:
    """Makes and checks hashes. Who comes when `WAITING` wait is refused ``overloaded``."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._threads = trio.CapacityLimiter(THREADS)

    async def hash(self, password: str) -> str | Refusal:
        """What is kept of ``password``, with the parameters of today."""
        return await self._run(partial(self._hasher.hash, normalized(password)))

    async def matches(self, password: str, password_hash: str) -> bool | Refusal:
        """Whether ``password`` is the one that ``password_hash`` was made of; "" is of none.

        Takes as long whatever the hash is.
        """
        return await self._run(partial(self._matches, password, password_hash))

    def is_old(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password: str, password_hash: str) -> bool:
        tried = normalized(password)
        fits = len(tried) <= MOST
        try:
            self._hasher.verify(password_hash or NOBODYS_HASH, tried if fits else "")
        except (VerificationError, InvalidHashError):
            return False
        return fits and password_hash != ""

    async def _run(self, work: Callable[[], T]) -> T | Refusal:
        if self._threads.statistics().tasks_waiting >= WAITING:
            return _CROWDED
        return await trio.to_thread.run_sync(work, limiter=self._threads)
