"""Notes: what the team says to itself about a conversation (EX-25).

Rules
1. Only the team writes, changes and reads notes, each of them where they see the conversation.
2. A note is no entry: it takes no seq, is not counted as unread, answers nobody, ends no waiting.
3. Its author changes and deletes it, and so may an owner. What is deleted keeps no text.
4. Whom a note mentions is of the team and sees the conversation, so a mention tells nobody of
   anything that they could not read.
5. An id names one note of the conversation for ever: the same note again changes nothing.
"""

import hashlib

import msgspec

from domain.business import Business
from domain.commands import AddNote, ChangeNote, DeleteNote, Done, EditNote, Speaker
from domain.company import ERASED
from domain.conversation import Conversation
from domain.handling import sees
from domain.limits import MENTIONS_MAX, Limits
from domain.note_action import NoteAction
from domain.note_events import Note, NoteChanged
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role
from domain.text import refuse_text

_TEAM_ALONE = Refusal(Code.FORBIDDEN, "Only the team writes notes.")
_NOT_YOURS = Refusal(Code.FORBIDDEN, "Only the author or an owner can change a note.")
_TAKEN = Refusal(Code.CONFLICT, "This id names another note here. Make a new one.")
_DELETED = Refusal(Code.DELETED, "The note has been deleted.")
_TOO_MANY = Refusal(Code.TOO_LARGE, f"A note mentions at most {MENTIONS_MAX} people.")
_NOT_TO_MENTION = Refusal(
    Code.BAD_REQUEST,
    "'mentions': name people of the team who see this conversation. Add them to it first.",
)


def decide_note(
    state: Conversation,
    business: Business,
    command: ChangeNote,
    known: Note | None,
    limits: Limits,
    now: int,
) -> NoteChanged | Done | Refusal:
    """What becomes of a note; ``known`` is the one of that id, if there is one."""
    speaker = command.speaker
    if not state.admits(speaker):
        return NOT_FOUND
    if speaker.role not in TEAM:
        return _TEAM_ALONE
    if speaker.person in business.erased:
        return ERASED
    wanted = _wanted(state, command, known, now)
    if not isinstance(wanted, Note):
        return wanted
    if not wanted.deleted_at:
        before = () if known is None else known.mentions
        refusal = refuse_text(wanted.text, limits.text_bytes)
        if refusal is None:
            refusal = _refuse_mentions(state, business, wanted.mentions, before)
        if refusal is not None:
            return refusal
    kind = NoteAction.ADD if known is None else NoteAction.EDIT
    kind = NoteAction.DELETE if wanted.deleted_at else kind
    return NoteChanged(state.id, now, speaker.person, kind, wanted)


def _wanted(
    state: Conversation, command: ChangeNote, known: Note | None, now: int
) -> Note | Done | Refusal:
    """The note as it shall be; `Done`: it is so already."""
    if isinstance(command, AddNote):
        return _added(state, command, known, now)
    if known is None:
        return NOT_FOUND
    if not _may_change(command.speaker, known):
        return _NOT_YOURS
    match command:
        case EditNote():
            return _edited(known, command, now)
        case DeleteNote():
            gone = msgspec.structs.replace(known, text="", mentions=(), edited_at=0, deleted_at=now)
            return Done() if known.deleted_at else gone
        case _:
            raise TypeError(type(command))


def _added(
    state: Conversation, command: AddNote, known: Note | None, now: int
) -> Note | Done | Refusal:
    author, mentions = command.speaker.person, _once(command.mentions)
    digest = _digest(author, command.text, mentions)
    if known is not None:
        return Done() if known.digest == digest else _TAKEN
    return Note(command.note, state.last_seq, now, author, command.text, mentions, digest=digest)


def _edited(known: Note, command: EditNote, now: int) -> Note | Done | Refusal:
    if known.deleted_at:
        return _DELETED
    text = known.text if command.text is None else command.text
    mentions = known.mentions if command.mentions is None else _once(command.mentions)
    if (text, mentions) == (known.text, known.mentions):
        return Done()
    return msgspec.structs.replace(known, text=text, mentions=mentions, edited_at=now)


def _may_change(speaker: Speaker, note: Note) -> bool:
    return speaker.person == note.author or speaker.role is Role.OWNER


def _refuse_mentions(
    state: Conversation, business: Business, mentions: tuple[str, ...], before: tuple[str, ...]
) -> Refusal | None:
    """Whom it mentioned ``before`` may have gone since."""
    if len(mentions) > MENTIONS_MAX:
        return _TOO_MANY
    handling = state.handling
    new = (person for person in mentions if person not in before)
    return None if all(sees(state, business, p, handling) for p in new) else _NOT_TO_MENTION


def _once(mentions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mentions))


def _digest(author: str, text: str, mentions: tuple[str, ...]) -> bytes:
    """What makes two notes the same note."""
    said = "\n".join((author, " ".join(mentions), text))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
