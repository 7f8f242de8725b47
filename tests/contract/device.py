"""What a device holds: loaded afresh, then kept up by what it missed, as the protocol says."""

from dataclasses import dataclass, field

import msgspec

from domain.views import Member, Message
from storage.access import Viewer
from storage.catch_up import CatchUpPage
from storage.missed import (
    Cursors,
    Deleted,
    Edited,
    Joined,
    Missed,
    OwnPrivacy,
    Removed,
    Settings,
    Somebody,
    Visibility,
)
from storage.queries import Queries

Look = tuple[str, str, bool]
"""Name, role, and whether they are active."""
Cursor = tuple[int, int, int, int]


@dataclass
class Held:
    """One conversation on the device."""

    last_seq: int
    members: dict[str, tuple[Look, Cursor]]
    messages: dict[int, Message]


@dataclass
class Device:
    """The state of a client that applies events; two of them are equal if they show the same."""

    viewer: Viewer
    conversations: dict[str, Held] = field(default_factory=dict)
    settings: tuple[bool, bool] | None = None
    privacy: tuple[bool, bool] | None = None
    revision: int = field(default=0, compare=False)

    async def load(self, queries: Queries, revision: int) -> None:
        """Start afresh; ``revision`` is where the log stood before anything was read."""
        before = None
        self.revision = revision
        self.conversations.clear()
        while True:
            page = await queries.conversations(self.viewer, before, 3)
            for picture in page.conversations:
                await self._take(queries, picture.id)
            if page.next is None:
                return
            before = page.next

    async def _take(self, queries: Queries, conversation: str) -> None:
        picture = await queries.view(self.viewer, conversation)
        if picture is None:
            return  # gone again; the event says so
        held = Held(picture.last_seq, {m.person: _member(m) for m in picture.members}, {})
        after, more = 0, True
        while more:
            found = await queries.history(self.viewer, conversation, None, after, 50)
            if found is None:
                return
            messages, more = found
            held.messages |= {m.seq: _shown(m) for m in messages if m.seq <= picture.last_seq}
            after = messages[-1].seq if messages else after
        self.conversations[conversation] = held

    async def apply(self, queries: Queries, page: CatchUpPage) -> None:
        """Take one page; every revision after the one before, none beyond the page's end."""
        for revision, missed in page.items:
            assert self.revision < revision <= page.up_to
            self.revision = revision
            await self._apply(queries, missed)
        self.revision = page.up_to

    async def _apply(self, queries: Queries, missed: Missed) -> None:
        match missed:
            case Message():
                self._message(missed)
            case Edited(conversation, seq, at, _, text):
                self._change(conversation, seq, text, edited_at=at)
            case Deleted(conversation, seq, at, _):
                self._change(conversation, seq, "", deleted_at=at)
            case Cursors(conversation, cursors):
                members = self.conversations[conversation].members
                for c in cursors:
                    look, _ = members[c.person]
                    moved = (c.delivered_up_to, c.delivered_at, c.read_up_to, c.read_at)
                    members[c.person] = (look, moved)
            case Joined(conversation):
                await self._take(queries, conversation.id)
            case Removed(conversation):
                self.conversations.pop(conversation, None)
            case _:
                self._of_people(missed)

    def _of_people(self, missed: Missed) -> None:
        match missed:
            case Somebody(person, name, role, active):
                for held in self.conversations.values():
                    if person in held.members:
                        _, cursor = held.members[person]
                        held.members[person] = ((name, role, active), cursor)
            case Visibility():
                pass  # nothing is hidden in what is stored
            case Settings(read_receipts, last_seen):
                self.settings = (read_receipts, last_seen)
            case OwnPrivacy(read_receipts, last_seen):
                self.privacy = (read_receipts, last_seen)

    def _message(self, message: Message) -> None:
        held = self.conversations[message.conversation]
        if message.seq <= held.last_seq:
            return
        assert message.seq == held.last_seq + 1, "a silent hole"
        held.last_seq = message.seq
        held.messages[message.seq] = _shown(message)
        if message.kind == "member_added":
            held.members[message.person] = ((message.text, message.role, True), (0, 0, 0, 0))
        elif message.kind != "text":
            held.members.pop(message.person)

    def _change(
        self, conversation: str, seq: int, text: str, *, edited_at: int = 0, deleted_at: int = 0
    ) -> None:
        messages = self.conversations[conversation].messages
        if seq in messages:
            old = messages[seq]
            messages[seq] = _shown(
                msgspec.structs.replace(
                    old,
                    text=text,
                    edited_at=edited_at or old.edited_at,
                    deleted_at=deleted_at or old.deleted_at,
                )
            )


def _shown(message: Message) -> Message:
    """Of a deleted message nobody shows when it was edited."""
    return msgspec.structs.replace(message, edited_at=0) if message.deleted_at else message


def _member(member: Member) -> tuple[Look, Cursor]:
    cursor = (member.delivered_up_to, member.delivered_at, member.read_up_to, member.read_at)
    return ((member.name, member.role, member.active), cursor)
