"""Asking actors from the edges: what the runtime answers when an actor cannot, as a refusal."""

from actors.envelope import Overloaded, Unavailable
from domain.commands import Accepted, Answer, Command, Done
from domain.refusal import Code, Refusal
from protocol.frames import Error
from server.live import LiveBusiness

ASK_SECONDS = 10.0


def answer_of(value: object) -> Answer:
    """An actor's answer, or the refusal that the runtime's failure means to a client."""
    match value:
        case Accepted() | Done() | Refusal():
            return value
        case Overloaded(retry_after):
            return Refusal(
                Code.OVERLOADED, "The server is behind. Try again in a moment.", retry_after
            )
        case Unavailable(retry_after):
            return Refusal(
                Code.UNAVAILABLE, "This cannot be served for now. Try again later.", retry_after
            )
        case _:
            raise TypeError(type(value))


def error_frame(refusal: Refusal, id_: int | None, client_message_id: str) -> Error:
    """A refusal as a connection is told of it."""
    return Error(
        id=id_,
        code=refusal.code,
        message=refusal.message,
        retry_after=refusal.retry_after,
        client_message_id=client_message_id,
    )


async def ask_conversation(live: LiveBusiness, conversation: str, command: Command) -> Answer:
    """Ask a conversation and wait for its answer, `ASK_SECONDS` at most."""
    return answer_of(await live.conversations.ask(conversation, command, ASK_SECONDS))
