"""Phone numbers: the format conforms or it does not (TT-39)."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact import Phone, is_e164
from domain.refusal import Code, Refusal
from server.phones import PHONE_CHARACTERS, is_region, phone_of

pytestmark = pytest.mark.requirement("TT-39")


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+1 212 555 0100", None, "+12125550100"),
        ("+12125550100", "IT", "+12125550100"),
        ("(212) 555-0100", "US", "+12125550100"),
        (" 212.555.0100 ", "CA", "+12125550100"),
        ("tel:+1-212-555-0100", None, "+12125550100"),
        ("02 1234 5678", "IT", "+390212345678"),  # Italy keeps its zero
        ("020 7946 0018", "GB", "+442079460018"),
        ("٠٦١٢٣٤٥٦٧٨", "FR", "+33612345678"),
        ("＋３９ ０２ １２３４ ５６７８", None, "+390212345678"),  # noqa: RUF001
        ("+6834000", None, "+6834000"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(
    text: str, region: str | None, number: str
) -> None:
    assert phone_of(text, region) == Phone(number)
    assert phone_of(number) == Phone(number)


def test_a_number_in_a_range_that_nobody_has_yet_conforms() -> None:
    number = "+15551234567"
    assert not phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert phone_of(number) == Phone(number)


@pytest.mark.parametrize("text", ["212 555 0100", "0039 02 1234 5678"])
def test_a_number_of_no_country_asks_for_it(text: str) -> None:
    for region in (None, "XX"):
        refusal = phone_of(text, region)
        assert isinstance(refusal, Refusal)
        assert refusal.code is Code.BAD_REQUEST
        assert "country code" in refusal.message
        assert refusal.message.startswith("The phone number does not say")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("", "US"),
        ("carla", "US"),
        ("212", "US"),
        ("555 0100", "US"),  # without its area code
        ("+1 212 555 01000", None),
        ("+999 12345678", None),
        ("++1 212 555 010", None),
        ("+", None),
        ("911", "US"),
        ("+1" + " " * PHONE_CHARACTERS + "2125550100", None),
        ("1" * 10_000, "US"),
    ],
)
def test_what_is_no_number_is_refused(text: str, region: str | None) -> None:
    refusal = phone_of(text, region)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.BAD_REQUEST
    assert refusal.message.startswith("That is no phone number.")


def test_an_extension_is_not_dropped_in_silence() -> None:
    refusal = phone_of("+1 212 555 0100 ext. 5")
    assert isinstance(refusal, Refusal)
    assert "extension" in refusal.message


def test_regions_are_two_capital_letters() -> None:
    assert is_region("US")
    assert not any(map(is_region, ("us", "XX", "", "USA", "001")))


texts = st.text(max_size=80) | st.text("+0123456789 ()-./;ext=", max_size=30)


@given(texts, st.sampled_from([None, "US", "IT", "XX", ""]))
def test_whatever_is_written_gets_a_number_or_a_refusal(text: str, region: str | None) -> None:
    found = phone_of(text, region)
    if isinstance(found, Phone):
        assert is_e164(found.number)
        assert phone_of(found.number) == found
