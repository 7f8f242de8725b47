"""How a customer can be reached: phones, e-mail, the app, the four consents, and the channel that
follows (MT-11 to MT-18, C-02, C-03).

Rules
1. Push before text before e-mail; exactly one channel, or none (MT-14).
2. A text needs a number and the consent to transactional texts; what misses either goes by e-mail
   (C-02), which needs an address and the consent to transactional e-mails.
3. Consent to marketing never makes a channel (MT-17).
4. A valid number or address is one whose format conforms, not one that is known to work (TT-39).
   Whether an address is verified is not asked here.
"""

import re
import unicodedata
from enum import StrEnum

import msgspec

from domain.refusal import Code, Refusal

EMAIL_BYTES = 254
LOCAL_PART_BYTES = 64
LABEL_CHARACTERS = 63
LANGUAGE_BYTES = 64
PHONES_MAX = 8


class Phone(msgspec.Struct, frozen=True):
    """``number``: E.164, like +12125550100."""

    number: str


class Consents(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer agreed to; nothing until they say so."""

    sms_transactional: bool = False
    sms_marketing: bool = False
    email_transactional: bool = False
    email_marketing: bool = False


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """``phones``: E.164, the preferred one first. ``language``: BCP 47. ``""`` is unknown."""

    phones: tuple[str, ...] = ()
    email: str = ""
    email_verified: bool = False
    app_installed: bool = False
    consents: Consents = Consents()
    language: str = ""


class Channel(StrEnum):
    """The way by which a message leaves the house."""

    PUSH = "push"
    SMS = "sms"
    EMAIL = "email"
    NONE = "none"


GHOST_TEXT = {
    Channel.PUSH: "Messages will be sent via push notification.",
    Channel.SMS: "Messages will be sent via SMS.",
    Channel.EMAIL: "Messages will be sent via email.",
    Channel.NONE: "Messages will stay here: there is no way to reach this customer elsewhere.",
}
"""What the sender is shown before they write."""


class Missing(StrEnum):
    """Why a channel is not the one."""

    APP = "no_app"
    PHONE = "no_valid_phone"
    SMS_CONSENT = "no_sms_consent"
    EMAIL = "no_valid_email"
    EMAIL_CONSENT = "no_email_consent"


def channel_for(contact: Contact) -> Channel:
    """The channel that a message to this customer uses now."""
    if contact.app_installed:
        return Channel.PUSH
    if _has_phone(contact) and contact.consents.sms_transactional:
        return Channel.SMS
    if _has_email(contact) and contact.consents.email_transactional:
        return Channel.EMAIL
    return Channel.NONE


def missing_for(contact: Contact) -> tuple[Missing, ...]:
    """What each channel that is preferred to that of `channel_for` misses."""
    consents = contact.consents
    lacks = (
        (Channel.PUSH, Missing.APP, not contact.app_installed),
        (Channel.SMS, Missing.PHONE, not _has_phone(contact)),
        (Channel.SMS, Missing.SMS_CONSENT, not consents.sms_transactional),
        (Channel.EMAIL, Missing.EMAIL, not _has_email(contact)),
        (Channel.EMAIL, Missing.EMAIL_CONSENT, not consents.email_transactional),
    )
    order = list(Channel)
    preferred = order[: order.index(channel_for(contact))]
    return tuple(missing for channel, missing, lacking in lacks if lacking and channel in preferred)


def _has_phone(contact: Contact) -> bool:
    return any(is_e164(phone) for phone in contact.phones)


def _has_email(contact: Contact) -> bool:
    return bool(contact.email) and refuse_email(contact.email) is None


def refuse_contact(contact: Contact) -> Refusal | None:
    """Why this cannot be how somebody is reached, or ``None``. Texts are in their normal form."""
    if len(contact.phones) > PHONES_MAX:
        return Refusal(Code.TOO_LARGE, f"'phones': a person has at most {PHONES_MAX}.")
    if len(set(contact.phones)) < len(contact.phones):
        return _bad("'phones': a number is named twice.")
    if not all(is_e164(phone) for phone in contact.phones):
        return _bad("'phones': write each with + and its country code, like +12125550100.")
    if contact.email_verified and not contact.email:
        return _bad("'email_verified': there is no 'email' that could be.")
    refusal = refuse_email(contact.email) if contact.email else None
    if refusal is None and contact.language:
        refusal = refuse_language(contact.language)
    return refusal


def _bad(message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, message)


# --- Phones ---------------------------------------------------------------------------------------

_e164 = re.compile(r"\+[1-9][0-9]{1,14}").fullmatch


def is_e164(number: str) -> bool:
    """Whether ``number`` is written as E.164 asks: a plus sign and at most 15 digits."""
    return _e164(number) is not None


# --- E-mail ---------------------------------------------------------------------------------------

_ATEXT = frozenset("!#$%&'*+-/=?^_`{|}~")
_NO_EMAIL = _bad("'email': that is no e-mail address. Write one like carla@example.com.")


def normal_email(text: str) -> str:
    """``text`` as it is stored and compared: without spaces around it, the domain in lower case.

    The part before the @ keeps its case, which is its server's to judge; a domain is Unicode, its
    wide and compatible forms made plain.
    """
    local, at, domain = text.strip().rpartition("@")
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", domain).lower())
    return unicodedata.normalize("NFC", local) + at + plain


def refuse_email(email: str) -> Refusal | None:
    """Why ``email`` cannot be an address, or ``None``: by its syntax alone (RFC 5321, RFC 6531).

    Quoted local parts, address literals and domains of one label are not taken.
    """
    if len(email.encode(errors="replace")) > EMAIL_BYTES:
        return Refusal(Code.TOO_LARGE, f"'email': an address has at most {EMAIL_BYTES} bytes.")
    local, _, domain = email.rpartition("@")
    labels = domain.split(".")
    fits = len(local.encode(errors="replace")) <= LOCAL_PART_BYTES
    atoms = all(atom and all(map(_is_atext, atom)) for atom in local.split("."))
    if not fits or not atoms or len(labels) < 2 or not all(map(_is_label, labels)):
        return _NO_EMAIL
    return _NO_EMAIL if labels[-1].isdigit() else None


def _is_atext(letter: str) -> bool:
    """RFC 5322's atext, and of other scripts all that is neither space nor control (RFC 6531)."""
    if letter.isascii():
        return letter.isalnum() or letter in _ATEXT
    return unicodedata.category(letter)[0] not in "CZ"


def _is_label(label: str) -> bool:
    inside = all(letter == "-" or _is_letter(letter) for letter in label)
    hyphens = label.startswith("-") or label.endswith("-")
    return inside and not hyphens and 0 < len(label) <= LABEL_CHARACTERS


def _is_letter(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"


# --- Languages ------------------------------------------------------------------------------------

_irregular = re.compile(
    r"en-gb-oed|sgn-(be-fr|be-nl|ch-de)"
    r"|i-(ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"
).fullmatch
_PRIVATE = r"x(-[a-z0-9]{1,8})+"
_langtag = re.compile(
    r"([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})"  # the language, extended
    r"(-[a-z]{4})?"  # script
    r"(-([a-z]{2}|[0-9]{3}))?"  # region
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*"  # extensions
    rf"(-{_PRIVATE})?"
    rf"|{_PRIVATE}"
).fullmatch


def normal_language(tag: str) -> str:
    """``tag`` in the usual case: en-US, zh-Hant (RFC 5646, section 2.1.1)."""
    subtags = tag.strip().lower().split("-")
    singleton = next((n for n, subtag in enumerate(subtags) if len(subtag) == 1), len(subtags))
    shown = [_subtag(subtag) if 0 < n < singleton else subtag for n, subtag in enumerate(subtags)]
    return "-".join(shown)


def _subtag(subtag: str) -> str:
    match len(subtag):
        case 2:
            return subtag.upper()
        case 4:
            return subtag.capitalize()
        case _:
            return subtag


def refuse_language(tag: str) -> Refusal | None:
    """Why ``tag`` cannot be a language, or ``None``: whether it is well-formed (RFC 5646, 2.2.9),
    not whether such a language is registered."""
    lower = tag.lower()
    short = tag.isascii() and len(tag) <= LANGUAGE_BYTES
    if short and (_langtag(lower) or _irregular(lower)):
        return None
    return _bad("'language': that is no language tag. Write one like en-US or it.")
