"""The Python SDK as a device whose history is noted: what an application sees of it."""

from collections.abc import Callable

import trio

from deskbell_client import Desk, Message, Refused
from deskbell_client.events import (
    Connected,
    ConversationAdded,
    ConversationRemoved,
    Disconnected,
    ReceiptsMoved,
    Reset,
)
from deskbell_client.records import Conversation
from tests.faults.invariants import Acked, Entry, History


class SdkDevice:
    """Runs one `Desk`, not entered yet, and keeps what it shows in a `History`."""

    def __init__(self, history: History, device: str, desk: Desk, owner: str = "olivia") -> None:
        self.history = history
        self.id = device
        self.desk = desk
        self.held: dict[str, int] = {}
        self.own: dict[str, set[int]] = {}
        self.codes: list[int] = []
        self.on_ack: Callable[[], None] = lambda: None
        self._owner = owner
        self._numbers = 0
        self._changed = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take events until cancelled."""
        async with self.desk:
            task_status.started()
            async for event in self.desk.events():
                match event:
                    case Connected(welcome) if welcome.resume == "fresh":
                        await self._load()
                    case Reset():
                        await self._load()
                    case Disconnected(code):
                        self.codes.append(code)
                    case Message():
                        self._message(event)
                    case ReceiptsMoved(_, conversation, receipts):
                        for moved in receipts:
                            up_to = moved.delivered_up_to, moved.read_up_to
                            self.history.cursor(self.id, conversation, moved.person, *up_to)
                    case ConversationAdded(_, conversation):
                        self._picture(conversation)
                    case ConversationRemoved(revision, conversation):
                        self.held.pop(conversation, None)
                        self.history.removed(self.id, conversation, revision)
                self._changed.set()

    async def say(self, conversation: str, text: str = "") -> None:
        """Say something and wait for the ack, over whatever reconnects it takes."""
        self._numbers += 1
        id_ = f"{self.id}.{self._numbers}"
        text = text or f"text of {id_}"
        self.history.invoke(self.id, conversation, id_, text)
        try:
            ack = await self.desk.send(conversation, text, client_message_id=id_)
        except Refused as refused:
            self.history.fail(id_, refused.code)
            return
        self.history.ok(id_, Acked(ack.seq, ack.revision, ack.at))
        self.own.setdefault(conversation, set()).add(ack.seq)
        self._absorb(conversation)
        self._changed.set()
        self.on_ack()

    async def has(self, conversation: str, seq: int) -> None:
        """Wait until it holds everything up to ``seq``."""
        while self.held.get(conversation, 0) < seq:
            self._changed = trio.Event()
            await self._changed.wait()

    async def _load(self) -> None:
        self.held.clear()
        for conversation in (await self.desk.conversations(limit=100)).conversations:
            self._picture(conversation)

    def _picture(self, conversation: Conversation) -> None:
        self.held[conversation.id] = conversation.last_seq
        self.history.loaded(self.id, conversation.id, conversation.last_seq)
        people = [member.person for member in conversation.members]
        self.history.members(conversation.id, people, [self._owner])
        self._absorb(conversation.id)

    def _message(self, message: Message) -> None:
        last = self.held.get(message.conversation, 0)
        if message.seq <= last:
            self.history.again()
            return
        fields = (message.seq, message.author, message.text, message.client_message_id)
        self.history.shown(self.id, message.conversation, Entry(*fields, message.revision))
        self.held[message.conversation] = message.seq
        self._absorb(message.conversation)

    def _absorb(self, conversation: str) -> None:
        while self.held.get(conversation, 0) + 1 in self.own.get(conversation, ()):
            self.held[conversation] = self.held.get(conversation, 0) + 1


async def whole_log(desk: Desk, conversation: str) -> list[Entry]:
    """All entries of a conversation as a reader finds them, page by page."""
    entries: list[Entry] = []
    more = True
    while more:
        after = entries[-1].seq if entries else 0
        page = await desk.history(conversation, after=after, limit=200)
        entries += [
            Entry(m.seq, m.author, m.text, m.client_message_id, m.revision) for m in page.messages
        ]
        more = page.more
    return entries
