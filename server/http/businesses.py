"""Businesses: the operator makes them; each has a name, and says what people see of each other."""

import structlog
import trio

from actors.business import ChangeBusiness, ChangeLocation
from domain.limits import NAME_BYTES
from domain.refusal import Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.text import refuse_label
from server.http.caller import OPERATOR as OPERATORS_ID
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Id,
    Input,
    Nothing,
    Output,
    Uint,
    Unset,
    page_size,
    set_or,
    set_or_none,
)
from server.http.route import BUSINESS_OR_PERSON, OPERATOR, UNDONE, Call, Repeat, Route
from server.live import LiveBusiness
from server.tokens import hash_key, make_key

FIRST_LOCATION = "main"
FIRST_TIME_ZONE = "UTC"
TAKEN = Refusal(Code.CONFLICT, "This id is taken. Choose another one.")

log = structlog.get_logger(__name__)


class NewBusiness(Input, frozen=True, kw_only=True):
    id: Id | Unset = UNSET
    name: str


class BusinessKey(Output, frozen=True, kw_only=True):
    """``api_key`` is shown this once: only its hash is kept."""

    id: str
    name: str
    api_key: str


class BusinessSummary(Output, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: int


class BusinessList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    businesses: tuple[BusinessSummary, ...]
    next: str | Unset = UNSET


class BusinessesQuery(Input, frozen=True, kw_only=True):
    """``after``: ``next`` of the page before; ``limit``: 1 to 100."""

    after: Id | Unset = UNSET
    limit: Uint = 50


class Business(Output, frozen=True, kw_only=True):
    """``read_receipts`` and ``last_seen``: whether people may see these of each other at all."""

    id: str
    name: str
    read_receipts: bool
    last_seen: bool


class BusinessChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    name: str | Unset = UNSET
    read_receipts: bool | Unset = UNSET
    last_seen: bool | Unset = UNSET


async def add(call: Call[Nothing, NewBusiness]) -> BusinessKey | Refusal:
    """Make a business with a location `main` and an API key for its backend."""
    body, node = call.body, call.node
    refusal = refuse_label(body.name, NAME_BYTES, "name")
    if refusal is not None:
        return refusal
    id_ = set_or_none(body.id) or call.new_id()
    key = make_key("business")
    with trio.CancelScope(shield=True):  # whole, also if the client goes away meanwhile
        if not await node.database.create_business(id_, body.name, hash_key(key), node.clock()):
            return TAKEN
        live = await node.live(id_)
        if live is not None:
            location = ChangeLocation(OPERATORS_ID, FIRST_LOCATION, body.name, FIRST_TIME_ZONE)
            made = await ask_desk(live, location)
            if isinstance(made, Refusal):  # it has its key all the same, and can add locations
                log.warning("first_location_not_made", business=id_, code=made.code)
    return BusinessKey(id=id_, name=body.name, api_key=key)


async def everyone(call: Call[BusinessesQuery, Nothing]) -> BusinessList:
    """All businesses, oldest first."""
    asked = call.parameters
    limit = page_size(asked.limit)
    found = await call.node.queries.businesses(set_or(asked.after, ""), limit + 1)
    page = found[:limit]
    return BusinessList(
        businesses=tuple(
            BusinessSummary(id=b.id, name=b.name, created_at=b.created_at) for b in page
        ),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def show(call: Call[Nothing, Nothing]) -> Business:
    """The business of whoever asks."""
    return _shown(call.live)


async def change(call: Call[Nothing, BusinessChange]) -> Business | Refusal:
    """Change the name, or what people may see of each other."""
    body = call.body
    changed = await ask_desk(
        call.live,
        ChangeBusiness(
            call.insider.author,
            set_or_none(body.name),
            set_or_none(body.read_receipts),
            set_or_none(body.last_seen),
        ),
    )
    return changed if isinstance(changed, Refusal) else _shown(call.live)


def _shown(live: LiveBusiness) -> Business:
    state = live.state
    return Business(
        id=state.id,
        name=state.name,
        read_receipts=state.read_receipts,
        last_seen=state.last_seen,
    )


_EXAMPLE = Business(id="pawsome", name="Pawsome Pet Care", read_receipts=True, last_seen=True)

ROUTES = (
    Route(
        method="POST",
        path="/v1/businesses",
        summary="Make a business",
        handler=add,
        callers=OPERATOR,
        parameters=Nothing,
        body=NewBusiness,
        answer=BusinessKey,
        status=201,
        refusals=(Code.CONFLICT,),
        asks=NewBusiness(id="pawsome", name="Pawsome Pet Care"),
        shows=BusinessKey(
            id="pawsome",
            name="Pawsome Pet Care",
            api_key="business_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEga2V5IQ",
        ),
        repeat=Repeat.NOTHING,
    ),
    Route(
        method="GET",
        path="/v1/businesses",
        summary="List businesses",
        handler=everyone,
        callers=OPERATOR,
        parameters=BusinessesQuery,
        body=Nothing,
        answer=BusinessList,
        shows=BusinessList(
            businesses=(
                BusinessSummary(
                    id="pawsome", name="Pawsome Pet Care", created_at=1_793_000_000_000
                ),
            )
        ),
    ),
    Route(
        method="GET",
        path="/v1/business",
        summary="Show the business",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.BUSINESS_READ,
        scope=Scope.BUSINESS_READ,
        parameters=Nothing,
        body=Nothing,
        answer=Business,
        shows=_EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/business",
        summary="Change the business",
        handler=change,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.BUSINESS_CHANGE,
        scope=Scope.BUSINESS_WRITE,
        parameters=Nothing,
        body=BusinessChange,
        answer=Business,
        refusals=UNDONE,
        asks=BusinessChange(name="Pawsome Pet Care", read_receipts=True),
        shows=_EXAMPLE,
    ),
)
