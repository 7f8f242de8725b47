"""The HTTP API as an ASGI application: the table of routes, and what holds for every answer."""

import sqlite3
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import structlog
from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from actors.crash_report import error_frames, error_name
from domain.errors import StorageFailed
from domain.refusal import NOT_FOUND, Code, Refusal
from server.edge.limits import EdgeStatistics
from server.http import (
    accounts,
    appointments,
    attachments,
    audit,
    businesses,
    colleagues,
    contacts,
    conversations,
    customers,
    deliveries,
    erasure,
    handling,
    health,
    imports,
    keys,
    locations,
    me,
    messages,
    notes,
    operator,
    people,
    queue,
    saved_replies,
    search,
    send_hook,
    sessions,
    sign_in,
    tokens,
    uploads,
    webhooks,
)
from server.http import demo as demo_routes
from server.http.dispatch import view
from server.http.metrics import metrics_route
from server.http.openapi import Description
from server.http.page import Page
from server.http.problem import problem_response
from server.http.repeats import Repeats
from server.http.route import AnyRoute
from server.http.site import Demo, Site
from server.http.throttle import Throttle
from server.node import Node
from server.set_up import SetUp

BODY_BYTES = 256 * 1024
"""A request body beyond it is refused: 413."""

TOKEN_PARAMETERS = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "bearer",
        "key",
        "session_token",
        "token",
    }
)

_IN_THE_ADDRESS = Refusal(
    Code.BAD_REQUEST,
    "A token never travels in an address, where logs keep it. Send it as 'Authorization: Bearer'.",
)
_OF_STATUS = {
    400: Refusal(Code.BAD_REQUEST, "The request is malformed."),
    404: NOT_FOUND,
    405: Refusal(Code.BAD_REQUEST, "This address does not take that method."),
    408: Refusal(Code.BAD_REQUEST, "The body did not come in time."),
    413: Refusal(Code.TOO_LARGE, f"A body has at most {BODY_BYTES} bytes."),
}
_FAILED = Refusal(Code.UNAVAILABLE, "Something went wrong on the server. Try again later.", 5.0)
_NOT_STORED = Refusal(
    Code.STORAGE_FAILED,
    "The storage failed, so nothing was accepted. Try again, or tell the operator.",
    5.0,
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer, unless its handler says otherwise."""

log = structlog.get_logger(__name__)


class HttpApp(QuartTrio):
    """Quart, but what fails is logged without what people wrote."""

    def log_exception(self, exception_info: Any) -> None:
        """Where it happened and of which type; never its text."""
        error = exception_info[1]
        log.error("http_failed", error=error_name(error), frames=error_frames(error))


def build_http_app(
    node: Node,
    *,
    demo: Demo | None,
    page_folder: Path,
    ready: Callable[[], bool],
    edge_statistics: Callable[[], EdgeStatistics] | None = None,
    lag_seconds: Callable[[], float] | None = None,
    set_up: SetUp | None = None,
) -> QuartTrio:
    """The application. It owns no task and needs no lifespan: it lives as long as ``node``."""
    throttle = Throttle(node.limits, node.time)
    version = metadata.version("deskbell")
    site = Site(
        node,
        demo,
        ready,
        version,
        throttle,
        edge_statistics,
        lag_seconds,
        set_up=set_up,
    )
    return app_of(site, routes_of(site, Page(page_folder)))


def routes_of(site: Site, page: Page) -> tuple[AnyRoute, ...]:
    """Every route there is, in the order in which they are described."""
    routes: tuple[AnyRoute, ...] = (
        *businesses.ROUTES,
        *locations.ROUTES,
        *people.ROUTES,
        *erasure.ROUTES,
        *appointments.ROUTES,
        *tokens.ROUTES,
        *keys.ROUTES,
        *audit.ROUTES,
        *sign_in.ROUTES,
        *accounts.ROUTES,
        *sessions.ROUTES,
        *conversations.ROUTES,
        *messages.ROUTES,
        *handling.ROUTES,
        *colleagues.ROUTES,
        *notes.ROUTES,
        *queue.ROUTES,
        *customers.ROUTES,
        *saved_replies.ROUTES,
        *search.ROUTES,
        *uploads.ROUTES,
        *attachments.ROUTES,
        *me.ROUTES,
        *contacts.ROUTES,
        *imports.ROUTES,
        *webhooks.ROUTES,
        *deliveries.ROUTES,
        *send_hook.ROUTES,
        *operator.ROUTES,
        *health.ROUTES,
        metrics_route(site),
        *demo_routes.ROUTES,
        *page.routes(),
    )
    return (*routes, Description(routes, site.version).route)


def app_of(site: Site, routes: tuple[AnyRoute, ...]) -> HttpApp:
    """Quart with exactly ``routes``."""
    app = HttpApp("server", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.url_map.merge_slashes = False
    repeats = Repeats(site.node)
    for route in routes:
        rule = route.path.replace("{", "<").replace("}", ">")
        app.add_url_rule(
            rule,
            endpoint=route.name,
            view_func=view(site, repeats, route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    app.before_request(_refuse_tokens_in_addresses)
    app.after_request(_with_headers)
    app.register_error_handler(HTTPException, _http_problem)
    for failure in (StorageFailed, sqlite3.Error):  # of a write, and of a query
        app.register_error_handler(failure, _storage_problem)
    return app


async def _refuse_tokens_in_addresses() -> Response | None:
    named = {name.lower() for name in request.args}
    return problem_response(_IN_THE_ADDRESS) if named & TOKEN_PARAMETERS else None


async def _with_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _http_problem(error: HTTPException) -> Response:
    status = error.code or 500
    response = problem_response(_OF_STATUS.get(status, _FAILED), status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


async def _storage_problem(error: Exception) -> Response:
    log.error("http_storage_failed", error=error_name(error), frames=error_frames(error))
    return problem_response(_NOT_STORED)
