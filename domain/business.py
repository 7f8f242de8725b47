"""A business as the rules see it while it runs: its owners, and what people chose to hide.

Rules
1. There is always an owner; who owns is in every conversation (DT-08, DT-24).
2. Who hides their read receipts or last-seen does not see others' (C-26); a business can switch
   either off for everyone (EX-24).
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import msgspec

from domain.erasure_events import PersonErased
from domain.events import (
    AccessRevoked,
    BusinessChanged,
    BusinessEvent,
    OwnershipTransferred,
    Person,
    PersonChanged,
    PrivacyChanged,
    SendHookChanged,
    WebhookChanged,
    WebhookRemoved,
)
from domain.limits import NAME_BYTES
from domain.locations import Location, LocationEvent, record, standing
from domain.permissions import Permission, Permissions, granted, refuse_permissions
from domain.policies import Policies
from domain.profile import Profile, refuse_profile
from domain.record_events import AppointmentEvent, LocationMerged, ParentChanged
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role, may_touch
from domain.routing import begun_from
from domain.text import refuse_label
from domain.webhooks import SendHook, Webhook


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody active of the team: what decides which conversations they see."""

    role: Role
    locations: frozenset[str] = frozenset()
    permissions: Permissions = frozenset()


@dataclass(slots=True)
class Business:
    """What is known of a business at any moment; changed only by `evolve`, after the commit."""

    id: str
    no: int
    name: str
    read_receipts: bool = True
    last_seen: bool = True
    owners: frozenset[str] = frozenset()
    hidden_read: set[str] = field(default_factory=set)
    hidden_seen: set[str] = field(default_factory=set)
    team: dict[str, Colleague] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    parent: str = ""
    """The business that this one belongs to, or none."""
    stamps: dict[str, int] = field(default_factory=dict, compare=False)
    """Moves when facts about a customer change by which their messages are routed: `stamp`."""
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    send_hook: SendHook | None = None
    blocked: set[str] = field(default_factory=set)
    """Customers from whom nothing is taken (EX-32)."""
    erased: set[str] = field(default_factory=set)
    """Who was erased: nothing is taken from them, or about them, any more (EX-21)."""
    _at: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)
    _begins: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    @property
    def window_ms(self) -> int:
        """So long an answer is one to what was said last (C-29)."""
        return self.policies.attribution_hours * 3_600_000

    def open_locations(self) -> list[Location]:
        """Those that take part."""
        return [location for location in self.locations.values() if location.is_open]

    def standing(self, location: str) -> str | None:
        """The open location that ``location`` stands for; ``None``: closed, or none."""
        return standing(self.locations, location)

    def stamp(self, customer: str) -> int:
        """A number that rises whenever something changes of ``customer`` that decides where what
        they write shows up: whoever keeps such facts keeps it beside them. Not stored.
        """
        return self.stamps.get(customer, 0) + self.stamps.get("", 0)

    def restamp(self, customer: str) -> None:
        """Something changed of ``customer``; ``""``: of everybody."""
        self.stamps[customer] = self.stamps.get(customer, 0) + 1
        self._begins.clear()  # whatever changes of locations or the team comes by here

    def may(self, person: str, permission: Permission) -> bool:
        """Whether somebody of the team has ``permission``."""
        known = self.team.get(person)
        return known is not None and permission in known.permissions

    def works_at(self, person: str, places: Collection[str]) -> bool:
        """Whether ``person`` sees what is placed at ``places`` because they work at one of them."""
        sees = self.may(person, Permission.INBOX)
        return sees and not self.team[person].locations.isdisjoint(places)

    def staff_at(self, places: Collection[str]) -> frozenset[str]:
        """Who sees what is placed at ``places``, beside its members and the owners (C-27)."""
        found: frozenset[str] = frozenset()
        for place in places:
            found = found | self._staff_of(place) if found else self._staff_of(place)
        return found

    def _staff_of(self, place: str) -> frozenset[str]:
        if place not in self._at:
            self._at[place] = frozenset(p for p in self.team if self.works_at(p, (place,)))
        return self._at[place]

    def denied_at(self, places: Collection[str]) -> frozenset[str]:
        """Who works at ``places`` and may not see what is placed there."""
        return frozenset(
            person
            for person, known in self.team.items()
            if Permission.INBOX not in known.permissions and not known.locations.isdisjoint(places)
        )

    def locations_of(self, person: str) -> frozenset[str]:
        """Where somebody of the team works."""
        known = self.team.get(person)
        return frozenset() if known is None else known.locations

    def begins_at(self, person: str, logged_in: str) -> str:
        """The location from which somebody of the team begins: see `begun_from`."""
        if (person, logged_in) not in self._begins:  # with every message of the team
            begins = begun_from(logged_in, self.locations_of(person), self.standing)
            self._begins[person, logged_in] = begins
        return self._begins[person, logged_in]

    def note_colleague(self, person: str, colleague: Colleague | None) -> None:
        """Record what decides about ``person`` of the team; ``None``: they are not, or no more."""
        self._at.clear()
        if colleague is None:
            self.team.pop(person, None)
        else:
            self.team[person] = colleague

    def shows_read(self, person: str, viewer: str) -> bool:
        """Whether ``viewer`` may see how far ``person`` has read."""
        return person == viewer or (
            self.read_receipts and person not in self.hidden_read and viewer not in self.hidden_read
        )

    def shows_seen(self, person: str, viewer: str) -> bool:
        """Whether ``viewer`` may see when ``person`` is or was there (C-26)."""
        of_team, inside = person in self.team, viewer in self.team
        if of_team and not inside and not self.policies.customers_see_presence:
            return False
        return person == viewer or (
            self.last_seen and person not in self.hidden_seen and viewer not in self.hidden_seen
        )


@dataclass(frozen=True, slots=True)
class Seers:
    """Who may know of somebody, as it was at ``revision``: the team, and who shares a conversation
    with them."""

    people: frozenset[str]
    revision: int


def evolve(state: Business, event: BusinessEvent) -> None:
    """Record ``event`` in ``state``."""
    match event:
        case BusinessChanged():
            state.name = event.name
            state.read_receipts = event.read_receipts
            state.last_seen = event.last_seen
            state.policies = event.policies
        case PersonChanged():
            person = event.person
            state.restamp(person.id)
            others = state.owners - {person.id}
            is_owner = person.role is Role.OWNER and person.active
            state.owners = others | {person.id} if is_owner else others
            state.note_colleague(person.id, _colleague(event))
            is_blocked = event.profile.blocked and person.role is Role.CUSTOMER
            _toggle(state.blocked, person.id, inside=is_blocked)
            _toggle(state.erased, person.id, inside=isinstance(event, PersonErased))
        case PrivacyChanged():
            _toggle(state.hidden_read, event.person, inside=not event.read_receipts)
            _toggle(state.hidden_seen, event.person, inside=not event.last_seen)
        case OwnershipTransferred():
            state.owners = state.owners - {event.former} | {event.owner}
            _change_role(state, event.former, event.former_role)
            _change_role(state, event.owner, Role.OWNER)
            state.restamp(event.former)
        case WebhookChanged():
            state.webhooks[event.webhook.id] = event.webhook
        case WebhookRemoved():
            state.webhooks.pop(event.webhook, None)
        case SendHookChanged():
            state.send_hook = event.hook
        case _:
            _evolve_records(state, event)


def _evolve_records(state: Business, event: BusinessEvent) -> None:
    if isinstance(event, LocationEvent):
        record(state.locations, event)
        if isinstance(event, LocationMerged):
            _move_team(state, event)
        state.restamp("")
    elif isinstance(event, AppointmentEvent):
        for customer in event.customers:
            state.restamp(customer)
    elif isinstance(event, ParentChanged):
        state.parent = event.parent


def _colleague(event: PersonChanged) -> Colleague | None:
    person = event.person
    if person.role not in TEAM or not person.active:
        return None
    permissions = granted(person.role, event.profile.permissions)
    return Colleague(person.role, frozenset(event.locations), permissions)


def _move_team(state: Business, event: LocationMerged) -> None:
    for person in event.team:
        known = state.team.get(person)
        if known is not None:
            places = known.locations - {event.location} | {event.into}
            state.note_colleague(person, replace(known, locations=places))


def _change_role(state: Business, person: str, role: Role) -> None:
    known = state.team.get(person, Colleague(role))
    changed = replace(known, role=role, permissions=granted(role, None)) if role in TEAM else None
    state.note_colleague(person, changed)


def _toggle(people: set[str], person: str, *, inside: bool) -> None:
    if inside:
        people.add(person)
    else:
        people.discard(person)


LEADERS_ONLY = Refusal(
    Code.FORBIDDEN,
    "Ask an owner to change owners and managers; a key needs the scope leaders:write for it.",
)
LAST_OWNER = Refusal(
    Code.OWNER_REQUIRED,
    "A business needs an owner. Transfer the ownership to somebody else first.",
)

NOT_YOURS_TO_GIVE = Refusal(
    Code.FORBIDDEN,
    "You can only give what you may do yourself. Leave it out of 'permissions', or ask an owner.",
)


class Wanted(msgspec.Struct, frozen=True):
    """All that somebody shall be."""

    person: Person
    locations: tuple[str, ...] = ()
    profile: Profile = Profile()


def decide_person(
    state: Business,
    author: str,
    author_role: Role | None,
    before: Person | None,
    wanted: Wanted,
    now: int,
) -> PersonChanged | Refusal:
    """Add or change somebody. ``author_role`` is ``None`` for the business's own backend.

    Managers may not touch owners and managers; the only owner stays one until they transfer.
    Nobody gives a permission that they do not have.
    """
    after, profile = wanted.person, wanted.profile
    refusal = refuse_label(after.name, NAME_BYTES, "name") or refuse_profile(profile)
    if refusal is None and profile.permissions is not None:
        refusal = refuse_permissions(after.role, profile.permissions)
    if refusal is not None:
        return refusal
    if not may_touch(author_role, after.role, *(() if before is None else (before.role,))):
        return LEADERS_ONLY
    was_owner = before is not None and before.role is Role.OWNER and before.active
    stays_owner = after.role is Role.OWNER and after.active
    if was_owner and not stays_owner and state.owners == {after.id}:
        return LAST_OWNER
    if not _may_give(state, author, author_role, wanted):
        return NOT_YOURS_TO_GIVE
    access = before is not None and (
        before.role is not after.role
        or before.active != after.active
        or _sees_otherwise(state, wanted)
    )
    return PersonChanged(
        now,
        author,
        after,
        wanted.locations,
        access,
        shown=before is not None and before != after,
        ownership=was_owner != stays_owner,
        profile=profile,
    )


def _sees_otherwise(state: Business, wanted: Wanted) -> bool:
    """Whether other locations or permissions are theirs now, of somebody of the team."""
    after = wanted.person
    known = state.team.get(after.id)
    return (
        known is not None
        and after.role in TEAM
        and (
            known.locations != frozenset(wanted.locations)
            or known.permissions != granted(after.role, wanted.profile.permissions)
        )
    )


def _may_give(state: Business, author: str, author_role: Role | None, wanted: Wanted) -> bool:
    if author_role is None or author_role is Role.OWNER:
        return True
    known, giving = state.team.get(wanted.person.id), state.team.get(author)
    has = granted(author_role, None) if giving is None else giving.permissions  # a key is nobody
    gained = granted(wanted.person.role, wanted.profile.permissions)
    had = frozenset() if known is None else known.permissions
    return gained - had <= has


def decide_privacy(
    state: Business, person: str, read_receipts: bool | None, last_seen: bool | None, now: int
) -> PrivacyChanged | None:
    """What ``person`` shows from now on (``None``: as it is); ``None`` if it is so already."""
    before = (person not in state.hidden_read, person not in state.hidden_seen)
    wanted = (
        before[0] if read_receipts is None else read_receipts,
        before[1] if last_seen is None else last_seen,
    )
    return None if wanted == before else PrivacyChanged(now, person, *wanted)


def decide_revocation(
    author: str, author_role: Role | None, person: str, known: Person | None, now: int
) -> AccessRevoked | Refusal:
    """Every token that ``person`` has is void; one's own, anybody may revoke.

    ``known`` is who that is, if anybody. ``author_role`` is ``None`` for the business's backend.
    """
    touched = () if known is None else (known.role,)
    if person != author and not may_touch(author_role, *touched):
        return LEADERS_ONLY
    if known is None:
        return NOT_FOUND
    return AccessRevoked(now, author, person, "", 0)


def decide_transfer(
    state: Business,
    author: str,
    author_role: Role | None,
    former: str,
    former_role: Role,
    heir: Person | None,
    now: int,
) -> OwnershipTransferred | Refusal:
    """The ownership of ``former`` goes to ``heir``, in one step (DT-24)."""
    if author_role is not None and author_role is not Role.OWNER:
        return Refusal(Code.FORBIDDEN, "Only an owner can transfer the ownership.")
    if former not in state.owners or heir is None or not heir.active:
        return NOT_FOUND
    if heir.role is Role.CUSTOMER:
        return Refusal(Code.BAD_REQUEST, "A customer cannot own the business. Change their role.")
    if heir.role is Role.OWNER or former_role is Role.OWNER:
        return Refusal(Code.CONFLICT, "Name somebody who is no owner, and the role that follows.")
    return OwnershipTransferred(now, author, former, former_role, heir.id)
