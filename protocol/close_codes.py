"""Why a connection ends, and what the client then does (`docs/protocol.md` section 10)."""

from enum import IntEnum


class CloseCode(IntEnum):
    """4000 to 4499: reconnect. 4500 to 4999: stop (4501: with a new token, try again)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    WRONG_KIND = 1003
    NOT_UTF8 = 1007
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    TIMEOUT = 4000
    NO_HELLO = 4004
    SLOW = 4008
    RESET = 4010
    RESTART = 4012
    OVERLOADED = 4013
    BAD_HELLO = 4500
    UNAUTHENTICATED = 4501
    DEACTIVATED = 4503
    REPLACED = 4509


CLIENT_RECONNECTS: dict[CloseCode, bool] = {
    code: code is CloseCode.INTERNAL or 4000 <= code < 4500 or code is CloseCode.UNAUTHENTICATED
    for code in CloseCode
}
"""Whether a client comes back by itself after this code."""
