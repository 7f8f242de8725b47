"""People: a business adds them, changes what they are, and ends their access."""

import re
from typing import Annotated

import msgspec

from actors.business import ChangePerson, RevokeAccess, TransferOwnership
from domain.business import Wanted
from domain.company import partners, sees_name, sees_whole
from domain.limits import PEOPLE_MAX
from domain.locations import followed
from domain.permissions import Permission
from domain.profile import Holder, is_ambiguous
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Operation, Role, may
from domain.scopes import Scope
from domain.views import PersonName
from server.http.businesses import TAKEN
from server.http.caller import Backend, Somebody
from server.http.contacts import EXAMPLE as CONTACT
from server.http.contacts import ContactChange
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
from server.http.person import (
    NewPerson,
    Person,
    PersonChange,
    Reference,
    known_of,
    named,
    shown,
    wanted_change,
    wanted_new,
)
from server.http.route import BUSINESS_OR_PERSON, UNDONE, Call, Route
from server.live import LiveBusiness
from server.phones import phone_of
from server.reading import viewer_of
from storage.people import folded_email


class PeopleList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end.

    ``ambiguous``, of a look-up: several have it who are of no common household.
    """

    people: tuple[Person, ...]
    next: str | Unset = UNSET
    ambiguous: bool | Unset = UNSET


class PersonPath(Input, frozen=True, kw_only=True):
    person: Id


class PeopleQuery(Input, frozen=True, kw_only=True):
    """``search``: what the name holds; ``after``: the id that the page begins behind.

    ``team``: only owners, managers and staff, as with ``search``.

    ``phone``, ``email``, ``reference``: who has exactly that. Write the plus sign of a number as
    `%2B`.
    """

    search: Annotated[str, msgspec.Meta(max_length=200)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    email: Annotated[str, msgspec.Meta(max_length=320)] = ""
    reference: Reference = ""
    team: bool = False
    after: Id | Unset = UNSET
    limit: Uint = 50


class Transfer(Input, frozen=True, kw_only=True):
    """``from`` becomes ``new_role``, ``to`` becomes owner: in one step."""

    former: Id = msgspec.field(name="from")
    to: Id
    new_role: Role


async def everyone(call: Call[PeopleQuery, Nothing]) -> PeopleList | Refusal:
    """People by the order of their ids, a page at a time.

    With ``search`` or ``team``, and for who may not change people: those whom one may talk to, by
    name, at most 50. With ``phone``, ``email`` or ``reference``: who has it, at most 50, for the
    business and for those of the team with the permission `contacts`.
    """
    asked, caller = call.parameters, call.insider
    if asked.phone or asked.email or asked.reference:
        return await _look_up(call)
    leads = caller.role is None or may(caller.role, Operation.PEOPLE_CHANGE)
    if asked.search or asked.team or not leads:
        viewer = (
            caller.viewer
            if isinstance(caller, Somebody)
            else viewer_of(caller.live, "", Role.OWNER)
        )
        limit = page_size(asked.limit, PEOPLE_MAX)
        roles = partners(caller.live.state, viewer.person, caller.role)
        if asked.team:
            roles &= TEAM
        found = await call.node.queries.search(viewer, asked.search, limit, roles)
        return PeopleList(people=tuple(named(name) for name in found))
    limit = page_size(asked.limit)
    records = await call.node.queries.everyone(call.live.state, set_or(asked.after, ""), limit + 1)
    page = records[:limit]
    return PeopleList(
        people=tuple(shown(caller, known_of(record)) for record in page),
        next=page[-1].id if len(records) > limit else UNSET,
    )


async def _look_up(call: Call[PeopleQuery, Nothing]) -> PeopleList | Refusal:
    asked, caller, state = call.parameters, call.insider, call.live.state
    if not caller.holds(Permission.CONTACTS):
        return Refusal(Code.FORBIDDEN, "You may not look people up by how they are reached.")
    if sum(map(bool, (asked.search, asked.phone, asked.email, asked.reference))) > 1:
        return Refusal(Code.BAD_REQUEST, "Ask for a name, a phone, an e-mail or a reference.")
    if asked.reference:
        records = await call.node.queries.people_called(state, asked.reference)
    elif asked.email:
        records = await call.node.queries.people_at(state, folded_email(asked.email))
    else:
        # In an address a plus sign that was not encoded has become a space.
        phone = phone_of(re.sub(r"\A (?=\d)", "+", asked.phone), state.policies.region or None)
        if isinstance(phone, Refusal):
            return Refusal(phone.code, f"'phone': {phone.message}")
        records = await call.node.queries.people_at(state, phone.number)
    found = tuple(shown(caller, known_of(record)) for record in records)
    holders = [Holder(r.id, r.role, r.profile.household) for r in records]
    if not asked.reference:  # of the team, who may not see it learns nothing by asking for it
        found = tuple(person for person in found if person.contact is not UNSET)
        seen = {person.id for person in found}
        holders = [holder for holder in holders if holder.person in seen]
    return PeopleList(people=found, ambiguous=is_ambiguous(holders))


async def show(call: Call[PersonPath, Nothing]) -> Person | Refusal:
    """One person. Customers see themselves, and of the team who is active."""
    caller = call.insider
    record = await call.node.queries.person(call.live.state, call.parameters.person)
    if record is None:
        return NOT_FOUND
    if sees_whole(caller.author, caller.role, record.id):
        return shown(caller, known_of(record))
    if not sees_name(record.person):
        return NOT_FOUND
    return named(PersonName(id=record.id, name=record.name, role=record.role))


async def add(call: Call[Nothing, NewPerson]) -> Person | Refusal:
    """Add a person. The same one again, under an ``id``, is the same answer."""
    id_ = set_or_none(call.body.id) or call.new_id()
    async with call.site.changing(call.live.id):
        wanted = placed(call.live, wanted_new(call.body, id_, call.live.state.policies.region))
        if isinstance(wanted, Refusal):
            return wanted
        before = await call.node.queries.person(call.live.state, id_)
        if before is not None:
            return shown(call.insider, wanted) if known_of(before) == wanted else TAKEN
        return await _store(call.insider, wanted)


async def change(call: Call[PersonPath, PersonChange]) -> Person | Refusal:
    """Change what is known of a person; with ``active`` false they have no access any more.

    Connections of who gets another role, other locations or permissions of the team, or is
    deactivated, end; their next one sees what is theirs.
    Tokens of who was deactivated stay void when they are active again.
    """
    async with call.site.changing(call.live.id):
        before = await call.node.queries.person(call.live.state, call.parameters.person)
        if before is None:
            return NOT_FOUND
        region = call.live.state.policies.region
        wanted = placed(call.live, wanted_change(call.body, before, region))
        return wanted if isinstance(wanted, Refusal) else await _store(call.insider, wanted)


async def revoke(call: Call[PersonPath, Nothing]) -> Changed | Refusal:
    """Void every token that a person has and end their connections; one's own, anybody may."""
    caller, person = call.insider, call.parameters.person
    if isinstance(caller, Somebody) and caller.record.id == person:
        refusal = caller.refuse_leader()
        if refusal is not None:
            return refusal
    return await ask_desk(call.live, RevokeAccess(caller.author, caller.role_for_roles, person))


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


def placed(live: LiveBusiness, wanted: Wanted | Refusal) -> Wanted | Refusal:
    """``wanted`` at locations that there are; who is put at a merged one is where it went."""
    if isinstance(wanted, Refusal):
        return wanted
    known = live.state.locations
    for location in wanted.locations:
        if location not in known:
            return Refusal(Code.BAD_REQUEST, f"'locations': there is no location {location}.")
    return msgspec.structs.replace(wanted, locations=followed(known, wanted.locations))


async def _store(caller: Backend | Somebody, wanted: Wanted) -> Person | Refusal:
    command = ChangePerson(
        caller.author, caller.role_for_roles, wanted.person, wanted.locations, wanted.profile
    )
    changed = await ask_desk(caller.live, command)
    return changed if isinstance(changed, Refusal) else shown(caller, wanted)


_EXAMPLE = Person(
    id="carla",
    name="Carla Vega",
    role=Role.CUSTOMER,
    locations=("downtown",),
    contact=CONTACT,
    enrolled=True,
    blocked=False,
    household="vega",
    reference="crm-1742",
)

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
        asks=NewPerson(
            id="carla",
            name="Carla Vega",
            role=Role.CUSTOMER,
            locations=("downtown",),
            contact=ContactChange(phones=("+1 212 555 0100",), email="carla@example.com"),
            household="vega",
            reference="crm-1742",
        ),
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
        refusals=(Code.NOT_FOUND, Code.OWNER_REQUIRED, Code.DELETED, *UNDONE),
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
