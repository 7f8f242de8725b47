"""The queue of a location: what is placed there and open, and who waits for an answer."""

from typing import Annotated

import msgspec

from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server import reading
from server.http.conversations import EXAMPLE, ConversationList
from server.http.fields import UNSET, Nothing, Uint, Unset, page_size, set_or_none
from server.http.locations import LocationPath
from server.http.route import PERSON, Call, Route

IN_STORE = 10
"""So many conversations a location's list shows at first (MT-06, C-24)."""

QueuePosition = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,18}(\.[0-9]{1,18})?\Z")]


class QueueQuery(LocationPath, frozen=True, kw_only=True):
    """``before``: ``next`` of the page before, asked with the same ``waiting``. ``waiting``: only
    those in which a customer waits, the longest first."""

    before: QueuePosition | Unset = UNSET
    limit: Uint = IN_STORE
    waiting: bool = False


async def queue(call: Call[QueueQuery, Nothing]) -> ConversationList | Refusal:
    """The open conversations of a location, latest activity first, ten at a time.

    For owners, and for who works there; `next` reaches the rest.
    """
    me, asked = call.somebody, call.parameters
    revision = call.node.database.journal.released(call.live.id)
    page = await call.node.queries.queue(
        me.viewer,
        asked.location,
        set_or_none(asked.before),
        page_size(asked.limit),
        asked.waiting,
    )
    if page is None:
        return NOT_FOUND
    return ConversationList(
        conversations=tuple(
            reading.conversation(call.live, me.record.id, stored) for stored in page.conversations
        ),
        next=UNSET if page.next is None else page.next,
        revision=revision,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/locations/{location}/queue",
        summary="The queue of a location",
        handler=queue,
        callers=PERSON,
        operation=Operation.HANDLE,
        scope=Scope.CONVERSATIONS_READ,
        parameters=QueueQuery,
        body=Nothing,
        answer=ConversationList,
        refusals=(Code.NOT_FOUND,),
        shows=ConversationList(conversations=(EXAMPLE,), next="1078", revision=1079),
    ),
)
