"""Fan-out: shows live connections what has been stored.

An event is encoded once per codec and framed once; every connection queues the same bytes, and is
written to once per commit. Who is behind takes nothing: it reads on from the log.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from domain.business import Business, Seers
from domain.events import (
    AccessRevoked,
    AttachmentSettled,
    BusinessChanged,
    BusinessEvent,
    ConversationCreated,
    ConversationEvent,
    LocationChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    ReceiptsAdvanced,
)
from domain.presence import State
from domain.views import MemberCursor, Presence
from protocol import frames
from protocol.close_codes import CloseCode
from protocol.codec import Codec
from protocol.frames import Frame
from server.change_frames import change_frame
from server.cursors import moved_cursor, own_cursor, without_read
from server.live import Connection, LiveBusiness
from server.tokens import Tokens


@dataclass(slots=True)
class FanOut:
    """Publishes to the connections of every live business; ``flush`` writes what was queued."""

    businesses: dict[str, LiveBusiness]
    tokens: Tokens
    typing_ms: int
    flush: Callable[[], None]
    deliveries: int = 0
    events: int = 0

    # --- stored events of conversations -----------------------------------------------------------

    def publish(
        self,
        business: Business,
        revision: int,
        event: ConversationEvent,
        audience: Sequence[str],
        origins: Collection[int],
        late: Collection[str] = (),
    ) -> None:
        """Show ``event`` to ``audience`` (and, but for receipts, the owners), not ``origins``.

        ``late`` came after what it changes: customers among them do not see it.
        """
        live = self.businesses.get(business.id)
        if live is None or not live.connections:
            return
        self.events += 1
        if late:
            seers = (p for p in audience if p not in late or live.sees_all_history(p))
            audience = tuple(seers)
        match event:
            case ReceiptsAdvanced():
                self._receipts(live, revision, event, audience, origins)
            case MessageSent():
                frame: Frame = frames.MessageEvent(
                    conversation=event.conversation,
                    seq=event.seq,
                    revision=revision,
                    at=event.at,
                    author=event.author,
                    text=event.text,
                    reply_to=event.reply_to,
                    client_message_id=event.client_message_id,
                    attachments=event.attachments,
                )
                if event.attachments:
                    origins = ()  # who sent it knows their ids alone
                self._show(live, revision, frame, self._with_owners(live, audience), origins)
            case MessageEdited() | MessageDeleted() | AttachmentSettled():
                frame = change_frame(event, revision)
                self._show(live, revision, frame, self._with_owners(live, audience), ())
            case ConversationCreated():
                self._read_on(live, self._with_owners(live, audience))
            case MemberAdded() | MemberRemoved():
                self._membership(live, revision, event, audience)

    def _membership(
        self,
        live: LiveBusiness,
        revision: int,
        event: MemberAdded | MemberRemoved,
        audience: Sequence[str],
    ) -> None:
        kind = "member_added"
        if isinstance(event, MemberRemoved):
            kind = "member_left" if event.left else "member_removed"
        frame = frames.MessageEvent(
            conversation=event.conversation,
            seq=event.seq,
            revision=revision,
            at=event.at,
            author=event.author,
            kind=kind,
            text=event.member.name,
            person=event.member.id,
            role=event.member.role,
        )
        others = [p for p in self._with_owners(live, audience) if p != event.member.id]
        self._show(live, revision, frame, others, ())
        if isinstance(event, MemberAdded):
            self._read_on(live, (event.member.id,))
            return
        removed = frames.ConversationRemoved(
            revision=revision,
            conversation=event.conversation,
            seq=event.seq,
            at=event.at,
            author=event.author,
        )
        self._show(live, revision, removed, (event.member.id,), ())
        live.removals += 1
        left = event.member.id
        watching = [c for c in live.watchers.get(left, ()) if c.person in audience]
        for connection in (*live.connections_of(left), *watching):
            connection.review_watch()

    def _receipts(
        self,
        live: LiveBusiness,
        revision: int,
        event: ReceiptsAdvanced,
        authors: Sequence[str],
        origins: Collection[int],
    ) -> None:
        """To the authors concerned, without what is hidden; to one's other devices whole.

        A connection takes one frame of a revision, so who hides what moved of theirs and is an
        author of others' receipts too gets both in a frame of their own.
        """
        hidden, connections = live.state.hidden_read, live.connections
        shows_read = live.state.read_receipts
        moved: list[MemberCursor] = []
        secret: set[str] = set()  # who moved more than others are shown
        for advance in event.advances:
            read = advance.read and shows_read and advance.person not in hidden
            if read or advance.delivered:
                moved.append(moved_cursor(advance, read=read))
            if advance.read and not read:
                secret.add(advance.person)
        if moved:
            apart = [author for author in authors if author not in secret] if secret else authors
            self._show_receipts(live, revision, event, tuple(moved), apart)
        for advance in event.advances:
            person = advance.person
            others: tuple[MemberCursor, ...] = ()
            if person in secret and person in authors:
                others = tuple(cursor for cursor in moved if cursor.person != person)
                others = without_read(others) if person in hidden else others
            for device in connections.get(person, ()):
                if others or device.number not in origins:
                    own = frames.ReceiptEvent(
                        revision=revision,
                        conversation=event.conversation,
                        receipts=(own_cursor(person, advance.cursor), *others),
                    )
                    self._show(live, revision, own, (person,), () if others else origins)
                    break

    def _show_receipts(
        self,
        live: LiveBusiness,
        revision: int,
        event: ReceiptsAdvanced,
        cursors: tuple[MemberCursor, ...],
        authors: Sequence[str],
    ) -> None:
        alone = cursors[0].person if len(cursors) == 1 else ""
        hidden = live.state.hidden_read
        whole = frames.ReceiptEvent(
            revision=revision, conversation=event.conversation, receipts=cursors
        )
        frank = [a for a in authors if a != alone and a not in hidden]
        self._show(live, revision, whole, frank, ())
        if len(frank) == len(authors):
            return
        discreet = [a for a in authors if a != alone and a in hidden]
        delivered = without_read(cursors)
        if discreet and delivered:
            part = frames.ReceiptEvent(
                revision=revision, conversation=event.conversation, receipts=delivered
            )
            self._show(live, revision, part, discreet, ())

    def _with_owners(self, live: LiveBusiness, audience: Sequence[str]) -> Sequence[str]:
        missing = live.state.owners.difference(audience)
        return (*audience, *missing) if missing else audience

    def _show(
        self,
        live: LiveBusiness,
        revision: int,
        frame: Frame,
        people: Iterable[str],
        origins: Collection[int],
    ) -> None:
        """The hot loop: one look-up a person, one append a connection, one encoding a codec."""
        connections = live.connections
        framed: dict[Codec, bytes] = {}
        shown = 0
        for person in people:
            for connection in connections.get(person, ()):
                if (
                    connection.behind
                    or connection.revision >= revision
                    or connection.number in origins
                ):
                    continue
                codec = connection.codec
                data = framed.get(codec)
                if data is None:
                    data = framed[codec] = codec.framed(frame)
                if connection.queue(data):
                    connection.revision = revision
                    shown += 1
                else:
                    connection.fall_behind()
        self.deliveries += shown

    def _read_on(self, live: LiveBusiness, people: Iterable[str]) -> None:
        """What these people now see needs more than an event: their connections read the log."""
        for person in people:
            for connection in live.connections_of(person):
                connection.fall_behind()

    # --- stored events of the business ------------------------------------------------------------

    def business_event(
        self, business: Business, revision: int, event: BusinessEvent, seers: Seers | None
    ) -> None:
        """Show a change of the business, and end the connections whose rights it changed.

        ``seers`` may know of the person who changed; ``None``: everybody.
        """
        live = self.businesses.get(business.id)
        if live is None:
            return
        match event:
            case BusinessChanged():
                frame = frames.BusinessChanged(
                    revision=revision,
                    read_receipts=event.read_receipts,
                    last_seen=event.last_seen,
                )
                self._show(live, revision, frame, tuple(live.connections), ())
            case PrivacyChanged():
                own = frames.PrivacyChanged(
                    revision=revision,
                    read_receipts=event.read_receipts,
                    last_seen=event.last_seen,
                )
                self._show(live, revision, own, (event.person,), ())
                self._seen_otherwise(live, seers, but=event.person)
            case PersonChanged():
                self._person_changed(live, event, seers)
            case OwnershipTransferred():
                self._reset_everybody(live)
            case AccessRevoked():
                self._revoked(live, event)
            case LocationChanged():
                pass

    def _person_changed(
        self, live: LiveBusiness, event: PersonChanged, seers: Seers | None
    ) -> None:
        if not event.person.active:
            self._end(live, event.person.id, CloseCode.DEACTIVATED, "deactivated")
        elif event.access:
            self._end(live, event.person.id, CloseCode.RESET, "role changed")
        if event.ownership:
            self._reset_everybody(live)
        elif event.shown:
            self._seen_otherwise(live, seers)

    def _seen_otherwise(self, live: LiveBusiness, seers: Seers | None, but: str = "") -> None:
        """Whoever may know of it reads on in the log, which says whether they do.

        Who has been told nothing since ``seers`` were looked up has met nobody since.
        """
        for connection in live.everybody():
            if connection.person != but and (
                seers is None
                or connection.person in seers.people
                or connection.revision > seers.revision
            ):
                connection.fall_behind()

    def _reset_everybody(self, live: LiveBusiness) -> None:
        """An owner is in every conversation, so the member lists that everybody holds are void."""
        live.access_changes[""] += 1
        for connection in list(live.everybody()):
            connection.end(CloseCode.RESET, "ownership changed")

    def _revoked(self, live: LiveBusiness, event: AccessRevoked) -> None:
        live.access_changes["" if event.token else event.person] += 1
        if event.token:
            self.tokens.revoke(event.token)
        # Who holds a token is looked at now: they may have come after its revocation was asked for.
        holders = live.everybody() if event.token else live.connections_of(event.person)
        for connection in list(holders):
            if event.token in ("", connection.token_id):
                connection.end(CloseCode.UNAUTHENTICATED, "revoked")

    def _end(self, live: LiveBusiness, person: str, code: CloseCode, reason: str) -> None:
        live.access_changes[person] += 1
        for connection in list(live.connections_of(person)):
            connection.end(code, reason)

    # --- ephemeral --------------------------------------------------------------------------------

    def typing(
        self,
        business: Business,
        conversation: str,
        person: str,
        active: bool,
        audience: Sequence[str],
        origin: int,
    ) -> None:
        """Show that ``person`` types; a connection with anything unsent does not hear of it."""
        live = self.businesses.get(business.id)
        if live is None:
            return
        frame = frames.TypingEvent(
            conversation=conversation, person=person, active=active, for_ms=self.typing_ms
        )
        others = (p for p in self._with_owners(live, audience) if p != person)
        self._shed(frame, (c for p in others for c in live.connections_of(p)))

    def presence(self, business: str, person: str, state: State, last_seen_at: int) -> None:
        """Tell those who watch ``person``; in doubt they are told later (`review_watch`)."""
        live = self.businesses.get(business)
        if live is None:
            return
        watching = live.watchers.get(person)
        if watching:
            shown = Presence(person=person, state=state, last_seen_at=last_seen_at)
            frame = frames.PresenceEvent(people=(shown,))
            seers = (
                c
                for c in watching
                if not c.watch_doubts and live.state.shows_seen(person, c.person)
            )
            for connection in self._shed(frame, seers):
                connection.owe_presence()

    def _shed(self, frame: Frame, connections: Iterable[Connection]) -> list[Connection]:
        """Show what nobody waits for; answers who did not take it."""
        framed: dict[Codec, bytes] = {}
        shed = []
        for connection in connections:
            if connection.behind or not connection.has_room():
                shed.append(connection)
                continue
            codec = connection.codec
            data = framed.get(codec)
            if data is None:
                data = framed[codec] = codec.framed(frame)
            if not connection.queue(data):
                shed.append(connection)
        self.flush()
        return shed
