"""A "no" with a reason: a value that travels back to whoever asked, never an exception."""

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """The stable codes of every refusal. Each answer that refuses says what its codes mean."""

    # The HTTP API shows this docstring; `docs/protocol.md` section 4 explains each.
    BAD_REQUEST = "bad_request"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    OWNER_REQUIRED = "owner_required"
    DELETED = "deleted"
    ON_HOLD = "on_hold"
    UNRESOLVED_VARIABLE = "unresolved_variable"
    REFUSED_BY_HOOK = "refused_by_hook"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    STORAGE_FAILED = "storage_failed"


HTTP_STATUS: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.UNKNOWN_TYPE: 400,
    Code.TOO_LARGE: 413,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.OWNER_REQUIRED: 409,
    Code.DELETED: 409,
    Code.ON_HOLD: 409,
    Code.UNRESOLVED_VARIABLE: 409,
    Code.REFUSED_BY_HOOK: 422,
    Code.RATE_LIMITED: 429,
    Code.OVERLOADED: 503,
    Code.UNAVAILABLE: 503,
    Code.STORAGE_FAILED: 507,
}


class Refusal(msgspec.Struct, frozen=True):
    """Why something was not done: a stable code, a sentence for a person, seconds to wait."""

    code: Code
    message: str
    retry_after: float = 0.0


NOT_FOUND = Refusal(Code.NOT_FOUND, "There is no such thing here, or it is not yours to see.")
"""One answer for what does not exist and for what is foreign, so that neither can be told apart."""

OF_THE_TEAM = Refusal(Code.FORBIDDEN, "How conversations are handled is the team's alone to ask.")
"""The answer to a customer who asks for conversations by it."""

TOO_SLOW = Refusal(
    Code.OVERLOADED, "Looking this up took too long. Ask for less, or again later.", 5.0
)
"""The answer to a look-up that was given up."""
