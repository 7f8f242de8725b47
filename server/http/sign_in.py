"""Signing in and out: by a password, a one-time link, or the cookie of a device."""

from typing import Annotated

import msgspec

from domain.refusal import NOT_FOUND, Code, Refusal
from server.devices import Entered
from server.entrance import Several
from server.http.fields import UNSET, Id, Input, Nothing, Output, Unset, set_or_none
from server.http.route import ANYBODY, UNDONE, Call, Route
from server.http.site import Site
from server.http.visitor import (
    drop_secret,
    keep_secret,
    refuse_origin,
    secret_of,
    visitor_of,
)
from server.set_up import FirstOwner

Email = Annotated[str, msgspec.Meta(max_length=254)]
PasswordTyped = Annotated[str, msgspec.Meta(max_length=1_000)]
LinkText = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
DeviceName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Credentials(Input, frozen=True, kw_only=True):
    """``business``: where, if the password fits in several. ``device``: its name in lists of
    devices; else that of the browser."""

    email: Email
    password: PasswordTyped
    business: Id | Unset = UNSET
    device: DeviceName | Unset = UNSET


class NewLink(Input, frozen=True, kw_only=True):
    email: Email


class RedeemedLink(Input, frozen=True, kw_only=True):
    """``link``: what the one-time link has behind ``#link=``. With ``password`` that is the
    password from now on, and every other device is signed out."""

    link: LinkText
    password: PasswordTyped | Unset = UNSET
    device: DeviceName | Unset = UNSET


class Renewal(Input, frozen=True, kw_only=True):
    """Nothing but ``{}``: the cookie says it all."""


class NewServer(Input, frozen=True, kw_only=True):
    """``setup_token``: what the link of the log has behind ``#set-up=``."""

    setup_token: LinkText
    business: str
    name: str
    email: Email
    password: PasswordTyped
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    device: DeviceName | Unset = UNSET


class BusinessChoice(Output, frozen=True, kw_only=True):
    id: str
    name: str


class SignedIn(Output, frozen=True, kw_only=True):
    """``token`` works as one of `POST /v1/tokens`, and a cookie renews it.

    If the password fits in several businesses there is nothing but these ``businesses``: ask again
    with one of them.
    """

    token: str | Unset = UNSET
    token_id: str | Unset = UNSET
    expires_at: int | Unset = UNSET
    business: str | Unset = UNSET
    person: str | Unset = UNSET
    session: str | Unset = UNSET
    businesses: tuple[BusinessChoice, ...] = ()


class Asked(Output, frozen=True, kw_only=True):
    """It has been taken note of, whether or not there is such an account."""


class SignedOut(Output, frozen=True, kw_only=True):
    """This device is signed out."""


async def by_password(call: Call[Nothing, Credentials]) -> SignedIn | Refusal:
    """Sign in with e-mail address and password.

    Whatever of the two is wrong, the answer is the same. After some failures one has to wait.
    """
    site, body = call.site, call.body
    refusal = refuse_origin(site)
    if refusal is not None:
        return refusal
    visitor = visitor_of(site, set_or_none(body.device))
    business = set_or_none(body.business)
    entered = await site.entrance.by_password(body.email, body.password, business, visitor)
    if isinstance(entered, Several):
        choices = tuple(BusinessChoice(id=id_, name=name) for id_, name in entered.businesses)
        return SignedIn(businesses=choices)
    return shown(site, entered)


async def renew(call: Call[Nothing, Renewal]) -> SignedIn | Refusal:
    """A new token for a device that is signed in, by its cookie.

    The cookie changes each time. One that was changed before ends the session, unless the answer
    that changed it may have been lost: within a minute the same one comes again.
    """
    refusal = refuse_origin(call.site, required=True)
    if refusal is not None:
        return refusal
    renewed = await call.site.entrance.devices.renew(secret_of())
    if isinstance(renewed, Refusal) and renewed.code is Code.UNAUTHENTICATED:
        drop_secret(call.site)
    return shown(call.site, renewed)


async def sign_out(call: Call[Nothing, Nothing]) -> SignedOut | Refusal:
    """Sign this device out, by its cookie: its tokens are void, its connections end."""
    refusal = refuse_origin(call.site, required=True)
    refusal = refusal or await call.site.entrance.devices.end_by_secret(secret_of())
    if refusal is not None:
        return refusal
    drop_secret(call.site)
    return SignedOut()


async def send_link(call: Call[Nothing, NewLink]) -> Asked | Refusal:
    """Have a one-time link sent: valid for 15 minutes, once. Until there is e-mail the log has it.

    The answer is the same whether or not the address has an account.
    """
    refusal = refuse_origin(call.site)
    refusal = refusal or await call.site.entrance.send_links(call.body.email, visitor_of(call.site))
    return Asked() if refusal is None else refusal


async def redeem(call: Call[Nothing, RedeemedLink]) -> SignedIn | Refusal:
    """Sign in with a one-time link, and choose a password if one wants to."""
    site, body = call.site, call.body
    refusal = refuse_origin(site)
    if refusal is not None:
        return refusal
    visitor = visitor_of(site, set_or_none(body.device))
    return shown(site, await site.entrance.redeem(body.link, set_or_none(body.password), visitor))


async def set_up(call: Call[Nothing, NewServer]) -> SignedIn | Refusal:
    """Make the first business and its owner, with the link that the first start shows."""
    site, body = call.site, call.body
    refusal = refuse_origin(site)
    if refusal is not None:
        return refusal
    if site.set_up is None:
        return NOT_FOUND
    wanted = FirstOwner(body.business, body.time_zone, body.name, body.email, body.password)
    visitor = visitor_of(site, set_or_none(body.device))
    return shown(site, await site.set_up.complete(body.setup_token, wanted, visitor))


def shown(site: Site, entered: Entered | Refusal) -> SignedIn | Refusal:
    """The answer to who has been let in; the device keeps what renews it."""
    if isinstance(entered, Refusal):
        return entered
    keep_secret(site, entered.secret)
    return SignedIn(
        token=entered.token,
        token_id=entered.claims.id,
        expires_at=entered.claims.expires_at,
        business=entered.record.business,
        person=entered.record.person,
        session=entered.record.id,
    )


EXAMPLE = SignedIn(
    token="WyI5ZjFjIiwicGF3c29tZSIsIm9saXZpYSJd.Zm9yIGV4YW1wbGU",  # noqa: S106 - an example
    token_id="pawsome/0199c3a0-7d3e-7f5a-8b1c-3d4e5f607182",  # noqa: S106
    expires_at=1_793_000_300_000,
    business="pawsome",
    person="olivia",
    session="0199c3a0-7d3e-7f5a-8b1c-3d4e5f607182",
)
_LINK = "3mC1yQ0Zt5XJ7d9vKq2u8RfWbNs4HgTeLpOa6iYxEwU"
_ENTERING = (Code.UNAUTHENTICATED, Code.FORBIDDEN, *UNDONE)

ROUTES = (
    Route(
        method="POST",
        path="/v1/sign-in",
        summary="Sign in with a password",
        handler=by_password,
        callers=ANYBODY,
        parameters=Nothing,
        body=Credentials,
        answer=SignedIn,
        refusals=(*_ENTERING, Code.RATE_LIMITED),
        asks=Credentials(email="olivia@pawsome.example", password="a walk in the rain"),  # noqa: S106
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/sign-in/refresh",
        summary="A new token for a device that is signed in",
        handler=renew,
        callers=ANYBODY,
        parameters=Nothing,
        body=Renewal,
        answer=SignedIn,
        refusals=_ENTERING,
        asks=Renewal(),
        shows=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/v1/sign-in",
        summary="Sign this device out",
        handler=sign_out,
        callers=ANYBODY,
        parameters=Nothing,
        body=Nothing,
        answer=SignedOut,
        refusals=(Code.FORBIDDEN, *UNDONE),
        shows=SignedOut(),
    ),
    Route(
        method="POST",
        path="/v1/sign-in/link",
        summary="Have a one-time link sent",
        handler=send_link,
        callers=ANYBODY,
        parameters=Nothing,
        body=NewLink,
        answer=Asked,
        status=202,
        refusals=(Code.FORBIDDEN, Code.RATE_LIMITED, *UNDONE),
        asks=NewLink(email="olivia@pawsome.example"),
        shows=Asked(),
    ),
    Route(
        method="POST",
        path="/v1/sign-in/link/redeem",
        summary="Sign in with a one-time link",
        handler=redeem,
        callers=ANYBODY,
        parameters=Nothing,
        body=RedeemedLink,
        answer=SignedIn,
        refusals=_ENTERING,
        asks=RedeemedLink(link=_LINK, password="a walk in the rain"),  # noqa: S106
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/setup",
        summary="Make the first business and its owner",
        handler=set_up,
        callers=ANYBODY,
        parameters=Nothing,
        body=NewServer,
        answer=SignedIn,
        status=201,
        refusals=(*_ENTERING, Code.NOT_FOUND, Code.CONFLICT),
        asks=NewServer(
            setup_token=_LINK,
            business="Pawsome Pet Care",
            name="Olivia Marsh",
            email="olivia@pawsome.example",
            password="a walk in the rain",  # noqa: S106
            time_zone="Europe/Rome",
        ),
        shows=EXAMPLE,
    ),
)
