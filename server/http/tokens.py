"""Tokens: a business's backend makes them for its people, and revokes them."""

from typing import Annotated, Any

import msgspec

from actors.business import RevokeAccess
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import LEADERS
from domain.scopes import Scope, refuse_scopes
from server.http.desk import ask_desk
from server.http.fields import UNSET, Changed, Id, Input, Nothing, Output, Unset, set_or
from server.http.route import BUSINESS, OPERATOR, UNDONE, Call, Repeat, Route
from server.live import LiveBusiness
from server.node import Node

TTL_LEAST, TTL_MOST = 10, 86_400
TtlSeconds = Annotated[int, msgspec.Meta(ge=TTL_LEAST, le=TTL_MOST)]

FOR_EVER = 2**53 - 1
"""When a revocation ends: never. An id does not tell until when its tokens are valid, and neither
do today's settings and today's clock: others may have held when they were made."""


class NewToken(Input, frozen=True, kw_only=True):
    """``ttl_seconds``: how long it is valid; by default the server's ``token_seconds``."""

    person: Id
    ttl_seconds: TtlSeconds | Unset = UNSET


class NewTokenOfBusiness(Input, frozen=True, kw_only=True):
    business: Id
    person: Id
    ttl_seconds: TtlSeconds | Unset = UNSET


class RevokedToken(Input, frozen=True, kw_only=True):
    token_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Token(Output, frozen=True, kw_only=True):
    """``token_id`` revokes it, and the session tokens that were made from it."""

    token: str
    token_id: str
    person: str
    expires_at: int


EXAMPLE = Token(
    token="WyI5ZjFjIiwicGF3c29tZSIsImNhcmxhIl0.Zm9yIGV4YW1wbGU",  # noqa: S106 - an example
    token_id="9f1c2ab07d3e44f5a1b2c3d4",  # noqa: S106
    person="carla",
    expires_at=1_793_000_300_000,
)


async def issue(
    node: Node,
    live: LiveBusiness,
    person: str,
    ttl_seconds: int | Unset = UNSET,
) -> Token | Refusal:
    """A token for ``person``, who must exist and be active."""
    record = await node.queries.person(live.state, person)
    if record is None or not record.active:
        return NOT_FOUND
    seconds = set_or(ttl_seconds, node.settings.token_seconds)
    token, claims = node.tokens.issue(
        live.id, person, node.clock(), seconds * 1000, record.revoked_revision
    )
    return Token(token=token, token_id=claims.id, person=person, expires_at=claims.expires_at)


async def make(call: Call[Nothing, NewToken]) -> Token | Refusal:
    """Make a token for a person of the business.

    For an owner or a manager the key needs the scope `leaders:write`, too.
    """
    refusal = await _refuse_leaders(call, call.body.person)
    if refusal is not None:
        return refusal
    return await issue(call.node, call.live, call.body.person, call.body.ttl_seconds)


async def make_of_business(call: Call[Nothing, NewTokenOfBusiness]) -> Token | Refusal:
    """Make a token for a person of any business."""
    live = await call.node.live(call.body.business)
    if live is None:
        return NOT_FOUND
    return await issue(call.node, live, call.body.person, call.body.ttl_seconds)


async def revoke(call: Call[Nothing, RevokedToken]) -> Changed | Refusal:
    """Refuse a token from now on, and end the connections that came in by it.

    An id that nobody has is accepted too; of another business's token nothing changes. For that of
    an owner or a manager who is connected or signed in by it the key needs `leaders:write`, too.
    """
    token_id = call.body.token_id
    business, slash, session = token_id.partition("/")
    if slash and business != call.live.id:
        return Changed()
    holder = next((c.person for c in call.live.everybody() if c.token_id == token_id), "")
    if slash and not holder:
        record = await call.node.queries.sign_in(session)
        holder = "" if record is None or record.business != call.live.id else record.person
    refusal = await _refuse_leaders(call, holder) if holder else None
    if refusal is not None:
        return refusal
    command = RevokeAccess(call.insider.author, call.insider.role, holder, token_id, FOR_EVER)
    return await ask_desk(call.live, command)


async def _refuse_leaders(call: Call[Any, Any], person: str) -> Refusal | None:
    """Why a key that may not touch who leads the business may not touch ``person``, if they do."""
    refusal = refuse_scopes(call.insider.scopes, (Scope.LEADERS_WRITE,))
    if refusal is None:
        return None
    record = await call.node.queries.person(call.live.state, person)
    return refusal if record is not None and record.role in LEADERS else None


ROUTES = (
    Route(
        method="POST",
        path="/v1/tokens",
        summary="Make a token for a person",
        handler=make,
        callers=BUSINESS,
        scope=Scope.TOKENS_WRITE,
        parameters=Nothing,
        body=NewToken,
        answer=Token,
        status=201,
        refusals=(Code.NOT_FOUND,),
        asks=NewToken(person="carla", ttl_seconds=300),
        shows=EXAMPLE,
        repeat=Repeat.ANEW,
    ),
    Route(
        method="POST",
        path="/v1/tokens/revoke",
        summary="Revoke a token and the session tokens made from it",
        handler=revoke,
        callers=BUSINESS,
        scope=Scope.TOKENS_WRITE,
        parameters=Nothing,
        body=RevokedToken,
        answer=Changed,
        refusals=UNDONE,
        asks=RevokedToken(token_id="9f1c2ab07d3e44f5a1b2c3d4"),  # noqa: S106 - an example
        shows=Changed(revision=1078),
    ),
    Route(
        method="POST",
        path="/v1/operator/tokens",
        summary="Make a token for a person of any business",
        handler=make_of_business,
        callers=OPERATOR,
        parameters=Nothing,
        body=NewTokenOfBusiness,
        answer=Token,
        status=201,
        refusals=(Code.NOT_FOUND,),
        asks=NewTokenOfBusiness(business="pawsome", person="carla", ttl_seconds=300),
        shows=EXAMPLE,
        repeat=Repeat.ANEW,
    ),
)
