"""What the desk is asked about locations."""

import msgspec

from domain.business import Business
from domain.events import BusinessEvent
from domain.hours import Hours
from domain.locations import (
    Location,
    decide_closing,
    decide_merge,
    decide_reopening,
    refuse_location,
)
from domain.record_events import LocationChanged
from domain.refusal import Refusal
from domain.retention import AS_ALL, RetentionByChannel


class ChangeLocation(msgspec.Struct, frozen=True):
    author: str
    location: str
    name: str
    time_zone: str
    hours: Hours | None = None
    away_text: str = ""
    alert_minutes: int = 0
    auto_close_days: int = 0
    retention_days: int | None = None
    retention_by_channel: RetentionByChannel = AS_ALL


class CloseLocation(msgspec.Struct, frozen=True):
    author: str
    location: str


class ReopenLocation(msgspec.Struct, frozen=True):
    author: str
    location: str


class MergeLocations(msgspec.Struct, frozen=True):
    author: str
    location: str
    into: str


LocationCommand = ChangeLocation | CloseLocation | ReopenLocation | MergeLocations


def decide_location(
    business: Business, command: LocationCommand, now: int
) -> BusinessEvent | Refusal | None:
    """The event, why not, or ``None``: it is so already."""
    places, author = business.locations, command.author
    match command:
        case ChangeLocation():
            return _change_location(command, now)
        case CloseLocation():
            return decide_closing(places, author, command.location, now)
        case ReopenLocation():
            return decide_reopening(places, author, command.location, now)
        case MergeLocations():
            team = {person: known.locations for person, known in business.team.items()}
            return decide_merge(places, team, author, command.location, command.into, now)


def _change_location(command: ChangeLocation, now: int) -> LocationChanged | Refusal:
    event = LocationChanged(
        now,
        command.author,
        command.location,
        command.name,
        command.time_zone,
        command.hours,
        command.away_text,
        command.alert_minutes,
        command.auto_close_days,
        command.retention_days,
        command.retention_by_channel,
    )
    wanted = Location(
        id=event.location,
        name=event.name,
        time_zone=event.time_zone,
        hours=event.hours,
        away_text=event.away_text,
        alert_minutes=event.alert_minutes,
        auto_close_days=event.auto_close_days,
        retention_days=event.retention_days,
        retention_by_channel=event.retention_by_channel,
    )
    return refuse_location(wanted) or event
