"""Saved replies: what may stand in them, and that nobody is sent a variable (EX-27)."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import SavedReplyChanged
from domain.limits import TITLE_BYTES
from domain.refusal import Code, Refusal
from domain.saved_replies import (
    SAVED_REPLIES_MAX,
    SAVED_REPLY_BYTES,
    Facts,
    SavedReply,
    Template,
    Variable,
    decide_saved_reply,
    first_name,
    parse,
    refuse_leftover,
    refuse_saved_reply,
    render,
    shown_start,
    written,
)

pytestmark = pytest.mark.requirement("EX-27")

ALL = Facts(
    customer_first_name="Carla",
    customer_name="Carla Vega",
    staff_name="Sam Rivers",
    location_name="Pawsome Downtown",
    business_name="Pawsome",
    appointment_start="2026-06-19 14:30",
    appointment_title="Rex's grooming",
)
EVERYTHING = (
    "{customer.first_name}|{customer.name}|{staff.name}|{location.name}|{business.name}"
    "|{appointment.start}|{appointment.title}"
)


def reply(text: str, title: str = "Ready") -> SavedReply:
    return SavedReply(id="ready", title=title, text=text)


def said(text: str, facts: Facts = ALL) -> str | Refusal:
    template = parse(text)
    assert not isinstance(template, Refusal)
    return render(template, facts)


def test_every_variable_stands_for_its_fact() -> None:
    assert said(EVERYTHING) == (
        "Carla|Carla Vega|Sam Rivers|Pawsome Downtown|Pawsome|2026-06-19 14:30|Rex's grooming"
    )
    template = parse(EVERYTHING)
    assert isinstance(template, tuple)
    assert {part for part in template if isinstance(part, Variable)} == set(Variable)


def test_there_is_a_fact_for_every_variable() -> None:
    fields = {field.name for field in msgspec.structs.fields(Facts)}
    assert fields == {variable.value.replace(".", "_") for variable in Variable}


@pytest.mark.parametrize("variable", Variable)
@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_variable_without_a_value_refuses_and_says_which(
    variable: Variable, nothing: str | None
) -> None:
    field = variable.value.replace(".", "_")
    refusal = said(EVERYTHING, msgspec.structs.replace(ALL, **{field: nothing}))
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.UNRESOLVED_VARIABLE
    assert refusal.message.startswith(f"{{{variable.value}}} has no value: ")
    assert refusal.message.endswith(". Write what belongs there yourself.")


def test_an_unused_variable_needs_no_value() -> None:
    assert said("See you, {staff.name}", Facts(staff_name="Sam")) == "See you, Sam"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{", "{"),
        ("{{customer.name}", "{customer.name}"),
        ("{{{customer.name}}", "{Carla Vega}"),
        ("a } b }} c", "a } b }} c"),
        ("{{{{", "{{"),
        ("{{}", "{}"),
    ],
)
def test_a_brace_is_written_twice(text: str, shown: str) -> None:
    assert refuse_saved_reply(reply(text)) is None
    assert said(text) == shown


def test_a_value_is_not_looked_through() -> None:
    assert said("{customer.name}", Facts(customer_name="{staff.name} {{")) == "{staff.name} {{"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("customer", "customer"),
        ("customer.email", "customer.email"),
        ("Customer.name", "Customer.name"),
        (" customer.name ", " customer.name "),
        ("prénom\n\u202e", "prénom??"),
        ("x" * 99, "x" * 40),
    ],
)
def test_an_unknown_variable_is_refused_when_it_is_saved(name: str, shown: str) -> None:
    refusal = refuse_saved_reply(reply(f"Hi {{{name}}}"))
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST
    assert refusal.message.startswith(f"'text': there is no variable {{{shown}}}. There are ")
    assert refusal.message.endswith(", {appointment.title}. Write {{ for a brace.")


@pytest.mark.parametrize("text", ["Hi {", "Hi {customer.name", "{customer.{name}", "{{{"])
def test_a_brace_left_open_is_refused(text: str) -> None:
    refusal = refuse_saved_reply(reply(text))
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST


@pytest.mark.parametrize("text", ["Hi {{customer.name}}", "Hi {{ customer.name }}!"])
def test_a_variable_in_two_braces_is_a_mistake(text: str) -> None:
    refusal = refuse_saved_reply(reply(text))
    assert refusal is not None
    assert "with one brace on each side: {customer.name}." in refusal.message


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (reply(""), Code.BAD_REQUEST),
        (reply("\u200b"), Code.BAD_REQUEST),
        (reply("\x00"), Code.BAD_REQUEST),
        (reply("x" * (SAVED_REPLY_BYTES + 1)), Code.TOO_LARGE),
        (reply("é" * (SAVED_REPLY_BYTES // 2 + 1)), Code.TOO_LARGE),
        (reply("Hi", title=" "), Code.BAD_REQUEST),
        (reply("Hi", title="a\nb"), Code.BAD_REQUEST),
        (reply("Hi", title="x" * (TITLE_BYTES + 1)), Code.TOO_LARGE),
    ],
)
def test_texts_and_titles_that_cannot_be(wrong: SavedReply, code: Code) -> None:
    refusal = refuse_saved_reply(wrong)
    assert refusal is not None
    assert refusal.code is code


def test_the_longest_is_saved() -> None:
    longest = reply("x" * SAVED_REPLY_BYTES, title="x" * TITLE_BYTES)
    assert decide_saved_reply("olivia", longest, SAVED_REPLIES_MAX - 1, 5) == SavedReplyChanged(
        5, "olivia", "ready", longest.title, longest.text, ""
    )


def test_a_business_has_only_so_many() -> None:
    refusal = decide_saved_reply("olivia", reply("Hi"), SAVED_REPLIES_MAX, 5)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.TOO_LARGE
    assert refusal.message.endswith("Delete one first.")


@pytest.mark.parametrize("variable", Variable)
def test_what_is_left_of_a_saved_reply_refuses_to_be_sent(variable: Variable) -> None:
    refusal = refuse_leftover(f"Hi {{{variable.value}}}!")
    assert refusal is not None
    assert refusal.code is Code.UNRESOLVED_VARIABLE
    assert variable.value in refusal.message


@pytest.mark.parametrize("text", ["Hi {you}", "{ customer.name }", "customer.name", "{", ""])
def test_other_braces_are_not_left_of_anything(text: str) -> None:
    assert refuse_leftover(text) is None


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Carla Vega", "Carla"),
        ("Carla", "Carla"),
        (" 田中 花子 ", "田中"),
        ("  ", None),
        ("", None),
    ],
)
def test_the_first_name_is_the_first_word(name: str, first: str | None) -> None:
    assert first_name(name) == first


def test_an_appointment_starts_where_it_is() -> None:
    at = 1_781_886_600_000
    assert shown_start(at, ZoneInfo("America/New_York")) == "2026-06-19 12:30"
    assert shown_start(at, ZoneInfo("Asia/Kathmandu")) == "2026-06-19 22:15"


# --- For any text ---------------------------------------------------------------------------------

literals = st.text(st.sampled_from("ab {}.\n") | st.characters(), min_size=1, max_size=8)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Parts as the parser makes them: never two literals one after the other."""
    parts = draw(st.lists(st.sampled_from(Variable) | literals, max_size=8))
    apart: list[str | Variable] = []
    for part in parts:
        if not (apart and isinstance(part, str) and isinstance(apart[-1], str)):
            apart.append(part)
    return tuple(apart)


@given(templates())
def test_what_is_written_is_parsed_to_the_same(template: Template) -> None:
    assert parse(written(template)) == template


pieces = st.sampled_from([*(f"{{{v.value}}}" for v in Variable), "{", "}", "{{", "customer.name"])
texts = st.text() | st.lists(pieces | literals, max_size=8).map("".join)


@given(texts)
def test_no_text_is_too_odd(text: str) -> None:
    """It is refused with a sentence, or saved, and then shown with each value and nothing open."""
    template = parse(text)
    if isinstance(template, Refusal):
        assert template.code is Code.BAD_REQUEST
        return
    assert parse(written(template)) == template
    expected = "".join(part if isinstance(part, str) else str(ALL.value(part)) for part in template)
    assert render(template, ALL) == expected
    nothing = render(template, Facts())
    open_ones = [part for part in template if isinstance(part, Variable)]
    assert isinstance(nothing, Refusal) == bool(open_ones)
    if isinstance(nothing, Refusal):
        assert nothing.message.startswith(f"{{{open_ones[0].value}}} ")


@given(texts, texts)
def test_whatever_is_saved_can_be_judged(title: str, text: str) -> None:
    refusal = refuse_saved_reply(reply(text, title=title))
    if refusal is None:
        assert isinstance(parse(text), tuple)
