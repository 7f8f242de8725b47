"""Businesses: the operator makes them; each has a name, and says what people see of each other."""

import msgspec
import structlog
import trio

from actors.business import ChangeBusiness, ChangeLocation, SetParent
from domain.families import refuse_parent
from domain.limits import NAME_BYTES
from domain.policies import Policies, UnreadBy
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Operation
from domain.scopes import Scope
from domain.text import refuse_label
from server.http.caller import OPERATOR as OPERATORS_ID
from server.http.caller import STOPPING, Backend, Somebody
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
from server.phones import is_region
from server.tokens import hash_key, make_key
from storage.people import BusinessRecord

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
    """``parent``: the business that it belongs to."""

    id: str
    name: str
    created_at: int
    parent: str | Unset = UNSET


class BusinessList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    businesses: tuple[BusinessSummary, ...]
    next: str | Unset = UNSET


class BusinessesQuery(Input, frozen=True, kw_only=True):
    """``parent``: only the children of that business. ``after``: ``next`` of the page before."""

    parent: Id | Unset = UNSET
    after: Id | Unset = UNSET
    limit: Uint = 50


class BusinessPath(Input, frozen=True, kw_only=True):
    business: Id


class Parent(Input, frozen=True, kw_only=True):
    """``parent``: the business that this one belongs to; `null`: it belongs to none."""

    parent: Id | None


class Business(Output, frozen=True, kw_only=True):
    """``read_receipts`` and ``last_seen``: whether people may see these of each other at all.

    ``parent``: the business that this one belongs to. ``policies``: to the team.
    """

    id: str
    name: str
    read_receipts: bool
    last_seen: bool
    parent: str | Unset = UNSET
    policies: Policies | Unset = UNSET


class PoliciesChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays.

    ``staff_to_staff``: the team may talk among themselves. ``unread``: ``personal``, or ``team``:
    where a customer is, what one of the team has read is unread for none of it.
    ``customers_see_presence``: whether they see who of the team is there. ``attribution_hours``:
    within them a reply belongs to the latest message that went out. ``post_visit_minutes``: after
    a visit nobody is told that it is closed. ``region``: the country, like `US`, of phone numbers
    that are written without one; `""`: they are refused.
    """

    staff_to_staff: bool | Unset = UNSET
    unread: UnreadBy | Unset = UNSET
    customers_see_presence: bool | Unset = UNSET
    attribution_hours: int | Unset = UNSET
    post_visit_minutes: int | Unset = UNSET
    region: str | Unset = UNSET


class BusinessChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    name: str | Unset = UNSET
    read_receipts: bool | Unset = UNSET
    last_seen: bool | Unset = UNSET
    policies: PoliciesChange | Unset = UNSET


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
    """All businesses, or the children of one, oldest first."""
    asked = call.parameters
    limit, parent = page_size(asked.limit), set_or_none(asked.parent)
    after = set_or(asked.after, "")
    found = await call.node.queries.businesses(after, limit + 1, parent)
    page = found[:limit]
    return BusinessList(
        businesses=tuple(_summary(record) for record in page),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def set_parent(call: Call[BusinessPath, Parent]) -> BusinessSummary | Refusal:
    """Say which business a business belongs to: a push of a child carries the child's name."""
    parent = call.body.parent or ""
    async with call.site.changing(OPERATORS_ID):  # all lines are of one moment, so none is a circle
        known = {b.id: b for b in await call.node.queries.businesses()}
        business = known.get(call.parameters.business)
        if business is None:
            return NOT_FOUND
        if parent and parent not in known:
            return Refusal(Code.BAD_REQUEST, f"'parent': there is no business {parent}.")
        lines = {b.id: b.parent for b in known.values() if b.parent}
        refusal = refuse_parent(lines, business.id, parent)
        if refusal is not None:
            return refusal
        live = await call.node.live(business.id)
        if live is None:
            return STOPPING
        changed = await ask_desk(live, SetParent(OPERATORS_ID, parent))
        if isinstance(changed, Refusal):
            return changed
    return _summary(msgspec.structs.replace(business, parent=parent))


def _summary(record: BusinessRecord) -> BusinessSummary:
    return BusinessSummary(
        id=record.id,
        name=record.name,
        created_at=record.created_at,
        parent=record.parent or UNSET,
    )


async def show(call: Call[Nothing, Nothing]) -> Business:
    """The business of whoever asks."""
    return _shown(call.insider)


async def change(call: Call[Nothing, BusinessChange]) -> Business | Refusal:
    """Change the name, what people may see of each other, or how things are to be."""
    body = call.body
    async with call.site.changing(call.live.id):
        policies = _policies(body.policies, call.live.state.policies)
        if policies.region and not is_region(policies.region):
            return Refusal(Code.BAD_REQUEST, "'region': write a country as two letters, like US.")
        command = ChangeBusiness(
            call.insider.author,
            set_or_none(body.name),
            set_or_none(body.read_receipts),
            set_or_none(body.last_seen),
            policies,
        )
        changed = await ask_desk(call.live, command)
    return changed if isinstance(changed, Refusal) else _shown(call.insider)


def _policies(change: PoliciesChange | Unset, before: Policies) -> Policies:
    if isinstance(change, msgspec.UnsetType):
        return before
    named = {name: getattr(change, name) for name in change.__struct_fields__}
    named = {name: value for name, value in named.items() if value is not UNSET}
    return msgspec.structs.replace(before, **named)


def _shown(caller: Backend | Somebody) -> Business:
    state = caller.live.state
    inside = caller.role is None or caller.role in TEAM
    return Business(
        id=state.id,
        name=state.name,
        read_receipts=state.read_receipts,
        last_seen=state.last_seen,
        parent=state.parent or UNSET,
        policies=state.policies if inside else UNSET,
    )


_EXAMPLE = Business(
    id="pawsome",
    name="Pawsome Pet Care",
    read_receipts=True,
    last_seen=True,
    parent="pawsome-group",
    policies=Policies(region="US"),
)
_SUMMARY = BusinessSummary(
    id="pawsome", name="Pawsome Pet Care", created_at=1_793_000_000_000, parent="pawsome-group"
)

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
        shows=BusinessList(businesses=(_SUMMARY,)),
    ),
    Route(
        method="PUT",
        path="/v1/businesses/{business}/parent",
        summary="Say which business a business belongs to",
        handler=set_parent,
        callers=OPERATOR,
        parameters=BusinessPath,
        body=Parent,
        answer=BusinessSummary,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=Parent(parent="pawsome-group"),
        shows=_SUMMARY,
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
        asks=BusinessChange(read_receipts=True, policies=PoliciesChange(region="US")),
        shows=_EXAMPLE,
    ),
)
