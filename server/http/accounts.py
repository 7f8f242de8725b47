"""Accounts of the team: who signs in with which address."""

from typing import Any

from actors.account_commands import ChangeAccount, RemoveAccount
from domain.accounts import LEADERS_ONLY, TEAM_ONLY, may_have_account
from domain.accounts import Account as AccountRecord
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, may_touch
from domain.scopes import Scope
from server.http.caller import OPERATOR as OPERATORS_ID
from server.http.desk import ask_desk
from server.http.fields import UNSET, Changed, Id, Input, Nothing, Output, Unset, set_or_none
from server.http.people import PersonPath
from server.http.route import BUSINESS_OR_PERSON, OPERATOR, PERSON, UNDONE, Call, Repeat, Route
from server.http.sign_in import EXAMPLE, Email, PasswordTyped, SignedIn, shown
from server.http.visitor import visitor_of
from server.links import Purpose


class NewAccount(Input, frozen=True, kw_only=True):
    email: Email


class NewPassword(Input, frozen=True, kw_only=True):
    """``current``: the password of before, where there is one."""

    current: PasswordTyped | Unset = UNSET
    new: PasswordTyped


class AccountOfPerson(Input, frozen=True, kw_only=True):
    """``email`` gives the person an account, or another address; else they have one already."""

    business: Id
    person: Id
    email: Email | Unset = UNSET


class Account(Output, frozen=True, kw_only=True):
    """``link`` is for the person, to choose a password with: once, until ``link_expires_at``."""

    person: str
    email: str
    has_password: bool
    link: str | Unset = UNSET
    link_expires_at: int | Unset = UNSET


# --- Accounts -------------------------------------------------------------------------------------


async def show(call: Call[PersonPath, Nothing]) -> Account | Refusal:
    """The address with which a person of the team signs in."""
    person = call.parameters.person
    refusal = await refuse_leader(call, person)
    if refusal is not None:
        return refusal
    account = await call.node.queries.account(call.live.state, person)
    return NOT_FOUND if account is None else _account(account)


async def change(call: Call[PersonPath, NewAccount]) -> Account | Refusal:
    """Give a person of the team an account, or another address.

    While they have no password the answer holds a link for them, valid for three days. Another
    address of somebody else is a new account: they are signed out, and their password is void.
    """
    person = call.parameters.person
    caller = call.insider
    made = await ask_desk(
        call.live, ChangeAccount(caller.author, caller.role_for_roles, person, call.body.email)
    )
    if isinstance(made, Refusal):
        return made
    account = await call.node.queries.account(call.live.state, person)
    if account is None:
        return NOT_FOUND
    return _account(account) if account.has_password else await _invite(call, account)


async def invite(call: Call[PersonPath, Nothing]) -> Account | Refusal:
    """A new link for who has not chosen a password yet. Who has asks for one themselves."""
    caller, person = call.insider, call.parameters.person
    record = await call.node.queries.person(call.live.state, person)
    if not may_touch(caller.role_for_roles, *(() if record is None else (record.role,))):
        return LEADERS_ONLY
    account = await call.node.queries.account(call.live.state, person)
    if record is None or account is None:
        return NOT_FOUND
    if not may_have_account(record.person):
        return TEAM_ONLY
    if account.has_password:
        return Refusal(
            Code.CONFLICT, "They have a password. They can have a link sent to them on the page."
        )
    return await _invite(call, account)


async def remove(call: Call[PersonPath, Nothing]) -> Changed | Refusal:
    """Take a person's account away, and sign them out everywhere."""
    caller = call.insider
    return await ask_desk(
        call.live, RemoveAccount(caller.author, caller.role_for_roles, call.parameters.person)
    )


async def link_of_operator(call: Call[Nothing, AccountOfPerson]) -> Account | Refusal:
    """A one-time link for a person of any business, for who has locked themselves out."""
    body, node = call.body, call.node
    live = await node.live(body.business)
    email = set_or_none(body.email)
    if live is None:
        return NOT_FOUND
    if email is not None:
        made = await ask_desk(live, ChangeAccount(OPERATORS_ID, None, body.person, email))
        if isinstance(made, Refusal):
            return made
    record = await node.queries.person(live.state, body.person)
    account = await node.queries.account(live.state, body.person)
    if record is None or account is None:
        return NOT_FOUND
    if not may_have_account(record.person):
        return TEAM_ONLY
    link = await call.site.entrance.make(live, account, Purpose.INVITATION)
    return _account(account, link.url, link.expires_at)


async def change_password(call: Call[Nothing, NewPassword]) -> SignedIn | Refusal:
    """Choose another password. All devices are signed out; this one goes on with the answer."""
    me, body = call.somebody, call.body
    refusal = me.refuse_leader()
    if refusal is not None:
        return refusal
    entered = await call.site.entrance.change_password(
        me.live, me.record.id, set_or_none(body.current), body.new, visitor_of(call.site)
    )
    return shown(call.site, entered)


async def refuse_leader(call: Call[Any, Nothing], person: str) -> Refusal | None:
    """Why the caller may not look at how ``person`` signs in: who leads is out of some's reach."""
    record = await call.node.queries.person(call.live.state, person)
    if record is None:
        return NOT_FOUND
    return None if may_touch(call.insider.role_for_roles, record.role) else LEADERS_ONLY


async def _invite(call: Call[PersonPath, Any], account: AccountRecord) -> Account:
    link = await call.site.entrance.make(call.live, account, Purpose.INVITATION)
    return _account(account, link.url, link.expires_at)


def _account(
    record: AccountRecord, link: str | Unset = UNSET, until: int | Unset = UNSET
) -> Account:
    return Account(
        person=record.person,
        email=record.email,
        has_password=record.has_password,
        link=link,
        link_expires_at=until,
    )


_EXAMPLE = Account(person="sam", email="sam@pawsome.example", has_password=True)
_INVITED = Account(
    person="sam",
    email="sam@pawsome.example",
    has_password=False,
    link="https://chat.pawsome.example/#link=3mC1yQ0Zt5XJ7d9vKq2u8RfWbNs4HgTeLpOa6iYxEwU",
    link_expires_at=1_793_259_200_000,
)
ROUTES = (
    Route(
        method="GET",
        path="/v1/people/{person}/account",
        summary="Show how a person signs in",
        handler=show,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.ACCOUNTS,
        scope=Scope.ACCOUNTS_READ,
        parameters=PersonPath,
        body=Nothing,
        answer=Account,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    Route(
        method="PUT",
        path="/v1/people/{person}/account",
        summary="Give a person an account",
        handler=change,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.ACCOUNTS,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=PersonPath,
        body=NewAccount,
        answer=Account,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=NewAccount(email="sam@pawsome.example"),
        shows=_INVITED,
    ),
    Route(
        method="DELETE",
        path="/v1/people/{person}/account",
        summary="Take a person's account away",
        handler=remove,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.ACCOUNTS,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=Changed(revision=1081),
    ),
    Route(
        method="POST",
        path="/v1/people/{person}/account/link",
        summary="A new link for a person to choose a password",
        handler=invite,
        repeat=Repeat.ANEW,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.ACCOUNTS,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=PersonPath,
        body=Nothing,
        answer=Account,
        status=201,
        refusals=(Code.NOT_FOUND, Code.CONFLICT),
        shows=_INVITED,
    ),
    Route(
        method="POST",
        path="/v1/me/password",
        summary="Choose another password",
        handler=change_password,
        repeat=Repeat.ANEW,
        callers=PERSON,
        scope=Scope.ACCOUNTS_WRITE,
        parameters=Nothing,
        body=NewPassword,
        answer=SignedIn,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=NewPassword(current="a walk in the rain", new="two walks in the sun"),
        shows=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/v1/operator/accounts",
        summary="A one-time link for a person of any business",
        handler=link_of_operator,
        repeat=Repeat.ANEW,
        callers=OPERATOR,
        parameters=Nothing,
        body=AccountOfPerson,
        answer=Account,
        status=201,
        refusals=(Code.NOT_FOUND, Code.CONFLICT, *UNDONE),
        asks=AccountOfPerson(business="pawsome", person="sam", email="sam@pawsome.example"),
        shows=_INVITED,
    ),
)
