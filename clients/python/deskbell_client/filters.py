"""What narrows a list of conversations, or a search."""

from typing import Literal, TypedDict

Status = Literal["open", "snoozed", "closed"]
"""How a conversation is handled."""

Channel = Literal["app", "text", "email"]
"""On which something was said."""


class ConversationFilter(TypedDict, total=False):
    """Which conversations: all that is said of them holds.

    All but ``unread`` is for the team alone. ``channel``: on which a customer wrote last.
    """

    location: str
    status: Status
    assignee: str
    unassigned: bool
    waiting: bool
    unread: bool
    channel: Channel


class SearchFilter(TypedDict, total=False):
    """What narrows a search.

    ``author`` said it, in a ``conversation``, and one that ``person`` is or was in. ``location``
    and ``status``: where its conversation is and how, for the team alone. ``channel``: on which it
    was said. ``attachments``: only what has some. ``since`` and ``until``: times, both inclusive.
    ``before``: the ``next`` of the page before. ``limit``: 1 to 50, else 20.
    """

    conversation: str
    author: str
    person: str
    location: str
    status: Status
    channel: Channel
    attachments: bool
    since: int
    until: int
    before: str
    limit: int
