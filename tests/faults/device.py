"""An installation as docs/protocol.md describes it, written from that page and not from the SDK.

It keeps its position and its pending sends over connections, shows every entry once and in order,
and notes in a `History` what it did and saw.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import trio

from tests.faults.invariants import Acked, History, entry_of
from tests.faults.premises import Premises, Wire
from tests.faults.raw_client import Frame, RawClient, Refused

AGAIN = {"rate_limited", "overloaded", "unavailable"}
STOPS = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 4500, 4501, 4503, 4509}


@dataclass
class Pending:
    conversation: str
    client_message_id: str
    text: str
    in_flight: bool = False
    not_before: float = 0.0
    """When it may be tried again, by trio's clock."""


class Device:
    """One device of one person. ``window`` sends of a conversation may be in flight."""

    def __init__(
        self,
        premises: Premises,
        history: History,
        person: str,
        name: str = "1",
        *,
        window: int = 1,
        wire: Wire | None = None,
        seed: int = 0,
        receipts: bool = False,
    ) -> None:
        self.premises = premises
        self.history = history
        self.person = person
        self.id = f"{person}-{name}"
        self.window = window
        self.wire = wire
        self.receipts = receipts
        self.connections = 0
        self.cuts = 0
        self.repeated = 0
        """Entries of others that came again although an event had brought them."""
        self.codes: list[int] = []
        self.cursor: Frame | None = None
        self.held: dict[str, int] | None = None
        """Per conversation: everything up to this seq; nothing before the first list has come."""
        self.own: dict[str, set[int]] = {}
        """Places that it knows by its acks; they may come before older events."""
        self.pending: dict[str, Pending] = {}
        self.complete = False
        self._client: RawClient | None = None
        self._welcomed_now = False
        self._session_token = ""
        self._waiting: list[Frame] = []
        self._began: dict[str, int] = {}
        self._numbers = 0
        self._random = random.Random(f"{seed} {self.id}")
        self._changed = trio.Event()
        self._nursery: trio.Nursery | None = None

    # --- What its person does ---------------------------------------------------------------------

    def say(self, conversation: str, text: str = "") -> str:
        """Say something; it is tried until there is an answer."""
        self._numbers += 1
        id_ = f"{self.id}.{self._numbers}"
        self.pending[id_] = Pending(conversation, id_, text or f"text of {id_}")
        self.history.invoke(self.id, conversation, id_, self.pending[id_].text)
        self._pump()
        return id_

    async def settled(self) -> None:
        """Wait until every send has its answer."""
        await self.until(lambda: not self.pending)

    async def has(self, conversation: str, seq: int) -> None:
        """Wait until it holds everything up to ``seq``."""
        await self.until(
            lambda: (
                self.held is not None
                and conversation in self.held
                and self.held[conversation] >= seq
            )
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed = trio.Event()
            await self._changed.wait()

    # --- Connections ------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connect and reconnect until cancelled, or until a close code says stop."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await self._connect_again_and_again()
            self._nursery.cancel_scope.cancel()

    async def _connect_again_and_again(self) -> None:
        tries = 0
        while True:
            token = self._session_token or await self._token()
            self._welcomed_now = False
            code = await self._connection(token)
            self.codes.append(code)
            tries = 0 if self._welcomed_now else tries + 1
            if code == 4501:
                self._session_token = ""
            elif code in STOPS:
                return
            await trio.sleep(self._random.random() * min(60, 2**tries))

    async def _token(self) -> str:
        await self.premises.is_up()
        return self.premises.token(self.person)

    async def _connection(self, token: str) -> int:
        """One connection, to its end."""
        self.complete = False
        try:
            client = RawClient(self.premises.transport(self.wire))
            await client.upgrade()
        except (OSError, Refused):
            return 0
        self.connections += 1
        if client.closed is None:
            client.on_frame = self._frame
            self._client = client
            cursor = self.cursor if self.held is not None else None
            client.send("hello", token=token, device=self.id, cursor=cursor)
            try:
                await client.ended()
            finally:
                self._client = None
                for entry in self.pending.values():
                    entry.in_flight = False
                if client.closed is None:
                    client.drop()
        assert client.closed is not None
        return client.closed[0]

    def cut(self) -> None:
        """The network goes away."""
        if self._client is not None:
            self._client.transport.cut()

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.closed is None

    @property
    def client(self) -> RawClient:
        assert self._client is not None
        return self._client

    # --- Frames -----------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "welcome":
            self._welcomed(frame)
        elif kind == "conversation_list":
            self._loaded(frame)
        elif kind == "ack":
            self._acked(frame)
        elif kind == "error":
            self._refused(frame)
        elif kind not in ("ok", "pong", "typing", "presence"):
            if self.held is None:
                self._waiting.append(frame)
            else:
                self._event(frame)
        self._changed.set()

    def _welcomed(self, frame: Frame) -> None:
        self._welcomed_now = True
        self._session_token = frame["session_token"]
        if frame["resume"] != "complete":
            self.held = None
            self._waiting.clear()
            self.cursor = {"epoch": frame["epoch"], "revision": frame["revision"]}
            self.client.send("conversations", id=1_000_000, limit=100)
        self._pump()

    def _loaded(self, frame: Frame) -> None:
        assert "next" not in frame, "more conversations than a page holds"
        self.held = {}
        for conversation in frame["conversations"]:
            self._take_picture(conversation)
        self.complete = True
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self._event(event)

    def _take_picture(self, conversation: Frame) -> None:
        assert self.held is not None
        id_, last = conversation["id"], conversation.get("last_seq", 0)
        self.held[id_] = self._began[id_] = last
        self._absorb(id_)
        self.history.loaded(self.id, id_, last)
        owners = [p for p, role in self.premises.people.items() if role == "owner"]
        self.history.members(id_, (m["person"] for m in conversation["members"]), owners)

    def _event(self, frame: Frame) -> None:
        kind, revision = frame["type"], frame["revision"]
        assert self.held is not None
        assert self.cursor is not None
        match kind:
            case "message":
                self._message(frame)
            case "resumed":
                self.complete = True
                self._pump()
            case "conversation_added":
                self.history.added(self.id, frame["conversation"]["id"])
                self._take_picture(frame["conversation"])
            case "conversation_removed":
                self.held.pop(frame["conversation"], None)
                self.history.removed(self.id, frame["conversation"], revision)
            case "receipt":
                for c in frame["receipts"]:
                    up_to = c.get("delivered_up_to", 0), c.get("read_up_to", 0)
                    self.history.cursor(self.id, frame["conversation"], c["person"], *up_to)
                self.history.told(self.id, frame["conversation"], revision, kind)
            case "message_edited" | "message_deleted":
                self.history.told(self.id, frame["conversation"], revision, kind)
        self.cursor["revision"] = max(self.cursor["revision"], revision)

    def _message(self, frame: Frame) -> None:
        assert self.held is not None
        id_, seq = frame["conversation"], frame["seq"]
        last = self.held.get(id_)
        if last is None:
            self.history.problems.append(f"I4 {self.id} got {id_}:{seq}, of which it knows nothing")
            return
        if seq <= last or seq in self.own.get(id_, ()):
            self.history.again()
            self.repeated += frame["author"] != self.person and seq > self._began[id_]
            return
        if seq > last + 1:
            self.history.problems.append(f"I4 {self.id} got {id_}:{seq} after {last}")
        self.history.shown(self.id, id_, entry_of(frame))
        self.held[id_] = seq
        self._absorb(id_)
        if self.receipts and frame["author"] != self.person:
            self.client.send("receipt", conversation=id_, delivered_up_to=seq)

    def _absorb(self, conversation: str) -> None:
        assert self.held is not None
        own = self.own.get(conversation, set())
        while self.held[conversation] + 1 in own:
            self.held[conversation] += 1

    # --- Sends ------------------------------------------------------------------------------------

    def _acked(self, frame: Frame) -> None:
        acked = Acked(frame["seq"], frame["revision"], frame["at"])
        self.history.ok(frame["client_message_id"], acked)
        self.pending.pop(frame["client_message_id"], None)
        self.own.setdefault(frame["conversation"], set()).add(acked.seq)
        if frame["conversation"] in (self.held or ()):
            self._absorb(frame["conversation"])
        self._pump()

    def _refused(self, frame: Frame) -> None:
        entry = self.pending.get(frame.get("client_message_id", ""))
        if entry is None:
            return
        if frame["code"] in AGAIN:
            entry.in_flight = False
            self._try_later(entry, frame["retry_after"])
        else:
            self.history.fail(entry.client_message_id, frame["code"])
            del self.pending[entry.client_message_id]
        self._pump()

    def _try_later(self, entry: Pending, seconds: float) -> None:
        """A server that is just ending refuses within the same instant, so at once is for ever."""
        assert self._nursery is not None
        entry.not_before = trio.current_time() + seconds
        self._nursery.start_soon(self._pump_at, entry.not_before)

    async def _pump_at(self, time: float) -> None:
        await trio.sleep_until(time)
        self._pump()

    def _pump(self) -> None:
        if self._client is None or self._client.closed or not self._welcomed_now:
            return
        in_flight: dict[str, int] = {}
        for entry in list(self.pending.values()):
            count = in_flight.get(entry.conversation, 0)
            if count >= self.window:
                continue
            in_flight[entry.conversation] = count + 1
            if not entry.in_flight and entry.not_before <= trio.current_time():
                entry.in_flight = True
                self._client.send(
                    "send",
                    conversation=entry.conversation,
                    client_message_id=entry.client_message_id,
                    text=entry.text,
                )
