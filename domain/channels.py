"""On which channel something was said, and on which a conversation is answered.

Rules
1. What is said over Deskbell's own wire is said in the app. Only what is imported may have been
   said elsewhere (EX-41).
2. A conversation is on the channel on which a customer wrote last: there an answer is expected.
   Where no customer has written, that is the app. What the team says moves it nowhere.
"""

from enum import StrEnum

import msgspec

from domain.roles import Role


class Channel(StrEnum):
    """A way in on which a message was written."""

    APP = "app"
    TEXT = "text"
    EMAIL = "email"


APP = Channel.APP
"""As nearly all is."""


class Channels(msgspec.Struct, frozen=True):
    """On which a message was said, and on which its conversation is once it is."""

    said: Channel
    conversation: Channel


def channels(before: Channel, said: Channel, role: Role) -> Channels | None:
    """What a message is to say of channels, by the role of its author; ``None``: nothing, for it
    is said in the app, and leaves the conversation on the channel ``before``.
    """
    after = said if role is Role.CUSTOMER else before
    return None if said is APP and after is before else Channels(said, after)
