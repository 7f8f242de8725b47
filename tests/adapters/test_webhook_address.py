"""Where a business may have itself called (EX-38): public addresses over TLS."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.webhooks.address import Endpoint, endpoint_of, may_call
from domain.refusal import Code, Refusal

pytestmark = [pytest.mark.requirement("EX-38")]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://example.com", Endpoint("https", "example.com", 443, "/")),
        ("https://Example.COM:8443/a?b=c", Endpoint("https", "example.com", 8443, "/a?b=c")),
        ("https://8.8.8.8/", Endpoint("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700::1111]:1/", Endpoint("https", "2606:4700::1111", 1, "/")),
        ("https://xn--bcher-kva.example/", Endpoint("https", "xn--bcher-kva.example", 443, "/")),
    ],
)
def test_a_public_url_is_taken_apart(url: str, endpoint: Endpoint) -> None:
    assert endpoint_of(url, allow_private=False) == endpoint


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com", "example.com"),
        ("https://example.com:443", "example.com"),
        ("https://example.com:80", "example.com:80"),
        ("https://[2606:4700::1111]:1/", "[2606:4700::1111]:1"),
    ],
)
def test_the_host_is_named_as_http_wants_it(url: str, authority: str) -> None:
    endpoint = endpoint_of(url, allow_private=False)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://example.com/#here",
        "https://example.com:0x50/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@other.example/",
        "https://bücher.example/",
        "https://example.com/\r\nX: y",
        "https://-example.com/",
        "https://example..com/",
        "https://[::1/",
        "https://[v1.x]/",
        "https://example.com:0/",
        f"https://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "ftp://example.com/",
        "gopher://example.com/",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("allow_private", [False, True])
def test_what_is_no_address_of_a_server_is_refused(url: str, allow_private: bool) -> None:
    refusal = endpoint_of(url, allow_private=allow_private)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.BAD_REQUEST


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not may_call(ipaddress.ip_address(address), allow_private=False)
    host = f"[{address}]" if ":" in address else address
    assert isinstance(endpoint_of(f"https://{host}/", allow_private=False), Refusal)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
def test_nobody_in_particular_is_never_called(address: str) -> None:
    assert not may_call(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_called(address: str) -> None:
    assert may_call(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:9/", True),
        ("http://localhost/", True),
        ("http://[::1]/", True),
        ("https://10.0.0.1/", True),
        ("http://10.0.0.1/", False),
        ("http://example.com/", False),
    ],
)
def test_where_private_is_allowed_plain_http_is_for_this_machine_alone(
    url: str, allowed: bool
) -> None:
    assert isinstance(endpoint_of(url, allow_private=True), Endpoint) == allowed
    assert isinstance(endpoint_of(url, allow_private=False), Refusal)


@given(st.text())
def test_whatever_is_given_is_answered(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        assert isinstance(endpoint_of(url, allow_private=False), Endpoint | Refusal)
