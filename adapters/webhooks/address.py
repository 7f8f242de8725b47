"""Where a business may have itself called: public addresses, unless the operator allows others.

A business chooses the URL, the server makes the call: without a check, anybody with a key could
have it call what only it can reach (SSRF). A name is checked by what it resolves to, at each
connection, for that can change; the connection goes to the address that was checked.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.refusal import Code, Refusal
from domain.webhooks import URL_BYTES

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
HOST_BYTES = 253
"""A longer name cannot be looked up (RFC 1035)."""

_TARGET = re.compile(r"[!-~]*", re.ASCII)
_PORTS = {"https": 443, "http": 80}

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Behind these a gateway may put any IPv4 address (RFC 6052)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL taken apart: ``host`` in lower case, ``target`` the path with its query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def endpoint_of(url: str, *, allow_private: bool) -> Endpoint | Refusal:
    """``url`` taken apart, or why it cannot be called. Names are checked when they are resolved.

    ``http`` is only for this machine itself, and where ``allow_private``.
    """
    if len(url) > URL_BYTES or not _TARGET.fullmatch(url):
        return _refused(f"is longer than {URL_BYTES} bytes, or not plain ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _refused("is no URL")
    host = (parts.hostname or "").lower()
    literal = _literal(host)
    if port == 0 or len(host) > HOST_BYTES or ("[" in parts.netloc and literal is None):
        return _refused("has a host or a port that there cannot be")
    if parts.scheme not in _PORTS or "#" in url or "@" in parts.netloc or "\\" in url:
        return _refused("must be like https://example.com/path, without a name or a fragment")
    if literal is None and (not _HOST.fullmatch(host) or _looks_like_a_number(host)):
        return _refused("has no host that can be looked up")
    if parts.scheme == "http" and not (allow_private and (host == "localhost" or _here(literal))):
        return _refused("must begin with https://")
    if literal is not None and not may_call(literal, allow_private=allow_private):
        return _refused("leads to an address that is not public")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(parts.scheme, host, port or _PORTS[parts.scheme], target)


def may_call(address: Address, *, allow_private: bool) -> bool:
    """Whether ``address`` may be connected to."""
    if address.is_multicast or address.is_unspecified:
        return False
    return allow_private or _is_public(address)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_like_a_number(host: str) -> bool:
    """Whether a resolver may take ``host`` for an IPv4 address in another notation."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdecimal() or last.startswith("0x")


def _here(literal: Address | None) -> bool:
    return literal is not None and literal.is_loopback


def _refused(why: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'url' {why}.")
