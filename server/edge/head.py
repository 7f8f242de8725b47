"""A request's head, read strictly, and the refusals given before any library sees it."""

import json
import re
from dataclasses import dataclass
from typing import Final

NEW_LINE: Final = b"\r\n"
END_OF_HEAD: Final = NEW_LINE + NEW_LINE

_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = re.compile(rf"({_NAME}) ([!-~]+) (HTTP/\d\.\d)")
_HEADER: Final = re.compile(rf"({_NAME}):([\t -~\x80-\xff]*)")

_TITLES: Final = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
_CODES: Final = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    408: "bad_request",
    426: "bad_request",
    431: "too_large",
    501: "bad_request",
    503: "overloaded",
    505: "bad_request",
}


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers: names in lower case, values without surrounding space."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """All values of one header, as they were sent."""
        return [value for known, value in self.headers if known == name]

    def tokens(self, name: str) -> list[str]:
        """The elements of a comma-separated header, over all its lines."""
        return [token.strip() for value in self.values(name) for token in value.split(",")]

    @property
    def wants_websocket(self) -> bool:
        """Whether this asks for a websocket, well-formed or not."""
        return "websocket" in (token.lower() for token in self.tokens("upgrade"))


@dataclass(frozen=True, slots=True)
class HTTPRefusal:
    """An answer after which the connection ends; ``detail`` says what to do about it."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        """The whole response: a problem document (RFC 9457)."""
        title = _TITLES[self.status]
        retry_after = float(dict(self.headers).get("Retry-After", 0))
        body = json.dumps(
            {
                "type": "about:blank",
                "title": title,
                "status": self.status,
                "code": _CODES[self.status],
                "detail": self.detail,
                "retry_after": retry_after,
            }
        ).encode()
        lines = [
            f"HTTP/1.1 {self.status} {title}",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD + body


def parse_head(data: bytes) -> Head | HTTPRefusal:
    """Read the bytes up to and without the empty line.

    Stricter than RFC 9112 allows us to be lenient: no folded headers, no bare line feeds, no space
    before a colon, so that nobody behind reads the same bytes differently.
    """
    first, *lines = data.decode("latin-1").split("\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        return HTTPRefusal(400, "The request line is malformed.")
    method, target, version = request.groups()
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        return HTTPRefusal(505, "This server speaks HTTP/1.1.")
    headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            return HTTPRefusal(400, "A header line is malformed.")
        headers.append((header[1].lower(), header[2].strip(" \t")))
    return Head(method, target, version, tuple(headers))
