"""Taking the records of an import in, one by one: each is stored, known before, or refused."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from actors.business import ChangePerson
from actors.desk_appointments import PutAppointment
from domain import events
from domain.appointments import LAST_MS
from domain.channels import APP, Channel
from domain.commands import Done, Import
from domain.ids import customer_conversation_id
from domain.imported import ImportedConversation, ImportedMessage, Placing
from domain.refusal import Code, Refusal
from server.asking import ASK_SECONDS, answer_of, ask_conversation
from server.http.appointments import NewAppointment, wanted_appointment
from server.http.caller import Backend
from server.http.fields import UNSET, Id, Input, Moment, Unset, set_or
from server.http.parsing import record_of
from server.http.people import placed
from server.http.person import NewPerson, known_of, wanted_new
from server.node import BUSINESS, Node
from storage.imports import Import as Progress
from storage.imports import RefusedRecord


class PersonRecord(NewPerson, frozen=True, kw_only=True, tag="person", tag_field="type"):
    """As in `POST /v1/people`, and whether they have access."""

    active: bool = True


class AppointmentRecord(
    NewAppointment, frozen=True, kw_only=True, tag="appointment", tag_field="type"
):
    """As in `PUT /v1/appointments/{appointment}`."""

    id: Id


class MessageRecord(Input, frozen=True, kw_only=True):
    id: Id
    author: Id
    text: str
    at: Moment
    channel: Channel = APP


class ConversationRecord(Input, frozen=True, kw_only=True, tag="conversation", tag_field="type"):
    """All of it, the oldest message first: of the conversation ``id`` with ``people`` in it, or of
    the own one of a ``customer``, in which others may be beside them.

    ``location``: where it is placed, and only with it ``assignee``, ``closed`` and
    ``snoozed_until``, in ms. ``waiting``: what a customer said last has not been answered.
    """

    id: Id | Unset = UNSET
    customer: Id | Unset = UNSET
    title: str = ""
    people: tuple[Id, ...] | Unset = UNSET
    messages: tuple[MessageRecord, ...]
    waiting: bool = False
    location: Id | Unset = UNSET
    assignee: Id | Unset = UNSET
    closed: bool = False
    snoozed_until: Annotated[int, msgspec.Meta(ge=0, lt=LAST_MS)] = 0


class MessagesRecord(Input, frozen=True, kw_only=True, tag="messages", tag_field="type"):
    """What follows in a conversation that was imported: ``id``, or the own one of ``customer``."""

    id: Id | Unset = UNSET
    customer: Id | Unset = UNSET
    messages: tuple[MessageRecord, ...]
    waiting: bool = False


Record = PersonRecord | AppointmentRecord | ConversationRecord | MessagesRecord
"""One line of an import."""


@dataclass
class Taking:
    """Takes records of one import, in their order; a key gets no further than its scopes."""

    node: Node
    caller: Backend
    progress: Progress
    refusals: list[RefusedRecord] = field(default_factory=list)

    async def take(self, given: object) -> Refusal | None:
        """The next record; a `Refusal` only where it can be taken later: nothing was counted."""
        record: Record | Refusal = record_of(given, Record)
        answer = record if isinstance(record, Refusal) else await self._store(record)
        if isinstance(answer, Refusal):
            if answer.code in _LATER:
                return answer
            self._refused(given, answer)
        counted = {"stored": 0, "known": 0, "refused": 0}
        counted[_outcome(answer)] = 1
        before = self.progress
        self.progress = msgspec.structs.replace(
            before,
            records=before.records + 1,
            **{name: getattr(before, name) + more for name, more in counted.items()},
        )
        return None

    def _refused(self, given: object, refusal: Refusal) -> None:
        named = given if isinstance(given, dict) else {}
        texts = (named.get("type"), _named(named))
        kind, id_ = (str(each)[:64] if isinstance(each, str | int) else "" for each in texts)
        self.refusals.append(
            RefusedRecord(
                number=self.progress.records + 1,
                kind=kind,
                record=id_,
                code=refusal.code,
                reason=refusal.message,
            )
        )

    async def _store(self, record: Record) -> Done | Refusal:
        match record:
            case PersonRecord():
                return await self._person(record)
            case AppointmentRecord():
                return await self._appointment(record)
            case ConversationRecord() | MessagesRecord():
                talk = _talk(record)
                return talk if isinstance(talk, Refusal) else await self._take_in(talk)

    async def _take_in(self, talk: ImportedConversation) -> Done | Refusal:
        answer = await ask_conversation(self.caller.live, talk.conversation, Import(talk))
        assert isinstance(answer, Done | Refusal)
        return answer

    async def _person(self, record: PersonRecord) -> Done | Refusal:
        if record.id is UNSET:
            return Refusal(Code.BAD_REQUEST, "'id': who is imported has one.")
        live = self.caller.live
        wanted = placed(live, wanted_new(record, str(record.id), live.state.policies.region))
        if isinstance(wanted, Refusal):
            return wanted
        who = events.Person(wanted.person.id, record.name, record.role, record.active)
        wanted = msgspec.structs.replace(wanted, person=who)
        before = await self.node.queries.person(live.state, who.id)
        if before is not None:
            return Done() if known_of(before) == wanted else _TAKEN
        return await self._ask(
            ChangePerson(
                self.caller.author,
                self.caller.role_for_roles,
                who,
                wanted.locations,
                wanted.profile,
            )
        )

    async def _appointment(self, record: AppointmentRecord) -> Done | Refusal:
        wanted = wanted_appointment(self.caller.live, record.id, record)
        if isinstance(wanted, Refusal):
            return wanted
        before = await self.node.queries.appointment(self.caller.live.state, record.id)
        return await self._ask(PutAppointment(self.caller.author, wanted, before))

    async def _ask(self, command: ChangePerson | PutAppointment) -> Done | Refusal:
        answer = answer_of(await self.caller.live.desk.ask(BUSINESS, command, ASK_SECONDS))
        assert isinstance(answer, Done | Refusal)
        return answer


_TAKEN = Refusal(Code.CONFLICT, "'id': there is somebody else of this id. Change them with PATCH.")
_NOWHERE = Refusal(
    Code.BAD_REQUEST, "'location': say where it is placed, or nothing of how it is dealt with."
)
_LATER = (Code.OVERLOADED, Code.UNAVAILABLE, Code.STORAGE_FAILED)


def _outcome(answer: Done | Refusal) -> str:
    if isinstance(answer, Refusal):
        return "refused"
    return "stored" if answer.revision else "known"


def _named(record: dict[str, object]) -> object:
    """What the list of what was refused calls it by."""
    return record.get("id", record.get("customer", ""))


def _talk(record: ConversationRecord | MessagesRecord) -> ImportedConversation | Refusal:
    if (record.id is UNSET) == (record.customer is UNSET):
        return _WHICH
    id_, customer = str(record.id), record.customer
    if customer is not UNSET:
        id_ = customer_conversation_id(customer)
    messages = tuple(
        ImportedMessage(m.id, m.author, m.text, m.at, UNSET if m.channel is APP else m.channel)
        for m in record.messages
    )
    waiting = record.waiting or UNSET
    if isinstance(record, MessagesRecord):
        return ImportedConversation(
            id_, "", (), messages, goes_on=True, waiting=waiting, customer=customer
        )
    people = set_or(record.people, () if customer is UNSET else (customer,))
    if customer is not UNSET and customer not in people:
        people = (customer, *people)
    elif record.people is UNSET and customer is UNSET:
        return _NOBODY
    placing = _placing(record)
    if isinstance(placing, Refusal):
        return placing
    return ImportedConversation(
        id_,
        record.title,
        people,
        messages,
        waiting=waiting,
        placing=placing,
        customer=customer,
    )


def _placing(record: ConversationRecord) -> Placing | Unset | Refusal:
    if record.location is not UNSET:
        assignee = set_or(record.assignee, "")
        return Placing(str(record.location), assignee, record.closed, record.snoozed_until)
    if record.assignee is not UNSET or record.closed or record.snoozed_until:
        return _NOWHERE
    return UNSET


_WHICH = Refusal(
    Code.BAD_REQUEST, "'id': name the conversation, or the 'customer' whose own it is. Not both."
)
_NOBODY = Refusal(Code.BAD_REQUEST, "'people': say who is in it.")
