"""The audit log: who changed what, and who read what is not everybody's."""

from typing import Annotated

import msgspec

from domain.audit import AuditDetail, AuditKind
from domain.roles import Operation
from domain.scopes import Scope
from server.http.fields import (
    UNSET,
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
from server.http.route import BUSINESS_OR_PERSON, Call, Route
from storage.audit import AuditEntry as Stored

Author = Annotated[str, msgspec.Meta(pattern=r"\A[@A-Za-z0-9._:/-]{1,80}\Z")]
"""An id, or `@key/` with one, or `@operator`."""


class AuditEntry(Output, frozen=True, kw_only=True):
    """``author``: a person, `@key/` and an API key's id, or `@operator`. ``person``: whom it is
    about. ``detail``: ids, roles, scopes and numbers, never a name or a text."""

    revision: int
    at: int
    author: str
    kind: AuditKind
    person: str | Unset = UNSET
    detail: AuditDetail


class AuditPage(Output, frozen=True, kw_only=True):
    """``next`` goes into ``before`` for the next page; left out at the end."""

    entries: tuple[AuditEntry, ...]
    next: str | Unset = UNSET


class AuditQuery(Input, frozen=True, kw_only=True):
    """``kind``, ``author`` (who did it) and ``person`` (whom it is about) narrow the list;
    ``before``: ``next`` of the page before; ``limit``: 1 to 100."""

    before: Position | Unset = UNSET
    kind: AuditKind | Unset = UNSET
    author: Author | Unset = UNSET
    person: Id | Unset = UNSET
    limit: Uint = 50


async def page(call: Call[AuditQuery, Nothing]) -> AuditPage:
    """The audit log, newest first. It only grows: nothing in it is ever changed or removed."""
    asked = call.parameters
    limit = page_size(asked.limit)
    before = set_or_none(asked.before)
    found = await call.node.queries.audit(
        call.live.state,
        None if before is None else int(before),
        set_or_none(asked.kind),
        set_or_none(asked.author),
        set_or_none(asked.person),
        limit + 1,
    )
    entries = found[:limit]
    return AuditPage(
        entries=tuple(_shown(entry) for entry in entries),
        next=str(entries[-1].revision) if len(found) > limit else UNSET,
    )


def _shown(entry: Stored) -> AuditEntry:
    return AuditEntry(
        revision=entry.revision,
        at=entry.at,
        author=entry.author,
        kind=entry.kind,
        person=entry.person or UNSET,
        detail=entry.detail,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/audit",
        summary="Read the audit log",
        handler=page,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.AUDIT,
        scope=Scope.AUDIT_READ,
        parameters=AuditQuery,
        body=Nothing,
        answer=AuditPage,
        shows=AuditPage(
            entries=(
                AuditEntry(
                    revision=1085,
                    at=1_793_000_000_000,
                    author="olivia",
                    kind=AuditKind.PERSON_CHANGED,
                    person="carla",
                    detail={"role": "customer", "active": True},
                ),
            ),
            next="1085",
        ),
    ),
)
