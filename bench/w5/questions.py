"""What is asked of a business with a million messages: one function for each question.

A question asks the server once, as ``person``, with what the seeded generator picks; the harness
takes the time. A new one is a function and a line in `QUESTIONS`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from texts import DAYS, FIRST, PETS

LOCATIONS = ("downtown", "uptown", "harbour")
WORDS = ("ready", "groomer", "vaccination", "deposit", "parking", "microchip", "allergy", "dryer")
PHRASES = ("hot spot", "front door", "staff meeting", "invoice of", "long walk")
BEGIN = 1_700_000_000_000
DAY = 86_400_000


@dataclass
class Asker:
    """Who asks: ``ask(person, method, path, body)``; ``cold`` gives a customer not yet met."""

    ask: Callable[[str, str, str, object], Any]
    person: str
    role: str
    revision: int
    customers: int
    cold: Callable[[], int]

    def get(self, path: str) -> Any:
        return self.ask(self.person, "GET", path, None)

    def search(self, q: str, more: str = "") -> Any:
        return self.get(f"/v1/search?q={quote(q)}{more}")


Question = Callable[[Asker, random.Random], object]


def nothing(asker: Asker, _: random.Random) -> object:
    """What any request costs: who I am."""
    return asker.get("/v1/me")


def first_page(asker: Asker, _: random.Random) -> object:
    """The first page of one's conversations."""
    return asker.get("/v1/conversations?limit=50")


def further_page(asker: Asker, pick: random.Random) -> object:
    """A page further down."""
    return asker.get(f"/v1/conversations?limit=50&before={pick.randrange(asker.revision)}")


def unread(asker: Asker, _: random.Random) -> object:
    """What one has not read."""
    return asker.get("/v1/conversations?unread=true")


def mine(asker: Asker, _: random.Random) -> object:
    """What is open and one's own."""
    return asker.get(f"/v1/conversations?status=open&assignee={asker.person}")


def waiting(asker: Asker, pick: random.Random) -> object:
    """Where customers wait at a location for somebody to take it."""
    location = pick.choice(LOCATIONS)
    return asker.get(f"/v1/conversations?location={location}&waiting=true&unassigned=true")


def on_channel(asker: Asker, pick: random.Random) -> object:
    """Where a customer wrote by text or by e-mail."""
    return asker.get(f"/v1/conversations?channel={pick.choice(('text', 'email'))}")


def queue(asker: Asker, pick: random.Random) -> object:
    """The queue of a location where one works."""
    number = 0 if asker.role == "owner" else int(asker.person.removeprefix("staff"))
    return asker.get(f"/v1/locations/{LOCATIONS[number % len(LOCATIONS)]}/queue")


def route(asker: Asker, pick: random.Random) -> object:
    """A customer says something: where it shows up is decided, and it is stored."""
    body = {"client_message_id": f"route-{pick.randrange(10**15)}", "text": "Can he stay longer?"}
    room = f"talk-{asker.person}"
    return asker.ask(asker.person, "POST", f"/v1/conversations/{room}/messages", body)


def words(asker: Asker, pick: random.Random) -> object:
    """One or two words, as people type them."""
    known = (pick.choice(PETS), pick.choice(WORDS), pick.choice(DAYS))
    return asker.search(" ".join(pick.sample(known, pick.choice((1, 2)))) + " ")


def beginning(asker: Asker, pick: random.Random) -> object:
    """While somebody types."""
    return asker.search(pick.choice((*WORDS, *PETS, *FIRST))[: pick.choice((3, 4, 5))])


def phrase(asker: Asker, pick: random.Random) -> object:
    """Words that follow each other."""
    return asker.search(f'"{pick.choice(PHRASES)}"')


def rare(asker: Asker, pick: random.Random) -> object:
    """A number that hardly anybody said."""
    return asker.search(str(pick.randrange(1_000_000, 10_000_000)))


def filtered(asker: Asker, pick: random.Random) -> object:
    """A word that somebody said within half a year."""
    since = BEGIN + pick.randrange(540) * DAY
    author = pick.choice(("owner", asker.person))
    more = f"&author={author}&since={since}&until={since + 180 * DAY}"
    return asker.search(pick.choice(WORDS) + " ", more)


def narrowed(asker: Asker, pick: random.Random) -> object:
    """A word at a location in a state, with one customer, on a channel, or with attachments."""
    location, status = pick.choice(LOCATIONS), pick.choice(("open", "snoozed", "closed"))
    more = (
        f"&location={location}&status={status}",
        f"&person=customer{pick.randrange(asker.customers)}",
        f"&channel={pick.choice(('app', 'text', 'email'))}",
        "&attachments=true",
    )
    return asker.search(pick.choice(WORDS) + " ", pick.choice(more))


def timeline(asker: Asker, pick: random.Random) -> object:
    """What was said around a customer; customers ask for their own."""
    person = asker.person
    if asker.role != "customer":
        person = f"customer{pick.randrange(asker.customers)}"
    return asker.get(f"/v1/people/{person}/timeline")


def long_timeline(asker: Asker, pick: random.Random) -> object:
    """What was said around one who talks to hundreds, some time ago."""
    person = pick.choice(("owner", f"staff{pick.randrange(50)}"))
    return asker.get(f"/v1/people/{person}/timeline?before={pick.randrange(asker.revision)}")


def activate(asker: Asker, _: random.Random) -> object:
    """The first command to a conversation since the start: its customer says again what they have
    received, so nothing is stored, but what its actor needs is loaded."""
    customer = f"customer{asker.cold()}"
    path = f"/v1/conversations/talk-{customer}/receipts"
    return asker.ask(customer, "POST", path, {"delivered_up_to": 1})


ALL = ("owner", "staff", "customer")
TEAM = ("owner", "staff")
QUESTIONS: dict[str, tuple[Question, tuple[str, ...]]] = {
    "nothing": (nothing, ("staff",)),
    "list": (first_page, ALL),
    "list: further down": (further_page, TEAM),
    "list: unread": (unread, ALL),
    "list: open and mine": (mine, TEAM),
    "list: waiting for anybody": (waiting, TEAM),
    "list: on a channel": (on_channel, TEAM),
    "queue": (queue, TEAM),
    "route": (route, ("customer",)),
    "search: words": (words, ALL),
    "search: beginning": (beginning, ALL),
    "search: phrase": (phrase, ALL),
    "search: rare number": (rare, ALL),
    "search: author, time": (filtered, TEAM),
    "search: narrowed": (narrowed, TEAM),
    "timeline": (timeline, ALL),
    "timeline: of hundreds": (long_timeline, TEAM),
    "activate": (activate, ("customer",)),
}
"""What is asked, and by whom."""
