"""One connection of one person: the websocket's commands in, answers and events out.

Commands for actors are told at once, in the callback that the bytes came with; what needs a
look-up is a request (`server.request_queue`). When the connection takes less than there is, the
session falls behind: nothing more is queued for it, and its task reads on from the log.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import trio

from actors.location import LoggedIn, LoggedOut
from actors.presence import Active, Closed, Opened
from domain import commands as domain
from domain.commands import Accepted, Done
from domain.refusal import Code, Refusal
from domain.roles import Operation, Role, may
from protocol import commands, frames
from protocol.close_codes import CloseCode
from protocol.codec import Codec, Malformed
from protocol.commands import Command
from protocol.frames import Frame
from server import reading, resume
from server.admission import Admission
from server.asking import answer_of, error_frame
from server.edge.websocket import WebSocket
from server.live import LiveBusiness
from server.node import PRESENCE, Node
from server.rate import TokenBucket
from server.request_queue import RequestQueue
from server.requests import Requests
from server.wake import Wake
from server.webhooks.send_hooks import HookLine

CATCH_UP_ITEMS = 200
"""How much of the log is read and queued at a time for a connection that is behind."""

ACTIVE_EVERY_MS = 30_000
"""What a person does is told to presence this often at most."""

MALFORMED_MAX = 20
"""Malformed frames in a row after which the connection is closed (1008)."""


class Session:
    """The state of an open connection after its `hello`."""

    __slots__ = (
        "_active_told_at",
        "_answering",
        "_bucket",
        "_in_flight",
        "_line",
        "_live",
        "_malformed_in_row",
        "_node",
        "_paused",
        "_presence_owed",
        "_requests",
        "_resuming",
        "_speaker",
        "_time",
        "_viewer",
        "_wake",
        "_websocket",
        "behind",
        "codec",
        "device",
        "expires_at",
        "location",
        "number",
        "person",
        "queue",
        "revision",
        "role",
        "token_id",
        "watch_doubts",
    )

    def __init__(
        self,
        node: Node,
        live: LiveBusiness,
        websocket: WebSocket,
        codec: Codec,
        admission: Admission,
    ) -> None:
        speaker = admission.speaker
        self.number = speaker.connection
        self.person = speaker.person
        self.role = speaker.role
        self.device = speaker.device
        self.token_id = admission.token_id
        self.expires_at = admission.expires_at
        self.location = admission.location
        self.codec = codec
        self.behind = admission.behind
        self.revision = admission.revision
        self.queue = websocket.queue
        self.watch_doubts = 0
        self._node = node
        self._live = live
        self._websocket = websocket
        self._speaker = speaker
        self._viewer = reading.viewer_of(live, speaker.person, speaker.role)
        self._resuming = admission.behind
        self._wake = Wake()
        self._answering = Requests(node, live, self, speaker)
        self._requests = RequestQueue(
            self._answering, websocket, self._show_answer, self._wake.set, node.flush
        )
        self._in_flight = 0
        self._line = HookLine(node.hooks.send_hooks, live)
        self._paused = False
        self._presence_owed = False
        self._malformed_in_row = 0
        self._active_told_at = 0
        self._time = node.time
        self._bucket = TokenBucket(
            node.limits.commands_per_second, node.limits.commands_burst, self._time()
        )

    # --- life -------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Note the connection, before any of its commands; end those that it replaces."""
        live = self._live
        for replaced in live.add(self, self._node.limits.devices):
            replaced.end(CloseCode.REPLACED, "replaced by another connection")
        live.presence.tell(PRESENCE, Opened(self.person, self.number))
        live.visited.add(self.location)
        live.locations.tell(self.location, LoggedIn(self.person, self.number))

    async def run(self) -> None:
        """Serve the connection until it ends; it has been noted (`enter`)."""
        live, websocket = self._live, self._websocket
        websocket.on_drained = self._wake.set
        websocket.on_closed = self._wake.set
        websocket.on_stopping = self._restart
        if self.behind or websocket.closed is not None:
            self._wake.set()
        try:
            await self._work()
        finally:
            live.remove(self)
            live.watch(self, frozenset(), self._answering.watched)
            live.presence.tell(PRESENCE, Closed(self.person, self.number))
            live.locations.tell(self.location, LoggedOut(self.person, self.number))

    def end(self, code: int, reason: str) -> None:
        """Close the connection; nothing more is shown to it."""
        self.behind = True
        self._live.remove(self)
        self._websocket.close_soon(code, reason)

    def has_room(self) -> bool:
        return self._websocket.pending_bytes == 0

    def fall_behind(self) -> None:
        """Take nothing more for now: read on from the log when the connection has drained."""
        self.behind = True
        self._wake.set()

    def review_watch(self) -> None:
        """Be told nobody's presence until it has been looked up whose may still be watched."""
        if self.role is Role.CUSTOMER and self._answering.watched:
            self.watch_doubts += 1
            self._wake.set()

    def owe_presence(self) -> None:
        """It takes nothing now: it is told the presence of all it watches when it does again."""
        self._presence_owed = True
        self._wake.set()

    def _restart(self) -> None:
        self.end(CloseCode.RESTART, self._node.restart_reason())

    async def _work(self) -> None:
        """Answer requests and catch up, whenever there is something to do, until it is over."""
        websocket = self._websocket
        while websocket.closed is None:
            await self._wake.wait()
            self._wake.clear()
            await self._requests.work()
            while self.watch_doubts and not websocket.closing:
                await self._watch_anew()
            while self.behind and not websocket.closing:
                self._node.flush()
                if not self.has_room():
                    break  # what the kernel did not take now wakes us when it has gone
                await self._catch_up()
            self._node.flush()
            if self._presence_owed and self.has_room() and not self.behind:
                await self._watch_anew()
                self._node.flush()

    async def _catch_up(self) -> None:
        """Read and queue the next part of the log; at its end, go live without a gap."""
        page = await self._node.queries.catch_up(self._viewer, self.revision, CATCH_UP_ITEMS)
        codec, queue = self.codec, self.queue
        for revision, missed in page.items:
            shown = resume.frame(self._live, self.person, revision, missed)
            if shown is not None and not queue(codec.framed(shown)):
                if self.has_room() and not self._websocket.closing:  # from under other settings
                    self._live.unfit.add((self.person, self.device))
                    self.end(CloseCode.RESET, "an event is larger than a connection holds")
                return  # the rest is read again once this much has gone
            self.revision = revision
        self.revision = page.up_to
        # No checkpoint between the reading's end and here: what is released from now on comes live.
        if page.done and page.up_to >= self._node.database.journal.released(self._live.id):
            self.behind = False
            if self._resuming:
                self._resuming = False
                self._reply(frames.Resumed(revision=self.revision))

    async def _watch_anew(self) -> None:
        """Watch on whom one still shares a conversation with, and tell how they are by now."""
        doubts = self.watch_doubts
        present = await self._answering.watch_anew()
        self.watch_doubts -= doubts
        if not self.watch_doubts:
            self._presence_owed = bool(present.people) and not self.queue(
                self.codec.framed(present)
            )

    # --- in ---------------------------------------------------------------------------------------

    def receive(self, payloads: list[bytes]) -> None:
        """Handle all messages that one read brought, in order."""
        allowed = self._bucket.take(len(payloads), self._time())
        decode, handlers = self.codec.decode, self._HANDLERS
        for position, payload in enumerate(payloads):
            command = decode(payload)
            if isinstance(command, Malformed):
                self._malformed(command)
                continue
            self._malformed_in_row = 0
            if position >= allowed:
                self._refuse(command, self._too_fast())
                continue
            handler = handlers.get(type(command))
            if handler is not None:
                handler(self, command)
            else:
                self._enqueue(command)

    def _too_fast(self) -> Refusal:
        return Refusal(
            Code.RATE_LIMITED,
            "Too many commands at once. Wait a moment.",
            self._bucket.seconds_until_one(self._time()),
        )

    def _malformed(self, malformed: Malformed) -> None:
        self._malformed_in_row += 1
        if self._malformed_in_row > MALFORMED_MAX:
            self._websocket.close_soon(CloseCode.POLICY, "too many malformed frames")
            return
        self._reply(error_frame(malformed.refusal, malformed.id, malformed.client_message_id))

    def _enqueue(self, command: Command) -> None:
        if not self._requests.put(command):
            overloaded = Refusal(Code.OVERLOADED, "Too many requests wait. Ask again later.", 1.0)
            self._refuse(command, overloaded)

    # --- commands that actors answer --------------------------------------------------------------

    def _tell(self, command: Any, message: domain.Command) -> None:
        """Hand ``message`` to the conversation; the answer comes back as a callback."""
        self._in_flight += 1
        if self._in_flight > self._node.limits.sends_in_flight and not self._paused:
            self._paused = True
            self._websocket.pause_reading()
        live, then = self._live, partial(self._answered, command)
        if live.state.send_hook is None and self._line.last is None:
            live.conversations.tell(command.conversation, message, then)
        else:
            self._line.tell(command.conversation, message, then)

    def _answered(self, command: Command, value: object) -> None:
        self._in_flight -= 1
        if self._paused and self._in_flight <= self._node.limits.sends_in_flight // 2:
            self._paused = False
            # Not from within the actor that answers: what was held back may be told to it at once.
            trio.lowlevel.current_trio_token().run_sync_soon(self._websocket.resume_reading)
        if type(value) is Accepted and type(command) is commands.Send:
            self._reply(
                frames.Ack(
                    id=command.id,
                    client_message_id=command.client_message_id,
                    conversation=command.conversation,
                    seq=value.seq,
                    revision=value.revision,
                    at=value.at,
                )
            )
            return
        if type(value) is Done and command.id is None:
            return  # done, and nobody asked to hear of it
        answer = answer_of(value)
        self._show_answer(command, answer)
        if isinstance(answer, Refusal):
            self._node.flush()

    def _send(self, command: commands.Send) -> None:
        self._is_active()
        said = command.client_message_id, command.text, command.reply_to, None, command.attachments
        self._tell(command, domain.Send(self._speaker, *said))

    def _edit(self, command: commands.Edit) -> None:
        self._is_active()
        self._tell(command, domain.Edit(self._speaker, command.seq, command.text))

    def _delete(self, command: commands.Delete) -> None:
        self._tell(command, domain.Delete(self._speaker, command.seq))

    def _receipt(self, command: commands.Receipt) -> None:
        if command.read_up_to:
            self._is_active()
        self._tell(
            command,
            domain.AdvanceReceipt(self._speaker, command.delivered_up_to, command.read_up_to),
        )

    def _remove(self, command: commands.RemoveMember) -> None:
        if not may(self._speaker.role, Operation.REMOVE_MEMBER):
            self._refuse(
                command, Refusal(Code.FORBIDDEN, "Ask somebody of the business to remove people.")
            )
            return
        self._tell(command, domain.RemoveMember(self._speaker, command.person))

    def _leave(self, command: commands.Leave) -> None:
        self._tell(command, domain.RemoveMember(self._speaker, self.person))

    def _typing(self, command: commands.Typing) -> None:
        self._is_active()
        self._live.conversations.tell(
            command.conversation,
            domain.ShowTyping(self._speaker, command.active),
            ephemeral=True,
        )

    # --- commands answered here -------------------------------------------------------------------

    def _activity(self, command: commands.Activity) -> None:
        self._active_told_at = 0
        self._live.presence.tell(PRESENCE, Active(self.person, self.number, command.active))

    def _is_active(self) -> None:
        now = self._node.clock()
        if now - self._active_told_at >= ACTIVE_EVERY_MS:
            self._active_told_at = now
            self._live.presence.tell(PRESENCE, Active(self.person, self.number))

    def _ping(self, command: commands.Ping) -> None:
        self._reply(frames.Pong(id=command.id, server_time=self._node.clock()))

    def _second_hello(self, command: commands.Hello) -> None:
        self._refuse(command, Refusal(Code.BAD_REQUEST, "This connection has said hello already."))

    # --- out --------------------------------------------------------------------------------------

    def _show_answer(self, command: Command, answer: Frame | domain.Answer) -> None:
        if isinstance(answer, Refusal):
            self._refuse(command, answer)
        elif isinstance(answer, Frame):
            self._reply(answer)
            self._answering.after_reply(self._reply)
        elif command.id is not None:
            self._reply(frames.Ok(id=command.id, revision=answer.revision))

    def _refuse(self, command: Command, refusal: Refusal) -> None:
        sent = command.client_message_id if isinstance(command, commands.Send) else ""
        self._reply(error_frame(refusal, command.id, sent))

    def _reply(self, frame: Frame) -> None:
        """Queue a reply; a client that asks and does not read the answers is too slow."""
        framed = self.codec.framed(frame)
        if not self._websocket.queue_reply(framed) and self._websocket.closed is None:
            self._websocket.close_soon(CloseCode.SLOW, "slow")

    _HANDLERS: ClassVar[dict[type, Callable[["Session", Any], None]]] = {
        commands.Send: _send,
        commands.Edit: _edit,
        commands.Delete: _delete,
        commands.Receipt: _receipt,
        commands.RemoveMember: _remove,
        commands.Leave: _leave,
        commands.Typing: _typing,
        commands.Activity: _activity,
        commands.Ping: _ping,
        commands.Hello: _second_hello,
    }
    """What is answered in the callback that the bytes came with; all else is a request."""
