"""API keys: what one may be made for, and by whom."""

import msgspec

from domain.events import KeyMade
from domain.limits import NAME_BYTES
from domain.refusal import Code, Refusal
from domain.scopes import Scope, Scopes, refuse_scopes
from domain.text import refuse_label

KEYS_MAX = 100
"""Keys of one business that are valid at the same time."""


class NewKey(msgspec.Struct, frozen=True):
    """A key that somebody wants. ``expires_at`` 0: it never does."""

    id: str
    hash: bytes
    name: str
    scopes: tuple[Scope, ...]
    expires_at: int = 0


def decide_key(author: str, held: Scopes, valid: int, new: NewKey, now: int) -> KeyMade | Refusal:
    """``new``, beside the ``valid`` ones that there are.

    Nobody gives what they do not have: ``held`` are the scopes of whoever asks.
    """
    refusal = refuse_label(new.name, NAME_BYTES, "name")
    if refusal is None:
        refusal = refuse_scopes(held, new.scopes)
    if refusal is not None:
        return refusal
    if not new.scopes:
        return Refusal(Code.BAD_REQUEST, "'scopes': name at least one.")
    if 0 < new.expires_at <= now:
        return Refusal(Code.BAD_REQUEST, "'expires_at' is past. Name a later time, or none.")
    if valid >= KEYS_MAX:
        return Refusal(
            Code.TOO_LARGE, f"A business has at most {KEYS_MAX} valid keys. Revoke one first."
        )
    scopes = tuple(dict.fromkeys(new.scopes))
    return KeyMade(now, author, new.id, new.hash, new.name, scopes, new.expires_at)
