"""Messages of a conversation: reading, sending, changing, and who has read them."""

from domain import commands
from domain.commands import Accepted
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.views import Message, MessageReceipt, Version
from server import reading
from server.asking import answer_of, ask_conversation
from server.http.conversations import ConversationPath
from server.http.desk import changed
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Seq,
    Uint,
    Unset,
    page_size,
    set_or_none,
)
from server.http.route import PERSON, UNDONE, Call, Route
from server.monitoring import note_read
from server.saved_replies import refuse_made_from


class MessagePath(ConversationPath, frozen=True, kw_only=True):
    seq: Seq


class HistoryQuery(ConversationPath, frozen=True, kw_only=True):
    """The newest ``before`` (exclusive), or the oldest ``after`` it; at most one of the two."""

    before: Uint | Unset = UNSET
    after: Uint | Unset = UNSET
    limit: Uint = 50


class MessagePage(Output, frozen=True, kw_only=True):
    """In ascending ``seq``; ``more``: there are further ones in the direction asked for.

    Then ``next`` goes into ``before``, or into ``after`` where that was given, for the next page.
    """

    conversation: str
    messages: tuple[Message, ...]
    more: bool
    next: str | Unset = UNSET


class NewMessage(Input, frozen=True, kw_only=True):
    """``client_message_id`` is made once for a message, and kept when it is sent again.

    ``saved_reply``: the one that the text was made from. If there is none of this id, or a variable
    still stands in the text, that is refused; without, braces are only braces.
    ``attachments``: uploads of one's own that are ready; with some the text may be empty.
    """

    client_message_id: Id
    text: str
    reply_to: Uint = 0
    saved_reply: Id | Unset = UNSET
    attachments: tuple[Id, ...] = ()


class Ack(Output, frozen=True, kw_only=True):
    """The message is committed and synced to disk."""

    client_message_id: str
    conversation: str
    seq: int
    revision: int
    at: int


class NewText(Input, frozen=True, kw_only=True):
    text: str


class NewMark(Input, frozen=True, kw_only=True):
    """``unread`` `false` takes the mark off."""

    unread: bool = True


class NewReceipt(Input, frozen=True, kw_only=True):
    """Cursors: everything up to and including this ``seq``. Read implies delivered."""

    delivered_up_to: Uint = 0
    read_up_to: Uint = 0


class ReceiptList(Output, frozen=True, kw_only=True):
    conversation: str
    seq: int
    receipts: tuple[MessageReceipt, ...]


class VersionsQuery(MessagePath, frozen=True, kw_only=True):
    """``skip``: how many of the newest to leave out, ``next`` of the page before."""

    skip: Uint = 0
    limit: Uint = 50


class VersionList(Output, frozen=True, kw_only=True):
    """Oldest first; ``more``: there are older ones. Then ``next`` goes into ``skip`` for them."""

    conversation: str
    seq: int
    versions: tuple[Version, ...]
    more: bool
    next: str | Unset = UNSET


async def history(call: Call[HistoryQuery, Nothing]) -> MessagePage | Refusal:
    """Messages that the person may see: customers from the point where they joined."""
    asked = call.parameters
    before, after = set_or_none(asked.before), set_or_none(asked.after)
    if before is not None and after is not None:
        return Refusal(Code.BAD_REQUEST, "Give 'before' or 'after', not both.")
    refusal = await note_read(call.node, call.live, call.somebody.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    found = await call.node.queries.history(
        call.somebody.viewer,
        asked.conversation,
        before,
        after,
        max(1, min(asked.limit, call.node.limits.history_limit)),
    )
    if found is None:
        return NOT_FOUND
    messages, more = found
    return MessagePage(
        conversation=asked.conversation,
        messages=tuple(messages),
        more=more,
        next=str(messages[0 if after is None else -1].seq) if more else UNSET,
    )


async def send(call: Call[ConversationPath, NewMessage]) -> Ack | Refusal:
    """Send a message. The same ``client_message_id`` again gets the same answer, for ever.

    The same one with another text, ``reply_to``, conversation or attachments is a conflict.
    """
    body, conversation, me = call.body, call.parameters.conversation, call.somebody
    command = commands.Send(
        me.speaker, body.client_message_id, body.text, body.reply_to, attachments=body.attachments
    )
    if body.saved_reply is not UNSET:
        refusal = await refuse_made_from(
            call.node.queries, call.live, me.viewer, conversation, command, body.saved_reply
        )
        if refusal is not None:
            return refusal
    if call.live.state.send_hook is None:
        answer = await ask_conversation(call.live, conversation, command)
    else:
        hooks = call.node.hooks.send_hooks
        answer = answer_of(await hooks.ask(call.live, conversation, command))
    if isinstance(answer, Refusal):
        return answer
    assert isinstance(answer, Accepted)
    return Ack(
        client_message_id=body.client_message_id,
        conversation=conversation,
        seq=answer.seq,
        revision=answer.revision,
        at=answer.at,
    )


async def edit(call: Call[MessagePath, NewText]) -> Changed | Refusal:
    """Change the text of one's own message; what was said before stays in its versions."""
    asked = call.parameters
    command = commands.Edit(call.somebody.speaker, asked.seq, call.body.text)
    return changed(await ask_conversation(call.live, asked.conversation, command))


async def delete(call: Call[MessagePath, Nothing]) -> Changed | Refusal:
    """Delete one's own message, or any as owner. It keeps its place, with an empty text."""
    asked = call.parameters
    command = commands.Delete(call.somebody.speaker, asked.seq)
    return changed(await ask_conversation(call.live, asked.conversation, command))


async def advance(call: Call[ConversationPath, NewReceipt]) -> Changed | Refusal:
    """Move one's cursors. Only what moves forward is taken; the rest is accepted and ignored."""
    command = commands.AdvanceReceipt(
        call.somebody.speaker, call.body.delivered_up_to, call.body.read_up_to
    )
    return changed(await ask_conversation(call.live, call.parameters.conversation, command))


async def mark(call: Call[ConversationPath, NewMark]) -> Changed | Refusal:
    """Mark a conversation as unread, or take the mark off. It is mine alone: nobody is told."""
    command = commands.Mark(call.somebody.speaker, call.body.unread)
    return changed(await ask_conversation(call.live, call.parameters.conversation, command))


async def receipts(call: Call[MessagePath, Nothing]) -> ReceiptList | Refusal:
    """When each other member who could see the message had it, and read it."""
    asked, me = call.parameters, call.somebody
    refusal = await note_read(call.node, call.live, call.somebody.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    stored = await call.node.queries.receipts(me.viewer, asked.conversation, asked.seq)
    if stored is None:
        return NOT_FOUND
    return ReceiptList(
        conversation=asked.conversation,
        seq=asked.seq,
        receipts=reading.receipts(call.live, me.record.id, stored),
    )


async def versions(call: Call[VersionsQuery, Nothing]) -> VersionList | Refusal:
    """What the message has said: for owners, and for its author until it is deleted."""
    asked = call.parameters
    refusal = await note_read(call.node, call.live, call.somebody.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    found = await call.node.queries.versions(
        call.somebody.viewer, asked.conversation, asked.seq, asked.skip
    )
    if found is None:
        return NOT_FOUND
    versions = found.versions[-page_size(asked.limit) :]
    more = found.more or len(versions) < len(found.versions)
    return VersionList(
        conversation=asked.conversation,
        seq=asked.seq,
        versions=versions,
        more=more,
        next=str(asked.skip + len(versions)) if more else UNSET,
    )


_MESSAGE = Message(
    conversation="rex-grooming",
    seq=42,
    revision=1078,
    at=1_793_000_001_234,
    author="carla",
    text="Is Rex ready?",
    client_message_id="01932f",
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/messages",
        summary="Read messages",
        handler=history,
        callers=PERSON,
        operation=Operation.HISTORY,
        scope=Scope.MESSAGES_READ,
        parameters=HistoryQuery,
        body=Nothing,
        answer=MessagePage,
        refusals=(Code.NOT_FOUND,),
        shows=MessagePage(conversation="rex-grooming", messages=(_MESSAGE,), more=True, next="42"),
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/messages",
        summary="Send a message",
        handler=send,
        callers=PERSON,
        operation=Operation.SEND,
        scope=Scope.MESSAGES_WRITE,
        parameters=ConversationPath,
        body=NewMessage,
        answer=Ack,
        status=201,
        refusals=(
            Code.NOT_FOUND,
            Code.CONFLICT,
            Code.UNRESOLVED_VARIABLE,
            Code.TOO_LARGE,
            Code.REFUSED_BY_HOOK,
            *UNDONE,
        ),
        asks=NewMessage(client_message_id="01932f", text="Is Rex ready?"),
        shows=Ack(
            client_message_id="01932f",
            conversation="rex-grooming",
            seq=42,
            revision=1078,
            at=1_793_000_001_234,
        ),
    ),
    Route(
        method="PATCH",
        path="/v1/conversations/{conversation}/messages/{seq}",
        summary="Edit a message",
        handler=edit,
        callers=PERSON,
        operation=Operation.EDIT,
        scope=Scope.MESSAGES_WRITE,
        parameters=MessagePath,
        body=NewText,
        answer=Changed,
        refusals=(Code.NOT_FOUND, Code.DELETED, Code.TOO_LARGE, *UNDONE),
        asks=NewText(text="Is Rex ready *now*?"),
        shows=Changed(revision=1083),
    ),
    Route(
        method="DELETE",
        path="/v1/conversations/{conversation}/messages/{seq}",
        summary="Delete a message",
        handler=delete,
        callers=PERSON,
        operation=Operation.DELETE,
        scope=Scope.MESSAGES_WRITE,
        parameters=MessagePath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1084),
    ),
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/messages/{seq}/receipts",
        summary="Who has received and read a message",
        handler=receipts,
        callers=PERSON,
        operation=Operation.RECEIPTS,
        scope=Scope.MESSAGES_READ,
        parameters=MessagePath,
        body=Nothing,
        answer=ReceiptList,
        refusals=(Code.NOT_FOUND,),
        shows=ReceiptList(
            conversation="rex-grooming",
            seq=42,
            receipts=(
                MessageReceipt(
                    person="sam", delivered_at=1_793_000_001_300, read_at=1_793_000_002_000
                ),
            ),
        ),
    ),
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/messages/{seq}/versions",
        summary="What a message has said",
        handler=versions,
        callers=PERSON,
        operation=Operation.VERSIONS,
        scope=Scope.MESSAGES_READ,
        parameters=VersionsQuery,
        body=Nothing,
        answer=VersionList,
        refusals=(Code.NOT_FOUND,),
        shows=VersionList(
            conversation="rex-grooming",
            seq=42,
            versions=(Version(text="Is Rex ready?", at=1_793_000_001_234),),
            more=False,
        ),
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/mark",
        summary="Mark a conversation as unread",
        handler=mark,
        callers=PERSON,
        operation=Operation.MARK,
        scope=Scope.MESSAGES_WRITE,
        parameters=ConversationPath,
        body=NewMark,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=NewMark(unread=True),
        shows=Changed(revision=1086),
    ),
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/receipts",
        summary="Move my cursors",
        handler=advance,
        callers=PERSON,
        operation=Operation.RECEIPT,
        scope=Scope.MESSAGES_WRITE,
        parameters=ConversationPath,
        body=NewReceipt,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=NewReceipt(read_up_to=42),
        shows=Changed(revision=1085),
    ),
)
