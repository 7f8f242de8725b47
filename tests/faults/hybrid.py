"""A client's picture of everything, built from one snapshot and all events after it (R42)."""

from typing import Any

import trio

from tests.faults.premises import Premises, everything
from tests.faults.raw_client import Frame, RawClient

ENTRY = ("author", "kind", "text", "person", "role", "reply_to", "client_message_id")
CURSOR = ("delivered_up_to", "delivered_at", "read_up_to", "read_at")
SETTLED = 0.6
"""Virtual seconds after which whatever was started has been shown; while SQLite works, no time
passes."""


class Picture:
    """What one person may see: conversations, entries, members, cursors, presence."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.conversations: dict[str, Frame] = {}
        self.entries: dict[str, dict[int, Frame]] = {}
        self.notes: dict[str, dict[str, Frame]] = {}
        self.presence: dict[str, tuple[str, int]] = {}
        self.settings: dict[str, tuple[bool, bool]] = {}
        self.inside = False

    def take(self, conversation: Frame, entries: list[Frame], notes: list[Frame]) -> None:
        """Replace what there is of a conversation."""
        id_ = conversation["id"]
        self.notes[id_] = {note["note"]: note for note in notes}
        self.conversations[id_] = conversation | {
            "members": {member["person"]: member for member in conversation["members"]}
        }
        self.entries[id_] = {entry["seq"]: entry for entry in entries}
        for member in conversation["members"]:
            seen = member.get("state", "offline"), member.get("last_seen_at", 0)
            self.presence[member["person"]] = seen

    def apply(self, event: Frame) -> None:
        """One event, by the rules of the page."""
        match event["type"]:
            case "message":
                self._entry(event)
            case "message_edited":
                self._change(event, {"text": event["text"], "edited_at": event["at"]})
            case "message_deleted":
                gone = {"text": "", "edited_at": 0, "attachments": []}
                self._change(event, gone | {"deleted_at": event["at"]})
            case "attachment_changed":
                self._settle(event)
            case "receipt":
                members = self.conversations[event["conversation"]]["members"]
                for cursor in event["receipts"]:
                    moved = {k: cursor[k] for k in CURSOR if cursor.get(k)}
                    members[cursor["person"]] |= moved
                self._read_by_team(event)
            case "handling_changed":
                self.conversations[event["conversation"]]["handling"] = event["handling"]
            case "marked":
                self.conversations[event["conversation"]]["marked"] = event["unread"]
            case "note":
                held = self.notes[event["conversation"]]
                if event["revision"] > held.get(event["note"], {"revision": 0})["revision"]:
                    held[event["note"]] = {k: v for k, v in event.items() if k != "type"}
            case "conversation_removed":
                self.conversations.pop(event["conversation"], None)
                self.entries.pop(event["conversation"], None)
                self.notes.pop(event["conversation"], None)
            case _:
                self._of_people(event)

    def _read_by_team(self, event: Frame) -> None:
        """Where the team shares a count; elsewhere what it has read says nothing."""
        conversation = self.conversations[event["conversation"]]
        if "team_read_up_to" in conversation:
            reached = max(conversation["team_read_up_to"], event.get("team_read_up_to", 0))
            conversation["team_read_up_to"] = reached

    def customers(self) -> dict[str, set[str]]:
        """Who in each conversation is a customer: they decide what is unread for a team."""
        return {
            id_: {p for p, member in each["members"].items() if member["role"] == "customer"}
            for id_, each in self.conversations.items()
        }

    def _of_people(self, event: Frame) -> None:
        match event["type"]:
            case "presence":
                for shown in event["people"]:
                    seen = shown["state"], shown.get("last_seen_at", 0)
                    self.presence[shown["person"]] = seen
            case "business_changed":
                self.settings["business"] = (event["read_receipts"], event["last_seen"])
            case "privacy_changed":
                self.settings["own"] = (event["read_receipts"], event["last_seen"])
            case "person_changed":
                now = {"name": event["name"], "role": event["role"]}
                for conversation in self.conversations.values():
                    member = conversation["members"].get(event["person"])
                    if member is not None:
                        member |= now | {"active": event.get("active", True)}

    def begin(self, welcome: Frame) -> None:
        """What the greeting of a fresh start says."""
        self.inside = welcome["role"] != "customer"
        for name, field in (("business", "business_settings"), ("own", "privacy")):
            self.settings[name] = (welcome[field]["read_receipts"], welcome[field]["last_seen"])

    def _change(self, event: Frame, now: Frame) -> None:
        """Of an entry that one may see; others are not held."""
        entry = self.entries[event["conversation"]].get(event["seq"])
        if entry is not None:
            entry |= now

    def _settle(self, event: Frame) -> None:
        entry = self.entries[event["conversation"]].get(event["seq"], {})
        for each in entry.get("attachments", ()):
            if each["id"] == event["attachment"]:
                each["state"] = event["state"]

    def _entry(self, event: Frame) -> None:
        id_ = event["conversation"]
        self.entries[id_][event["seq"]] = {k: v for k, v in event.items() if k != "type"}
        members = self.conversations[id_]["members"]
        self._wait(id_, event)
        match event.get("kind", "text"):
            case "member_added":
                joined = {"person": event["person"], "name": event["text"], "role": event["role"]}
                members[event["person"]] = joined
            case "member_removed" | "member_left":
                members.pop(event["person"], None)

    def _wait(self, conversation: str, entry: Frame) -> None:
        """A customer's word begins the waiting, one of the team ends it; for the team to know."""
        if entry.get("kind", "text") != "text" or entry.get("location"):
            return
        picture = self.conversations[conversation]
        roles = {person: member["role"] for person, member in picture["members"].items()}
        if roles.get(self.person) == "customer":
            return
        handling = dict(picture.get("handling", {}))
        since = handling.pop("waiting_since", 0)
        if roles.get(entry["author"]) == "customer":
            handling["waiting_since"] = since or entry["at"]
            picture["channel"] = entry.get("channel", "app")
        picture["handling"] = handling

    def said(self, conversation: str, ack: Frame, text: str, **more: Any) -> None:
        """A send of one's own, as its ack tells: this connection gets no event of it."""
        entry = {"conversation": conversation, "seq": ack["seq"], "revision": ack["revision"]}
        own = {"at": ack["at"], "author": self.person, "text": text}
        id_ = {"client_message_id": ack["client_message_id"]}
        self.entries[conversation][ack["seq"]] = entry | own | id_ | more
        self._wait(conversation, entry | own)

    def normal(self, watched: set[str]) -> Frame:
        """The same for the same state, whatever way it came."""
        held = {id_: self._normal(id_, watched) for id_ in sorted(self.conversations)}
        return held | {"settings": dict(self.settings)}

    def _normal(self, id_: str, watched: set[str]) -> Frame:
        conversation, entries = self.conversations[id_], self.entries[id_]
        return {
            "kind": conversation["kind"],
            "title": conversation.get("title", ""),
            "created": (conversation["created_at"], conversation["created_by"]),
            "handling": conversation.get("handling", {}),
            "marked": conversation.get("marked", False),
            "channel": conversation.get("channel", "app"),
            "notes": self.notes[id_],
            "entries": [self._normal_entry(entries[seq]) for seq in sorted(entries)],
            "unread": self.unread(id_),
            "team read": conversation.get("team_read_up_to"),
            "members": {
                person: (
                    member["name"],
                    member["role"],
                    member.get("active", True),
                    self._normal_cursor(id_, member),
                    self._normal_presence(person) if person in watched else None,
                )
                for person, member in sorted(conversation["members"].items())
            },
        }

    def unread(self, id_: str) -> int:
        """As the protocol says: of the team together where it is told how far that has read."""
        conversation = self.conversations[id_]
        read_up_to = conversation["members"].get(self.person, {}).get("read_up_to", 0)
        shared = "team_read_up_to" in conversation
        customers = self.customers()[id_] | self.gone
        if shared:
            read_up_to = max(read_up_to, conversation["team_read_up_to"])
        return sum(
            entry["author"] != self.person
            and entry.get("kind", "text") == "text"
            and not entry.get("deleted_at", 0)
            and (not shared or entry["author"] in customers)
            for seq, entry in self.entries[id_].items()
            if seq > read_up_to
        )

    @property
    def gone(self) -> set[str]:
        """Customers who are members no more: what they said is unread still."""
        return {
            entry["person"]
            for entries in self.entries.values()
            for entry in entries.values()
            if entry.get("role") == "customer"
        }

    def _normal_cursor(self, id_: str, member: Frame) -> tuple[int, ...]:
        """One's own as it is; another's only as far as it concerns what one has said.

        Receipts go to the authors whom they concern: a cursor that passes nothing of one's own may
        be told, at a resume, or not.
        """
        if member["person"] == self.person:
            return tuple(member.get(field, 0) for field in CURSOR)
        mine = [seq for seq, e in self.entries[id_].items() if e["author"] == self.person]
        return tuple(
            max((seq for seq in mine if seq <= member.get(field, 0)), default=0)
            for field in ("delivered_up_to", "read_up_to")
        )

    def _normal_entry(self, entry: Frame) -> tuple[Any, ...]:
        times = (entry["at"], entry.get("edited_at", 0), entry.get("deleted_at", 0))
        place = (entry["seq"], entry["revision"])
        kind = {"kind": "text", "text": "", "reply_to": 0} | entry
        attachments = [
            (each["id"], each["name"], each.get("state", "ready"))
            for each in entry.get("attachments", ())
        ]
        return (*place, *times, *(kind.get(field, "") for field in ENTRY), attachments)

    def _normal_presence(self, person: str) -> tuple[str, int]:
        """When somebody who is there was last seen says nothing."""
        state, last_seen_at = self.presence.get(person, ("offline", 0))
        return (state, last_seen_at if state == "offline" else 0)


class Hybrid:
    """One device that keeps its picture up to date; it may be away for a while."""

    def __init__(self, premises: Premises, person: str, device: str = "hybrid") -> None:
        self.premises = premises
        self.person = person
        self.device = device
        self.picture = Picture(person)
        self.cursor: Frame | None = None
        self.seen: set[str] = set()
        """Types of events that came over the present connection."""
        self.resets = 0
        self.client: RawClient | None = None
        self._watched: tuple[str, ...] = ()
        self._outdated = False

    async def connect(self) -> str:
        """Come (back); how the server answered, after all that was missed has come."""
        self.client = await self.premises.enter(self.person, self.device, cursor=self.cursor)
        welcome = await self.client.next("welcome")
        self.seen = set()
        if welcome["resume"] != "complete":
            self.cursor = {"epoch": welcome["epoch"], "revision": welcome["revision"]}
            self.picture = Picture(self.person)
            self.picture.begin(welcome)
            await self._load()
        else:
            while "resumed" not in self.seen:
                await self._take(await self.client.next())
        if self._watched:
            await self.watch(*self._watched)
        return str(welcome["resume"])

    async def watch(self, *people: str) -> None:
        """Be told the presence of these people, now and over reconnects."""
        self._watched = people
        assert self.client is not None
        self.client.send("watch", people=list(people))
        await self.settle()

    def go(self) -> None:
        """The connection breaks."""
        assert self.client is not None
        self.client.drop()

    async def settle(self) -> None:
        """Take all that comes until nothing more comes; one that is reset (4010) comes back."""
        assert self.client is not None
        await trio.sleep(SETTLED)
        while self.client.frames:
            await self._take(self.client.frames.popleft())
            if not self.client.frames:
                await trio.sleep(SETTLED)
        if self.client.closed is not None:
            assert self.client.closed[0] == 4010, self.client.closed
            self.resets += 1
            assert await self.connect() == "reset"
            await self.settle()
        elif self._outdated:
            await self._load()
            await self.watch(*self._watched)

    async def say(self, conversation: str, text: str, id_: str, **more: Any) -> Frame:
        """Say something over this device's own connection."""
        assert self.client is not None
        said = {"conversation": conversation, "client_message_id": id_, "text": text} | more
        ack = await self.client.ask("send", **said)
        assert ack["type"] == "ack", ack
        self.picture.said(conversation, ack, text, **more)
        return ack

    async def _take(self, event: Frame) -> None:
        self.seen.add(event["type"])
        assert self.cursor is not None
        customers = self.picture.customers()
        if event["type"] == "conversation_added":
            await self._load_one(event["conversation"])
        elif event.get("conversation", next(iter(self.picture.conversations), None)) in (
            *self.picture.conversations,
            None,
        ):
            self.picture.apply(event)
        elif event["type"] != "conversation_removed":
            raise AssertionError(f"{self.person} is told of what it does not have: {event}")
        if event["type"] in ("business_changed", "privacy_changed", "visibility_changed"):
            self._outdated = True  # what was hidden may be shown now, and the other way round
        if event["type"] in ("message", "person_changed") and self.picture.inside:
            self._outdated |= _otherwise(customers, self.picture.customers())
        self.cursor["revision"] = max(self.cursor["revision"], event.get("revision", 0))

    async def _load(self) -> None:
        assert self.client is not None
        self._outdated = False
        found = await self.client.ask("conversations", limit=100)
        self.picture.conversations.clear()
        self.picture.entries.clear()
        self.picture.notes.clear()
        for conversation in found["conversations"]:
            await self._load_one(conversation)

    async def _load_one(self, conversation: Frame) -> None:
        assert self.client is not None
        found = await self.client.ask("history", conversation=conversation["id"], limit=1)
        gone = found.get("code") == "not_found"  # meanwhile; the event that says so follows
        entries = [] if gone else await everything(self.client, conversation["id"])
        found = await self.client.ask("notes", conversation=conversation["id"], limit=100)
        self.picture.take(conversation, entries, found.get("notes", []))  # a customer has none


def _otherwise(before: dict[str, set[str]], after: dict[str, set[str]]) -> bool:
    """Whether other people count as customers now than when the server counted for a team."""
    return any(
        bool(before[id_]) != bool(after[id_]) or before[id_] - after[id_]
        for id_ in before.keys() & after.keys()
    )


async def fresh(premises: Premises, person: str, number: int) -> Picture:
    """What somebody sees who has just come for the first time."""
    hybrid = Hybrid(premises, person, f"fresh-{number}")
    await hybrid.connect()
    hybrid.go()
    picture = hybrid.picture
    for id_, conversation in picture.conversations.items():
        if person in conversation["members"]:  # who is not is told no cursor of their own
            assert conversation["unread"] == picture.unread(id_), (person, id_)
    return picture


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two normal pictures differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other}, key=str)
        return [
            found
            for key in keys
            for found in differences(one.get(key), other.get(key), f"{at}/{key}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for n, (a, b) in pairs for found in differences(a, b, f"{at}[{n}]")]
    return [] if one == other else [f"{at}: built {one}, fresh {other}"]
