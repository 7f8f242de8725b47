"""What actors need of the world; `server` plugs the real ones in."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from actors.actor import Storing
from domain.accounts import Account, Link
from domain.attachments import Uploaded
from domain.business import Business, Seers
from domain.conversation import Conversation, Entry, Sent, SentKey
from domain.erasure import Titled
from domain.events import ConversationEvent, Event, Person, ReceiptsAdvanced
from domain.note_events import Note
from domain.record_events import HoldKind
from domain.routing import CustomerFacts

Clock = Callable[[], int]
"""Now, in milliseconds since 1970 UTC."""


class Journal(Protocol):
    """Stores events durably, in order."""

    async def begin(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> Storing:
        """As `append`, without waiting for the disk: what it returns tells how it ended.

        Waits only for room. Raises `domain.errors.StorageFailed` where it cannot begin.
        """
        ...

    async def append(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> None:
        """Store ``events`` in one transaction; return once they are synced and released.

        ``release`` is called with the revision of the first (the others follow by one), in commit
        order among all appends and without a checkpoint. Raises `domain.errors.AlreadySent` or
        `domain.errors.StorageFailed`: then nothing was stored.
        """
        ...


class ConversationStore(Protocol):
    """What a conversation actor reads."""

    async def conversation(self, business: Business, conversation: str) -> Conversation | None:
        """The stored state, or ``None`` if there is no such conversation."""
        ...

    async def entry(self, business: Business, conversation: str, seq: int) -> Entry | None:
        """One place of the log."""
        ...

    async def authors(
        self, business: Business, conversation: str, first: int, last: int
    ) -> set[str]:
        """Who wrote the entries ``first`` to ``last``."""
        ...

    async def sent(self, business: Business, keys: Sequence[SentKey]) -> dict[SentKey, Sent]:
        """Those of ``keys`` that name a stored message, in whatever conversation."""
        ...

    async def uploaded(
        self, business: Business, person: str, attachments: Sequence[str]
    ) -> tuple[Uploaded, ...]:
        """Those of ``attachments`` that ``person`` has uploaded."""
        ...

    async def seers(self, business: Business, person: str) -> Seers:
        """Who may know of ``person``, who owns nothing."""
        ...

    async def people(self, business: Business, people: Iterable[str]) -> tuple[Person, ...]:
        """Those of ``people`` who exist."""
        ...

    async def note(self, business: Business, conversation: str, note: str) -> Note | None:
        """A note of the conversation, or ``None``: there is none of that id."""
        ...

    async def marked(self, business: Business, conversation: str, person: str) -> bool:
        """Whether ``person`` has marked the conversation as unread."""
        ...

    async def customer_facts(
        self, business: Business, customer: str, now: int
    ) -> tuple[CustomerFacts, int]:
        """By what a customer's message is routed at ``now``, and until when that holds (ms)."""
        ...


class AccountStore(Protocol):
    """What the desk reads of accounts."""

    async def account(self, business: Business, person: str) -> Account | None:
        """How ``person`` signs in, or ``None``: they have no account."""
        ...

    async def email_taken(self, business: Business, email_key: str, person: str) -> bool:
        """Whether somebody else of the business signs in with this address."""
        ...

    async def sign_in_link(self, link_hash: bytes) -> Link | None:
        """The one-time link of this hash, of whatever business."""
        ...


class DeskStore(ConversationStore, AccountStore, Protocol):
    """What the desk reads."""

    async def hold(self, business: Business, kind: HoldKind, id_: str) -> tuple[bool, bool]:
        """Whether there is such a person or conversation, and whether it is on hold."""
        ...

    async def covered(self, business: Business, person: str) -> bool:
        """Whether a legal hold covers ``person``, or something that they said."""
        ...

    async def titled(self, business: Business, person: str) -> tuple[Titled, ...]:
        """The conversations with a title that ``person`` began, or is or was in."""
        ...


class Publisher(Protocol):
    """Shows live connections what has been stored. Never waits."""

    def publish(
        self,
        business: Business,
        revision: int,
        event: ConversationEvent,
        audience: Sequence[str],
        origins: Collection[int],
        late: Collection[str] = (),
        places: Sequence[str] = (),
    ) -> None:
        """Show ``event`` to ``audience``, the owners and who works at ``places``.

        But not to connections ``origins``.

        Customers of ``late`` came after what it changes, and do not see it. Not for receipts.
        """
        ...

    def receipts(
        self,
        business: Business,
        revision: int,
        event: ReceiptsAdvanced,
        authors: Collection[str],
        origins: Collection[int],
        team: Sequence[str],
    ) -> None:
        """Show receipts to ``authors``, to all of whom each is told what they may see.

        But not to connections ``origins``. ``team`` hears how far the team has read.
        """
        ...

    def typing(
        self,
        business: Business,
        conversation: str,
        person: str,
        active: bool,
        audience: Sequence[str],
        origin: int,
        places: Sequence[str] = (),
    ) -> None:
        """Show that ``person`` types; may be dropped."""
        ...

    def present(self, business: Business, people: Iterable[str]) -> tuple[str, ...]:
        """Those of ``people`` who are connected now, sorted."""
        ...

    def flush(self) -> None:
        """Write what has been answered and shown; the journal does so after each commit."""
        ...
