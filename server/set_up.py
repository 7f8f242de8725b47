"""The first start: whoever has the one-time link of the log makes the business and its owner."""

import hmac
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import structlog
import trio

from actors.account_commands import ChangeAccount
from actors.business import BusinessCommand, ChangeBusiness, ChangeLocation, ChangePerson
from domain.commands import Done
from domain.email_address import refuse_email
from domain.events import Person
from domain.limits import NAME_BYTES
from domain.passwords import refuse_password
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role
from domain.text import refuse_label
from server.asking import ASK_SECONDS, answer_of
from server.devices import STOPPING, Entered, Visitor
from server.entrance import Entrance
from server.links import make_link
from server.live import LiveBusiness
from server.node import BUSINESS, Node
from server.tokens import hash_key, make_key
from storage.accounts import MARK

AUTHOR = "@operator"
"""Who reads the log runs the server."""

OWNER = "owner"
LOCATION = "main"

WRONG_LINK = Refusal(
    Code.UNAUTHENTICATED, "This set-up link is not the last one. Look for it in the server's log."
)

log = structlog.get_logger(__name__)


class FirstOwner(msgspec.Struct, frozen=True):
    """What is asked of whoever sets the server up."""

    business: str
    time_zone: str
    name: str
    email: str
    password: str


@dataclass(slots=True)
class SetUp:
    """Open until somebody owns a business here; a set-up that was interrupted goes on.

    The link is made anew at each start and kept in memory alone.
    """

    entrance: Entrance
    _hash: bytes = b""
    _turn: trio.Lock = field(default_factory=trio.Lock)

    @property
    def _node(self) -> Node:
        return self.entrance.node

    async def open(self) -> str | None:
        """The link, written to the log too; ``None`` where somebody owns a business already."""
        if await self._node.queries.first_start() is None:
            return None
        text, self._hash = make_link()
        url = f"{self.entrance.page_url}/#set-up={text}"
        log.warning("first_start", url=url)
        return url

    async def complete(
        self, link_text: str, wanted: FirstOwner, visitor: Visitor
    ) -> Entered | Refusal:
        """Make the business and its owner, and sign them in; once."""
        async with self._alone():
            first = await self._node.queries.first_start() if self._hash else None
            if first is None:
                return NOT_FOUND
            if not hmac.compare_digest(hash_key(link_text), self._hash):
                return WRONG_LINK
            refusal = _refuse(wanted)
            if refusal is not None:
                return refusal
            hashed = await self.entrance.passwords.hash(wanted.password)
            if isinstance(hashed, Refusal):
                return hashed
            live = await self._business(first.business, wanted)
            if isinstance(live, Refusal):
                return live
            return await self._owner(live, wanted, hashed, visitor)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One after the other, and whole, also if the client goes away meanwhile."""
        async with self._turn:
            with trio.CancelScope(shield=True):
                yield

    async def _business(self, begun: str | None, wanted: FirstOwner) -> LiveBusiness | Refusal:
        """The business with its first location, as far as there is none yet."""
        node, id_ = self._node, begun or _id_of(wanted.business)
        if begun is None:
            nobodys = hash_key(make_key("business"))
            if not await node.database.create_business(
                id_, wanted.business, nobodys, node.clock(), setting=MARK
            ):
                return NOT_FOUND  # the operator was faster
        live = await node.live(id_)
        if live is None:
            return STOPPING
        for command in (
            ChangeLocation(AUTHOR, LOCATION, wanted.business, wanted.time_zone),
            ChangeBusiness(AUTHOR, wanted.business),
        ):
            done = await _ask(live, command)
            if isinstance(done, Refusal):
                return done
        return live

    async def _owner(
        self, live: LiveBusiness, wanted: FirstOwner, hashed: str, visitor: Visitor
    ) -> Entered | Refusal:
        owner = Person(OWNER, wanted.name, Role.OWNER)
        for command in (
            ChangePerson(AUTHOR, None, owner, (LOCATION,)),
            ChangeAccount(AUTHOR, None, OWNER, wanted.email),
        ):
            done = await _ask(live, command)
            if isinstance(done, Refusal):
                return done
        account = await self._node.queries.account(live.state, OWNER)
        if account is None:
            return NOT_FOUND
        entered = await self.entrance.enter_with_new(live, account, hashed, "set_up", visitor)
        if isinstance(entered, Entered):
            self._hash = b""
            log.info("first_owner", business=live.id, person=OWNER)
        return entered


def _refuse(wanted: FirstOwner) -> Refusal | None:
    return (
        refuse_label(wanted.business, NAME_BYTES, "name")
        or refuse_label(wanted.name, NAME_BYTES, "name")
        or refuse_email(wanted.email)
        or refuse_password(
            wanted.password, (wanted.business, wanted.name, *wanted.email.split("@"))
        )
    )


def _id_of(name: str) -> str:
    """An id that people can type, of the letters of ``name`` that an id may have."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:40].strip("-") or BUSINESS


async def _ask(live: LiveBusiness, command: BusinessCommand) -> Done | Refusal:
    answer = answer_of(await live.desk.ask(BUSINESS, command, ASK_SECONDS))
    return answer if isinstance(answer, Refusal) else Done(answer.revision)
