"""Uploads: a file on its way, piece by piece, until it can be attached to a message."""

from typing import Annotated

import msgspec

from domain.attachments import State
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.views import Attachment
from server.attachments.keeper import CHUNK_BYTES
from server.http.caller import Somebody
from server.http.fields import Id, Input, Nothing, Output, Uint
from server.http.route import PERSON, UNDONE, Call, Octets, Route
from server.node import Node
from storage.uploads import Upload as Row

FileName = Annotated[str, msgspec.Meta(max_length=1024)]


class NewUpload(Input, frozen=True, kw_only=True):
    """``size`` in bytes. ``name``: as the file is called; what it is, its content says."""

    name: FileName
    size: Uint


class UploadPath(Input, frozen=True, kw_only=True):
    upload: Id


class ChunkPath(UploadPath, frozen=True, kw_only=True):
    """``offset``: how many bytes of the file come before this chunk."""

    offset: Uint


class Upload(Output, frozen=True, kw_only=True):
    """Where an upload stands. When ``offset`` is ``size``, the file is examined.

    ``ready`` and ``pending-scan`` can be sent, until ``expires_at``. Of a ``refused`` one ``code``
    and ``text`` say why. ``attachment`` is what a message would show of it.
    """

    id: str
    name: str
    size: int
    offset: int
    state: State
    chunk_bytes: int
    expires_at: int
    code: str = ""
    text: str = ""
    attachment: Attachment | None = None


class Deleted(Output, frozen=True, kw_only=True):
    id: str


async def begin(call: Call[Nothing, NewUpload]) -> Upload | Refusal:
    """Announce a file. Its bytes follow in chunks."""
    me, node, upload = call.somebody, call.node, call.new_id()
    refusal = await node.keeper.begin(
        me.live.state.no, me.record.id, upload, call.body.name, call.body.size
    )
    return refusal or await _shown(node, me, upload)


async def append(call: Call[ChunkPath, Octets]) -> Upload | Refusal:
    """Send the next chunk: at most 262144 bytes, at the offset where the upload stands.

    At another offset it is a conflict, whose text says where the upload stands. What was answered
    is on disk; after a broken connection ask for the upload, and continue from its `offset`.
    """
    row = await _row(call.node, call.somebody, call.parameters.upload)
    if row is None:
        return NOT_FOUND
    at = await call.node.keeper.append(row, call.parameters.offset, call.body.data)
    if isinstance(at, Refusal):
        return at
    return await _shown(call.node, call.somebody, row.id)


async def show(call: Call[UploadPath, Nothing]) -> Upload | Refusal:
    """Where my upload stands."""
    return await _shown(call.node, call.somebody, call.parameters.upload)


async def delete(call: Call[UploadPath, Nothing]) -> Deleted | Refusal:
    """Give an upload up that is not sent."""
    row = await _row(call.node, call.somebody, call.parameters.upload)
    if row is None:
        return NOT_FOUND
    return await call.node.keeper.give_up(row) or Deleted(id=row.id)


async def _row(node: Node, me: Somebody, upload: str) -> Row | None:
    return await node.keeper.rows.own(me.live.state.no, me.record.id, upload)


async def _shown(node: Node, me: Somebody, upload: str) -> Upload | Refusal:
    row = await _row(node, me, upload)
    if row is None:
        return NOT_FOUND
    offset = await node.keeper.offset(row)
    if row.state is State.UPLOADING and offset == row.bytes:  # it has become whole just now
        row = await _row(node, me, upload) or row
    return Upload(
        id=row.id,
        name=row.name,
        size=row.bytes,
        offset=offset,
        state=row.state,
        chunk_bytes=CHUNK_BYTES,
        expires_at=0 if row.message_id else row.expires_at,
        code=row.reason,
        text=row.said,
        attachment=row.attachment if row.kind else None,
    )


_BEGUN = Upload(
    id="01932f6a-7b1c-7d2e-8f3a-4b5c6d7e8f90",
    name="Rex.jpg",
    size=734_003,
    offset=262_144,
    state=State.UPLOADING,
    chunk_bytes=CHUNK_BYTES,
    expires_at=1_793_086_400_000,
)
_READY = msgspec.structs.replace(
    _BEGUN,
    offset=734_003,
    state=State.READY,
    attachment=Attachment(
        id=_BEGUN.id,
        name="Rex.jpg",
        media_type="image/jpeg",
        kind="image",
        bytes=698_112,
        width=2048,
        height=1536,
        thumbnail=True,
    ),
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/uploads",
        summary="Begin an upload",
        handler=begin,
        callers=PERSON,
        operation=Operation.UPLOAD,
        scope=Scope.MESSAGES_WRITE,
        parameters=Nothing,
        body=NewUpload,
        answer=Upload,
        status=201,
        refusals=(Code.TOO_LARGE, *UNDONE),
        asks=NewUpload(name="Rex.jpg", size=734_003),
        shows=msgspec.structs.replace(_BEGUN, offset=0),
    ),
    Route(
        method="PATCH",
        path="/v1/uploads/{upload}",
        summary="Send a chunk of a file",
        handler=append,
        callers=PERSON,
        operation=Operation.UPLOAD,
        scope=Scope.MESSAGES_WRITE,
        parameters=ChunkPath,
        body=Octets,
        answer=Upload,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, Code.TOO_LARGE, *UNDONE),
        shows=_BEGUN,
    ),
    Route(
        method="GET",
        path="/v1/uploads/{upload}",
        summary="Where an upload stands",
        handler=show,
        callers=PERSON,
        operation=Operation.UPLOAD,
        scope=Scope.MESSAGES_WRITE,
        parameters=UploadPath,
        body=Nothing,
        answer=Upload,
        refusals=(Code.NOT_FOUND,),
        shows=_READY,
    ),
    Route(
        method="DELETE",
        path="/v1/uploads/{upload}",
        summary="Give an upload up",
        handler=delete,
        callers=PERSON,
        operation=Operation.UPLOAD,
        scope=Scope.MESSAGES_WRITE,
        parameters=UploadPath,
        body=Nothing,
        answer=Deleted,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        shows=Deleted(id=_BEGUN.id),
    ),
)
