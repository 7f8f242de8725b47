"""What may be said: anything that can be shown, and nothing that cannot be carried."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.refusal import Code
from domain.text import refuse_label, refuse_text

LIMIT = 40
FORBIDDEN = [chr(c) for c in (*range(9), *range(11, 32), *range(127, 160), 0xD800, 0xDFFF)]
INVISIBLE = (
    "\u2800\u3164\u115f\u1160\uffa0\u202e\u2066\ufe0f\U000e0001"
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2064\ufeff"
)

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, and the braille blank.
IGNORABLE = {
    chr(code)
    for first, last in (
        *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
        *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F)),
        *((0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
        *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)),
    )
    for code in range(first, last + 1)
}


def code(text: str) -> Code | None:
    refusal = refuse_text(text, LIMIT)
    return None if refusal is None else refusal.code


@given(st.text(max_size=60))
@example("\U000e0000")
@example("x" * LIMIT)
@example("x" * (LIMIT + 1))
@example("é" * (LIMIT // 2))
@example("\U0001f436" * (LIMIT // 4) + "x")
def test_a_text_is_refused_for_a_reason_or_can_be_stored(text: str) -> None:
    found = code(text)
    if all(c.isspace() or c in IGNORABLE for c in text) or any(
        character in text for character in FORBIDDEN
    ):
        assert found is Code.BAD_REQUEST
    elif len(text.encode()) > LIMIT:
        assert found is Code.TOO_LARGE
    else:
        assert found is None


@pytest.mark.parametrize("character", FORBIDDEN)
def test_what_no_client_can_show_or_carry_is_refused(character: str) -> None:
    assert code(f"a{character}b") is Code.BAD_REQUEST


@pytest.mark.parametrize(
    "text", ["Hi", "a\nb", "a\tb", "**Rex**", "<b>", "\u200bHi", "\U0001f436", "ñ"]
)
def test_what_people_write_is_accepted(text: str) -> None:
    assert code(text) is None


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0", "\u3000", *INVISIBLE, " \u200b\n"])
def test_a_blank_text_is_refused(text: str) -> None:
    assert code(text) is Code.BAD_REQUEST


@given(st.text(max_size=60))
def test_a_label_is_a_text_on_one_line(label: str) -> None:
    refusal = refuse_label(label, LIMIT, "title")
    if code(label) is not None:
        assert refusal is not None
        assert refusal.code is code(label)
    else:
        assert (refusal is not None) == ("\n" in label or "\t" in label)


def test_a_label_that_is_too_long_says_what_is() -> None:
    refusal = refuse_label("x" * (LIMIT + 1), LIMIT, "title")
    assert refusal is not None
    assert refusal.message == f"A title has at most {LIMIT} bytes. Shorten it."


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u202d", "\u202e"])
def test_a_label_does_not_break_or_turn_the_line(sign: str) -> None:
    refusal = refuse_label(f"Rex{sign}Vega", LIMIT, "name")
    assert refusal is not None
    assert "one line" in refusal.message
    assert refuse_text(f"Rex{sign}Vega", LIMIT) is None
