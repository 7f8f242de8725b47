"""What may be said of an appointment: by whom it is, whose it is, and where.

It is taken as the scheduling product tells it, which knows best who comes to whom: also of a
customer or staff who is not active, and with staff who is not of the location. Being in one makes
nobody active, and of no location.
"""

from collections.abc import Mapping

import msgspec

from domain.appointments import Appointment, refuse_appointment
from domain.business import Business
from domain.company import ERASED
from domain.events import Person
from domain.locations import followed
from domain.record_events import AppointmentChanged
from domain.refusal import Code, Refusal
from domain.roles import TEAM, Role


def decide_appointment(
    state: Business,
    author: str,
    before: Appointment | None,
    wanted: Appointment,
    people: Mapping[str, Person],
    now: int,
) -> AppointmentChanged | Refusal | None:
    """Add or change an appointment; ``None``: it is so already. ``people``: who is in it.

    At a location that was merged it is where that went.
    """
    refusal = refuse_appointment(wanted)
    if refusal is not None:
        return refusal
    customer, staff = people.get(wanted.customer), people.get(wanted.staff)
    if customer is None or customer.role is not Role.CUSTOMER:
        return _bad("customer", f"there is no customer {wanted.customer}.")
    if wanted.staff and (staff is None or staff.role not in TEAM):
        return _bad("staff", f"there is nobody {wanted.staff} in the team.")
    if not state.erased.isdisjoint((wanted.customer, wanted.staff)):
        return ERASED
    if wanted.location not in state.locations:
        return _bad("location", f"there is no location {wanted.location}.")
    (location,) = followed(state.locations, (wanted.location,))
    placed = msgspec.structs.replace(wanted, location=location)
    if placed == before:
        return None
    former = "" if before is None else before.customer
    return AppointmentChanged(now, author, placed, former)


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'{field}': {message}")
