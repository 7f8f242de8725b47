"""The conversation actor: one conversation's order, membership and receipts.

It decides a whole batch against its state, appends the events once, and releases answers and events
when the journal says they are on disk. Its state runs ahead of the disk only while it waits for
exactly that; if storing fails it starts again from what is stored.
"""

from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from actors.actor import Actor, Storing
from actors.batch_work import NOT_STORED, Decision, Work, as_read, receipts_of
from actors.envelope import Envelope
from actors.handling import HandlingDesk
from actors.looking_up import (
    answer_repeats,
    as_of_now,
    entry_at,
    needs_nothing,
    with_attachments,
)
from actors.notes import NoteDesk
from actors.ports import Clock, ConversationStore, Journal, Publisher
from actors.releasing import released
from domain import conversation as rules
from domain import creation
from domain.business import Business
from domain.commands import (
    Accepted,
    AddMember,
    AdvanceReceipt,
    Answer,
    ChangeNote,
    Command,
    Create,
    Delete,
    Done,
    Edit,
    Erase,
    Handle,
    Import,
    Mark,
    RemoveMember,
    Send,
    SettleAttachment,
    ShowTyping,
    Tend,
)
from domain.concerned import concerned_authors, still_here
from domain.conversation import Conversation, Entry, Sent, SentKey, sent_key
from domain.erasure import erased_messages
from domain.errors import AlreadySent, StorageFailed
from domain.events import (
    AttachmentSettled,
    ConversationCreated,
    ConversationEvent,
    Cursor,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    ReceiptsAdvanced,
)
from domain.handling import Accompanied
from domain.imports import decide_import
from domain.limits import Limits
from domain.receipts import advance, merged
from domain.refusal import NOT_FOUND, Refusal
from domain.roles import Role

_ANSWERS = (Accepted, Done, Refusal)
_LOOKS_BACK = (Edit, Delete, SettleAttachment)
_MEMBERSHIP = (MemberAdded, MemberRemoved)
_CHANGES = (MessageEdited, MessageDeleted, AttachmentSettled)


class ConversationActor(Actor[Command]):
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
        self._handling = HandlingDesk(business, store, publisher, limits.members)
        self._notes = NoteDesk(business, conversation, store, limits)

    async def activate(self) -> None:
        """Take up what is stored; a conversation that does not exist yet can be created."""
        self._state = await self._store.conversation(self._business, self._id)
        self._handling.forget()
        if self._state is not None:
            self._state.business = self._business

    def receive(self, batch: Sequence[Envelope[Command]]) -> Coroutine[Any, Any, Storing | None]:
        """Decide, store once; what is stored is released."""
        return self._handle(batch, {})  # as it is: a coroutine around it would cost each message

    async def not_stored(
        self, batch: Sequence[Envelope[Command]], error: Exception
    ) -> Storing | None:
        """Start from what is stored; what was sent long ago gets its first answer."""
        await self.activate()
        if isinstance(error, AlreadySent):
            keys = [sent_key(e.message) for e in batch if isinstance(e.message, Send)]
            keys += self._handling.said
            return await self._handle(batch, await self._store.sent(self._business, keys))
        failed = [Decision(envelope, None, NOT_STORED, ()) for envelope in batch]
        await answer_repeats(self._store, self._business, self._id, failed)
        for envelope, decision in zip(batch, failed, strict=True):
            envelope.answer(decision.answer)
        self._publisher.flush()
        return None

    async def _handle(
        self, batch: Sequence[Envelope[Command]], earlier: Mapping[SentKey, Sent]
    ) -> Storing | None:
        """``earlier`` is what of the batch was sent long ago, as far as that is known."""
        older: dict[int, Entry] = {}
        self._forget_the_last_batch()
        for envelope in batch:
            if not needs_nothing(envelope.message):  # as nearly all do
                await self._prepare(envelope, older)
        work = self._decide(batch, older, earlier)
        if work.refused_sends:
            await answer_repeats(self._store, self._business, self._id, work.refused_sends)
        if work.advances:
            assert self._state is not None
            authors, unknown = concerned_authors(self._state, work.receipts_advanced())
            if unknown is not None:  # long ago
                authors |= await self._store.authors(self._business, self._id, *unknown)
            work.concerned = still_here(self._state, self._business, authors)
        release = partial(released, self._business, self._publisher, self._state, work)
        if not work.events:
            release(0)
            self._publisher.flush()
            return None
        try:
            return await self._journal.begin(self._business.id, work.events, release)
        except StorageFailed as error:
            return await self.not_stored(batch, error)

    def _forget_the_last_batch(self) -> None:
        """What was stored since then, the look-up knows."""
        if self._notes.informed:
            self._notes.forget()
        if self._handling.crowded:
            self._handling.trim()
        if self._state is not None and self._state.attached:
            self._state.attached.clear()

    async def _prepare(self, envelope: Envelope[Command], older: dict[int, Entry]) -> None:
        """Look up what its rule needs to know and the state does not hold."""
        command = envelope.message
        if isinstance(command, Send):
            if command.attachments:
                envelope.message = await with_attachments(self._store, self._business, command)
            if self._business.locations:
                speaker, state = command.speaker, self._state
                if speaker.role is Role.CUSTOMER and state is not None and not state.has_customer:
                    await self._look_up(speaker.person)  # they became one since
                await self._handling.learn(speaker, state, self._clock())
        elif isinstance(command, _LOOKS_BACK):
            entry = await entry_at(self._store, self._business, self._state, command.seq)
            if entry is not None:
                older[command.seq] = entry
        elif isinstance(command, RemoveMember):
            await self._look_up(command.person)
        elif isinstance(command, AddMember | Create | Import):
            envelope.message = await as_of_now(self._store, self._business, command)
        elif isinstance(command, Erase):
            await self.activate()  # who is in it may be called otherwise now
        elif isinstance(command, ChangeNote | Mark):
            await self._notes.inform(command)
        elif isinstance(command, Tend):
            envelope.message = await self._handling.informed(command, self._state, self._clock())

    async def _look_up(self, person: str) -> None:
        """A member as they are called by now, for the entry that will name them."""
        if self._state is not None and person in self._state.members:
            for found in await self._store.people(self._business, (person,)):
                self._state.members[person] = found
                self._state.note_members()

    def _decide(
        self,
        batch: Sequence[Envelope[Command]],
        older: dict[int, Entry],
        earlier: Mapping[SentKey, Sent],
    ) -> Work:
        work = Work()
        now = self._clock()
        for envelope in batch:
            command = envelope.message
            if isinstance(command, Send):
                self._send(work, envelope, command, older, earlier, now)
            elif isinstance(command, AdvanceReceipt):
                self._advance(work, envelope, command, now)
            elif isinstance(command, ShowTyping):
                self._typing(envelope, command)
            elif isinstance(command, Erase):
                for erased in erased_messages(self._state, command.seqs, now):
                    self._record(work, None, erased, older)
                work.receipts.append(envelope)  # answered once it is stored
            else:
                self._take_up(work, envelope, self._decide_one(command, older, now), older)
        if work.advances:
            receipts = receipts_of(work, self._state, self._business.team, now)
            work.events.append(receipts)
            if receipts.team_read_up_to:  # the cursors have moved already
                self._evolve(receipts, older)
        return work

    def _send(
        self,
        work: Work,
        envelope: Envelope[Command],
        command: Send,
        older: dict[int, Entry],
        earlier: Mapping[SentKey, Sent],
        now: int,
    ) -> None:
        """A message, and what the handling makes go before and after it."""
        state = self._state
        decided: MessageSent | Answer = NOT_FOUND
        if state is not None:
            decided = rules.decide_send(state, command, earlier, self._limits, now)
        if not isinstance(decided, MessageSent):
            decision = Decision(envelope, None, decided, ())
            work.decisions.append(decision)
            if isinstance(decided, Refusal):
                work.refused_sends.append(decision)
            return
        assert state is not None
        found = self._handling.accompany(state, command, decided, earlier)
        if found.before:  # of few
            self._preceded(work, envelope, found, older, now)
        else:
            self._record(work, envelope, found.message, older)
        for reply in found.after:
            self._record(work, None, reply, older)

    def _preceded(
        self,
        work: Work,
        envelope: Envelope[Command],
        found: Accompanied,
        older: dict[int, Entry],
        now: int,
    ) -> None:
        """A message after what it brings about; who joins by it has read up to it."""
        for event in found.before:
            self._record(work, None, event, older)
        self._record(work, envelope, found.message, older)
        if found.joined:
            receipt = as_read(envelope.message.speaker, found.message.seq)
            self._advance(work, Envelope(receipt), receipt, now)

    def _take_up(
        self,
        work: Work,
        envelope: Envelope[Command],
        decided: ConversationEvent | tuple[ConversationEvent, ...] | Answer,
        older: dict[int, Entry],
    ) -> None:
        """What another command came to: the answer, or the event that answers it."""
        if isinstance(decided, _ANSWERS):
            work.decisions.append(Decision(envelope, None, decided, ()))
        elif isinstance(decided, tuple):  # imported: nobody is shown it
            for event in decided[:-1]:
                self._record(work, None, event, older, shown=False)
            self._record(work, envelope, decided[-1], older, shown=False)
        else:
            self._record(work, envelope, decided, older)

    def _record(
        self,
        work: Work,
        envelope: Envelope[Command] | None,
        event: ConversationEvent,
        older: dict[int, Entry],
        *,
        shown: bool = True,
    ) -> None:
        """Take up an event that was decided; it is to be stored."""
        self._evolve(event, older)
        state = self._state
        assert state is not None
        places = state.handling.locations
        decision = Decision(envelope, event, None, state.audience, (), places, shown)
        work.events.append(event)
        work.decisions.append(decision)
        if isinstance(event, MessageSent):
            return  # as nearly all are
        if isinstance(event, _MEMBERSHIP):
            work.advances.pop(event.member.id, None)  # who comes or goes starts over
        elif isinstance(event, ReceiptsAdvanced):
            for step in event.advances:  # an import is read by all; whoever was on the way is there
                work.advances.pop(step.person, None)
        elif isinstance(event, _CHANGES):
            decision.late = state.later_than(event.seq)

    def _decide_one(
        self, command: Command, older: dict[int, Entry], now: int
    ) -> ConversationEvent | tuple[ConversationEvent, ...] | Answer:
        state = self._state
        if isinstance(command, Create):
            business, limits = self._business, self._limits
            return creation.decide(state, business, self._id, command, limits, now)
        if isinstance(command, Import):
            return decide_import(state, command, self._business, self._limits, now) or Done()
        if state is None:
            return NOT_FOUND
        match command:
            case Edit():
                entry = state.recent.get(command.seq) or older.get(command.seq)
                return rules.decide_edit(state, command, entry, self._limits, now)
            case Delete():
                entry = state.recent.get(command.seq) or older.get(command.seq)
                return rules.decide_delete(state, command, entry, now)
            case SettleAttachment():
                return rules.decide_settle(state, command, older.get(command.seq), now)
            case AddMember():
                return rules.decide_add(state, command, self._limits, now)
            case RemoveMember():
                return rules.decide_remove(state, command, self._business.owners, now)
            case ChangeNote() | Mark():
                return self._notes.decide(state, command, now)
            case Handle() | Tend():
                return self._handling.decide(state, command, now)
            case _:
                raise TypeError(type(command))

    def _evolve(self, event: ConversationEvent, older: dict[int, Entry]) -> None:
        if isinstance(event, ConversationCreated):
            self._state = rules.created(event)
            self._state.business = self._business
            return
        assert self._state is not None
        if isinstance(event, MessageDeleted) and event.seq in older:
            older[event.seq] = Entry(older[event.seq].author, deleted=True)
        rules.evolve(self._state, event)

    def _advance(
        self, work: Work, envelope: Envelope[Command], command: AdvanceReceipt, now: int
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
            if speaker.person in work.advances:
                work.receipts.append(envelope)  # what it says is true once that is stored
            else:
                envelope.answer(Done())
            return
        state.cursors[speaker.person] = step.cursor
        earlier = work.advances.get(speaker.person)
        work.advances[speaker.person] = step if earlier is None else merged(earlier, step)
        work.receipts.append(envelope)

    def _typing(self, envelope: Envelope[Command], command: ShowTyping) -> None:
        state, speaker = self._state, command.speaker
        if state is None or not state.admits(speaker) or speaker.person in self._business.blocked:
            envelope.answer(NOT_FOUND)  # a blocked customer shows nothing, either
            return
        self._publisher.typing(
            self._business,
            self._id,
            speaker.person,
            command.active,
            state.audience,
            speaker.connection,
            state.handling.locations,
        )
        envelope.answer(Done())
