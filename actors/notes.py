"""What a conversation actor needs for notes and marks: those that a batch is about, as stored."""

import msgspec

from actors.ports import ConversationStore
from domain.business import Business
from domain.commands import ChangeNote, Done, Mark
from domain.conversation import Conversation
from domain.limits import Limits
from domain.mark_events import Marked
from domain.marks import decide_mark
from domain.note_events import Note, NoteChanged
from domain.notes import decide_note
from domain.refusal import Refusal


class NoteDesk:
    """Of one conversation. What is asked about is looked up for each batch: nothing is kept."""

    def __init__(
        self, business: Business, conversation: str, store: ConversationStore, limits: Limits
    ) -> None:
        self._business = business
        self._id = conversation
        self._store = store
        self._limits = limits
        self._known: dict[str, Note | None] = {}  # bound: the commands of a batch
        self._marked: dict[str, bool] = {}  # bound: as well
        self.informed = False
        """Whether something is known: to be forgotten before the next batch, as whatever was
        decided is stored by then, or is not."""

    def forget(self) -> None:
        """A batch begins."""
        self._known.clear()
        self._marked.clear()
        self.informed = False

    async def inform(self, command: ChangeNote | Mark) -> None:
        """Know what it is about from now on: the batch may change it more than once."""
        business, id_ = self._business, self._id
        self.informed = True
        if isinstance(command, Mark):
            person = command.speaker.person
            if person not in self._marked:
                self._marked[person] = await self._store.marked(business, id_, person)
        elif command.note not in self._known:
            self._known[command.note] = await self._store.note(business, id_, command.note)

    def decide(
        self, state: Conversation, command: ChangeNote | Mark, now: int
    ) -> NoteChanged | Marked | Done | Refusal:
        """What becomes of the note, or of the mark; what is decided is to be recorded."""
        if isinstance(command, Mark):
            return self._decide_mark(state, command, now)
        known = self._known.get(command.note)
        decided = decide_note(state, self._business, command, known, self._limits, now)
        if isinstance(decided, NoteChanged):
            self._known[command.note] = decided.note
        return decided

    def _decide_mark(self, state: Conversation, command: Mark, now: int) -> Marked | Done | Refusal:
        person = command.speaker.person
        command = msgspec.structs.replace(command, known=self._marked[person])
        decided = decide_mark(state, command, now)
        if isinstance(decided, Marked):
            self._marked[person] = decided.unread
        return decided
