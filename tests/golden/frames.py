"""The golden frames: one of each kind, in the field order of `docs/protocol.md`.

A field that has its default value is left out, as both sides do. `MINIMAL` has only what must be
there; the others use every field, the far ends of the numbers, and text beyond ASCII.
"""

from dataclasses import dataclass
from typing import Literal

UINT_MAX = 2**53 - 1
AT = 1_793_000_001_234

Map = dict[str, object]


@dataclass(frozen=True)
class Golden:
    """A frame by name: who sends it, and what a reader may want to know about it."""

    name: str
    direction: Literal["client", "server"]
    frame: Map
    notes: str


MESSAGE: Map = {
    "conversation": "c1",
    "seq": 42,
    "revision": 1078,
    "at": AT,
    "author": "carla",
    "text": "Is **Rex** ready? 🐕\n[Map](https://example.org/map)",
    "reply_to": 41,
    "client_message_id": "01932f0c-7d1e-7c3a-9f6b-2a4d5e6f7081",
    "edited_at": AT + 1,
}
ATTACHMENTS: list[Map] = [
    {
        "id": "01932f6a-7b1c-7d2e-8f3a-4b5c6d7e8f90",
        "name": "Rex nach dem Bad 🐩.jpg",
        "media_type": "image/jpeg",
        "kind": "image",
        "bytes": 698_112,
        "width": 2048,
        "height": 1536,
        "thumbnail": True,
    },
    {
        "id": "01932f6a-8c2d-7e3f-9a4b-5c6d7e8f9012",
        "name": "Impfpass.pdf",
        "media_type": "application/pdf",
        "kind": "document",
        "bytes": 81_920,
        "state": "pending-scan",
    },
]
DELETED: Map = {
    "conversation": "c1",
    "seq": 41,
    "revision": 1070,
    "at": AT - 1000,
    "author": "olivia",
    "client_message_id": "m-41",
    "deleted_at": AT,
}
JOINED: Map = {
    "conversation": "c1",
    "seq": 2,
    "revision": 3,
    "at": AT - 5000,
    "author": "olivia",
    "kind": "member_added",
    "text": "Carla Müller",
    "person": "carla",
    "role": "customer",
}
AUTOMATED: Map = {
    "conversation": "c1",
    "seq": 46,
    "revision": 1089,
    "at": AT,
    "author": "@business",
    "text": "See you tomorrow at ten.",
    "client_message_id": "reminder-7",
    "location": "downtown",
}
NOTE: Map = {
    "conversation": "c1",
    "note": "n-1",
    "revision": 1092,
    "seq": 42,
    "at": AT,
    "author": "sam",
    "text": "Beißt beim Pfotenwaschen 🐾",
    "mentions": ["mo"],
    "edited_at": AT + 2,
}


HANDLING: Map = {
    "locations": ["downtown", "uptown"],
    "status": "snoozed",
    "snoozed_until": AT + 3_600_000,
    "assignee": "sam",
    "waiting_since": AT - 60_000,
}
CONVERSATION: Map = {
    "id": "c1",
    "kind": "group",
    "title": "Fellpflege für Rex",
    "created_at": AT - 9000,
    "created_by": "olivia",
    "members": [
        {"person": "olivia", "name": "Olivia Ørsted", "role": "owner"},
        {
            "person": "carla",
            "name": "Carla Müller",
            "role": "customer",
            "delivered_up_to": 42,
            "delivered_at": AT + 50,
            "read_up_to": 41,
            "read_at": AT - 10,
            "state": "away",
            "last_seen_at": AT - 300_000,
        },
    ],
    "last_seq": 42,
    "last_message": MESSAGE,
    "unread": 1,
    "revision": 1078,
    "handling": HANDLING,
    "team_read_up_to": 41,
}
EMPTY_CONVERSATION: Map = {
    "id": "c2",
    "kind": "direct",
    "created_at": AT,
    "created_by": "carla",
    "members": [
        {"person": "carla", "name": "Carla Müller", "role": "customer"},
        {"person": "olivia", "name": "Olivia Ørsted", "role": "owner", "state": "online"},
        {"person": "sam", "name": "Sam", "role": "staff", "active": False},
    ],
    "last_seq": 0,
    "unread": 0,
    "revision": 12,
}
LIMITS: Map = {
    "frame_bytes": 131072,
    "text_bytes": 32768,
    "history_limit": 200,
    "members": 128,
    "watch_people": 200,
    "commands_per_second": 50,
    "commands_burst": 200,
    "sends_in_flight": 64,
    "typing_ms": 6000,
    "devices": 8,
}


def _client(kind: str, notes: str, /, suffix: str = "", **fields: object) -> Golden:
    name = f"client-{kind}{suffix}"
    return Golden(name, "client", {"type": kind} | fields, notes)


def _server(kind: str, notes: str, /, suffix: str = "", **fields: object) -> Golden:
    name = f"server-{kind}{suffix}"
    return Golden(name, "server", {"type": kind} | fields, notes)


COMMANDS = (
    _client("hello", "the first frame ever", "-minimal", token="token-1", device="d1"),
    _client(
        "hello",
        "a reconnect",
        token="session-1",
        device="web-5f2c",
        cursor={"epoch": "9f1c", "revision": 1041},
        location="north",
    ),
    _client(
        "send",
        "an answer, with text beyond ASCII",
        id=7,
        conversation="c1",
        client_message_id="01932f0c-7d1e-7c3a-9f6b-2a4d5e6f7081",
        text=MESSAGE["text"],
        reply_to=41,
    ),
    _client(
        "send",
        "with attachments the text may be empty",
        "-attachments",
        id=8,
        conversation="c1",
        client_message_id="m-43",
        text="",
        attachments=[each["id"] for each in ATTACHMENTS],
    ),
    _client(
        "send",
        "no id, no reply_to",
        "-minimal",
        conversation="c1",
        client_message_id="m9",
        text="Hello **Carla**",
    ),
    _client("edit", "", id=8, conversation="c1", seq=42, text='Ready at 5 "sharp" \\ <b>5</b>'),
    _client("delete", "", id=9, conversation="c1", seq=42),
    _client("receipt", "both cursors", id=10, conversation="c1", delivered_up_to=42, read_up_to=41),
    _client("receipt", "one cursor, no reply", "-minimal", conversation="c1", delivered_up_to=4),
    _client("typing", "active is the default", "-minimal", conversation="c1"),
    _client("typing", "stopped", conversation="c1", active=False),
    _client("history", "the newest", "-minimal", id=11, conversation="c1"),
    _client("history", "before", "-before", id=11, conversation="c1", before=43, limit=200),
    _client("history", "after", "-after", id=UINT_MAX, conversation="c1", after=1, limit=1),
    _client("conversations", "the first page", "-minimal", id=1),
    _client(
        "conversations",
        "a further page, with every filter",
        id=12,
        location="uptown",
        status="open",
        assignee="sam",
        unassigned=True,
        waiting=True,
        unread=True,
        channel="email",
        before="1078:c1",
        limit=100,
    ),
    _client("open", "", id=13, conversation="c1"),
    _client("create", "get or create", "-direct", id=14, kind="direct", people=["olivia"]),
    _client(
        "create",
        "the client chose the id",
        id=15,
        kind="group",
        people=["olivia", "carla"],
        title="Fellpflege für Rex",
        conversation="01932f0c:new_1.a-b",
    ),
    _client("add_member", "", id=16, conversation="c1", person="sam"),
    _client("remove_member", "", id=17, conversation="c1", person="sam"),
    _client("leave", "", id=18, conversation="c1"),
    _client("handle", "closed", "-minimal", conversation="c1", action="close"),
    _client("handle", "", id=26, conversation="c1", action="assign", person="sam"),
    _client(
        "handle",
        "to a location",
        "-transfer",
        id=27,
        conversation="c1",
        action="transfer",
        location="downtown",
    ),
    _client("handle", "", "-snooze", id=28, conversation="c1", action="snooze", until=AT),
    _client("mark", "as unread, which is the default", "-minimal", id=32, conversation="c1"),
    _client("mark", "not any more", id=32, conversation="c1", unread=False),
    _client(
        "note",
        "added, with a mention",
        id=29,
        conversation="c1",
        note="n-1",
        action="add",
        text="Beißt beim Pfotenwaschen 🐾",
        mentions=["mo"],
    ),
    _client("note", "", "-delete", id=30, conversation="c1", note="n-1", action="delete"),
    _client("notes", "the newest", "-minimal", id=31, conversation="c1"),
    _client("notes", "a further page", id=31, conversation="c1", before="1093", limit=100),
    _client("receipts", "", id=19, conversation="c1", seq=42),
    _client("versions", "", id=20, conversation="c1", seq=42),
    _client("people", "", id=21, search="ør", limit=50),
    _client("people", "everybody", "-minimal", id=21),
    _client(
        "search",
        "words, a phrase and the beginning of a word, with every filter",
        id=26,
        q='Ángel "hot spot" groo',
        conversation="c1",
        author="carla",
        person="mo",
        location="uptown",
        status="snoozed",
        channel="text",
        attachments=True,
        since=AT,
        until=UINT_MAX,
        before="1078",
        limit=50,
    ),
    _client("search", "only what must be there", "-minimal", q="rex"),
    _client("watch", "", id=22, people=["carla", "sam"]),
    _client("watch", "nobody any more", "-nobody", people=[]),
    _client("activity", "false is no default: it is there", active=False),
    _client("privacy", "", id=23, read_receipts=False, last_seen=True),
    _client("privacy", "one of the two", "-one", id=24, last_seen=False),
    _client("ping", "", id=25),
    _client("ping", "no id", "-minimal"),
)

REPLIES = (
    _server(
        "welcome",
        "a complete resume follows",
        person="carla",
        role="customer",
        business="pawsome",
        epoch="9f1c",
        revision=1077,
        resume="complete",
        session_token="session-2",
        session_token_expires_at=1_793_600_000_000,
        server_time=1_793_000_000_000,
        privacy={"read_receipts": True, "last_seen": False},
        business_settings={"read_receipts": False, "last_seen": True},
        heartbeat={"ping_after_ms": 20000, "timeout_ms": 30000},
        limits=LIMITS,
    ),
    _server(
        "welcome",
        "what the client holds cannot be completed",
        "-reset",
        person="olivia",
        role="owner",
        business="pawsome",
        epoch="5d0a",
        revision=0,
        resume="reset",
        reset_reason="epoch",
        session_token="session-3",
        session_token_expires_at=1_793_600_000_000,
        server_time=1_793_000_000_000,
        privacy={"read_receipts": True, "last_seen": True},
        business_settings={"read_receipts": True, "last_seen": True},
        heartbeat={"ping_after_ms": 20000, "timeout_ms": 30000},
        limits=LIMITS,
    ),
    _server(
        "ack",
        "",
        id=7,
        client_message_id="01932f0c-7d1e-7c3a-9f6b-2a4d5e6f7081",
        conversation="c1",
        seq=42,
        revision=1078,
        at=AT,
    ),
    _server(
        "ack",
        "of a send without id; the far end of the numbers",
        "-minimal",
        client_message_id="m9",
        conversation="c1",
        seq=UINT_MAX,
        revision=UINT_MAX,
        at=AT,
    ),
    _server("ok", "it made an event", id=8, revision=1079),
    _server("ok", "nothing changed", "-unchanged", id=10),
    _server(
        "error",
        "a send that may be tried again",
        id=7,
        code="overloaded",
        message="The server is behind. Try again in a moment.",
        retry_after=1.5,
        client_message_id="m9",
    ),
    _server("error", "to a command without id", "-minimal", code="not_found", message="Not here."),
    _server("pong", "", id=25, server_time=AT),
    _server("pong", "to a ping without id", "-minimal", server_time=AT),
    _server(
        "page",
        "a membership entry, a deleted message, an edited one",
        id=11,
        conversation="c1",
        messages=[JOINED, DELETED, MESSAGE],
        more=True,
    ),
    _server("page", "nothing there", "-empty", id=11, conversation="c2", messages=[], more=False),
    _server(
        "conversation_list",
        "",
        id=1,
        conversations=[CONVERSATION, EMPTY_CONVERSATION],
        next="12:c2",
        revision=1078,
    ),
    _server("conversation_list", "none", "-empty", id=1, conversations=[], revision=12),
    _server("conversation", "", id=13, conversation=CONVERSATION),
    _server(
        "receipt_list",
        "",
        id=19,
        conversation="c1",
        seq=42,
        receipts=[
            {"person": "carla", "delivered_at": AT + 50, "read_at": AT + 60},
            {"person": "sam"},
        ],
    ),
    _server(
        "version_list",
        "oldest first",
        id=20,
        conversation="c1",
        seq=42,
        versions=[{"text": "Is Rex redy?", "at": AT}, {"text": "Is Rex ready?", "at": AT + 1}],
    ),
    _server(
        "note_list",
        "newest first",
        id=31,
        conversation="c1",
        notes=[
            {
                "conversation": "c1",
                "note": "n-2",
                "revision": 1094,
                "seq": 43,
                "at": AT + 7,
                "author": "mo",
                "deleted_at": AT + 9,
            },
            NOTE,
        ],
        next="1092",
    ),
    _server("note_list", "none", "-empty", id=31, conversation="c1", notes=[]),
    _server(
        "found_list",
        "a message and a title, and something not searched yet",
        id=26,
        found=[
            {
                "conversation": "c1",
                "seq": 42,
                "revision": 1078,
                "at": AT,
                "author": "carla",
                "parts": [
                    {"text": "…until five? "},
                    {"text": "Ángel", "hit": True},
                    {"text": " has a "},
                    {"text": "hot spot", "hit": True},
                ],
                "more_before": True,
                "more_after": True,
            },
            {
                "conversation": "c2",
                "seq": 0,
                "revision": 3,
                "at": AT - 5000,
                "parts": [{"text": "Ángel 🐕", "hit": True}],
            },
        ],
        next="3",
        behind=True,
    ),
    _server("found_list", "nothing", "-empty", id=26, found=[]),
    _server(
        "person_list",
        "",
        id=21,
        people=[{"id": "olivia", "name": "Olivia Ørsted", "role": "owner"}],
    ),
)

EVENTS = (
    _server("message", "with every field of a text", **MESSAGE),
    _server(
        "message",
        "a picture, and a document that is not scanned yet, without a text",
        "-attachments",
        conversation="c1",
        seq=43,
        revision=1079,
        at=AT + 5,
        author="carla",
        client_message_id="m-43",
        attachments=ATTACHMENTS,
    ),
    _server(
        "message",
        "the least",
        "-minimal",
        conversation="c1",
        seq=43,
        revision=1080,
        at=AT,
        author="olivia",
        text="Yes",
    ),
    _server("message", "an entry of the member list", "-member", **JOINED),
    _server(
        "message",
        "who it concerns is who did it",
        "-left",
        conversation="c1",
        seq=44,
        revision=1081,
        at=AT,
        author="sam",
        kind="member_left",
        text="Sam",
        person="sam",
        role="staff",
    ),
    _server("message", "in a resume: deleted", "-deleted", **DELETED),
    _server("message", "said by the business itself", "-automated", **AUTOMATED),
    _server(
        "message_edited",
        "",
        revision=1082,
        conversation="c1",
        seq=42,
        at=AT,
        author="carla",
        text="Is Rex ready? 🐶",
    ),
    _server(
        "attachment_changed",
        "the scanner found nothing",
        revision=1082,
        conversation="c1",
        seq=43,
        attachment=ATTACHMENTS[1]["id"],
        state="ready",
    ),
    _server(
        "message_deleted", "", revision=1083, conversation="c1", seq=42, at=AT, author="olivia"
    ),
    _server(
        "receipt",
        "two cursors that moved together; a field at 0 did not move",
        revision=1084,
        conversation="c1",
        receipts=[
            {"person": "carla", "delivered_up_to": 43, "delivered_at": AT + 50},
            {
                "person": "sam",
                "delivered_up_to": 43,
                "delivered_at": AT + 51,
                "read_up_to": 43,
                "read_at": AT + 51,
            },
        ],
    ),
    _server(
        "receipt",
        "the team shares a count, and somebody of it has read",
        "-team",
        revision=1084,
        conversation="c1",
        receipts=[],
        team_read_up_to=43,
    ),
    _server("conversation_added", "", revision=1085, conversation=CONVERSATION),
    _server(
        "conversation_removed", "", revision=1086, conversation="c1", seq=45, at=AT, author="olivia"
    ),
    _server("handling_changed", "", revision=1090, conversation="c1", handling=HANDLING),
    _server(
        "handling_changed",
        "nothing waits, nobody is assigned",
        "-minimal",
        revision=1091,
        conversation="c1",
        handling={},
    ),
    _server("note", "with every field of one that was edited", **NOTE),
    _server("marked", "true is there", revision=1095, conversation="c1", unread=True),
    _server("business_changed", "false is there", revision=7, read_receipts=False, last_seen=True),
    _server("privacy_changed", "false is there", revision=8, read_receipts=True, last_seen=False),
    _server(
        "person_changed",
        "has no access any more",
        revision=1087,
        person="carla",
        name="Carla Ångström",
        role="customer",
        active=False,
    ),
    _server(
        "person_changed",
        "active is the default",
        "-minimal",
        revision=1088,
        person="sam",
        name="Sam",
        role="manager",
    ),
    _server("visibility_changed", "", revision=1089, person="sam"),
    _server("resumed", "", revision=1077),
    _server("typing", "true is there", conversation="c1", person="carla", active=True, for_ms=6000),
    _server(
        "typing", "stopped", "-stopped", conversation="c1", person="carla", active=False, for_ms=0
    ),
    _server(
        "presence",
        "",
        people=[
            {"person": "carla", "state": "offline", "last_seen_at": AT},
            {"person": "sam", "state": "online"},
        ],
    ),
)

ALL = COMMANDS + REPLIES + EVENTS
