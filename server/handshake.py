"""`hello` and `welcome`: who is it, and from where do they read on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import trio

from domain.commands import Speaker
from domain.locations import why_not_open
from protocol import frames
from protocol.close_codes import CloseCode
from protocol.codec import Codec
from protocol.commands import Hello
from server.admission import Admission
from server.edge.websocket import WebSocket
from server.live import LiveBusiness
from server.node import Node
from server.reading import viewer_of
from server.session import Session
from server.tokens import Claims
from server.wake import Wake
from storage.people import PersonRecord

HEARTBEAT = frames.Heartbeat(ping_after_ms=20_000, timeout_ms=30_000)


@dataclass(frozen=True, slots=True)
class Turned:
    """Why a connection was not let in."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class _Known:
    live: LiveBusiness
    claims: Claims
    record: PersonRecord
    access: tuple[int, int]
    location: str
    """The open location that they named, or ``""``."""
    resume: str = "fresh"
    reset_reason: str = ""


class Door:
    """Lets websockets in: the handler of the listener."""

    def __init__(self, node: Node, codecs: Mapping[str, Codec]) -> None:
        self._node = node
        self._codecs = codecs

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one websocket from its `hello` to its end.

        A look-up of the connection itself (who is it, what has it missed) that takes too long ends
        it as overloaded: it comes back with its cursor and misses nothing.
        """
        try:
            session = await self._let_in(websocket)
            if session is not None:
                await session.run()
        except trio.TooSlowError:
            await websocket.close(CloseCode.OVERLOADED, self._node.overloaded_reason())

    async def _let_in(self, websocket: WebSocket) -> Session | None:
        """The session of who said a good `hello`, greeted; None if it is over.

        What this holds is gone before the session runs: most sessions are idle, and many.
        """
        codec = self._codecs[websocket.subprotocol or ""]
        early = await self._first_messages(websocket)
        if websocket.closed is not None:
            return None
        if not early:
            await websocket.close(CloseCode.NO_HELLO, "no hello in time")
            return None
        hello = codec.decode(early[0])
        if not isinstance(hello, Hello):
            await websocket.close(CloseCode.BAD_HELLO, "the first frame must be a hello")
            return None
        number = self._node.next_connection()
        known = await self._admit(hello)
        # Being let in may take longer than for the next connection of the device, or than this one
        # lives: the later `hello` counts.
        if isinstance(known, _Known) and known.live.has_newer(
            known.record.id, hello.device, number
        ):
            known = Turned(CloseCode.REPLACED, "replaced by another connection")
        if isinstance(known, Turned):
            await websocket.close(known.code, known.reason)
            return None
        session = self._welcome(websocket, codec, hello, known, number)
        if early[1:]:
            session.receive(early[1:])
        websocket.on_messages = session.receive
        websocket.resume_reading()
        self._node.flush()
        return session

    async def _first_messages(self, websocket: WebSocket) -> list[bytes]:
        """What the first read brings; nothing if nothing comes in time."""
        early: list[bytes] = []
        arrived = Wake()

        def note(payloads: list[bytes]) -> None:
            early.extend(payloads)
            websocket.pause_reading()  # nothing more is taken from who is not known yet
            arrived.set()

        websocket.on_messages = note
        websocket.on_stopping = partial(
            websocket.close_soon, CloseCode.RESTART, self._node.restart_reason()
        )
        with trio.move_on_after(self._node.settings.hello_seconds):
            await arrived.wait()
        return early

    async def _admit(self, hello: Hello) -> _Known | Turned:
        """Who it is and from where they read on, both as they are when this returns.

        A right that goes between the look-ups finds no connection to end yet, so it is looked at
        again (R27). From where they read on is judged again only if the right was theirs.
        """
        judged: PersonRecord | None = None
        resume = reason = ""
        known = await self._identify(hello)
        while isinstance(known, _Known):
            if known.record != judged:
                judged = known.record
                resume, reason = await self._judge(known.live, judged, hello)
            if known.live.access_stamp(judged.id) == known.access:
                return replace(known, resume=resume, reset_reason=reason)
            known = await self._identify(hello)
        return known

    async def _identify(self, hello: Hello) -> _Known | Turned:
        turned = Turned(CloseCode.UNAUTHENTICATED, "the token is not valid: get a new one")
        claims = self._node.tokens.verify(hello.token, self._node.clock())
        if claims is None or claims.device not in ("", hello.device):
            return turned
        live = await self._node.live(claims.business)
        # It may have been revoked meanwhile: from here on, `access_stamp` tells.
        if live is None or self._node.tokens.is_revoked(claims.id):
            return turned
        access = live.access_stamp(claims.person)
        record = await self._node.queries.person(live.state, claims.person)
        if record is None:
            return turned
        if not record.active:
            return Turned(CloseCode.DEACTIVATED, "this person has no access any more")
        if claims.revoked_revision != record.revoked_revision:
            return turned
        location = live.state.standing(hello.location) if hello.location else ""
        if location is None:
            return Turned(
                CloseCode.BAD_HELLO, why_not_open(live.state.locations, hello.location or "")
            )
        return _Known(live, claims, record, access, location)

    def _welcome(
        self, websocket: WebSocket, codec: Codec, hello: Hello, known: _Known, number: int
    ) -> Session:
        """Note the connection and greet: no checkpoint, so position and welcome agree."""
        node, live, record = self._node, known.live, known.record
        speaker = Speaker(record.id, record.name, record.role, hello.device, number, known.location)
        now = node.clock()
        ttl = node.settings.session_token_seconds * 1000
        position = node.database.journal.released(live.id)
        complete = known.resume == "complete"
        assert not complete or hello.cursor is not None
        session = Session(
            node,
            live,
            websocket,
            codec,
            Admission(
                speaker,
                known.claims.id,
                now + ttl,
                known.location or _home(live, record),
                hello.cursor.revision if complete and hello.cursor is not None else position,
                complete,
            ),
        )
        session.enter()
        if not complete:
            live.unfit.discard((record.id, hello.device))
        token, claims = node.tokens.renew(known.claims, hello.device, now, ttl)
        welcome = frames.Welcome(
            person=record.id,
            role=record.role,
            business=live.id,
            epoch=node.epoch,
            revision=position,
            resume=known.resume,
            session_token=token,
            session_token_expires_at=claims.expires_at,
            server_time=now,
            privacy=frames.Shown(
                record.id not in live.state.hidden_read, record.id not in live.state.hidden_seen
            ),
            business_settings=frames.Shown(live.state.read_receipts, live.state.last_seen),
            heartbeat=HEARTBEAT,
            limits=node.limits,
        )
        if known.reset_reason:
            welcome = msgspec.structs.replace(welcome, reset_reason=known.reset_reason)
        websocket.queue(codec.framed(welcome))
        return session

    async def _judge(
        self, live: LiveBusiness, record: PersonRecord, hello: Hello
    ) -> tuple[str, str]:
        """(resume, reset_reason) for a client that holds the cursor of ``hello``."""
        cursor = hello.cursor
        if cursor is None:
            return "fresh", ""
        if cursor.epoch != self._node.epoch:
            return "reset", "epoch"
        if cursor.revision > self._node.database.journal.released(live.id):
            return "reset", "ahead"
        if record.access_revision > cursor.revision:
            return "reset", "access_changed"
        if (record.id, hello.device) in live.unfit:
            return "reset", "too_far_behind"
        viewer = viewer_of(live, record.id, record.role)
        limit = self._node.settings.resume_limit
        if await self._node.queries.too_far_behind(viewer, cursor.revision, limit):
            return "reset", "too_far_behind"
        return "complete", ""


def _home(live: LiveBusiness, record: PersonRecord) -> str:
    """Where somebody is logged in who names no location: at their first one, of those open."""
    stand = (live.state.standing(location) for location in record.locations)
    return next((place for place in stand if place), next(iter(record.locations), "main"))
