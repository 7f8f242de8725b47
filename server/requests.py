"""Commands that need a look-up, and how each is answered."""

from collections.abc import Callable, Iterable

import trio
from outcome import Error, Outcome, Value, capture

from actors.business import ChangePrivacy
from domain.commands import Answer, Handle, Mark, Speaker
from domain.company import partners
from domain.conversation import refuse_size
from domain.limits import LIST_MAX, NAME_BYTES, PEOPLE_MAX, SEARCH_MAX
from domain.refusal import NOT_FOUND, TOO_SLOW, Code, Refusal
from domain.search import parse
from domain.views import Message
from protocol import commands, frames
from protocol.commands import Command
from protocol.frames import Frame
from server import creating, listing, notes, reading, searching
from server.asking import ASK_SECONDS, answer_of, ask_conversation
from server.live import Connection, LiveBusiness
from server.monitoring import may_read_at_once, note_read
from server.node import BUSINESS, Node
from storage.access import Viewer
from storage.lists import ListFilter
from storage.narrowing import Narrowing
from storage.search import Search

ShowFrame = Callable[[Frame], None]
Reply = Frame | Refusal

_NOBODY: frozenset[str] = frozenset()  # one for all who watch nobody


class Requests:
    """Answers the requests of one session; ``watched`` is whose presence it is told."""

    __slots__ = ("_connection", "_live", "_node", "_speaker", "_then", "_viewer", "watched")

    def __init__(
        self, node: Node, live: LiveBusiness, connection: Connection, speaker: Speaker
    ) -> None:
        self.watched = _NOBODY
        self._connection = connection
        self._node = node
        self._live = live
        self._speaker = speaker
        self._viewer = reading.viewer_of(live, speaker.person, speaker.role)
        self._then: Frame | None = None

    def after_reply(self, show: ShowFrame) -> None:
        """Show what follows the reply that was just given."""
        then, self._then = self._then, None
        if then is not None:
            show(then)

    async def answer(self, command: Command) -> Frame | Answer:
        """The reply to ``command``; a look-up that takes too long is refused."""
        try:
            return await self._answer(command)
        except trio.TooSlowError:
            return TOO_SLOW

    async def _answer(self, command: Command) -> Frame | Answer:
        match command:
            case commands.History():
                return await self._history(command)
            case commands.Conversations():
                return await self._conversations(command)
            case commands.Open():
                return await self._open(command.conversation, command.id)
            case commands.Create():
                return await self._create(command)
            case commands.AddMember() | commands.Handle() | commands.Note() | commands.Mark():
                return await self._change(command)
            case commands.Receipts() | commands.Versions() | commands.Notes():
                return await self._details(command)
            case commands.People():
                return await self._people(command)
            case commands.Search():
                return await self._search(command)
            case commands.Privacy():
                return await self._privacy(command)
            case commands.Watch():
                return await self._watch(command)
            case _:
                return Refusal(Code.UNKNOWN_TYPE, "There is no such command in version 1.")

    def start(self, command: Command, then: Callable[[Outcome[Reply]], None]) -> bool:
        """Answer without a task, if one query does; ``then`` is called with the reply.

        People scroll, so pages of history are most of what is read: the task's two turns would be
        a seventh of what a page costs.
        """
        if type(command) is not commands.History or (
            command.before is not None and command.after is not None
        ):
            return False
        if not may_read_at_once(self._node, self._live, self._viewer, command.conversation):
            return False

        def found(result: Outcome[tuple[list[Message], bool] | None]) -> None:
            too_slow = isinstance(result, Error) and isinstance(result.error, trio.TooSlowError)
            then(Value(TOO_SLOW) if too_slow else capture(lambda: _page(command, result.unwrap())))

        self._node.queries.start_history(found, *self._asked(command))
        return True

    async def _history(self, command: commands.History) -> Reply:
        if command.before is not None and command.after is not None:
            return Refusal(Code.BAD_REQUEST, "Give 'before' or 'after', not both.")
        refusal = await note_read(self._node, self._live, self._viewer, command.conversation)
        if refusal is not None:
            return refusal
        return _page(command, await self._node.queries.history(*self._asked(command)))

    def _asked(self, command: commands.History) -> tuple[Viewer, str, int | None, int | None, int]:
        limit = max(1, min(command.limit, self._node.limits.history_limit))
        return self._viewer, command.conversation, command.before, command.after, limit

    async def _conversations(self, command: commands.Conversations) -> Frame | Refusal:
        wanted = ListFilter(
            command.location,
            command.status,
            command.assignee,
            command.waiting,
            command.unread,
            command.channel,
        )
        limit = max(1, min(command.limit, LIST_MAX))
        revision = self._node.database.journal.released(self._live.id)
        page = await listing.find(
            self._node, self._viewer, wanted, command.unassigned, command.before, limit
        )
        if isinstance(page, Refusal):
            return page
        shown = (
            reading.conversation(self._live, self._speaker.person, c) for c in page.conversations
        )
        return frames.ConversationList(
            id=command.id, conversations=tuple(shown), next=page.next, revision=revision
        )

    async def _open(self, conversation: str, command_id: int | None) -> Frame | Refusal:
        refusal = await note_read(self._node, self._live, self._viewer, conversation)
        if refusal is not None:
            return refusal
        stored = await self._node.queries.view(self._viewer, conversation)
        if stored is None:
            return NOT_FOUND
        shown = reading.conversation(self._live, self._speaker.person, stored)
        return frames.ConversationReply(id=command_id, conversation=shown)

    async def _create(self, command: commands.Create) -> Frame | Refusal:
        refusal = refuse_size(len(command.people), self._node.limits)
        if refusal is not None:
            return refusal
        conversation, answer = await creating.create(
            self._node.queries,
            self._live,
            self._speaker,
            command.kind,
            command.people,
            command.title,
            command.conversation or self._node.new_id(),
            self._node.clock(),
        )
        if isinstance(answer, Refusal):
            return answer
        return await self._open(conversation, command.id)

    async def _change(
        self, command: commands.AddMember | commands.Handle | commands.Note | commands.Mark
    ) -> Answer:
        if isinstance(command, commands.Mark):
            mark = Mark(self._speaker, command.unread)
            return await ask_conversation(self._live, command.conversation, mark)
        if isinstance(command, commands.Note):
            return await notes.change(self._live, self._speaker, command)
        if isinstance(command, commands.AddMember):
            return await creating.add_member(
                self._node.queries,
                self._live,
                self._speaker,
                command.conversation,
                command.person,
            )
        asked = Handle(
            self._speaker,
            command.action,
            command.person or "",
            command.location or "",
            command.until,
        )
        return await ask_conversation(self._live, command.conversation, asked)

    async def _details(
        self, command: commands.Receipts | commands.Versions | commands.Notes
    ) -> Frame | Refusal:
        match command:
            case commands.Receipts():
                return await self._receipts(command)
            case commands.Versions():
                return await self._versions(command)
            case commands.Notes():
                return await notes.show(self._node, self._live, self._viewer, command)

    async def _receipts(self, command: commands.Receipts) -> Frame | Refusal:
        refusal = await note_read(self._node, self._live, self._viewer, command.conversation)
        if refusal is not None:
            return refusal
        stored = await self._node.queries.receipts(self._viewer, command.conversation, command.seq)
        if stored is None:
            return NOT_FOUND
        return frames.ReceiptList(
            id=command.id,
            conversation=command.conversation,
            seq=command.seq,
            receipts=reading.receipts(self._live, self._speaker.person, stored),
        )

    async def _versions(self, command: commands.Versions) -> Frame | Refusal:
        refusal = await note_read(self._node, self._live, self._viewer, command.conversation)
        if refusal is not None:
            return refusal
        stored = await self._node.queries.versions(self._viewer, command.conversation, command.seq)
        if stored is None:
            return NOT_FOUND
        return frames.VersionList(
            id=command.id,
            conversation=command.conversation,
            seq=command.seq,
            versions=stored.versions,
        )

    async def _people(self, command: commands.People) -> Frame | Refusal:
        if len(command.search) > NAME_BYTES:
            return Refusal(Code.TOO_LARGE, "Search for less: a name is shorter than that.")
        found = await self._node.queries.search(
            self._viewer,
            command.search,
            max(1, min(command.limit, PEOPLE_MAX)),
            partners(self._live.state, self._speaker.person, self._speaker.role),
        )
        return frames.PersonList(id=command.id, people=tuple(found))

    async def _search(self, command: commands.Search) -> Frame | Refusal:
        terms = parse(command.q)
        if isinstance(terms, Refusal):
            return terms
        asked = Search(
            terms,
            conversation=command.conversation,
            author=command.author,
            channel=command.channel,
            attachments=command.attachments,
            among=Narrowing(command.location, command.status, command.person),
            since=command.since,
            until=command.until,
            before=command.before,
            limit=max(1, min(command.limit, SEARCH_MAX)),
        )
        page = await searching.find(self._node, self._live.id, self._viewer, asked)
        if isinstance(page, Refusal):
            return page
        return frames.FoundList(id=command.id, found=page.found, next=page.next, behind=page.behind)

    async def _privacy(self, command: commands.Privacy) -> Answer:
        change = ChangePrivacy(self._speaker.person, command.read_receipts, command.last_seen)
        return answer_of(await self._live.desk.ask(BUSINESS, change, ASK_SECONDS))

    async def _watch(self, command: commands.Watch) -> Answer | Frame:
        """Tell the session of these people's presence from now on, in place of those before."""
        if len(command.people) > self._node.limits.watch_people:
            return Refusal(Code.TOO_LARGE, "Watch fewer people at once.")
        removals = self._live.removals
        present = await self._watch_among(command.people)
        if self._live.removals != removals:  # meanwhile; it found nobody watching yet
            self._connection.review_watch()
        if command.id is None:
            return present
        self._then = present
        return frames.Ok(id=command.id)

    async def watch_anew(self) -> frames.PresenceEvent:
        """Watch on those whom one may still watch; answers how they are by now."""
        return await self._watch_among(self.watched)

    async def _watch_among(self, people: Iterable[str]) -> frames.PresenceEvent:
        stored = await self._node.queries.companions(self._viewer, people)
        seen = frozenset(stored)
        self._live.watch(self._connection, seen, self.watched)
        self.watched = seen
        present = reading.presence(self._live, self._speaker.person, stored)
        return frames.PresenceEvent(people=present)


def _page(command: commands.History, found: tuple[list[Message], bool] | None) -> Reply:
    if found is None:
        return NOT_FOUND
    messages, more = found
    return frames.Page(
        id=command.id, conversation=command.conversation, messages=messages, more=more
    )
