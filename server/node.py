"""One node: the businesses that are live on it, each with its supervisors, started when needed."""

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from actors.actor import Actor
from actors.business import BusinessActor, BusinessCommand
from actors.conversation import ConversationActor
from actors.limits import LOADING, SupervisorLimits
from actors.location import AllWhoAreIn, LocationActor, LocationMessage
from actors.presence import Flush, PresenceActor, PresenceBoard, PresenceMessage, RollCall, Tick
from actors.supervisor import Supervisor
from domain.attachments import State
from domain.business import Business, Seers
from domain.commands import Command, Done, SettleAttachment, Speaker
from domain.events import BusinessEvent, WebhookChanged, WebhookRemoved
from domain.limits import Limits
from domain.roles import Role
from domain.webhooks import SCHEDULE_SECONDS
from protocol.close_codes import CloseCode
from server.asking import ask_conversation
from server.attachments.keeper import Keeper
from server.erasing import Eraser
from server.fanout import FanOut
from server.live import BUSINESS as BUSINESS
from server.live import LiveBusiness
from server.settings import Settings
from server.tokens import Tokens
from server.webhooks.hooks import Hooks
from storage.database import Database
from storage.queries import Queries
from storage.uploads import Upload

PRESENCE = "presence"
DISK_SECONDS = 60.0
"""How long the actors of a business may wait for the disk in one batch."""

TICK_SECONDS = 1.0
ROLL_CALL_TICKS = 10
"""Presence is told this often who is connected, in case it missed somebody come or go."""

EXPIRY_TICKS = 30
"""Connections whose token has expired are looked for this often."""


@dataclass(slots=True)
class Node:
    """Holds what every edge needs. `run` owns the supervisors of all live businesses.

    ``jitter`` gives seconds for a client to wait before it reconnects, another one each time.
    """

    settings: Settings
    limits: Limits
    database: Database
    tokens: Tokens
    clock: Callable[[], int]
    new_id: Callable[[], str]
    jitter: Callable[[], float]
    flush: Callable[[], None]
    epoch: str
    time: Callable[[], float] = field(init=False)
    """trio's clock in seconds, at a third of the price of `trio.current_time`."""
    businesses: dict[str, LiveBusiness] = field(default_factory=dict)
    fan_out: FanOut = field(init=False)
    webhook_schedule: Sequence[float] = SCHEDULE_SECONDS
    hooks: Hooks = field(init=False)
    keeper: Keeper = field(init=False)
    eraser: Eraser = field(init=False)
    connections: int = 0
    _nursery: trio.Nursery | None = None
    _starting: dict[str, trio.Event] = field(default_factory=dict)
    _stopping: bool = False
    _loading: trio.Semaphore = field(default_factory=partial(trio.Semaphore, LOADING))

    def __post_init__(self) -> None:
        self.time = trio.lowlevel.current_clock().current_time
        self.fan_out = FanOut(self.businesses, self.tokens, self.limits.typing_ms, self.flush)
        self.hooks = Hooks(
            self.settings, self.limits, self.database, self.clock, self.webhook_schedule
        )
        database = self.database
        self.keeper = Keeper(
            self.settings, database.attachments, database.files, self.clock, self._settle
        )
        self.eraser = Eraser(database, self.keeper, self.clock, self.live)

    @property
    def queries(self) -> Queries:
        return self.database.queries

    def next_connection(self) -> int:
        """A number for a new connection; 0 is never given."""
        self.connections += 1
        return self.connections

    def restart_reason(self) -> str:
        """What a connection is told when the server stops: not all come back at once (R40)."""
        return f"restart; retry_after={self.jitter():.1f}"

    def overloaded_reason(self) -> str:
        """What a connection is told whose own look-ups take too long: nor do these."""
        return f"the server is behind; retry_after={self.jitter():.1f}"

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Own the supervisors, and what is done for attachments, until cancelled."""
        await self.keeper.recover(
            await self.database.setting("link_secret", lambda: secrets.token_urlsafe(48))
        )
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self.keeper.run)
            self._nursery.start_soon(self.eraser.run)
            task_status.started()
            for tick in itertools.count(1):
                await trio.sleep(TICK_SECONDS)
                for live in self.businesses.values():
                    if live.connections or live.board.shown:
                        live.presence.tell(PRESENCE, Tick())
                        if tick % ROLL_CALL_TICKS == 0:
                            self._call_roll(live)
                    if tick % EXPIRY_TICKS == 0:
                        self._end_expired(live)

    @staticmethod
    def _call_roll(live: LiveBusiness) -> None:
        """Tell those who keep count of connections who is there."""
        there = frozenset((c.person, c.number) for c in live.everybody())
        live.presence.tell(PRESENCE, RollCall(there))
        for location in live.visited:
            live.locations.tell(location, AllWhoAreIn(live.logged_in(location)))

    def _end_expired(self, live: LiveBusiness) -> None:
        now = self.clock()
        for connection in [c for c in live.everybody() if c.expires_at <= now]:
            connection.end(CloseCode.UNAUTHENTICATED, "the token has expired")

    async def stop(self, deadline: float) -> None:
        """Let every actor finish what it has, until ``deadline`` (trio's clock) at the most."""
        self._stopping = True
        for live in list(self.businesses.values()):
            with trio.move_on_at(deadline):
                await live.presence.ask(PRESENCE, Flush(), 5.0)
        async with trio.open_nursery() as nursery:
            for live in list(self.businesses.values()):
                for supervisor in live.supervisors:
                    nursery.start_soon(supervisor.drain, deadline)

    async def live(self, business: str) -> LiveBusiness | None:
        """The business with its actors, started if it was not live; ``None``: there is none."""
        while business in self._starting:
            await self._starting[business].wait()
        live = self.businesses.get(business)
        if live is not None or self._stopping:
            return live
        self._starting[business] = trio.Event()
        try:
            state = await self.queries.business(business)
            if state is None:
                return None
            live = self._assemble(state)
            assert self._nursery is not None
            # Whoever asked may be cancelled; what began then would run in no business.
            with trio.CancelScope(shield=True):
                for supervisor in live.supervisors:
                    await self._nursery.start(supervisor.run)
            self.businesses[business] = live
            return live
        finally:
            self._starting.pop(business).set()

    async def _settle(self, upload: Upload, conversation: str, seq: int, state: State) -> bool:
        """Let the conversation say what an attachment of it is; its author asks for nothing."""
        live = await self.live(upload.business)
        if live is None:
            return False
        author = Speaker(upload.person, "", Role.CUSTOMER, "")
        command = SettleAttachment(author, seq, upload.id, state)
        return isinstance(await ask_conversation(live, conversation, command), Done)

    def _assemble(self, state: Business) -> LiveBusiness:
        settings = self.settings
        limits = SupervisorLimits(
            mailbox_size=settings.mailbox_size,
            idle_seconds=settings.idle_seconds,
            max_live=settings.live_conversations,
        )
        # Few, and at work as long as somebody is there: these actors are not passivated. They wait
        # for the disk in the middle of a batch, so a slow one is not taken for a hang.
        lasting = SupervisorLimits(
            mailbox_size=10_000, idle_seconds=10.0**9, receive_seconds=DISK_SECONDS
        )
        live = LiveBusiness(
            state,
            Supervisor[Command](partial(self._conversation, state), limits, self._loading),
            Supervisor[LocationMessage](lambda id_: self._location(live, id_), lasting),
            Supervisor[BusinessCommand](lambda _: self._desk(state), lasting),
            Supervisor[PresenceMessage](lambda _: self._presence(live), lasting),
            PresenceBoard(),
        )
        return live

    async def _conversation(self, state: Business, conversation: str) -> Actor[Command]:
        actor = ConversationActor(
            state,
            conversation,
            self.database.reserved,
            self.database.journal,
            self.fan_out,
            self.limits,
            self.clock,
        )
        await actor.activate()
        return actor

    async def _desk(self, state: Business) -> Actor[BusinessCommand]:
        return BusinessActor(
            state,
            self.database.reserved,
            self.database.journal,
            self._business_event,
            self.clock,
        )

    def _business_event(
        self, business: Business, revision: int, event: BusinessEvent, seers: Seers | None
    ) -> None:
        self.fan_out.business_event(business, revision, event, seers)
        if isinstance(event, WebhookChanged | WebhookRemoved):
            self.hooks.dispatcher.changed(business.id)

    async def _presence(self, live: LiveBusiness) -> Actor[PresenceMessage]:
        actor = PresenceActor(
            live.id,
            live.board,
            self.fan_out.presence,
            partial(self.database.record_last_seen, live.state.no),
            self.clock,
        )
        actor.take_up((c.person, c.number) for c in live.everybody())
        return actor

    async def _location(self, live: LiveBusiness, location: str) -> Actor[LocationMessage]:
        return LocationActor(live.logged_in(location))
