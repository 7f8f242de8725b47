"""Scopes: who has what, and that nobody gives what they do not have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import KeyMade
from domain.keys import KEYS_MAX, NewKey, decide_key
from domain.refusal import Code, Refusal
from domain.roles import Role, may_touch
from domain.scopes import EVERY_SCOPE, Scope, Scopes, holds, refuse_scopes, role_within

NOW = 1_000

scopes = st.sampled_from(list(Scope))
some_scopes = st.frozensets(scopes)
roles = st.sampled_from([None, *Role])


def decided(held: Scopes, wanted: tuple[Scope, ...], **other: int) -> KeyMade | Refusal:
    new = NewKey("k1", b"hash", "Key", wanted, other.get("expires_at", 0))
    return decide_key("olivia", held, other.get("valid", 0), new, NOW)


@given(held=some_scopes, wanted=st.lists(scopes, min_size=1))
def test_a_key_has_no_more_than_who_made_it(held: Scopes, wanted: list[Scope]) -> None:
    made = decided(held, tuple(wanted))
    if isinstance(made, Refusal):
        assert made.code is Code.FORBIDDEN
        missing = [scope for scope in wanted if not holds(held, scope)]
        assert missing
        assert all(scope in made.message for scope in missing)
    else:
        given_on = frozenset(made.scopes)
        assert len(made.scopes) == len(given_on)
        assert all(holds(held, scope) for scope in Scope if holds(given_on, scope))


@given(held=some_scopes, scope=scopes)
def test_who_holds_all_holds_each(held: Scopes, scope: Scope) -> None:
    assert holds(held | EVERY_SCOPE, scope)
    assert holds(held, scope) == (scope in held or Scope.ALL in held)
    assert (refuse_scopes(held, [scope]) is None) == holds(held, scope)


@given(held=some_scopes, role=roles, touched=st.lists(st.sampled_from(Role), max_size=2))
def test_a_key_touches_no_more_than_who_uses_it(
    held: Scopes, role: Role | None, touched: list[Role]
) -> None:
    within = role_within(held, role)
    if may_touch(within, *touched):
        assert may_touch(role, *touched)
        assert holds(held, Scope.LEADERS_WRITE) or not {Role.OWNER, Role.MANAGER} & set(touched)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"expires_at": NOW}, Code.BAD_REQUEST),
        ({"expires_at": 1}, Code.BAD_REQUEST),
        ({"expires_at": NOW + 1}, None),
        ({"expires_at": 0}, None),
        ({"valid": KEYS_MAX}, Code.TOO_LARGE),
        ({"valid": KEYS_MAX - 1}, None),
    ],
)
def test_a_key_has_its_bounds(other: dict[str, int], code: Code | None) -> None:
    made = decided(EVERY_SCOPE, (Scope.ALL,), **other)
    assert (made.code if isinstance(made, Refusal) else None) == code


def test_a_key_for_nothing_is_none() -> None:
    made = decided(EVERY_SCOPE, ())
    assert isinstance(made, Refusal)
    assert made.code is Code.BAD_REQUEST
