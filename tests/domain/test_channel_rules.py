"""On which channel a conversation is: told by what was said, and again by looking back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.channels import APP, Channel
from domain.commands import Announce, Send, Speaker
from domain.conversation import Conversation, decide_send, evolve
from domain.events import ConversationCreated, MessageSent
from domain.imported import ImportedConversation, ImportedMessage
from domain.imports import decide_import
from domain.limits import Limits
from domain.roles import Role
from tests.domain.test_import_rules import NOW, PEOPLE, asked, loaded, pawsome

pytestmark = [pytest.mark.requirement("EX-21"), pytest.mark.requirement("EX-41")]

authors = st.sampled_from(["carla", "sam", "olivia"])
there = st.lists(st.tuples(authors, st.sampled_from(list(Channel))), min_size=1, max_size=6)
here = st.lists(st.sampled_from(["carla", "sam", "@business"]), max_size=4)
Said = list[tuple[str, Channel]]


def imported(said: Said) -> ImportedConversation:
    messages = tuple(
        ImportedMessage(f"m{n}", author, "Hm", NOW - 10_000 + n, channel)
        for n, (author, channel) in enumerate(said)
    )
    return ImportedConversation("old", "Rex", ("carla", "sam"), messages)


def written(state: Conversation, who: str, number: int) -> MessageSent:
    role = Role.OWNER if who == "@business" else PEOPLE[who].role
    speaker = Speaker(who, who, role, "phone")
    command = Send(speaker, f"here-{number}", "Hm")
    if who == "@business":
        command = Announce(speaker, f"here-{number}", "Hm", location="main")
    event = decide_send(state, command, {}, Limits(), NOW + number)
    assert isinstance(event, MessageSent)
    return event


def last_of_customers(said: Said) -> Channel:
    return next((channel for who, channel in reversed(said) if who == "carla"), APP)


@given(said=there, more=here)
def test_a_conversation_is_on_the_channel_on_which_a_customer_wrote_last(
    said: Said, more: list[str]
) -> None:
    events = decide_import(None, asked(imported(said)), pawsome(), Limits(), NOW)
    assert isinstance(events, tuple)
    assert isinstance(events[0], ConversationCreated)
    state = loaded(events)
    assert state.channel is last_of_customers(said)
    told = [event for event in events if isinstance(event, MessageSent)]
    for number, who in enumerate(more):
        event = written(state, who, number)
        evolve(state, event)
        told.append(event)
        said = [*said, (who, APP)]
        assert state.channel is last_of_customers(said)
    for number, (event, (_, channel)) in enumerate(zip(told, said, strict=True)):
        before, after = (last_of_customers(said[:n]) for n in (number, number + 1))
        if channel is APP and before is after:
            assert event.channels is None
        else:
            assert event.channels is not None
            assert (event.channels.said, event.channels.conversation) == (channel, after)
