"""The examples of reverse proxies agree with the limits of the server behind them."""

import re

import pytest

from server.edge.limits import EdgeLimits
from server.http.app import BODY_BYTES
from tests.architecture.checkout import ROOT

DEPLOY = ROOT / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text("utf-8")
CADDY = (DEPLOY / "Caddyfile").read_text("utf-8")


def number(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    assert len(found) == 1, pattern
    return int(found[0])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"^\s+keepalive_timeout (\d+)s;$", NGINX), (r"^\s+keepalive (\d+)s$", CADDY)],
    ids=["nginx", "caddy"],
)
def test_a_proxy_lets_go_of_an_idle_connection_before_the_server_does(
    pattern: str, text: str
) -> None:
    """Else a POST can meet the end of its connection, and a proxy may not send it again."""
    assert 0 < number(pattern, text) < EdgeLimits().keep_alive


def test_nginx_keeps_a_websocket_that_is_pinged_and_a_body_in_memory() -> None:
    assert number(r"^\s+proxy_read_timeout (\d+)s;$", NGINX) > EdgeLimits().silence
    taken = number(r"^\s+client_max_body_size (\d+)k;$", NGINX)
    assert taken * 1024 > BODY_BYTES
    assert number(r"^\s+client_body_buffer_size (\d+)k;$", NGINX) >= taken


@pytest.mark.parametrize("text", [NGINX, CADDY], ids=["nginx", "caddy"])
def test_a_proxys_address_is_told_to_the_server(text: str) -> None:
    """Else the server does not know its own page's origin and refuses its websockets."""
    assert re.search(r'public_url = "https://deskbell\.example\.com"', text)
