"""Fan-out: shows live connections what has been stored.

An event is encoded once per codec and framed once; every connection queues the same bytes, and is
written to once per commit. Who is behind takes nothing: it reads on from the log.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from domain.business import Business
from domain.events import (
    AttachmentSettled,
    ConversationCreated,
    ConversationEvent,
    HandlingChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    ReceiptsAdvanced,
)
from domain.mark_events import Marked
from domain.note_events import NoteChanged
from domain.presence import State
from domain.views import Handling, MemberCursor, Presence
from protocol import frames
from protocol.frames import Frame
from server.business_fanout import BusinessFanOut
from server.change_frames import change_frame, note_frame
from server.cursors import moved_cursor, own_cursor, without_read
from server.live import LiveBusiness


@dataclass(slots=True)
class FanOut(BusinessFanOut):
    """Publishes what has been stored to the connections of every live business."""

    # --- stored events of conversations -----------------------------------------------------------

    def publish(
        self,
        business: Business,
        revision: int,
        event: ConversationEvent,
        audience: Sequence[str],
        origins: Collection[int],
        late: Collection[str] = (),
        places: Sequence[str] = (),
    ) -> None:
        """Show ``event`` to ``audience``, but not to connections ``origins``.

        And to the owners and to who works at ``places``. ``late`` came after what it changes:
        customers among them do not see it. Receipts are shown by `receipts`.
        """
        live = self.businesses.get(business.id)
        if live is None or not live.connections:
            return
        self.events += 1
        if late:
            seers = (p for p in audience if p not in late or live.sees_all_history(p))
            audience = tuple(seers)
        audience = _all_who_see(business, audience, places)
        match event:
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
                    location=event.location,
                    attachments=event.attachments,
                )
                if event.attachments:
                    origins = ()  # who sent it knows their ids alone
                self._show(live, revision, frame, audience, origins)
            case MessageEdited() | MessageDeleted() | AttachmentSettled():
                self._show(live, revision, change_frame(event, revision), audience, ())
            case ConversationCreated():
                self._read_on(live, audience)
            case MemberAdded() | MemberRemoved():
                self._membership(live, revision, event, audience, places)
            case HandlingChanged():
                self._handling(live, revision, event, audience)
            case NoteChanged() | Marked():
                self._inside(live, revision, event, audience)

    def _inside(
        self,
        live: LiveBusiness,
        revision: int,
        event: NoteChanged | Marked,
        audience: Sequence[str],
    ) -> None:
        """What is not everybody's: a note is the team's, a mark that of who made it."""
        if isinstance(event, Marked):
            mark = frames.Marked(
                revision=revision, conversation=event.conversation, unread=event.unread
            )
            self._show(live, revision, mark, (event.person,), ())
            return
        team = [person for person in audience if person in live.state.team]
        self._show(live, revision, note_frame(event, revision), team, ())

    def _handling(
        self,
        live: LiveBusiness,
        revision: int,
        event: HandlingChanged,
        audience: Sequence[str],
    ) -> None:
        """To the team: who sees the conversation now, and who did before and does no more."""
        team = live.state.team
        new = live.state.staff_at(event.came) if event.came else frozenset()
        frame = frames.HandlingChanged(
            revision=revision,
            conversation=event.conversation,
            handling=shown_handling(event),
        )
        self._show(live, revision, frame, [p for p in audience if p in team and p not in new], ())
        self._read_on(live, new)  # the log says whether they saw it before
        if event.left:
            gone = live.state.staff_at(event.left) - set(audience)
            removed = frames.ConversationRemoved(
                revision=revision,
                conversation=event.conversation,
                seq=event.seq,
                at=event.at,
                author=event.author,
            )
            self._show(live, revision, removed, gone, ())

    def _membership(
        self,
        live: LiveBusiness,
        revision: int,
        event: MemberAdded | MemberRemoved,
        audience: Sequence[str],
        places: Sequence[str],
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
        member = event.member.id
        stays = bool(places) and live.state.works_at(member, places)
        others = [p for p in audience if p != member or stays]
        self._show(live, revision, frame, others, ())
        if stays:
            return
        if isinstance(event, MemberAdded):
            self._read_on(live, (member,))
            return
        removed = frames.ConversationRemoved(
            revision=revision,
            conversation=event.conversation,
            seq=event.seq,
            at=event.at,
            author=event.author,
        )
        self._show(live, revision, removed, (member,), ())
        live.removals += 1
        watching = [c for c in live.watchers.get(member, ()) if c.person in audience]
        for connection in (*live.connections_of(member), *watching):
            connection.review_watch()

    def receipts(
        self,
        business: Business,
        revision: int,
        event: ReceiptsAdvanced,
        authors: Collection[str],
        origins: Collection[int],
        team: Sequence[str],
    ) -> None:
        """Show receipts to ``authors``, without what is hidden; to one's other devices whole.

        A connection takes one frame of a revision, so who hides what moved of theirs and is an
        author of others' receipts too gets both in a frame of their own; and the rest of ``team``
        comes last, to take what has taken nothing.
        """
        live = self.businesses.get(business.id)
        if live is None or not live.connections:
            return
        self.events += 1
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
            self._show_receipts(live, revision, event, tuple(moved), apart, team)
        for advance in event.advances:
            person = advance.person
            others: tuple[MemberCursor, ...] = ()
            if person in secret and person in authors:
                others = tuple(cursor for cursor in moved if cursor.person != person)
                others = without_read(others) if person in hidden else others
            for device in connections.get(person, ()):
                if others or device.number not in origins:
                    own = (own_cursor(person, advance.cursor), *others)
                    known = () if others else origins
                    self._show_cursors(live, revision, event, own, (person,), team, known)
                    break
        if team:
            reach = event.team_read_up_to
            ahead = {step.person for step in event.advances if step.cursor.read_up_to >= reach}
            rest = [person for person in team if person not in ahead]
            self._show_cursors(live, revision, event, (), rest, team)

    def _show_receipts(
        self,
        live: LiveBusiness,
        revision: int,
        event: ReceiptsAdvanced,
        cursors: tuple[MemberCursor, ...],
        authors: Collection[str],
        team: Sequence[str],
    ) -> None:
        alone = cursors[0].person if len(cursors) == 1 else ""
        hidden = live.state.hidden_read
        frank = [a for a in authors if a != alone and a not in hidden]
        self._show_cursors(live, revision, event, cursors, frank, team)
        if len(frank) == len(authors):
            return
        discreet = [a for a in authors if a != alone and a in hidden]
        delivered = without_read(cursors)
        if discreet and delivered:
            self._show_cursors(live, revision, event, delivered, discreet, team)

    def _show_cursors(
        self,
        live: LiveBusiness,
        revision: int,
        event: ReceiptsAdvanced,
        cursors: tuple[MemberCursor, ...],
        people: Sequence[str],
        team: Sequence[str],
        origins: Collection[int] = (),
    ) -> None:
        """Those of ``people`` who are of the ``team`` are told with it how far that has read."""
        frame = frames.ReceiptEvent(
            revision=revision, conversation=event.conversation, receipts=cursors
        )
        if team:
            inside = msgspec.structs.replace(frame, team_read_up_to=event.team_read_up_to)
            self._show(live, revision, inside, [p for p in people if p in team], origins)
            people = [p for p in people if p not in team]
        self._show(live, revision, frame, people, origins)

    # --- ephemeral --------------------------------------------------------------------------------

    def typing(
        self,
        business: Business,
        conversation: str,
        person: str,
        active: bool,
        audience: Sequence[str],
        origin: int,
        places: Sequence[str] = (),
    ) -> None:
        """Show that ``person`` types; a connection with anything unsent does not hear of it."""
        live = self.businesses.get(business.id)
        if live is None:
            return
        frame = frames.TypingEvent(
            conversation=conversation, person=person, active=active, for_ms=self.typing_ms
        )
        others = (p for p in _all_who_see(business, audience, places) if p != person)
        self._shed(frame, (c for p in others for c in live.connections_of(p)))

    def present(self, business: Business, people: Iterable[str]) -> tuple[str, ...]:
        """Those of ``people`` who are connected now, sorted."""
        live = self.businesses.get(business.id)
        connected = {} if live is None else live.connections
        return tuple(sorted(person for person in people if person in connected))

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


def shown_handling(event: HandlingChanged) -> Handling:
    """The handling as the team is shown it."""
    handling = event.handling
    return Handling(
        locations=handling.locations,
        status=handling.status,
        snoozed_until=handling.snoozed_until,
        assignee=handling.assignee,
        waiting_since=event.waiting_since,
        alerted=handling.alerted,
    )


def _all_who_see(
    business: Business, audience: Sequence[str], places: Sequence[str]
) -> Sequence[str]:
    """The audience, the owners of this moment, and who works at ``places`` now."""
    others = business.owners | business.staff_at(places) if places else business.owners
    missing = others.difference(audience)
    return (*audience, *missing) if missing else audience
