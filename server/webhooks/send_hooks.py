"""The send hook: a business is asked before a message of one of its people is accepted (EX-38).

Rules
1. What is no new message of somebody who is in the conversation is not asked about: it gets the
   answer it always gets, so a repeat gets its first answer, and strangers learn nothing.
2. A `client_message_id` is asked about by one send at a time, in the order in which they came; the
   next one goes on when the answer to the one before is known.
3. What one connection asks of conversations arrives in the order in which it was asked, also when
   the answers of the hook do not (`HookLine`).
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import structlog
import trio

from actors.envelope import Overloaded, Unavailable
from actors.pending_answer import PendingAnswer
from adapters.webhooks.address import endpoint_of
from adapters.webhooks.calling import Caller, NotReached
from domain.commands import Command, Send
from domain.conversation import SentKey, sent_key
from domain.limits import Limits
from domain.refusal import Code, Refusal
from domain.send_hook import HookAllows, HookAnswer, HookEdits, HookQuestion, HookRefuses
from domain.text import refuse_text
from domain.webhooks import SENDING, SendHook, succeeded
from server.asking import ASK_SECONDS
from server.live import LiveBusiness
from server.reading import viewer_of
from server.webhooks.courier import headers_of
from storage.webhook_store import WebhookStore

log = structlog.get_logger(__name__)

WAITING_MAX = 1_000
"""Commands of one business that wait for its hook, or behind such; beyond it `overloaded`."""

PARALLEL = 32
"""Calls to the hook of one business at the same time; the others wait, within their deadline."""

ANSWER_BYTES = 256 * 1024
SENTENCE_BYTES = 500

UNKNOWN_SHOWN = 32
"""Names of unknown fields that one line of the log holds, and characters of each."""

_NO_SENTENCE = "The business does not accept this message."
_NOT_CHECKED = Refusal(
    Code.UNAVAILABLE, "The message could not be checked. Try again in a moment.", 5.0
)
_STOPPING = Unavailable(1.0, "stopping")

Then = Callable[[object], None]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder[HookAnswer](HookAnswer).decode
_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(slots=True)
class _Of:
    """What waits for the hook of one business."""

    waiting: int = 0
    calls: trio.Semaphore = field(default_factory=lambda: trio.Semaphore(PARALLEL))
    last: dict[SentKey, trio.Event] = field(default_factory=dict)


class HookLine:
    """Hands on what one connection asks of conversations, in that order.

    Without a hook it is handed on at once, unless something before it still waits.
    """

    __slots__ = ("_hooks", "_live", "last")

    def __init__(self, hooks: "SendHooks", live: LiveBusiness) -> None:
        self._hooks = hooks
        self._live = live
        self.last: trio.Event | None = None
        """Set when the last one that waits is handed on; ``None``: nothing waits."""

    def tell(self, conversation: str, command: Command, then: Then) -> None:
        """Hand ``command`` on, at once or in its turn; ``then`` is called with the answer."""
        live = self._live
        if self.last is None and (live.state.send_hook is None or type(command) is not Send):
            live.conversations.tell(conversation, command, then)
        else:
            self._hooks.tell(live, self, conversation, command, then)


class SendHooks:
    """`run` owns what waits. Without a hook, nothing of a business comes here."""

    def __init__(
        self,
        store: WebhookStore,
        caller: Caller,
        clock: Callable[[], int],
        limits: Limits,
        *,
        allow_private: bool,
    ) -> None:
        self._store = store
        self._caller = caller
        self._clock = clock
        self._limits = limits
        self._allow_private = allow_private
        self._of: dict[str, _Of] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Own what waits until cancelled; then whoever still waits is told so."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def tell(
        self,
        live: LiveBusiness,
        line: HookLine | None,
        conversation: str,
        command: Command,
        then: Then,
    ) -> None:
        """Hand ``command`` to its conversation when the hook has allowed it, in its turn.

        ``then`` is called once: with the conversation's answer, or why it was not asked.
        """
        of = self._of.get(live.id) or self._of.setdefault(live.id, _Of())
        if self._nursery is None or of.waiting >= WAITING_MAX:
            then(_STOPPING if self._nursery is None else Overloaded(1.0))
            return
        turn = _Turn(live, conversation, command, then, live.access_stamp(command.speaker.person))
        if line is not None:
            turn.after, line.last = line.last, turn.told
        if isinstance(command, Send):
            key = sent_key(command)
            turn.same, of.last[key] = of.last.get(key), turn.answered
        of.waiting += 1
        self._nursery.start_soon(self._carry, of, line, turn)

    async def ask(self, live: LiveBusiness, conversation: str, command: Send) -> object:
        """As `tell`, for who waits for the answer: over HTTP, where there is no line."""
        pending = PendingAnswer()
        self.tell(live, None, conversation, command, pending.resolve)
        with trio.move_on_after(ASK_SECONDS):
            return await pending.wait()
        return Unavailable(1.0, "timed_out")

    async def _carry(self, of: _Of, line: HookLine | None, turn: "_Turn") -> None:
        try:
            await self._decide(of, turn)
            if turn.after is not None:
                await turn.after.wait()
            turn.hand_on()
        finally:
            turn.told.set()
            turn.answer(_STOPPING, only_if_not_handed_on=True)
            of.waiting -= 1
            if line is not None and line.last is turn.told:
                line.last = None
        await turn.answered.wait()
        self._forget(of, turn)

    def _forget(self, of: _Of, turn: "_Turn") -> None:
        if isinstance(turn.command, Send):
            key = sent_key(turn.command)
            if of.last.get(key) is turn.answered:
                del of.last[key]

    async def _decide(self, of: _Of, turn: "_Turn") -> None:
        """Ask the hook, if it is to be asked; what it says becomes of the turn."""
        if turn.same is not None:
            await turn.same.wait()
        hook, command = turn.live.state.send_hook, turn.command
        if hook is None or not isinstance(command, Send):
            return
        if refuse_text(command.text, self._limits.text_bytes) is not None:
            return  # the conversation says why
        speaker = command.speaker
        viewer = viewer_of(turn.live, speaker.person, speaker.role)
        try:
            if not await self._store.would_be_new(viewer, turn.conversation, sent_key(command)):
                return
        except (trio.TooSlowError, sqlite3.Error):
            turn.refusal = _NOT_CHECKED
            return
        verdict = await self._asked(of, hook, turn, command)
        if isinstance(verdict, Refusal):
            turn.refusal = verdict
        elif isinstance(verdict, HookRefuses):
            turn.refusal = Refusal(Code.REFUSED_BY_HOOK, verdict.message)
        elif isinstance(verdict, HookEdits):
            turn.command = msgspec.structs.replace(command, edited=verdict.text)

    async def _asked(
        self, of: _Of, hook: SendHook, turn: "_Turn", command: Send
    ) -> HookAnswer | Refusal:
        """What the hook answers, or what counts if it does not."""
        verdict: HookAnswer | None = None
        with trio.move_on_after(hook.deadline_ms / 1000):
            async with of.calls:
                verdict = await self._call(hook, turn, command)
        if verdict is not None:
            return verdict
        log.warning(
            "send hook gave no answer that counts",
            business=turn.live.id,
            deadline_ms=hook.deadline_ms,
            then=hook.on_failure,
        )
        return HookAllows() if hook.on_failure == "allow" else _NOT_CHECKED

    async def _call(self, hook: SendHook, turn: "_Turn", command: Send) -> HookAnswer | None:
        endpoint = endpoint_of(hook.url, allow_private=self._allow_private)
        if isinstance(endpoint, Refusal):
            return None
        now, speaker, business = self._clock(), command.speaker, turn.live.id
        body = _encode(
            HookQuestion(
                business=business,
                conversation=turn.conversation,
                author=speaker.person,
                role=speaker.role,
                device=speaker.device,
                client_message_id=command.client_message_id,
                text=command.text,
                reply_to=command.reply_to,
                at=now,
            )
        )
        delivery = ":".join((business, *sent_key(command)))
        headers = headers_of(hook.secrets, now, SENDING, delivery, body)
        seconds = hook.deadline_ms / 1000
        try:
            answer = await self._caller.post(endpoint, headers, body, seconds, ANSWER_BYTES)
        except NotReached:
            return None
        if not succeeded(answer.status) or answer.body is None:
            return None
        return self._understood(business, answer.body)

    def _understood(self, business: str, body: bytes) -> HookAnswer | None:
        """The hook's answer; ``None``: it is none, or what it says cannot be said.

        What its action does not have is passed over, and noted: most likely it is a wrong name.
        """
        try:
            verdict: HookAnswer = _decode(body)
            unknown = _names(body).keys() - {"action", *verdict.__struct_fields__}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if unknown:
            fields = [name[:UNKNOWN_SHOWN] for name in sorted(unknown)[:UNKNOWN_SHOWN]]
            log.warning("send hook answered with unknown fields", business=business, fields=fields)
        if isinstance(verdict, HookEdits) and refuse_text(verdict.text, self._limits.text_bytes):
            return None
        if isinstance(verdict, HookRefuses) and refuse_text(verdict.message, SENTENCE_BYTES):
            return HookRefuses(_NO_SENTENCE)
        return verdict


@dataclass(slots=True, eq=False)
class _Turn:
    """One command on its way: ``after`` is what goes before it, ``same`` a send of the same id."""

    live: LiveBusiness
    conversation: str
    command: Command
    then: Then
    access: tuple[int, int]
    told: trio.Event = field(default_factory=trio.Event)
    answered: trio.Event = field(default_factory=trio.Event)
    after: trio.Event | None = None
    same: trio.Event | None = None
    refusal: Refusal | None = None
    handed_on: bool = False

    def hand_on(self) -> None:
        """Tell the conversation, or the sender why not."""
        if self.access != self.live.access_stamp(self.command.speaker.person):
            self.refusal = _NOT_CHECKED  # their rights have changed meanwhile
        if self.refusal is not None:
            self.answer(self.refusal)
            return
        self.handed_on = True
        self.live.conversations.tell(self.conversation, self.command, self.answer)

    def answer(self, value: object, *, only_if_not_handed_on: bool = False) -> None:
        """Pass the answer on, once."""
        if self.answered.is_set() or (only_if_not_handed_on and self.handed_on):
            return
        self.answered.set()
        self.then(value)
