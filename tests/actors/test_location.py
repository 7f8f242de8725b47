"""The location actor: who is logged in there, each once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.envelope import Envelope
from actors.location import (
    AllWhoAreIn,
    LocationActor,
    LocationMessage,
    LoggedIn,
    LoggedOut,
    WhoIsIn,
)


async def receive(actor: LocationActor, *messages: LocationMessage) -> list[object]:
    answers: list[object] = []
    await actor.receive([Envelope(message, answers.append) for message in messages])
    assert len(answers) == len(messages)
    return answers


async def test_several_sessions_of_one_person_count_once() -> None:
    actor = LocationActor()
    answers = await receive(
        actor,
        LoggedIn("sam", 1),
        LoggedIn("zoe", 2),
        LoggedIn("sam", 3),
        WhoIsIn(),
        LoggedOut("sam", 1),
        WhoIsIn(),
        LoggedOut("sam", 3),
        WhoIsIn(),
    )
    assert [a for a in answers if a is not None] == [("sam", "zoe"), ("sam", "zoe"), ("zoe",)]


async def test_a_restart_takes_up_the_sessions_that_live() -> None:
    actor = LocationActor({1: "sam", 2: "zoe"})
    assert await receive(actor, LoggedIn("sam", 1), WhoIsIn()) == [None, ("sam", "zoe")]


async def test_a_roll_call_mends_what_was_not_heard() -> None:
    actor = LocationActor({1: "sam", 2: "zoe"})
    answers = await receive(actor, AllWhoAreIn({2: "zoe", 3: "mary"}), WhoIsIn())
    assert answers == [None, ("mary", "zoe")]


async def test_who_was_never_there_can_leave() -> None:
    assert await receive(LocationActor(), LoggedOut("sam", 9), WhoIsIn()) == [None, ()]


happened = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["sam", "zoe", "mary"]), st.integers(1, 3)),
    max_size=30,
)


@pytest.mark.parametrize("batch", [1, 7])
@given(events=happened)
async def test_who_is_in_is_who_has_a_session(
    batch: int, events: list[tuple[bool, str, int]]
) -> None:
    actor, sessions = LocationActor(), dict[int, str]()
    messages: list[LocationMessage] = []
    for comes, person, number in events:
        session = number + 10 * len(person)  # a session is of one person
        if comes:
            messages.append(LoggedIn(person, session))
            sessions[session] = person
        else:
            messages.append(LoggedOut(person, session))
            sessions.pop(session, None)
    for start in range(0, len(messages), batch):
        await receive(actor, *messages[start : start + batch])
    [present] = await receive(actor, WhoIsIn())
    assert present == tuple(sorted(set(sessions.values())))
