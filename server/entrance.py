"""The entrance of the team: by a password or a one-time link, and no way to learn who has one."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog
import trio

from actors.account_commands import NoteFailure
from domain.accounts import LINK_INVALID, SIGN_IN_FAILED, Account, Link
from domain.email_address import email_key
from domain.passwords import refuse_password
from domain.refusal import Code, Refusal
from server.asking import ASK_SECONDS, answer_of
from server.devices import STOPPING, Devices, Entered, Visitor
from server.guesses import FREE_OF_ADDRESS, FREE_OF_EMAIL, Guesses, network_of
from server.links import (
    INVITATION_SECONDS,
    LINK_SECONDS,
    LinkSender,
    LoggedLinks,
    OneTimeLink,
    Purpose,
    make_link,
)
from server.live import LiveBusiness
from server.node import BUSINESS, Node
from server.passwords import Passwords
from server.tokens import hash_key
from storage.accounts import AccountOfEmail

ANSWER_SECONDS: Final = 0.3
"""Nobody is told sooner that they could not sign in, or that a link is on its way: what is done
meanwhile does not show."""

BUSINESSES_TRIED: Final = 4
"""Accounts of one address that a password is tried for, unless a business is named."""

FREE_LINKS: Final = 3
"""Links to one address before one has to wait for the next."""

NOTED_SECONDS: Final = 600.0
"""Failures of one account are told to the audit at most so often, and how many they were."""

NOTED: Final = 10_000
"""Accounts whose failures are counted; the one that was noted longest ago begins anew."""

WRONG_PASSWORD = Refusal(Code.FORBIDDEN, "The current password is not right. Try again.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Several:
    """The password fits accounts of several businesses: (id, name) of each."""

    businesses: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Noted:
    at: float
    count: int = 0


def no_origin(_: str) -> bool:
    """No page is known to be the server's own."""
    return False


@dataclass(slots=True)
class Entrance:
    """Signs people in and out.

    ``page_url``: where the page is, for links to it; ``origin_allowed``: whether a page of that
    origin may sign people in and out.
    """

    node: Node
    page_url: str
    origin_allowed: Callable[[str], bool] = no_origin
    sender: LinkSender = field(default_factory=LoggedLinks)
    passwords: Passwords = field(default_factory=Passwords)
    devices: Devices = field(init=False)
    by_email: Guesses = field(init=False)
    by_address: Guesses = field(init=False)
    by_person: Guesses = field(init=False)
    links: Guesses = field(init=False)
    _noted: OrderedDict[tuple[str, str], _Noted] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        time: Callable[[], float] = self.node.time
        self.devices = Devices(self.node)
        self.by_email = Guesses(FREE_OF_EMAIL, time)
        self.by_address = Guesses(FREE_OF_ADDRESS, time)
        self.by_person = Guesses(FREE_OF_EMAIL, time)
        self.links = Guesses(FREE_LINKS, time)

    # --- By password ------------------------------------------------------------------------------

    async def by_password(
        self, email: str, password: str, business: str | None, visitor: Visitor
    ) -> Entered | Several | Refusal:
        """Sign somebody in who knows their password.

        Whatever is wrong, the answer is the same and takes as long. ``business`` chooses where
        the password fits in several.
        """
        key, address = email_key(email) or "", network_of(visitor.address)
        refusal = self.by_address.refusal(address) or self.by_email.refusal(key)
        if refusal is not None:
            return refusal
        self.by_address.attempt(address)
        self.by_email.attempt(key)
        async with _taking_at_least(ANSWER_SECONDS) as so_long:
            entered = await self._by_password(key, password, business, visitor)
            if not isinstance(entered, Refusal):
                so_long.cancel()
                self.by_address.take_back(address)
                self.by_email.forgive(key)
            elif entered is not SIGN_IN_FAILED:  # it has not been tried
                self.by_address.take_back(address)
                self.by_email.take_back(key)
        return entered

    async def _by_password(
        self, key: str, password: str, business: str | None, visitor: Visitor
    ) -> Entered | Several | Refusal:
        known = await self.node.queries.accounts_of_email(key, business, BUSINESSES_TRIED)
        fitting: list[AccountOfEmail] = []
        if not known:
            nobodys = await self.passwords.matches(password, "")
            return nobodys if isinstance(nobodys, Refusal) else SIGN_IN_FAILED
        for account in known:
            matches = await self.passwords.matches(password, account.password_hash)
            if isinstance(matches, Refusal):
                return matches
            if matches:
                fitting.append(account)
        if not fitting:
            for account in known:
                await self._note_failure(account.business, account.person)
            return SIGN_IN_FAILED
        if len(fitting) > 1:
            return Several(tuple((each.business, each.business_name) for each in fitting))
        return await self._enter_with(fitting[0], password, visitor)

    async def _enter_with(
        self, account: AccountOfEmail, password: str, visitor: Visitor
    ) -> Entered | Refusal:
        live = await self.node.live(account.business)
        if live is None:
            return STOPPING
        if self.passwords.is_old(account.password_hash):
            fresh = await self.passwords.hash(password)
            if not isinstance(fresh, Refusal):
                await self.node.database.accounts.rehash(
                    live.state.no, account.person, account.password_hash, fresh
                )
        new = self.devices.new(account.person, visitor, "password", account.revision)
        return await self.devices.enter(live, new)

    async def _note_failure(self, business: str, person: str) -> None:
        """Tell the audit, but not each time: strangers must not be able to fill the disk."""
        now, key = self.node.time(), (business, person)
        noted = self._noted.get(key)
        if noted is not None and now - noted.at < NOTED_SECONDS:
            noted.count += 1
            return
        count = 1 if noted is None else noted.count + 1
        self._noted[key] = _Noted(now)
        self._noted.move_to_end(key)
        while len(self._noted) > NOTED:
            self._noted.popitem(last=False)
        live = await self.node.live(business)
        if live is not None:
            told = answer_of(await live.desk.ask(BUSINESS, NoteFailure(person, count), ASK_SECONDS))
            if isinstance(told, Refusal):
                log.warning("failed_sign_in_not_noted", business=business, code=told.code)

    # --- By link ----------------------------------------------------------------------------------

    async def send_links(self, email: str, visitor: Visitor) -> Refusal | None:
        """Send a link to ``email`` for each account it has; nobody is told whether it has any."""
        key, address = email_key(email) or "", network_of(visitor.address)
        refusal = self.by_address.refusal(address) or self.links.refusal(key)
        if refusal is not None:
            return refusal
        self.by_address.attempt(address)
        self.links.attempt(key)
        async with _taking_at_least(ANSWER_SECONDS):
            for account in await self.node.queries.accounts_of_email(key, None, BUSINESSES_TRIED):
                live = await self.node.live(account.business)
                if live is not None:
                    kept = Account(
                        account.person, account.email, account.password_hash, account.revision
                    )
                    await self.send(live, kept, Purpose.SIGN_IN)
        return None

    async def make(self, live: LiveBusiness, account: Account, purpose: Purpose) -> OneTimeLink:
        """A new one-time link to the page, for ``account``."""
        seconds = LINK_SECONDS if purpose is Purpose.SIGN_IN else INVITATION_SECONDS
        now = self.node.clock()
        text, hash_ = make_link()
        kept = Link(live.id, account.person, account.revision, now + seconds * 1000)
        await self.node.database.accounts.add_link(live.state.no, hash_, kept, now)
        return OneTimeLink(
            email=account.email,
            business=live.id,
            business_name=live.state.name,
            person=account.person,
            purpose=purpose,
            url=f"{self.page_url}/#link={text}",
            expires_at=kept.expires_at,
        )

    async def send(self, live: LiveBusiness, account: Account, purpose: Purpose) -> OneTimeLink:
        """The same, and it is on its way."""
        link = await self.make(live, account, purpose)
        await self.sender.send(link)
        return link

    async def redeem(
        self, link_text: str, password: str | None, visitor: Visitor
    ) -> Entered | Refusal:
        """Sign in who has a link; with ``password`` that is theirs from now on."""
        hash_ = hash_key(link_text)
        link = await self.node.queries.sign_in_link(hash_)
        if link is None or link.expires_at <= self.node.clock():
            return LINK_INVALID
        live = await self.node.live(link.business)
        if live is None:
            return STOPPING
        hashed = ""
        if password is not None:
            made = await self.new_hash(live, link.person, password)
            if isinstance(made, Refusal):
                return made
            hashed = made
        new = self.devices.new(link.person, visitor, "link", link.revision)
        entered = await self.devices.enter(
            live, msgspec.structs.replace(new, link=hash_, password_hash=hashed)
        )
        if isinstance(entered, Entered):
            account = await self.node.queries.account(live.state, link.person)
            if account is not None:
                self.by_email.forgive(email_key(account.email) or "")
        return entered

    # --- Passwords --------------------------------------------------------------------------------

    async def new_hash(self, live: LiveBusiness, person: str, password: str) -> str | Refusal:
        """The hash of a password that ``person`` chooses, or why they cannot."""
        account = await self.node.queries.account(live.state, person)
        record = await self.node.queries.person(live.state, person)
        if account is None or record is None:
            return LINK_INVALID
        known = (record.name, record.id, live.state.name, *account.email.split("@"))
        return refuse_password(password, known) or await self.passwords.hash(password)

    async def change_password(
        self, live: LiveBusiness, person: str, current: str | None, new: str, visitor: Visitor
    ) -> Entered | Refusal:
        """Give ``person`` a new password, and sign them in anew: all else is signed out."""
        account = await self.node.queries.account(live.state, person)
        if account is None:
            return Refusal(Code.NOT_FOUND, "You have no account here. Ask an owner for one.")
        key = f"{live.id}/{person}"
        if account.has_password:
            refusal = self.by_person.refusal(key)
            if refusal is not None:
                return refusal
            self.by_person.attempt(key)
            matches = await self.passwords.matches(current or "", account.password_hash)
            if isinstance(matches, Refusal):
                return matches
            if not matches:
                return WRONG_PASSWORD
            self.by_person.forgive(key)
        hashed = await self.new_hash(live, person, new)
        if isinstance(hashed, Refusal):
            return hashed
        return await self.enter_with_new(live, account, hashed, "password", visitor)

    async def enter_with_new(
        self, live: LiveBusiness, account: Account, hashed: str, how: str, visitor: Visitor
    ) -> Entered | Refusal:
        """Sign in who has just chosen a password of this hash."""
        made = self.devices.new(account.person, visitor, how, account.revision)
        return await self.devices.enter(live, msgspec.structs.replace(made, password_hash=hashed))


@asynccontextmanager
async def _taking_at_least(seconds: float) -> AsyncIterator[trio.CancelScope]:
    """The block ends no sooner, unless the scope it gets is cancelled."""
    ends = trio.current_time() + seconds
    rest = trio.CancelScope()
    yield rest
    with rest:
        await trio.sleep_until(ends)
