"""Locations: the places of a business, each in its time zone, with the hours of its doors."""

from typing import Annotated

import msgspec

from actors.desk_locations import ChangeLocation, CloseLocation, MergeLocations, ReopenLocation
from domain import locations as rules
from domain.hours import Holiday, Hours, Span
from domain.locations import ALERT_MINUTES_MOST, AUTO_CLOSE_DAYS_MOST, LocationStatus
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.retention import AS_ALL, RETENTION_DAYS_MOST, RetentionByChannel
from domain.roles import TEAM, Operation
from domain.scopes import Scope
from server.http.businesses import TAKEN
from server.http.caller import Backend, Somebody
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

RetentionDays = Annotated[int, msgspec.Meta(ge=1, le=RETENTION_DAYS_MOST)]
AlertMinutes = Annotated[int, msgspec.Meta(ge=0, le=ALERT_MINUTES_MOST)]
AutoCloseDays = Annotated[int, msgspec.Meta(ge=0, le=AUTO_CLOSE_DAYS_MOST)]
DaySpans = tuple[Span, ...]


class Location(Output, frozen=True, kw_only=True):
    """``time_zone``: a name of the IANA database. ``hours``: `null` is always open.

    ``hours.week``: seven lists, Monday first, of spans in minutes of the local day. A holiday
    replaces the hours of its date. ``away_text``: the answer while it is closed. ``alert_minutes``:
    of open time, after which an unanswered customer is an alert; 0 is never. ``auto_close_days``:
    after so many without a word a conversation there, in which nobody waits, is closed; 0 is never.
    ``retention_days``: after so many, what was said there is erased; `null` is never. What
    ``retention_by_channel`` names goes before it, for what was said on that channel. The team is
    shown these five.
    """

    id: str
    name: str
    time_zone: str
    status: LocationStatus = LocationStatus.OPEN
    merged_into: str | Unset = UNSET
    hours: Hours | None = None
    away_text: str | Unset = UNSET
    alert_minutes: int | Unset = UNSET
    auto_close_days: int | Unset = UNSET
    retention_days: int | Unset | None = UNSET
    retention_by_channel: RetentionByChannel | Unset = UNSET


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
    hours: Hours | None = None
    away_text: str = ""
    alert_minutes: AlertMinutes = 0
    auto_close_days: AutoCloseDays = 0
    retention_days: RetentionDays | None = None
    retention_by_channel: RetentionByChannel = AS_ALL


class LocationChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. ``hours`` `null`: always open.

    ``retention_days`` `null`: what is said there is kept for ever. ``retention_by_channel`` changes
    as a whole.
    """

    name: str | Unset = UNSET
    time_zone: str | Unset = UNSET
    hours: Hours | Unset | None = UNSET
    away_text: str | Unset = UNSET
    alert_minutes: AlertMinutes | Unset = UNSET
    auto_close_days: AutoCloseDays | Unset = UNSET
    retention_days: RetentionDays | Unset | None = UNSET
    retention_by_channel: RetentionByChannel | Unset = UNSET


class Merge(Input, frozen=True, kw_only=True):
    into: Id


async def everyone(call: Call[LocationsQuery, Nothing]) -> LocationList:
    """All locations of the business, also the closed and merged ones, in the order of their ids."""
    after, limit = set_or(call.parameters.after, ""), page_size(call.parameters.limit)
    known = call.live.state.locations
    found = [known[location] for location in sorted(known) if location > after]
    page = found[:limit]
    return LocationList(
        locations=tuple(_shown(call.insider, location) for location in page),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def show(call: Call[LocationPath, Nothing]) -> Location | Refusal:
    """One location."""
    found = call.live.state.locations.get(call.parameters.location)
    return NOT_FOUND if found is None else _shown(call.insider, found)


async def add(call: Call[Nothing, NewLocation]) -> Location | Refusal:
    """Add a location. The same one again, under an ``id``, is the same answer."""
    body = call.body
    wanted = rules.Location(
        id=set_or_none(body.id) or call.new_id(),
        name=body.name,
        time_zone=body.time_zone,
        hours=body.hours,
        away_text=body.away_text,
        alert_minutes=body.alert_minutes,
        auto_close_days=body.auto_close_days,
        retention_days=body.retention_days,
        retention_by_channel=body.retention_by_channel,
    )
    async with call.site.changing(call.live.id):
        before = call.live.state.locations.get(wanted.id)
        if before is not None:
            open_ = msgspec.structs.replace(before, status=LocationStatus.OPEN, merged_into="")
            same = open_ == wanted
            return _shown(call.insider, before) if same else TAKEN
        return await _store(call.live, call.insider, wanted)


async def change(call: Call[LocationPath, LocationChange]) -> Location | Refusal:
    """Change what is said of a location."""
    body = call.body
    async with call.site.changing(call.live.id):
        before = call.live.state.locations.get(call.parameters.location)
        if before is None:
            return NOT_FOUND
        wanted = msgspec.structs.replace(
            before,
            name=set_or(body.name, before.name),
            time_zone=set_or(body.time_zone, before.time_zone),
            hours=set_or(body.hours, before.hours),
            away_text=set_or(body.away_text, before.away_text),
            alert_minutes=set_or(body.alert_minutes, before.alert_minutes),
            auto_close_days=set_or(body.auto_close_days, before.auto_close_days),
            retention_days=set_or(body.retention_days, before.retention_days),
            retention_by_channel=set_or(body.retention_by_channel, before.retention_by_channel),
        )
        return await _store(call.live, call.insider, wanted)


async def close(call: Call[LocationPath, Nothing]) -> Location | Refusal:
    """Close a location for good or until it is opened again. Nothing of it is lost."""
    command = CloseLocation(call.insider.author, call.parameters.location)
    return await _standing(call, command)


async def reopen(call: Call[LocationPath, Nothing]) -> Location | Refusal:
    """Open a location again that was closed; one that was merged stays merged."""
    command = ReopenLocation(call.insider.author, call.parameters.location)
    return await _standing(call, command)


async def merge(call: Call[LocationPath, Merge]) -> Location | Refusal:
    """Make a location a part of another one: whoever was associated with it is so with the other.

    Its connections of the team end; their next one sees what is theirs. Who is put at it later is
    put at the other.
    """
    command = MergeLocations(call.insider.author, call.parameters.location, call.body.into)
    return await _standing(call, command)


async def _standing(
    call: Call[LocationPath, Nothing] | Call[LocationPath, Merge],
    command: CloseLocation | ReopenLocation | MergeLocations,
) -> Location | Refusal:
    async with call.site.changing(call.live.id):
        changed = await ask_desk(call.live, command)
    if isinstance(changed, Refusal):
        return changed
    return _shown(call.insider, call.live.state.locations[command.location])


async def _store(
    live: LiveBusiness, caller: Backend | Somebody, wanted: rules.Location
) -> Location | Refusal:
    command = ChangeLocation(
        caller.author,
        wanted.id,
        wanted.name,
        wanted.time_zone,
        wanted.hours,
        wanted.away_text,
        wanted.alert_minutes,
        wanted.auto_close_days,
        wanted.retention_days,
        wanted.retention_by_channel,
    )
    changed = await ask_desk(live, command)
    return changed if isinstance(changed, Refusal) else _shown(caller, wanted)


def _shown(caller: Backend | Somebody, known: rules.Location) -> Location:
    inside = caller.role is None or caller.role in TEAM
    by_channel = known.retention_by_channel
    return Location(
        id=known.id,
        name=known.name,
        time_zone=known.time_zone,
        status=known.status,
        merged_into=known.merged_into or UNSET,
        hours=known.hours,
        away_text=known.away_text if inside else UNSET,
        alert_minutes=known.alert_minutes if inside else UNSET,
        auto_close_days=known.auto_close_days if inside else UNSET,
        retention_days=known.retention_days if inside else UNSET,
        retention_by_channel=by_channel if inside and by_channel != AS_ALL else UNSET,
    )


_WEEKDAY: DaySpans = (Span(540, 780), Span(840, 1080))
_HOURS = Hours(
    (_WEEKDAY, _WEEKDAY, _WEEKDAY, _WEEKDAY, _WEEKDAY, (Span(540, 780),), ()),
    (Holiday("2026-12-25", "Christmas"),),
)
_EXAMPLE = Location(
    id="downtown",
    name="Pawsome Downtown",
    time_zone="America/New_York",
    hours=_HOURS,
    away_text="We are closed now and answer in the morning.",
    alert_minutes=30,
    auto_close_days=7,
)
_CLOSED = Location(
    id="uptown",
    name="Pawsome Uptown",
    time_zone="America/New_York",
    status=LocationStatus.CLOSED,
    away_text="",
    alert_minutes=0,
    auto_close_days=0,
)
_MERGED = msgspec.structs.replace(_CLOSED, status=LocationStatus.MERGED, merged_into="downtown")

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
        asks=NewLocation(
            id="downtown",
            name="Pawsome Downtown",
            time_zone="America/New_York",
            hours=_HOURS,
            away_text="We are closed now and answer in the morning.",
            alert_minutes=30,
            auto_close_days=7,
        ),
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
        asks=LocationChange(name="Pawsome Downtown", alert_minutes=30),
        shows=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/locations/{location}/close",
        summary="Close a location",
        handler=close,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_CHANGE,
        scope=Scope.LOCATIONS_WRITE,
        parameters=LocationPath,
        body=Nothing,
        answer=Location,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        shows=_CLOSED,
    ),
    Route(
        method="POST",
        path="/v1/locations/{location}/reopen",
        summary="Open a location again",
        handler=reopen,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_CHANGE,
        scope=Scope.LOCATIONS_WRITE,
        parameters=LocationPath,
        body=Nothing,
        answer=Location,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        shows=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/locations/{location}/merge",
        summary="Merge a location into another one",
        handler=merge,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.LOCATIONS_CHANGE,
        scope=Scope.LOCATIONS_WRITE,
        parameters=LocationPath,
        body=Merge,
        answer=Location,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=Merge(into="downtown"),
        shows=_MERGED,
    ),
)
