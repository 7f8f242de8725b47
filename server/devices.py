"""Devices that are signed in: each has a secret that renews its tokens, and can be signed out."""

from dataclasses import dataclass

import structlog

from actors.account_commands import SignIn
from actors.business import BusinessCommand, RevokeAccess
from domain.accounts import SESSIONS_MAX, NewSignIn, may_have_account
from domain.commands import Done
from domain.refusal import Code, Refusal
from server.asking import ASK_SECONDS, answer_of
from server.live import LiveBusiness
from server.node import BUSINESS, Node
from server.tokens import Claims
from storage.accounts import REPLAYED, SignInRecord
from storage.people import PersonRecord

SIGNED_OUT = Refusal(Code.UNAUTHENTICATED, "You are signed out here. Sign in again.")
STOPPING = Refusal(Code.UNAVAILABLE, "The server is stopping. Try again in a moment.", 1.0)
FOR_EVER = 2**53 - 1
"""When the revocation of a token ends: never."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody comes from: the client's address, and what the device is called."""

    address: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody is signed in: their token, and the secret that renews it."""

    record: SignInRecord
    token: str
    claims: Claims
    secret: str


class Devices:
    """What `SignedIn` has stored: renewing it, listing it, ending it.

    All tokens of a sign-in have one id, so what ends it is the revocation of that id.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    async def renew(self, secret: str) -> Entered | Refusal:
        """A new token for a device that is signed in, and the secret for the next time."""
        known = self._node.tokens.read_sign_in_secret(secret)
        record = None if known is None else await self._node.queries.sign_in(known[0])
        if known is None or record is None:
            return SIGNED_OUT
        live = await self._node.live(record.business)
        if live is None:
            return STOPPING
        person = await self._node.queries.person(live.state, record.person)
        if person is None or not self._holds(live, record, person):
            return SIGNED_OUT
        if await self._node.queries.account(live.state, record.person) is None:
            return SIGNED_OUT
        renewals = await self._node.database.accounts.renew(record.id, known[1], self._node.clock())
        if renewals == REPLAYED:
            log.warning("sign_in_secret_replayed", business=live.id, session=record.id)
            ended = await self.end(live, record, record.person)
            return ended if isinstance(ended, Refusal) else SIGNED_OUT
        return SIGNED_OUT if renewals is None else self._entered(record, renewals)

    def _holds(self, live: LiveBusiness, record: SignInRecord, person: PersonRecord) -> bool:
        return (
            may_have_account(person.person)
            and record.revoked_revision == person.revoked_revision
            and record.last_used_at > self.unused_since()
            and not self._node.tokens.is_revoked(token_id(record))
        )

    def unused_since(self) -> int:
        """Who was last there before this time is signed out."""
        return self._node.clock() - self._node.settings.sign_in_seconds * 1000

    async def sessions(self, live: LiveBusiness, person: str) -> list[SignInRecord]:
        """The devices on which ``person`` is signed in, the latest used first."""
        return await self._node.queries.sign_ins(live.state, person, self.unused_since())

    async def end(self, live: LiveBusiness, record: SignInRecord, author: str) -> Done | Refusal:
        """Sign a device out: its tokens are void, its connections end.

        That ``author`` may do that has been seen to.
        """
        command = RevokeAccess(author, None, record.person, token_id(record), FOR_EVER)
        return await _ask(live, command)

    async def end_by_secret(self, secret: str) -> Refusal | None:
        """Sign out the device that has ``secret``; of who is signed out already nothing changes."""
        known = self._node.tokens.read_sign_in_secret(secret)
        record = None if known is None else await self._node.queries.sign_in(known[0])
        live = None if record is None else await self._node.live(record.business)
        if record is None or live is None:
            return None
        ended = await self.end(live, record, record.person)
        return ended if isinstance(ended, Refusal) else None

    def new(self, person: str, visitor: Visitor, how: str, revision: int) -> NewSignIn:
        """A sign-in that ``visitor`` has proved, by ``how``, to be that of ``person``."""
        return NewSignIn(
            id=self._node.new_id(),
            person=person,
            device=visitor.device,
            how=how,
            revision=revision,
        )

    async def enter(self, live: LiveBusiness, new: NewSignIn) -> Entered | Refusal:
        """Store ``new``; why not, if what it was proved against has changed meanwhile."""
        done = await _ask(live, SignIn(new))
        if isinstance(done, Refusal):
            return done
        record = await self._node.queries.sign_in(new.id)
        if record is None:  # they lost their access in the same moment
            return SIGNED_OUT
        await self._end_beyond(live, new.person)
        return self._entered(record, 0)

    async def _end_beyond(self, live: LiveBusiness, person: str) -> None:
        await self._node.database.accounts.forget_unused(live.state.no, person, self.unused_since())
        for record in (await self.sessions(live, person))[SESSIONS_MAX:]:
            await self.end(live, record, record.person)

    def _entered(self, record: SignInRecord, renewals: int) -> Entered:
        node = self._node
        token, claims = node.tokens.issue(
            record.business,
            record.person,
            node.clock(),
            node.settings.token_seconds * 1000,
            record.revoked_revision,
            record.id,
        )
        return Entered(record, token, claims, node.tokens.sign_in_secret(record.id, renewals))


def token_id(record: SignInRecord) -> str:
    """The id of every token of a sign-in."""
    return f"{record.business}/{record.id}"


async def _ask(live: LiveBusiness, command: BusinessCommand) -> Done | Refusal:
    answer = answer_of(await live.desk.ask(BUSINESS, command, ASK_SECONDS))
    return answer if isinstance(answer, Refusal) else Done(answer.revision)
