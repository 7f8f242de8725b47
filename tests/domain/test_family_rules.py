"""A business has at most one parent; no line is a circle, or longer than eight (MT-09)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.families import LEVELS_MAX, refuse_parent
from domain.refusal import Code

NAMES = "abcdefghijk"
asked = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", *NAMES])), max_size=40)


@pytest.mark.requirement("MT-09")
@given(asked)
def test_whatever_is_asked_no_line_is_a_circle_or_too_long(asks: list[tuple[str, str]]) -> None:
    parents: dict[str, str] = {}
    for business, parent in asks:
        before = dict(parents)
        refusal = refuse_parent(parents, business, parent)
        parents.pop(business, None)
        if parent:
            parents[business] = parent
        if _sound(parents):
            assert refusal is None
        else:
            assert refusal is not None
            assert refusal.code is Code.CONFLICT
            parents = before


def _sound(parents: dict[str, str]) -> bool:
    for name in NAMES:
        line = [name]
        while parents.get(line[-1]):
            line.append(parents[line[-1]])
            if len(line) > LEVELS_MAX:
                return False
    return True


def test_nobody_is_their_own_parent() -> None:
    refusal = refuse_parent({}, "a", "a")
    assert refusal is not None
    assert refusal.code is Code.CONFLICT
