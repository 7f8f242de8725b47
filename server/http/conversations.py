"""Conversations: mine, one, a new one, and who is in it."""

from typing import Literal

from domain import commands
from domain.channels import Channel
from domain.conversation import refuse_size
from domain.handling_action import Status
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.views import Conversation, Member, Message
from server import creating, listing, reading
from server.asking import ask_conversation
from server.http.caller import Somebody
from server.http.desk import changed
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Position,
    Uint,
    Unset,
    page_size,
    set_or_none,
)
from server.http.route import PERSON, UNDONE, Call, Route
from server.monitoring import note_read
from server.node import Node
from storage.lists import ListFilter


class ConversationPath(Input, frozen=True, kw_only=True):
    conversation: Id


class MemberPath(ConversationPath, frozen=True, kw_only=True):
    person: Id


class ConversationsQuery(Input, frozen=True, kw_only=True):
    """``before``: ``next`` of the page before, asked with the same rest; ``limit``: 1 to 100.

    All that is asked for holds of what is listed. ``unassigned``: nobody is the ``assignee``.
    ``waiting``: a customer waits. ``channel``: on which a customer wrote last, `app` if none did.
    ``unread``: by the one who asks; the rest is for the team.
    """

    before: Position | Unset = UNSET
    limit: Uint = 50
    location: Id | Unset = UNSET
    status: Status | Unset = UNSET
    assignee: Id | Unset = UNSET
    unassigned: bool = False
    waiting: bool = False
    unread: bool = False
    channel: Channel | Unset = UNSET


class ConversationList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``before`` for the next page; left out at the end."""

    conversations: tuple[Conversation, ...]
    next: str | Unset = UNSET
    revision: int


class NewConversation(Input, frozen=True, kw_only=True):
    """``direct``: exactly one other person; ``group``: 1 to 127 people. The owner always joins.

    A customer who names nobody gets a group with who is assigned to them.
    """

    kind: Literal["direct", "group"]
    people: tuple[Id, ...]
    title: str = ""
    id: Id | Unset = UNSET


class NewMember(Input, frozen=True, kw_only=True):
    person: Id


async def mine(call: Call[ConversationsQuery, Nothing]) -> ConversationList | Refusal:
    """The person's conversations, latest activity first; those that fit, if a filter is asked for.

    With `unread` a page may hold fewer than there are, even none, and have a `next`: so many have
    been looked at for it.
    """
    me, asked = call.somebody, call.parameters
    wanted = ListFilter(
        set_or_none(asked.location),
        set_or_none(asked.status),
        set_or_none(asked.assignee),
        asked.waiting,
        asked.unread,
        set_or_none(asked.channel),
    )
    revision = call.node.database.journal.released(call.live.id)
    page = await listing.find(
        call.node,
        me.viewer,
        wanted,
        asked.unassigned,
        set_or_none(asked.before),
        page_size(asked.limit),
    )
    if isinstance(page, Refusal):
        return page
    return ConversationList(
        conversations=tuple(
            reading.conversation(call.live, me.record.id, stored) for stored in page.conversations
        ),
        next=UNSET if page.next is None else page.next,
        revision=revision,
    )


async def show(call: Call[ConversationPath, Nothing]) -> Conversation | Refusal:
    """One conversation, with members, cursors, presence and the newest message."""
    return await picture(call.node, call.somebody, call.parameters.conversation)


async def create(call: Call[Nothing, NewConversation]) -> Conversation | Refusal:
    """Start a conversation, or get the one that there is.

    ``direct`` always gives the same one for the same two people. With an ``id`` the same request
    gives the same group; another one under that id is a conflict.
    """
    body = call.body
    refusal = refuse_size(len(body.people), call.node.limits)
    if refusal is not None:
        return refusal
    conversation, answer = await creating.create(
        call.node.queries,
        call.live,
        call.somebody.speaker,
        body.kind,
        body.people,
        body.title,
        set_or_none(body.id) or call.new_id(),
        call.node.clock(),
    )
    if isinstance(answer, Refusal):
        return answer
    return await picture(call.node, call.somebody, conversation)


async def add_member(call: Call[ConversationPath, NewMember]) -> Changed | Refusal:
    """Bring somebody in; who is in already stays."""
    return changed(
        await creating.add_member(
            call.node.queries,
            call.live,
            call.somebody.speaker,
            call.parameters.conversation,
            call.body.person,
        )
    )


async def remove_member(call: Call[MemberPath, Nothing]) -> Changed | Refusal:
    """Take somebody out. Customers can only leave; an owner can neither be removed nor leave."""
    asked = call.parameters
    command = commands.RemoveMember(call.somebody.speaker, asked.person)
    return changed(await ask_conversation(call.live, asked.conversation, command))


async def picture(node: Node, me: Somebody, conversation: str) -> Conversation | Refusal:
    """A conversation as somebody sees it."""
    refusal = await note_read(node, me.live, me.viewer, conversation)
    if refusal is not None:
        return refusal
    stored = await node.queries.view(me.viewer, conversation)
    if stored is None:
        return NOT_FOUND
    return reading.conversation(me.live, me.record.id, stored)


EXAMPLE = Conversation(
    id="rex-grooming",
    kind="group",
    title="Rex's grooming",
    created_at=1_793_000_000_000,
    created_by="carla",
    members=(
        Member(person="carla", name="Carla Vega", role="customer", state="online"),
        Member(
            person="sam",
            name="Sam Rivers",
            role="staff",
            delivered_up_to=1,
            delivered_at=1_793_000_001_300,
            read_up_to=1,
            read_at=1_793_000_002_000,
        ),
    ),
    last_seq=1,
    unread=0,
    last_message=Message(
        conversation="rex-grooming",
        seq=1,
        revision=1078,
        at=1_793_000_001_234,
        author="carla",
        text="Is Rex ready?",
        client_message_id="01932f",
    ),
    revision=1079,
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations",
        summary="List my conversations",
        handler=mine,
        callers=PERSON,
        operation=Operation.CONVERSATIONS,
        scope=Scope.CONVERSATIONS_READ,
        parameters=ConversationsQuery,
        body=Nothing,
        answer=ConversationList,
        refusals=(Code.BAD_REQUEST, Code.FORBIDDEN),
        shows=ConversationList(conversations=(EXAMPLE,), next="1078", revision=1079),
    ),
    Route(
        method="POST",
        path="/v1/conversations",
        summary="Start a conversation",
        handler=create,
        callers=PERSON,
        operation=Operation.CREATE,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=Nothing,
        body=NewConversation,
        answer=Conversation,
        status=201,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, Code.TOO_LARGE, *UNDONE),
        asks=NewConversation(
            kind="group", people=("sam",), title="Rex's grooming", id="rex-grooming"
        ),
        shows=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/conversations/{conversation}",
        summary="Show a conversation",
        handler=show,
        callers=PERSON,
        operation=Operation.OPEN,
        scope=Scope.CONVERSATIONS_READ,
        parameters=ConversationPath,
        body=Nothing,
        answer=Conversation,
        refusals=(Code.NOT_FOUND,),
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/members",
        summary="Add a member",
        handler=add_member,
        callers=PERSON,
        operation=Operation.ADD_MEMBER,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=ConversationPath,
        body=NewMember,
        answer=Changed,
        refusals=(Code.NOT_FOUND, Code.TOO_LARGE, *UNDONE),
        asks=NewMember(person="mia"),
        shows=Changed(revision=1081),
    ),
    Route(
        method="DELETE",
        path="/v1/conversations/{conversation}/members/{person}",
        summary="Remove a member, or leave",
        handler=remove_member,
        callers=PERSON,
        operation=Operation.LEAVE,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=MemberPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, Code.OWNER_REQUIRED, *UNDONE),
        shows=Changed(revision=1082),
    ),
)
