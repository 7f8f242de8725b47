"""A whole server in this process: database file, actors, sessions, edge; clients connect in memory.

`Premises` can be closed (drained), crashed (cancelled at once) and opened again over its folder.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from actors.business import ChangePerson
from domain import commands
from domain.commands import Accepted, Done, Speaker
from domain.events import Person
from domain.roles import Role
from server import creating
from server.app import Running, run_server
from server.asking import ask_conversation
from server.edge.memory import MemoryTransport
from server.edge.outbound import Flusher
from server.edge.stream import ConnectionStream
from server.live import LiveBusiness
from server.node import BUSINESS as DESK
from server.node import Node
from server.settings import Settings
from server.tokens import hash_key
from tests.faults.raw_client import Frame, RawClient, pair
from tests.faults.virtual_time import wall_clock

BUSINESS = "pawsome"
PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER}
DAY_MS = 86_400_000

Wire = Callable[[MemoryTransport], None]
"""Prepares the client's end of a new connection: sets the faults of its pipes."""


def freely(**changes: Any) -> Settings:
    """Settings for tests that send as fast as they can."""
    return Settings(**{"commands_per_second": 0, "idle_seconds": 3600.0, **changes})


class Premises:
    """One folder, and the server over it while it is open."""

    def __init__(
        self,
        nursery: trio.Nursery,
        folder: Path,
        settings: Settings | None = None,
        people: Mapping[str, Role] = PEOPLE,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self.folder = folder
        self.people = dict(people)
        self.clock = clock
        self.settings = settings or freely()
        self.capacity = 65_536
        """Bytes in flight each way on a new connection."""
        self._nursery = nursery
        self._running: Running | None = None
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._up = trio.Event()

    # --- The server -------------------------------------------------------------------------------

    @property
    def running(self) -> Running:
        assert self._running is not None, "open() first"
        return self._running

    @property
    def node(self) -> Node:
        return self.running.node

    @property
    def live(self) -> LiveBusiness:
        return self.node.businesses[BUSINESS]

    @property
    def is_open(self) -> bool:
        """Whether it runs, and is not about to end."""
        running = self._running
        ending = self._scope.cancel_called or (running is not None and running.stop.is_set())
        return running is not None and not ending

    async def open(self) -> None:
        """Start; the business and its people are made at the first start."""
        if self._running is not None:
            await self._ended.wait()  # it is about to end
        self._running = await self._nursery.start(self._run)
        self._up.set()

    async def is_up(self) -> None:
        """Wait until the server runs; it may have ended again by the time one hears of it."""
        while self._running is None:
            await self._up.wait()

    async def close(self) -> None:
        """Drain and stop, as SIGTERM does."""
        self.running.stop.set()
        await self._ended.wait()

    async def crash(self) -> None:
        """Stop at once, whatever is going on."""
        self.begin_crash()
        await self._ended.wait()

    def begin_crash(self) -> None:
        """Like `crash`, from anywhere; `open` waits for its end."""
        self._scope.cancel()

    async def _run(self, task_status: trio.TaskStatus[Running]) -> None:
        settings = _in(self.settings, self.folder)
        self._ended = trio.Event()
        try:
            with trio.CancelScope() as self._scope:
                await run_server(
                    settings, self._prepare, sockets=[], clock=self.clock, task_status=task_status
                )
        finally:
            self._running = None
            self._up = trio.Event()
            self._ended.set()

    async def _prepare(self, node: Node) -> None:
        if await node.live(BUSINESS) is None:
            await node.database.create_business(BUSINESS, "Pawsome", hash_key("k"), self.clock())
        live = await node.live(BUSINESS)
        assert live is not None
        for person, role in self.people.items():
            if await node.queries.person(live.state, person) is None:
                await _put(live, person, role)

    async def change(self, command: Any) -> Any:
        """Ask the desk for a change of the business."""
        return await self.live.desk.ask(DESK, command, 10.0)

    async def put(self, person: str, role: Role, *, active: bool = True) -> None:
        """Add somebody, or change their role or whether they have access."""
        await _put(self.live, person, role, active=active)

    # --- Conversations ----------------------------------------------------------------------------

    def speaker(self, person: str, device: str = "backend") -> Speaker:
        return Speaker(person, person, self.people[person], device)

    async def group(self, conversation: str, *people: str) -> None:
        """A conversation of ``people``; the first begins it."""
        _, answer = await creating.create(
            self.node.queries,
            self.live,
            self.speaker(people[0]),
            "group",
            people[1:],
            "",
            conversation,
        )
        assert isinstance(answer, Done), answer

    async def say(self, conversation: str, person: str, text: str, id_: str) -> Accepted:
        """A message from somewhere else than a connection."""
        said = commands.Send(self.speaker(person), id_, text)
        answer = await ask_conversation(self.live, conversation, said)
        assert isinstance(answer, Accepted), answer
        return answer

    async def do(self, conversation: str, command: commands.Command) -> Any:
        """Any other command to a conversation."""
        return await ask_conversation(self.live, conversation, command)

    # --- Clients ----------------------------------------------------------------------------------

    def token(self, person: str, seconds: int = 86_400) -> str:
        """A token for ``person`` on any device."""
        return self.node.tokens.issue(BUSINESS, person, self.clock(), seconds * 1000)[0]

    def transport(self, wire: Wire | None = None) -> MemoryTransport:
        """The client's end of a new connection; raises `OSError` while nobody listens."""
        if self._running is None or not self.is_open:
            raise ConnectionRefusedError("the server is down")
        client, server = pair(self.capacity)
        if wire is not None:
            wire(client)
        self._running.listener.serve(server)
        return client

    def dial(self, wire: Wire | None = None) -> Callable[[], Any]:
        """For `deskbell_client.connect_over`."""

        async def dial() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return ConnectionStream(self.transport(wire), Flusher())

        return dial

    async def socket(self, wire: Wire | None = None, *, text: bool = False) -> RawClient:
        """A websocket that has not said hello."""
        client = RawClient(self.transport(wire), text=text)
        await client.upgrade()
        return client

    async def enter(
        self,
        person: str,
        device: str | None = None,
        *,
        cursor: Frame | None = None,
        token: str | None = None,
        text: bool = False,
        wire: Wire | None = None,
    ) -> RawClient:
        """A connection of ``person`` after its `welcome`, which is the next frame to take."""
        client = await self.socket(wire, text=text)
        device = device or f"{person}-1"
        client.send("hello", token=token or self.token(person), device=device, cursor=cursor)
        await client.until(lambda: bool(client.frames))
        return client


def _in(settings: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(settings, data_dir=str(folder))


async def _put(live: LiveBusiness, person: str, role: Role, *, active: bool = True) -> None:
    change = ChangePerson("backend", None, Person(person, person, role, active), ("main",))
    answer = await live.desk.ask(DESK, change, 10.0)
    assert isinstance(answer, Done), answer


@asynccontextmanager
async def opened(
    folder: Path,
    settings: Settings | None = None,
    people: Mapping[str, Role] = PEOPLE,
    clock: Callable[[], int] = wall_clock,
) -> AsyncIterator[Premises]:
    """Premises that are open inside the block and stopped behind it."""
    async with trio.open_nursery() as nursery:
        premises = Premises(nursery, folder, settings, people, clock)
        await premises.open()
        yield premises
        if premises.is_open:
            await premises.crash()


async def everything(client: RawClient, conversation: str) -> list[Frame]:
    """All messages of a conversation, page by page, as ``client`` may see them."""
    messages: list[Frame] = []
    after = 0
    while True:
        page = await client.ask("history", conversation=conversation, after=after, limit=200)
        assert page["type"] == "page", page
        messages += page["messages"]
        if not page["more"]:
            return messages
        after = messages[-1]["seq"]
