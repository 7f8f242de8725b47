"""What the desk is asked about appointments."""

import msgspec

from actors.ports import ConversationStore
from domain.appointments import Appointment
from domain.business import Business
from domain.record_events import AppointmentChanged, AppointmentDeleted
from domain.refusal import NOT_FOUND, Refusal
from domain.scheduling import decide_appointment


class PutAppointment(msgspec.Struct, frozen=True):
    """``before``: what is known of it, by whoever is the only one to change it now."""

    author: str
    appointment: Appointment
    before: Appointment | None


class DeleteAppointment(msgspec.Struct, frozen=True):
    author: str
    before: Appointment | None


AppointmentCommand = PutAppointment | DeleteAppointment


async def decide_about_appointment(
    business: Business, store: ConversationStore, command: AppointmentCommand, now: int
) -> AppointmentChanged | AppointmentDeleted | Refusal | None:
    """The event, why not, or ``None``: it is so already."""
    if isinstance(command, DeleteAppointment):
        known = command.before
        if known is None:
            return NOT_FOUND
        return AppointmentDeleted(now, command.author, known.id, known.customer)
    wanted = command.appointment
    found = await store.people(business, filter(None, (wanted.customer, wanted.staff)))
    people = {person.id: person for person in found}
    return decide_appointment(business, command.author, command.before, wanted, people, now)
