"""Appointments: the scheduling product puts them, and the people in them see them."""

from typing import Annotated

import msgspec

from actors.desk_appointments import DeleteAppointment, PutAppointment
from domain import appointments as rules
from domain.appointments import LAST_MS, AppointmentStatus, instant
from domain.permissions import Permission
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role
from domain.scopes import Scope
from server.http.caller import Backend, Somebody
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Moment,
    Nothing,
    Output,
    Uint,
    Unset,
    page_size,
    set_or_none,
)
from server.http.route import BUSINESS, BUSINESS_OR_PERSON, UNDONE, Call, Route
from server.live import LiveBusiness
from server.reading import viewer_of
from storage.appointments import Filter, Reader

Cursor = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,15}:[A-Za-z0-9._:-]{1,64}\Z")]


class LocalTime(Input, frozen=True, kw_only=True):
    """When the clock at the location shows ``time`` (HH:MM or HH:MM:SS) on ``date`` (YYYY-MM-DD).

    A time that the clock skips is refused; one that comes twice is the first of the two.
    """

    date: str
    time: str


class Appointment(Output, frozen=True, kw_only=True):
    """``end`` is the first moment after it."""

    id: str
    customer: str
    staff: str | Unset = UNSET
    location: str
    start: int
    end: int
    status: AppointmentStatus
    title: str = ""


class AppointmentList(Output, frozen=True, kw_only=True):
    """In the order of their start. ``next`` goes into ``after``; left out at the end."""

    appointments: tuple[Appointment, ...]
    next: str | Unset = UNSET


class AppointmentPath(Input, frozen=True, kw_only=True):
    appointment: Id


class AppointmentQuery(Input, frozen=True, kw_only=True):
    """``start`` and ``until``: those that begin at or after the one, and before the other."""

    customer: Id | Unset = UNSET
    staff: Id | Unset = UNSET
    location: Id | Unset = UNSET
    start: Uint = 0
    until: Moment | Unset = UNSET
    after: Cursor | Unset = UNSET
    limit: Uint = 50


class NewAppointment(Input, frozen=True, kw_only=True):
    """``start`` and ``end``: milliseconds since 1970 UTC, or the local time of the location."""

    customer: Id
    staff: Id | Unset = UNSET
    location: Id
    start: Moment | LocalTime
    end: Moment | LocalTime
    status: AppointmentStatus = AppointmentStatus.BOOKED
    title: str = ""


async def put(call: Call[AppointmentPath, NewAppointment]) -> Appointment | Refusal:
    """Say how an appointment is: a new one, or all of one that is known. Again is no change.

    It is taken as it is told, also of who is not active, and with staff of another location. It
    gives nobody access: staff sees this one appointment, and is assigned to its customer while
    active; not what is placed at the location, nor its other appointments.
    """
    id_ = call.parameters.appointment
    async with call.site.changing(call.live.id):
        wanted = wanted_appointment(call.live, id_, call.body)
        if isinstance(wanted, Refusal):
            return wanted
        before = await call.node.queries.appointment(call.live.state, id_)
        changed = await ask_desk(call.live, PutAppointment(call.insider.author, wanted, before))
        if isinstance(changed, Refusal):
            return changed
        stored = await call.node.queries.appointment(call.live.state, id_)
    return NOT_FOUND if stored is None else _shown(stored)


async def show(call: Call[AppointmentPath, Nothing]) -> Appointment | Refusal:
    """One appointment. Customers see their own; staff theirs, and those at their locations."""
    found = await call.node.queries.appointment_seen(
        reader_of(call.insider), call.parameters.appointment
    )
    return NOT_FOUND if found is None else _shown(found)


async def delete(call: Call[AppointmentPath, Nothing]) -> Changed | Refusal:
    """Take back an appointment that never was; one that does not take place is `cancelled`."""
    async with call.site.changing(call.live.id):
        before = await call.node.queries.appointment(call.live.state, call.parameters.appointment)
        return await ask_desk(call.live, DeleteAppointment(call.insider.author, before))


async def everyone(call: Call[AppointmentQuery, Nothing]) -> AppointmentList:
    """Appointments of a customer, of one of the team, at a location, of a time: as one may see."""
    asked = call.parameters
    limit = page_size(asked.limit)
    until = set_or_none(asked.until)
    wanted = Filter(
        customer=set_or_none(asked.customer) or "",
        staff=set_or_none(asked.staff) or "",
        location=set_or_none(asked.location) or "",
        start=asked.start,
        until=LAST_MS if until is None else until,
    )
    start, _, id_ = (set_or_none(asked.after) or "0:").partition(":")
    found = await call.node.queries.appointments(
        reader_of(call.insider), wanted, (int(start), id_), limit + 1
    )
    page = found[:limit]
    return AppointmentList(
        appointments=tuple(_shown(one) for one in page),
        next=f"{page[-1].start}:{page[-1].id}" if len(found) > limit else UNSET,
    )


def reader_of(caller: Backend | Somebody) -> Reader:
    """Who reads appointments."""
    if isinstance(caller, Backend):
        return Reader(viewer_of(caller.live, "", Role.OWNER))
    sees = caller.holds(Permission.INBOX)
    return Reader(caller.viewer, caller.record.locations if sees else ())


def wanted_appointment(
    live: LiveBusiness, id_: str, body: NewAppointment
) -> rules.Appointment | Refusal:
    """The appointment that ``body`` describes, its times as instants."""
    location = live.state.locations.get(body.location)
    if location is None:
        return Refusal(Code.BAD_REQUEST, f"'location': there is no location {body.location}.")
    moments = []
    for field, moment in (("start", body.start), ("end", body.end)):
        if isinstance(moment, LocalTime):
            found = instant(moment.date, moment.time, location.zone, field)
            if isinstance(found, Refusal):
                return found
            moments.append(found)
        else:
            moments.append(moment)
    return rules.Appointment(
        id=id_,
        customer=body.customer,
        staff=set_or_none(body.staff) or "",
        location=body.location,
        start=moments[0],
        end=moments[1],
        status=body.status,
        title=body.title,
    )


def _shown(one: rules.Appointment) -> Appointment:
    return Appointment(
        id=one.id,
        customer=one.customer,
        staff=one.staff or UNSET,
        location=one.location,
        start=one.start,
        end=one.end,
        status=one.status,
        title=one.title,
    )


_EXAMPLE = Appointment(
    id="booking-7041",
    customer="carla",
    staff="sam",
    location="downtown",
    start=1_793_000_000_000,
    end=1_793_003_600_000,
    status=AppointmentStatus.CONFIRMED,
    title="Rex: wash and trim",
)

ROUTES = (
    Route(
        method="PUT",
        path="/v1/appointments/{appointment}",
        summary="Put an appointment",
        handler=put,
        callers=BUSINESS,
        scope=Scope.APPOINTMENTS_WRITE,
        parameters=AppointmentPath,
        body=NewAppointment,
        answer=Appointment,
        refusals=(Code.DELETED, *UNDONE),
        asks=NewAppointment(
            customer="carla",
            staff="sam",
            location="downtown",
            start=LocalTime(date="2026-10-26", time="14:00"),
            end=LocalTime(date="2026-10-26", time="15:00"),
            status=AppointmentStatus.CONFIRMED,
            title="Rex: wash and trim",
        ),
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/appointments/{appointment}",
        summary="Show an appointment",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.APPOINTMENTS,
        scope=Scope.APPOINTMENTS_READ,
        parameters=AppointmentPath,
        body=Nothing,
        answer=Appointment,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/v1/appointments/{appointment}",
        summary="Take an appointment back",
        handler=delete,
        callers=BUSINESS,
        scope=Scope.APPOINTMENTS_WRITE,
        parameters=AppointmentPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1081),
    ),
    Route(
        method="GET",
        path="/v1/appointments",
        summary="List appointments",
        handler=everyone,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.APPOINTMENTS,
        scope=Scope.APPOINTMENTS_READ,
        parameters=AppointmentQuery,
        body=Nothing,
        answer=AppointmentList,
        shows=AppointmentList(appointments=(_EXAMPLE,), next="1793000000000:booking-7041"),
    ),
)
