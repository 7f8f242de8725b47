"""The OpenAPI 3.1 description of the API, made from the table of routes and its structs.

What servers of businesses are told is of `server.http.told`.
"""

import inspect
import re
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec

from domain.ids import ID_PATTERN
from domain.refusal import HTTP_STATUS, Code, Refusal
from domain.roles import POLICY, Role
from server.http import told
from server.http.caller import DEVICE_HEADER, LOCATION_HEADER, PERSON_HEADER, Caller
from server.http.fields import Nothing
from server.http.files import file_content, unless_known
from server.http.problem import MEDIA_TYPE, Problem, problem
from server.http.repeats import KEY_HEADER, REPLAYED_HEADER
from server.http.route import ANYBODY, AnyRoute, Call, Content, Octets, Repeat, Route

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/{name}"
MEANING = {
    Code.BAD_REQUEST: "A field or parameter is missing, unknown or malformed. Correct it.",
    Code.TOO_LARGE: "A text, a list or the body is over its limit.",
    Code.UNAUTHENTICATED: "There is no valid key or token. Get a new one.",
    Code.FORBIDDEN: "Your role, or this key, may not do this. `detail` names a missing scope.",
    Code.NOT_FOUND: "It does not exist, or is not yours to see.",
    Code.CONFLICT: "The same id, or `Idempotency-Key`, was or is being used for something else.",
    Code.OWNER_REQUIRED: "There must be an owner. Transfer the ownership first.",
    Code.DELETED: "The message has been deleted, or the person erased.",
    Code.ON_HOLD: "A legal hold covers it. An owner lifts it.",
    Code.UNRESOLVED_VARIABLE: "A variable of a saved reply has no value. `detail` says which.",
    Code.REFUSED_BY_HOOK: "The business's send hook does not accept the message.",
    Code.RATE_LIMITED: "You ask too much. Try again after `retry_after`.",
    Code.OVERLOADED: "The server is behind. Try again after `retry_after` with the same ids.",
    Code.UNAVAILABLE: "It cannot be served for now. Try again after `retry_after`.",
    Code.STORAGE_FAILED: "It could not be stored; nothing was accepted.",
}
_SCHEMES = {Caller.OPERATOR: "operatorKey", Caller.BUSINESS: "businessKey", Caller.PERSON: "token"}
_LATER = (409, 429, 503, 507)
"""Statuses of answers that may say in `Retry-After` when to ask again."""
_OF_THE_SERVER = frozenset({"docs", "health", "metrics", "openapi", "page", "ready"})
_INTRODUCTION = """\
The HTTP API of Deskbell, beside the websocket protocol: the same rules, through the same actors.

A business's backend uses its API key. It makes tokens for its people, and may speak for one of them
with the header `Deskbell-Person`. A person's token, or the `session_token` of a websocket's
`welcome`, works for both. Errors are problem details (RFC 9457) with the stable codes of the
websocket protocol. Times are milliseconds since 1970-01-01 UTC. Ids are 1 to 64 characters of
`A-Z a-z 0-9 . _ : -`. Repeat a request that was not answered with the same ids, or the same
`Idempotency-Key`: nothing is done twice. A list ends where its answer has no `next`.
"""


class Description:
    """The document, and the route that serves it; it describes itself too."""

    def __init__(self, routes: Sequence[AnyRoute], version: str) -> None:
        self.route: AnyRoute = Route(
            method="GET",
            path="/v1/openapi.json",
            summary="This description",
            handler=self._show,
            callers=ANYBODY,
            parameters=Nothing,
            body=Nothing,
            answer=Content,
        )
        self._routes = (*routes, self.route)
        self._version = version

    @cached_property
    def _content(self) -> Content:
        body = msgspec.json.encode(describe(self._routes, self._version))
        return file_content(body, "application/json")

    async def _show(self, call: Call[Nothing, Nothing]) -> Content:
        """OpenAPI 3.1."""
        return unless_known(self._content, call.if_none_match)


def describe(routes: Sequence[AnyRoute], version: str) -> Json:
    """The document that describes exactly ``routes``."""
    types = [route.body for route in routes if route.takes_body and route.body is not Octets]
    types += [route.answer for route in routes if not issubclass(route.answer, Content)]
    referred, schemas = msgspec.json.schema_components(
        [*told.SENT, *types, Problem], ref_template=SCHEMAS
    )
    for route in routes:
        _, named = _schemas_of(route.parameters)
        schemas |= named
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    document: Json = _for_readers(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Deskbell",
                "version": version,
                "description": _INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name} for name in dict.fromkeys(_tag(route) for route in routes)],
            "paths": paths,
            "webhooks": told.webhooks(dict(zip(told.SENT, referred, strict=False))),
            "components": {
                "schemas": schemas,
                "responses": {code.value: _refused(HTTP_STATUS[code], (code,)) for code in MEANING},
                "parameters": _headers() | told.headers(),
                "securitySchemes": _security_schemes(),
            },
        }
    )
    return document


def statuses(route: AnyRoute) -> dict[int, tuple[Code, ...]]:
    """Every status but success that ``route`` can answer, with its codes."""
    codes = {Code.BAD_REQUEST, *route.refusals}
    if route.callers:
        # Whoever is named in Deskbell-Person may not exist; a business is not served while we stop.
        codes |= {Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.NOT_FOUND, Code.UNAVAILABLE}
        codes.add(Code.STORAGE_FAILED)
    if route.takes_key:
        codes.add(Code.CONFLICT)
    if _accepts(route, Caller.PERSON):
        codes.add(Code.RATE_LIMITED)
    if route.takes_body:
        codes.add(Code.TOO_LARGE)
    found: dict[int, tuple[Code, ...]] = {}
    for code in MEANING:
        if code in codes:
            found[HTTP_STATUS[code]] = (*found.get(HTTP_STATUS[code], ()), code)
    if route.takes_body:
        found[HTTPStatus.UNSUPPORTED_MEDIA_TYPE] = (Code.BAD_REQUEST,)
    if route.in_parts:
        found[HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE] = (Code.BAD_REQUEST,)
    found[HTTPStatus.INTERNAL_SERVER_ERROR] = (Code.UNAVAILABLE,)
    return dict(sorted(found.items()))


def _operation(route: AnyRoute) -> Json:
    described: Json = {
        "operationId": _operation_id(route),
        "tags": [_tag(route)],
        "summary": route.summary,
        "description": "\n\n".join(filter(None, _texts(route))),
        "security": [
            {_SCHEMES[caller]: _scopes(route, caller)}
            for caller in Caller
            if _accepts(route, caller)
        ],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.takes_body:
        media: Json = {"schema": {"type": "string", "format": "binary"}}
        if route.body is not Octets:
            media = {"schema": {"$ref": SCHEMAS.format(name=route.body.__name__)}}
        if route.asks is not None:
            media["example"] = msgspec.to_builtins(route.asks)
        described["requestBody"] = {"required": True, "content": {route.takes: media}}
    return described


def _texts(route: AnyRoute) -> tuple[str | None, ...]:
    about = "" if route.parameters is Nothing else route.parameters.__doc__ or ""
    return inspect.getdoc(route.handler), inspect.cleandoc(about), _who(route)


def _accepts(route: AnyRoute, caller: Caller) -> bool:
    """A backend may speak for a person, so its key also serves where people call."""
    speaks = caller is Caller.BUSINESS and Caller.PERSON in route.callers
    return caller in route.callers or speaks


def _who(route: AnyRoute) -> str:
    if not route.callers:
        return "Needs no token."
    who = [f"the {caller.value}" for caller in Caller if caller in route.callers]
    if Caller.PERSON in route.callers:
        roles = set(Role) if route.operation is None else POLICY[route.operation]
        who[-1] = ", ".join(role.value for role in Role if role in roles)
    scope = "" if route.scope is None else f" An API key needs the scope `{route.scope.value}`."
    return f"May be called by: {', '.join(who)}.{scope}"


def _scopes(route: AnyRoute, caller: Caller) -> list[str]:
    return [route.scope.value] if caller is Caller.BUSINESS and route.scope is not None else []


def _schemas_of(parameters: type[msgspec.Struct]) -> tuple[Json, Json]:
    """The schema of ``parameters``, and those of what it refers to, by name."""
    _, named = msgspec.json.schema_components([parameters], ref_template=SCHEMAS)
    return named.pop(parameters.__name__), named


def _parameters(route: AnyRoute) -> list[Json]:
    schema, _ = _schemas_of(route.parameters)
    required = schema.get("required", ())
    shown: list[Json] = []
    for name, of_it in schema["properties"].items():
        in_path = f"{{{name}}}" in route.path
        shown.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path or name in required,
                "schema": of_it,
            }
        )
    of_people = (PERSON_HEADER, DEVICE_HEADER, LOCATION_HEADER)
    headers = of_people if Caller.PERSON in route.callers else ()
    headers = (*headers, KEY_HEADER) if route.takes_key else headers
    return shown + [{"$ref": f"#/components/parameters/{name}"} for name in headers]


def _responses(route: AnyRoute) -> Json:
    media: Json = {"schema": {"type": "object" if "json" in route.media_type else "string"}}
    if not issubclass(route.answer, Content):
        media = {"schema": {"$ref": SCHEMAS.format(name=route.answer.__name__)}}
        if route.shows is not None:
            media["example"] = msgspec.to_builtins(route.shows)
    shown: Json = {
        str(route.status): {
            "description": HTTPStatus(route.status).phrase,
            "content": {route.media_type: media},
        }
    }
    if route.takes_key and route.repeat is Repeat.ANSWER:
        shown[str(route.status)]["headers"] = {
            REPLAYED_HEADER: {
                "schema": {"type": "string", "const": "true"},
                "description": "This is the answer that was given before.",
            }
        }
    if route.answer is Content:
        shown["304"] = {"description": "What `If-None-Match` names is what there is."}
    if route.in_parts:
        shown["206"] = shown[str(route.status)] | {"description": "The range asked for."}
    for status, codes in statuses(route).items():
        alone = len(codes) == 1 and status == HTTP_STATUS[codes[0]]
        shown[str(status)] = (
            {"$ref": f"#/components/responses/{codes[0].value}"}
            if alone
            else _refused(status, codes)
        )
    return shown


def _refused(status: int, codes: tuple[Code, ...]) -> Json:
    examples = {
        code.value: {"value": msgspec.to_builtins(problem(Refusal(code, MEANING[code]), status))}
        for code in codes
    }
    shown: Json = {
        "description": " ".join(f"`{code.value}`: {MEANING[code]}" for code in codes),
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": SCHEMAS.format(name="Problem")}, "examples": examples}
        },
    }
    if status == HTTPStatus.UNAUTHORIZED:
        shown["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in _LATER:
        shown["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
    return shown


def _headers() -> Json:
    texts = {
        PERSON_HEADER: "The person whom a business's API key speaks for.",
        DEVICE_HEADER: (
            "The device that ids of messages belong to; `http` by default. A session token has "
            "its own."
        ),
        LOCATION_HEADER: (
            "The open location where the person is: what somebody of the team begins from there, a "
            "customer answers there."
        ),
        KEY_HEADER: (
            "Made by the client for this request, like a new UUID, and sent again with it: then it "
            "is answered as it was, and nothing is done twice."
        ),
    }
    return {
        name: {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string", "pattern": ID_PATTERN},
        }
        for name, text in texts.items()
    }


def _security_schemes() -> Json:
    texts = {
        Caller.OPERATOR: "The operator's key: `operator.key` in the server's data folder.",
        Caller.BUSINESS: "The API key of a business, shown once when the business was made.",
        Caller.PERSON: "A person's token of `POST /v1/tokens`, or a `session_token`.",
    }
    return {
        _SCHEMES[caller]: {"type": "http", "scheme": "bearer", "description": text}
        for caller, text in texts.items()
    }


def _tag(route: AnyRoute) -> str:
    """What it is about: the first word of its path, but for what is about the server itself."""
    word = re.findall(r"[a-z-]+", route.path.removeprefix("/v1"))[:1]
    return "server" if not word or word[0] in _OF_THE_SERVER else word[0]


def _operation_id(route: AnyRoute) -> str:
    words = re.findall(r"[a-z]+", route.path.removeprefix("/v1")) or ["index"]
    return "_".join((route.method.lower(), *words))


def _for_readers(value: Any) -> Any:
    """What is written as Python has it, as JSON Schema and Markdown have it."""
    match value:
        case dict():
            return {
                name: _translated(name, each) if isinstance(each, str) else _for_readers(each)
                for name, each in value.items()
            }
        case list() | tuple():
            return [_for_readers(each) for each in value]
        case _:
            return value


def _translated(name: str, text: str) -> str:
    if name == "pattern":
        return text.replace(r"\A", "^").replace(r"\Z", "$")
    # The indentation of a docstring would make code of it.
    return inspect.cleandoc(text) if name == "description" else text
