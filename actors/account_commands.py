"""What the desk is asked about accounts: who signs in, how, and that somebody did."""

import msgspec

from actors.ports import DeskStore
from domain import accounts as rules
from domain.account_events import AccountChanged, AccountRemoved, SignedIn, SignInFailed
from domain.accounts import NewSignIn
from domain.business import Business
from domain.email_address import email_key
from domain.events import Person
from domain.refusal import Refusal
from domain.roles import Role


class ChangeAccount(msgspec.Struct, frozen=True):
    """``author_role`` is ``None`` for the business's own backend, and for the operator."""

    author: str
    author_role: Role | None
    person: str
    email: str


class RemoveAccount(msgspec.Struct, frozen=True):
    author: str
    author_role: Role | None
    person: str


class SignIn(msgspec.Struct, frozen=True):
    new: NewSignIn


class NoteFailure(msgspec.Struct, frozen=True):
    """Somebody could not sign in as ``person``, ``count`` times since it was last noted."""

    person: str
    count: int


AccountCommand = ChangeAccount | RemoveAccount | SignIn | NoteFailure


async def decide(
    store: DeskStore, business: Business, command: AccountCommand, now: int
) -> AccountChanged | AccountRemoved | SignedIn | SignInFailed | Refusal | None:
    """The event, why not, or ``None``: it is so already."""
    id_ = command.new.person if isinstance(command, SignIn) else command.person
    found = await store.people(business, (id_,))
    person: Person | None = found[0] if found else None
    match command:
        case ChangeAccount():
            key = email_key(command.email)
            return rules.decide_account(
                command.author,
                command.author_role,
                person,
                await store.account(business, id_),
                command.email,
                key is not None and await store.email_taken(business, key, id_),
                now,
            )
        case RemoveAccount():
            account = await store.account(business, id_)
            return rules.decide_account_removal(
                command.author, command.author_role, person, account, now
            )
        case SignIn(new):
            link = await store.sign_in_link(new.link) if new.link else None
            if link is not None and link.business != business.id:
                link = None
            return rules.decide_sign_in(person, await store.account(business, id_), link, new, now)
        case NoteFailure():
            return rules.decide_failure(person, command.count, now)
