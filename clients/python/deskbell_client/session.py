"""The protocol as a state machine without I/O: what happened goes in, what to do comes out.

Whoever drives it says what happened (`opened`, `received`, `heard`, `ended`, `tick`) and what the
application wants (`send`, `ask`, …), each time with ``now`` in seconds of any steady clock; carries
out what `take` returns; and calls `tick` at `deadline`. `next_event` hands out the events.
"""

from typing import Any, Final

from deskbell_client import closing, commands, events, replies, wire
from deskbell_client.closing import Ended, Next
from deskbell_client.credentials import Credentials
from deskbell_client.errors import OutcomeUnknown, Refused, Stopped, WireError
from deskbell_client.heartbeat import Beat, Heartbeat
from deskbell_client.inbox import Inbox
from deskbell_client.limits import Limits
from deskbell_client.options import Options
from deskbell_client.ordering import Ordering, Place
from deskbell_client.outgoing import Outgoing
from deskbell_client.outputs import Answered, HangUp, Output, Settled, Transmit
from deskbell_client.phase import Phase
from deskbell_client.records import Cursor, Message
from deskbell_client.requests import Requests
from deskbell_client.storage import Position, Stored
from deskbell_client.upkeep import Upkeep

TEMPORARY: Final = frozenset({"rate_limited", "overloaded", "unavailable"})
"""Refusals of a send after which the same is tried again."""


class Session:
    """One device of one person, over any number of connections.

    Nothing but `hello` goes out before the session is live, that is, before all that was missed has
    come. The position moves with events alone, which come in order; an ack may overtake events that
    belong before it, and resuming from there would leave them out.
    """

    def __init__(
        self,
        device: str,
        options: Options,
        credentials: Credentials,
        stored: Stored,
        now: float,
    ) -> None:
        self.phase = Phase.OFFLINE
        self.connect_at = now
        self.welcome: replies.Welcome | None = None
        self.stopped: Stopped | None = None
        self.credentials = credentials
        self._device = device
        self._options = options
        self._person = stored.position.person
        self._cursor = stored.position.cursor
        self._inbox = Inbox(options.queue, self._cursor)
        self._outgoing = Outgoing(
            options.window, options.window_per_conversation, options.max_pending, stored.pending
        )
        self._limits = Limits({})
        self._requests = Requests()
        self._upkeep = Upkeep()
        self._ordering = Ordering()
        self._random = options.random
        self._tries = 0
        self._malformed_so_far = 0
        self._hole: tuple[str, int] | None = None
        self._begin_anew = False
        self._heartbeat = Heartbeat()
        self._outputs: list[Output] = []

    # --- What to do -------------------------------------------------------------------------------

    def take(self) -> list[Output]:
        """What to do now, in this order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    @property
    def deadline(self) -> float:
        """When to call `tick` at the latest; infinity while offline."""
        times = [self._heartbeat.next_time] if self.phase.connected else [float("inf")]
        if self.phase is Phase.LIVE:
            times += self._outgoing.next_time(), self._upkeep.next_time()
        return min(times)

    @property
    def position(self) -> Position:
        """What to store: up to where the application has processed its events."""
        return Position(
            self._device,
            self._person,
            self._inbox.processed,
            self.credentials.session_token,
        )

    def next_event(self, now: float) -> events.Event | None:
        """The next event for the application, which has processed the one before; or ``None``."""
        event = self._inbox.take()
        if isinstance(event, Message) and self._options.auto_delivered:
            if event.author != self._person and event.kind == "text":
                self._upkeep.receipts.note(event.conversation, event.seq, 0, now)
        elif event is None and self._inbox.behind and self.phase is not Phase.GREETING:
            self._hang_up(Ended(reason="the events that did not fit are asked for again"))
        return event

    def report(self, send: commands.Send, outcome: replies.Ack | Refused) -> None:
        """Nobody waits for this outcome of a send: make an event of it."""
        if isinstance(outcome, replies.Ack):
            self._inbox.put_local(events.Sent(outcome))
        else:
            failed = (send.client_message_id, send.conversation, outcome.code, outcome.message)
            self._inbox.put_local(events.SendFailed(*failed))

    # --- What the application wants ---------------------------------------------------------------

    def check(self, send: commands.Send) -> bool:
        """Whether ``send`` is pending already; raises what forbids it to become so.

        `PendingFull`; `Refused` (`too_large`, or `conflict` with another one of the same id);
        `WireError` for text that is not Unicode.
        """
        self._limits.encoded(send)
        return self._outgoing.check(send)

    def send(self, send: commands.Send, now: float) -> None:
        """Take a send that `check` has let through; `Settled` follows."""
        self._outgoing.keep(send)
        self._pump(now)

    def ask(self, command: commands.Command[Any], now: float) -> int:
        """Send ``command`` when live; `Answered` with the id follows. Raises like `check`."""
        self._limits.encoded(command)
        request_id = self._requests.add(command)
        self._pump(now)
        return request_id

    def forget(self, request_id: int) -> None:
        """Nobody waits for this answer any more."""
        self._requests.settle(request_id)

    def receipt(self, command: commands.Receipt, now: float) -> None:
        """Move one's cursors; the highest of a burst is sent soon, again after a reconnect."""
        self._upkeep.receipts.note(
            command.conversation, command.delivered_up_to, command.read_up_to, now
        )

    def activity(self, active: bool, now: float) -> None:
        """The person is at the device, or not."""
        self._upkeep.told_active(active, now)
        self._pump(now)

    def typing(self, command: commands.Typing, now: float) -> None:
        """Tell that one types, if live: never later."""
        if self.phase is Phase.LIVE and self._upkeep.typing(command, now):
            self._outputs.append(Transmit(wire.encode(command)))

    def close(self, now: float) -> None:
        """Stop for good: the receipts that still gather go out, then the connection ends."""
        if self.phase is Phase.LIVE:
            self._pump(now, all_receipts=True)
        closed = Ended(closing.NORMAL, "closed by this program")
        self._hang_up(closed)
        self._stop(closed)

    # --- What happened ----------------------------------------------------------------------------

    def opened(self, token: str, now: float) -> None:
        """A websocket is open: greet."""
        self.phase = Phase.GREETING
        self._heartbeat = Heartbeat(now)
        hello = commands.Hello(token, self._device, self._cursor, self._options.location)
        self._outputs.append(Transmit(wire.encode(hello)))

    def heard(self, now: float) -> None:
        """Bytes came: the connection lives."""
        self._heartbeat.heard(now)

    def received(self, data: bytes, now: float) -> None:
        """A binary message came."""
        self.heard(now)
        if not self.phase.connected:
            return
        try:
            frame = wire.decode(data)
        except WireError as error:
            self._malformed(error)
            return
        if isinstance(frame, replies.Welcome):
            if self.phase is Phase.GREETING:
                self._welcomed(frame, now)
        elif self.phase is not Phase.GREETING:
            self._frame(frame, now)

    def tick(self, now: float) -> None:
        """Time has passed."""
        if not self.phase.connected:
            return
        beat = self._heartbeat.tick(now)
        if beat is Beat.DEAD:
            self._hang_up(Ended(reason="nothing was heard from the server"), politely=False)
        elif beat is Beat.ASK and self.phase is not Phase.GREETING:
            ping = wire.encode(commands.Ping(), self._requests.new_id())
            self._outputs.append(Transmit(ping))
        self._pump(now)

    def ended(self, ended: Ended, now: float) -> None:
        """The connection, or the attempt at one, ended: see `connect_at` and `stopped`."""
        if self.phase is Phase.STOPPED:
            return
        self._outgoing.lost()
        self._upkeep.lost(now)
        for request_id in self._requests.lost():
            unknown = OutcomeUnknown("The connection ended before the reply came.")
            self._outputs.append(Answered(request_id, unknown))
        after = closing.after(ended.code)
        if after is Next.NEW_TOKEN and not self.credentials.refused():
            after = Next.STOP
        if after is Next.STOP:
            self._stop(ended)
            return
        delay = closing.patience(
            max(self._tries, self._malformed_so_far), ended.retry_after, self._random
        )
        self._tries += 1
        self.phase = Phase.OFFLINE
        self.connect_at = now + delay
        self._inbox.put_local(events.Disconnected(ended.code, ended.reason, delay))

    def _malformed(self, error: WireError) -> None:
        """Fail what waits for it; otherwise reconnect, later each time: it may come again."""
        if error.id is not None and self._requests.settle(error.id) is not None:
            self._outputs.append(Answered(error.id, error))
            return
        self._malformed_so_far += 1
        self._hang_up(Ended(reason=f"the server sent what is no frame: {error}"))

    # --- Frames -----------------------------------------------------------------------------------

    def _welcomed(self, welcome: replies.Welcome, now: float) -> None:
        if self._person not in (None, welcome.person):
            reason = f"the stored state is of {self._person!r}, the token of {welcome.person!r}"
            self._hang_up(Ended(closing.NORMAL, reason))
            self._stop(Ended(closing.UNAUTHENTICATED, reason))
            return
        self.welcome = welcome
        self._limits = Limits(welcome.limits)
        self._person = welcome.person
        self.credentials.welcomed(welcome.session_token)
        self._tries = 0
        self._heartbeat.agreed(welcome.heartbeat, now)
        self._outgoing.window = min(self._options.window, self._limits.sends_in_flight)
        self._inbox.behind = False
        if welcome.resume == "complete" and self._cursor is not None:
            self.phase = Phase.RESUMING
            self._inbox.put_local(events.Connected(welcome))
        else:
            self._begun(welcome, now)

    def _begun(self, welcome: replies.Welcome, now: float) -> None:
        """Not a continuation: the log begins at ``welcome.revision`` for this device."""
        was_fresh = self._cursor is None and not self._begin_anew and welcome.resume == "fresh"
        self._cursor = Cursor(welcome.epoch, welcome.revision)
        self._ordering.clear()
        if not was_fresh:
            reason = "gap" if self._begin_anew else welcome.reset_reason or welcome.resume
            self._inbox.put_local(events.Reset(reason, self._cursor))
        self._begin_anew = False
        self._inbox.put_local(events.Connected(welcome))
        self._inbox.mark(self._cursor)
        self._live(now)

    def _live(self, now: float) -> None:
        self.phase = Phase.LIVE
        self._upkeep.connected(now)
        self._pump(now)

    def _frame(self, frame: wire.ServerFrame, now: float) -> None:
        if isinstance(frame, events.PassingEvent):
            self._inbox.put_passing(frame)
        elif isinstance(frame, replies.Ack):
            self._acked(frame, now)
        elif isinstance(frame, replies.Error):
            self._refused(frame, now)
        elif isinstance(frame, replies.Reply):
            self._answered(frame)
        elif not isinstance(frame, wire.Unknown):
            self._stored(frame)
            if isinstance(frame, events.Resumed) and self.phase is Phase.RESUMING:
                self._live(now)

    def _stored(self, event: events.StoredEvent) -> None:
        if not self._inbox.has_room():
            return
        if isinstance(event, Message):
            place = self._ordering.entry(event.conversation, event.seq)
            if place is Place.GAP:
                self._missing(event)
                return
            if place is Place.KNOWN:
                self._inbox.mark(self._advanced(event.revision))
                return
        elif isinstance(event, events.ConversationAdded):
            self._ordering.forget(event.conversation.id)
        elif isinstance(event, events.ConversationRemoved):
            self._ordering.forget(event.conversation)
            self._upkeep.receipts.drop(event.conversation)
        self._inbox.put_stored(event, self._advanced(event.revision))

    def _missing(self, message: Message) -> None:
        """An entry before ``message`` did not come: resume; if that does not help, begin anew."""
        hole = message.conversation, message.seq
        if self._hole == hole:
            self._cursor = None
            self._begin_anew = True
        self._hole = hole
        self._hang_up(Ended(reason=f"an entry before {message.seq} is missing"))

    def _acked(self, ack: replies.Ack, now: float) -> None:
        self._ordering.acked(ack.conversation, ack.seq)
        send = self._outgoing.settle(ack.client_message_id)
        if send is not None:
            self._outputs.append(Settled(send, ack))
        self._pump(now)

    def _refused(self, error: replies.Error, now: float) -> None:
        refused = Refused(error.code, error.message, error.retry_after)
        if error.client_message_id:
            self._send_refused(error.client_message_id, refused, now)
        elif error.id is not None and (kept := self._upkeep.settle(error.id)) is not None:
            again = now + closing.patience(1, refused.retry_after or None, self._random)
            self._upkeep.refused(kept, again if refused.code in TEMPORARY else None)
        elif error.id is not None and self._requests.settle(error.id) is not None:
            self._outputs.append(Answered(error.id, refused))

    def _send_refused(self, client_message_id: str, refused: Refused, now: float) -> None:
        if refused.code in TEMPORARY:
            tries = self._outgoing.tries(client_message_id)
            wait = closing.patience(tries, refused.retry_after or None, self._random)
            self._outgoing.postpone(client_message_id, now + wait)
        elif (send := self._outgoing.settle(client_message_id)) is not None:
            self._outputs.append(Settled(send, refused))
            self._pump(now)

    def _answered(self, reply: replies.Reply) -> None:
        if reply.id is None or self._upkeep.settle(reply.id) is not None:
            return
        command = self._requests.settle(reply.id)
        if command is None:
            return
        if isinstance(command, commands.Watch):
            self._upkeep.watching = command
        if isinstance(reply, command.reply):
            self._outputs.append(Answered(reply.id, reply))
        else:
            wrong = WireError(f"{command.name} was answered by {type(reply).__name__}")
            self._outputs.append(Answered(reply.id, wrong))

    # --- Parts of the above -----------------------------------------------------------------------

    def _pump(self, now: float, *, all_receipts: bool = False) -> None:
        """Send what may go out now; what was so before goes before what is asked anew."""
        if self.phase is not Phase.LIVE:
            return
        for kept in self._upkeep.take(now, all_receipts=all_receipts):
            kept_id = None
            if not isinstance(kept, commands.Activity):
                kept_id = self._requests.new_id()
                self._upkeep.sent(kept_id, kept)
            self._outputs.append(Transmit(wire.encode(kept, kept_id)))
        for request_id, command in self._requests.take():
            self._outputs.append(Transmit(wire.encode(command, request_id)))
        for send in list(self._outgoing.take(now)):
            self._transmit_send(send)

    def _transmit_send(self, send: commands.Send) -> None:
        try:
            self._outputs.append(Transmit(self._limits.encoded(send)))
        except Refused as too_large:  # by the limits of another server than at first
            self._outgoing.settle(send.client_message_id)
            self._outputs.append(Settled(send, too_large))

    def _advanced(self, revision: int) -> Cursor:
        assert self._cursor is not None
        if revision > self._cursor.revision:
            self._cursor = Cursor(self._cursor.epoch, revision)
        return self._cursor

    def _hang_up(self, why: Ended, *, politely: bool = True) -> None:
        if self.phase.connected:
            self.phase = Phase.HANGING_UP
            self._outputs.append(HangUp(why, politely))

    def _stop(self, ended: Ended) -> None:
        self.phase = Phase.STOPPED
        self.stopped = Stopped(ended.code, ended.reason)
        for request_id in self._requests.clear():
            self._outputs.append(Answered(request_id, self.stopped))
