"""A copy of all that is stored of somebody, their erasure, and the holds that forbid it (EX-21)."""

from typing import Literal

from actors.business import Note
from actors.desk_erasure import ChangeHold, ErasePerson
from domain.audit import AuditKind
from domain.company import ERASED
from domain.record_events import HoldKind
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.exporting import exported
from server.http.attachments import disposition
from server.http.caller import Backend, Somebody
from server.http.conversations import ConversationPath
from server.http.desk import ask_desk
from server.http.fields import Changed, Nothing, Output
from server.http.people import PersonPath
from server.http.route import BUSINESS_OR_PERSON, UNDONE, Call, Route, StreamContent

WAIT_SECONDS = 20.0
"""So long an answer waits until nothing is left; then it says that it is under way."""


class Erasure(Output, frozen=True, kw_only=True):
    """``state``: `erased` once nothing is left of them in any file, `erasing` until then.

    In either case nothing is shown of them any more, or taken from them. Ask again to wait.
    """

    person: str
    state: Literal["erasing", "erased"]


async def export(call: Call[PersonPath, Nothing]) -> StreamContent | Refusal:
    """All that is stored of a person, as one zip: JSON, and their attachments as files.

    `person.json`, `appointments.json`, `conversations.json` (what they are in), `said.json` (what
    they said, with what it said before), `uploads.json`, `attachments/`; of a customer also
    `conversations/`, each as they read it; of one of the team also `notes.json`, what they noted.
    """
    caller, live = call.insider, call.live
    person = await call.node.queries.person(live.state, call.parameters.person)
    if person is None:
        return NOT_FOUND
    if person.id in live.state.erased:
        return ERASED
    noted = await ask_desk(live, Note(caller.author, AuditKind.PERSON_EXPORTED, person.id))
    if isinstance(noted, Refusal):
        return noted
    name = disposition(f"{person.id}.zip", inline=False)
    return StreamContent(
        b"",
        "application/zip",
        (("Content-Disposition", name),),
        parts=exported(call.node, live, person),
    )


async def erase(call: Call[PersonPath, Nothing]) -> Erasure | Refusal:
    """Erase a person for ever: name, contact, access, what they said, what they sent.

    Their messages stay as deleted ones, of a `Deleted person`, so that conversations of others hold
    together; the id stays, and is never used again. It is refused as `on_hold` while a legal hold
    covers them. For an owner or a manager a key needs the scope `leaders:write`, too.
    """
    caller, person = call.insider, call.parameters.person
    async with call.site.changing(call.live.id):
        answer = await ask_desk(
            call.live, ErasePerson(caller.author, caller.role_for_roles, person)
        )
    if isinstance(answer, Refusal):
        return answer
    done = await call.node.eraser.ask(call.live.state.no, person, WAIT_SECONDS)
    return Erasure(person=person, state="erased" if done else "erasing")


async def hold_person(call: Call[PersonPath, Nothing]) -> Changed | Refusal:
    """Place a legal hold: nothing of them, or of a conversation they are or were in, is erased."""
    return await _hold(call, HoldKind.PERSON, call.parameters.person, placed=True)


async def release_person(call: Call[PersonPath, Nothing]) -> Changed | Refusal:
    """Lift the legal hold on a person."""
    return await _hold(call, HoldKind.PERSON, call.parameters.person, placed=False)


async def hold_conversation(call: Call[ConversationPath, Nothing]) -> Changed | Refusal:
    """Place a legal hold: nothing of the conversation is erased."""
    return await _hold(call, HoldKind.CONVERSATION, call.parameters.conversation, placed=True)


async def release_conversation(call: Call[ConversationPath, Nothing]) -> Changed | Refusal:
    """Lift the legal hold on a conversation."""
    return await _hold(call, HoldKind.CONVERSATION, call.parameters.conversation, placed=False)


async def _hold(
    call: Call[PersonPath, Nothing] | Call[ConversationPath, Nothing],
    kind: HoldKind,
    id_: str,
    *,
    placed: bool,
) -> Changed | Refusal:
    caller: Backend | Somebody = call.insider
    return await ask_desk(call.live, ChangeHold(caller.author, kind, id_, placed))


ROUTES = (
    Route(
        method="GET",
        path="/v1/people/{person}/export",
        summary="Export a person",
        handler=export,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PERSON_EXPORT,
        scope=Scope.PEOPLE_EXPORT,
        parameters=PersonPath,
        body=Nothing,
        answer=StreamContent,
        refusals=(Code.NOT_FOUND, Code.DELETED, *UNDONE),
        media_type="application/zip",
    ),
    Route(
        method="POST",
        path="/v1/people/{person}/erase",
        summary="Erase a person",
        handler=erase,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PERSON_ERASE,
        scope=Scope.PEOPLE_ERASE,
        parameters=PersonPath,
        body=Nothing,
        answer=Erasure,
        refusals=(Code.NOT_FOUND, Code.ON_HOLD, Code.OWNER_REQUIRED, *UNDONE),
        shows=Erasure(person="carla", state="erased"),
    ),
    Route(
        method="PUT",
        path="/v1/people/{person}/hold",
        summary="Place a legal hold on a person",
        handler=hold_person,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.HOLDS,
        scope=Scope.HOLDS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1090),
    ),
    Route(
        method="DELETE",
        path="/v1/people/{person}/hold",
        summary="Lift the legal hold on a person",
        handler=release_person,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.HOLDS,
        scope=Scope.HOLDS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1091),
    ),
    Route(
        method="PUT",
        path="/v1/conversations/{conversation}/hold",
        summary="Place a legal hold on a conversation",
        handler=hold_conversation,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.HOLDS,
        scope=Scope.HOLDS_WRITE,
        parameters=ConversationPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1092),
    ),
    Route(
        method="DELETE",
        path="/v1/conversations/{conversation}/hold",
        summary="Lift the legal hold on a conversation",
        handler=release_conversation,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.HOLDS,
        scope=Scope.HOLDS_WRITE,
        parameters=ConversationPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1093),
    ),
)
