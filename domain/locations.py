"""The places of a business: open, closed, or merged into another one.

Rules
1. A location that was merged stands for the one it was merged into, through any number of steps; a
   closed one stands for nothing, until it is opened again. One that was merged stays merged.
2. Who is associated with a location that is merged is associated with the other from then on.
3. What is merged ends at an open location, so that no chain is a circle.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain.hours import Hours, refuse_hours
from domain.limits import NAME_BYTES
from domain.record_events import (
    LocationChanged,
    LocationClosed,
    LocationMerged,
    LocationReopened,
)
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.retention import AS_ALL, RetentionByChannel, refuse_retention
from domain.text import refuse_label, refuse_text

AWAY_TEXT_BYTES = 2_000
ALERT_MINUTES_MOST = 7 * 24 * 60
AUTO_CLOSE_DAYS_MOST = 365


class LocationStatus(StrEnum):
    """Whether a location takes part."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """``hours`` ``None``: always open. ``away_text``: what is answered while it is not, or ``""``.

    ``alert_minutes``: open minutes after which an unanswered customer is an alert; 0 is never.
    ``auto_close_days``: after so many without a word what nobody waits in is closed; 0 is never.
    ``retention_days``: so long what is said there is kept; ``None`` is for ever. What
    ``retention_by_channel`` says of a channel goes before it.
    """

    id: str
    name: str
    time_zone: str
    status: LocationStatus = LocationStatus.OPEN
    merged_into: str = ""
    hours: Hours | None = None
    away_text: str = ""
    alert_minutes: int = 0
    auto_close_days: int = 0
    retention_days: int | None = None
    retention_by_channel: RetentionByChannel = AS_ALL

    @property
    def is_open(self) -> bool:
        """Whether it takes part; whether its doors are open now is what `hours` say."""
        return self.status is LocationStatus.OPEN

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


Locations = Mapping[str, Location]


def standing(locations: Locations, location: str) -> str | None:
    """The open location that ``location`` stands for; ``None``: it is closed, or there is none."""
    end = _end(locations, location)
    return end.id if end is not None and end.status is LocationStatus.OPEN else None


def why_not_open(locations: Locations, location: str) -> str:
    """Why nobody can be at ``location``, which stands for no open one."""
    if location in locations:
        return f"the location {location} is closed: name another one, or none"
    return f"there is no location {location}"


def followed(locations: Locations, places: Iterable[str]) -> tuple[str, ...]:
    """``places``, each once, with what the merged ones were merged into in their stead."""
    ends = ((_end(locations, place), place) for place in places)
    return tuple(dict.fromkeys(place if end is None else end.id for end, place in ends))


def _end(locations: Locations, location: str) -> Location | None:
    found = locations.get(location)
    while found is not None and found.merged_into:
        found = locations.get(found.merged_into)
    return found


def refuse_location(location: Location) -> Refusal | None:
    """Why there cannot be such a location, or ``None``."""
    refusal = refuse_label(location.name, NAME_BYTES, "name") or refuse_zone(location.time_zone)
    if refusal is None and location.hours is not None:
        refusal = refuse_hours(location.hours)
    if refusal is None and location.away_text:
        refusal = refuse_text(location.away_text, AWAY_TEXT_BYTES)
    if refusal is None and not 0 <= location.alert_minutes <= ALERT_MINUTES_MOST:
        most = f"'alert_minutes': it is 0 (never) to {ALERT_MINUTES_MOST}."
        refusal = Refusal(Code.BAD_REQUEST, most)
    if refusal is None and not 0 <= location.auto_close_days <= AUTO_CLOSE_DAYS_MOST:
        most = f"'auto_close_days': it is 0 (never) to {AUTO_CLOSE_DAYS_MOST}."
        refusal = Refusal(Code.BAD_REQUEST, most)
    return refusal or refuse_retention(location.retention_days, location.retention_by_channel)


def refuse_zone(time_zone: str) -> Refusal | None:
    """Why this is no time zone, or ``None``.

    What depends on the machine is none, nor what few machines have: the data may move to another.
    """
    try:
        if time_zone.startswith(_OF_A_MACHINE):
            raise ValueError
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Refusal(Code.BAD_REQUEST, "There is no such time zone. Use a name like Europe/Rome.")
    return None


_OF_A_MACHINE = ("right/", "posix/", "posixrules", "localtime", "Factory")


def decide_closing(
    locations: Locations, author: str, location: str, now: int
) -> LocationClosed | Refusal | None:
    """``location`` takes part no more; ``None``: it is closed already."""
    known = locations.get(location)
    if known is None:
        return NOT_FOUND
    if known.merged_into:
        return _merged(known)
    return LocationClosed(now, author, location) if known.is_open else None


def decide_reopening(
    locations: Locations, author: str, location: str, now: int
) -> LocationReopened | Refusal | None:
    """``location`` takes part again; ``None``: it is open already."""
    known = locations.get(location)
    if known is None:
        return NOT_FOUND
    if known.merged_into:
        return _merged(known)
    return None if known.is_open else LocationReopened(now, author, location)


def decide_merge(
    locations: Locations,
    team: Mapping[str, frozenset[str]],
    author: str,
    location: str,
    into: str,
    now: int,
) -> LocationMerged | Refusal | None:
    """``location`` becomes a part of ``into``, or of what that was merged into.

    ``team``: who works where. ``None``: it has been merged so already.
    """
    known, other = locations.get(location), _end(locations, into)
    if known is None:
        return NOT_FOUND
    if other is None:
        return Refusal(Code.BAD_REQUEST, f"'into': there is no location {into}.")
    if into == location:
        return Refusal(Code.BAD_REQUEST, "'into': a location cannot be merged into itself.")
    if known.merged_into:
        return None if _end(locations, location) is other else _merged(known)
    if other is known:
        message = f"'into': {into} was merged into {location}. It cannot go both ways."
        return Refusal(Code.CONFLICT, message)
    if not other.is_open:
        message = f"'into': {other.id} is closed. Open it again first, or name another one."
        return Refusal(Code.CONFLICT, message)
    moved = tuple(sorted(person for person, places in team.items() if location in places))
    return LocationMerged(now, author, location, other.id, moved)


def _merged(location: Location) -> Refusal:
    message = f"This location was merged into {location.merged_into}, and stays so."
    return Refusal(Code.CONFLICT, message)


LocationEvent = LocationChanged | LocationClosed | LocationReopened | LocationMerged


def record(locations: dict[str, Location], event: LocationEvent) -> None:
    """Record ``event`` in ``locations``."""
    known = locations.get(event.location)
    if isinstance(event, LocationChanged):
        locations[event.location] = Location(
            id=event.location,
            name=event.name,
            time_zone=event.time_zone,
            status=LocationStatus.OPEN if known is None else known.status,
            merged_into="" if known is None else known.merged_into,
            hours=event.hours,
            away_text=event.away_text,
            alert_minutes=event.alert_minutes,
            auto_close_days=event.auto_close_days,
            retention_days=event.retention_days,
            retention_by_channel=event.retention_by_channel,
        )
    elif known is not None:
        into = event.into if isinstance(event, LocationMerged) else ""
        locations[known.id] = msgspec.structs.replace(
            known, status=_STATUS_AFTER[type(event)], merged_into=into
        )


_STATUS_AFTER: dict[type, LocationStatus] = {
    LocationClosed: LocationStatus.CLOSED,
    LocationReopened: LocationStatus.OPEN,
    LocationMerged: LocationStatus.MERGED,
}
