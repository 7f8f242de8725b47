"""What was said elsewhere comes in whole: read by all, and placed where its record says."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business import Business, Colleague
from domain.commands import Import
from domain.conversation import Conversation, created, digest, evolve
from domain.events import (
    ConversationCreated,
    ConversationEvent,
    HandlingChanged,
    MessageSent,
    Person,
    ReceiptsAdvanced,
)
from domain.imported import ImportedConversation, ImportedMessage, Placing
from domain.imports import decide_import
from domain.limits import Limits
from domain.locations import Location, LocationStatus
from domain.permissions import granted
from domain.refusal import Refusal
from domain.roles import Role

pytestmark = pytest.mark.requirement("EX-41")

NOW = 1_793_000_000_000
PEOPLE = {
    "olivia": Person("olivia", "Olivia", Role.OWNER),
    "sam": Person("sam", "Sam", Role.STAFF),
    "tess": Person("tess", "Tess", Role.STAFF),
    "carla": Person("carla", "Carla", Role.CUSTOMER),
    "nina": Person("nina", "Nina", Role.CUSTOMER),
}
WORK = {"olivia": "main", "sam": "main", "tess": "north"}


def pawsome() -> Business:
    return Business(
        "pawsome",
        1,
        "Pawsome",
        owners=frozenset({"olivia"}),
        locations={
            name: Location(id=name, name=name, time_zone="Europe/Rome", alert_minutes=minutes)
            for name, minutes in (("main", 60), ("north", 0))
        },
        team={
            person: Colleague(PEOPLE[person].role, frozenset({place}), granted(Role.STAFF, None))
            for person, place in WORK.items()
        },
    )


authors = st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=12)
placings = st.builds(
    Placing,
    st.sampled_from(["main", "north"]),
    assignee=st.sampled_from(["", "olivia"]),
    snoozed_until=st.sampled_from([0, NOW - 1, NOW + 1000]),
)


def talk(
    said: list[str], placing: Placing, *, first: int = 0, waiting: bool = True
) -> ImportedConversation:
    """Messages by these authors, a minute from each other, the last of all an hour ago at most."""
    messages = tuple(
        ImportedMessage(f"m{n}", author, f"Text {n}", NOW - 4_000_000 + n * 60_000)
        for n, author in enumerate(said, start=first)
    )
    return ImportedConversation(
        "old", "Rex", ("carla", "nina", "sam"), messages, waiting=waiting, placing=placing
    )


def asked(wanted: ImportedConversation, *, stored: bool = False) -> Import:
    """As an actor asks that has loaded what it needs; ``stored``: its messages are, long since."""
    digests = {
        (each.author, "@import", each.id): digest(wanted.conversation, each.text, 0)
        for each in wanted.messages
    }
    return Import(wanted, tuple(PEOPLE.values()), digests if stored else {})


def answered(
    wanted: ImportedConversation, state: Conversation | None = None, *, stored: bool = False
) -> tuple[ConversationEvent, ...] | Refusal | None:
    return decide_import(state, asked(wanted, stored=stored), pawsome(), Limits(), NOW)


def decided(
    wanted: ImportedConversation, state: Conversation | None = None
) -> tuple[ConversationEvent, ...]:
    events = answered(wanted, state)
    assert isinstance(events, tuple), events
    return events


def loaded(
    events: tuple[ConversationEvent, ...], state: Conversation | None = None
) -> Conversation:
    if state is None:
        first, *events_after = events
        assert isinstance(first, ConversationCreated)
        state, events = created(first), tuple(events_after)
    for event in events:
        evolve(state, event)
    return state


def waits_since(messages: tuple[ImportedMessage, ...]) -> int:
    """Another way to say it: the first of the customers' words at the end."""
    since = 0
    for message in reversed(messages):
        if PEOPLE[message.author].role is not Role.CUSTOMER:
            return since
        since = message.at
    return since


@given(said=authors, placing=placings, waiting=st.booleans())
def test_it_is_placed_and_read_by_all_who_see_it(
    said: list[str], placing: Placing, waiting: bool
) -> None:
    wanted = talk(said, placing, waiting=waiting)
    state = loaded(decided(wanted))
    assert state.last_seq == len(said)
    assert state.waiting_since == (waits_since(wanted.messages) if waiting else 0)
    assert state.handling.locations == (placing.location,)
    assert state.handling.status == ("snoozed" if placing.snoozed_until > NOW else "open")
    assert state.handling.assignee == placing.assignee
    there = {person for person, place in WORK.items() if place == placing.location}
    assert set(state.cursors) == {"carla", "nina", "sam", "olivia"} | there
    assert {cursor.read_up_to for cursor in state.cursors.values()} == {len(said)}
    assert answered(wanted, state) is None


@given(said=authors, more=authors, placing=placings)
def test_in_parts_it_is_the_same(said: list[str], more: list[str], placing: Placing) -> None:
    whole = loaded(decided(talk([*said, *more], placing)))
    state = loaded(decided(talk(said, placing)))
    rest = talk(more, placing, first=len(said))
    goes_on = ImportedConversation("old", "", (), rest.messages, goes_on=True, waiting=True)
    events = decided(goes_on, state)
    assert not [e for e in events if isinstance(e, HandlingChanged | ConversationCreated)]
    loaded(events, state)
    assert (state.last_seq, state.heard_at) == (whole.last_seq, whole.heard_at)
    assert state.waiting_since == whole.waiting_since
    if state.waiting_since:  # else the mark is of a waiting that is over
        assert state.handling == whole.handling
    assert set(state.cursors) == set(whole.cursors)
    assert state.team_read_up_to == whole.team_read_up_to == state.last_seq, "nothing is unread"


@given(said=authors, placing=placings)
def test_the_log_tells_the_story_in_order(said: list[str], placing: Placing) -> None:
    first, placed, *messages, read = decided(talk(said, placing))
    assert isinstance(first, ConversationCreated)
    assert isinstance(placed, HandlingChanged)
    assert (placed.came, placed.left) == ((placing.location,), ())
    assert isinstance(read, ReceiptsAdvanced), "right behind the last message: webhooks go by that"
    sent = [message for message in messages if isinstance(message, MessageSent)]
    assert len(sent) == len(messages) == len(said)
    assert all(after.at > before.at for before, after in pairwise(sent))


@given(said=authors, people=st.sets(st.sampled_from(sorted(PEOPLE)), min_size=1))
def test_whoever_of_the_customers_says_something_is_in_it(
    said: list[str], people: set[str]
) -> None:
    """Of the team anybody may have: who answered long ago need not see it now."""
    whole = talk(["sam", *said], Placing("main"))
    wanted = msgspec.structs.replace(whole, people=tuple(people), placing=msgspec.UNSET)
    strangers = {"carla", "nina"}.intersection(said) - people
    answer = answered(wanted)
    assert isinstance(answer, Refusal if strangers else tuple), answer
    more = msgspec.structs.replace(wanted, goes_on=True, people=())
    state = loaded(decided(msgspec.structs.replace(wanted, messages=wanted.messages[:1])))
    rest = msgspec.structs.replace(more, messages=wanted.messages[1:])
    assert isinstance(answered(rest, state), Refusal if strangers else tuple)


def test_a_merged_location_stands_for_where_it_went_and_a_closed_one_for_nothing() -> None:
    business = pawsome()
    gone = {"status": LocationStatus.MERGED, "merged_into": "north"}
    business.locations["main"] = msgspec.structs.replace(business.locations["main"], **gone)
    wanted = talk(["carla"], Placing("main"))
    events = decide_import(None, asked(wanted), business, Limits(), NOW)
    assert isinstance(events, tuple)
    assert loaded(events).handling.locations == ("north",)
    north = business.locations["north"]
    business.locations["north"] = msgspec.structs.replace(north, status=LocationStatus.CLOSED)
    refused = decide_import(None, asked(wanted), business, Limits(), NOW)
    assert isinstance(refused, Refusal)
    assert "location" in refused.message


def own_talk(said: list[str], first: int = 0, *, goes_on: bool = False) -> ImportedConversation:
    messages = talk(said, Placing("main"), first=first).messages
    people = () if goes_on else ("carla", "nina")
    return ImportedConversation(
        "customer.1", "", people, messages, goes_on=goes_on, waiting=True, customer="carla"
    )


def tapped() -> Conversation:
    """Somebody opened it here, and said nothing."""
    members = (PEOPLE["sam"], PEOPLE["carla"], PEOPLE["nina"])
    begun = ConversationCreated("customer.1", "group", "", NOW, "sam", members, b"here")
    return created(begun)


@pytest.mark.requirement("DT-14")
@given(said=authors, more=authors, begun_here=st.booleans())
def test_a_customers_own_is_the_same_wherever_it_began(
    said: list[str], more: list[str], begun_here: bool
) -> None:
    whole = loaded(decided(own_talk([*said, *more])))
    state = loaded(decided(own_talk(said), tapped()), tapped()) if begun_here else None
    state = state or loaded(decided(own_talk(said)))
    assert answered(own_talk(said), state) is None
    rest = own_talk(more, len(said), goes_on=True)
    events = decided(rest, state)
    assert not [e for e in events if isinstance(e, HandlingChanged | ConversationCreated)]
    loaded(events, state)
    assert answered(rest, state, stored=True) is None
    assert (state.last_seq, state.heard_at) == (whole.last_seq, whole.heard_at)
    assert state.waiting_since == whole.waiting_since
    assert state.handling == whole.handling
    assert set(state.cursors) == set(whole.cursors) | ({"sam"} if begun_here else set())


@given(said=authors, at=st.integers(NOW - 5_000_000, NOW))
def test_whenever_somebody_has_written_here_nothing_is_added(said: list[str], at: int) -> None:
    state = loaded(decided(own_talk(said)))
    seq = state.last_seq + 1
    evolve(state, MessageSent("customer.1", seq, at, "carla", "Hi", 0, "phone", "x", b"x"))
    for wanted in (own_talk(["carla"], 90, goes_on=True), own_talk(["carla"], 90)):
        refused = answered(wanted, state)
        assert isinstance(refused, Refusal)
        assert refused.message.startswith("'customer': ")


def test_an_id_that_was_stored_as_something_else_is_not_known() -> None:
    wanted = own_talk(["carla", "sam"])
    one = asked(wanted, stored=True)
    half = msgspec.structs.replace(one, stored=dict(list(one.stored.items())[:1]))
    other = msgspec.structs.replace(one, stored=dict.fromkeys(one.stored, b"other"))
    for command in (half, other):
        refused = decide_import(None, command, pawsome(), Limits(), NOW)
        assert isinstance(refused, Refusal)
        assert "'messages'" in refused.message
