"""What an API key may be used for: every route that a key can ask names the one scope it takes."""

from collections.abc import Iterable
from enum import StrEnum

from domain.refusal import Code, Refusal
from domain.roles import Role


class Scope(StrEnum):
    """``*`` is all of them, also those that a later version brings."""

    ALL = "*"
    BUSINESS_READ = "business:read"
    BUSINESS_WRITE = "business:write"
    LOCATIONS_READ = "locations:read"
    LOCATIONS_WRITE = "locations:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    PEOPLE_EXPORT = "people:export"
    PEOPLE_ERASE = "people:erase"
    HOLDS_WRITE = "holds:write"
    LEADERS_WRITE = "leaders:write"
    """Beside another one: to touch owners and managers, and to make tokens for them."""
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    IMPORTS_WRITE = "imports:write"
    """Also to see how far an import is."""
    TOKENS_WRITE = "tokens:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    NOTES_READ = "notes:read"
    NOTES_WRITE = "notes:write"
    SAVED_REPLIES_READ = "saved-replies:read"
    SAVED_REPLIES_WRITE = "saved-replies:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"


Scopes = frozenset[Scope]

EVERY_SCOPE: Scopes = frozenset({Scope.ALL})


def holds(held: Scopes, scope: Scope) -> bool:
    """Whether who has ``held`` may do what takes ``scope``."""
    return scope in held or Scope.ALL in held


def refuse_scopes(held: Scopes, wanted: Iterable[Scope]) -> Refusal | None:
    """Why who has ``held`` may not do what takes all of ``wanted``; it names what is missing."""
    missing = sorted({scope for scope in wanted if not holds(held, scope)})
    if not missing:
        return None
    scopes = ", ".join(missing)
    return Refusal(Code.FORBIDDEN, f"This key lacks the scope {scopes}. Use one that has it.")


def role_within(held: Scopes, role: Role | None) -> Role | None:
    """The role that counts where roles may be touched; ``None`` is the backend itself.

    Without `Scope.LEADERS_WRITE` a key touches whom a manager may: no owners, no managers. Else
    a key that may change people could make an owner, and have all there is.
    """
    if holds(held, Scope.LEADERS_WRITE) or role not in (None, Role.OWNER):
        return role
    return Role.MANAGER
