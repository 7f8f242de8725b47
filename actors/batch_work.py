"""What becomes of a batch of commands to a conversation, until it is stored and released."""

from collections.abc import Collection, Sequence

import msgspec

from actors.envelope import Envelope
from domain.commands import Accepted, AdvanceReceipt, Answer, Command, Send, Speaker
from domain.conversation import Conversation, sent_key
from domain.events import Advance, ConversationEvent, ReceiptsAdvanced
from domain.receipts import team_reach
from domain.refusal import Code, Refusal

NOT_STORED = Refusal(
    Code.STORAGE_FAILED,
    "It could not be stored, so nothing was accepted. Try again, or tell the operator.",
    retry_after=5.0,
)


class Decision(msgspec.Struct):
    """What became of one command: an event to store, or an answer that needs none.

    ``envelope`` is ``None`` for an event that comes before or after the one of a command, because
    of it. ``shown``: to whoever is connected; what is imported is not.
    """

    envelope: Envelope[Command] | None
    event: ConversationEvent | None
    answer: Answer | None
    audience: Sequence[str]
    late: Collection[str] = ()
    places: Sequence[str] = ()
    shown: bool = True


class Work(msgspec.Struct):
    """What became of a batch. The advances of receipts become one event, the last."""

    decisions: list[Decision] = []
    events: list[ConversationEvent] = []
    refused_sends: list[Decision] = []
    advances: dict[str, Advance] = {}
    receipts: list[Envelope[Command]] = []
    concerned: Collection[str] = ()

    def receipts_advanced(self) -> ReceiptsAdvanced:
        """The event of the advances, once they have become one."""
        event = self.events[-1]
        assert isinstance(event, ReceiptsAdvanced)
        return event


def receipts_of(
    work: Work, state: Conversation | None, team: Collection[str], now: int
) -> ReceiptsAdvanced:
    """The advances of the batch as one event, which says how far the ``team`` has read."""
    assert state is not None
    advances = tuple(work.advances.values())
    reach = team_reach(state.team_read_up_to, advances, team)
    return ReceiptsAdvanced(state.id, now, advances, reach)


NOBODY = 0
"""No connection has this number."""


def as_read(speaker: Speaker, seq: int) -> AdvanceReceipt:
    """The receipt of who has read up to ``seq`` without a device that said so: each is told."""
    nobody = msgspec.structs.replace(speaker, connection=NOBODY)
    return AdvanceReceipt(nobody, seq, seq)


def origins(receipts: Sequence[Envelope[Command]]) -> Collection[int]:
    """The connections that know already how far their person got: they alone said it."""
    if len(receipts) == 1:  # most batches
        return (receipts[0].message.speaker.connection,)
    origins: dict[str, int] = {}
    for envelope in receipts:
        speaker = envelope.message.speaker
        alone = origins.setdefault(speaker.person, speaker.connection) == speaker.connection
        origins[speaker.person] = speaker.connection if alone else NOBODY
    return set(origins.values())


def final_answer(
    state: Conversation | None, envelope: Envelope[Command], answer: Answer | None
) -> Answer:
    """The answer of a repeated send, in full: its first one may be of this very batch."""
    command = envelope.message
    assert answer is not None
    if isinstance(answer, Accepted) and isinstance(command, Send) and state is not None:
        known = state.sent.get(sent_key(command))
        return answer if known is None else known.accepted
    return answer
