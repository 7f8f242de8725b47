"""How often somebody may try to sign in: each failure makes the next one wait longer."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from domain.refusal import Code, Refusal

FREE_OF_EMAIL: Final = 5
FREE_OF_ADDRESS: Final = 30
"""Failures before one has to wait. Many people may share an address."""

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 900.0
"""Seconds after the first failure that is not free, doubled by each one more."""

FORGOTTEN_AFTER: Final = 3_600.0
"""Seconds without a failure after which one begins anew."""

REMEMBERED: Final = 10_000
"""Addresses of either kind whose failures are known; who failed longest ago begins anew."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0
    wait_until: float = 0.0


class Guesses:
    """Counts failures by some key. An attempt counts as one until it has succeeded."""

    def __init__(self, free: int, time: Callable[[], float]) -> None:
        """``free``: how many may fail before one waits; ``time`` is in seconds."""
        self._free = free
        self._time = time
        self._known: OrderedDict[str, _Failures] = OrderedDict()

    def refusal(self, key: str) -> Refusal | None:
        """Why ``key`` may not try now."""
        known = self._known.get(key)
        wait = 0.0 if known is None else known.wait_until - self._time()
        if wait <= 0:
            return None
        return Refusal(
            Code.RATE_LIMITED, "Too many attempts. Wait, then try again.", max(wait, 0.1)
        )

    def attempt(self, key: str) -> None:
        """Somebody tries: counted before it is known how it ends, as many may try at once."""
        now = self._time()
        known = self._known.setdefault(key, _Failures())
        self._known.move_to_end(key)
        if now - known.last_at > FORGOTTEN_AFTER:
            known.count = 0
        known.count += 1
        known.last_at = now
        excess = known.count - self._free
        if excess > 0:
            known.wait_until = now + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(excess - 1, 30))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def take_back(self, key: str) -> None:
        """An attempt was none: it succeeded, or was not made."""
        known = self._known.get(key)
        if known is not None:
            known.count = max(0, known.count - 1)

    def forgive(self, key: str) -> None:
        """It was they themselves: everything of before is forgotten."""
        self._known.pop(key, None)

    def __len__(self) -> int:
        return len(self._known)


def network_of(address: str) -> str:
    """What one client comes from: an IPv4 address, or the 64 bits that a household has of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
