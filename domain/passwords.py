"""Passwords: what is refused when somebody chooses one (NIST SP 800-63B 5.1.1.2).

Length counts, and that it is not what everybody would try first. Any characters will do.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from domain.refusal import Code, Refusal

LEAST = 10
MOST = 200
"""Characters: Unicode code points, after normalisation."""

BEYOND_WORDS = 4
"""A password of known words and at most so many characters more is as good as none."""

PRODUCT = "deskbell"

_TOO_SHORT = Refusal(Code.BAD_REQUEST, f"A password has at least {LEAST} characters. Add words.")
_TOO_LONG = Refusal(Code.BAD_REQUEST, f"A password has at most {MOST} characters. Shorten it.")
_OBVIOUS = Refusal(
    Code.BAD_REQUEST,
    "This is little more than your name, your address or the name of the business or of this "
    "program: others would try it first. Choose something else.",
)


def normalized(password: str) -> str:
    """``password`` as it is hashed: whatever keyboard it was typed on, it is the same."""
    return unicodedata.normalize("NFKC", password)


def refuse_password(password: str, known: Iterable[str]) -> Refusal | None:
    """Why ``password`` cannot be chosen by somebody of whom ``known`` is known, or ``None``."""
    if len(password) > MOST or len(normalized(password)) > MOST:
        return _TOO_LONG
    if len(normalized(password)) < LEAST:
        return _TOO_SHORT
    rest = normalized(password).casefold()
    for word in sorted({PRODUCT, *_words(known)}, key=len, reverse=True):
        rest = rest.replace(word, "")
    return _OBVIOUS if len(rest) <= BEYOND_WORDS else None


def _words(known: Iterable[str]) -> Iterator[str]:
    """Each text whole, without its gaps, and word by word; two letters alone say little."""
    for text in known:
        folded = normalized(text).casefold()
        parts = re.findall(r"\w+", folded)
        yield from (word for word in (folded, "".join(parts), *parts) if len(word) > 2)
