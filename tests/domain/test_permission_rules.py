"""One table says what one of the team may; nobody gives what they have not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import business as rules
from domain.business import Business, Wanted
from domain.events import Person, PersonChanged
from domain.permissions import Permission, granted, refuse_permissions
from domain.profile import Profile
from domain.refusal import Code, Refusal
from domain.roles import Role

ALL = frozenset(Permission)
roles = st.sampled_from(Role)
sets = st.frozensets(st.sampled_from(Permission))


def test_what_is_usual() -> None:
    assert granted(None, None) == granted(Role.OWNER, None) == ALL
    assert granted(Role.MANAGER, None) == granted(Role.STAFF, None) == ALL
    assert granted(Role.CUSTOMER, None) == frozenset()


@given(roles, sets)
def test_nobody_has_more_or_less_than_their_role_can(
    role: Role, own: frozenset[Permission]
) -> None:
    has = granted(role, own)
    most, least = granted(role, ALL), granted(role, frozenset())
    assert least <= has <= most
    assert (refuse_permissions(role, own) is None) is (has == own)
    assert granted(Role.OWNER, own) == ALL
    assert granted(Role.CUSTOMER, own) == frozenset()
    assert Permission.CONTACTS in granted(Role.MANAGER, own)


@pytest.mark.parametrize(
    ("role", "own", "said"),
    [
        (Role.CUSTOMER, {Permission.ASSIGN, Permission.INBOX}, "cannot have: inbox, assign"),
        (Role.MANAGER, {Permission.INBOX}, "always has: contacts"),
    ],
)
def test_a_set_that_cannot_be_says_why(role: Role, own: set[Permission], said: str) -> None:
    refusal = refuse_permissions(role, own)
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST
    assert said in refusal.message


def team(*people: tuple[str, Role, frozenset[Permission] | None]) -> Business:
    state = Business("pawsome", 1, "Pawsome")
    for name, role, own in people:
        profile = Profile(permissions=own)
        changed = PersonChanged(
            5, "x", Person(name, name, role), ("main",), access=False, profile=profile
        )
        rules.evolve(state, changed)
    return state


@given(st.none() | sets, st.none() | sets, st.none() | sets)
def test_nobody_gives_what_they_have_not(
    givers: frozenset[Permission] | None,
    before: frozenset[Permission] | None,
    after: frozenset[Permission] | None,
) -> None:
    state = team(("max", Role.MANAGER, givers), ("sam", Role.STAFF, before))
    sam = Person("sam", "sam", Role.STAFF)
    wanted = Wanted(sam, ("main",), Profile(permissions=after))
    decided = rules.decide_person(state, "max", Role.MANAGER, sam, wanted, 5)
    if after is not None and refuse_permissions(Role.STAFF, after) is not None:
        assert isinstance(decided, Refusal)
        assert decided.code is Code.BAD_REQUEST
        return
    gained = granted(Role.STAFF, after) - granted(Role.STAFF, before)
    if gained <= granted(Role.MANAGER, givers):
        assert isinstance(decided, PersonChanged)
        rules.evolve(state, decided)
        assert state.team["sam"].permissions == granted(Role.STAFF, after)
    else:
        assert decided == rules.NOT_YOURS_TO_GIVE


@pytest.mark.requirement("R27", "C-27")
@given(st.none() | sets, st.none() | sets)
def test_other_permissions_are_another_right(
    before: frozenset[Permission] | None, after: frozenset[Permission] | None
) -> None:
    state = team(("sam", Role.STAFF, before))
    sam = Person("sam", "sam", Role.STAFF)
    wanted = Wanted(sam, ("main",), Profile(permissions=after))
    decided = rules.decide_person(state, "olivia", Role.OWNER, sam, wanted, 5)
    if isinstance(decided, PersonChanged):
        assert decided.access is (granted(Role.STAFF, before) != granted(Role.STAFF, after))
        rules.evolve(state, decided)
        sees = Permission.INBOX in granted(Role.STAFF, after)
        assert state.works_at("sam", ("main",)) is sees
        assert state.staff_at(("main",)) == (frozenset({"sam"}) if sees else frozenset())


def test_another_role_by_a_transfer_has_what_is_usual_for_it() -> None:
    state = team(("olivia", Role.OWNER, None), ("sam", Role.STAFF, frozenset()))
    decided = rules.decide_transfer(
        state, "olivia", Role.OWNER, "olivia", Role.STAFF, Person("sam", "sam", Role.STAFF), 5
    )
    assert not isinstance(decided, Refusal)
    rules.evolve(state, decided)
    assert state.team["sam"].permissions == ALL
    assert state.team["olivia"].permissions == granted(Role.STAFF, None)
