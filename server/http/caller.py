"""Who calls: the operator, a business's own backend, or a person. One bearer token tells."""

from dataclasses import dataclass
from enum import StrEnum

from domain.commands import Speaker
from domain.ids import is_id
from domain.permissions import Permission, granted
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role
from server.live import LiveBusiness
from server.node import Node
from server.reading import viewer_of
from server.tokens import hash_key
from storage.access import Viewer
from storage.people import PersonRecord

PERSON_HEADER = "Deskbell-Person"
DEVICE_HEADER = "Deskbell-Device"
DEFAULT_DEVICE = "http"

OPERATOR = "@operator"
BACKEND = "@business"
"""Authors of changes that no person made; no valid ids, so they are nobody's."""


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
    """The business itself, by its API key: it may do what an owner may, but says nothing."""

    live: LiveBusiness
    caller = Caller.BUSINESS
    author = BACKEND
    role = None

    def holds(self, _permission: Permission) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person on a device: by a token of theirs, or by the backend that speaks for them."""

    live: LiveBusiness
    record: PersonRecord
    device: str
    access: tuple[int, int]
    """`LiveBusiness.access_stamp` when ``record`` was read: see `is_current`."""
    by_token: bool
    caller = Caller.PERSON

    def is_current(self) -> bool:
        """Whether their rights cannot have changed since; otherwise `identify` has to say (R27)."""
        return self.live.access_stamp(self.record.id) == self.access

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
        return Speaker(self.record.id, self.record.name, self.record.role, self.device)

    @property
    def viewer(self) -> Viewer:
        return viewer_of(self.live, self.record.id, self.record.role)


Identity = Operator | Backend | Somebody

UNAUTHENTICATED = Refusal(
    Code.UNAUTHENTICATED, "Send a valid key or token as 'Authorization: Bearer …'."
)
DEACTIVATED = Refusal(Code.FORBIDDEN, "The person named in Deskbell-Person is deactivated.")
STOPPING = Refusal(Code.UNAVAILABLE, "The server is stopping. Try again in a moment.", 1.0)


async def identify(
    node: Node, authorization: str, person: str | None, device: str | None
) -> Identity | Refusal:
    """Who sent these headers, or why that cannot be said. ``person`` counts for a backend alone."""
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        return UNAUTHENTICATED
    if device is not None and not is_id(device):
        return Refusal(Code.BAD_REQUEST, f"{DEVICE_HEADER} must be an id, like web-5f2c.")
    if "." in secret:  # tokens are signed: payload, full stop, signature. Keys have none
        return await _by_token(node, secret, device)
    holder = await node.queries.key_holder(hash_key(secret))
    if holder is None:
        return UNAUTHENTICATED
    if holder.business is None:
        return Operator()
    live = await node.live(holder.business)
    if live is None:
        return STOPPING
    if person is None:
        return Backend(live)
    return await _spoken_for(node, live, person, device or DEFAULT_DEVICE)


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
    return Somebody(live, record, device, access, by_token=True)


async def _spoken_for(
    node: Node, live: LiveBusiness, person: str, device: str
) -> Somebody | Refusal:
    if not is_id(person):
        return Refusal(Code.BAD_REQUEST, f"{PERSON_HEADER} must be the id of a person.")
    access = live.access_stamp(person)
    record = await node.queries.person(live.state, person)
    if record is None:
        return NOT_FOUND
    somebody = Somebody(live, record, device, access, by_token=False)
    return somebody if record.active else DEACTIVATED
