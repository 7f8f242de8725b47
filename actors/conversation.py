"""The conversation actor: one conversation's order, membership and receipts.

It decides a whole batch against its state, appends the events once, and releases answers and events
when the journal says they are on disk. Its state runs ahead of the disk only while it waits for
exactly that; if storing fails it starts again from what is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.envelope import Envelope
from actors.ports import Clock, ConversationStore, Journal, Publisher
from domain import conversation as rules
from domain.business import Business
from domain.commands import (
    Accepted,
    AddMember,
    AdvanceReceipt,
    Answer,
    Command,
    Create,
    Delete,
    Done,
    Edit,
    RemoveMember,
    Send,
    ShowTyping,
)
from domain.conversation import Conversation, Entry, Sent, SentKey
from domain.errors import AlreadySent, StorageFailed
from domain.events import (
    Advance,
    ConversationCreated,
    ConversationEvent,
    Cursor,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageSent,
    ReceiptsAdvanced,
)
from domain.limits import Limits
from domain.receipts import advance, merged
from domain.refusal import NOT_FOUND, Code, Refusal

NOT_STORED = Refusal(
    Code.STORAGE_FAILED,
    "It could not be stored, so nothing was accepted. Try again, or tell the operator.",
    retry_after=5.0,
)


@dataclass(slots=True)
class _Decision:
    """What became of one command: an event to store, or an answer that needs none."""

    envelope: Envelope[Command]
    event: ConversationEvent | None
    answer: Answer | None
    audience: Sequence[str]


@dataclass(slots=True)
class _Work:
    """What became of a batch."""

    decisions: list[_Decision] = field(default_factory=list)
    events: list[ConversationEvent] = field(default_factory=list)
    advances: dict[str, Advance] = field(default_factory=dict)
    concerned: tuple[str, ...] = ()
    receipts: list[Envelope[Command]] = field(default_factory=list)


class ConversationActor:
    """Handles the commands of one conversation, a batch at a time."""

    def __init__(
        self,
        business: Business,
        conversation: str,
        store: ConversationStore,
        journal: Journal,
        publisher: Publisher,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._business = business
        self._id = conversation
        self._store = store
        self._journal = journal
        self._publisher = publisher
        self._limits = limits
        self._clock = clock
        self._state: Conversation | None = None

    async def activate(self) -> None:
        """Take up what is stored; a conversation that does not exist yet can be created."""
        self._state = await self._store.conversation(self._business, self._id)

    async def receive(self, batch: Sequence[Envelope[Command]]) -> None:
        """Decide, store once, release."""
        earlier: dict[SentKey, Sent] = {}
        while not await self._handle(batch, earlier):
            pass  # each time, the journal knew messages that are no longer at hand

    async def _handle(
        self, batch: Sequence[Envelope[Command]], earlier: dict[SentKey, Sent]
    ) -> bool:
        """Whether the batch is done; if not, ``earlier`` has more of what was sent long ago."""
        older = await self._older_entries(batch)
        work = self._decide(batch, older, earlier)
        if work.advances:
            work.concerned = await self._concerned(work)
        if not work.events:
            self._release(work, 0)
            self._publisher.flush()
            return True
        try:
            await self._journal.append(
                self._business.id, work.events, lambda first: self._release(work, first)
            )
        except AlreadySent as already:
            await self.activate()
            for key, (_, digest, accepted) in already.known.items():
                earlier[key] = Sent(digest, accepted)
            return False
        except StorageFailed:
            await self.activate()
            for envelope in batch:
                envelope.answer(NOT_STORED)
            self._publisher.flush()
        return True

    async def _older_entries(self, batch: Sequence[Envelope[Command]]) -> dict[int, Entry]:
        """Look up what commands refer to and the state no longer has at hand."""
        older: dict[int, Entry] = {}
        for envelope in batch:
            command = envelope.message
            if isinstance(command, Edit | Delete) and self._state is not None:
                seq = command.seq
                if seq not in self._state.recent and 0 < seq <= self._state.last_seq:
                    entry = await self._store.entry(self._business, self._id, seq)
                    if entry is not None:
                        older[seq] = entry
        return older

    async def _concerned(self, work: _Work) -> tuple[str, ...]:
        """The authors whom the receipts are about and who are still here.

        Those of long ago are looked up.
        """
        receipts = work.events[-1]
        assert isinstance(receipts, ReceiptsAdvanced)
        assert self._state is not None
        authors, unknown = rules.concerned_authors(self._state, receipts)
        if unknown is not None:
            authors |= await self._store.authors(self._business, self._id, *unknown)
        present = dict.fromkeys((*self._state.audience, *self._business.owners))
        return tuple(person for person in present if person in authors)

    def _decide(
        self,
        batch: Sequence[Envelope[Command]],
        older: dict[int, Entry],
        earlier: dict[SentKey, Sent],
    ) -> _Work:
        work = _Work()
        now = self._clock()
        for envelope in batch:
            command = envelope.message
            if isinstance(command, AdvanceReceipt):
                self._advance(work, envelope, command, now)
                continue
            if isinstance(command, ShowTyping):
                self._typing(envelope, command)
                continue
            decided = self._decide_one(command, older, earlier, now)
            event, answer = (
                (None, decided)
                if isinstance(decided, Accepted | Done | Refusal)
                else (decided, None)
            )
            if event is not None:
                self._evolve(event, older)
                work.events.append(event)
                if isinstance(event, MemberAdded | MemberRemoved):
                    work.advances.pop(event.member.id, None)  # who comes or goes starts over
            audience = self._state.audience if self._state is not None else ()
            work.decisions.append(_Decision(envelope, event, answer, audience))
        if work.advances:
            receipts = ReceiptsAdvanced(self._id, now, tuple(work.advances.values()))
            work.events.append(receipts)
        return work

    def _decide_one(
        self,
        command: Command,
        older: dict[int, Entry],
        earlier: dict[SentKey, Sent],
        now: int,
    ) -> ConversationEvent | Answer:
        state = self._state
        if isinstance(command, Create):
            return self._create(command, now)
        if state is None:
            return NOT_FOUND
        match command:
            case Send():
                return rules.decide_send(state, command, earlier, self._limits, now)
            case Edit():
                entry = state.recent.get(command.seq) or older.get(command.seq)
                return rules.decide_edit(state, command, entry, self._limits, now)
            case Delete():
                entry = state.recent.get(command.seq) or older.get(command.seq)
                return rules.decide_delete(state, command, entry, now)
            case AddMember():
                return rules.decide_add(state, command, self._limits, now)
            case RemoveMember():
                return rules.decide_remove(state, command, self._business.owners, now)
            case _:
                raise TypeError(type(command))

    def _create(self, command: Create, now: int) -> ConversationEvent | Answer:
        if self._state is None:
            return rules.decide_create(self._id, command, self._limits, now)
        if rules.same_creation(self._state, command):
            return Done()
        if not self._state.admits(command.speaker):
            return NOT_FOUND
        return Refusal(Code.CONFLICT, "This conversation id is taken. Choose another one.")

    def _evolve(self, event: ConversationEvent, older: dict[int, Entry]) -> None:
        if isinstance(event, ConversationCreated):
            self._state = rules.created(event)
            return
        assert self._state is not None
        if isinstance(event, MessageDeleted) and event.seq in older:
            older[event.seq] = Entry(older[event.seq].author, deleted=True)
        rules.evolve(self._state, event)

    def _advance(
        self, work: _Work, envelope: Envelope[Command], command: AdvanceReceipt, now: int
    ) -> None:
        state, speaker = self._state, command.speaker
        if state is None or not state.admits(speaker):
            envelope.answer(NOT_FOUND)
            return
        step = advance(
            speaker.person,
            state.cursors.get(speaker.person, Cursor()),
            command.delivered_up_to,
            command.read_up_to,
            state.last_seq,
            now,
        )
        if step is None:
            envelope.answer(Done())
            return
        state.cursors[speaker.person] = step.cursor
        earlier = work.advances.get(speaker.person)
        work.advances[speaker.person] = step if earlier is None else merged(earlier, step)
        work.receipts.append(envelope)

    def _typing(self, envelope: Envelope[Command], command: ShowTyping) -> None:
        state, speaker = self._state, command.speaker
        if state is None or not state.admits(speaker):
            envelope.answer(NOT_FOUND)
            return
        self._publisher.typing(
            self._business,
            self._id,
            speaker.person,
            command.active,
            state.audience,
            speaker.connection,
        )
        envelope.answer(Done())

    def _release(self, work: _Work, first: int) -> None:
        """Answer and show, in order. Called when all of it is on disk, without a checkpoint."""
        revision = first
        for decision in work.decisions:
            if decision.event is None:
                decision.envelope.answer(self._final(decision))
                continue
            answer: Answer = Done(revision)
            if isinstance(decision.event, MessageSent):
                assert self._state is not None
                answer = rules.confirm(self._state, decision.event, revision)
            decision.envelope.answer(answer)
            self._publisher.publish(
                self._business,
                revision,
                decision.event,
                decision.audience,
                (decision.envelope.message.speaker.connection,),
            )
            revision += 1
        done = Done(revision if work.advances else 0)
        for envelope in work.receipts:
            envelope.answer(done)
        if work.advances:
            self._release_receipts(work, revision)

    def _release_receipts(self, work: _Work, revision: int) -> None:
        receipts = work.events[-1]
        assert isinstance(receipts, ReceiptsAdvanced)
        origins = frozenset(envelope.message.speaker.connection for envelope in work.receipts)
        self._publisher.publish(self._business, revision, receipts, work.concerned, origins)

    def _final(self, decision: _Decision) -> Answer:
        """The answer of a repeated send, in full: its first one may be of this very batch."""
        answer, command = decision.answer, decision.envelope.message
        assert answer is not None
        if isinstance(answer, Accepted) and isinstance(command, Send) and self._state is not None:
            speaker = command.speaker
            key = (speaker.person, speaker.device, command.client_message_id)
            known = self._state.sent.get(key)
            return answer if known is None else known.accepted
        return answer
