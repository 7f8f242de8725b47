"""E-mail addresses: which may be used, and when two are the same."""

import re
import unicodedata

from domain.refusal import Code, Refusal

EMAIL_BYTES = 254
"""RFC 5321 4.5.3.1.3, less the brackets."""

LOCAL_BYTES = 64

# Nothing invisible, no quoting and no comments: mail systems rarely allow them, and people never.
_local = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f]+")
_label = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

_MALFORMED = Refusal(
    Code.BAD_REQUEST, "This is not an e-mail address. Write it like name@example.com."
)


def email_key(email: str) -> str | None:
    """What ``email`` is compared by, without regard to case and to how its letters are encoded.

    A name beyond ASCII and its xn-- form are the same host. ``None``: it is no address. Two
    addresses of one key can belong to two mailboxes, so what is sent goes to the one that is kept.
    """
    email = email.strip()
    local, at, host = email.rpartition("@")
    local = unicodedata.normalize("NFKC", local)
    if not at or not _local.fullmatch(local) or any(map(_is_hidden, email)):
        return None
    try:
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:  # an empty or an overlong label, or what no host may be called
        return None
    if not all(map(_label.fullmatch, host.split("."))):
        return None
    key = f"{unicodedata.normalize('NFKC', local.casefold())}@{host}"
    fits = len(local.encode()) <= LOCAL_BYTES and len(key.encode()) <= EMAIL_BYTES
    return key if fits and len(email.encode()) <= EMAIL_BYTES else None


def refuse_email(email: str) -> Refusal | None:
    """Why ``email`` cannot be an account's address, or ``None``."""
    return _MALFORMED if email_key(email) is None else None


def _is_hidden(letter: str) -> bool:
    """Format characters, surrogates and what has no meaning: two addresses would look alike."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cn", "Co", "Cs")
