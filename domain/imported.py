"""What an import says of a conversation of before, as it was given."""

import msgspec

from domain.channels import Channel


class ImportedMessage(msgspec.Struct, frozen=True):
    """``at``: when it was said, in milliseconds since 1970 UTC. ``channel``: where, if not in the
    app: `UNSET` is no part of the digest, see below."""

    id: str
    author: str
    text: str
    at: int
    channel: Channel | msgspec.UnsetType = msgspec.UNSET


class Placing(msgspec.Struct, frozen=True):
    """Where a conversation is placed, and how the team deals with it. ``assignee`` ``""``: nobody;
    ``snoozed_until`` 0: it is not."""

    location: str
    assignee: str = ""
    closed: bool = False
    snoozed_until: int = 0


class ImportedConversation(msgspec.Struct, frozen=True):
    """All of it, or with ``goes_on`` what follows what was imported of it before.

    ``customer``: whose own conversation it is, who is among ``people`` then. What is ``UNSET`` is
    no part of the digest: of what was imported before there was such a field.
    """

    conversation: str
    title: str
    people: tuple[str, ...]
    messages: tuple[ImportedMessage, ...]
    goes_on: bool = False
    waiting: bool | msgspec.UnsetType = msgspec.UNSET
    placing: Placing | msgspec.UnsetType = msgspec.UNSET
    customer: str | msgspec.UnsetType = msgspec.UNSET

    def named(self) -> frozenset[str]:
        """Whoever is in it, or said something, and whose own it is."""
        own = () if self.customer is msgspec.UNSET else (self.customer,)
        return frozenset((*own, *self.people, *(message.author for message in self.messages)))
