"""What was said: searched by its words, and around one person."""

from domain.channels import Channel
from domain.handling_action import Status
from domain.limits import LIST_MAX, SEARCH_MAX
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role
from domain.scopes import Scope
from domain.search import parse
from domain.views import Found, Message, Part
from server import searching
from server.http.fields import (
    UNSET,
    Id,
    Input,
    Nothing,
    Output,
    Position,
    Uint,
    Unset,
    set_or_none,
)
from server.http.route import PERSON, Call, Route
from storage.narrowing import Narrowing
from storage.search import Search


class SearchQuery(Input, frozen=True, kw_only=True):
    """``q``: words, of which all must occur, and phrases in quotation marks.

    The last word may be the beginning of one, from three letters on. ``author``: who said it.
    ``person``: in conversations that they are or were in. ``location`` and ``status``: in those
    that are there, or in that state, now; for the team alone. ``channel``: on which it was said.
    ``attachments``: only what has some. ``since`` and ``until``: times, both inclusive.
    ``before``: the ``next`` of the page before.
    """

    q: str
    conversation: Id | Unset = UNSET
    author: Id | Unset = UNSET
    person: Id | Unset = UNSET
    location: Id | Unset = UNSET
    status: Status | Unset = UNSET
    channel: Channel | Unset = UNSET
    attachments: bool = False
    since: Uint | Unset = UNSET
    until: Uint | Unset = UNSET
    before: Position | Unset = UNSET
    limit: Uint = 20


class FoundList(Output, frozen=True, kw_only=True):
    """Newest first; ``next``: there may be more. ``seq`` 0 is the title of the conversation.

    ``behind``: what was stored last is not searched yet; ask again in a moment.
    """

    found: tuple[Found, ...]
    next: str | None
    behind: bool


class TimelineQuery(Input, frozen=True, kw_only=True):
    """``before``: the ``next`` of the page before."""

    person: Id
    before: Position | Unset = UNSET
    limit: Uint = 50


class Said(Output, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """Something that was said, by whoever."""

    message: Message


TimelineItem = Said
"""What a timeline holds; ``type`` tells of what kind. Skip kinds that you do not know."""


class Timeline(Output, frozen=True, kw_only=True):
    """Newest first; ``next``: there may be more."""

    items: tuple[TimelineItem, ...]
    next: str | None


async def search(call: Call[SearchQuery, Nothing]) -> FoundList | Refusal:
    """Messages and titles of conversations that the person may read, newest first."""
    asked, me = call.parameters, call.somebody
    terms = parse(asked.q)
    if isinstance(terms, Refusal):
        return terms
    wanted = Search(
        terms,
        conversation=set_or_none(asked.conversation),
        author=set_or_none(asked.author),
        channel=set_or_none(asked.channel),
        attachments=asked.attachments,
        among=Narrowing(
            set_or_none(asked.location), set_or_none(asked.status), set_or_none(asked.person)
        ),
        since=set_or_none(asked.since),
        until=set_or_none(asked.until),
        before=set_or_none(asked.before),
        limit=max(1, min(asked.limit, SEARCH_MAX)),
    )
    page = await searching.find(call.node, call.live.id, me.viewer, wanted)
    if isinstance(page, Refusal):
        return page
    return FoundList(found=page.found, next=page.next, behind=page.behind)


async def timeline(call: Call[TimelineQuery, Nothing]) -> Timeline | Refusal:
    """What was said in all conversations that somebody is or was in, as far as one may read them.

    Customers ask for their own.
    """
    asked, me = call.parameters, call.somebody
    if me.role is Role.CUSTOMER and asked.person != me.record.id:
        return NOT_FOUND
    limit = max(1, min(asked.limit, LIST_MAX))
    page = await call.node.queries.timeline(
        me.viewer, asked.person, set_or_none(asked.before), limit
    )
    if page is None:
        return NOT_FOUND
    return Timeline(items=tuple(Said(message=m) for m in page.messages), next=page.next)


ROUTES = (
    Route(
        method="GET",
        path="/v1/search",
        summary="Search messages",
        handler=search,
        callers=PERSON,
        operation=Operation.SEARCH,
        scope=Scope.MESSAGES_READ,
        parameters=SearchQuery,
        body=Nothing,
        answer=FoundList,
        refusals=(Code.NOT_FOUND, Code.FORBIDDEN, Code.TOO_LARGE),
        shows=FoundList(
            found=(
                Found(
                    conversation="rex-grooming",
                    seq=42,
                    revision=1078,
                    at=1_793_000_001_234,
                    author="carla",
                    parts=(
                        Part(text="Is "),
                        Part(text="Rex", hit=True),
                        Part(text=" ready?"),
                    ),
                ),
            ),
            next="1078",
            behind=False,
        ),
    ),
    Route(
        method="GET",
        path="/v1/people/{person}/timeline",
        summary="What was said around a person",
        handler=timeline,
        callers=PERSON,
        operation=Operation.TIMELINE,
        scope=Scope.MESSAGES_READ,
        parameters=TimelineQuery,
        body=Nothing,
        answer=Timeline,
        refusals=(Code.NOT_FOUND,),
        shows=Timeline(
            items=(
                Said(
                    message=Message(
                        conversation="rex-grooming",
                        seq=42,
                        revision=1078,
                        at=1_793_000_001_234,
                        author="carla",
                        text="Is Rex ready?",
                        client_message_id="01932f",
                    )
                ),
            ),
            next=None,
        ),
    ),
)
