"""What a person of the team may do beyond talking: "access control permitting", as one table.

`domain.roles.POLICY` says what a role may ask for at all; a permission says of one person whether
they may, and about what is not theirs. `granted` alone answers, for lists, search, live events,
ids asked for directly, the websocket and HTTP alike.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from domain.refusal import Code, Refusal
from domain.roles import Role


class Permission(StrEnum):
    """Something that one of the team may or may not; owners may all of it.

    `inbox`: see and answer what is placed at one's locations; without it, what one is a member of.
    `assign`: say who else of the team answers, and move conversations to other locations; without
    it, one still takes what one answers. `contacts`: see phone numbers and e-mail addresses of
    customers, and look somebody up by them.
    """

    INBOX = "inbox"
    ASSIGN = "assign"
    CONTACTS = "contacts"


Permissions = frozenset[Permission]
_ALL: Permissions = frozenset(Permission)
_NONE: Permissions = frozenset()


class _Grant(NamedTuple):
    """What nobody of a role is without; what one has unless somebody says; what one can have."""

    least: Permissions
    usual: Permissions
    most: Permissions


_GRANTS: dict[Role, _Grant] = {
    Role.OWNER: _Grant(_ALL, _ALL, _ALL),
    # Who changes people sees how they are reached.
    Role.MANAGER: _Grant(frozenset({Permission.CONTACTS}), _ALL, _ALL),
    Role.STAFF: _Grant(_NONE, _ALL, _ALL),
    Role.CUSTOMER: _Grant(_NONE, _NONE, _NONE),
}


def granted(role: Role | None, own: Permissions | None) -> Permissions:
    """What somebody of ``role`` may, whose own set is ``own``; ``None``: nobody has given one.

    The role ``None`` is the business's own backend: it may all.
    """
    if role is None:
        return _ALL
    grant = _GRANTS[role]
    return grant.usual if own is None else grant.least | own & grant.most


def refuse_permissions(role: Role, own: Iterable[Permission]) -> Refusal | None:
    """Why somebody of ``role`` cannot be given exactly ``own``, or ``None``."""
    grant, wanted = _GRANTS[role], frozenset(own)
    if not wanted <= grant.most:
        beyond = _named(wanted - grant.most)
        return _bad(f"a person of the role {role} cannot have: {beyond}.")
    if not wanted >= grant.least:
        missing = _named(grant.least - wanted)
        return _bad(f"a person of the role {role} always has: {missing}. Name it, too.")
    return None


def _named(permissions: Permissions) -> str:
    return ", ".join(permission for permission in Permission if permission in permissions)


def _bad(message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'permissions': {message}")
