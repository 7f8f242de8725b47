"""Saved replies: kept by the business, and rendered for a conversation (EX-27)."""

from typing import Annotated

import msgspec
from msgspec.structs import replace

from actors.business import ChangeSavedReply, DeleteSavedReply
from domain import saved_replies as rules
from domain.attachments import megabytes
from domain.ids import ID_PATTERN
from domain.limits import ATTACHMENTS_MAX, LIST_MAX
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.saved_replies import Template, Variable
from domain.scopes import Scope
from domain.views import Attachment
from server.http.businesses import TAKEN
from server.http.conversations import ConversationPath
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
    set_or,
    set_or_none,
)
from server.http.route import BUSINESS_OR_PERSON, PERSON, UNDONE, Call, Route
from server.saved_replies import customer_of, facts_of, text_of

IdOrNone = Annotated[str, msgspec.Meta(pattern=ID_PATTERN.replace("{1,64}", "{0,64}"))]


class SavedReply(Output, frozen=True, kw_only=True):
    """``location``: of which location it is; ``""``: of the whole business.

    ``variables``: the names that stand in ``text`` in braces, each once. ``attachments``: what is
    sent along.
    """

    id: str
    title: str
    text: str
    location: str
    variables: tuple[str, ...]
    attachments: tuple[Attachment, ...]


class SavedReplyList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    saved_replies: tuple[SavedReply, ...]
    next: str | Unset = UNSET


class SavedReplyPath(Input, frozen=True, kw_only=True):
    saved_reply: Id


class SavedRepliesQuery(Input, frozen=True, kw_only=True):
    """``location``: those of it and of the whole business; ``after``: the id before the page."""

    location: Id | Unset = UNSET
    after: Id | Unset = UNSET
    limit: Uint = 50


class NewSavedReply(Input, frozen=True, kw_only=True):
    """``attachments``: ids of uploads of who asks, ready and not sent: the reply's from then on."""

    id: Id | Unset = UNSET
    title: str
    text: str
    location: IdOrNone = ""
    attachments: tuple[Id, ...] = ()


class SavedReplyChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. ``location`` ``""`` is the whole business.

    ``attachments``: all that it has then, by the ids of those that it has, and of uploads.
    """

    title: str | Unset = UNSET
    text: str | Unset = UNSET
    location: IdOrNone | Unset = UNSET
    attachments: tuple[Id, ...] | Unset = UNSET


class WantedReply(Input, frozen=True, kw_only=True):
    saved_reply: Id


class RenderedReply(Output, frozen=True, kw_only=True):
    """A text ready to be sent, and copies of the attachments, uploads of who asked."""

    text: str
    attachments: tuple[Attachment, ...]


_Storing = Call[SavedReplyPath, SavedReplyChange] | Call[Nothing, NewSavedReply]


async def everyone(call: Call[SavedRepliesQuery, Nothing]) -> SavedReplyList:
    """Saved replies by the order of their ids, a page at a time."""
    asked = call.parameters
    limit = max(1, min(asked.limit, LIST_MAX))
    found = await call.node.queries.saved_replies(
        call.live.state, set_or_none(asked.location), set_or(asked.after, ""), limit + 1
    )
    page = found[:limit]
    return SavedReplyList(
        saved_replies=tuple(_shown(reply) for reply in page),
        next=page[-1].id if len(found) > limit else UNSET,
    )


async def show(call: Call[SavedReplyPath, Nothing]) -> SavedReply | Refusal:
    """One saved reply."""
    found = await call.node.queries.saved_reply(call.live.state, call.parameters.saved_reply)
    return NOT_FOUND if found is None else _shown(found)


async def add(call: Call[Nothing, NewSavedReply]) -> SavedReply | Refusal:
    """Save a reply. The same one again, under an ``id``, is the same answer.

    Variables stand in braces: `{customer.first_name}`, `{customer.name}`, `{staff.name}`,
    `{location.name}`, `{business.name}`, `{appointment.start}`, `{appointment.title}`. `{{` is a
    brace.
    """
    body = call.body
    id_ = set_or_none(body.id) or call.new_id()
    wanted = rules.SavedReply(id=id_, title=body.title, text=body.text, location=body.location)
    async with call.site.changing(call.live.id):
        before = await call.node.queries.saved_reply(call.live.state, id_)
        attached = await _attached(call, body.attachments, before)
        if before is not None:
            return _shown(before) if before == replace(wanted, attachments=attached) else TAKEN
        if isinstance(attached, Refusal):
            return attached
        wanted = replace(wanted, attachments=attached)
        others = await call.node.queries.saved_reply_count(call.live.state)
        return await _store(call, wanted, others)


async def change(call: Call[SavedReplyPath, SavedReplyChange]) -> SavedReply | Refusal:
    """Change the title, the text or the location."""
    body = call.body
    async with call.site.changing(call.live.id):
        queries, state = call.node.queries, call.live.state
        before = await queries.saved_reply(state, call.parameters.saved_reply)
        if before is None:
            return NOT_FOUND
        attached: tuple[Attachment, ...] | Refusal = before.attachments
        if body.attachments is not UNSET:
            attached = await _attached(call, body.attachments, before)
        if isinstance(attached, Refusal):
            return attached
        wanted = rules.SavedReply(
            id=before.id,
            title=set_or(body.title, before.title),
            text=set_or(body.text, before.text),
            location=set_or(body.location, before.location),
            attachments=attached,
        )
        return await _store(call, wanted, await queries.saved_reply_count(state) - 1)


async def delete(call: Call[SavedReplyPath, Nothing]) -> Changed | Refusal:
    """Delete a saved reply. What was sent stays."""
    id_ = call.parameters.saved_reply
    async with call.site.changing(call.live.id):
        if await call.node.queries.saved_reply(call.live.state, id_) is None:
            return NOT_FOUND
        return await ask_desk(call.live, DeleteSavedReply(call.insider.author, id_))


async def rendered(call: Call[ConversationPath, WantedReply]) -> RenderedReply | Refusal:
    """A saved reply with the facts of the conversation, to be looked at and sent.

    A variable that has no value here refuses: `unresolved_variable`. Send the text with the id as
    `saved_reply`, and the ids of the `attachments`: they are copies, the asker's to send for a day.
    """
    me, queries = call.somebody, call.node.queries
    conversation = await queries.view(me.viewer, call.parameters.conversation)
    reply = await queries.saved_reply(call.live.state, call.body.saved_reply)
    if conversation is None or reply is None:
        return NOT_FOUND
    locations = await queries.locations(call.live.state)
    customer, now = customer_of(conversation), call.node.clock()
    visit = None
    if customer is not None:
        visit = await queries.next_appointment(call.live.state, customer.person, now)
    facts = facts_of(call.live, me.speaker, conversation, reply, locations, visit)
    text = text_of(reply, facts, call.node.limits.text_bytes)
    if isinstance(text, Refusal):
        return text
    copies = await call.node.keeper.copies(
        call.live.state.no, me.record.id, reply.attachments, call.new_id
    )
    if isinstance(copies, Refusal):
        return copies
    return RenderedReply(text=text, attachments=copies)


async def _attached(
    call: _Storing, asked: tuple[str, ...], before: rules.SavedReply | None
) -> tuple[Attachment, ...] | Refusal:
    """What is attached to a reply that is to have the attachments ``asked`` for."""
    found = await call.node.queries.uploaded(
        call.live.state, call.insider.author, asked[: ATTACHMENTS_MAX + 1]
    )
    chosen = rules.choose(asked, before.attachments if before else (), found)
    if isinstance(chosen, Refusal):
        return chosen
    files, size = call.node.settings.uploads, call.node.settings.upload_bytes
    if len(chosen) > files or sum(each.bytes for each in chosen) > size:
        # Nobody could take it: copies count as what is not sent.
        message = f"A saved reply has at most {files} attachments with {megabytes(size)} together."
        return Refusal(Code.TOO_LARGE, message)
    return chosen


async def _store(
    call: _Storing,
    wanted: rules.SavedReply,
    others: int,
) -> SavedReply | Refusal:
    if wanted.location:
        known = await call.node.queries.locations(call.live.state)
        if wanted.location not in {location.id for location in known}:
            message = f"'location': there is no location {wanted.location}."
            return Refusal(Code.BAD_REQUEST, message)
    command = ChangeSavedReply(call.insider.author, wanted, others)
    changed = await ask_desk(call.live, command)
    return changed if isinstance(changed, Refusal) else _shown(wanted)


def _shown(reply: rules.SavedReply) -> SavedReply:
    template = rules.parse(reply.text)
    parts: Template = () if isinstance(template, Refusal) else template
    names = dict.fromkeys(part.value for part in parts if isinstance(part, Variable))
    return SavedReply(
        id=reply.id,
        title=reply.title,
        text=reply.text,
        location=reply.location,
        variables=tuple(names),
        attachments=reply.attachments,
    )


_ASKED = NewSavedReply(
    id="ready", title="Ready to be picked up", text="Hi {customer.first_name}, all done!"
)
_EXAMPLE = SavedReply(
    id="ready",
    title="Ready to be picked up",
    text="Hi {customer.first_name}, all done!",
    location="",
    variables=("customer.first_name",),
    attachments=(),
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/saved-replies",
        summary="List saved replies",
        handler=everyone,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SAVED_REPLIES,
        scope=Scope.SAVED_REPLIES_READ,
        parameters=SavedRepliesQuery,
        body=Nothing,
        answer=SavedReplyList,
        shows=SavedReplyList(saved_replies=(_EXAMPLE,), next="ready"),
    ),
    Route(
        method="POST",
        path="/v1/saved-replies",
        summary="Save a reply",
        handler=add,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SAVED_REPLIES_CHANGE,
        scope=Scope.SAVED_REPLIES_WRITE,
        parameters=Nothing,
        body=NewSavedReply,
        answer=SavedReply,
        status=201,
        refusals=(Code.CONFLICT, Code.NOT_FOUND, Code.TOO_LARGE, *UNDONE),
        asks=_ASKED,
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/saved-replies/{saved_reply}",
        summary="Show a saved reply",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SAVED_REPLIES,
        scope=Scope.SAVED_REPLIES_READ,
        parameters=SavedReplyPath,
        body=Nothing,
        answer=SavedReply,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/saved-replies/{saved_reply}",
        summary="Change a saved reply",
        handler=change,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SAVED_REPLIES_CHANGE,
        scope=Scope.SAVED_REPLIES_WRITE,
        parameters=SavedReplyPath,
        body=SavedReplyChange,
        answer=SavedReply,
        refusals=(Code.CONFLICT, Code.NOT_FOUND, Code.TOO_LARGE, *UNDONE),
        asks=SavedReplyChange(title="Ready to be picked up"),
        shows=_EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/v1/saved-replies/{saved_reply}",
        summary="Delete a saved reply",
        handler=delete,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.SAVED_REPLIES_CHANGE,
        scope=Scope.SAVED_REPLIES_WRITE,
        parameters=SavedReplyPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1083),
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/render",
        summary="Render a saved reply",
        handler=rendered,
        callers=PERSON,
        operation=Operation.SAVED_REPLIES,
        scope=Scope.MESSAGES_READ,
        parameters=ConversationPath,
        body=WantedReply,
        answer=RenderedReply,
        refusals=(Code.NOT_FOUND, Code.UNRESOLVED_VARIABLE, Code.RATE_LIMITED, *UNDONE),
        asks=WantedReply(saved_reply="ready"),
        shows=RenderedReply(text="Hi Carla, all done!", attachments=()),
    ),
)
