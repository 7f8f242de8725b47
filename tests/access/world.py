"""Two businesses alike, everybody who may call, and the ids that calls are about.

Ids begin with the letter of what they belong to: ``p`` for the business Pawsome, ``b`` for Barkley,
``n`` for nowhere. They are equally long, so that answers can be compared byte by byte.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.business import (
    ChangeLocation,
    ChangePerson,
    ChangeSavedReply,
    MakeKey,
    RevokeAccess,
)
from actors.desk_appointments import PutAppointment
from actors.webhook_commands import AddWebhook
from domain import commands
from domain.appointments import Appointment
from domain.commands import Accepted, Done, Speaker
from domain.events import Person
from domain.keys import NewKey
from domain.roles import Role
from domain.saved_replies import SavedReply
from domain.scopes import EVERY_SCOPE, Scope
from domain.webhooks import EventType, Secrets, Webhook
from server import creating
from server.asking import ask_conversation
from server.http.app import build_http_app
from server.settings import Settings
from tests.fixtures.api import ApiStage, Contract
from tests.fixtures.attached import attachment
from tests.fixtures.node import NodeStage, running_node

BUSINESSES = {"p": "pawsome", "b": "barkley"}
ROLES = ("customer", "staff", "manager", "owner")
TARGETS = ("own", "beside", "foreign", "nowhere")
"""What a call is about: mine; of my business but not mine to see; of the other one; nothing."""

PEOPLE = {
    "owner": Role.OWNER,
    "second": Role.OWNER,
    "manager": Role.MANAGER,
    "staff": Role.STAFF,
    "customer": Role.CUSTOMER,
    "helper": Role.STAFF,
    "guest": Role.CUSTOMER,
    "ghost": Role.CUSTOMER,
    "victim": Role.STAFF,
    "goner": Role.CUSTOMER,
    "revoked": Role.MANAGER,
    "dismissed": Role.MANAGER,
}
AUTHORS = (*ROLES, "helper")
SEQ = {author: number for number, author in enumerate(AUTHORS, 1)}
"""Who said what in a conversation `talk`: each author one message, and once more to be deleted."""
TO_DELETE = {author: number + len(AUTHORS) for author, number in SEQ.items()}


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: ``rank`` is their role, `business`, `operator`, or `nobody`."""

    name: str
    rank: str
    home: str
    key: str
    speaks_for: str = ""

    @property
    def away(self) -> str:
        """The other business."""
        return "b" if self.home == "p" else "p"

    @property
    def label(self) -> str:
        """The name, as a part of an id."""
        return re.sub("[^a-z]", "-", self.name)

    def prefix(self, target: str) -> str:
        """How ids of ``target`` begin for this caller."""
        return {"own": self.home, "beside": self.home, "foreign": self.away, "nowhere": "n"}[target]

    def filled(self, text: str, target: str) -> str:
        """``text`` with ids of the target for ``@t-``, of one's own for ``@o-``, and places."""
        role = self.rank if self.rank in ROLES else "customer"
        talk = f"{self.home}-side" if target == "beside" else f"{self.prefix(target)}-talk"
        return (
            text.replace("@theirs", str(SEQ["helper"]))
            .replace("@mine", str(SEQ[role]))
            .replace("@delete", str(TO_DELETE[role]))
            .replace("@business", BUSINESSES[self.home])
            .replace("@caller", self.label)
            .replace("@role", role)
            .replace("@t-talk", talk)
            .replace("@t-", f"{self.prefix(target)}-")
            .replace("@o-", f"{self.home}-")
        )


@dataclass
class World:
    """Both businesses on one node, and the API."""

    api: ApiStage
    callers: tuple[Caller, ...]

    @property
    def stage(self) -> NodeStage:
        return self.api.stage

    def stored(self) -> tuple[int, ...]:
        """Where the logs of both businesses stand: what was refused has not moved them."""
        journal = self.stage.node.database.journal
        return tuple(journal.released(business) for business in BUSINESSES.values())


_moving = re.compile(r'"(revision|at|server_time|created_at)":\d+')


def masked(answer: str) -> str:
    """``answer`` without the ids it was asked with, and without what moves with time."""
    return _moving.sub(r'"\1":0', re.sub(r"\b[pbn]-", "?-", answer))


async def _furnish(stage: NodeStage, letter: str) -> None:
    business = BUSINESSES[letter]
    people = {f"{letter}-{name}": role for name, role in PEOPLE.items()}
    await stage.add_business(business, people)
    for place in ("place", "shed", "hut", "desk"):
        await stage.change(business, ChangeLocation("test", f"{letter}-{place}", "Place", "UTC"))
    for person, role in people.items():
        if role in (Role.STAFF, Role.MANAGER):
            worker = Person(person, person.title(), role)
            places = ("main", f"{letter}-desk")
            await stage.change(business, ChangePerson("test", None, worker, places))
    await _book(stage, letter)
    live = await stage.node.live(business)
    assert live is not None
    for name in ("import", "spent"):
        await stage.node.database.begin_import(live.state.no, f"{letter}-{name}", stage.clock())
    webhook = Webhook(
        f"{letter}-hook",
        "https://hook.invalid/",
        (EventType.MESSAGE_SENT,),
        Secrets("a secret"),
        0,
        active=False,
    )
    await stage.change(business, AddWebhook("test", webhook))
    key = NewKey(f"{letter}-key", f"{letter}-key".encode(), "Key", (Scope.PEOPLE_READ,))
    await stage.change(business, MakeKey("test", EVERY_SCOPE, 1, key))
    await _converse(stage, letter, "talk", ROLES[:3], AUTHORS)
    await _converse(stage, letter, "exit", ROLES[:3], ())
    await _converse(stage, letter, "side", ("guest",), ("helper",))


async def _book(stage: NodeStage, letter: str) -> None:
    """Appointments: of the customer with the staff, of others elsewhere, and one to be deleted."""
    for name, customer, staff in (
        ("visit", "customer", "staff"),
        ("other", "guest", "helper"),
        ("spare", "guest", "helper"),
    ):
        booked = Appointment(
            id=f"{letter}-{name}",
            customer=f"{letter}-{customer}",
            staff=f"{letter}-{staff}",
            location=f"{letter}-place",
            start=1_793_000_000_000,
            end=1_793_003_600_000,
        )
        await stage.change(BUSINESSES[letter], PutAppointment("test", booked, None))


async def _converse(
    stage: NodeStage, letter: str, name: str, members: tuple[str, ...], authors: tuple[str, ...]
) -> None:
    """A conversation that the helper starts, in which each author says something twice.

    In `talk` the first of it has an attachment, which is called after its author.
    """
    live = await stage.node.live(BUSINESSES[letter])
    assert live is not None
    speakers = {
        who: Speaker(f"{letter}-{who}", f"{letter}-{who}", role, "test")
        for who, role in PEOPLE.items()
    }
    conversation = f"{letter}-{name}"
    people = tuple(f"{letter}-{member}" for member in members)
    started = await creating.create(
        stage.node.queries, live, speakers["helper"], "group", people, "Talk", conversation
    )
    assert isinstance(started[1], Done)
    for turn in range(2):
        for author in authors:
            files = () if turn or name != "talk" else (f"{letter}-file-{author}",)
            for file in files:
                person, no = speakers[author].person, live.state.no
                await attachment(stage.node.database, no, person, file)
            said = commands.Send(speakers[author], f"{name}-{turn}", "Hi", attachments=files)
            done = await ask_conversation(live, conversation, said)
            assert isinstance(done, Accepted)
            if PEOPLE[author] is not Role.CUSTOMER:  # under the number of what they said
                note = commands.AddNote(speakers[author], str(done.seq), "Hi")
                assert isinstance(await ask_conversation(live, conversation, note), Done)


def _callers(stage: NodeStage) -> tuple[Caller, ...]:
    found = [
        Caller("anonymous", "nobody", "p", ""),
        Caller("forged", "nobody", "p", "e30.c2lnbmF0dXJl"),
        Caller("operator", "operator", "p", stage.operator_key),
    ]
    for letter, business in BUSINESSES.items():
        found.append(Caller(f"{business}'s key", "business", letter, stage.keys[business]))
        for role in ROLES:
            token = stage.token(business, f"{letter}-{role}", 86_400)
            found.append(Caller(f"{business}'s {role}", role, letter, token))
        for gone in ("revoked", "dismissed"):
            token = stage.token(business, f"{letter}-{gone}", 86_400)
            found.append(Caller(f"{business}'s {gone}", "nobody", letter, token))
    key = stage.keys["pawsome"]
    found += [Caller(f"key for {role}", role, "p", key, f"p-{role}") for role in ROLES]
    return tuple(found)


async def _save_replies(stage: NodeStage, letter: str, callers: tuple[Caller, ...]) -> None:
    """One that each caller could delete, one that has no open question, and one that has."""
    texts = {f"{letter}-bye-{caller.label}": "Bye" for caller in callers}
    texts |= {f"{letter}-reply": "Hi", f"{letter}-open": "Until {appointment.start}"}
    for id_, text in texts.items():
        reply = SavedReply(id=id_, title="Reply", text=text)
        await stage.change(BUSINESSES[letter], ChangeSavedReply("test", reply, 0))


async def _dismiss(stage: NodeStage, letter: str) -> None:
    business = BUSINESSES[letter]
    await stage.change(business, RevokeAccess("test", None, f"{letter}-revoked"))
    gone = Person(f"{letter}-dismissed", "Dismissed", Role.MANAGER, active=False)
    await stage.change(business, ChangePerson("test", None, gone, ()))


@asynccontextmanager
async def running_world(folder: Path) -> AsyncIterator[World]:
    """Both businesses, for as long as the block lasts."""
    page = folder / "page"
    page.mkdir()
    for name in ("index.html", "docs.html", "app.js"):
        (page / name).write_text(name)
    settings = Settings(data_dir=str(folder), commands_per_second=0)
    async with running_node(folder / "data", settings) as stage:
        for letter in BUSINESSES:
            await _furnish(stage, letter)
        callers = _callers(stage)
        for letter in BUSINESSES:
            await _dismiss(stage, letter)
            await _save_replies(stage, letter, callers)
        app = build_http_app(stage.node, demo=None, page_folder=page, ready=lambda: True)
        contract = await Contract.of(app)
        yield World(ApiStage(stage, app, contract), callers)
