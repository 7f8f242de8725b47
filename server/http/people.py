"""People: a business adds them, changes what they are, and ends their access."""

from typing import Annotated

import msgspec

from actors.business import ChangePerson, RevokeAccess, TransferOwnership
from domain import events
from domain.business import sees_name, sees_whole
from domain.limits import PEOPLE_MAX
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role, may
from domain.scopes import Scope
from domain.views import PersonName
from server.http.businesses import TAKEN
from server.http.caller import Backend, Somebody
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Changed,
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
from server.node import Node
from server.reading import viewer_of
from storage.people import PersonRecord


class Person(Output, frozen=True, kw_only=True):
    """``locations`` is left out where only names are shown: to customers, and in a search."""

    id: str
    name: str
    role: Role
    active: bool = True
    locations: tuple[str, ...] | Unset = UNSET


class PeopleList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    people: tuple[Person, ...]
    next: str | Unset = UNSET


class PersonPath(Input, frozen=True, kw_only=True):
    person: Id


class PeopleQuery(Input, frozen=True, kw_only=True):
    """``search``: what the name holds; ``after``: the id that the page begins behind."""

    search: Annotated[str, msgspec.Meta(max_length=200)] = ""
    after: Id | Unset = UNSET
    limit: Uint = 50


class NewPerson(Input, frozen=True, kw_only=True):
    id: Id | Unset = UNSET
    name: str
    role: Role
    locations: tuple[Id, ...] = ()


class PersonChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    name: str | Unset = UNSET
    role: Role | Unset = UNSET
    locations: tuple[Id, ...] | Unset = UNSET
    active: bool | Unset = UNSET


class Transfer(Input, frozen=True, kw_only=True):
    """``from`` becomes ``new_role``, ``to`` becomes owner: in one step."""

    former: Id = msgspec.field(name="from")
    to: Id
    new_role: Role


async def everyone(call: Call[PeopleQuery, Nothing]) -> PeopleList:
    """People by the order of their ids, a page at a time.

    With ``search``, and for who may not change people: those whom one may talk to, by name, at
    most 50.
    """
    asked, caller = call.parameters, call.insider
    leads = caller.role is None or may(caller.role, Operation.PEOPLE_CHANGE)
    if asked.search or not leads:
        viewer = (
            caller.viewer
            if isinstance(caller, Somebody)
            else viewer_of(caller.live, "", Role.OWNER)
        )
        limit = page_size(asked.limit, PEOPLE_MAX)
        found = await call.node.queries.search(viewer, asked.search, limit)
        return PeopleList(people=tuple(_named(name) for name in found))
    limit = page_size(asked.limit)
    records = await call.node.queries.everyone(call.live.state, set_or(asked.after, ""), limit + 1)
    page = records[:limit]
    return PeopleList(
        people=tuple(_whole(record) for record in page),
        next=page[-1].id if len(records) > limit else UNSET,
    )


async def show(call: Call[PersonPath, Nothing]) -> Person | Refusal:
    """One person. Customers see themselves, and of the team who is active."""
    caller = call.insider
    record = await call.node.queries.person(call.live.state, call.parameters.person)
    if record is None:
        return NOT_FOUND
    if sees_whole(caller.author, caller.role, record.id):
        return _whole(record)
    if not sees_name(record.person):
        return NOT_FOUND
    return _named(PersonName(id=record.id, name=record.name, role=record.role))


async def add(call: Call[Nothing, NewPerson]) -> Person | Refusal:
    """Add a person. The same one again, under an ``id``, is the same answer."""
    body = call.body
    id_ = set_or_none(body.id) or call.new_id()
    locations = _unique(body.locations)
    wanted = Person(id=id_, name=body.name, role=body.role, locations=locations)
    async with call.site.changing(call.live.id):
        before = await call.node.queries.person(call.live.state, id_)
        if before is not None:
            return wanted if _whole(before) == wanted else TAKEN
        return await _store(call.node, call.insider, wanted, locations)


async def change(call: Call[PersonPath, PersonChange]) -> Person | Refusal:
    """Change a name, a role or locations; with ``active`` false the person has no access any more.

    Connections of who gets another role or is deactivated end; their next one sees what is theirs.
    Tokens of who was deactivated stay void when they are active again.
    """
    body = call.body
    async with call.site.changing(call.live.id):
        before = await call.node.queries.person(call.live.state, call.parameters.person)
        if before is None:
            return NOT_FOUND
        locations = _unique(set_or(body.locations, before.locations))
        wanted = Person(
            id=before.id,
            name=set_or(body.name, before.name),
            role=set_or(body.role, before.role),
            active=set_or(body.active, before.active),
            locations=locations,
        )
        return await _store(call.node, call.insider, wanted, locations)


async def revoke(call: Call[PersonPath, Nothing]) -> Changed | Refusal:
    """Void every token that a person has and end their connections; one's own, anybody may."""
    caller = call.insider
    return await ask_desk(
        call.live, RevokeAccess(caller.author, caller.role_for_roles, call.parameters.person)
    )


async def transfer(call: Call[Nothing, Transfer]) -> Changed | Refusal:
    """Hand the ownership over, and with it the place in every conversation."""
    body = call.body
    async with call.site.changing(call.live.id):
        return await ask_desk(
            call.live,
            TransferOwnership(
                call.insider.author, call.insider.role, body.former, body.new_role, body.to
            ),
        )


async def _store(
    node: Node, caller: Backend | Somebody, wanted: Person, locations: tuple[str, ...]
) -> Person | Refusal:
    known = {location.id for location in await node.queries.locations(caller.live.state)}
    for location in locations:
        if location not in known:
            return Refusal(Code.BAD_REQUEST, f"'locations': there is no location {location}.")
    person = events.Person(wanted.id, wanted.name, wanted.role, wanted.active)
    command = ChangePerson(caller.author, caller.role_for_roles, person, locations)
    changed = await ask_desk(caller.live, command)
    return changed if isinstance(changed, Refusal) else wanted


def _unique(locations: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(locations))


def _whole(record: PersonRecord) -> Person:
    return Person(
        id=record.id,
        name=record.name,
        role=record.role,
        active=record.active,
        locations=record.locations,
    )


def _named(name: PersonName) -> Person:
    return Person(id=name.id, name=name.name, role=Role(name.role))


_EXAMPLE = Person(id="carla", name="Carla Vega", role=Role.CUSTOMER, locations=("downtown",))

ROUTES = (
    Route(
        method="GET",
        path="/v1/people",
        summary="List or search people",
        handler=everyone,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PEOPLE,
        scope=Scope.PEOPLE_READ,
        parameters=PeopleQuery,
        body=Nothing,
        answer=PeopleList,
        shows=PeopleList(people=(_EXAMPLE,), next="carla"),
    ),
    Route(
        method="POST",
        path="/v1/people",
        summary="Add a person",
        handler=add,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PEOPLE_CHANGE,
        scope=Scope.PEOPLE_WRITE,
        parameters=Nothing,
        body=NewPerson,
        answer=Person,
        status=201,
        refusals=(Code.CONFLICT, *UNDONE),
        asks=NewPerson(id="carla", name="Carla Vega", role=Role.CUSTOMER, locations=("downtown",)),
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/people/{person}",
        summary="Show a person",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PEOPLE,
        scope=Scope.PEOPLE_READ,
        parameters=PersonPath,
        body=Nothing,
        answer=Person,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/people/{person}",
        summary="Change a person",
        handler=change,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.PEOPLE_CHANGE,
        scope=Scope.PEOPLE_WRITE,
        parameters=PersonPath,
        body=PersonChange,
        answer=Person,
        refusals=(Code.NOT_FOUND, Code.OWNER_REQUIRED, *UNDONE),
        asks=PersonChange(role=Role.STAFF),
        shows=Person(id="carla", name="Carla Vega", role=Role.STAFF, locations=("downtown",)),
    ),
    Route(
        method="POST",
        path="/v1/people/{person}/revoke",
        summary="End all sessions and tokens of a person",
        handler=revoke,
        callers=BUSINESS_OR_PERSON,
        scope=Scope.TOKENS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1079),
    ),
    Route(
        method="POST",
        path="/v1/ownership",
        summary="Transfer the ownership",
        handler=transfer,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.OWNERSHIP_TRANSFER,
        scope=Scope.LEADERS_WRITE,
        parameters=Nothing,
        body=Transfer,
        answer=Changed,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=Transfer(former="olivia", to="sam", new_role=Role.MANAGER),
        shows=Changed(revision=1080),
    ),
)
