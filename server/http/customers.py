"""A customer's own conversation with the business, and what the business says there by itself."""

from domain import commands
from domain.commands import Accepted, Create, Speaker
from domain.company import ERASED
from domain.events import Person
from domain.ids import BUSINESS_VOICE, customer_conversation_id
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role
from domain.scopes import Scope
from domain.views import Conversation
from server.asking import ask_conversation
from server.http.appointments import AppointmentPath, reader_of
from server.http.caller import Somebody
from server.http.conversations import EXAMPLE, picture
from server.http.fields import Id, Input, Nothing, Output
from server.http.people import PersonPath
from server.http.route import BUSINESS, PERSON, UNDONE, Call, Route
from server.live import LiveBusiness
from server.node import Node


class NewAnnouncement(Input, frozen=True, kw_only=True):
    """``client_message_id`` names it for ever: the same again is the same message. ``campaign``: it
    is one of many alike, not about an appointment; answers to it go elsewhere."""

    client_message_id: Id
    location: Id
    text: str
    campaign: bool = False


class Announced(Output, frozen=True, kw_only=True):
    """Where it was said."""

    conversation: str
    seq: int
    revision: int
    at: int


async def enter(call: Call[PersonPath, Nothing]) -> Conversation | Refusal:
    """The customer's own conversation, made if there is none yet; one of the team comes into it.

    The same one each time. Customers ask for their own.
    """
    me = call.somebody
    if me.role is Role.CUSTOMER and call.parameters.person != me.record.id:
        return NOT_FOUND
    return await _entered(call.node, me, call.parameters.person)


async def enter_of(call: Call[AppointmentPath, Nothing]) -> Conversation | Refusal:
    """The own conversation of the customer of an appointment that one may see.

    The same one each time, and for all appointments of that customer.
    """
    me = call.somebody
    found = await call.node.queries.appointment_seen(reader_of(me), call.parameters.appointment)
    return NOT_FOUND if found is None else await _entered(call.node, me, found.customer)


async def announce(call: Call[PersonPath, NewAnnouncement]) -> Announced | Refusal:
    """Say something to a customer in the name of a location: a confirmation, or a campaign."""
    body, live = call.body, call.live
    if body.location not in live.state.locations:
        return Refusal(Code.BAD_REQUEST, f"'location': there is no location {body.location}.")
    voice = Speaker(BUSINESS_VOICE, live.state.name, Role.OWNER, BUSINESS_VOICE)
    conversation = await _own_conversation(call.node, live, voice, call.parameters.person)
    if isinstance(conversation, Refusal):
        return conversation
    said = commands.Announce(
        voice,
        body.client_message_id,
        body.text,
        location=body.location,
        campaign=body.campaign,
    )
    answer = await ask_conversation(live, conversation, said)
    if isinstance(answer, Refusal):
        return answer
    assert isinstance(answer, Accepted)
    return Announced(
        conversation=conversation, seq=answer.seq, revision=answer.revision, at=answer.at
    )


async def _entered(node: Node, me: Somebody, customer: str) -> Conversation | Refusal:
    found = await _own_conversation(node, me.live, me.speaker, customer)
    return found if isinstance(found, Refusal) else await picture(node, me, found)


async def _own_conversation(
    node: Node, live: LiveBusiness, speaker: Speaker, customer: str
) -> str | Refusal:
    found: tuple[Person, ...] = await node.queries.people(live.state, (customer,))
    if customer in live.state.erased:
        return ERASED
    if not found or found[0].role is not Role.CUSTOMER or not found[0].active:
        return NOT_FOUND
    id_ = customer_conversation_id(customer)
    command = Create(speaker, "group", "", (customer,), found, own=True)
    answer = await ask_conversation(live, id_, command)
    return answer if isinstance(answer, Refusal) else id_


ROUTES = (
    Route(
        method="POST",
        path="/v1/people/{person}/conversation",
        summary="A customer's own conversation",
        handler=enter,
        callers=PERSON,
        operation=Operation.CREATE,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Conversation,
        refusals=(Code.NOT_FOUND, Code.DELETED, Code.TOO_LARGE, *UNDONE),
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/appointments/{appointment}/conversation",
        summary="Talk about an appointment",
        handler=enter_of,
        callers=PERSON,
        operation=Operation.CREATE,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=AppointmentPath,
        body=Nothing,
        answer=Conversation,
        refusals=(Code.NOT_FOUND, Code.DELETED, Code.TOO_LARGE, *UNDONE),
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/people/{person}/announcements",
        summary="Say something by itself",
        handler=announce,
        callers=BUSINESS,
        scope=Scope.MESSAGES_WRITE,
        parameters=PersonPath,
        body=NewAnnouncement,
        answer=Announced,
        status=201,
        refusals=(Code.NOT_FOUND, Code.DELETED, Code.CONFLICT, Code.TOO_LARGE, *UNDONE),
        asks=NewAnnouncement(
            client_message_id="reminder-7",
            location="downtown",
            text="Rex is booked for Thursday at ten. Answer here if you cannot come.",
        ),
        shows=Announced(
            conversation="customer.5f2c0d7e1a9b3c4d5e6f7a8b",
            seq=3,
            revision=1090,
            at=1_793_000_001_234,
        ),
    ),
)
