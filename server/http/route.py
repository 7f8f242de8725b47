"""A route as a record: who may call it, what it takes, what it answers, what can go wrong.

Every route of the API is one `Route`. Registering, the OpenAPI description and the access matrix
all read the same table, so none can know of a route that the others do not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from domain.refusal import Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.http.caller import Backend, Caller, Identity, Somebody
from server.http.fields import Nothing
from server.http.site import Site
from server.live import LiveBusiness
from server.node import Node

P = TypeVar("P", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)
A = TypeVar("A", bound="msgspec.Struct | Content")

ANYBODY: frozenset[Caller] = frozenset()
"""For routes that ask for no token."""
OPERATOR = frozenset({Caller.OPERATOR})
BUSINESS = frozenset({Caller.BUSINESS})
PERSON = frozenset({Caller.PERSON})
BUSINESS_OR_PERSON = BUSINESS | PERSON

UNDONE = (Code.OVERLOADED, Code.UNAVAILABLE, Code.STORAGE_FAILED)
"""What every change can come to."""


class Repeat(StrEnum):
    """What a request gets that comes again under its idempotency key."""

    ANSWER = "answer"
    """The answer that was given."""
    ANEW = "anew"
    """A new answer: it holds a secret, so it is not kept, and giving another changes nothing."""
    NOTHING = "nothing"
    """A conflict: what was answered is a secret that is shown once."""


@dataclass(frozen=True, slots=True)
class Content:
    """An answer that is not JSON of a struct: a file, or nothing new (304)."""

    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200


@dataclass(frozen=True, slots=True)
class FileContent(Content):
    """An answer that is read from a file while it is sent, all of it or the range asked for."""

    path: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamContent(Content):
    """An answer that is made while it is sent, part by part."""

    parts: AsyncIterator[bytes]


class Octets(msgspec.Struct, frozen=True):
    """A body that is bytes as they are: ``application/octet-stream``."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[P, B]):
    """One request that has been let in: who asks, with which parameters and body."""

    site: Site
    identity: Identity | None
    parameters: P
    body: B
    if_none_match: str = ""
    ids: Callable[[], str] | None = None

    def new_id(self) -> str:
        """An id for what is made: under an idempotency key the same one again, each time."""
        return self.node.new_id() if self.ids is None else self.ids()

    @property
    def node(self) -> Node:
        return self.site.node

    @property
    def insider(self) -> Backend | Somebody:
        """The caller of a route for a business or its people."""
        assert isinstance(self.identity, Backend | Somebody)
        return self.identity

    @property
    def somebody(self) -> Somebody:
        """The caller of a route for people."""
        assert isinstance(self.identity, Somebody)
        return self.identity

    @property
    def live(self) -> LiveBusiness:
        """The business of whoever calls."""
        return self.insider.live


AnyCall = Call[Any, Any]

Handler = Callable[[Call[P, B]], Awaitable[A | Refusal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[P, B, A]):
    """``path`` names its parameters in braces; fields of ``parameters`` not in it are the query's.

    ``callers``: who may call, `ANYBODY` without a token. ``operation``: what `domain.roles.POLICY`
    says of a person's role. ``scope``: what an API key must have. ``refusals``: the codes beside
    those that every such route can answer. ``repeat``: what comes again gets.
    ``asks`` and ``shows`` are examples of body and answer.
    """

    method: str
    path: str
    summary: str
    handler: Handler[P, B, A]
    callers: frozenset[Caller]
    operation: Operation | None = None
    scope: Scope | None = None
    parameters: type[P]
    body: type[B]
    answer: type[A]
    status: int = 200
    refusals: tuple[Code, ...] = ()
    asks: B | None = None
    shows: A | None = None
    media_type: str = "application/json"
    repeat: Repeat = Repeat.ANSWER

    @property
    def takes_key(self) -> bool:
        """Whether an idempotency key means anything: something is done, for somebody known."""
        return self.method == "POST" and bool(self.callers)

    @property
    def takes_body(self) -> bool:
        return self.body is not Nothing

    @property
    def takes(self) -> str:
        """The media type of the body."""
        return "application/octet-stream" if self.body is Octets else "application/json"

    @property
    def in_parts(self) -> bool:
        """Whether a range of the answer can be asked for."""
        return self.answer is FileContent

    @property
    def name(self) -> str:
        """Method and path, as people write it."""
        return f"{self.method} {self.path}"


AnyRoute = Route[Any, Any, Any]
