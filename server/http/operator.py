"""What the operator sees of the actors, and does for them; backups."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import trio

from actors.statistics import ActorState, ActorStatistics, DeadLetter, Totals
from domain.refusal import NOT_FOUND, Code, Refusal
from server.http.fields import UNSET, Id, Input, Nothing, Output, Unset
from server.http.route import OPERATOR, Call, Route
from server.live import AnySupervisor, LiveBusiness

Kind = Literal["conversations", "desk", "locations", "presence"]
AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"\A/[^\x00]+\Z", max_length=4096)]


class ActorStatus(Output, frozen=True, kw_only=True):
    """``since_seconds``: for how long it has been so; ``released_in_seconds``: from quarantine."""

    id: str
    state: ActorState
    mailbox_depth: int
    restarts: int
    since_seconds: float | Unset = UNSET
    released_in_seconds: float | Unset = UNSET


class SupervisorStatus(Output, frozen=True, kw_only=True):
    """``totals``: since the business became live."""

    kind: Kind
    actors: tuple[ActorStatus, ...]
    totals: Totals


class BusinessStatus(Output, frozen=True, kw_only=True):
    business: str
    supervisors: tuple[SupervisorStatus, ...]


class ActorList(Output, frozen=True, kw_only=True):
    """The businesses that are live on this server."""

    businesses: tuple[BusinessStatus, ...]


class DeadLetterStatus(Output, frozen=True, kw_only=True):
    """A message that crashed its actor twice: its type and the error's, never its content."""

    business: str
    kind: Kind
    id: str
    message_type: str
    error: str
    seconds_ago: float


class DeadLetterList(Output, frozen=True, kw_only=True):
    dead_letters: tuple[DeadLetterStatus, ...]


class Quarantined(Input, frozen=True, kw_only=True):
    business: Id
    kind: Kind
    id: str


class Released(Output, frozen=True, kw_only=True):
    business: str
    kind: Kind
    id: str


class NewBackup(Input, frozen=True, kw_only=True):
    """``path``: absolute, in a folder that exists, of a file that does not."""

    path: AbsolutePath


class Backup(Output, frozen=True, kw_only=True):
    path: str
    bytes: int


def supervisors_of(live: LiveBusiness) -> tuple[tuple[Kind, AnySupervisor], ...]:
    """The supervisors of a business, by the names that operators know."""
    return (
        ("conversations", live.conversations),
        ("desk", live.desk),
        ("locations", live.locations),
        ("presence", live.presence),
    )


async def actors(call: Call[Nothing, Nothing]) -> ActorList:
    """Every actor that is live or in quarantine, and what its supervisor has counted."""
    now = trio.current_time()
    return ActorList(
        businesses=tuple(
            BusinessStatus(
                business=live.id,
                supervisors=tuple(
                    _supervisor(kind, supervisor, now) for kind, supervisor in supervisors_of(live)
                ),
            )
            for live in call.node.businesses.values()
        )
    )


async def dead_letters(call: Call[Nothing, Nothing]) -> DeadLetterList:
    """The latest dead letters of each supervisor, oldest first."""
    now = trio.current_time()
    return DeadLetterList(
        dead_letters=tuple(
            _dead_letter(live.id, kind, letter, now)
            for live in call.node.businesses.values()
            for kind, supervisor in supervisors_of(live)
            for letter in supervisor.dead_letters()
        )
    )


async def release(call: Call[Nothing, Quarantined]) -> Released | Refusal:
    """End the quarantine of an actor: the next message activates it."""
    body = call.body
    live = call.node.businesses.get(body.business)
    if live is None or not dict(supervisors_of(live))[body.kind].release(body.id):
        return NOT_FOUND
    return Released(business=body.business, kind=body.kind, id=body.id)


async def backup(call: Call[Nothing, NewBackup]) -> Backup | Refusal:
    """Copy the database into a new file while it is in use; nobody waits for it."""
    path = Path(call.body.path)
    if not await trio.Path(path.parent).is_dir():
        return Refusal(Code.BAD_REQUEST, "'path': there is no such folder on the server.")
    try:
        await call.node.database.backup(path)
    except FileExistsError:
        return Refusal(Code.CONFLICT, "'path': there is such a file already. Name a new one.")
    except OSError as error:
        return Refusal(Code.BAD_REQUEST, f"'path': it cannot be written ({error.strerror}).")
    return Backup(path=str(path), bytes=(await trio.Path(path).stat()).st_size)


def _supervisor(kind: Kind, supervisor: AnySupervisor, now: float) -> SupervisorStatus:
    statistics = supervisor.statistics()
    return SupervisorStatus(
        kind=kind,
        actors=tuple(_actor(actor, now) for actor in statistics.actors),
        totals=statistics.totals,
    )


def _actor(actor: ActorStatistics, now: float) -> ActorStatus:
    in_quarantine = actor.state == "quarantined"
    since = round(now - actor.last_activity, 3)
    return ActorStatus(
        id=actor.actor_id,
        state=actor.state,
        mailbox_depth=actor.mailbox_depth,
        restarts=actor.restarts,
        since_seconds=UNSET if in_quarantine else since,
        released_in_seconds=-since if in_quarantine else UNSET,
    )


def _dead_letter(business: str, kind: Kind, letter: DeadLetter, now: float) -> DeadLetterStatus:
    return DeadLetterStatus(
        business=business,
        kind=kind,
        id=letter.actor_id,
        message_type=letter.message_type,
        error=letter.error,
        seconds_ago=round(now - letter.time, 3),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/actors",
        summary="List live actors",
        handler=actors,
        callers=OPERATOR,
        parameters=Nothing,
        body=Nothing,
        answer=ActorList,
        shows=ActorList(
            businesses=(
                BusinessStatus(
                    business="pawsome",
                    supervisors=(
                        SupervisorStatus(
                            kind="conversations",
                            actors=(
                                ActorStatus(
                                    id="rex-grooming",
                                    state="idle",
                                    mailbox_depth=0,
                                    restarts=0,
                                    since_seconds=12.5,
                                ),
                            ),
                            totals=Totals(messages=42, batches=40, activations=1),
                        ),
                    ),
                ),
            )
        ),
    ),
    Route(
        method="GET",
        path="/v1/operator/dead-letters",
        summary="List dead letters",
        handler=dead_letters,
        callers=OPERATOR,
        parameters=Nothing,
        body=Nothing,
        answer=DeadLetterList,
        shows=DeadLetterList(
            dead_letters=(
                DeadLetterStatus(
                    business="pawsome",
                    kind="conversations",
                    id="rex-grooming",
                    message_type="Send",
                    error="ZeroDivisionError",
                    seconds_ago=3.2,
                ),
            )
        ),
    ),
    Route(
        method="POST",
        path="/v1/operator/actors/release",
        summary="Release an actor from quarantine",
        handler=release,
        callers=OPERATOR,
        parameters=Nothing,
        body=Quarantined,
        answer=Released,
        refusals=(Code.NOT_FOUND,),
        asks=Quarantined(business="pawsome", kind="conversations", id="rex-grooming"),
        shows=Released(business="pawsome", kind="conversations", id="rex-grooming"),
    ),
    Route(
        method="POST",
        path="/v1/operator/backup",
        summary="Back the database up",
        handler=backup,
        callers=OPERATOR,
        parameters=Nothing,
        body=NewBackup,
        answer=Backup,
        refusals=(Code.CONFLICT,),
        asks=NewBackup(path="/var/backups/deskbell/tuesday.db"),
        shows=Backup(path="/var/backups/deskbell/tuesday.db", bytes=4_194_304),
    ),
)
