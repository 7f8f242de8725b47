"""What a query asks for, and what is shown of a text in which it was found."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.refusal import Code, Refusal
from domain.search import (
    END,
    EXCERPT,
    HIT,
    QUERY_WORDS,
    Term,
    excerpt,
    may_hold,
    needles,
    parse,
    plain,
    spaced,
)
from storage.search import Search, question_of

TABLE = (
    "CREATE VIRTUAL TABLE said USING fts5 (scope, text,"
    " tokenize = \"unicode61 remove_diacritics 2 categories 'L* M* N* Co So'\")"
)

DEAR = ['"', "'", "*", "(", ")", "^", "-", "+", ":", "{", "}", "AND", "OR", "NOT", "NEAR(", "text:"]
DEAR += ["rex", "Ángel", "犬", "🐕", "“", "e-mail", "\x00", "\ud800", " ", "\u0301", "\ufe0f"]

# What people type, and what is dear to a query language.
TYPED = st.text(max_size=60) | st.lists(
    st.sampled_from(DEAR),
    max_size=12,
).map("".join)


def found(query: str, text: str) -> bool:
    """Whether the index's own language, asked what ``query`` means, finds it in ``text``."""
    terms = parse(query)
    if isinstance(terms, Refusal):
        return False
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT INTO said VALUES ('', ?)", (spaced(text),))
        question = question_of(Search(terms), ())
        return bool(
            connection.execute("SELECT 1 FROM said WHERE said MATCH ?", (question,)).fetchall()
        )


@given(TYPED)
@example('"')
@example('rex "hot spot')
@example("NEAR(a b) OR c* NOT d")
@example("text : rex")
def test_no_query_is_malformed(query: str) -> None:
    found(query, "Is Rex ready?")


@given(st.lists(st.sampled_from(["rex", "is", "ready", "Ángel", "30°", "犬", "🐕"]), min_size=1))
def test_a_text_is_found_by_its_own_words(words: list[str]) -> None:
    text = " ".join(words)
    terms = parse(text)
    if isinstance(terms, Refusal):
        assert len(words) > QUERY_WORDS
    else:
        assert found(text, text)
        assert found(f'"{text}"', text)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Rex ready ", (Term(("Rex",)), Term(("ready",)))),
        ("Rex rea", (Term(("Rex",)), Term(("rea",), prefix=True))),
        ("Rex re", (Term(("Rex",)), Term(("re",)))),
        ('"hot spot"', (Term(("hot", "spot")),)),
        ('balm "hot spot" lef', (Term(("balm",)), Term(("hot", "spot")), Term(("lef",), True))),
        ('"hot spot', (Term(("hot",)), Term(("spot",), prefix=True))),
        ("“hot spot”", (Term(("hot", "spot")),)),
        ("e-mail ", (Term(("e", "mail")),)),
        ("e-ma", (Term(("e", "ma")),)),
        (
            "rex AND NOT bella*",
            (Term(("rex",)), Term(("AND",)), Term(("NOT",)), Term(("bella",), True)),
        ),
        ("散歩", (Term(("散", "歩")),)),
    ],
)
def test_what_is_asked_for(query: str, terms: tuple[Term, ...]) -> None:
    assert parse(query) == terms


@pytest.mark.parametrize("query", ["", " ", '"', '""', "?!…", "\u0301", "\x00\x01", "\ud800"])
def test_a_query_without_a_word_is_refused(query: str) -> None:
    refusal = parse(query)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.BAD_REQUEST


@pytest.mark.parametrize("query", ["x" * 201, "é" * 101, "a " * 17])
def test_a_query_that_is_too_long_is_refused(query: str) -> None:
    refusal = parse(query)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.TOO_LARGE


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("angel", "Ángel was here"),
        ("ÁNGEL ", "angel"),
        ("a\u0301ngel ", "Ángel"),
        ("groo", "The groomer is here"),
        ("rea", "ready"),
        ("散歩", "犬の散歩は楽しい"),
        ("아지", "강아지가 예뻐요"),
        ("ไหน", "ไปไหนมา"),
        ("हिन्दी", "हिन्दी में"),
        ("👍", "Great👍🏽job"),
        ("great job ", "Great👍🏽job"),
        ("❤", "I ❤️ dogs"),
        ('"I ❤️ dogs"', "I ❤ dogs"),
        ("30 ", "30° in the shade"),
        ("a.b@c.de", "Write to A.B@C.DE"),
    ],
)
def test_what_is_found(query: str, text: str) -> None:
    assert found(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("re", "ready"),  # two letters are a word
        ("rea ", "ready"),  # a space ends it
        ('"rea"', "ready"),
        ('"spot hot"', "hot spot"),
        ("rex bella ", "rex"),
        ("lukasz ", "Łukasz"),  # a letter of its own
        ("歩散", "犬の散歩は楽しい"),
    ],
)
def test_what_is_not_found(query: str, text: str) -> None:
    assert not found(query, text)


@given(st.text())
def test_a_text_is_the_same_after_it_was_spaced(text: str) -> None:
    said = text.replace("\x01", "").replace("\x04", "")
    assert plain(spaced(said)) == said


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[bool]]:
    """A text in which some pieces are hits, and of each character whether it is of one."""
    pieces = draw(st.lists(st.tuples(st.text(alphabet="ab é犬", max_size=90), st.booleans())))
    text = "".join(f"{HIT}{piece}{END}" if hit else piece for piece, hit in pieces)
    return text, [hit for piece, hit in pieces for _ in piece]


@given(marked())
def test_an_excerpt_is_a_piece_of_the_text_that_shows_its_hits(
    drawn: tuple[str, list[bool]],
) -> None:
    text, hits = drawn
    said = text.replace(HIT, "").replace(END, "")
    shown = excerpt(text)
    piece = "".join(part.text for part in shown.parts)
    assert len(piece) <= EXCERPT
    places = [n for n in range(len(said) + 1) if said.startswith(piece, n)]
    flags = [part.hit for part in shown.parts for _ in part.text]
    fitting = [n for n in places if hits[n : n + len(piece)] == flags]
    assert fitting
    assert any((n > 0) == shown.more_before for n in fitting)
    assert any((n + len(piece) < len(said)) == shown.more_after for n in fitting)
    assert all(part.text for part in shown.parts)
    assert all(
        one.hit != other.hit for one, other in zip(shown.parts, shown.parts[1:], strict=False)
    )
    if any(hits):
        assert any(flags)


def test_a_long_text_is_cut_between_words_near_the_hit() -> None:
    text = "word " * 100 + f"{HIT}needle{END}" + " word" * 100
    shown = excerpt(text)
    assert [part.text for part in shown.parts if part.hit] == ["needle"]
    assert shown.more_before
    assert shown.more_after
    assert shown.parts[0].text.startswith("word ")
    assert shown.parts[-1].text.endswith(" word")


WORDS = [
    "Rex",
    "rEx",
    "rexes",
    "e-mail",
    "r\u00e9x",
    "\u212a9",
    "K9",
    "k",
    "犬",
    "\x00",
    "_",
    "12",
    "\u0130",
]


# Half a character is in no text that is stored.
@given(query=TYPED, text=TYPED.map(lambda said: said.encode(errors="replace").decode()))
@example(query="k9", text="\u212a9")  # the sign for kelvin
@example(query="r\u00e9x", text="rex")
def test_what_the_index_finds_may_be_held(query: str, text: str) -> None:
    terms = parse(query)
    if not isinstance(terms, Refusal) and found(query, text):
        assert may_hold(text, needles(terms))


@given(*[st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)] * 2)
def test_what_the_index_finds_of_a_few_words_may_be_held(query: str, text: str) -> None:
    terms = parse(query)
    if not isinstance(terms, Refusal) and found(query, text):
        assert may_hold(text, needles(terms))


def test_what_lacks_a_word_is_not_asked_about() -> None:
    terms = parse('"hot SPOT" 12')
    assert not isinstance(terms, Refusal)
    held = needles(terms)
    assert held == ("hot", "spot", "12")
    assert may_hold("A Hot spot, seen 12 times", held)
    assert not may_hold("A Hot spot", held)
    assert may_hold("Ein heißer Fleck", held)  # folded as the index does
