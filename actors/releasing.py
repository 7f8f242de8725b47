"""When a batch of commands to a conversation is on disk: the answers, and what is shown."""

from actors.batch_work import Work, final_answer, origins
from actors.ports import Publisher
from domain import conversation as rules
from domain.business import Business
from domain.commands import Answer, Done
from domain.concerned import team_told
from domain.conversation import Conversation
from domain.events import MessageSent


def released(
    business: Business, publisher: Publisher, state: Conversation | None, work: Work, first: int
) -> None:
    """Answer and show, in order, the events from revision ``first`` on; without a checkpoint."""
    revision = first
    for decision in work.decisions:
        envelope, event = decision.envelope, decision.event
        if event is None:
            assert envelope is not None
            envelope.answer(final_answer(state, envelope, decision.answer))
            continue
        answer: Answer = Done(revision)
        if isinstance(event, MessageSent):
            assert state is not None
            answer = rules.confirm(state, event, revision)
        if envelope is not None:
            envelope.answer(answer)
        if decision.shown:
            publisher.publish(
                business,
                revision,
                event,
                decision.audience,
                () if envelope is None else (envelope.message.speaker.connection,),
                decision.late,
                decision.places,
            )
        revision += 1
    if work.receipts:
        _receipts_released(business, publisher, state, work, revision)


def _receipts_released(
    business: Business, publisher: Publisher, state: Conversation | None, work: Work, revision: int
) -> None:
    done = Done(revision if work.advances else 0)
    for envelope in work.receipts:
        envelope.answer(done)
    if work.advances:
        assert state is not None
        event, known = work.receipts_advanced(), origins(work.receipts)
        team = team_told(state, event) if event.team_read_up_to else ()
        publisher.receipts(business, revision, event, work.concerned, known, team)
