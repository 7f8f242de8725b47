"""Locations: the places of a business, each in its time zone."""

from actors.business import ChangeLocation
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.http.businesses import TAKEN
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
from server.http.route import BUSINESS_OR_PERSON, UNDONE, Call, Route
from server.live import LiveBusiness
from server.node import Node
from storage.people import Location as Stored


class Location(Output, frozen=True, kw_only=True):
    """``time_zone``: a name of the IANA database."""

    id: str
    name: str
    time_zone: str


class LocationList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    locations: tuple[Location, ...]
    next: str | Unset = UNSET


class LocationsQuery(Input, frozen=True, kw_only=True):
    """``after``: ``next`` of the page before; ``limit``: 1 to 100."""

    after: Id | Unset = UNSET
    limit: Uint = 50


class LocationPath(Input, frozen=True, kw_only=True):
    location: Id


class NewLocation(Input, frozen=True, kw_only=True):
    id: Id | Unset = UNSET
    name: str
    time_zone: str


class LocationChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    name: str | Unset = UNSET
    time_zone: str | Unset = UNSET


async def everyone(call: Call[LocationsQuery, Nothing]) -> LocationList:
    """All locations of the business, in the order of their ids."""
    after, limit = set_or(call.parameters.after, ""), page_size(call.parameters.limit)
    every = await call.node.queries.locations(call.live.state)
    found = [location for location in every if location.id > after]
    page = found[:limit]
    return LocationList(
        locations=tuple(_shown(location) for location in page),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def show(call: Call[LocationPath, Nothing]) -> Location | Refusal:
    """One location."""
    found = await _find(call.node, call.live, call.parameters.location)
    return NOT_FOUND if found is None else _shown(found)


async def add(call: Call[Nothing, NewLocation]) -> Location | Refusal:
    """Add a location. The same one again, under an ``id``, is the same answer."""
    body = call.body
    id_ = set_or_none(body.id) or call.new_id()
    wanted = Location(id=id_, name=body.name, time_zone=body.time_zone)
    async with call.site.changing(call.live.id):
        before = await _find(call.node, call.live, id_)
        if before is not None:
            return wanted if _shown(before) == wanted else TAKEN
        return await _store(call.live, call.insider.author, wanted)


async def change(call: Call[LocationPath, LocationChange]) -> Location | Refusal:
    """Change the name or the time zone."""
    id_, body = call.parameters.location, call.body
    async with call.site.changing(call.live.id):
        before = await _find(call.node, call.live, id_)
        if before is None:
            return NOT_FOUND
        wanted = Location(
            id=id_,
            name=set_or(body.name, before.name),
            time_zone=set_or(body.time_zone, before.time_zone),
        )
        return await _store(call.live, call.insider.author, wanted)


async def _store(live: LiveBusiness, author: str, wanted: Location) -> Location | Refusal:
    command = ChangeLocation(author, wanted.id, wanted.name, wanted.time_zone)
    changed = await ask_desk(live, command)
    return changed if isinstance(changed, Refusal) else wanted


async def _find(node: Node, live: LiveBusiness, location: str) -> Stored | None:
    found = await node.queries.locations(live.state)
    return next((each for each in found if each.id == location), None)


def _shown(stored: Stored) -> Location:
    return Location(id=stored.id, name=stored.name, time_zone=stored.time_zone)


_EXAMPLE = Location(id="downtown", name="Pawsome Downtown", time_zone="America/New_York")

ROUTES = (
    Route(
        method="GET",
        path="/v1/locations",
        summary="List locations",
        handler=everyone,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_READ,
        scope=Scope.LOCATIONS_READ,
        parameters=LocationsQuery,
        body=Nothing,
        answer=LocationList,
        shows=LocationList(locations=(_EXAMPLE,)),
    ),
    Route(
        method="POST",
        path="/v1/locations",
        summary="Add a location",
        handler=add,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_CHANGE,
        scope=Scope.LOCATIONS_WRITE,
        parameters=Nothing,
        body=NewLocation,
        answer=Location,
        status=201,
        refusals=(Code.CONFLICT, *UNDONE),
        asks=NewLocation(id="downtown", name="Pawsome Downtown", time_zone="America/New_York"),
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/locations/{location}",
        summary="Show a location",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_READ,
        scope=Scope.LOCATIONS_READ,
        parameters=LocationPath,
        body=Nothing,
        answer=Location,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/locations/{location}",
        summary="Change a location",
        handler=change,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_CHANGE,
        scope=Scope.LOCATIONS_WRITE,
        parameters=LocationPath,
        body=LocationChange,
        answer=Location,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=LocationChange(name="Pawsome Downtown"),
        shows=_EXAMPLE,
    ),
)
