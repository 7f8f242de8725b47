"""Attachments of messages: a link for who may see a message, and the file for who has the link."""

import re
from typing import Annotated
from urllib.parse import quote

import msgspec

from domain.attachments import Kind, State
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.views import Attachment
from server.attachments.keeper import THUMBNAIL_TYPE
from server.attachments.links import LINK_PATTERN, Link
from server.http.fields import Id, Input, Nothing, Output
from server.http.messages import MessagePath
from server.http.route import ANYBODY, PERSON, Call, FileContent, Route
from server.monitoring import note_read
from server.node import Node
from storage.uploads import Upload

FILES = "/v1/files/"
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Whatever is in a file: it runs no script, loads nothing, and is framed nowhere."""

_PENDING = Refusal(
    Code.UNAVAILABLE, "The file is being scanned. Try again in a moment.", retry_after=10.0
)
_REFUSED = Refusal(Code.FORBIDDEN, "The scanner found something in this file. It was deleted.")
_EXPIRED = Refusal(Code.FORBIDDEN, "This link has expired. Ask for a new one.")


class AttachmentPath(MessagePath, frozen=True, kw_only=True):
    attachment: Id


class AttachmentLink(Output, frozen=True, kw_only=True):
    """``url`` and ``thumbnail_url`` need no token until ``expires_at``; "" where there is none."""

    attachment: Attachment
    url: str
    thumbnail_url: str
    expires_at: int


class SignedPath(Input, frozen=True, kw_only=True):
    signed: Annotated[str, msgspec.Meta(pattern=LINK_PATTERN)]


async def link(call: Call[AttachmentPath, Nothing]) -> AttachmentLink | Refusal:
    """Get a link to an attachment. While it is being scanned, only its uploader gets one."""
    asked, me, node = call.parameters, call.somebody, call.node
    refusal = await note_read(node, call.live, me.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    found = await node.keeper.rows.in_message(
        me.viewer, asked.conversation, asked.seq, asked.attachment
    )
    if found is None:
        return NOT_FOUND
    own = found.person == me.record.id
    refusal = _refuse(found, own)
    if refusal is not None:
        return refusal
    expires_at = node.clock() + node.settings.link_seconds * 1000
    thumbnail = Link(found.business, found.id, True, own, expires_at)
    whole = msgspec.structs.replace(thumbnail, thumbnail=False)
    return AttachmentLink(
        attachment=found.attachment,
        url=FILES + node.keeper.links.sign(whole),
        thumbnail_url=FILES + node.keeper.links.sign(thumbnail) if found.thumbnail else "",
        expires_at=expires_at,
    )


async def file(call: Call[SignedPath, Nothing]) -> FileContent | Refusal:
    """The file that a link leads to, or a range of it. Images are shown, all else is saved."""
    node = call.node
    asked = node.keeper.links.verify(call.parameters.signed)
    if asked is None:
        return NOT_FOUND
    left = asked.expires_at - node.clock()
    if left <= 0:
        return _EXPIRED
    found = await node.keeper.rows.linked(asked.business, asked.attachment)
    if found is None or (asked.thumbnail and not found.thumbnail):
        return NOT_FOUND
    return _refuse(found, asked.own) or _content(node, found, asked.thumbnail, left // 1000)


def _refuse(found: Upload, own: bool) -> Refusal | None:
    if found.state is State.READY or (found.state is State.PENDING_SCAN and own):
        return None
    return _PENDING if found.state is State.PENDING_SCAN else _REFUSED


def _content(node: Node, found: Upload, thumbnail: bool, seconds: int) -> FileContent:
    file = found.thumbnail if thumbnail else found.file
    media_type = found.media_type
    if thumbnail:
        media_type = THUMBNAIL_TYPE
    elif media_type == "text/plain":
        media_type = "text/plain; charset=utf-8"
    shown = found.kind == Kind.IMAGE
    return FileContent(
        b"",
        media_type,
        (
            ("ETag", f'"{file[:32]}"'),
            ("Cache-Control", f"private, max-age={seconds}"),
            ("Content-Security-Policy", SANDBOX),
            ("Content-Disposition", disposition(found.name, inline=shown)),
        ),
        path=node.keeper.files.path(file),
    )


def disposition(name: str, *, inline: bool) -> str:
    """How a browser is to take a file called ``name`` (RFC 6266, RFC 8187)."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    encoded = quote(name, safe="!#$&+-.^_`|~")
    how = "inline" if inline else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/messages/{seq}/attachments/{attachment}",
        summary="Get a link to an attachment",
        handler=link,
        callers=PERSON,
        operation=Operation.DOWNLOAD,
        scope=Scope.MESSAGES_READ,
        parameters=AttachmentPath,
        body=Nothing,
        answer=AttachmentLink,
        refusals=(Code.NOT_FOUND, Code.FORBIDDEN, Code.UNAVAILABLE),
        shows=AttachmentLink(
            attachment=Attachment(
                id="01932f6a-7b1c-7d2e-8f3a-4b5c6d7e8f90",
                name="Rex.jpg",
                media_type="image/jpeg",
                kind="image",
                bytes=698_112,
                width=2048,
                height=1536,
                thumbnail=True,
            ),
            url="/v1/files/WyJwYXdzb21lIiwi….c2lnbmF0dXJl",
            thumbnail_url="/v1/files/WyJwYXdzb21lIiwj….c2lnbmF0dXJl",
            expires_at=1_793_000_301_234,
        ),
    ),
    Route(
        method="GET",
        path="/v1/files/{signed}",
        summary="Download a file",
        handler=file,
        callers=ANYBODY,
        parameters=SignedPath,
        body=Nothing,
        answer=FileContent,
        refusals=(Code.NOT_FOUND, Code.FORBIDDEN, Code.UNAVAILABLE),
        media_type="*/*",
    ),
)
