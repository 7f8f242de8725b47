"""Whoever asks: their own record and privacy, and the presence of others."""

from actors.business import ChangePrivacy
from domain.ids import is_id
from domain.refusal import Code, Refusal
from domain.roles import Operation, Role
from domain.scopes import Scope
from domain.views import Presence
from server import reading
from server.http.caller import Somebody
from server.http.desk import ask_desk
from server.http.fields import UNSET, Input, Nothing, Output, Unset, set_or_none
from server.http.route import PERSON, UNDONE, Call, Route


class Me(Output, frozen=True, kw_only=True):
    """``read_receipts`` and ``last_seen``: whether others see mine, and so I theirs."""

    id: str
    name: str
    role: Role
    business: str
    business_name: str
    locations: tuple[str, ...]
    read_receipts: bool
    last_seen: bool


class PrivacyChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    read_receipts: bool | Unset = UNSET
    last_seen: bool | Unset = UNSET


class PresenceQuery(Input, frozen=True, kw_only=True):
    """``people``: ids, separated by commas."""

    people: str


class PresenceList(Output, frozen=True, kw_only=True):
    """Those of the people asked for whose presence one may watch; the others are left out."""

    people: tuple[Presence, ...]


async def show(call: Call[Nothing, Nothing]) -> Me:
    """Who I am."""
    return _shown(call.somebody)


async def change(call: Call[Nothing, PrivacyChange]) -> Me | Refusal:
    """Show or hide my read receipts and my last-seen; who hides theirs does not see others'."""
    me, body = call.somebody, call.body
    change = ChangePrivacy(
        me.record.id, set_or_none(body.read_receipts), set_or_none(body.last_seen)
    )
    changed = await ask_desk(me.live, change)
    return changed if isinstance(changed, Refusal) else _shown(me)


async def presence(call: Call[PresenceQuery, Nothing]) -> PresenceList | Refusal:
    """Who is there. The team may ask for everybody, customers for whom they talk to."""
    people = tuple(filter(None, call.parameters.people.split(",")))
    most = call.node.limits.watch_people
    if len(people) > most:
        return Refusal(Code.TOO_LARGE, f"Ask for at most {most} people at once.")
    if not all(map(is_id, people)):
        return Refusal(Code.BAD_REQUEST, "'people': ids, separated by commas.")
    me = call.somebody
    stored = await call.node.queries.companions(me.viewer, people)
    return PresenceList(people=reading.presence(me.live, me.record.id, stored))


def _shown(me: Somebody) -> Me:
    record, business = me.record, me.live.state
    return Me(
        id=record.id,
        name=record.name,
        role=record.role,
        business=business.id,
        business_name=business.name,
        locations=record.locations,
        read_receipts=record.id not in business.hidden_read,
        last_seen=record.id not in business.hidden_seen,
    )


_EXAMPLE = Me(
    id="carla",
    name="Carla Vega",
    role=Role.CUSTOMER,
    business="pawsome",
    business_name="Pawsome",
    locations=("downtown",),
    read_receipts=True,
    last_seen=False,
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/me",
        summary="Who I am",
        handler=show,
        callers=PERSON,
        scope=Scope.PEOPLE_READ,
        parameters=Nothing,
        body=Nothing,
        answer=Me,
        shows=_EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/me",
        summary="Show or hide what others see of me",
        handler=change,
        callers=PERSON,
        operation=Operation.PRIVACY,
        scope=Scope.PEOPLE_WRITE,
        parameters=Nothing,
        body=PrivacyChange,
        answer=Me,
        refusals=UNDONE,
        asks=PrivacyChange(last_seen=False),
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/presence",
        summary="Who is there",
        handler=presence,
        callers=PERSON,
        operation=Operation.WATCH,
        scope=Scope.PEOPLE_READ,
        parameters=PresenceQuery,
        body=Nothing,
        answer=PresenceList,
        refusals=(Code.TOO_LARGE,),
        shows=PresenceList(
            people=(Presence(person="sam", state="away", last_seen_at=1_793_000_000_000),)
        ),
    ),
)
