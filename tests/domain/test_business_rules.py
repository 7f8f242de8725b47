"""There is always an owner, managers touch neither owners nor managers, hiding is mutual."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import business as rules
from domain.business import Business, Wanted
from domain.company import sees_name, sees_whole
from domain.events import (
    AccessRevoked,
    BusinessChanged,
    OwnershipTransferred,
    Person,
    PersonChanged,
    PrivacyChanged,
    SavedReplyChanged,
    SavedReplyDeleted,
)
from domain.record_events import LocationChanged
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import LEADERS, Role

NAMES = ["olivia", "oscar", "mary", "sam", "carla"]
people = st.sampled_from(NAMES)
roles = st.sampled_from(Role)


class Desk(RuleBasedStateMachine):
    """Anybody asks for any change of people; a model keeps who is what."""

    def __init__(self) -> None:
        super().__init__()
        self.business = Business("pawsome", 1, "Pawsome")
        self.people: dict[str, Person] = {}
        self.had_owner = False

    def role_of(self, person: str) -> Role | None:
        """``None`` is the business's own backend: whoever is not there asks through it."""
        known = self.people.get(person)
        return known.role if known is not None and known.active else None

    @rule(author=people, name=people, role=roles, active=st.booleans())
    def change(self, author: str, name: str, role: Role, active: bool) -> None:
        before, after = self.people.get(name), Person(name, name.title(), role, active)
        asking = self.role_of(author)
        decided = rules.decide_person(
            self.business, author, asking, before, Wanted(after, ("main",)), 5
        )
        touched = {after.role} | ({before.role} if before is not None else set())
        if isinstance(decided, Refusal):
            refused_by_role = asking not in (None, Role.OWNER) and (
                asking is not Role.MANAGER or bool(touched & LEADERS)
            )
            last = self.business.owners == {name} and not (role is Role.OWNER and active)
            assert refused_by_role or last
            assert decided.code is (Code.FORBIDDEN if refused_by_role else Code.OWNER_REQUIRED)
            return
        assert asking in (None, Role.OWNER) or (asking is Role.MANAGER and not touched & LEADERS)
        changed = before is not None and (before.role, before.active) != (role, active)
        assert decided.access is changed
        rules.evolve(self.business, decided)
        self.people[name] = after

    @rule(author=people, former=people, heir=people, left=roles)
    def transfer(self, author: str, former: str, heir: str, left: Role) -> None:
        asking, known = self.role_of(author), self.people.get(heir)
        decided = rules.decide_transfer(self.business, author, asking, former, left, known, 5)
        if isinstance(decided, Refusal):
            return
        assert asking in (None, Role.OWNER)
        assert former in self.business.owners
        assert known is not None
        assert known.active
        assert known.role in (Role.MANAGER, Role.STAFF)
        assert left is not Role.OWNER
        rules.evolve(self.business, decided)
        assert heir in self.business.owners
        assert former not in self.business.owners
        self.people[former] = Person(former, former.title(), left)
        self.people[heir] = Person(heir, heir.title(), Role.OWNER)

    @invariant()
    def owners_are_who_is_owner_and_active(self) -> None:
        owners = {p.id for p in self.people.values() if p.role is Role.OWNER and p.active}
        assert self.business.owners == owners
        self.had_owner |= bool(owners)
        assert bool(owners) == self.had_owner, "i8: the last owner stays"


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=30)

OLIVIA = Person("olivia", "Olivia", Role.OWNER)
SAM = Person("sam", "Sam", Role.STAFF)


def business(*owners: str) -> Business:
    return Business("pawsome", 1, "Pawsome", owners=frozenset(owners))


@pytest.mark.requirement("DT-24")
def test_the_only_owner_transfers_and_is_not_simply_changed() -> None:
    state = business("olivia")
    for after in (
        Person("olivia", "Olivia", Role.MANAGER),
        Person("olivia", "Olivia", Role.OWNER, active=False),
    ):
        decided = rules.decide_person(state, "olivia", Role.OWNER, OLIVIA, Wanted(after), 5)
        assert decided == rules.LAST_OWNER
    decided = rules.decide_transfer(state, "olivia", Role.OWNER, "olivia", Role.MANAGER, SAM, 5)
    assert decided == OwnershipTransferred(5, "olivia", "olivia", Role.MANAGER, "sam")


@pytest.mark.parametrize(
    ("author_role", "former", "former_role", "heir", "code"),
    [
        (Role.MANAGER, "olivia", Role.MANAGER, SAM, Code.FORBIDDEN),
        (Role.OWNER, "sam", Role.MANAGER, SAM, Code.NOT_FOUND),
        (Role.OWNER, "olivia", Role.MANAGER, None, Code.NOT_FOUND),
        (Role.OWNER, "olivia", Role.MANAGER, Person("x", "X", Role.STAFF, False), Code.NOT_FOUND),
        (Role.OWNER, "olivia", Role.MANAGER, Person("c", "C", Role.CUSTOMER), Code.BAD_REQUEST),
        (Role.OWNER, "olivia", Role.MANAGER, Person("o", "O", Role.OWNER), Code.CONFLICT),
        (Role.OWNER, "olivia", Role.OWNER, SAM, Code.CONFLICT),
    ],
)
def test_a_transfer_that_cannot_be(
    author_role: Role, former: str, former_role: Role, heir: Person | None, code: Code
) -> None:
    decided = rules.decide_transfer(
        business("olivia"), "olivia", author_role, former, former_role, heir, 5
    )
    assert isinstance(decided, Refusal)
    assert decided.code is code


@given(st.none() | roles, roles, st.booleans(), people, people)
def test_one_revokes_ones_own_access_and_whom_one_may_touch(
    asking: Role | None, role: Role, active: bool, author: str, person: str
) -> None:
    author = "@business" if asking is None else author
    known = Person(person, person.title(), role, active)
    decided = rules.decide_revocation(author, asking, person, known, 5)
    leads = asking in (None, Role.OWNER) or (asking is Role.MANAGER and role not in LEADERS)
    if author == person or leads:
        assert decided == AccessRevoked(5, author, person, "", 0)
    else:
        assert decided == rules.LEADERS_ONLY


@pytest.mark.parametrize("asking", [None, *Role])
def test_who_may_revoke_nobody_does_not_learn_who_is_there(asking: Role | None) -> None:
    decided = rules.decide_revocation("sam", asking, "nobody", None, 5)
    leads = asking is None or asking in LEADERS
    assert decided == (NOT_FOUND if leads else rules.LEADERS_ONLY)


@given(roles, st.none() | roles, st.booleans(), people, people)
def test_customers_see_themselves_whole_and_the_active_team_by_name(
    role: Role, viewing: Role | None, active: bool, viewer: str, person: str
) -> None:
    known = Person(person, person.title(), role, active)
    assert sees_whole(viewer, viewing, person) is (viewing is not Role.CUSTOMER or viewer == person)
    assert sees_name(known) is (active and role is not Role.CUSTOMER)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_a_name_is_one_line_and_not_blank(name: str) -> None:
    person = Person("sam", name, Role.STAFF)
    assert isinstance(
        rules.decide_person(business("olivia"), "olivia", Role.OWNER, None, Wanted(person), 5),
        Refusal,
    )


def test_events_that_change_nothing_here_leave_all_as_it_is() -> None:
    state, before = business("olivia"), business("olivia")
    rules.evolve(state, AccessRevoked(5, "olivia", "sam", "", 0))
    rules.evolve(state, SavedReplyChanged(5, "olivia", "ready", "Ready", "All done", ""))
    rules.evolve(state, SavedReplyDeleted(5, "olivia", "ready"))
    assert state == before


Work = tuple[str, Role, bool, tuple[str, ...]]
places = st.sets(st.sampled_from(["north", "south", "west"])).map(sorted).map(tuple)
work = st.tuples(people, roles, st.booleans(), places)


@pytest.mark.requirement("C-27")
@given(st.lists(work, max_size=8), places)
def test_who_works_at_a_place_sees_what_is_placed_there(
    changes: list[Work], shown_at: tuple[str, ...]
) -> None:
    state = Business("pawsome", 1, "Pawsome")
    last: dict[str, Work] = {}
    for change in changes:
        name, role, active, at = change
        changed = PersonChanged(5, "x", Person(name, name, role, active), at, access=False)
        rules.evolve(state, changed)
        last[name] = change
    expected = {
        name
        for name, role, active, at in last.values()
        if active and role is not Role.CUSTOMER and set(at) & set(shown_at)
    }
    assert state.staff_at(shown_at) == expected
    assert {name for name in NAMES if state.works_at(name, shown_at)} == expected


@pytest.mark.requirement("C-27", "R27")
@given(roles, roles, places, places)
def test_other_locations_are_another_right_of_the_team_alone(
    was: Role, becomes: Role, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    state = business("olivia")
    known = Person("sam", "Sam", was)
    rules.evolve(state, PersonChanged(5, "x", known, before, access=False))
    changed = Person("sam", "Sam", becomes)
    decided = rules.decide_person(state, "olivia", Role.OWNER, known, Wanted(changed, after), 5)
    assert isinstance(decided, PersonChanged)
    moved = was is not Role.CUSTOMER and set(before) != set(after)
    assert decided.access is (was is not becomes or moved)


def test_the_locations_of_a_business_are_known() -> None:
    state = business("olivia")
    rules.evolve(state, LocationChanged(5, "olivia", "main", "Main", "Europe/Rome"))
    assert set(state.locations) == {"main"}


privacy = st.tuples(people, st.booleans(), st.booleans())


@pytest.mark.requirement("C-26", "EX-24")
@given(st.lists(privacy, max_size=8), st.booleans(), st.booleans(), people, people)
def test_hiding_is_mutual_and_never_from_oneself(
    choices: list[tuple[str, bool, bool]], receipts: bool, seen: bool, one: str, other: str
) -> None:
    state = business("olivia")
    rules.evolve(state, BusinessChanged(5, "olivia", "Pawsome", receipts, seen))
    last: dict[str, tuple[bool, bool]] = {}
    for person, shows_read, shows_seen in choices:
        rules.evolve(state, PrivacyChanged(5, person, shows_read, shows_seen))
        last[person] = (shows_read, shows_seen)
    assert state.shows_read(one, one)
    assert state.shows_seen(one, one)
    if one != other:
        mine, theirs = last.get(one, (True, True)), last.get(other, (True, True))
        assert state.shows_read(one, other) == state.shows_read(other, one)
        assert state.shows_read(one, other) == (receipts and mine[0] and theirs[0])
        assert state.shows_seen(one, other) == (seen and mine[1] and theirs[1])


def test_a_person_who_is_added_as_owner_is_one_and_loses_it_with_the_role() -> None:
    state = business("olivia")
    rules.evolve(state, PersonChanged(5, "olivia", Person("o", "O", Role.OWNER), (), False))
    assert state.owners == {"olivia", "o"}
    rules.evolve(state, PersonChanged(5, "olivia", Person("o", "O", Role.OWNER, False), (), True))
    assert state.owners == {"olivia"}
