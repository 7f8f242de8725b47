"""How much goes on one page, so that it fits what may wait for a connection."""

from collections.abc import Iterable

import msgspec

PAGE_CHARACTERS = 32_768
"""Text on one page at most."""

PAGE_BYTES = 131_072
"""What else is of any length, such as members and earlier versions: bytes on one page at most.

A page of only one conversation may be half as much again: `domain.limits` bounds it.
"""

_encode = msgspec.json.Encoder().encode


def fitting(sizes: Iterable[int], room: int = PAGE_CHARACTERS) -> int:
    """How many things of these sizes go on one page with ``room`` for them, but always one."""
    count = total = 0
    for size in sizes:
        total += size
        if total > room:
            return max(1, count)
        count += 1
    return count


def encoded_size(view: msgspec.Struct) -> int:
    """Bytes of ``view`` in JSON, which is the longer one of the encodings."""
    return len(_encode(view))
