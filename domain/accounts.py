"""Accounts: how a person of the team signs in, and who may give one to whom.

Rules
1. Who is active and of the team can have an account; an address has one in each business.
2. A sign-in holds under the account, and under the access, as they were when it was asked for: who
   changed either meanwhile wins.
3. A link is used once, in time, and only while the account is as it was when the link was made.
4. A new password voids every sign-in, token and link of before.
5. Who gives somebody else another address gives them a new account: it has no password, and nobody
   is signed in. So whoever could read mail at that address is not let in as them unseen.
"""

import msgspec

from domain.account_events import AccountChanged, AccountRemoved, SignedIn, SignInFailed
from domain.email_address import email_key, refuse_email
from domain.events import Person
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role, may_touch

SESSIONS_MAX = 32
"""Devices on which a person can be signed in; beyond it the one used longest ago is ended."""


class Account(msgspec.Struct, frozen=True):
    """``password_hash``: "" where there is none. ``revision``: of the last change of either."""

    person: str
    email: str
    password_hash: str
    revision: int

    @property
    def has_password(self) -> bool:
        return self.password_hash != ""


class Link(msgspec.Struct, frozen=True):
    """A one-time link as it is kept; ``revision`` is that of its account when it was made."""

    business: str
    person: str
    revision: int
    expires_at: int


class NewSignIn(msgspec.Struct, frozen=True):
    """A sign-in that somebody proved to be theirs.

    ``how``: ``password``, ``link``, ``set_up``. ``revision``: of the account that it was proved
    against. ``link``: the hash of the link that is used up, ``password_hash``: of a new password.
    """

    id: str
    person: str
    device: str
    how: str
    revision: int
    link: bytes = b""
    password_hash: str = ""


SIGN_IN_FAILED = Refusal(
    Code.UNAUTHENTICATED,
    "The e-mail address or the password is not right. Try again, or let a link be sent to you.",
)
LINK_INVALID = Refusal(
    Code.UNAUTHENTICATED,
    "This link has been used or has expired. Ask for a new one.",
)
LEADERS_ONLY = Refusal(Code.FORBIDDEN, "Ask an owner to change how owners and managers sign in.")
TEAM_ONLY = Refusal(
    Code.CONFLICT, "Only the team has accounts, and only who is active. Change the person first."
)
EMAIL_TAKEN = Refusal(
    Code.CONFLICT, "Somebody else of the business signs in with this address. Use another one."
)


def may_have_account(person: Person) -> bool:
    """Whether ``person`` may sign in by an account at all."""
    return person.active and person.role in TEAM


def decide_account(
    author: str,
    author_role: Role | None,
    person: Person | None,
    account: Account | None,
    email: str,
    taken: bool,
    now: int,
) -> AccountChanged | Refusal | None:
    """``person`` signs in with ``email`` from now on; ``None`` if it is so already.

    ``taken``: somebody else of the business does. ``author_role`` is ``None`` for the backend.
    """
    refusal = _refuse_touch(author_role, person) or refuse_email(email)
    if refusal is not None:
        return refusal
    assert person is not None
    if not may_have_account(person):
        return TEAM_ONLY
    if taken:
        return EMAIL_TAKEN
    kept = email.strip()
    if account is not None and account.email == kept:
        return None
    anew = account is not None and author != person.id
    return AccountChanged(now, author, person.id, kept, email_key(kept) or "", anew)


def decide_account_removal(
    author: str,
    author_role: Role | None,
    person: Person | None,
    account: Account | None,
    now: int,
) -> AccountRemoved | Refusal | None:
    """``person`` cannot sign in any more, and is signed out; ``None`` if they never could."""
    refusal = _refuse_touch(author_role, person)
    if refusal is not None:
        return refusal
    assert person is not None
    return None if account is None else AccountRemoved(now, author, person.id)


def decide_sign_in(
    person: Person | None, account: Account | None, link: Link | None, new: NewSignIn, now: int
) -> SignedIn | Refusal:
    """``person`` is signed in on one more device; ``link`` is the one that ``new`` names."""
    failed = LINK_INVALID if new.link else SIGN_IN_FAILED
    if person is None or account is None or not may_have_account(person):
        return failed
    if account.revision != new.revision:
        return failed
    if new.link and (
        link is None
        or link.person != person.id
        or link.revision != account.revision
        or link.expires_at <= now
    ):
        return failed
    return SignedIn(
        now,
        person.id,
        new.id,
        new.device,
        new.how,
        new.link,
        new.password_hash,
    )


def decide_failure(person: Person | None, count: int, now: int) -> SignInFailed | Refusal:
    """Somebody could not sign in as ``person``, ``count`` times since it was last told."""
    return NOT_FOUND if person is None else SignInFailed(now, person.id, count)


def _refuse_touch(author_role: Role | None, person: Person | None) -> Refusal | None:
    if not may_touch(author_role, *(() if person is None else (person.role,))):
        return LEADERS_ONLY
    return NOT_FOUND if person is None else None
