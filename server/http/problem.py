"""Errors as RFC 9457 problem details, with the stable codes that the websocket uses too."""

import math
from http import HTTPStatus

import msgspec
from quart import Response

from domain.refusal import HTTP_STATUS, Code, Refusal
from server.http.fields import Output

MEDIA_TYPE = "application/problem+json"


class Problem(Output, frozen=True, kw_only=True):
    """Why it was not done: ``code`` is stable, ``detail`` a sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    code: Code
    detail: str
    retry_after: float = 0.0


def problem(refusal: Refusal, status: int | None = None) -> Problem:
    """``refusal`` as HTTP shows it; ``status`` where HTTP has a finer one than its code's."""
    number = HTTP_STATUS[refusal.code] if status is None else status
    return Problem(
        title=HTTPStatus(number).phrase,
        status=number,
        code=refusal.code,
        detail=refusal.message,
        retry_after=refusal.retry_after,
    )


def problem_response(refusal: Refusal, status: int | None = None) -> Response:
    """The answer that tells of ``refusal``."""
    shown = problem(refusal, status)
    response = Response(msgspec.json.encode(shown), shown.status, content_type=MEDIA_TYPE)
    if refusal.retry_after > 0:
        response.headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    if shown.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
