"""The one table of who may ask for what."""

import itertools

import pytest

from domain.refusal import HTTP_STATUS, NOT_FOUND, Code
from domain.roles import POLICY, Operation, Role, may, may_touch, sees_all_history


def test_the_policy_names_every_operation() -> None:
    assert POLICY.keys() == set(Operation)
    assert all(POLICY.values())


def test_an_owner_may_ask_for_everything() -> None:
    assert all(may(Role.OWNER, operation) for operation in Operation)


@pytest.mark.parametrize(
    ("operation", "roles"),
    [
        (Operation.ADD_MEMBER, {Role.OWNER, Role.MANAGER, Role.STAFF}),
        (Operation.REMOVE_MEMBER, {Role.OWNER, Role.MANAGER, Role.STAFF}),
        (Operation.LEAVE, set(Role)),
        (Operation.PEOPLE_CHANGE, {Role.OWNER, Role.MANAGER}),
        (Operation.BUSINESS_CHANGE, {Role.OWNER}),
        (Operation.LOCATIONS_CHANGE, {Role.OWNER}),
        (Operation.OWNERSHIP_TRANSFER, {Role.OWNER}),
    ],
)
def test_what_not_everybody_may(operation: Operation, roles: set[Role]) -> None:
    assert {role for role in Role if may(role, operation)} == roles


LEADING = {Role.OWNER, Role.MANAGER}


@pytest.mark.parametrize(
    ("role", "touchable"),
    [
        (None, set(Role)),
        (Role.OWNER, set(Role)),
        (Role.MANAGER, set(Role) - LEADING),
        (Role.STAFF, set()),
        (Role.CUSTOMER, set()),
    ],
)
def test_whom_a_role_may_touch(role: Role | None, touchable: set[Role]) -> None:
    assert {touched for touched in Role if may_touch(role, touched)} == touchable
    for pair in itertools.product(Role, repeat=2):
        assert may_touch(role, *pair) is (set(pair) <= touchable)


def test_who_may_touch_nobody_may_not_even_ask_for_who_is_not_there() -> None:
    assert {role for role in Role if may_touch(role)} == LEADING


def test_customers_alone_do_not_see_what_was_before_them() -> None:
    assert {role for role in Role if not sees_all_history(role)} == {Role.CUSTOMER}


def test_every_refusal_has_a_status() -> None:
    assert HTTP_STATUS.keys() == set(Code)
    assert all(400 <= status < 600 for status in HTTP_STATUS.values())
    assert HTTP_STATUS[NOT_FOUND.code] == 404
