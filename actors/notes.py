"""What a conversation actor needs for notes: those that a batch is about, as they are by now."""

from actors.ports import ConversationStore
from domain.business import Business
from domain.commands import ChangeNote, Done
from domain.conversation import Conversation
from domain.limits import Limits
from domain.note_events import Note, NoteChanged
from domain.notes import decide_note
from domain.refusal import Refusal


class NoteDesk:
    """Of one conversation. Notes are looked up for each batch: none is kept while nobody asks."""

    def __init__(
        self, business: Business, conversation: str, store: ConversationStore, limits: Limits
    ) -> None:
        self._business = business
        self._id = conversation
        self._store = store
        self._limits = limits
        self._known: dict[str, Note | None] = {}  # bound: the commands of a batch

    def begin(self) -> None:
        """A batch begins: whatever was decided before is stored, or is not."""
        self._known.clear()

    async def learn(self, command: ChangeNote) -> None:
        """The note that the command is about."""
        if command.note not in self._known:
            found = await self._store.note(self._business, self._id, command.note)
            self._known[command.note] = found

    def decide(
        self, state: Conversation, command: ChangeNote, now: int
    ) -> NoteChanged | Done | Refusal:
        """What becomes of the note; what is decided is to be recorded."""
        known = self._known.get(command.note)
        decided = decide_note(state, self._business, command, known, self._limits, now)
        if isinstance(decided, NoteChanged):
            self._known[command.note] = decided.note
        return decided
