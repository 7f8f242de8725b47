"""How a customer can be reached: the truth table of the ghost text, and what may be written."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact import (
    EMAIL_BYTES,
    GHOST_TEXT,
    LANGUAGE_BYTES,
    PHONES_MAX,
    Channel,
    Consents,
    Contact,
    Missing,
    channel_for,
    is_e164,
    missing_for,
    normal_email,
    normal_language,
    refuse_contact,
    refuse_email,
    refuse_language,
)
from domain.refusal import Code

PUSH = "Messages will be sent via push notification."
SMS = "Messages will be sent via SMS."
EMAIL = "Messages will be sent via email."
NUMBER = "+12125550100"
ADDRESS = "carla@example.com"


def reach(
    app: bool, phone: bool, sms: bool, email: bool, emails: bool, marketing: bool = False
) -> Contact:
    return Contact(
        phones=(NUMBER,) if phone else (),
        email=ADDRESS if email else "",
        app_installed=app,
        consents=Consents(
            sms_transactional=sms,
            email_transactional=emails,
            sms_marketing=marketing,
            email_marketing=marketing,
        ),
    )


# --- The ghost text -------------------------------------------------------------------------------

# App, valid phone, consent to texts, valid e-mail, consent to e-mails; the last column of the 32
# rows, as section 1.8 has them: P=1 push; N and S SMS; M and E e-mail; else none.
TABLE = dict(
    zip(
        product((False, True), repeat=5),
        (
            *("none", "none", "none", "email"),  # no phone, no consent to texts
            *("none", "none", "none", "email"),  # consent, but no phone
            *("none", "none", "none", "email"),  # phone, but no consent
            *("sms", "sms", "sms", "sms"),
            *["push"] * 16,
        ),
        strict=True,
    )
)


@pytest.mark.requirement("MT-11", "MT-12", "MT-13", "MT-14", "MT-15", "MT-16", "C-02", "C-03")
@pytest.mark.parametrize("facts", TABLE)
def test_the_truth_table_has_one_channel_in_each_row(facts: tuple[bool, ...]) -> None:
    assert channel_for(reach(*facts)) == TABLE[facts]


def test_the_truth_table_has_32_rows() -> None:
    assert len(TABLE) == 32


@pytest.mark.requirement("MT-11", "MT-12", "MT-13")
def test_the_texts_are_exactly_those() -> None:
    assert GHOST_TEXT[Channel.PUSH] == PUSH
    assert GHOST_TEXT[Channel.SMS] == SMS
    assert GHOST_TEXT[Channel.EMAIL] == EMAIL
    assert GHOST_TEXT.keys() == set(Channel)
    assert len(set(GHOST_TEXT.values())) == 4


@pytest.mark.requirement("MT-17")
@given(st.tuples(*[st.booleans()] * 5))
def test_consent_to_marketing_never_makes_a_channel(facts: tuple[bool, ...]) -> None:
    assert channel_for(reach(*facts, marketing=True)) is channel_for(reach(*facts))


@pytest.mark.requirement("C-03")
@given(st.tuples(*[st.booleans()] * 5))
def test_what_is_missing_is_why_no_better_channel_is_used(facts: tuple[bool, ...]) -> None:
    """Each missing thing once, of the channels before the one that is used; all given: it is."""
    app, phone, sms, email, emails = facts
    lacks = [
        (Channel.PUSH, Missing.APP, app),
        (Channel.SMS, Missing.PHONE, phone),
        (Channel.SMS, Missing.SMS_CONSENT, sms),
        (Channel.EMAIL, Missing.EMAIL, email),
        (Channel.EMAIL, Missing.EMAIL_CONSENT, emails),
    ]
    order = ["push", "sms", "email", "none"]
    used = order.index(TABLE[facts])
    expected = [why for channel, why, there in lacks if not there and order.index(channel) < used]
    assert list(missing_for(reach(*facts))) == expected


def test_nothing_known_is_reached_by_nothing() -> None:
    assert channel_for(Contact()) is Channel.NONE
    assert missing_for(Contact()) == tuple(Missing)
    assert refuse_contact(Contact()) is None


@pytest.mark.requirement("TT-39")
def test_a_number_or_address_that_is_not_valid_is_no_channel() -> None:
    both = Consents(sms_transactional=True, email_transactional=True)
    contact = Contact(phones=("555-0100",), email=ADDRESS, consents=both)
    assert channel_for(contact) is Channel.EMAIL
    assert missing_for(contact) == (Missing.APP, Missing.PHONE)
    assert channel_for(Contact(email="carla", consents=both)) is Channel.NONE


# --- The contact as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "named"),
    [
        (Contact(phones=("5550100",)), "'phones'"),
        (Contact(phones=(NUMBER, NUMBER)), "'phones'"),
        (Contact(email="carla"), "'email'"),
        (Contact(email_verified=True), "'email_verified'"),
        (Contact(language="klingon!"), "'language'"),
    ],
)
def test_a_contact_that_cannot_be_is_refused(contact: Contact, named: str) -> None:
    refusal = refuse_contact(contact)
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST
    assert refusal.message.startswith(named)


def test_a_person_has_only_so_many_phones() -> None:
    phones = tuple(f"+1212555{n:04}" for n in range(PHONES_MAX + 1))
    assert refuse_contact(Contact(phones=phones[:-1])) is None
    refusal = refuse_contact(Contact(phones=phones))
    assert refusal is not None
    assert refusal.code is Code.TOO_LARGE


@given(
    st.builds(
        Contact,
        phones=st.lists(st.text(max_size=20) | st.just(NUMBER), max_size=3).map(tuple),
        email=st.text(max_size=20) | st.just(ADDRESS),
        language=st.text(max_size=10) | st.just("en-US"),
    )
)
def test_no_text_is_too_odd_to_be_judged(contact: Contact) -> None:
    refusal = refuse_contact(contact)
    fine = (
        len(set(contact.phones)) == len(contact.phones)
        and all(is_e164(phone) for phone in contact.phones)
        and (not contact.email or refuse_email(contact.email) is None)
        and (not contact.language or refuse_language(contact.language) is None)
    )
    assert (refusal is None) == fine


@pytest.mark.parametrize(
    "number", ["+1", "+0123456", "12125550100", "+1 212", "+" + "1" * 16, "+١٢"]
)
def test_what_is_not_e164(number: str) -> None:
    assert not is_e164(number)


def test_e164_has_at_most_15_digits() -> None:
    assert is_e164("+" + "1" * 15)
    assert not is_e164(NUMBER + "\n")


# --- E-mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    [
        "carla@example.com",
        "c@x.io",
        "carla.vega+rex@mail.example.co.uk",
        "o'hara_!#$%&*-/=?^`{|}~@example.com",
        "карла@пример.рф",
        "用户@例子.广告",
        "अजय@उदाहरण.भारत",
        "carla@xn--mnchen-3ya.de",
        "a" * 64 + "@example.com",
        "a@" + "b" * 63 + ".com",
    ],
)
def test_addresses_in_every_script_are_taken(email: str) -> None:
    assert refuse_email(email) is None
    assert normal_email(email) == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "@",
        "carla",
        "carla@",
        "@example.com",
        "carla@example",
        "carla@.com",
        "carla@example..com",
        "carla@example.com.",
        "carla@-example.com",
        "carla@example-.com",
        "carla@exa_mple.com",
        "carla@127.0.0.1",
        "carla@[127.0.0.1]",
        ".carla@example.com",
        "carla.@example.com",
        "car..la@example.com",
        "car la@example.com",
        "car@la@example.com",
        '"car la"@example.com',
        "carla@exam ple.com",
        "carla@example.com\n",
        "carla\u200b@example.com",
        "carla\x00@example.com",
        "carla@exam\u202eple.com",
        "carla\ud800@example.com",
        "Carla <carla@example.com>",
        "carla@example.com, sam@example.com",
        "a" * 65 + "@example.com",
        "é" * 33 + "@example.com",
        "a@" + "b" * 64 + ".com",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    refusal = refuse_email(email)
    assert refusal is not None
    assert refusal.code is Code.BAD_REQUEST
    assert refusal.message.startswith("'email': ")


def test_an_address_has_254_bytes() -> None:
    domain = ".".join(["b" * 61] * 3)
    longest = "a" * (EMAIL_BYTES - 1 - len(domain) - 4) + "@" + domain + ".com"
    assert len(longest) == EMAIL_BYTES == 254
    assert refuse_email(longest) is None
    refusal = refuse_email("a" + longest)
    assert refusal is not None
    assert refusal.code is Code.TOO_LARGE


def test_an_address_has_one_form() -> None:
    assert normal_email(" Carla@EXAMPLE.Com ") == "Carla@example.com"
    assert normal_email("carla@MU\u0308NCHEN.de") == "carla@m\u00fcnchen.de"
    assert normal_email("rene\u0301@example.com") == "ren\u00e9@example.com"
    assert normal_email("carla@ｅｘａｍｐｌｅ．com") == "carla@example.com"  # noqa: RUF001


letters = st.characters(categories=("L", "M", "N", "P", "S", "Z", "C"))


@given(st.text(letters, max_size=30), st.text(letters, max_size=30))
def test_the_form_of_an_address_is_final(local: str, domain: str) -> None:
    once = normal_email(f"{local}@{domain}.com")
    assert normal_email(once) == once
    if refuse_email(once) is None:
        assert once.count("@") == 1
        assert not any(letter.isspace() for letter in once)
        assert len(once.encode()) <= EMAIL_BYTES


# --- Languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "it",
        "en-US",
        "es-419",
        "zh-Hant-TW",
        "sr-Latn-RS",
        "zh-cmn-Hans-CN",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "de-DE-u-co-phonebk",
        "en-a-myext-b-another",
        "x-whatever",
        "ar-a-aaa-b-bbb-a-ccc",
        "az-Latn-x-latn",
        "i-klingon",
        "sgn-BE-FR",
        "art-lojban",
        "en-GB-oed",
    ],
)
def test_well_formed_tags_are_taken(tag: str) -> None:
    assert refuse_language(tag) is None
    assert refuse_language(tag.upper()) is None


@pytest.mark.parametrize(
    "tag",
    [
        "e",
        "english language",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "en-US-",
        "a-DE",
        "de-419-DE",
        "en-a",
        "en-x",
        "x",
        "abcdefghi",
        "1",
        "en-US\n",
        "\u212aa",
        "itá",
        "en" + "-abcde" * 11,
    ],
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    refusal = refuse_language(tag)
    assert refusal is not None
    assert refusal.message.startswith("'language': ")


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("EN-us", "en-US"),
        (" it ", "it"),
        ("ZH-HANT-tw", "zh-Hant-TW"),
        ("az-latn-x-LATN", "az-Latn-x-latn"),
        ("en-ca-X-CA", "en-CA-x-ca"),
        ("sgn-be-fr", "sgn-BE-FR"),
        ("DE-de-U-CO-phonebk", "de-DE-u-co-phonebk"),
    ],
)
def test_a_tag_has_one_form(written: str, usual: str) -> None:
    assert normal_language(written) == usual


@given(
    st.text(max_size=20) | st.from_regex(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8}){0,3}", fullmatch=True)
)
def test_the_form_of_a_tag_is_final(tag: str) -> None:
    once = normal_language(tag)
    assert normal_language(once) == once
    if refuse_language(tag) is None:
        assert refuse_language(once) is None
        assert len(once) <= LANGUAGE_BYTES
