"""What is said in the demo: talks of the last weeks and days, and notes of the team beside them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from random import Random

from domain.commands import AddNote, Speaker
from domain.imported import ImportedConversation, ImportedMessage, Placing
from domain.roles import Role
from server.demo_phrases import HELLO, NOTES, SERVICES, SIGN_OFF, TOPICS, Topic
from server.demo_shop import (
    AUTHOR,
    MINUTE_MS,
    TEAM,
    Customer,
    day_of,
    moment,
    staff_at,
    working_day,
)

TALKS = 50
_TODAY = 14
"""So many of the talks ended within the last hours."""


def make_talks(
    dice: Random, customers: list[Customer], now: int
) -> tuple[ImportedConversation, ...]:
    """The first customer has one of long ago; of the newest most wait, older ones are closed."""
    return tuple(
        _talk(dice, number, dice.choice(customers[1:]) if number else customers[0], end, now)
        for number, end in enumerate(sorted(_ends(dice, now)))
    )


def _ends(dice: Random, now: int) -> Iterator[int]:
    """When each talk ended: in the last weeks at working hours, in the last hours at any."""
    for _ in range(_TODAY):
        yield now - dice.randint(6, 9 * 60) * MINUTE_MS - dice.randrange(MINUTE_MS)
    for _ in range(TALKS - _TODAY):
        day = working_day(day_of(now, "main") - timedelta(days=dice.randint(2, 27)), -1)
        minutes = dice.randrange(10 * 60, 17 * 60)
        yield moment(day, minutes, "main") + dice.randrange(MINUTE_MS)


def _talk(
    dice: Random, number: int, customer: Customer, end: int, now: int
) -> ImportedConversation:
    recent = number >= TALKS - _TODAY
    topic = TOPICS[number % len(TOPICS)]
    staff = dice.choice(staff_at(customer.location))
    waiting = recent and dice.random() < 0.7 and topic.name != "thanks"
    turns = list(topic.turns)
    if waiting:  # it ends with the first thing that the customer said
        turns = turns[: [who for who, _ in turns].index("customer") + 1]
    claimed = any(who == "staff" for who, _ in turns)
    slots = _slots(dice, customer, end)
    texts = [dice.choice(said).format(**slots) for _, said in turns]
    said = zip(turns, texts, _times(dice, len(turns), end), strict=True)
    id_ = f"{topic.name}-{number + 1:02}"
    snoozed = not waiting and number % 7 == 6
    return ImportedConversation(
        id_,
        _title(dice, topic, slots),
        (customer.id, staff) if claimed else (customer.id,),
        tuple(
            ImportedMessage(f"{id_}-{n}", customer.id if who == "customer" else staff, text, at)
            for n, ((who, _), text, at) in enumerate(said, start=1)
        ),
        waiting=waiting,
        placing=Placing(
            customer.location,
            staff if claimed else "",
            not recent and not snoozed and dice.random() < 0.8,
            _snoozed_until(dice, customer.location, now) if snoozed else 0,
        ),
    )


def make_notes(
    dice: Random, talks: Iterable[ImportedConversation], customers: Mapping[str, Customer]
) -> Iterator[tuple[str, AddNote]]:
    """A colleague has left a note beside a few of those that somebody is at."""
    names = {id_: name for id_, name, _, _ in TEAM}
    for talk in talks:
        assert isinstance(talk.placing, Placing)
        assignee, customer = talk.placing.assignee, customers.get(talk.people[0])
        done = talk.placing.closed or talk.conversation.startswith("thanks")
        if not assignee or customer is None or done or dice.random() < 0.4:
            continue
        author = dice.choice([id_ for id_ in staff_at(customer.location) if id_ != assignee])
        text = dice.choice(NOTES)
        speaker = Speaker(author, names[author], Role.STAFF, AUTHOR)
        slots = {
            "pet": customer.pet,
            "first": customer.first,
            "colleague": names[assignee].split()[0],
        }
        mentions = (assignee,) if "{colleague}" in text else ()
        note = AddNote(speaker, f"{talk.conversation}-note", text.format(**slots), mentions)
        yield talk.conversation, note


def _title(dice: Random, topic: Topic, slots: dict[str, str]) -> str:
    return dice.choice(topic.titles).format(**slots)


def _slots(dice: Random, customer: Customer, end: int) -> dict[str, str]:
    """What the sentences of a talk leave open."""
    service, price, _ = dice.choice(SERVICES[customer.kind])
    day = working_day(day_of(end, customer.location) + timedelta(days=dice.randint(2, 6)), 1)
    hour, quarter = dice.randint(9, 16), dice.choice(("00", "15", "30", "45"))
    return {
        "hello": dice.choice(HELLO),
        "bye": dice.choice(SIGN_OFF),
        "first": customer.first,
        "pet": customer.pet,
        "kind": customer.kind,
        "service": service,
        "price": str(price),
        "day": f"{day:%A}",
        "time": f"{(hour - 1) % 12 + 1}:{quarter} {'am' if hour < 12 else 'pm'}",
    }


def _times(dice: Random, count: int, end: int) -> list[int]:
    """When each of ``count`` messages was said, the last at ``end``."""
    times = [end]
    while len(times) < count:
        times.append(times[-1] - dice.randint(1, 40) * MINUTE_MS - dice.randrange(MINUTE_MS))
    return times[::-1]


def _snoozed_until(dice: Random, location: str, now: int) -> int:
    return moment(day_of(now, location) + timedelta(days=dice.randint(1, 4)), 9 * 60, location)
