"""The shell around a `Session`: dials, carries bytes, keeps time, stores, and wakes who waits."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import trio

from deskbell_client import closing, commands, events, replies
from deskbell_client.closing import Ended
from deskbell_client.errors import DeskbellError, Refused, Stopped, TokenUnavailable
from deskbell_client.link import Link
from deskbell_client.outputs import Answered, HangUp, Settled, Transmit
from deskbell_client.session import Session
from deskbell_client.storage import Storage

DIAL_WITHIN: Final = 15.0
SAVE_EVERY: Final = 1.0
SAVE_WITHIN: Final = 5.0
"""Seconds: to reach the server, between two saves of the position, and for the last save."""

Dial = Callable[[], Awaitable[trio.abc.Stream]]
GetToken = Callable[[], Awaitable[str]]
R = TypeVar("R", bound=replies.Reply)


class _Waiter:
    """A task that waits for an outcome."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: replies.Reply | DeskbellError | None = None

    def settle(self, outcome: replies.Reply | DeskbellError) -> None:
        self.outcome = outcome
        self.done.set()

    async def wait(self) -> replies.Reply:
        await self.done.wait()
        assert self.outcome is not None
        if isinstance(self.outcome, DeskbellError):
            raise self.outcome
        return self.outcome


class Driver:
    """Runs one session: ``dial`` opens a stream to ``host``, whose websocket is at ``path``."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        dial: Dial,
        get_token: GetToken | None,
        host: str,
        path: str,
    ) -> None:
        self.session = session
        self._storage = storage
        self._dial = dial
        self._get_token = get_token
        self._host = host
        self._path = path
        self._outbound: deque[bytes] = deque()  # bound: the windows of the session and its callers
        self._answers: dict[int, _Waiter] = {}
        self._acks: dict[str, list[_Waiter]] = {}
        self._storing = trio.Lock()
        self._settled: list[str] = []
        self._saved = session.position
        self._hang_up: HangUp | None = None
        self._attempting = self._reading = trio.CancelScope()
        self._sleeping_until = float("inf")
        self._frames = trio.Event()
        self._news = trio.Event()
        self._earlier = trio.Event()
        self._to_store = trio.Event()
        self._stopping = trio.Event()
        self._left = False

    # --- For the application ----------------------------------------------------------------------

    async def ask(self, command: commands.Command[R]) -> R:
        """The reply to ``command``, over reconnects; raises what `Session.ask` promises."""
        self._check_running()
        request_id = self.session.ask(command, trio.current_time())
        waiter = self._answers[request_id] = _Waiter()
        self.carry_out()
        try:
            reply: Any = await waiter.wait()
        finally:
            self.session.forget(request_id)
            self._answers.pop(request_id, None)
        return reply  # type: ignore[no-any-return]  # the session checked its class

    async def send(self, send: commands.Send) -> replies.Ack:
        """The ack; a caller that is cancelled leaves the send pending once it is stored."""
        waiter = _Waiter()
        await self._submit(send, waiter)
        try:
            reply: Any = await waiter.wait()
        finally:
            waiting = self._acks.get(send.client_message_id, [])
            if waiter in waiting:
                waiting.remove(waiter)
        return reply  # type: ignore[no-any-return]  # only an ack settles a send

    async def post(self, send: commands.Send) -> None:
        """Return when it is stored; `events.Sent` or `events.SendFailed` follows."""
        await self._submit(send, None)

    async def _submit(self, send: commands.Send, waiter: _Waiter | None) -> None:
        async with self._storing:
            self._check_running()
            pending = self.session.check(send)
            if not pending:
                with trio.CancelScope(shield=True):
                    await self._storage.add(send)
            if waiter is not None:
                self._acks.setdefault(send.client_message_id, []).append(waiter)
            if not pending:
                self.session.send(send, trio.current_time())
                self.carry_out()

    async def next_event(self) -> events.Event | None:
        """The next event; ``None`` after `stop`, once none is left. Raises `Stopped`."""
        await trio.lowlevel.checkpoint()
        while True:
            event = self.session.next_event(trio.current_time())
            self._to_store.set()
            self.carry_out()
            if event is not None or self._left:
                return event
            self._check_running()
            self._news = trio.Event()
            await self._news.wait()

    def stop(self) -> None:
        """Close the session: `run` returns soon."""
        self._left = True
        self.session.close(trio.current_time())
        self.carry_out()

    def _check_running(self) -> None:
        if self.session.stopped is not None:
            raise Stopped(self.session.stopped.code, self.session.stopped.reason)

    # --- Running ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and reconnect until the session stops; then store where it stands."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._store_repeatedly)
                while self.session.stopped is None:
                    with trio.move_on_at(self.session.connect_at):
                        await self._stopping.wait()
                    if self.session.stopped is None:
                        await self._attempt()
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(SAVE_WITHIN, shield=True):
                await self._store()

    async def _attempt(self) -> None:
        self._hang_up = None
        self._outbound.clear()
        ended = Ended()
        with trio.CancelScope() as self._attempting:
            ended = await self._connection()
        self.session.ended(ended, trio.current_time())
        self.carry_out()

    async def _connection(self) -> Ended:
        """One connection, from the token to its end."""
        try:
            token = await self._token()
            with trio.fail_after(DIAL_WITHIN):
                stream = await self._dial()
        except Stopped as stopped:
            return Ended(stopped.code, stopped.reason)
        except (OSError, trio.TooSlowError, trio.BrokenResourceError, TokenUnavailable) as error:
            return Ended(reason=f"no connection: {error!r}")
        try:
            return await self._converse(stream, token)
        finally:
            await trio.aclose_forcefully(stream)

    async def _token(self) -> str:
        credentials = self.session.credentials
        token = credentials.token()
        if token is None and self._get_token is not None:
            token = await self._get_token()
            credentials.fetched(token)
        if token is None:
            raise Stopped(closing.UNAUTHENTICATED, "There is no token; give one, or a get_token.")
        return token

    async def _converse(self, stream: trio.abc.Stream, token: str) -> Ended:
        link = Link(stream, self._host, self._path, self._heard)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            if await link.opened() and self.session.stopped is None:
                nursery.start_soon(self._write, link)
                nursery.start_soon(self._keep_time)
                await self._read(link, token)
            nursery.cancel_scope.cancel()
        return self._hang_up.why if self._hang_up else link.ended

    async def _read(self, link: Link, token: str) -> None:
        """Greet, and take messages until the connection ends or the session hangs up."""
        with trio.CancelScope() as self._reading:
            self.session.opened(token, trio.current_time())
            self.carry_out()
            while (data := await link.receive()) is not None:
                self.session.received(data, trio.current_time())
                self.carry_out()
        if self._hang_up is not None and self._hang_up.politely:
            with trio.move_on_after(closing.GOODBYE_WITHIN):
                while self._outbound:
                    await link.send(self._outbound.popleft())
                await link.close()

    async def _write(self, link: Link) -> None:
        while True:
            while self._outbound:
                await link.send(self._outbound.popleft())
            self._frames = trio.Event()
            await self._frames.wait()

    async def _keep_time(self) -> None:
        """Call `Session.tick` at each deadline, also at one that came nearer meanwhile."""
        while True:
            self._earlier = trio.Event()
            self._sleeping_until = self.session.deadline
            with trio.move_on_at(self._sleeping_until):
                await self._earlier.wait()
            self.session.tick(trio.current_time())
            self.carry_out()

    def _heard(self) -> None:
        self.session.heard(trio.current_time())

    def carry_out(self) -> None:
        """Do what the session wants done, and wake whom it concerns."""
        for output in self.session.take():
            match output:
                case Transmit(data):
                    self._outbound.append(data)
                    self._frames.set()
                case Answered(request_id, outcome):
                    if waiter := self._answers.get(request_id):
                        waiter.settle(outcome)
                case Settled(send, outcome):
                    self._settle(send, outcome)
                case HangUp():
                    self._hang_up = output
                    self._reading.cancel()
        if self.session.deadline < self._sleeping_until:
            self._earlier.set()
        if self.session.stopped is not None:
            self._wake_all()
        self._news.set()

    def _settle(self, send: commands.Send, outcome: replies.Ack | Refused) -> None:
        self._settled.append(send.client_message_id)
        self._to_store.set()
        waiting = self._acks.pop(send.client_message_id, [])
        for waiter in waiting:
            waiter.settle(outcome)
        if not waiting:
            self.session.report(send, outcome)

    def _wake_all(self) -> None:
        """No ack will come any more: what is pending stays stored."""
        self._stopping.set()
        if self._hang_up is None:
            self._attempting.cancel()
        for waiting in self._acks.values():
            for waiter in waiting:
                stopped = self.session.stopped or Stopped(closing.NORMAL, "")
                waiter.settle(Stopped(stopped.code, stopped.reason))
        self._acks.clear()

    # --- Storing ----------------------------------------------------------------------------------

    async def _store_repeatedly(self) -> None:
        while True:
            await self._to_store.wait()
            self._to_store = trio.Event()
            await self._store()
            await trio.sleep(SAVE_EVERY)

    async def _store(self) -> None:
        while self._settled:
            await self._storage.remove(self._settled[0])
            del self._settled[0]
        if self.session.position != self._saved:
            position = self.session.position
            await self._storage.save(position)
            self._saved = position
