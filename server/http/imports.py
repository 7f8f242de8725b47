"""Imports: a business brings what it knows from before, in parts that can be sent again."""

from typing import Annotated, Any

import msgspec

from actors.desk_imports import FinishImport
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.scopes import Scope
from server.http.caller import Backend
from server.http.desk import ask_desk
from server.http.fields import (
    UNSET,
    Id,
    Input,
    Nothing,
    Output,
    Uint,
    Unset,
    page_size,
    set_or_none,
)
from server.http.route import BUSINESS, UNDONE, Call, Route
from server.importing import Taking
from storage.imports import Import, RefusedRecord

RECORDS_MAX = 1_000
"""Records in one part at most."""


class ImportPath(Input, frozen=True, kw_only=True):
    name: Id


class NewImport(Input, frozen=True, kw_only=True):
    id: Id | Unset = UNSET


class ImportPart(Input, frozen=True, kw_only=True):
    """``first``: the number of the first of ``records``, counted from 1 over the whole import.

    Each record is an object with a ``type``: `person` (as in `POST /v1/people`, with an ``id``, and
    ``active``), `appointment` (as in `PUT /v1/appointments/{appointment}`, with an ``id``),
    `conversation` (``id``, ``title``, ``people`` who are in it, with every customer who says
    something, ``messages`` of ``id``, ``author``, ``text``, ``at``, and ``channel`` if it was a
    `text` or an `email`, the oldest first; ``waiting``, if a customer waits for an answer;
    ``location`` to place it at, and beside that ``assignee``, ``closed`` or ``snoozed_until``), or
    `messages`: more of a conversation that was imported (``id``, ``messages``, ``waiting``). With
    ``customer`` instead of an ``id`` these two are about the customer's own conversation, which has
    no title and is made if there is none. The ids of messages are unique by author, over all
    conversations. ``waiting`` counts only where a customer spoke last, ``snoozed_until`` only while
    it is to come. A part has at most 262,144 bytes, as every body.
    """

    first: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    records: Annotated[tuple[Any, ...], msgspec.Meta(min_length=1, max_length=RECORDS_MAX)]


class RefusedQuery(Input, frozen=True, kw_only=True):
    """``after``: ``next`` of the page before, or the number of a record."""

    name: Id
    after: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,15}\Z")] = "0"
    limit: Uint = 50


class RefusedList(Output, frozen=True, kw_only=True):
    """``next`` goes into ``after`` for the next page; left out at the end."""

    refused: tuple[RefusedRecord, ...]
    next: str | Unset = UNSET


async def begin(call: Call[Nothing, NewImport]) -> Import | Refusal:
    """Begin an import. The same ``id`` again is the same import."""
    id_ = set_or_none(call.body.id) or call.new_id()
    state = call.live.state
    await call.node.database.begin_import(state.no, id_, call.node.clock())
    return await call.node.queries.import_named(state, id_) or NOT_FOUND


async def show(call: Call[ImportPath, Nothing]) -> Import | Refusal:
    """How far an import is."""
    return await call.node.queries.import_named(call.live.state, call.parameters.name) or NOT_FOUND


async def take(call: Call[ImportPath, ImportPart]) -> Import | Refusal:
    """Take records, in order: each is stored, known before, or refused with a reason.

    Repeat a part that was not answered; what was taken already is passed over. Nobody is told of
    what comes, nothing of it is unread, and no presence or receipt moves. Conversations are in the
    lists that are asked for from then on.
    """
    name, part, state = call.parameters.name, call.body, call.live.state
    async with call.site.changing(f"{call.live.id} import {name}"):
        known = await call.node.queries.import_named(state, name)
        if known is None:
            return NOT_FOUND
        if known.finished_at:
            return Refusal(Code.CONFLICT, "This import is finished. Begin another one.")
        skip = known.records + 1 - part.first
        if skip < 0:
            message = f"'first': {known.records} records were taken; go on with the next one."
            return Refusal(Code.CONFLICT, message)
        caller = call.insider
        assert isinstance(caller, Backend)
        taking = Taking(call.node, caller, known)
        later = None
        for record in part.records[skip:]:
            async with call.site.changing(call.live.id):
                later = await taking.take(record)
            if later is not None:
                break
        await call.node.database.note_import(state.no, taking.progress, taking.refusals)
    return later or taking.progress


async def refused(call: Call[RefusedQuery, Nothing]) -> RefusedList | Refusal:
    """What was refused, by the number of the record, with a code and a reason."""
    asked, state = call.parameters, call.live.state
    if await call.node.queries.import_named(state, asked.name) is None:
        return NOT_FOUND
    limit = page_size(asked.limit)
    found = await call.node.queries.import_refused(state, asked.name, int(asked.after), limit + 1)
    page = tuple(found[:limit])
    return RefusedList(refused=page, next=str(page[-1].number) if len(found) > limit else UNSET)


async def finish(call: Call[ImportPath, Nothing]) -> Import | Refusal:
    """Say that nothing more comes. Who is connected loads anew, once, and sees all of it."""
    name, state = call.parameters.name, call.live.state
    async with call.site.changing(f"{call.live.id} import {name}"):
        known = await call.node.queries.import_named(state, name)
        if known is None or known.finished_at:
            return known or NOT_FOUND
        changed = await ask_desk(call.live, FinishImport(call.insider.author, name))
        if isinstance(changed, Refusal):
            return changed
        return await call.node.queries.import_named(state, name) or NOT_FOUND


_EXAMPLE = Import(
    id="from-the-old-inbox",
    created_at=1_793_000_000_000,
    records=2_000,
    stored=1_990,
    known=8,
    refused=2,
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/imports",
        summary="Begin an import",
        handler=begin,
        callers=BUSINESS,
        scope=Scope.IMPORTS_WRITE,
        parameters=Nothing,
        body=NewImport,
        answer=Import,
        status=201,
        refusals=UNDONE,
        asks=NewImport(id="from-the-old-inbox"),
        shows=Import(id="from-the-old-inbox", created_at=1_793_000_000_000),
    ),
    Route(
        method="GET",
        path="/v1/imports/{name}",
        summary="How far an import is",
        handler=show,
        callers=BUSINESS,
        scope=Scope.IMPORTS_WRITE,
        parameters=ImportPath,
        body=Nothing,
        answer=Import,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/imports/{name}/records",
        summary="Import records",
        handler=take,
        callers=BUSINESS,
        scope=Scope.IMPORTS_WRITE,
        parameters=ImportPath,
        body=ImportPart,
        answer=Import,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=ImportPart(
            first=1,
            records=({"type": "person", "id": "carla", "name": "Carla", "role": "customer"},),
        ),
        shows=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/imports/{name}/refused",
        summary="What was refused of an import",
        handler=refused,
        callers=BUSINESS,
        scope=Scope.IMPORTS_WRITE,
        parameters=RefusedQuery,
        body=Nothing,
        answer=RefusedList,
        refusals=(Code.NOT_FOUND,),
        shows=RefusedList(
            refused=(
                RefusedRecord(
                    number=17,
                    kind="person",
                    record="mia",
                    code="bad_request",
                    reason="'phones': That is no phone number.",
                ),
            )
        ),
    ),
    Route(
        method="POST",
        path="/v1/imports/{name}/finish",
        summary="Finish an import",
        handler=finish,
        callers=BUSINESS,
        scope=Scope.IMPORTS_WRITE,
        parameters=ImportPath,
        body=Nothing,
        answer=Import,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=msgspec.structs.replace(_EXAMPLE, finished_at=1_793_000_600_000),
    ),
)
