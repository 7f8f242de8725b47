"""Actions about how conversations with customers are handled, for the hybrid state (R42)."""

import random
from typing import Protocol

from actors.business import ChangeLocation
from domain import commands
from domain.commands import AddNote, ChangeNote, DeleteNote, EditNote, Handle, Mark
from domain.handling_action import Action
from tests.faults.premises import Premises

WEEK_MS = 7 * 24 * 3_600_000


class House(Protocol):
    """What the actions need."""

    premises: Premises

    async def say(self, person: str = "mo", conversation: str = "c1", reply_to: int = 0) -> int: ...
    async def do(self, command: commands.Command, conversation: str = "c1") -> None: ...
    async def add(self, person: str, conversation: str = "c1") -> None: ...
    async def remove(self, person: str, by: str = "mo", conversation: str = "c1") -> None: ...
    async def change(self, command: object) -> None: ...


async def open_locations(house: House) -> None:
    """Everybody works at ``main``, or is its customer; nobody at ``uptown``."""
    for location in ("main", "uptown"):
        await house.change(ChangeLocation("backend", location, location.title(), "UTC"))


async def handle(
    house: House, action: Action, conversation: str = "c1", by: str = "mo", **more: str | int
) -> None:
    speaker = house.premises.speaker(by)
    await house.do(Handle(speaker, action, **more), conversation)  # type: ignore[arg-type]


async def handled(house: House) -> None:
    """All that can be done with a conversation which all viewers see."""
    await open_locations(house)
    await house.say("carla")
    await handle(house, Action.ASSIGN, person="sam")
    await handle(house, Action.HANDLED)
    await handle(house, Action.WAITING)
    await handle(house, Action.SNOOZE, until=house.premises.clock() + WEEK_MS)
    await house.say("carla")
    await handle(house, Action.CLOSE)
    await handle(house, Action.UNASSIGN)
    await house.say("carla")
    await house.say("mo")
    await handle(house, Action.CLOSE)
    await handle(house, Action.REOPEN)


async def placed(house: House) -> None:
    """A conversation of others comes to where a viewer works."""
    await open_locations(house)
    await house.premises.group("c3", "mo", "dan")
    await house.say("mo", "c3")
    await house.say("dan", "c3")
    await house.say("mo", "c3")
    await handle(house, Action.UNASSIGN, "c3")


async def transferred_away(house: House) -> None:
    """It leaves where the viewer works, and is spoken in there."""
    await placed(house)
    await handle(house, Action.TRANSFER, "c3", location="uptown")
    await house.say("dan", "c3")


async def transferred_back(house: House) -> None:
    await transferred_away(house)
    await handle(house, Action.TRANSFER, "c3", location="main")
    await house.say("dan", "c3")


async def seen_in_two_ways(house: House) -> None:
    """A member whose location it leaves stays; who is removed sees it where they work."""
    await placed(house)
    await house.add("sam", "c3")
    await handle(house, Action.TRANSFER, "c3", location="uptown")
    await house.say("dan", "c3")
    await handle(house, Action.TRANSFER, "c3", location="main")
    await house.remove("sam", conversation="c3")
    await house.say("dan", "c3")


async def no_way_left(house: House) -> None:
    await seen_in_two_ways(house)
    await handle(house, Action.TRANSFER, "c3", location="uptown")
    await house.say("dan", "c3")


async def claimed(house: House) -> None:
    """Whoever answers from the queue is assigned, and becomes a member who has read."""
    await open_locations(house)
    await house.premises.group("c3", "mo", "dan")
    await house.say("dan", "c3")
    await house.say("sam", "c3")
    await house.say("dan", "c3")


async def answered_again(house: House) -> None:
    """Who has answered and gone sees it still, from the beginning; then answers again."""
    await placed(house)
    await house.say("sam", "c3")
    await house.say("dan", "c3")
    await house.remove("sam", conversation="c3")
    await house.say("dan", "c3")
    await house.say("sam", "c3")
    await house.say("mo", "c3")


async def answered_and_added(house: House) -> None:
    """Who had read by answering starts over when another brings them in."""
    await placed(house)
    await house.say("sam", "c3")
    await house.remove("sam", conversation="c3")
    await house.add("sam", "c3")
    await house.say("sam", "c3")


async def marked(house: House) -> None:
    """One stays marked, one does not, and one who marks goes and comes back."""
    for person in ("olivia", "sam", "carla"):
        speaker = house.premises.speaker(person)
        await house.do(Mark(speaker, unread=True))
        await house.do(Mark(speaker, unread=True))
    await house.do(Mark(house.premises.speaker("sam"), unread=False))
    await house.do(Mark(house.premises.speaker("sam"), unread=True), "c2")
    await house.remove("sam", conversation="c2")
    await house.add("sam", "c2")


async def noted(house: House) -> None:
    """Notes of what all viewers see, and of what only some of the team see."""
    speaker = house.premises.speaker("mo")
    for conversation in ("c1", "c2"):
        for note in ("n1", "n2", "n3"):
            await house.do(AddNote(speaker, note, f"about {note}", ("sam",)), conversation)
        await house.do(EditNote(speaker, "n1", "edited", ()), conversation)
        await house.do(DeleteNote(speaker, "n2"), conversation)
    await house.remove("sam", conversation="c2")
    await house.do(AddNote(speaker, "n4", "after sam has gone"), "c2")
    await house.add("sam", "c2")


def random_note(house: House, chance: random.Random, person: str) -> ChangeNote:
    """The same: what is refused changes nothing."""
    speaker, note = house.premises.speaker(person), f"n{chance.randint(1, 4)}"
    choices: list[ChangeNote] = [
        AddNote(speaker, note, f"note {chance.random()}", tuple(chance.sample(["sam", "mo"], 1))),
        EditNote(speaker, note, f"edited {chance.random()}"),
        DeleteNote(speaker, note),
    ]
    return chance.choice(choices)


def random_handle(house: House, chance: random.Random, person: str) -> Handle:
    """Anything that somebody may do, or may not."""
    return Handle(
        house.premises.speaker(person),
        chance.choice(list(Action)),
        chance.choice(["mo", "sam", "olivia", "carla", "nobody"]),
        chance.choice(["main", "uptown", "nowhere"]),
        house.premises.clock() + chance.randint(-5, 50_000),
    )
