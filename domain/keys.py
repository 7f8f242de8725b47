"""API keys: what one may be made for, and by whom."""

from domain.events import KeyMade
from domain.limits import NAME_BYTES
from domain.refusal import Code, Refusal
from domain.scopes import Scope, Scopes, refuse_scopes
from domain.text import refuse_label

KEYS_MAX = 100
"""Keys of one business that are valid at the same time."""


def decide_key(
    author: str,
    held: Scopes,
    valid: int,
    key: str,
    key_hash: bytes,
    name: str,
    scopes: tuple[Scope, ...],
    expires_at: int,
    now: int,
) -> KeyMade | Refusal:
    """A key for ``scopes``; ``valid``: how many there are. ``expires_at`` 0: never.

    Nobody gives what they do not have: ``held`` are the scopes of whoever asks.
    """
    refusal = refuse_label(name, NAME_BYTES, "name")
    if refusal is None:
        refusal = refuse_scopes(held, scopes)
    if refusal is not None:
        return refusal
    if not scopes:
        return Refusal(Code.BAD_REQUEST, "'scopes': name at least one.")
    if expires_at and expires_at <= now:
        return Refusal(Code.BAD_REQUEST, "'expires_at' is past. Name a later time, or none.")
    if valid >= KEYS_MAX:
        return Refusal(
            Code.TOO_LARGE, f"A business has at most {KEYS_MAX} valid keys. Revoke one first."
        )
    return KeyMade(now, author, key, key_hash, name, tuple(dict.fromkeys(scopes)), expires_at)
