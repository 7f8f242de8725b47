"""The location actor: who is logged in at one location."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors.actor import Actor
from actors.envelope import Envelope


@dataclass(frozen=True, slots=True)
class LoggedIn:
    person: str
    session: int


@dataclass(frozen=True, slots=True)
class LoggedOut:
    person: str
    session: int


@dataclass(frozen=True, slots=True)
class AllWhoAreIn:
    """The people who are logged in as this is told, by session.

    It mends what got lost: a full mailbox takes no `LoggedIn` and no `LoggedOut`.
    """

    sessions: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class WhoIsIn:
    """Asks for the people who are logged in; the answer is a sorted tuple of their ids."""


LocationMessage = LoggedIn | LoggedOut | AllWhoAreIn | WhoIsIn


@dataclass(slots=True)
class LocationActor(Actor[LocationMessage]):
    """Sessions come and go; several of one person count once."""

    sessions: dict[int, str] = field(default_factory=dict)

    async def receive(self, batch: Sequence[Envelope[LocationMessage]]) -> None:
        """Note who came and went, and answer who is there."""
        for envelope in batch:
            match envelope.message:
                case LoggedIn(person, session):
                    self.sessions[session] = person
                    envelope.answer(None)
                case LoggedOut(_, session):
                    self.sessions.pop(session, None)
                    envelope.answer(None)
                case AllWhoAreIn(sessions):
                    self.sessions = dict(sessions)
                    envelope.answer(None)
                case WhoIsIn():
                    envelope.answer(tuple(sorted(set(self.sessions.values()))))
