"""How people are reached: what the business says of them, and what they say themselves."""

from typing import Annotated

import msgspec

from actors.business import ChangeContact
from domain.contact import Consents, Contact, normal_email, normal_language
from domain.profile import own_contact
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from server.http.desk import ask_desk
from server.http.fields import UNSET, Input, Nothing, Unset, set_or, set_or_none
from server.http.route import PERSON, UNDONE, Call, Route
from server.phones import phone_of

Text = Annotated[str, msgspec.Meta(max_length=320)]


class ConsentsChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays."""

    sms_transactional: bool | Unset = UNSET
    sms_marketing: bool | Unset = UNSET
    email_transactional: bool | Unset = UNSET
    email_marketing: bool | Unset = UNSET


class ContactChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. ``phones``: all of them, the preferred one first.

    Another ``email`` is not verified, unless ``email_verified`` says so.
    """

    phones: tuple[Text, ...] | Unset = UNSET
    email: Text | Unset = UNSET
    email_verified: bool | Unset = UNSET
    app_installed: bool | Unset = UNSET
    consents: ConsentsChange | Unset = UNSET
    language: Text | Unset = UNSET


class OwnContactChange(Input, frozen=True, kw_only=True):
    """What is named changes; the rest stays. Numbers and addresses are the business's to change."""

    app_installed: bool | Unset = UNSET
    consents: ConsentsChange | Unset = UNSET
    language: Text | Unset = UNSET


def contact_of(change: ContactChange | Unset, before: Contact, region: str) -> Contact | Refusal:
    """``before`` with ``change``; numbers without a country code are of ``region``."""
    if isinstance(change, msgspec.UnsetType):
        return before
    phones = before.phones
    if not isinstance(change.phones, msgspec.UnsetType):
        read = _phones(change.phones, region)
        if isinstance(read, Refusal):
            return read
        phones = read
    email = normal_email(set_or(change.email, before.email))
    same = email == before.email
    return Contact(
        phones=phones,
        email=email,
        email_verified=set_or(change.email_verified, same and before.email_verified),
        app_installed=set_or(change.app_installed, before.app_installed),
        consents=_consents(change.consents, before.consents),
        language=normal_language(set_or(change.language, before.language)),
    )


def _phones(written: tuple[str, ...], region: str) -> tuple[str, ...] | Refusal:
    found = []
    for text in written:
        phone = phone_of(text, region or None)
        if isinstance(phone, Refusal):
            return Refusal(phone.code, f"'phones': {phone.message}")
        found.append(phone.number)
    return tuple(found)


def _consents(change: ConsentsChange | Unset, before: Consents) -> Consents:
    if isinstance(change, msgspec.UnsetType):
        return before
    return Consents(
        sms_transactional=set_or(change.sms_transactional, before.sms_transactional),
        sms_marketing=set_or(change.sms_marketing, before.sms_marketing),
        email_transactional=set_or(change.email_transactional, before.email_transactional),
        email_marketing=set_or(change.email_marketing, before.email_marketing),
    )


async def show(call: Call[Nothing, Nothing]) -> Contact:
    """How I am reached, and what I have consented to."""
    return call.somebody.record.profile.contact


async def change(call: Call[Nothing, OwnContactChange]) -> Contact | Refusal:
    """Say whether the app is installed, what one consents to, and one's language."""
    me, body = call.somebody, call.body
    async with call.site.changing(call.live.id):
        record = await call.node.queries.person(call.live.state, me.record.id)
        if record is None:
            return NOT_FOUND
        before = record.profile.contact
        language = set_or_none(body.language)
        wanted = own_contact(
            before,
            set_or_none(body.app_installed),
            None if language is None else normal_language(language),
            _consents(body.consents, before.consents),
        )
        if wanted == before:
            return before
        changed = await ask_desk(call.live, ChangeContact(me.author, me.record.id, wanted))
    return changed if isinstance(changed, Refusal) else wanted


EXAMPLE = Contact(
    phones=("+12125550100",),
    email="carla@example.com",
    email_verified=True,
    app_installed=True,
    consents=Consents(sms_transactional=True, email_transactional=True),
    language="en-US",
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/me/contact",
        summary="How I am reached",
        handler=show,
        callers=PERSON,
        operation=Operation.PRIVACY,
        scope=Scope.PEOPLE_READ,
        parameters=Nothing,
        body=Nothing,
        answer=Contact,
        shows=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/v1/me/contact",
        summary="Say how I want to be reached",
        handler=change,
        callers=PERSON,
        operation=Operation.PRIVACY,
        scope=Scope.PEOPLE_WRITE,
        parameters=Nothing,
        body=OwnContactChange,
        answer=Contact,
        refusals=(Code.TOO_LARGE, *UNDONE),
        asks=OwnContactChange(consents=ConsentsChange(sms_marketing=False), language="es"),
        shows=EXAMPLE,
    ),
)
