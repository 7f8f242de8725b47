"""What may be said: the rules of a message's text."""

import re

from domain.refusal import Code, Refusal

# C0 and C1 controls but tab and line feed; lone surrogates, which no encoding can carry.
_forbidden = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]").search

# Anything that can be seen: no space, no braille blank, nothing of Unicode's default ignorables.
_visible = re.compile(
    "[^\\s\u2800\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
).search

# Line and paragraph separators, and what would turn the line around for all that follows.
_not_of_a_line = re.compile("[\t\n\u2028\u2029\u202d\u202e]").search

_BLANK = Refusal(Code.BAD_REQUEST, "Write something first: the text is empty.")
_CONTROL = Refusal(
    Code.BAD_REQUEST, "The text holds control characters. Remove them and send again."
)


def refuse_text(text: str, limit_bytes: int) -> Refusal | None:
    """Why ``text`` cannot be a message, or ``None``: blank, control characters, too long."""
    if not _visible(text):
        return _BLANK
    if _forbidden(text):
        return _CONTROL
    if len(text) * 4 > limit_bytes and len(text.encode()) > limit_bytes:
        return Refusal(
            Code.TOO_LARGE,
            f"The text is longer than {limit_bytes} bytes. Send it in several messages.",
        )
    return None


def refuse_label(label: str, limit_bytes: int, what: str) -> Refusal | None:
    """The same for a name or a title: one line, at most ``limit_bytes``."""
    refusal = refuse_text(label, limit_bytes)
    if refusal is None:
        if _not_of_a_line(label):
            refusal = Refusal(Code.BAD_REQUEST, f"A {what} is one line, in its own direction.")
        return refusal
    if refusal.code is Code.TOO_LARGE:
        return Refusal(Code.TOO_LARGE, f"A {what} has at most {limit_bytes} bytes. Shorten it.")
    if refusal is _BLANK:
        return Refusal(Code.BAD_REQUEST, f"Give a {what}: it is empty.")
    return Refusal(Code.BAD_REQUEST, f"A {what} holds no control characters. Remove them.")
