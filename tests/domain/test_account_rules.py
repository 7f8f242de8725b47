"""Accounts: addresses that are the same, passwords that are refused, and who may sign in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import accounts as rules
from domain.account_events import AccountChanged, AccountRemoved, SignedIn
from domain.accounts import LINK_INVALID, SIGN_IN_FAILED, Account, Link, NewSignIn
from domain.email_address import EMAIL_BYTES, email_key
from domain.events import Person
from domain.passwords import LEAST, MOST, refuse_password
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role

SAM = Person("sam", "Sam Rivers", Role.STAFF)
OLIVIA = Person("olivia", "Olivia Marsh", Role.OWNER)
ACCOUNT = Account("sam", "sam@x.example", "$argon2id$", 7)
NEW = NewSignIn("s1", "sam", "Firefox on Linux", "password", 7)
BY_LINK = msgspec.structs.replace(NEW, how="link", link=b"hash")
LINK = Link("pawsome", "sam", 7, 1_000)

# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sam@X.Example", "sam@x.example"),
        (" sam@x.example\n", "sam@x.example"),
        ("sam@bücher.example", "sam@xn--bcher-kva.example"),
        ("sam@BÜCHER.example", "sam@bücher.example"),
        ("a\u0301ngel@x.example", "\u00e1ngel@x.example"),
        ("ÁNGEL@x.example", "ángel@x.example"),
        ("\uff53\uff41\uff4d@x.example", "sam@x.example"),
        ("ΣΊΣΥΦΟΣ@x.example", "σίσυφος@x.example"),
    ],
)
def test_addresses_that_people_take_for_the_same_are_the_same(one: str, other: str) -> None:
    assert email_key(one) == email_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"), [("sam@x.example", "sam@y.example"), ("s.am@x.example", "sam@x.example")]
)
def test_others_are_others(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize(
    "email", ["sam@localhost", "sam+dogs@x.example", "用户@例え.jp", "o'hara@x.ie"]
)
def test_unusual_addresses_are_addresses(email: str) -> None:
    assert email_key(email) is not None


@pytest.mark.parametrize(
    "email",
    [
        "",
        "sam",
        "@x.example",
        "sam@",
        "sam@x@y.example",
        "sam @x.example",
        "sam@x .example",
        "sam@.example",
        "sam@x..example",
        "sam@-x.example",
        "sam@x_y.example",
        "sam\x00@x.example",
        "sam@x.example\x00",
        "sam\u200b@x.example",
        "sam@x\u200b.example",
        "sam\u202e@x.example",
        "sam\ud800@x.example",
        "sam\r\nBcc: all@x.example",
        "<sam@x.example>",
        '"sam"@x.example',
        "a" * 65 + "@x.example",
        "é" * 33 + "@x.example",
        "a@" + "b" * 64 + ".example",
        "a@" + "b." * 130 + "example",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    assert email_key(email) is None


@given(st.text(max_size=300))
def test_a_key_is_its_own_key(email: str) -> None:
    key = email_key(email)
    assert key is None or email_key(key) == key
    assert key is None or len(key.encode()) <= EMAIL_BYTES


# --- Passwords ------------------------------------------------------------------------------------

KNOWN = ("Sam Rivers", "sam@pawsome.example", "Pawsome Pet Care")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "a" * (LEAST - 1),
        "deskbell12",
        "DeskBell!!!!",
        "samrivers1",
        "Sam Rivers 1",
        "sam@pawsome.example",
        "Pawsome Pet Care",
        "pawsomepawsome1",
        "x" * (MOST + 1),
        "ﷺ" * 20,
    ],
)
def test_a_short_or_an_obvious_password_is_refused(password: str) -> None:
    refusal = refuse_password(password, KNOWN)
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST


@pytest.mark.parametrize(
    "password",
    [
        "a" * LEAST,
        "x" * MOST,
        "          ",
        "1234567890",
        "a walk in the rain",
        "парольдлинный",
        "🐕" * LEAST,
        "null\x00in the middle",
        "sam likes long walks",
    ],
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    assert refuse_password(password, KNOWN) is None


@given(st.text(max_size=250), st.lists(st.text(max_size=30), max_size=3))
def test_whatever_is_typed_is_judged(password: str, known: list[str]) -> None:
    refusal = refuse_password(password, known)
    assert refusal is None or refusal.code is Code.BAD_REQUEST


# --- Accounts -------------------------------------------------------------------------------------


def given_account(
    author_role: Role | None, person: Person | None, *, email: str = "sam@x.example"
) -> object:
    return rules.decide_account("x", author_role, person, None, email, taken=False, now=1)


def test_who_leads_gives_accounts_to_whom_they_may_touch() -> None:
    given = AccountChanged(1, "x", "sam", "sam@x.example", "sam@x.example")
    assert given_account(None, SAM) == given
    assert given_account(Role.OWNER, SAM) == given
    assert given_account(Role.MANAGER, SAM) == given
    assert given_account(Role.STAFF, SAM) is rules.LEADERS_ONLY
    assert given_account(Role.MANAGER, OLIVIA) is rules.LEADERS_ONLY
    assert given_account(Role.OWNER, None) is NOT_FOUND


@pytest.mark.parametrize(
    "person",
    [Person("c", "C", Role.CUSTOMER), Person("s", "S", Role.STAFF, active=False)],
    ids=["customer", "deactivated"],
)
def test_customers_and_who_has_left_have_no_account(person: Person) -> None:
    assert given_account(None, person) is rules.TEAM_ONLY
    assert not rules.may_have_account(person)
    assert rules.decide_sign_in(person, ACCOUNT, None, NEW, 1) is SIGN_IN_FAILED


def test_an_address_is_an_address_and_one_person_s() -> None:
    refused = given_account(None, SAM, email="sam")
    assert isinstance(refused, Refusal)
    assert refused.code is Code.BAD_REQUEST
    taken = rules.decide_account("x", None, SAM, None, "sam@x.example", taken=True, now=1)
    assert taken is rules.EMAIL_TAKEN
    same = rules.decide_account("x", None, SAM, ACCOUNT, ACCOUNT.email, taken=False, now=1)
    assert same is None


def test_an_account_is_taken_away_once() -> None:
    removed = rules.decide_account_removal("x", None, SAM, ACCOUNT, 1)
    assert removed == AccountRemoved(1, "x", "sam")
    assert rules.decide_account_removal("x", None, SAM, None, 1) is None
    assert rules.decide_account_removal("x", Role.MANAGER, OLIVIA, None, 1) is rules.LEADERS_ONLY


def test_a_sign_in_holds_under_the_account_it_was_proved_against() -> None:
    assert isinstance(rules.decide_sign_in(SAM, ACCOUNT, None, NEW, 1), SignedIn)
    changed = msgspec.structs.replace(ACCOUNT, revision=8)
    for person, account in ((SAM, changed), (SAM, None), (None, ACCOUNT)):
        assert rules.decide_sign_in(person, account, None, NEW, 1) is SIGN_IN_FAILED


@pytest.mark.parametrize(
    "link",
    [
        None,
        msgspec.structs.replace(LINK, expires_at=500),
        msgspec.structs.replace(LINK, person="olivia"),
        msgspec.structs.replace(LINK, revision=6),
    ],
    ids=["used", "expired", "another's", "from before a change"],
)
def test_a_link_is_good_once_in_time_for_one_person(link: Link | None) -> None:
    assert isinstance(rules.decide_sign_in(SAM, ACCOUNT, LINK, BY_LINK, 500), SignedIn)
    assert rules.decide_sign_in(SAM, ACCOUNT, link, BY_LINK, 500) is LINK_INVALID
