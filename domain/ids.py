"""What may name a thing: ids are chosen by integrators and devices, so their shape is checked."""

import hashlib
import re

ID_PATTERN = r"\A(?!\.{1,2}\Z)[A-Za-z0-9._:-]{1,64}\Z"
_is_id = re.compile(ID_PATTERN).match


def is_id(value: str) -> bool:
    """Whether ``value`` can name something: 1 to 64 characters of ``A-Z a-z 0-9 . _ : -``.

    But not ``.`` and not ``..``: in an address they mean something else (RFC 3986, 5.2.4).
    """
    return _is_id(value) is not None


def direct_conversation_id(one: str, other: str) -> str:
    """The id of the direct conversation of two people: the same pair always gets the same (DT-14).

    Pass ``OWNER`` for an owner who talks to somebody who is none: the conversation belongs to the
    ownership, not to the person who holds it now (DT-24).
    """
    pair = "\n".join(sorted((one, other)))
    return DIRECT + hashlib.blake2b(pair.encode(), digest_size=12).hexdigest()


DIRECT = "direct."
"""How the ids of direct conversations begin. Nobody chooses one: it says whose it is."""

CUSTOMER = "customer."
"""How the id of a customer's own conversation with the business begins. Nobody chooses one."""


def customer_conversation_id(customer: str) -> str:
    """The id of a customer's own conversation with the business (DT-14)."""
    return CUSTOMER + hashlib.blake2b(customer.encode(), digest_size=12).hexdigest()


OWNER = "@owner"
"""Stands for whoever owns the business; not a valid id, so that it names no person."""

BUSINESS_VOICE = "@business"
"""The author of what the business says and does by itself; no valid id, so it is nobody's."""
