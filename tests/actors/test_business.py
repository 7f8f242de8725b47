"""The business actor: one change after the other, true only once it is stored."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from actors.business import (
    BusinessActor,
    BusinessCommand,
    ChangeBusiness,
    ChangeLocation,
    ChangePerson,
    ChangePrivacy,
    ChangeSavedReply,
    DeleteSavedReply,
    MakeKey,
    Note,
    RevokeAccess,
    RevokeKey,
    TransferOwnership,
)
from actors.conversation import NOT_STORED
from actors.envelope import Envelope
from domain.audit import AuditKind
from domain.business import LAST_OWNER, Business, Seers
from domain.commands import Done
from domain.errors import StorageFailed
from domain.events import (
    AccessRevoked,
    Audited,
    BusinessChanged,
    BusinessEvent,
    KeyMade,
    KeyRevoked,
    OwnershipTransferred,
    Person,
    PersonChanged,
    PrivacyChanged,
    SavedReplyChanged,
    SavedReplyDeleted,
)
from domain.keys import NewKey
from domain.record_events import LocationChanged
from domain.refusal import Code, Refusal
from domain.roles import Role
from domain.saved_replies import SavedReply
from domain.scopes import EVERY_SCOPE, Scope
from tests.contract.house import Opened, running_database
from tests.contract.memory import MemoryDatabase


@dataclass
class Desk:
    """Feeds batches to the actor, and notes what it shows."""

    database: Opened
    business: Business
    now: int = 1000
    shown: list[tuple[int, BusinessEvent]] = field(default_factory=list)
    seers: list[Seers | None] = field(default_factory=list)

    @classmethod
    async def opened(cls, database: Opened) -> "Desk":
        await database.create_business("pawsome", "Pawsome", b"key", 1)
        business = await database.queries.business("pawsome")
        assert business is not None
        desk = cls(database, business)
        desk.restart()
        for person, role in (
            ("olivia", Role.OWNER),
            ("sam", Role.STAFF),
            ("carla", Role.CUSTOMER),
        ):
            assert await desk(change(person, role)) == [Done(len(desk.shown))]
        desk.shown.clear()
        return desk

    def restart(self) -> None:
        self.actor = BusinessActor(
            self.business, self.database.queries, self.database.journal, self.show, self.clock
        )

    def clock(self) -> int:
        self.now += 1
        return self.now

    def show(
        self, business: Business, revision: int, event: BusinessEvent, seers: Seers | None
    ) -> None:
        assert business is self.business
        self.shown.append((revision, event))
        self.seers.append(seers)

    async def __call__(self, *commands: BusinessCommand) -> list[object]:
        answers: list[object] = []
        await self.actor.receive([Envelope(command, answers.append) for command in commands])
        assert len(answers) == len(commands)
        return answers

    async def stored(self) -> Business:
        """The business as a restart of the server would find it."""
        found = await self.database.queries.business("pawsome")
        assert found is not None
        return found


def change(
    person: str, role: Role, *, name: str = "", active: bool = True, by: Role | None = None
) -> ChangePerson:
    after = Person(person, name or person.title(), role, active)
    return ChangePerson("test", by, after, ("main",))


def transfer(former: str, heir: str, by: Role | None = None) -> TransferOwnership:
    return TransferOwnership("test", by, former, Role.MANAGER, heir)


def code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Refusal) else None


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    if request.param == "memory":
        yield await Desk.opened(MemoryDatabase())  # type: ignore[arg-type]
        return
    async with running_database(tmp_path) as database:
        yield await Desk.opened(database)


async def test_each_kind_of_change_is_stored_shown_and_answered(desk: Desk) -> None:
    answers = await desk(
        ChangeBusiness("olivia", name="Pawsome Two"),
        ChangeLocation("olivia", "main", "Main", "Europe/Rome"),
        change("dave", Role.CUSTOMER),
        ChangePrivacy("carla", False, True),
        transfer("olivia", "sam"),
        RevokeAccess("sam", Role.OWNER, "carla"),
        MakeKey("sam", EVERY_SCOPE, 0, NewKey("k1", b"hash", "Key", (Scope.PEOPLE_READ,))),
        RevokeKey("sam", "k1"),
        Note("sam", AuditKind.SIGNED_IN),
    )
    assert answers == [Done(revision) for revision in range(4, 13)]
    assert [revision for revision, _ in desk.shown] == list(range(4, 13))
    assert [type(event) for _, event in desk.shown] == [
        BusinessChanged,
        LocationChanged,
        PersonChanged,
        PrivacyChanged,
        OwnershipTransferred,
        AccessRevoked,
        KeyMade,
        KeyRevoked,
        Audited,
    ]
    stored = await desk.stored()
    assert stored == desk.business
    assert (stored.name, stored.owners, stored.hidden_read) == ("Pawsome Two", {"sam"}, {"carla"})


@pytest.mark.requirement("EX-27")
async def test_saved_replies_are_decided_and_stored_in_order(desk: Desk) -> None:
    reply = SavedReply(id="ready", title="Ready", text="Hi {customer.name}", location="main")
    answers = await desk(
        ChangeSavedReply("max", reply, 0),
        ChangeSavedReply("max", SavedReply(id="x", title="X", text="Hi {customer}"), 1),
        DeleteSavedReply("olivia", "ready"),
    )
    assert (answers[0], answers[2]) == (Done(4), Done(5))
    assert isinstance(answers[1], Refusal)
    assert [event for _, event in desk.shown] == [
        SavedReplyChanged(desk.now - 2, "max", "ready", "Ready", "Hi {customer.name}", "main"),
        SavedReplyDeleted(desk.now, "olivia", "ready"),
    ]


@pytest.mark.requirement("C-26")
async def test_a_choice_that_is_made_already_is_no_event(desk: Desk) -> None:
    hidden = ChangePrivacy("carla", False, True)
    assert await desk(hidden, hidden) == [Done(4), Done()]
    assert [revision for revision, _ in desk.shown] == [4]


async def test_r42_who_may_know_of_somebody_is_looked_up_before_they_change(desk: Desk) -> None:
    """An owner is known to everybody, and nobody knows a new person."""
    await desk(
        change("carla", Role.CUSTOMER, name="Carla the Second"),
        ChangePrivacy("carla", False, True),
        change("dave", Role.CUSTOMER),
        change("olivia", Role.OWNER, name="Olivia the Second"),
        change("oscar", Role.OWNER),
    )
    team = frozenset({"olivia", "sam"})
    assert desk.seers[3:] == [Seers(team, 3), Seers(team, 4), None, None, None]
    shown = [event.shown for _, event in desk.shown if isinstance(event, PersonChanged)]
    assert shown == [True, False, True, False]
    owns = [event.ownership for _, event in desk.shown if isinstance(event, PersonChanged)]
    assert owns == [False, False, False, True]


@pytest.mark.requirement("EX-24")
async def test_settings_that_are_not_named_stay(desk: Desk) -> None:
    await desk(ChangeBusiness("olivia", read_receipts=False), ChangeBusiness("olivia", name="New"))
    stored = await desk.stored()
    assert (stored.name, stored.read_receipts, stored.last_seen) == ("New", False, True)


@pytest.mark.requirement("DT-24")
async def test_i8_each_change_is_decided_on_what_the_one_before_made_true(desk: Desk) -> None:
    """Two owners who both want to step down in one batch: the second is the last."""
    await desk(change("oscar", Role.OWNER))
    answers = await desk(change("olivia", Role.STAFF), change("oscar", Role.STAFF))
    assert isinstance(answers[0], Done)
    assert answers[1] == LAST_OWNER
    assert (await desk.stored()).owners == {"oscar"}


async def test_i8_the_last_owner_stays_until_they_transfer(desk: Desk) -> None:
    answers = await desk(
        change("olivia", Role.OWNER, active=False),
        change("olivia", Role.CUSTOMER),
        transfer("olivia", "carla"),
        transfer("olivia", "nobody"),
        transfer("sam", "carla"),
        transfer("olivia", "sam"),
        change("olivia", Role.STAFF),
    )
    assert [code(answer) for answer in answers] == [
        Code.OWNER_REQUIRED,
        Code.OWNER_REQUIRED,
        Code.BAD_REQUEST,
        Code.NOT_FOUND,
        Code.NOT_FOUND,
        None,
        None,
    ]
    assert (await desk.stored()).owners == {"sam"}


async def test_a_manager_touches_neither_owners_nor_managers(desk: Desk) -> None:
    answers = await desk(
        change("dave", Role.CUSTOMER, by=Role.MANAGER),
        change("sam", Role.MANAGER, by=Role.MANAGER),
        change("olivia", Role.STAFF, by=Role.MANAGER),
        change("sam", Role.CUSTOMER, by=Role.STAFF),
        change("sam", Role.MANAGER, by=Role.OWNER),
    )
    assert [code(answer) for answer in answers] == [
        None,
        Code.FORBIDDEN,
        Code.FORBIDDEN,
        Code.FORBIDDEN,
        None,
    ]


async def test_a_change_of_role_changes_what_one_may_see_and_a_name_does_not(desk: Desk) -> None:
    renamed = ChangePerson("test", None, Person("sam", "Samuel", Role.STAFF), ("main",))
    await desk(renamed, change("sam", Role.MANAGER), change("sam", Role.MANAGER, active=False))
    assert [event.access for _, event in desk.shown if isinstance(event, PersonChanged)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "command",
    [
        ChangeBusiness("olivia", name=" "),
        ChangeBusiness("olivia", name="x" * 201),
        ChangeLocation("olivia", "main", "Main", "Nowhere/Land"),
        ChangeLocation("olivia", "main", "Main", "../../etc/passwd"),
        ChangeLocation("olivia", "main", "Main", ""),
        ChangeLocation("olivia", "main", "", "Europe/Rome"),
        ChangePerson("olivia", Role.OWNER, Person("x", "a\nb", Role.STAFF), ()),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    desk: Desk, command: BusinessCommand
) -> None:
    [answer] = await desk(command)
    assert code(answer) is Code.BAD_REQUEST or code(answer) is Code.TOO_LARGE
    assert desk.shown == []


async def test_what_cannot_be_stored_is_refused_and_not_true() -> None:
    database = MemoryDatabase()
    desk = await Desk.opened(database)  # type: ignore[arg-type]
    faults = [StorageFailed("the disk is full")]

    def fault() -> None:
        if faults:
            raise faults.pop()

    database.fault = fault
    answers = await desk(transfer("olivia", "sam"), ChangeBusiness("olivia", name="New"))
    assert answers[0] == NOT_STORED
    assert isinstance(answers[1], Done)
    assert desk.business.owners == {"olivia"}
    assert [type(event) for _, event in desk.shown] == [BusinessChanged]


async def test_a_key_that_may_not_be_is_not_stored(desk: Desk) -> None:
    held = frozenset({Scope.KEYS_WRITE})
    (refused,) = await desk(MakeKey("test", held, 0, NewKey("k1", b"hash", "K", (Scope.ALL,))))
    assert code(refused) is Code.FORBIDDEN
    assert desk.shown == []
