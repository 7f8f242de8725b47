"""Phone numbers as people write them, made E.164: the format is checked, not whether it rings."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from domain.contact import Phone
from domain.refusal import Code, Refusal

PHONE_CHARACTERS = 64
"""Nobody writes a longer one."""

_NO_REGION = Refusal(
    Code.BAD_REQUEST,
    "The phone number does not say of which country it is. Begin it with + and the country code,"
    " like +1 212 555 0100.",
)
_NO_NUMBER = Refusal(
    Code.BAD_REQUEST,
    "That is no phone number. Write it with + and its country code, like +1 212 555 0100.",
)
_EXTENSION = Refusal(
    Code.BAD_REQUEST, "A phone number with an extension cannot be texted. Leave the extension out."
)


def is_region(region: str) -> bool:
    """Whether ``region`` is one that has phone numbers: ISO 3166, two capital letters."""
    return region in phonenumbers.SUPPORTED_REGIONS


def phone_of(text: str, region: str | None = None) -> Phone | Refusal:
    """What ``text`` means to somebody in ``region``, or why it means nothing.

    Without ``region`` a number has to begin with its country code. A number is valid when its
    length is one that its country has (TT-39): ranges of numbers are given out every month, and a
    list of them would refuse people who have a new one.
    """
    if len(text) > PHONE_CHARACTERS:
        return _NO_NUMBER
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        return _NO_REGION if unknown and "+" not in text else _NO_NUMBER
    if number.extension:
        return _EXTENSION
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return _NO_NUMBER
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164))
