"""From a request to the handler of its route, and from what it answers to a response."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
import trio
from quart import Response, request

from domain.refusal import TOO_SLOW, Code, Refusal
from domain.roles import may
from domain.scopes import refuse_scopes
from server.http.caller import (
    DEVICE_HEADER,
    LOCATION_HEADER,
    PERSON_HEADER,
    Backend,
    Caller,
    Identity,
    Somebody,
    identify,
)
from server.http.file_response import file_response
from server.http.parsing import parse_body, parse_parameters
from server.http.problem import problem_response
from server.http.repeats import KEY_HEADER, Repeats
from server.http.route import AnyCall, AnyRoute, Call, Content, FileContent, Octets, StreamContent
from server.http.site import Site

_FOR_OTHERS = Refusal(Code.FORBIDDEN, "This key or token is not for this.")
_NAME_SOMEBODY = Refusal(
    Code.FORBIDDEN, f"Name the person you speak for in the header {PERSON_HEADER}."
)
_ROLE = Refusal(Code.FORBIDDEN, "Your role may not do this.")

_ONCE = ("Authorization", PERSON_HEADER, DEVICE_HEADER, LOCATION_HEADER, KEY_HEADER)
"""Headers of which the first or the last would win, and nobody could say which."""

View = Callable[..., Awaitable[Response]]


def view(site: Site, repeats: Repeats, route: AnyRoute) -> View:
    """What Quart calls for ``route``; it gets the parameters of the path."""

    async def answer(**path: str) -> Response:
        try:
            return await answer_in_time(path)
        except trio.TooSlowError:
            return problem_response(TOO_SLOW)

    async def answer_in_time(path: dict[str, str]) -> Response:
        identity = await _admit(site, route)
        if isinstance(identity, Refusal):
            return problem_response(identity)
        if not isinstance(identity, Somebody) or not identity.by_token:
            return await answer_to(identity, path)
        with site.throttle.request(identity.live.id, identity.record.id) as refusal:
            if refusal is not None:
                return problem_response(refusal)
            return await answer_to(identity, path)

    async def answer_to(identity: Identity | None, path: dict[str, str]) -> Response:
        call = await _read(site, route, identity, path)
        if isinstance(call, Response):
            return call
        key = request.headers.get(KEY_HEADER) if route.takes_key else None
        if key is None:
            return await respond(call)
        return await repeats.answer(key, route, request.path, call, respond)

    async def respond(call: AnyCall) -> Response:
        return await _response(route, await route.handler(call))

    return answer


async def _read(
    site: Site, route: AnyRoute, identity: Identity | None, path: dict[str, str]
) -> AnyCall | Response:
    """The request of who was let in, or why it cannot be one."""
    parameters = parse_parameters(path, request.args.items(multi=True), route.parameters)
    if isinstance(parameters, Refusal):
        return problem_response(parameters)
    if route.takes_body and request.mimetype != route.takes:
        other = Refusal(Code.BAD_REQUEST, f"Send the body as 'Content-Type: {route.takes}'.")
        return problem_response(other, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = await _body(route) if route.takes_body else None
    if isinstance(body, Refusal):
        return problem_response(body)
    still = await _still(site, route, identity)
    if isinstance(still, Refusal):
        return problem_response(still)
    return Call(site, still, parameters, body, request.headers.get("If-None-Match", ""))


async def _body(route: AnyRoute) -> msgspec.Struct | Refusal:
    raw = await _raw_body()
    return Octets(raw) if route.body is Octets else parse_body(raw, route.body)


async def _still(
    site: Site, route: AnyRoute, identity: Identity | None
) -> Identity | Refusal | None:
    """Who calls, by the time that the body has come: that may have taken long."""
    if isinstance(identity, Backend | Somebody) and not identity.is_current():
        return await _admit(site, route)
    return identity


async def _raw_body() -> bytes:
    return await request.get_data(cache=False, as_text=False, parse_form_data=False)


async def _admit(site: Site, route: AnyRoute) -> Identity | Refusal | None:
    """Who calls, if they may; ``None`` where it does not matter."""
    if not route.callers:
        return None
    headers = request.headers
    for name in _ONCE:
        if len(headers.getlist(name)) > 1:
            return Refusal(Code.BAD_REQUEST, f"Send the header {name} once.")
    identity = await identify(
        site.node,
        headers.get("Authorization", ""),
        headers.get(PERSON_HEADER),
        headers.get(DEVICE_HEADER),
        headers.get(LOCATION_HEADER),
    )
    if isinstance(identity, Refusal):
        return identity
    if identity.caller not in route.callers:
        for_people = isinstance(identity, Backend) and Caller.PERSON in route.callers
        return _NAME_SOMEBODY if for_people else _FOR_OTHERS
    if isinstance(identity, Backend | Somebody) and route.scope is not None:
        refusal = refuse_scopes(identity.scopes, (route.scope,))
        if refusal is not None:
            return refusal
    if isinstance(identity, Somebody) and route.operation is not None:
        return identity if may(identity.role, route.operation) else _ROLE
    return identity


async def _response(route: AnyRoute, reply: msgspec.Struct | Content) -> Response:
    if isinstance(reply, Refusal):
        return problem_response(reply)
    if isinstance(reply, FileContent):
        return await file_response(reply)
    if isinstance(reply, StreamContent):
        streamed = Response(reply.parts, reply.status, content_type=reply.media_type)
        streamed.timeout = None  # the edge ends who takes nothing
        streamed.headers.extend(reply.headers)
        return streamed
    if isinstance(reply, Content):
        response = Response(reply.body, reply.status, content_type=reply.media_type)
        response.headers.extend(reply.headers)
        if reply.status == HTTPStatus.NOT_MODIFIED:
            del response.headers["Content-Length"]  # it would speak of the file, not of nothing
        return response
    return Response(msgspec.json.encode(reply), route.status, content_type=route.media_type)
