"""Who of the team sees a conversation: those it can be assigned to, and a note can mention."""

from typing import Annotated

import msgspec

from domain.handling import team_who_see
from domain.limits import PEOPLE_MAX
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role
from domain.scopes import Scope
from domain.views import PersonName
from server.http.conversations import ConversationPath
from server.http.fields import UNSET, Nothing, Output, Uint, Unset, page_size
from server.http.person import Person, named
from server.http.route import PERSON, Call, Route
from server.monitoring import note_read


class ColleaguesQuery(ConversationPath, frozen=True, kw_only=True):
    """``search``: what the name holds; ``skip``: ``next`` of the page before."""

    search: Annotated[str, msgspec.Meta(max_length=200)] = ""
    skip: Uint = 0
    limit: Uint = 50


class Colleagues(Output, frozen=True, kw_only=True):
    """By name; ``next`` goes into ``skip`` for the next page, left out at the end."""

    people: tuple[Person, ...]
    next: str | Unset = UNSET


async def colleagues(call: Call[ColleaguesQuery, Nothing]) -> Colleagues | Refusal:
    """The others of the team who see a conversation: notes can mention each of them.

    One with a customer can be assigned to each. Whether the business lets its staff talk among
    themselves is no matter here.
    """
    asked, viewer = call.parameters, call.somebody.viewer
    refusal = await note_read(call.node, call.live, viewer, asked.conversation)
    if refusal is not None:
        return refusal
    shown = await call.node.queries.view(viewer, asked.conversation)
    if shown is None:
        return NOT_FOUND
    places = () if shown.handling is None else shown.handling.locations
    seeing = team_who_see(call.live.state, (each.person for each in shown.members), places)
    limit = page_size(asked.limit, PEOPLE_MAX)
    names = await call.node.queries.search(
        viewer, asked.search, limit + 1, among=seeing, skip=asked.skip
    )
    return Colleagues(
        people=tuple(map(named, names[:limit])),
        next=str(asked.skip + limit) if len(names) > limit else UNSET,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/colleagues",
        summary="Who else of the team sees a conversation",
        handler=colleagues,
        callers=PERSON,
        operation=Operation.HANDLE,
        scope=Scope.CONVERSATIONS_READ,
        parameters=ColleaguesQuery,
        body=Nothing,
        answer=Colleagues,
        refusals=(Code.NOT_FOUND,),
        shows=Colleagues(
            people=(named(PersonName(id="sam", name="Sam Rivers", role=Role.STAFF)),),
        ),
    ),
)
