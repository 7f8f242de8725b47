"""The same request again under its idempotency key: the same answer, and nothing done twice.

What is kept is the answer to what has been done. A refusal has done nothing, so it is not kept: the
same request is simply tried again. Ids that the server makes follow from the key and the request:
who asks again after a crash between the deed and its record gets what the first request made.
"""

import hashlib
import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import structlog
import trio
from quart import Response

from actors.crash_report import error_name
from domain.errors import StorageFailed
from domain.ids import is_id
from domain.refusal import Code, Refusal
from server.http.caller import Backend, Identity, Operator
from server.http.problem import problem_response
from server.http.route import AnyCall, AnyRoute, Repeat
from server.node import Node
from storage.answers import OPERATORS, Answered

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"

ANSWER_BYTES: Final = 64 * 1024
"""A larger answer is not kept: the request again is done again, with the same ids."""

MALFORMED = Refusal(
    Code.BAD_REQUEST,
    f"{KEY_HEADER} must be 1 to 64 characters of A-Z a-z 0-9 . _ : -, like a new UUID.",
)
OTHERWISE_USED = Refusal(
    Code.CONFLICT, f"This {KEY_HEADER} was used for another request. Take a new one."
)
UNDER_WAY = Refusal(
    Code.CONFLICT, f"The first request with this {KEY_HEADER} is still under way. Wait.", 1.0
)
SHOWN_ONCE = Refusal(
    Code.CONFLICT,
    "This was done, but its answer is secret and shown once. If it did not arrive, make another one"
    " under a new key.",
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with an idempotency key. ``name``: a digest of who asks where under which key;
    ``asked``: one of what for."""

    business_no: int
    name: bytes
    asked: bytes

    def ids(self) -> Callable[[], str]:
        """The ids of what this request makes: the same ones each time that it is done."""
        made = itertools.count()

        def next_id() -> str:
            seed = b"%b%b%d" % (self.name, self.asked, next(made))
            fields = int.from_bytes(_digest(seed)) & ~(0xF << 76) & ~(0x3 << 62)
            return str(uuid.UUID(int=fields | 0x8 << 76 | 0x2 << 62))  # UUIDv8 of RFC 9562

        return next_id


def keyed(key: str, place: str, call: AnyCall) -> KeyedRequest | Refusal:
    """The request of ``call`` at ``place`` (method and path) under ``key``.

    The key may stand in quotes, as the header's draft has it.
    """
    assert call.identity is not None
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not is_id(key):
        return MALFORMED
    number = OPERATORS if isinstance(call.identity, Operator) else call.live.state.no
    name = _digest(f"{number}\n{_who(call.identity)}\n{place}\n{key}".encode())
    return KeyedRequest(number, name, _digest(msgspec.json.encode((call.parameters, call.body))))


def _who(identity: Identity) -> str:
    """A business is one caller, whichever of its keys it uses; a person is one on each device."""
    if isinstance(identity, Operator | Backend):
        return ""
    return f"{identity.record.id}\n{identity.device}"


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


class Repeats:
    """Knows what is under way, and what has been answered."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._under_way: set[bytes] = set()  # bound: requests at the same time

    async def answer(
        self,
        key: str,
        route: AnyRoute,
        path: str,
        call: AnyCall,
        respond: Callable[[AnyCall], Awaitable[Response]],
    ) -> Response:
        """What ``respond`` answers to ``call``, or what was answered to it before under ``key``.

        A client that goes away does not stop what it began: it will ask again for the answer.
        """
        request = keyed(key, f"{route.method} {path}", call)
        if isinstance(request, Refusal):
            return problem_response(request)
        if request.name in self._under_way:
            return problem_response(UNDER_WAY)
        self._under_way.add(request.name)
        try:
            known = await self._known(request)
            if known is not None:
                return _again(request, known)
            with trio.CancelScope(shield=True):
                response = await respond(replace(call, ids=request.ids()))
                if route.repeat is not Repeat.ANEW and response.status_code < 300:
                    await self._keep(request, route, response)
            return response
        finally:
            self._under_way.discard(request.name)

    async def _known(self, request: KeyedRequest) -> Answered | None:
        since = self._node.clock() - self._node.settings.idempotency_seconds * 1000
        return await self._node.queries.answered(request.business_no, request.name, since)

    async def _keep(self, request: KeyedRequest, route: AnyRoute, response: Response) -> None:
        body = await response.get_data(as_text=False)
        if len(body) > ANSWER_BYTES:
            return
        kept = None if route.repeat is Repeat.NOTHING else body
        media_type = response.headers["Content-Type"]
        answered = Answered(request.asked, response.status_code, media_type, kept)
        node = self._node
        try:
            await node.database.keep_answer(
                request.business_no,
                request.name,
                node.clock(),
                answered,
                node.settings.idempotency_answers,
            )
        except StorageFailed as error:  # it was done all the same: this is its answer
            log.warning("answer_not_kept", error=error_name(error))


def _again(request: KeyedRequest, known: Answered) -> Response:
    if known.asked != request.asked:
        return problem_response(OTHERWISE_USED)
    if known.body is None:
        return problem_response(SHOWN_ONCE)
    response = Response(known.body, known.status, content_type=known.media_type)
    response.headers[REPLAYED_HEADER] = "true"
    return response
