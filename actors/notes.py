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
        self.known: dict[str, Note | None] = {}  # bound: the commands of a batch
        """To be cleared with each batch: whatever was decided before is stored, or is not."""

    async def informed(self, command: ChangeNote | Mark) -> ChangeNote | Mark:
        """With how it is marked; a note is known from now on, as the batch may change it twice."""
        business, id_ = self._business, self._id
        if isinstance(command, Mark):
            known = await self._store.marked(business, id_, command.speaker.person)
            return msgspec.structs.replace(command, known=known)
        if command.note not in self.known:
            self.known[command.note] = await self._store.note(business, id_, command.note)
        return command

    def decide(
        self, state: Conversation, command: ChangeNote | Mark, now: int
    ) -> NoteChanged | Marked | Done | Refusal:
        """What becomes of the note, or of the mark; what is decided is to be recorded."""
        if isinstance(command, Mark):
            return decide_mark(state, command, now)
        known = self.known.get(command.note)
        decided = decide_note(state, self._business, command, known, self._limits, now)
        if isinstance(decided, NoteChanged):
            self.known[command.note] = decided.note
        return decided
