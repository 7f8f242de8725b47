"""Whether a request may become a websocket: every check, before trio-websocket answers it."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.framing import Opcode
from server.edge.head import Head, HTTPRefusal

_VERSION: Final = "13"


@dataclass(frozen=True, slots=True)
class WebSocketPolicy:
    """Where websockets are, who may open one, and what is spoken on it.

    ``origin_allowed`` is asked for every request of a browser. ``subprotocols`` maps each to the
    kind of data frame it uses; None accepts any subprotocol or none, with both kinds.
    """

    path: str
    origin_allowed: Callable[[str], bool]
    subprotocols: Mapping[str, Opcode] | None


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request that may become a websocket."""

    path: str
    key: str
    subprotocol: str | None
    opcode: Opcode | None

    def canonical_request(self) -> bytes:
        """The request as the library reads it: what it must know, and nothing of the client's.

        No extension is in it, so none can be negotiated.
        """
        lines = [
            f"GET {self.path} HTTP/1.1",
            "Host: edge",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Version: {_VERSION}",
            f"Sec-WebSocket-Key: {self.key}",
        ]
        if self.subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {self.subprotocol}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def check_upgrade(head: Head, policy: WebSocketPolicy) -> Upgrade | HTTPRefusal:
    """RFC 6455 4.2.1, and ours: one path, no query, browsers only from allowed origins (R28)."""
    if refusal := _address_fault(head, policy) or _form_fault(head):
        return refusal
    if not _origin_allowed(head, policy):
        return HTTPRefusal(403, "This origin is not on the server's list of allowed origins.")
    offered = [token for token in head.tokens("sec-websocket-protocol") if token]
    if policy.subprotocols is None:
        subprotocol, opcode = next(iter(offered), None), None
    else:
        subprotocol = next((name for name in offered if name in policy.subprotocols), None)
        if subprotocol is None:
            known = ", ".join(policy.subprotocols)
            return HTTPRefusal(400, f"Offer one of these in Sec-WebSocket-Protocol: {known}.")
        opcode = policy.subprotocols[subprotocol]
    return Upgrade(policy.path, head.values("sec-websocket-key")[0], subprotocol, opcode)


def _address_fault(head: Head, policy: WebSocketPolicy) -> HTTPRefusal | None:
    path, query, _ = head.target.partition("?")
    if path != policy.path:
        return HTTPRefusal(404, f"Websockets are served at {policy.path}.")
    if query:
        return HTTPRefusal(400, "No query string here: a token travels in the first frame.")
    return None


def _form_fault(head: Head) -> HTTPRefusal | None:
    if head.method != "GET" or head.version != "HTTP/1.1":
        return HTTPRefusal(400, "A websocket begins with GET and HTTP/1.1.")
    if len(head.values("host")) != 1:
        return HTTPRefusal(400, "Send exactly one Host header.")
    if head.values("content-length") not in ([], ["0"]) or head.values("transfer-encoding"):
        return HTTPRefusal(400, "A websocket's request has no body.")
    if "upgrade" not in (token.lower() for token in head.tokens("connection")):
        return HTTPRefusal(400, "The header Connection: Upgrade is missing.")
    if head.values("sec-websocket-version") != [_VERSION]:
        return HTTPRefusal(
            426,
            f"Only version {_VERSION} of the websocket protocol is spoken here.",
            (("Sec-WebSocket-Version", _VERSION), ("Upgrade", "websocket")),
        )
    keys = head.values("sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return HTTPRefusal(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    return None


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _origin_allowed(head: Head, policy: WebSocketPolicy) -> bool:
    """Browsers always send one Origin; other programs send none."""
    match head.values("origin"):
        case []:
            return True
        case [origin]:
            return origin not in ("", "null") and policy.origin_allowed(origin)
        case _:
            return False
