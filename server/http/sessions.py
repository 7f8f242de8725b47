"""Devices on which people are signed in: listed, and signed out."""

from typing import Any

from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.devices import token_id
from server.http.accounts import refuse_leader
from server.http.caller import Somebody
from server.http.desk import changed
from server.http.fields import Changed, Id, Input, Nothing, Output
from server.http.people import PersonPath
from server.http.route import BUSINESS_OR_PERSON, PERSON, UNDONE, Call, Route
from storage.accounts import SignInRecord

COARSE_MS = 900_000
"""Of when a device was last used no more is shown than the quarter of an hour."""


class Session(Output, frozen=True, kw_only=True):
    """A device that is signed in; ``last_used_at`` is coarse. ``current``: it asks."""

    id: str
    device: str
    created_at: int
    last_used_at: int
    connected: bool
    current: bool


class SessionList(Output, frozen=True, kw_only=True):
    """The latest used first."""

    sessions: tuple[Session, ...]


class SessionPath(Input, frozen=True, kw_only=True):
    session: Id


class SessionOfPersonPath(Input, frozen=True, kw_only=True):
    person: Id
    session: Id


async def my_sessions(call: Call[Nothing, Nothing]) -> SessionList | Refusal:
    """The devices on which I am signed in."""
    me = call.somebody
    return me.refuse_leader() or await _sessions(call, me.record.id, me.token_id)


async def end_my_session(call: Call[SessionPath, Nothing]) -> Changed | Refusal:
    """Sign one of my devices out."""
    me = call.somebody
    return me.refuse_leader() or await _end(call, me.record.id, call.parameters.session)


async def sessions(call: Call[PersonPath, Nothing]) -> SessionList | Refusal:
    """The devices on which somebody of the business is signed in."""
    person = call.parameters.person
    refusal = await refuse_leader(call, person)
    if refusal is not None:
        return refusal
    caller = call.insider
    return await _sessions(call, person, caller.token_id if isinstance(caller, Somebody) else "")


async def end_session(call: Call[SessionOfPersonPath, Nothing]) -> Changed | Refusal:
    """Sign a device of somebody of the business out."""
    person = call.parameters.person
    return await refuse_leader(call, person) or await _end(call, person, call.parameters.session)


async def _sessions(call: Call[Any, Nothing], person: str, token: str) -> SessionList:
    found = await call.site.entrance.devices.sessions(call.live, person)
    connected = {each.token_id for each in call.live.connections_of(person)}
    return SessionList(sessions=tuple(_session(record, connected, token) for record in found))


async def _end(call: Call[Any, Nothing], person: str, session: str) -> Changed | Refusal:
    record = await call.node.queries.sign_in(session)
    if record is None or (record.business, record.person) != (call.live.id, person):
        return NOT_FOUND
    devices = call.site.entrance.devices
    return changed(await devices.end(call.live, record, call.insider.author))


def _session(record: SignInRecord, connected: set[str], token: str) -> Session:
    return Session(
        id=record.id,
        device=record.device,
        created_at=record.created_at,
        last_used_at=max(record.created_at, record.last_used_at // COARSE_MS * COARSE_MS),
        connected=token_id(record) in connected,
        current=token_id(record) == token,
    )


_SESSIONS = SessionList(
    sessions=(
        Session(
            id="0199c3a0-7d3e-7f5a-8b1c-3d4e5f607182",
            device="Firefox on Linux",
            created_at=1_793_000_000_000,
            last_used_at=1_793_000_700_000,
            connected=True,
            current=True,
        ),
    )
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/people/{person}/sessions",
        summary="The devices on which a person is signed in",
        handler=sessions,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SESSIONS_OF_OTHERS,
        scope=Scope.ACCOUNTS_READ,
        parameters=PersonPath,
        body=Nothing,
        answer=SessionList,
        refusals=(Code.NOT_FOUND,),
        shows=_SESSIONS,
    ),
    Route(
        method="DELETE",
        path="/v1/people/{person}/sessions/{session}",
        summary="Sign a device of a person out",
        handler=end_session,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SESSIONS_OF_OTHERS,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=SessionOfPersonPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1082),
    ),
    Route(
        method="GET",
        path="/v1/me/sessions",
        summary="The devices on which I am signed in",
        handler=my_sessions,
        callers=PERSON,
        scope=Scope.ACCOUNTS_READ,
        parameters=Nothing,
        body=Nothing,
        answer=SessionList,
        shows=_SESSIONS,
    ),
    Route(
        method="DELETE",
        path="/v1/me/sessions/{session}",
        summary="Sign one of my devices out",
        handler=end_my_session,
        callers=PERSON,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=SessionPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1083),
    ),
)
