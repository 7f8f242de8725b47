"""API keys of a business: made for some scopes, listed, revoked."""

from typing import Annotated

import msgspec

from actors.business import MakeKey, RevokeKey
from domain.keys import NewKey as Wanted
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Uint,
    Unset,
    page_size,
    set_or,
)
from server.http.repeats import SHOWN_ONCE
from server.http.route import BUSINESS_OR_PERSON, UNDONE, Call, Repeat, Route
from server.tokens import hash_key, make_key
from storage.api_keys import KeyRecord

Time = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class ApiKey(Output, frozen=True, kw_only=True):
    """``last_used_at`` is right to the hour. A time that is left out: never."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int | Unset = UNSET
    last_used_at: int | Unset = UNSET
    revoked_at: int | Unset = UNSET


class MadeKey(Output, frozen=True, kw_only=True):
    """``api_key`` is shown this once: only its hash is kept."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    expires_at: int | Unset = UNSET
    api_key: str


class KeyList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    keys: tuple[ApiKey, ...]
    next: str | Unset = UNSET


class KeysQuery(Input, frozen=True, kw_only=True):
    """``after``: ``next`` of the page before; ``limit``: 1 to 100."""

    after: Id | Unset = UNSET
    limit: Uint = 50


class KeyPath(Input, frozen=True, kw_only=True):
    key: Id


class NewKey(Input, frozen=True, kw_only=True):
    """``scopes``: what the key may be used for, `*` for everything; ``expires_at``: by default it
    lasts until it is revoked."""

    name: str
    scopes: tuple[Scope, ...]
    expires_at: Time | Unset = UNSET


async def add(call: Call[Nothing, NewKey]) -> MadeKey | Refusal:
    """Make an API key. It can be given what its maker has, and no more."""
    body, caller, node = call.body, call.insider, call.node
    id_, secret = call.new_id(), make_key("business")
    async with call.site.changing(call.live.id):
        if await node.queries.key(call.live.state, id_) is not None:
            return SHOWN_ONCE  # made under the same idempotency key; the answer came to nobody
        valid = await node.queries.valid_keys(call.live.state, node.clock())
        expires_at = set_or(body.expires_at, 0)
        new = Wanted(id_, hash_key(secret), body.name, body.scopes, expires_at)
        made = await ask_desk(call.live, MakeKey(caller.author, caller.scopes, valid, new))
    if isinstance(made, Refusal):
        return made
    return MadeKey(
        id=id_,
        name=body.name,
        scopes=tuple(dict.fromkeys(body.scopes)),
        expires_at=body.expires_at,
        api_key=secret,
    )


async def everyone(call: Call[KeysQuery, Nothing]) -> KeyList:
    """All API keys of the business, in the order of their ids, also those that are void."""
    asked = call.parameters
    limit = page_size(asked.limit)
    found = await call.node.queries.keys(call.live.state, set_or(asked.after, ""), limit + 1)
    page = found[:limit]
    return KeyList(
        keys=tuple(_shown(record) for record in page),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def revoke(call: Call[KeyPath, Nothing]) -> Changed | Refusal:
    """Refuse an API key from now on, for ever; once more changes nothing."""
    key = call.parameters.key
    async with call.site.changing(call.live.id):
        record = await call.node.queries.key(call.live.state, key)
        if record is None:
            return NOT_FOUND
        if record.revoked_at:
            return Changed()
        return await ask_desk(call.live, RevokeKey(call.insider.author, key))


def _shown(record: KeyRecord) -> ApiKey:
    return ApiKey(
        id=record.id,
        name=record.name,
        scopes=record.scopes,
        created_at=record.created_at,
        expires_at=record.expires_at or UNSET,
        last_used_at=record.last_used_at or UNSET,
        revoked_at=record.revoked_at or UNSET,
    )


_ID = "0193291c-5a30-8d1e-9f52-7b0c4f7a1e22"
_SCOPES = (Scope.PEOPLE_READ, Scope.PEOPLE_WRITE, Scope.TOKENS_WRITE)

ROUTES = (
    Route(
        method="GET",
        path="/v1/keys",
        summary="List API keys",
        handler=everyone,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.KEYS,
        scope=Scope.KEYS_READ,
        parameters=KeysQuery,
        body=Nothing,
        answer=KeyList,
        shows=KeyList(
            keys=(
                ApiKey(
                    id=_ID,
                    name="Booking",
                    scopes=_SCOPES,
                    created_at=1_793_000_000_000,
                    last_used_at=1_793_000_600_000,
                ),
            )
        ),
    ),
    Route(
        method="POST",
        path="/v1/keys",
        summary="Make an API key",
        handler=add,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.KEYS,
        scope=Scope.KEYS_WRITE,
        parameters=Nothing,
        body=NewKey,
        answer=MadeKey,
        status=201,
        refusals=UNDONE,
        asks=NewKey(name="Booking", scopes=_SCOPES),
        shows=MadeKey(
            id=_ID,
            name="Booking",
            scopes=_SCOPES,
            api_key="business_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEga2V5IQ",
        ),
        repeat=Repeat.NOTHING,
    ),
    Route(
        method="DELETE",
        path="/v1/keys/{key}",
        summary="Revoke an API key",
        handler=revoke,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.KEYS,
        scope=Scope.KEYS_WRITE,
        parameters=KeyPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1086),
    ),
)
