"""Who asks to be let in: from which page and address, and the cookie that keeps a device signed in.

The cookie goes to the server alone: no script reads it (HttpOnly), no other site's page sends it
(SameSite=Strict), and it travels with what signs in and out, not with everything (Path).
"""

from typing import Final

from quart import Response, after_this_request, request
from werkzeug import Response as Plain

from domain.refusal import Code, Refusal
from server.devices import Visitor
from server.http.site import Site
from server.user_agent import device_name

COOKIE: Final = "deskbell_sign_in"
PATH: Final = "/v1/sign-in"

_NOT_THE_PAGE = Refusal(
    Code.FORBIDDEN,
    "This is for the server's own page. If it is one, set public_url to its address.",
)


def refuse_origin(site: Site, *, required: bool = False) -> Refusal | None:
    """Why the page that asks may not; browsers always say which it is, other programs do not.

    ``required``: where a cookie alone says who asks, it must be known which page does.
    """
    origins = request.headers.getlist("Origin")
    if not origins and not required:
        return None
    allowed = len(origins) == 1 and site.entrance.origin_allowed(origins[0])
    return None if allowed else _NOT_THE_PAGE


def visitor_of(site: Site, device: str | None = None) -> Visitor:
    """Where the request comes from; ``device`` is what it is to be called in lists."""
    agent = request.headers.get("User-Agent", "")
    return Visitor(_address(site.node.settings.proxies), device or device_name(agent))


def _address(proxies: int) -> str:
    """The client's address: of the connection, or what the outermost of our proxies saw."""
    seen = request.headers.getlist("X-Forwarded-For")
    passed = [address.strip() for address in ",".join(seen).split(",") if address.strip()]
    if proxies and len(passed) >= proxies:
        return passed[-proxies]
    return request.remote_addr or ""


def secret_of() -> str:
    """What the device that asks has been given to stay signed in, or ""."""
    return request.cookies.get(COOKIE, "")


def keep_secret(site: Site, secret: str) -> None:
    """Have the answer to this request leave ``secret`` with the device."""
    _set_cookie(site, secret, site.node.settings.sign_in_seconds)


def drop_secret(site: Site) -> None:
    """Have the answer to this request take it away."""
    _set_cookie(site, "", 0)


def _set_cookie(site: Site, value: str, seconds: int) -> None:
    page = request.headers.get("Origin", "") or site.entrance.page_url
    secure = page.startswith("https://")

    async def answer(response: Response | Plain) -> Response | Plain:
        response.set_cookie(
            COOKIE,
            value,
            max_age=seconds,
            path=PATH,
            secure=secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    after_this_request(answer)
