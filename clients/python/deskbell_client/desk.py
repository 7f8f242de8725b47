"""The `Desk`: what a client of the server can do, once `connect` has made it."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack
from urllib.parse import urlencode

import trio

from deskbell_client import commands, mapping, replies
from deskbell_client.credentials import Credentials
from deskbell_client.driver import Dial, Driver, GetToken
from deskbell_client.errors import Refused, Stopped
from deskbell_client.events import Event
from deskbell_client.filters import ConversationFilter, SearchFilter
from deskbell_client.options import Options
from deskbell_client.phase import Phase
from deskbell_client.records import (
    Attachment,
    Conversation,
    Explanation,
    MessageReceipt,
    Person,
    Version,
)
from deskbell_client.replies import FoundList, NoteList
from deskbell_client.session import Session
from deskbell_client.storage import MemoryStorage, Storage
from deskbell_client.uploads import Address, Content, FileContent, Http, Progress, upload


class Desk:
    """One device of one person: send, receive, look up. Made by `connect`; use it in `async with`.

    It is usable at once, connected or not: what is asked for goes out when a connection is live,
    and is waited for over reconnects. Every method that waits raises

    - `Refused` when the server says no,
    - `OutcomeUnknown` when the connection ended between an edit, a deletion or a change of members,
      of the handling or of a note and its reply (everything else is simply sent again),
    - `Stopped` when the client has stopped for good.
    """

    def __init__(
        self,
        device: str,
        token: str | None,
        get_token: GetToken | None,
        storage: Storage | None,
        options: Options,
        dial: Dial,
        address: Address,
    ) -> None:
        self._http = Http(address.netloc, address.context, self._http_token)
        self._device = device
        self._token = token
        self._get_token = get_token
        self._storage = storage or MemoryStorage()
        self._options = options
        self._dial = dial
        self._address = address
        self._nursery = trio.open_nursery()

    async def __aenter__(self) -> Self:
        stored = await self._storage.load(self._device)
        credentials = Credentials(
            self._token, stored.position.session_token, can_fetch=self._get_token is not None
        )
        self._session = Session(
            self._device, self._options, credentials, stored, trio.current_time()
        )
        self._driver = Driver(
            self._session,
            self._storage,
            self._dial,
            self._get_token,
            self._address.netloc,
            self._address.path,
        )
        nursery = await self._nursery.__aenter__()
        nursery.start_soon(self._driver.run)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send the receipts that gather, close the connection, store the position.

        An error of the block is not given to the nursery: it leaves as it is, in no group.
        """
        self._driver.stop()
        await self._nursery.__aexit__(None, None, None)

    # --- What is known ----------------------------------------------------------------------------

    @property
    def welcome(self) -> replies.Welcome | None:
        """The last `welcome`: who one is, the limits; ``None`` before the first."""
        return self._session.welcome

    @property
    def live(self) -> bool:
        """Whether the connection is up and all that was missed has come."""
        return self._session.phase is Phase.LIVE

    @property
    def stopped(self) -> Stopped | None:
        """Why the client has stopped for good; ``None`` while it runs."""
        return self._session.stopped

    def events(self) -> AsyncIterator[Event]:
        """What happens, in order; for one reader at a time.

        An event counts as processed when the next one is asked for: only then does the stored
        position pass it. Ends when the ``async with`` block is left; raises `Stopped` if the client
        stops by itself.
        """
        return _Events(self._driver)

    # --- Messages ---------------------------------------------------------------------------------

    async def send(
        self,
        conversation: str,
        text: str,
        *,
        reply_to: int = 0,
        attachments: Iterable[str] = (),
        client_message_id: str | None = None,
    ) -> replies.Ack:
        """Say ``text``; returns when the server has it on disk.

        Stored before the first try and tried until there is an answer, under one client_message_id:
        it is said once, however often the connection breaks. Sends of one conversation keep their
        order. A caller that is cancelled leaves it pending if it is stored by then, or else unsent.
        ``attachments``: the ids of what `upload` gave; with one the text may be empty.
        Also raises `PendingFull`, `WireError`.
        """
        send = self._send(conversation, text, reply_to, attachments, client_message_id)
        return await self._driver.send(send)

    async def post(
        self,
        conversation: str,
        text: str,
        *,
        reply_to: int = 0,
        attachments: Iterable[str] = (),
        client_message_id: str | None = None,
    ) -> str:
        """Like `send`, without waiting for the ack: `events.Sent` or `events.SendFailed` follows.

        Returns the client_message_id when the send is stored.
        """
        send = self._send(conversation, text, reply_to, attachments, client_message_id)
        await self._driver.post(send)
        return send.client_message_id

    def _send(
        self,
        conversation: str,
        text: str,
        reply_to: int,
        attachments: Iterable[str],
        client_message_id: str | None,
    ) -> commands.Send:
        id_ = client_message_id or self._options.new_id()
        return commands.Send(conversation, id_, text, reply_to, tuple(attachments))

    async def upload(
        self, content: bytes | Path, name: str = "", *, progress: Progress | None = None
    ) -> Attachment:
        """Upload a file, over broken connections; returns when its ``id`` can be sent.

        ``name`` is by default that of the path. ``progress`` is called with the bytes that the
        server has, and all there are. Raises `Refused` (a file that the server does not take, with
        the reason), `UploadFailed`, `OSError` (the path cannot be read).
        """
        if isinstance(content, bytes):
            return await upload(self._http, name or "file", Content(content), progress)
        source = await trio.to_thread.run_sync(FileContent, content)
        return await upload(self._http, name or content.name, source, progress)

    async def link(
        self, conversation: str, seq: int, attachment: str, *, thumbnail: bool = False
    ) -> str:
        """An address from which an attachment can be downloaded for some minutes, without a token.

        Raises `Refused`, or `OSError`: there was no answer.
        """
        path = f"/v1/conversations/{conversation}/messages/{seq}/attachments/{attachment}"
        answer = await self._http.ask("GET", path)
        found = answer["thumbnail_url" if thumbnail else "url"]
        if not found:
            raise Refused("not_found", "There is no thumbnail of this attachment.")
        return f"{self._http.origin}{found}"

    async def _http_token(self) -> str:
        """The session token, which works for HTTP too; waits for the first connection."""
        if self._session.welcome is None:
            await self.ping()
        assert self._session.welcome is not None
        return self._session.welcome.session_token

    async def edit(self, conversation: str, seq: int, text: str) -> None:
        """Replace the text of a message of one's own."""
        await self._driver.ask(commands.Edit(conversation, seq, text))

    async def delete(self, conversation: str, seq: int) -> None:
        """Take a message back; its place stays."""
        await self._driver.ask(commands.Delete(conversation, seq))

    def delivered(self, conversation: str, seq: int) -> None:
        """Everything up to ``seq`` has reached this person (see `Options.auto_delivered`)."""
        self._session.receipt(commands.Receipt(conversation, seq), trio.current_time())
        self._driver.carry_out()

    def read(self, conversation: str, seq: int) -> None:
        """The person has seen everything up to ``seq``."""
        self._session.receipt(commands.Receipt(conversation, 0, seq), trio.current_time())
        self._driver.carry_out()

    def typing(self, conversation: str, active: bool = True) -> None:
        """The person types, or has stopped; call it as often as you like. Lost while offline."""
        self._session.typing(commands.Typing(conversation, active), trio.current_time())
        self._driver.carry_out()

    # --- Conversations ----------------------------------------------------------------------------

    async def conversations(
        self,
        before: str | None = None,
        limit: int = 50,
        **wanted: Unpack[ConversationFilter],
    ) -> replies.ConversationList:
        """One's conversations that fit, latest activity first; while the page has a ``next``, it
        goes into ``before``."""
        return await self._driver.ask(commands.Conversations(before=before, limit=limit, **wanted))

    async def open(self, conversation: str) -> Conversation:
        """One conversation as it is now."""
        return (await self._driver.ask(commands.Open(conversation))).conversation

    async def history(
        self,
        conversation: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> replies.Page:
        """Messages in ascending seq: the newest (``before`` a seq), or the oldest ``after`` one."""
        return await self._driver.ask(commands.History(conversation, before, after, limit))

    async def create_direct(self, person: str) -> Conversation:
        """The conversation with ``person``: the same one every time."""
        return (await self._driver.ask(commands.Create("direct", (person,)))).conversation

    async def create_group(
        self, people: Iterable[str], *, title: str = "", conversation: str | None = None
    ) -> Conversation:
        """A new conversation; ``conversation`` is its id, made here if you give none."""
        command = commands.Create(
            "group", tuple(people), title, conversation or self._options.new_id()
        )
        return (await self._driver.ask(command)).conversation

    async def add_member(self, conversation: str, person: str) -> None:
        """Bring somebody in."""
        await self._driver.ask(commands.AddMember(conversation, person))

    async def remove_member(self, conversation: str, person: str) -> None:
        """Take somebody out."""
        await self._driver.ask(commands.RemoveMember(conversation, person))

    async def leave(self, conversation: str) -> None:
        """Go out oneself."""
        await self._driver.ask(commands.Leave(conversation))

    async def handle(
        self,
        conversation: str,
        action: commands.Action,
        *,
        person: str | None = None,
        location: str | None = None,
        until: int | None = None,
    ) -> None:
        """Change how the team deals with a conversation; `events.HandlingChanged` shows it.

        `assign` takes the ``person``, `transfer` the ``location`` it goes to, `snooze` the time
        ``until`` which it rests; `unassign`, `close`, `reopen`, `handled` and `waiting` take none.
        """
        await self._driver.ask(commands.Handle(conversation, action, person, location, until))

    async def mark(self, conversation: str, *, unread: bool = True) -> None:
        """Mark a conversation as unread, for oneself alone, or take the mark off."""
        await self._driver.ask(commands.Mark(conversation, unread))

    async def note(
        self,
        conversation: str,
        note: str,
        action: commands.NoteAction,
        text: str | None = None,
        mentions: tuple[str, ...] | None = None,
    ) -> None:
        """Add, edit or delete a note of the team, ``note`` is its id; a `Note` event shows it."""
        await self._driver.ask(commands.Note(conversation, note, action, text, mentions))

    async def notes(
        self, conversation: str, *, before: str | None = None, limit: int = 50
    ) -> NoteList:
        """What the team says to itself about a conversation, newest first."""
        return await self._driver.ask(commands.Notes(conversation, before, limit))

    async def receipts(self, conversation: str, seq: int) -> tuple[MessageReceipt, ...]:
        """Whom a message reached and who read it, and when."""
        return (await self._driver.ask(commands.Receipts(conversation, seq))).receipts

    async def versions(self, conversation: str, seq: int) -> tuple[Version, ...]:
        """What a message said, oldest first."""
        return (await self._driver.ask(commands.Versions(conversation, seq))).versions

    async def explain(self, conversation: str, seq: int) -> Explanation:
        """Why a message is where it is, and whom it reached: the team alone may ask.

        Raises `Refused`, or `OSError`: there was no answer.
        """
        path = f"/v1/conversations/{conversation}/messages/{seq}/explanation"
        return mapping.read(Explanation, await self._http.ask("GET", path))

    async def search(self, q: str, **wanted: Unpack[SearchFilter]) -> FoundList:
        """A page of messages and titles in which all words of ``q`` occur, newest first."""
        return await self._driver.ask(commands.Search(q, **wanted))

    # --- People -----------------------------------------------------------------------------------

    async def people(self, search: str = "", limit: int = 20) -> tuple[Person, ...]:
        """Whom one may talk to, by a part of the name."""
        return (await self._driver.ask(commands.People(search, limit))).people

    async def colleagues(
        self, conversation: str, search: str = "", limit: int = 50
    ) -> tuple[Person, ...]:
        """Who else of the team sees a conversation: whom it can be assigned to, or mention.

        By a part of the name. Raises `Refused`, or `OSError`: there was no answer.
        """
        query = urlencode({"search": search, "limit": limit})
        path = f"/v1/conversations/{conversation}/colleagues?{query}"
        found = (await self._http.ask("GET", path))["people"]
        return tuple(mapping.read(Person, each) for each in found)

    async def watch(self, people: Iterable[str]) -> None:
        """Be told the presence of ``people`` from now on, and of nobody else; over reconnects."""
        await self._driver.ask(commands.Watch(tuple(people)))

    def activity(self, active: bool) -> None:
        """The person is at the device, or has gone idle; told again after a reconnect."""
        self._session.activity(active, trio.current_time())
        self._driver.carry_out()

    async def privacy(
        self, *, read_receipts: bool | None = None, last_seen: bool | None = None
    ) -> None:
        """Show or hide one's read receipts and presence; ``None`` leaves a setting as it is."""
        await self._driver.ask(commands.Privacy(read_receipts, last_seen))

    async def ping(self) -> int:
        """The server's clock (milliseconds since 1970 UTC), as a sign of life."""
        return (await self._driver.ask(commands.Ping())).server_time


class _Events:
    """The events of a driver as an iterator."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._driver.next_event()
        if event is None:
            raise StopAsyncIteration
        return event
