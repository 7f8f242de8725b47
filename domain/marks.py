"""Marks: what somebody wants to come back to, as unread, whatever they have read (EX-24).

A mark is its owner's alone. It is apart from how far they have read, which moves only forward and
others may see, and from whether a customer waits, which the team shares: none moves another.
"""

from domain.commands import Done, Mark
from domain.conversation import Conversation
from domain.mark_events import Marked
from domain.refusal import NOT_FOUND, Refusal


def decide_mark(state: Conversation, command: Mark, now: int) -> Marked | Done | Refusal:
    """Mark it, or take the mark away."""
    speaker = command.speaker
    if not state.admits(speaker):
        return NOT_FOUND
    if command.known == command.unread:
        return Done()
    return Marked(state.id, now, speaker.person, command.unread)
