"""R42: a snapshot and the events after it are the same as a fresh snapshot, for every event."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangeBusiness, ChangePerson, ChangePrivacy, TransferOwnership
from domain import commands
from domain.attachments import State
from domain.business import LAST_OWNER, Business, Seers
from domain.commands import Accepted, Done
from domain.events import Person
from domain.policies import Policies, UnreadBy
from domain.roles import Role
from protocol.frames import EVENTS
from storage.backup import FILE_NAME
from storage.check import check_file
from storage.queries import Queries
from tests.faults import r42_handling
from tests.faults.hybrid import Hybrid, differences, fresh
from tests.faults.premises import Premises, freely, opened
from tests.fixtures.attached import attachment

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "mo": Role.MANAGER,
    "carla": Role.CUSTOMER,
    "dan": Role.CUSTOMER,
}
VIEWERS = ("olivia", "sam", "carla")
OF_PEOPLE = {"person_changed", "visibility_changed"}
PASSING = {"typing", "presence"}
TYPES = {str(event.__struct_config__.tag) for event in EVENTS}


class House:
    """Actions by people who are not the viewers' devices; each changes what is stored."""

    def __init__(self, premises: Premises, seed: int = 0) -> None:
        self.premises = premises
        self.chance = random.Random(seed)
        self.number = 0
        self.people = {person: Person(person, person, role) for person, role in PEOPLE.items()}

    async def say(self, person: str = "mo", conversation: str = "c1", reply_to: int = 0) -> int:
        self.number += 1
        speaker = self.premises.speaker(person)
        said = commands.Send(speaker, f"b{self.number}", f"text {self.number}", reply_to)
        answer = await self.premises.do(conversation, said)
        assert isinstance(answer, Accepted), answer
        return answer.seq

    async def do(self, command: commands.Command, conversation: str = "c1") -> None:
        answer = await self.premises.do(conversation, command)
        assert isinstance(answer, Done), answer

    async def add(self, person: str, conversation: str = "c1") -> None:
        added = commands.AddMember(self.premises.speaker("mo"), self.people[person])
        await self.do(added, conversation)

    async def remove(self, person: str, by: str = "mo", conversation: str = "c1") -> None:
        await self.do(commands.RemoveMember(self.premises.speaker(by), person), conversation)

    async def read(self, person: str, delivered: int, read: int, conversation: str = "c1") -> None:
        speaker = self.premises.speaker(person)
        await self.do(commands.AdvanceReceipt(speaker, delivered, read), conversation)

    async def edit(self, person: str, seq: int) -> None:
        self.number += 1
        speaker = self.premises.speaker(person)
        await self.do(commands.Edit(speaker, seq, f"edited {self.number}"))

    async def delete(self, person: str, seq: int) -> None:
        await self.do(commands.Delete(self.premises.speaker(person), seq))

    async def change(self, command: Any) -> None:
        answer = await self.premises.change(command)
        assert isinstance(answer, Done), answer

    async def put(
        self, person: str, name: str = "", role: Role | None = None, *, active: bool = True
    ) -> None:
        """Change somebody, or add them; but the only owner stays that."""
        role = role or self.people[person].role
        after = Person(person, name or person, role, active)
        if await self.premises.change(ChangePerson("backend", None, after, ("main",))) != (
            LAST_OWNER
        ):
            self._known(after)

    def _known(self, person: Person) -> None:
        self.people[person.id] = person
        self.premises.people[person.id] = person.role

    async def hide(self, person: str, *, hidden: bool = True) -> None:
        """Hide read receipts and last-seen, or show them again."""
        await self.change(ChangePrivacy(person, not hidden, not hidden))

    async def transfer(self, heir: str, former: str = "olivia") -> None:
        command = TransferOwnership(former, None, former, Role.MANAGER, heir)
        await self.change(command)
        self._known(msgspec.structs.replace(self.people[heir], role=Role.OWNER))
        self._known(msgspec.structs.replace(self.people[former], role=Role.MANAGER))


async def message(house: House) -> None:
    await house.say()
    await house.say("carla", reply_to=1)


async def edited(house: House) -> None:
    await house.edit("carla", 1)
    seq = await house.say("carla")
    await house.edit("carla", seq)
    await house.edit("carla", seq)


async def deleted(house: House) -> None:
    await house.delete("carla", 1)
    seq = await house.say("carla")
    await house.edit("carla", seq)
    await house.delete("olivia", seq)


async def attached(house: House) -> None:
    """Two that are settled, one of them refused; one that is deleted with its message."""
    database = house.premises.node.database
    for number in range(4):
        pending = State.PENDING_SCAN if number else State.READY
        found = await attachment(database, 1, "mo", f"a{number}", b"%d" % number, state=pending)
        speaker = house.premises.speaker("mo")
        said = commands.Send(speaker, f"f{number}", "", 0, attachments=(found.id,))
        assert isinstance(await house.premises.do("c1", said), Accepted)
    for seq, id_, state in ((5, "a1", State.READY), (6, "a2", State.REFUSED)):
        settle = commands.SettleAttachment(house.premises.speaker("mo"), seq, id_, state)
        await house.do(settle)
    await house.delete("mo", 7)


async def receipts(house: House) -> None:
    """Of others about one's own messages, and of one's own from another device."""
    await house.read("mo", 2, 1)
    await house.read("sam", 3, 0)
    await house.read("carla", 3, 3)
    await house.read("olivia", 3, 2)
    await house.read("mo", 3, 3)


async def receipts_at_once(house: House) -> None:
    """Cursors of several people that move in one commit come as one event."""
    async with trio.open_nursery() as nursery:
        for person in ("mo", "sam", "carla", "olivia"):
            nursery.start_soon(house.read, person, 3, 2)


async def member_added(house: House) -> None:
    await house.add("dan")
    await house.say("dan")


async def member_removed(house: House) -> None:
    await house.say("mo")
    await house.remove("mo", by="sam")
    await house.say("carla")


async def member_left(house: House) -> None:
    await house.remove("mo", by="mo")


async def viewer_removed(house: House) -> None:
    await house.remove("carla")
    await house.say("mo")


async def viewer_comes_back(house: House) -> None:
    """A customer sees the conversation from where they came back."""
    await house.read("carla", 3, 3)
    await house.remove("carla")
    await house.say("mo")
    await house.add("carla")
    await house.say("mo")
    await house.read("carla", 6, 5)


async def created(house: House) -> None:
    await house.premises.group("c9", "mo", "sam", "carla")
    await house.say("mo", "c9")


async def created_without_viewers(house: House) -> None:
    """Only the owner comes to see it: owners are in every conversation."""
    await house.premises.group("c8", "mo", "dan")
    await house.say("mo", "c8")


async def added_to_what_has_a_history(house: House) -> None:
    await house.add("carla", "c2")
    await house.say("mo", "c2")


async def business_changed(house: House) -> None:
    await house.read("mo", 3, 3)
    for shown in (False, True, False):
        done = await house.premises.change(ChangeBusiness("olivia", None, shown, shown))
        assert isinstance(done, Done)
        await house.say("carla")
        await house.read("mo", 10, 10)


async def privacy_changed(house: House) -> None:
    await house.read("mo", 3, 3)
    for person in VIEWERS:
        for shown in (False, True, False):
            done = await house.premises.change(ChangePrivacy(person, shown, shown))
            assert isinstance(done, Done)
            await house.say(person)
            await house.read("mo", 20, 20)


async def somebody_hides(house: House) -> None:
    """What the others hold of their cursors is not theirs to show any more."""
    await house.read("mo", 3, 3)
    await house.hide("mo")
    await house.say("carla")
    await house.read("mo", 4, 4)


async def somebody_shows_again(house: House) -> None:
    """The others have missed how far they read meanwhile."""
    await house.hide("mo")
    for person in VIEWERS:
        await house.say(person)
    await house.read("mo", 6, 6)
    await house.hide("mo", hidden=False)


async def a_viewer_hides(house: House) -> None:
    await house.read("mo", 3, 3)
    await house.read("sam", 3, 3)
    await house.hide("sam")


async def everybody_shows_again(house: House) -> None:
    for shown in (False, True):
        await house.change(ChangeBusiness("olivia", None, shown, shown))
        for person in VIEWERS:
            await house.say(person)
        await house.read("mo", 6, 6)


async def renamed(house: House) -> None:
    """A colleague, the owner, and each of the viewers, some of them twice."""
    await house.put("mo", "Mo")
    await house.say("mo")
    for person in ("mo", "olivia", "carla", "sam"):
        await house.put(person, f"{person.title()} the Second")


async def renamed_and_gone(house: House) -> None:
    await house.put("mo", "Mo the Second")
    await house.remove("mo", by="sam")
    await house.put("mo", "Mo the Third")


async def renamed_and_joined(house: House) -> None:
    await house.put("dan", "Dan the Second")
    await house.add("dan")
    await house.put("dan", "Dan the Third")


async def promoted(house: House) -> None:
    await house.put("mo", role=Role.STAFF)
    await house.put("carla", role=Role.STAFF)


async def deactivated(house: House) -> None:
    await house.put("mo", active=False)


async def reactivated(house: House) -> None:
    await house.put("mo", active=False)
    await house.put("mo", "Mo the Second", active=True)


async def transferred(house: House) -> None:
    """The new owner is in every conversation, the former one where a row says so."""
    await house.transfer("mo")
    await house.say("mo", "c2")
    await house.read("mo", 3, 3)


async def transferred_to_a_viewer(house: House) -> None:
    await house.transfer("sam")
    await house.premises.group("c7", "mo", "dan")
    await house.say("dan", "c7")


async def owners_come_and_go(house: House) -> None:
    await house.put("otto", role=Role.OWNER)
    await house.say("otto")
    await house.put("otto", role=Role.OWNER, active=False)
    await house.put("mo", role=Role.OWNER)


async def read_by_a_colleague(house: House) -> None:
    """Of what is unread, some in steps; one who hides it, and one who goes then."""
    for number in range(4):
        await house.say("carla")
        await house.read("mo", 4 + number, 3 + number)
    await house.hide("mo")
    await house.read("mo", 7, 7)
    await house.say("carla")
    await house.read("sam", 8, 8)
    await house.say("mo", "c2")
    await house.read("mo", 2, 2, "c2")
    await house.remove("mo", by="sam")
    await house.say("carla")


async def customers_come_and_go(house: House) -> None:
    """What the team says to itself is unread for each of it, but not while a customer is there."""
    await house.say("mo", "c2")
    await house.add("dan", "c2")
    await house.say("dan", "c2")
    await house.say("mo", "c2")
    await house.read("sam", 3, 3, "c2")
    await house.remove("dan", conversation="c2")
    await house.say("mo", "c2")
    await house.remove("carla")
    await house.say("mo")


async def one_of_two_customers_goes(house: House) -> None:
    await house.add("dan")
    await house.say("dan")
    await house.say("carla")
    await house.remove("dan")
    await house.read("mo", 4, 4)


async def unread_otherwise(house: House) -> None:
    """The business counts in another way than it did."""
    await house.read("mo", 2, 2)
    other = {UnreadBy.TEAM: UnreadBy.PERSONAL, UnreadBy.PERSONAL: UnreadBy.TEAM}
    before = house.premises.live.state.policies.unread
    await house.change(ChangeBusiness("olivia", policies=Policies(unread=other[before])))
    await house.say("carla")
    await house.read("mo", 3, 3)


ACTIONS: dict[str, tuple[Callable[[House], Awaitable[None]], set[str]]] = {
    "message": (message, {"message"}),
    "edited": (edited, {"message_edited"}),
    "deleted": (deleted, {"message_deleted"}),
    "attached": (attached, {"message", "message_deleted", "attachment_changed"}),
    "receipts": (receipts, {"receipt"}),
    "receipts at once": (receipts_at_once, {"receipt"}),
    "read by a colleague": (read_by_a_colleague, {"receipt"}),
    "customers come and go": (customers_come_and_go, {"message"}),
    "one of two customers goes": (one_of_two_customers_goes, {"message"}),
    "unread otherwise": (unread_otherwise, set()),
    "member added": (member_added, {"message"}),
    "member removed": (member_removed, {"message"}),
    "member left": (member_left, {"message"}),
    "viewer removed": (viewer_removed, {"conversation_removed"}),
    "viewer comes back": (viewer_comes_back, {"conversation_added"}),
    "created": (created, {"conversation_added"}),
    "created without viewers": (created_without_viewers, {"conversation_added"}),
    "added later": (added_to_what_has_a_history, {"conversation_added"}),
    "business changed": (business_changed, {"business_changed"}),
    "privacy changed": (privacy_changed, {"privacy_changed"}),
    "somebody hides": (somebody_hides, {"visibility_changed"}),
    "somebody shows again": (somebody_shows_again, {"visibility_changed"}),
    "a viewer hides": (a_viewer_hides, {"visibility_changed", "privacy_changed"}),
    "everybody shows again": (everybody_shows_again, {"business_changed"}),
    "renamed": (renamed, {"person_changed"}),
    "renamed and gone": (renamed_and_gone, {"person_changed"}),
    "renamed and joined": (renamed_and_joined, {"person_changed"}),
    "promoted": (promoted, {"person_changed"}),
    "deactivated": (deactivated, {"person_changed"}),
    "reactivated": (reactivated, {"person_changed"}),
    "ownership transferred": (transferred, set()),
    "ownership transferred to a viewer": (transferred_to_a_viewer, set()),
    "owners come and go": (owners_come_and_go, set()),
    "handled": (r42_handling.handled, {"handling_changed"}),
    "placed": (r42_handling.placed, {"conversation_added"}),
    "transferred away": (r42_handling.transferred_away, set()),
    "transferred back": (r42_handling.transferred_back, {"conversation_added"}),
    "seen in two ways": (r42_handling.seen_in_two_ways, set()),
    "no way left": (r42_handling.no_way_left, set()),
    "marked": (r42_handling.marked, {"marked"}),
    "noted": (r42_handling.noted, {"note"}),
    "claimed": (r42_handling.claimed, {"conversation_added"}),
    "answered again": (r42_handling.answered_again, {"conversation_added"}),
    "answered and added": (r42_handling.answered_and_added, {"conversation_added"}),
}
RESETS: dict[str, set[str]] = {
    "promoted": {"carla"},
    "unread otherwise": set(VIEWERS),
    "ownership transferred": set(VIEWERS),
    "ownership transferred to a viewer": set(VIEWERS),
    "owners come and go": set(VIEWERS),
}
"""Whose picture an action voids: they load afresh."""


async def furnished(premises: Premises, unread: UnreadBy = UnreadBy.PERSONAL) -> House:
    house = House(premises)
    await house.change(ChangeBusiness("olivia", policies=Policies(unread=unread)))
    await premises.group("c1", "sam", "mo", "carla")
    await premises.group("c2", "sam", "mo")
    for person in ("carla", "sam", "mo"):
        await house.say(person)
    await house.say("mo", "c2")
    return house


async def compare(premises: Premises, hybrids: list[Hybrid], number: int = 0) -> list[str]:
    """Every viewer's picture against a fresh one."""
    wrong = []
    for hybrid in hybrids:
        watched = set(hybrid._watched)
        now = (await fresh(premises, hybrid.person, number)).normal(watched)
        found = differences(hybrid.picture.normal(watched), now)
        wrong += [f"{hybrid.person}: {difference}" for difference in found]
    return wrong


def test_r42_every_event_type_has_an_action() -> None:
    covered = set().union(*(types for _, types in ACTIONS.values()))
    assert covered | PASSING | {"resumed"} == TYPES


@pytest.mark.parametrize("unread", UnreadBy)
@pytest.mark.parametrize("name", ACTIONS)
async def test_r42_live(name: str, unread: UnreadBy, virtual_time: MockClock, folder: Path) -> None:
    action, types = ACTIONS[name]
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises, unread)
        hybrids = [Hybrid(premises, person) for person in VIEWERS]
        for hybrid in hybrids:
            await hybrid.connect()
        await action(house)
        for hybrid in hybrids:
            await hybrid.settle()
        assert not await compare(premises, hybrids)
        assert types <= set().union(*(hybrid.seen for hybrid in hybrids))
        assert {h.person for h in hybrids if h.resets} == RESETS.get(name, set())


@pytest.mark.parametrize("unread", UnreadBy)
@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_r42_resumed(
    name: str, restarted: bool, unread: UnreadBy, virtual_time: MockClock, folder: Path
) -> None:
    action, types = ACTIONS[name]
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises, unread)
        hybrids = [Hybrid(premises, person) for person in VIEWERS]
        for hybrid in hybrids:
            await hybrid.connect()
            hybrid.go()
        await action(house)
        if restarted:
            await premises.close()
            await premises.open()
        for hybrid in hybrids:
            is_reset = hybrid.person in RESETS.get(name, ())
            assert await hybrid.connect() == ("reset" if is_reset else "complete")
            await hybrid.settle()
        assert not await compare(premises, hybrids)
        resumed = {"resumed"} if len(RESETS.get(name, ())) < len(VIEWERS) else set()
        assert types | resumed <= set().union(*(hybrid.seen for hybrid in hybrids))


@pytest.mark.parametrize("joins", ["the viewer", "the other", "with the viewer"])
async def test_r42_somebody_is_met_while_the_desk_looks_who_knows_them(
    joins: str, virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look-up and the commit; the viewer has read their old name by then."""
    looked_up = Queries.seers

    async def slowly(queries: Queries, business: Business, person: str) -> Seers:
        found = await looked_up(queries, business, person)
        await trio.sleep(4.0)
        return found

    monkeypatch.setattr(Queries, "seers", slowly)
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises)
        met = {"the viewer": "mo", "the other": "dan", "with the viewer": "mo"}[joins]
        if joins == "with the viewer":
            await house.remove("mo")
        elif joins == "the viewer":
            await house.remove("carla")
        carla = Hybrid(premises, "carla")
        await carla.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.put, met, f"{met} the Second")
            await trio.sleep(0.5)
            if joins == "the viewer":
                await house.add("carla")
            elif joins == "the other":
                await house.add("dan")
            else:
                await house.premises.group("c9", "sam", "mo", "carla")
            await carla.settle()
            assert "person_changed" not in carla.seen
        await carla.settle()
        assert "person_changed" in carla.seen
        assert not await compare(premises, [carla])


async def test_r42_nobody_hears_of_strangers(virtual_time: MockClock, folder: Path) -> None:
    """The team of everybody; a customer of whom they meet in a conversation, and of owners."""
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises)
        clients = {person: await premises.enter(person) for person in (*VIEWERS, "dan")}
        await house.put("dan", "Dan the Second")
        await house.hide("dan")
        await house.put("mo", "Mo the Second")
        await house.put("olivia", "Olivia the Second")
        await house.put("zoe", "Zoe", Role.CUSTOMER)
        await trio.sleep(1.0)
        heard = {
            person: [frame["person"] for frame in client.frames if frame["type"] in OF_PEOPLE]
            for person, client in clients.items()
        }
        assert heard == {
            "olivia": ["dan", "dan", "mo", "olivia"],
            "sam": ["dan", "dan", "mo", "olivia"],
            "carla": ["mo", "olivia"],
            "dan": ["olivia"],
        }


async def test_r42_presence_and_typing(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        await furnished(premises)
        hybrids = [Hybrid(premises, person) for person in ("olivia", "sam")]
        for hybrid in hybrids:
            await hybrid.connect()
            await hybrid.watch("carla", "mo", "dan")
        carla, mo = await premises.enter("carla"), await premises.enter("mo")
        carla.send("typing", conversation="c1")
        mo.send("activity", active=False)
        for hybrid in hybrids:
            await hybrid.settle()
            assert {"presence", "typing"} <= hybrid.seen
        assert not await compare(premises, hybrids, 1)
        carla.drop()
        hybrids[0].go()
        await hybrids[1].settle()
        await trio.sleep(20.0)
        await hybrids[0].connect()
        for hybrid in hybrids:
            await hybrid.settle()
        assert hybrids[1].picture.presence["carla"][0] == "offline"
        assert not await compare(premises, hybrids, 2)


async def test_r42_presence_that_is_hidden_and_shown_again(
    virtual_time: MockClock, folder: Path
) -> None:
    """Of a colleague whom one meets, and of a customer whom the team may watch all the same."""
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises)
        sam = Hybrid(premises, "sam")
        await sam.connect()
        await premises.enter("mo")
        await premises.enter("dan")
        await sam.watch("mo", "dan")
        for hidden, state in ((True, "offline"), (False, "online")):
            await house.hide("mo", hidden=hidden)
            await house.hide("dan", hidden=hidden)
            await sam.settle()
            seen = sam.picture.presence
            assert (seen["mo"][0], seen["dan"][0]) == (state, state)
            assert not await compare(premises, [sam])


async def test_r42_own_sends_are_known_by_their_acks(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises)
        hybrids = [Hybrid(premises, person) for person in VIEWERS]
        for hybrid in hybrids:
            await hybrid.connect()
        for number in range(3):
            for hybrid in hybrids:
                await hybrid.say("c1", f"hello {number}", f"{hybrid.person}{number}")
            await house.say()
        for hybrid in hybrids:
            await hybrid.settle()
        assert not await compare(premises, hybrids)


@pytest.mark.requirement("EX-23", "EX-24")
@pytest.mark.parametrize("unread", UnreadBy)
@pytest.mark.parametrize("away", [False, True], ids=["", "away"])
async def test_r42_who_answers_has_read_on_each_of_their_devices(
    away: bool, unread: UnreadBy, virtual_time: MockClock, folder: Path
) -> None:
    """Over a connection: the device that answers, the other one, and who wrote before."""
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises, unread)
        await r42_handling.placed(house)
        sam, other = Hybrid(premises, "sam"), Hybrid(premises, "sam", "other")
        hybrids = [sam, other, Hybrid(premises, "olivia"), Hybrid(premises, "dan")]
        for hybrid in hybrids:
            await hybrid.connect()
        assert sam.picture.unread("c3") > 0
        if away:
            for hybrid in hybrids[1:]:
                hybrid.go()
        await sam.say("c3", "hello", "own")
        if away:
            for hybrid in hybrids[1:]:
                assert await hybrid.connect() == "complete"
        for hybrid in hybrids:
            await hybrid.settle()
        assert not await compare(premises, hybrids)
        for device in (sam, other):
            last = max(device.picture.entries["c3"])
            own = device.picture.conversations["c3"]["members"]["sam"]
            assert (own["delivered_up_to"], own["read_up_to"]) == (last, last)
            assert device.picture.unread("c3") == 0
        told = hybrids[-1].picture.conversations["c3"]["members"]["sam"]
        assert told["read_up_to"] == last, "who wrote before is told that it was read"


@pytest.mark.parametrize("unread", UnreadBy)
@pytest.mark.parametrize("seed", range(12))
async def test_r42_any_actions_in_any_order_live_or_away(
    seed: int, unread: UnreadBy, virtual_time: MockClock, folder: Path
) -> None:
    """Random small steps; each viewer is at times away and resumes, over restarts too."""
    chance = random.Random(f"r42 {seed}")
    async with opened(folder, freely(), PEOPLE) as premises:
        house = await furnished(premises, unread)
        if seed % 2:
            await r42_handling.open_locations(house)
            await premises.group("c3", "mo", "dan")
        hybrids = [Hybrid(premises, person) for person in VIEWERS]
        for hybrid in hybrids:
            await hybrid.connect()
        for number in range(8):
            away = [hybrid for hybrid in hybrids if chance.random() < 0.5]
            for hybrid in away:
                hybrid.go()
            for _ in range(chance.randint(1, 6)):
                await random_step(house, chance)
            for hybrid in away:
                await hybrid.connect()
            for hybrid in hybrids:
                await hybrid.settle()
            assert not await compare(premises, hybrids, number)
    assert check_file(folder / FILE_NAME) == []


async def random_step(house: House, chance: random.Random) -> None:
    """Anything that the rules may refuse as well; a refusal changes nothing."""
    if chance.random() < 0.25:
        await random_change_of_somebody(house, chance)
        return
    speaker = house.premises.speaker(chance.choice(list(PEOPLE)))
    house.number += 1
    someone = chance.choice(list(PEOPLE))
    seq = chance.randint(1, 15)
    choices: list[commands.Command] = [
        commands.Send(speaker, f"r{house.number}", f"text {house.number}", 0),
        commands.Send(speaker, f"r{house.number}", f"text {house.number}", 1),
        commands.Edit(speaker, seq, f"edited {house.number}"),
        commands.Delete(speaker, seq),
        commands.AdvanceReceipt(speaker, seq, chance.randint(0, 15)),
        commands.AddMember(speaker, house.people[someone]),
        commands.RemoveMember(speaker, someone),
        r42_handling.random_handle(house, chance, speaker.person),
        commands.Mark(speaker, chance.random() < 0.5),
        r42_handling.random_note(house, chance, speaker.person),
    ]
    conversation = chance.choice(["c1", "c1", "c2", "c3"])
    await house.premises.do(conversation, chance.choice(choices))


async def random_change_of_somebody(house: House, chance: random.Random) -> None:
    """Their looks, their role, what they show; now and then the ownership."""
    house.number += 1
    person = chance.choice(list(PEOPLE))
    name, role = f"{person} {house.number}", house.people[person].role
    match chance.choices(
        ["name", "hides", "role", "access", "settings", "heir"], [6, 6, 1, 1, 1, 1]
    ):
        case ["name"]:
            await house.put(person, name)
        case ["hides"]:
            await house.hide(person, hidden=chance.random() < 0.5)
        case ["role"] if role in (Role.STAFF, Role.MANAGER):
            await house.put(person, name, chance.choice([Role.STAFF, Role.MANAGER]))
        case ["access"] if person not in VIEWERS and role is not Role.OWNER:
            await house.put(person, name, active=chance.random() < 0.5)
        case ["settings"]:
            shown = chance.random() < 0.5
            await house.change(ChangeBusiness("backend", None, shown, shown))
        case ["heir"] if role in (Role.STAFF, Role.MANAGER) and house.people[person].active:
            (owner,) = (p.id for p in house.people.values() if p.role is Role.OWNER)
            await house.transfer(person, owner)
