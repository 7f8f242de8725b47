"""A file as an answer: read while it is sent, with ranges (RFC 9110, section 14)."""

from http import HTTPStatus
from pathlib import Path

import trio
from quart import Response, request
from quart_trio.wrappers.response import TrioFileBody

from domain.refusal import NOT_FOUND, Code, Refusal
from server.http.problem import problem_response
from server.http.route import FileContent

BUFFER_BYTES = 128 * 1024
"""Read at a time, and so held of a file for each client that takes one."""

_NO_SUCH_RANGE = Refusal(Code.BAD_REQUEST, "The file has no such range.")


async def file_response(content: FileContent) -> Response:
    """The file, or the range of it that is asked for. A deleted one is nowhere."""
    try:
        body = await trio.to_thread.run_sync(_opened, content.path)
    except FileNotFoundError:
        return problem_response(NOT_FOUND)
    size = body.size
    asked = request.range if _same_as_known(content) else None
    status = HTTPStatus.OK
    if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1:
        begin, end = asked.ranges[0]
        part = max(0, size + begin) if begin < 0 else begin, min(size, end or size)
        if part[0] >= part[1]:
            refused = problem_response(_NO_SUCH_RANGE, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            refused.headers["Content-Range"] = f"bytes */{size}"
            return refused
        body.begin, body.end = part
        status = HTTPStatus.PARTIAL_CONTENT
    response = Response(body, status, content_type=content.media_type)
    response.timeout = None  # the edge ends who takes nothing; who is slow gets all of it
    response.content_length = body.end - body.begin
    response.headers.extend(content.headers)
    response.headers["Accept-Ranges"] = "bytes"
    if status is HTTPStatus.PARTIAL_CONTENT:
        response.headers["Content-Range"] = f"bytes {body.begin}-{body.end - 1}/{size}"
    return response


def _opened(path: Path) -> TrioFileBody:
    return TrioFileBody(path, buffer_size=BUFFER_BYTES)


def _same_as_known(content: FileContent) -> bool:
    """Whether a range is of the file that the client has a part of (``If-Range``)."""
    tag = request.headers.get("If-Range")
    return tag is None or ("ETag", tag) in content.headers
