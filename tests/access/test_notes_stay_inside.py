"""No way leads from a note to a customer, whatever has happened: every path is tried (EX-25).

Notes carry a mark that nothing else has. When a world has been lived in, everything that a customer
can ask, is told or may be sent of, and every table but the notes' own, is searched for the mark.
And for how far the team has read, which is no customer's to know either (EX-24).
"""

import json
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import trio
from hypothesis import given, settings

from actors.business import ChangePerson
from domain import commands
from domain.commands import Handle
from domain.events import Person
from domain.handling_action import Action
from domain.ids import OWNER, direct_conversation_id
from domain.roles import Role
from domain.webhooks import EventType
from protocol.commands import AnyCommand
from server.asking import ask_conversation
from server.http.app import routes_of
from server.http.caller import Caller
from server.http.page import Page
from server.http.route import AnyRoute
from server.http.site import Site
from server.http.throttle import Throttle
from server.page import page_folder
from storage.database import FILE_NAME
from tests.fixtures.receiver import Receiver, running_receiver
from tests.fixtures.websockets import EdgeStage, Frame, Socket, running_edge
from tests.server.webhooks.stage import Shop, running_shop

pytestmark = [pytest.mark.requirement("EX-24", "EX-25")]

ANY = "zqnote"
MARK, ID = f"{ANY}text", f"{ANY}id"
"""In the text of every note, and in its id: which the audit log has, for owners."""
LAST = "the last word"
TEAM_READ = "team_read_up_to"
ROLES = {
    "olivia": Role.OWNER,
    "max": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "mia": Role.CUSTOMER,
}
TEAM = ("olivia", "max", "sam", "zoe")
CUSTOMERS = ("carla", "mia")
PRIVATE = direct_conversation_id("carla", OWNER)
PLACES = {"c1": ("carla", "sam"), "c2": ("zoe", "mia", "carla"), PRIVATE: ("carla", "olivia")}


@dataclass(frozen=True)
class Step:
    """Somebody does something somewhere; ``number`` names a note, a message or a person."""

    kind: str
    person: str
    conversation: str
    number: int


KINDS = ("say", "note", "edit note", "delete note", "edit", "delete", "read", "handle", "member")
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from((*KINDS, "note", "say", "edit note", "away", "back")),
        st.sampled_from(tuple(ROLES)),
        st.sampled_from(tuple(PLACES)),
        st.integers(0, 7),
    ),
    min_size=10,
    max_size=30,
)


@dataclass
class House:
    """A shop in which things happen, and the websockets of its customers."""

    shop: Shop
    edge: EdgeStage
    number: int = 0
    sockets: dict[str, Socket] = field(default_factory=dict)
    heard: list[Frame] = field(default_factory=list)
    cursors: dict[str, Frame] = field(default_factory=dict)

    def speaker(self, person: str) -> commands.Speaker:
        return commands.Speaker(person, person.title(), ROLES[person], "test")

    async def ask(self, person: str, method: str, path: str, body: object = None) -> Any:
        """Under an idempotency key, whose answer is kept; ``""``: the business itself asks."""
        api = self.shop.api
        self.number += 1
        key = api.stage.token("pawsome", person) if person else api.key()
        more = {"Idempotency_Key": f"key-{self.number}"} if method == "POST" else {}
        return await api.ask(method, path, key, body, **more)

    async def furnish(self) -> None:
        stage = self.shop.api.stage
        shared = await self.ask("", "PATCH", "/v1/business", {"policies": {"unread": "team"}})
        assert shared.status == 200
        zoe = Person("zoe", "Zoe", Role.STAFF)
        await stage.change("pawsome", ChangePerson("test", None, zoe, ("main",)))
        for conversation, (author, *others) in PLACES.items():
            group = {"kind": "group", "people": others, "id": conversation}
            body = {"kind": "direct", "people": others} if conversation == PRIVATE else group
            made = await self.ask(author, "POST", "/v1/conversations", body)
            assert (made.status, made.json["id"]) == (201, conversation)
            await self.do(Step("say", author, conversation, 0))
            await self.note("olivia", conversation, 0)

    async def note(self, person: str, conversation: str, number: int) -> None:
        self.number += 1
        text, mentions = f"{MARK}{self.number} about it", [TEAM[number % len(TEAM)]]
        body = {"id": f"{ID}-{number}", "text": text, "mentions": mentions}
        await self.ask(person, "POST", f"/v1/conversations/{conversation}/notes", body)

    async def do(self, step: Step) -> None:
        """One step, which the rules may refuse."""
        speaker, at = self.speaker(step.person), step.conversation
        one = f"/v1/conversations/{at}/notes/{ID}-{step.number}"
        self.number += 1
        match step.kind:
            case "note":
                await self.note(step.person, at, step.number)
            case "edit note":
                await self.ask(step.person, "PATCH", one, {"text": f"{MARK} {self.number}"})
            case "delete note":
                await self.ask(step.person, "DELETE", one)
            case "away":
                await self.leave(CUSTOMERS[step.number % 2])
            case "back":
                await self.enter(CUSTOMERS[step.number % 2])
            case _:
                await ask_conversation(self.shop.live, at, self.command(step, speaker))

    def command(self, step: Step, speaker: commands.Speaker) -> commands.Command:
        seq, someone = step.number + 1, tuple(ROLES)[step.number % len(ROLES)]
        match step.kind:
            case "edit":
                return commands.Edit(speaker, seq, f"edited {self.number}")
            case "delete":
                return commands.Delete(speaker, seq)
            case "read":
                return commands.AdvanceReceipt(speaker, seq, seq)
            case "handle":
                action = tuple(Action)[step.number]
                return Handle(speaker, action, someone, "main", self.shop.api.stage.clock() + 99)
            case "member" if step.number % 2:
                return commands.RemoveMember(speaker, someone)
            case "member":
                person = Person(someone, someone.title(), ROLES[someone])
                return commands.AddMember(speaker, person)
            case _:
                return commands.Send(speaker, f"m{self.number}", f"text {self.number}")

    # --- websockets of customers ------------------------------------------------------------------

    async def enter(self, person: str) -> None:
        """Come in, or come back and catch up with all that was missed."""
        if person in self.sockets:
            return
        socket = self.sockets[person] = await self.edge.connect()
        token = self.shop.api.stage.token("pawsome", person)
        hello = {"type": "hello", "token": token, "device": f"d-{person}"}
        known = self.cursors.get(person)
        await socket.send(hello if known is None else {**hello, "cursor": known})
        frame = await socket.receive()
        self.heard.append(frame)
        assert frame["type"] == "welcome", frame
        position = {"epoch": frame["epoch"], "revision": frame["revision"]}
        self.cursors.setdefault(person, position)  # each time from the beginning
        complete = frame["resume"] == "complete"
        while complete and frame["type"] != "resumed":
            frame = await socket.receive()
            self.heard.append(frame)

    async def leave(self, person: str) -> None:
        socket = self.sockets.pop(person, None)
        if socket is not None:
            with suppress(trio.TooSlowError):
                await socket.ask(type="ping")
            self.heard += socket.events
            await socket.connection.aclose()

    async def ask_all(self, person: str) -> None:
        """Every command that reads, about everything."""
        await self.leave(person)
        await self.enter(person)
        socket = self.sockets[person]
        for conversation in PLACES:
            for fields in (
                *({"type": kind} for kind in ("history", "open", "notes")),
                *({"type": k, "seq": n} for k in ("receipts", "versions") for n in range(4)),
                {"type": "search", "q": MARK},
            ):
                self.heard.append(await socket.ask(**fields, conversation=conversation))
            reply = {"type": "send", "client_message_id": f"{conversation}-{person}"}
            asked = {**reply, "conversation": conversation, "text": "Hi", "reply_to": 1}
            self.heard.append(await socket.ask(**asked))
        for fields in (
            {"type": "conversations"},
            {"type": "people"},
            {"type": "people", "search": MARK},
            {"type": "search", "q": MARK},
            {"type": "search", "q": "text"},
            {"type": "watch", "people": list(ROLES)},
        ):
            self.heard.append(await socket.ask(**fields))
        await self.leave(person)

    # --- everything over HTTP ---------------------------------------------------------------------

    def routes(self) -> tuple[AnyRoute, ...]:
        node = self.shop.api.stage.node
        site = Site(node, None, lambda: True, "0", Throttle(node.limits, node.time))
        return routes_of(site, Page(page_folder()))

    async def gets(self, person: str) -> str:
        """What all routes that read answer to ``person``, about everything."""
        found = []
        kind = Caller.PERSON if person else Caller.BUSINESS
        for route in self.routes():
            if route.method == "GET" and kind in route.callers:
                for path in paths(route):
                    reply = await self.ask(person, "GET", path)
                    found.append(reply.body.decode(errors="replace"))
        return "\n".join(found)


FILLED = {
    "conversation": tuple(PLACES),
    "seq": ("1", "2"),
    "person": tuple(ROLES),
    "location": ("main",),
    "webhook": ("crm",),
    **dict.fromkeys(("attachment", "upload", "appointment", "saved_reply", "name"), ("x",)),
}
"""What stands for each part of a path: another part needs something of its own here."""

QUERIES = {
    "/v1/search": f"?q={MARK}",
    "/v1/people": f"?search={MARK}",
}


def paths(route: AnyRoute) -> list[str]:
    """The route about everything that there is."""
    found = [route.path + QUERIES.get(route.path, "")]
    for part, values in FILLED.items():
        found = [
            path.replace(f"{{{part}}}", value)
            for path in found
            for value in (values if f"{{{part}}}" in path else ("",))
        ]
    assert not any("{" in path for path in found), route.path
    return found


async def until_delivered(house: House, receiver: Receiver) -> None:
    """Something is said everywhere, and the webhook has heard it: all before it came, too."""
    for number, conversation in enumerate(PLACES):
        said = commands.Send(house.speaker("olivia"), f"last-{number}", LAST)
        await ask_conversation(house.shop.live, conversation, said)
    wanted = len(PLACES)
    await receiver.until(lambda got: sum(LAST.encode() in r.body for r in got) >= wanted)


def elsewhere(folder: Path) -> list[str]:
    """Tables beside the notes' own in which the mark stands in a text."""
    found = []
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
        ).fetchall()
        for (table,) in tables:
            if table.startswith("note"):
                continue
            for row in connection.execute(f"SELECT * FROM {table}"):
                texts = [bytes(v, "utf-8") if isinstance(v, str) else v for v in row]
                if any(isinstance(v, bytes) and MARK.encode() in v for v in texts):
                    found.append(table)
    return found


async def play(folder: Path, steps: list[Step]) -> None:
    async with (
        running_receiver() as receiver,
        running_shop(folder) as shop,
        running_edge(shop.api.stage, shop.api.app) as edge,
    ):
        house = House(shop, edge)
        await shop.add(receiver.url(), *EventType)
        hook = {"url": receiver.url("/send"), "deadline_ms": 1000, "on_failure": "allow"}
        assert (await shop.ask("PUT", "/v1/send-hook", hook)).status == 200
        await house.furnish()
        for customer in CUSTOMERS:
            await house.enter(customer)
        for step in steps:
            await house.do(step)
        await demote_zoe(house)
        await until_delivered(house, receiver)
        for person in (*CUSTOMERS, "zoe"):
            await house.ask_all(person)
            answered = await house.gets(person)
            assert ANY not in answered, person
            assert TEAM_READ not in answered, person
        assert ANY not in json.dumps(house.heard)
        assert TEAM_READ not in json.dumps(house.heard)
        assert TEAM_READ in await house.gets("sam")
        assert MARK not in await house.gets("")
        notes = await house.ask("olivia", "GET", f"/v1/conversations/{PRIVATE}/notes")
        assert ID in notes.body.decode()
        sent = b"\n".join(request.body for request in receiver.received)
        assert LAST.encode() in sent
        assert ANY.encode() not in sent
        assert TEAM_READ.encode() not in sent
        assert not elsewhere(folder)


async def demote_zoe(house: House) -> None:
    """Who wrote and read notes is a customer now."""
    stage = house.shop.api.stage
    await stage.change(
        "pawsome", ChangePerson("test", None, Person("zoe", "Zoe", Role.CUSTOMER), ("main",))
    )


@settings(max_examples=8)
@given(STEPS)
def test_no_path_leads_from_a_note_to_a_customer(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(play, Path(folder), steps)


def test_every_command_that_a_customer_may_use_is_tried() -> None:
    asked = {"history", "open", "notes", "receipts", "versions", "search", "conversations"}
    asked |= {"people", "watch", "ping", "hello", "send"}
    writes = {"edit", "delete", "receipt", "typing", "create", "add_member", "remove_member"}
    writes |= {"leave", "handle", "mark", "note", "activity", "privacy"}
    tags = {str(kind.__struct_config__.tag) for kind in AnyCommand.__args__}
    assert tags == asked | writes
