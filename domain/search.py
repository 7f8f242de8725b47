"""What people search for, and what they are shown of a text in which it was found.

A query is words, all of which must occur, and phrases in quotation marks. The last word is taken
for the beginning of one unless something follows it. Everything else is text: no query is wrong.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from domain.refusal import Code, Refusal
from domain.views import Part

QUERY_BYTES = 200
QUERY_WORDS = 16
PREFIX_MIN = 3
"""Fewer letters are a word, not a beginning: half of all texts have a word that begins with one."""

EXCERPT = 240
"""Characters of a text that are shown around what was found."""

LEAD = 60
"""How many of them stand before it, at most."""

MARK = "\x01"
"""Stands between letters of scripts without spaces, and around signs: see `spaced`."""

HIT, END = "\x02", "\x03"
"""Around what was found. No text holds them: see `domain.text`."""

# Thai, Lao, Myanmar, Khmer; kana, bopomofo, Han; Hangul syllables; what is drawn and not spelt.
_ALONE = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd"
    "\u00a6\u00a9\u00ae\u00b0\u2100-\u214f\u2190-\u2bff\u3200-\u33ff\U0001f000-\U0001faff])"
)

# Says how a sign is drawn; for the index it would be a word.
_IN_COLOUR, _COLOURED = "\ufe0f", "\x04"

_QUOTED = re.compile('["“”„«»]')

NOTHING_TO_FIND = Refusal(Code.BAD_REQUEST, "Search for a word: letters or digits.")
_TOO_LONG = Refusal(Code.TOO_LARGE, f"Search for less: at most {QUERY_BYTES} bytes.")
_TOO_MANY = Refusal(Code.TOO_LARGE, f"Search for at most {QUERY_WORDS} words at once.")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other; ``prefix``: the last is only the beginning of one."""

    words: tuple[str, ...]
    prefix: bool = False


def parse(text: str) -> tuple[Term, ...] | Refusal:
    """The terms of a query, all of which must occur; or why it asks for nothing."""
    if len(text.encode(errors="replace")) > QUERY_BYTES:
        return _TOO_LONG
    terms: list[Term] = []
    pieces = _QUOTED.split(text)
    for n, piece in enumerate(pieces):
        # Between quotation marks; one without a partner is nothing.
        if n % 2 == 1 and n < len(pieces) - 1:
            terms += _term(piece, prefix=False)
        else:
            said = piece.split()
            last = n == len(pieces) - 1 and not piece[-1:].isspace()
            for m, word in enumerate(said, 1):
                terms += _term(word, prefix=last and m == len(said))
    if sum(len(term.words) for term in terms if len(term.words) == 1) > QUERY_WORDS:
        return _TOO_MANY
    return tuple(terms) or NOTHING_TO_FIND


def _term(text: str, *, prefix: bool) -> list[Term]:
    runs = "".join(c if _spells(c) else " " for c in spaced(text)).split()
    words = tuple(run for run in runs if not all(map(_is_accent, run)))
    if not words:
        return []
    enough = len(words[-1]) >= PREFIX_MIN
    return [Term(words, prefix and enough)]


def _spells(character: str) -> bool:
    """Whether it is part of a word, as it is for the index: letters, accents, digits, signs."""
    category = unicodedata.category(character)
    return category[0] in "LMN" or category in ("Co", "So")


def _is_accent(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def needles(terms: Iterable[Term]) -> tuple[str, ...]:
    """What stands as it is, but for its case, in every plain text that ``terms`` occur in."""
    words = (word for term in terms for word in term.words)
    return tuple(word.lower() for word in words if word.isascii())


def may_hold(text: str, wanted: Iterable[str]) -> bool:
    """Whether the terms of the needles ``wanted`` may occur in ``text``: the index is asked then.

    How it folds letters is its own matter, so nothing is said of a text beyond ASCII.
    """
    if not text.isascii():
        return True
    lowered = text.lower()
    return all(word in lowered for word in wanted)


def spaced(text: str) -> str:
    """``text`` in which what is a word by itself stands apart; `plain` undoes it."""
    if text.isascii():
        return text
    return _ALONE.sub(f"{MARK}\\1{MARK}", text).replace(_IN_COLOUR, _COLOURED)


def plain(text: str) -> str:
    """What was `spaced`."""
    return text.replace(MARK, "").replace(_COLOURED, _IN_COLOUR)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a text with what was found in it; whether there is more before and after it."""

    parts: tuple[Part, ...]
    more_before: bool
    more_after: bool


def excerpt(marked: str) -> Excerpt:
    """The piece around the first hit of a text in which hits stand between `HIT` and `END`."""
    text, hits = _hits(plain(marked))
    first = hits[0][0] if hits else 0
    start = max(0, min(first - LEAD, len(text) - EXCERPT))
    end = min(len(text), start + EXCERPT)
    if start:
        start = _after_space(text, start, first)
    if end < len(text):
        end = _before_space(text, end)
    parts: list[Part] = []
    at = start
    for hit in hits:
        begins, ends = max(hit[0], at), min(hit[1], end)
        if begins < ends:
            if at < begins:
                parts.append(Part(text=text[at:begins]))
            parts.append(Part(text=text[begins:ends], hit=True))
            at = ends
    if at < end:
        parts.append(Part(text=text[at:end]))
    return Excerpt(tuple(parts), start > 0, end < len(text))


_SPACE_WITHIN = 20


def _after_space(text: str, start: int, first: int) -> int:
    """Not in the middle of a word, if that takes only some characters."""
    space = text.find(" ", start, min(first, start + _SPACE_WITHIN))
    return start if space < 0 else space + 1


def _before_space(text: str, end: int) -> int:
    space = text.rfind(" ", end - _SPACE_WITHIN, end)
    return end if space < 0 else space


def _hits(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without marks, and where hits begin and end in it; those that touch are one."""
    text: list[str] = []
    hits: list[tuple[int, int]] = []
    length = 0
    for n, piece in enumerate(marked.split(HIT)):
        hit, _, rest = piece.partition(END) if n else ("", "", piece)
        if hit:
            if hits and hits[-1][1] == length:
                hits[-1] = (hits[-1][0], length + len(hit))
            else:
                hits.append((length, length + len(hit)))
        text += (hit, rest)
        length += len(hit) + len(rest)
    return "".join(text), hits
