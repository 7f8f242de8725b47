"""What may name a thing, and the one id of two people who talk."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import OWNER, direct_conversation_id, is_id

ALPHABET = string.ascii_letters + string.digits + "._:-"
DOTS = {".", ".."}
ids = st.text(ALPHABET, min_size=1, max_size=64).filter(lambda value: value not in DOTS)


@given(ids)
def test_an_id_is_one(value: str) -> None:
    assert is_id(value)


@given(st.text(max_size=70))
def test_nothing_else_is_one(value: str) -> None:
    named = 0 < len(value) <= 64 and set(value) <= set(ALPHABET)
    assert is_id(value) == (named and value not in DOTS)


@pytest.mark.parametrize(
    "value", ["", "a\n", "\na", "a b", "é", "x" * 65, "a\0", "٣", OWNER, ".", ".."]
)
def test_what_looks_like_one_and_is_not(value: str) -> None:
    assert not is_id(value)


@pytest.mark.requirement("DT-14")
@given(ids, ids, ids)
def test_two_people_have_one_direct_conversation_and_no_others_have_it(
    one: str, other: str, third: str
) -> None:
    found = direct_conversation_id(one, other)
    assert found == direct_conversation_id(other, one)
    assert is_id(found)
    assert found != direct_conversation_id(one, OWNER)
    if third not in (one, other):
        assert found != direct_conversation_id(one, third)
