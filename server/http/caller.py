"""Who calls: the operator, a business's own backend, or a person. One bearer token tells."""

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.commands import Speaker
from domain.errors import StorageFailed
from domain.ids import is_id
from domain.locations import why_not_open
from domain.permissions import Permission, granted
from domain.refusal import Code, Refusal
from domain.roles import LEADERS, Role
from domain.scopes import EVERY_SCOPE, Scope, Scopes, refuse_scopes, role_within
from server.live import LiveBusiness
from server.node import Node
from server.reading import viewer_of
from server.tokens import hash_key
from storage.access import Viewer
from storage.api_keys import KeyHolder
from storage.people import PersonRecord

PERSON_HEADER = "Deskbell-Person"
DEVICE_HEADER = "Deskbell-Device"
LOCATION_HEADER = "Deskbell-Location"
DEFAULT_DEVICE = "http"

OPERATOR = "@operator"
OF_KEY = "@key/"
"""Authors of changes that no person made, the latter before a key's id; no valid ids, so they are
nobody's."""

USE_MS: Final = 3_600_000
"""When a key was used last is noted this coarsely."""


class Caller(StrEnum):
    """The kinds of callers; a route names those it is for."""

    OPERATOR = "operator"
    BUSINESS = "business"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs the server."""

    caller = Caller.OPERATOR
    author = OPERATOR


@dataclass(frozen=True, slots=True)
class Backend:
    """The business itself, by an API key: it may do what an owner may, but says nothing.

    ``key`` is the key's id, ``scopes`` what it may be used for.
    """

    live: LiveBusiness
    key: str
    scopes: Scopes
    caller = Caller.BUSINESS
    role = None

    def holds(self, _permission: Permission) -> bool:
        return True

    def is_current(self) -> bool:
        """Whether the key has not been revoked since."""
        return self.key not in self.live.revoked_keys

    @property
    def author(self) -> str:
        return OF_KEY + self.key

    @property
    def role_for_roles(self) -> Role | None:
        """The role that counts where somebody else's role, or their access, is touched."""
        return role_within(self.scopes, None)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person on a device: by a token of theirs, or by the backend that speaks for them.

    ``key`` is the id of the backend's key, ``scopes`` what that may be used for.
    """

    live: LiveBusiness
    record: PersonRecord
    device: str
    access: tuple[int, int]
    """`LiveBusiness.access_stamp` when ``record`` was read: see `is_current`."""
    key: str = ""
    scopes: Scopes = EVERY_SCOPE
    token_id: str = ""
    """Of the token they came with, if it was one."""
    location: str = ""
    """The open location where they are, if they say so."""
    caller = Caller.PERSON

    @property
    def by_token(self) -> bool:
        return not self.key

    def is_current(self) -> bool:
        """Whether their rights cannot have changed since; otherwise `identify` has to say (R27)."""
        unchanged = self.live.access_stamp(self.record.id) == self.access
        return unchanged and self.key not in self.live.revoked_keys

    @property
    def role_for_roles(self) -> Role | None:
        """As of a backend: who speaks through a key does not get further than the key."""
        return role_within(self.scopes, self.role)

    def refuse_leader(self) -> Refusal | None:
        """Why they may not change how they themselves sign in: they lead, and a key speaks for
        them that may not touch who leads."""
        return refuse_scopes(self.scopes, (Scope.LEADERS_WRITE,)) if self.role in LEADERS else None

    @property
    def author(self) -> str:
        return self.record.id

    @property
    def role(self) -> Role:
        return self.record.role

    def holds(self, permission: Permission) -> bool:
        return permission in granted(self.role, self.record.profile.permissions)

    @property
    def speaker(self) -> Speaker:
        return Speaker(
            self.record.id,
            self.record.name,
            self.record.role,
            self.device,
            location=self.location,
        )

    @property
    def viewer(self) -> Viewer:
        return viewer_of(self.live, self.record.id, self.record.role)


Identity = Operator | Backend | Somebody

UNAUTHENTICATED = Refusal(
    Code.UNAUTHENTICATED, "Send a valid key or token as 'Authorization: Bearer …'."
)
DEACTIVATED = Refusal(Code.FORBIDDEN, "The person named in Deskbell-Person is deactivated.")
NOBODY = Refusal(
    Code.NOT_FOUND, f"{PERSON_HEADER} names nobody of this business. Create them first."
)
STOPPING = Refusal(Code.UNAVAILABLE, "The server is stopping. Try again in a moment.", 1.0)


async def identify(
    node: Node,
    authorization: str,
    person: str | None,
    device: str | None,
    location: str | None = None,
) -> Identity | Refusal:
    """Who sent these headers, or why that cannot be said. ``person`` counts for a backend alone."""
    found = await _who(node, authorization, person, device)
    if location is None or not isinstance(found, Somebody):
        return found
    if not is_id(location):
        return Refusal(Code.BAD_REQUEST, f"{LOCATION_HEADER} must be the id of a location.")
    standing = found.live.state.standing(location)
    if standing is None:
        why = why_not_open(found.live.state.locations, location)
        return Refusal(Code.BAD_REQUEST, f"{LOCATION_HEADER}: {why}.")
    return replace(found, location=standing)


async def _who(
    node: Node, authorization: str, person: str | None, device: str | None
) -> Identity | Refusal:
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        return UNAUTHENTICATED
    if device is not None and not is_id(device):
        return Refusal(Code.BAD_REQUEST, f"{DEVICE_HEADER} must be an id, like web-5f2c.")
    if "." in secret:  # tokens are signed: payload, full stop, signature. Keys have none
        return await _by_token(node, secret, device)
    holder = await node.queries.key_holder(hash_key(secret), node.clock())
    if holder is None:
        return UNAUTHENTICATED
    if holder.business is None:
        return Operator()
    live = await node.live(holder.business)
    if live is None:
        return STOPPING
    if holder.key in live.revoked_keys:  # while its business was started
        return UNAUTHENTICATED
    await _note_use(node, live, holder)
    if person is None:
        return Backend(live, holder.key, holder.scopes)
    return await _spoken_for(node, live, holder, person, device or DEFAULT_DEVICE)


async def _note_use(node: Node, live: LiveBusiness, holder: KeyHolder) -> None:
    now = node.clock()
    if now - holder.last_used_at >= USE_MS:
        with suppress(StorageFailed):  # not worth a refusal: the next request notes it
            await node.database.record_key_use(live.state.no, holder.key, now)


async def _by_token(node: Node, token: str, device: str | None) -> Identity | Refusal:
    claims = node.tokens.verify(token, node.clock())
    if claims is None or (device and claims.device not in ("", device)):
        return UNAUTHENTICATED
    live = await node.live(claims.business)
    if live is None or node.tokens.is_revoked(claims.id):  # while its business was started
        return UNAUTHENTICATED
    access = live.access_stamp(claims.person)
    record = await node.queries.person(live.state, claims.person)
    if record is None or not record.active or claims.revoked_revision != record.revoked_revision:
        return UNAUTHENTICATED
    device = claims.device or device or DEFAULT_DEVICE
    return Somebody(live, record, device, access, token_id=claims.id)


async def _spoken_for(
    node: Node, live: LiveBusiness, holder: KeyHolder, person: str, device: str
) -> Somebody | Refusal:
    if not is_id(person):
        return Refusal(Code.BAD_REQUEST, f"{PERSON_HEADER} must be the id of a person.")
    access = live.access_stamp(person)
    record = await node.queries.person(live.state, person)
    if record is None:
        return NOBODY
    somebody = Somebody(live, record, device, access, holder.key, holder.scopes)
    return somebody if record.active else DEACTIVATED
