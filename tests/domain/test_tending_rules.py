"""What becomes of a conversation by itself where nothing was said for days (EX-28)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.business import Business
from domain.commands import Tend
from domain.conversation import Conversation
from domain.events import Handling
from domain.locations import Location
from domain.tending import decide_tend

pytestmark = [pytest.mark.requirement("EX-28")]

DAY = 86_400_000
NOW = 400 * DAY
PLACES = ("a", "b", "c")

SO_LONG = {"a": 3, "b": 30, "c": 365}

days = st.fixed_dictionaries(dict.fromkeys(PLACES, st.sampled_from([0, 1, 2, 30, 365])))
placed = st.lists(st.sampled_from(PLACES), unique=True).map(sorted).map(tuple)
ages = st.sampled_from([0, 1, 2, 29, 30, 31, 364, 365, 366])


@example(days=SO_LONG, places=("a", "b"), status="open", waits=False, age=30, short=0, known=(5, 1))
@example(days=SO_LONG, places=("a", "b"), status="open", waits=False, age=30, short=1, known=(5, 1))
@example(days=SO_LONG, places=("a", "b"), status="open", waits=True, age=31, short=0, known=(5, 1))
@example(days=SO_LONG, places=("a",), status="snoozed", waits=False, age=30, short=0, known=(5, 1))
@example(days=SO_LONG, places=("a",), status="closed", waits=False, age=30, short=0, known=(5, 1))
@example(days=SO_LONG, places=("a",), status="open", waits=False, age=30, short=0, known=(4, 1))
@example(days=SO_LONG, places=("a",), status="open", waits=False, age=30, short=0, known=(0, 0))
@example(days=SO_LONG, places=(), status="open", waits=False, age=366, short=0, known=(5, 1))
@example(
    days={**SO_LONG, "a": 0},
    places=("a", "b"),
    status="open",
    waits=False,
    age=31,
    short=0,
    known=(5, 1),
)
@given(
    days=days,
    places=placed,
    status=st.sampled_from(["open", "snoozed", "closed"]),
    waits=st.booleans(),
    age=ages,
    short=st.sampled_from([0, 1]),
    known=st.sampled_from([(0, 0), (4, 1), (5, 1)]),
)
def test_what_all_of_its_locations_would_close_is_closed(
    days: dict[str, int],
    places: tuple[str, ...],
    status: str,
    waits: bool,
    age: int,
    short: int,
    known: tuple[int, int],
) -> None:
    """Exactly then, and nothing else of it changes. ``short``: a millisecond is missing."""
    locations = {
        id_: Location(id=id_, name=id_, time_zone="UTC", auto_close_days=n)
        for id_, n in days.items()
    }
    business = Business("pawsome", 1, "Pawsome", locations=locations)
    handling = Handling(places, status, NOW + DAY if status == "snoozed" else 0)
    since = NOW - age * DAY if waits else 0
    state = Conversation(
        "rex", "group", "Rex", {}, last_seq=5, handling=handling, waiting_since=since
    )
    last_seq, was_looked_up = known
    last_at = (NOW - age * DAY + short) * was_looked_up
    found = decide_tend(state, business, Tend(last_seq=last_seq, last_at=last_at), NOW)

    would = [days[place] > 0 and (age, -short) >= (days[place], 0) for place in places]
    due = status == "open" and not waits and last_seq == 5 and bool(places) and all(would)
    assert (found is not None) == due
    if found is not None:
        assert (found.author, found.kind, found.at) == ("@business", "auto_closed", NOW)
        assert (found.handling.status, found.handling.locations) == ("closed", places)
        assert (found.came, found.left, found.waiting_since) == ((), (), 0)
